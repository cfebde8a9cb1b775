"""Lines of text, whatever their encoding and their ends; and what a file's first lines tell.

A line that cannot be taken costs no other line. It is given on as far as it can be read,
for the no that may stand in it.
"""

import io
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cdp.intake.importing.encoding import Recoded, told
from cdp.intake.importing.opening import Limits, reading

_LOOKED_AT = 64 << 10


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its number from 1; `whole` is False for one that is too long, which may be cut."""

    number: int
    text: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Script:
    """How a file of text is written."""

    encoding: str
    returns: bool  # its lines end in a carriage return alone


def script_of(path: Path, limits: Limits, *, stated: str | None) -> Script:
    """How the file is written; it is read through once. Raises `EncodingNeeded`."""
    with reading(path, limits) as stream:
        encoding = told(stream, stated=stated, file=path.name)
    with reading(path, limits) as stream:
        head = stream.read(_LOOKED_AT)
    return Script(encoding, b"\n" not in head and b"\r" in head)


@contextmanager
def lines(path: Path, limits: Limits, script: Script) -> Iterator[Iterator[Line]]:
    """The file's lines. Bytes that are none of its encoding become lone surrogates, so that they are seen."""
    with reading(path, limits) as stream:
        utf_16 = script.encoding if script.encoding.startswith("utf-16") else None
        source: BinaryIO = stream
        if utf_16 or script.returns:
            recoded = Recoded(stream, utf_16=utf_16, returns=script.returns)
            source = io.BufferedReader(recoded, 1 << 20)
        yield _lines(source, limits, "utf-8" if utf_16 else script.encoding)


def _lines(stream: BinaryIO, limits: Limits, encoding: str) -> Iterator[Line]:
    number = 0
    while data := stream.readline(limits.heard):
        number += 1
        if number == 1:
            # Before anything reads the line: to CSV a quote after the mark would not be at the start
            # of its field, and to JSON the mark is no space.
            for mark in (BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE):
                data = data.removeprefix(mark)
        more = data
        while more and not more.endswith(b"\n"):
            more = stream.readline(limits.heard)
        yield Line(number, data.decode(encoding, "surrogateescape"), len(data) <= limits.line)
