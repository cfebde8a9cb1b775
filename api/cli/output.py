"""What a command says: one JSON document for programs, or text, tables and progress for people.

Results go to standard output, everything else to standard error. Values of people can hold
anything, so whatever could steer a terminal is shown as what it is (S8).
"""

import json
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn
from rich.table import Table
from rich.text import Text

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else.")]

NoSearch = Annotated[bool, typer.Option("--no-search", help="Without a search node; PostgreSQL is searched.")]

# Columns of output that is not a terminal: an id or a secret must never be broken in two.
WIDE = 400


def emit(document: Mapping[str, object] | Sequence[object], as_json: bool, *human: RenderableType) -> None:
    """Print `document` as JSON, or else what a person reads of it."""
    if as_json:
        sys.stdout.write(json.dumps(document, default=_plain) + "\n")
        return
    console = _console(stderr=False)
    for part in human:
        console.print(part, soft_wrap=isinstance(part, (str, Text)), markup=False, highlight=False)


def emit_rows(
    documents: Sequence[Mapping[str, object]], columns: Sequence[str], as_json: bool, *human: RenderableType
) -> None:
    """Print a list: JSON with everything, or a table of `columns` (keys of the documents)."""
    rows = [[document[column] for column in columns] for document in documents]
    emit(documents, as_json, table([column.replace("_", " ") for column in columns], rows), *human)


def note(text: str) -> None:
    """A line for a person beside the result, on standard error."""
    _console(stderr=True).print(text, soft_wrap=True, markup=False, highlight=False)


def complain(text: str) -> None:
    """The one line that says why a command failed."""
    sys.stderr.write(f"cdp: {inert(text)}\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> RenderableType:
    """Rows under headings; every cell is inert. Without rows it says so."""
    if not rows:
        return Text("(none)")
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text(_cell(cell)) for cell in row))
    return made


def facts(pairs: Mapping[str, object]) -> RenderableType:
    """Names and values, one a line."""
    made = Table(box=None, pad_edge=False, show_header=False)
    made.add_column(style="bold")
    made.add_column(overflow="fold")
    for name, value in pairs.items():
        made.add_row(Text(name), Text(_cell(value)))
    return made


def inert(text: str) -> str:
    """`text` without anything that a terminal obeys: controls, line breaks, changes of direction."""
    return "".join(
        character
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


@contextmanager
def progress(label: str, *, total: int | None, as_json: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, if a person looks on; yields what advances it."""
    console = _console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f}"),
    )
    hidden = as_json or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task(label, total=total)
        yield lambda step: bar.update(task, advance=step)


@contextmanager
def waiting(label: str) -> Iterator[None]:
    """A moving sign on standard error while something takes its time, if a person looks on."""
    console = _console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(label):
        yield


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else WIDE)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, (list, tuple, frozenset)):
        return ", ".join(_cell(one) for one in value)
    return inert(str(value))


def _plain(value: object) -> object:
    """JSON's form of what it has none for."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)
