"""`cdp detect`: what the detector finds in a file, line by line; nothing is stored."""

import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from api.cli.exits import Exit
from api.cli.output import Json, complain, emit
from cdp.kernel.errors import UnreadableFile
from cdp.vocabulary import Find
from governance.detection import config
from governance.detection.scanner import Scanner


class Language(StrEnum):
    """Languages that the detector has layers for."""

    EN = "en"
    ZH = "zh"


def detect(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A text file, or - for standard input.")],
    language: Annotated[Language, typer.Option(help="Which layers look at it.")] = Language.EN,
    region: Annotated[
        list[str] | None,
        typer.Option(help="A country (ISO 3166-1) whose national numbers are at home there."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Find personal data in a text file; one answer a line, with places in the line as given.

    With --json each line of output is a list of finds, or null for a line that could not be
    scanned; then the exit code is 1. Nothing is stored or sent.
    """
    chosen = config.load()
    unscanned = 0
    with Scanner(chosen) as scanner:
        number = 0
        lines = _lines(file)
        while batch := list(islice(lines, chosen.limits.texts)):
            for found in scanner.scan(batch, language.value, region or ()):
                number += 1
                unscanned += isinstance(found, str)
                _say(number, found, as_json)
    if unscanned:
        complain(f"{unscanned} lines could not be scanned; nothing is known of them.")
        raise typer.Exit(Exit.FAILED)


def _lines(file: str) -> Iterator[str]:
    """The lines without their ends; bytes that are no UTF-8 count one character each."""
    try:
        stream = sys.stdin.buffer if file == "-" else Path(file).open("rb")  # noqa: SIM115
        with stream:
            for line in stream:
                yield line.decode("utf-8", "surrogateescape").rstrip("\r\n")
    except OSError:
        raise UnreadableFile(field="file") from None


def _say(number: int, found: list[Find] | str, as_json: bool) -> None:
    if as_json:
        document = None if isinstance(found, str) else [_document(one) for one in found]
        sys.stdout.write(json.dumps(document) + "\n")
        return
    if isinstance(found, str):
        emit({}, False, Text(f"{number}: not scanned ({found})"))
        return
    for one in found:
        emit({}, False, Text(f"{number}: {one.start}-{one.end} {one.entity} {one.score} ({one.layer})"))


def _document(find: Find) -> dict[str, object]:
    return {
        "entity": find.entity,
        "start": find.start,
        "end": find.end,
        "score": find.score,
        "layer": find.layer,
    }
