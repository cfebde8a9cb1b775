"""Tables whose rows are cells: CSV, and what they have in common with workbooks.

The header is the first row that has every column of the mapping, so that titles above it are
passed over. Where a row has too many cells or too few, nobody knows which one is missing: what may
be a column's is all that stands between its first place and its last.
"""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from cdp.intake.importing.columns import Found, match
from cdp.intake.importing.lines import Line, Script, lines
from cdp.intake.importing.opening import Limits
from cdp.intake.importing.rows import RawRow, Reason

# A quoted value may span lines. One that spans more than this was never closed.
RECORD_LINES = 100
# Rows of title above a header.
TITLE_ROWS = 20
DELIMITERS = (",", ";", "\t", "|")


class Record(NamedTuple):
    """A row's cells with the number of its first line; `flaw` is why it cannot be taken."""

    line: int
    cells: Sequence[object]
    flaw: Reason | None = None


class Header(NamedTuple):
    """A header: its columns, the line that it is in, and what it was split by."""

    columns: list[str]
    line: int
    delimiter: str | None = None


def find_header(records: Iterator[Record], wanted: Sequence[str]) -> Header:
    """The first row that has all of `wanted`; else the one that has most of them."""
    best, most = Header([], 0), -1
    for record in islice(records, TITLE_ROWS):
        columns = ["" if cell is None else str(cell).strip() for cell in record.cells]
        having = sum(match(column, columns) != [] for column in wanted)
        if having > most and any(columns):
            best, most = Header(columns, record.line), having
        if having == len(wanted):
            break
    return best


def rows_of(records: Iterator[Record], header: Header, found: Found) -> Iterator[RawRow]:
    """The rows below the header; of each, only the columns that were found."""
    width = len(header.columns)
    while width and not header.columns[width - 1]:
        width -= 1
    places = {column: int(place) for column, place in found.items()}
    for record in records:
        if record.line <= header.line:
            continue
        cells = list(record.cells)
        given = len(cells)
        while len(cells) > width and cells[-1] in (None, ""):
            cells.pop()
        if not any(cell not in (None, "") for cell in cells):
            continue
        values = {column: cells[place] if place < len(cells) else None for column, place in places.items()}
        # Empty cells at the end, beyond the header's own, may be there because one is too many before them.
        if given in (width, len(header.columns)) and record.flaw is None:
            yield RawRow(record.line, values)
            continue
        gap = given - width
        near = {
            column: tuple(
                cells[max(0, place + min(gap, 0)) : place + max(gap, 0) + 1] if place else cells[:1]
            )
            for column, place in places.items()
        }
        flaw = record.flaw or (Reason.WRONG_NUMBER_OF_FIELDS if len(cells) > width else None)
        yield RawRow(record.line, values, near=near, flaw=flaw)


def csv_header(
    path: Path, limits: Limits, script: Script, wanted: Sequence[str], stated: str | None
) -> Header:
    """The header of a file of separated values, by the delimiter that finds most of `wanted` in it."""
    with lines(path, limits, script) as feed:
        first = next(feed, Line(1, ""))
    marked = first.text.strip().strip('"')
    if marked.lower().startswith("sep=") and len(marked) == 5:
        stated = stated or marked[4]
    tried = []
    for delimiter in (stated,) if stated else DELIMITERS:
        with lines(path, limits, script) as feed:
            header = find_header(Feed(feed, delimiter).records(), wanted)
        tried.append(header._replace(delimiter=delimiter))
    return max(
        tried,
        key=lambda one: (sum(match(column, one.columns) != [] for column in wanted), len(one.columns)),
    )


def csv_records(path: Path, limits: Limits, script: Script, delimiter: str) -> Iterator[Record]:
    """The file's records."""
    with lines(path, limits, script) as feed:
        yield from Feed(feed, delimiter).records()


class Feed(Iterator[str]):
    """Lines for Python's CSV reader, which can be taken back when a record went wrong.

    A broken line is rejected alone: after an unclosed quote, CSV is taken up again at the line
    after the quote's.
    """

    def __init__(self, feed: Iterator[Line], delimiter: str) -> None:
        self._lines = feed
        self._back: deque[Line] = deque()
        self._taken: list[Line] = []
        self._delimiter = delimiter
        self._reader = csv.reader(self, delimiter=delimiter, strict=True)

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._lines)
        self._taken.append(line)
        if not line.whole or len(self._taken) > RECORD_LINES:
            raise csv.Error
        return line.text

    def records(self) -> Iterator[Record]:
        """The records, broken ones as far as they can be read."""
        while True:
            self._taken.clear()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error:
                first, *rest = self._taken
                self._back.extendleft(reversed(rest))
                flaw = Reason.MALFORMED if first.whole else Reason.LINE_TOO_LONG
                yield Record(first.number, self._loosely(first.text), flaw)
                continue
            if cells:
                yield Record(self._taken[0].number, cells)

    def _loosely(self, text: str) -> list[str]:
        """The cells of a line that is no CSV, its quotes being letters like any other."""
        return [cell.strip().strip('"') for cell in text.rstrip("\r\n").split(self._delimiter)]
