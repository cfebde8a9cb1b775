"""CSV and NDJSON: lines of text, of which some may be broken.

A broken line is rejected with its number and costs no other line: after an unclosed
quote, CSV is taken up again at the line after the quote's.
"""

import csv
from codecs import BOM_UTF8
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from cdp.importing.opening import Limits, reading
from cdp.importing.rows import RawRow, Reason, Rejected

# A quoted value may span lines. One that spans more than this was never closed.
RECORD_LINES = 100
# How much of an NDJSON file is looked at to learn its columns, since it has no header.
SAMPLE_LINES = 1_000

Line = tuple[int, bytes | None]  # its number from 1, and its bytes; None: it is too long


def csv_columns(path: Path, limits: Limits) -> list[str]:
    """The header's columns, empty for an empty file."""
    with reading(path, limits) as stream:
        return _header(_Feed(_lines(stream, limits)))


def csv_rows(path: Path, columns: tuple[str, ...], limits: Limits) -> Iterator[RawRow | Rejected]:
    """The rows below the header; of each, only `columns`."""
    with reading(path, limits) as stream:
        feed = _Feed(_lines(stream, limits))
        header = _header(feed)
        places = {column: header.index(column) for column in columns}
        for record in feed.records():
            if isinstance(record, Rejected):
                yield record
            elif len(record[1]) != len(header):
                yield Rejected(record[0], None, Reason.WRONG_NUMBER_OF_FIELDS)
            else:
                line, cells = record
                yield RawRow(line, {column: cells[place] for column, place in places.items()})


def ndjson_columns(path: Path, limits: Limits) -> list[str]:
    """The keys seen in the first thousand lines."""
    seen: dict[str, None] = {}
    with reading(path, limits) as stream:
        for line in _lines(stream, limits):
            if line[0] > SAMPLE_LINES:
                break
            row = _object(line)
            if isinstance(row, RawRow):
                seen.update(dict.fromkeys(row.values))
    return list(seen)


def ndjson_rows(path: Path, columns: tuple[str, ...], limits: Limits) -> Iterator[RawRow | Rejected]:
    """One row a line; of each, only `columns`. Empty lines are passed over."""
    with reading(path, limits) as stream:
        for line in _lines(stream, limits):
            row = _object(line)
            if isinstance(row, RawRow):
                yield RawRow(row.line, {column: row.values.get(column) for column in columns})
            elif row is not None:
                yield row


def _object(line: Line) -> RawRow | Rejected | None:
    number, data = line
    if data is None:
        return Rejected(number, None, Reason.LINE_TOO_LONG)
    if not data.strip():
        return None
    try:
        value = msgspec.json.decode(data)
    except UnicodeDecodeError:
        return Rejected(number, None, Reason.INVALID_UTF8)
    except (ValueError, RecursionError):
        return Rejected(number, None, Reason.NOT_JSON)
    if not isinstance(value, dict):
        return Rejected(number, None, Reason.NOT_AN_OBJECT)
    return RawRow(number, value)


def _lines(stream: BinaryIO, limits: Limits) -> Iterator[Line]:
    number = 0
    while data := stream.readline(limits.line + 1):
        number += 1
        if number == 1:
            # Before anything reads the line: to CSV a quote after the mark would not be at the start
            # of its field, and to JSON the mark is no space.
            data = data.removeprefix(BOM_UTF8)
        if len(data) <= limits.line:
            yield number, data
            continue
        while data and not data.endswith(b"\n"):
            data = stream.readline(limits.line)
        yield number, None


class _Feed(Iterator[str]):
    """Lines for Python's CSV reader, which can be taken back when a record went wrong."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._back: deque[Line] = deque()
        self._taken: list[Line] = []
        self._reader = csv.reader(self, strict=True)

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._lines)
        self._taken.append(line)
        if line[1] is None or len(self._taken) > RECORD_LINES:
            raise csv.Error
        # Bytes that are not UTF-8 become lone surrogates, so that the field can be named.
        return line[1].decode("utf-8", "surrogateescape")

    def records(self) -> Iterator[tuple[int, list[str]] | Rejected]:
        """The records with the number of their first line; a broken line is rejected alone."""
        while True:
            self._taken.clear()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error:
                (first, data), *rest = self._taken
                self._back.extendleft(reversed(rest))
                yield Rejected(first, None, Reason.MALFORMED if data is not None else Reason.LINE_TOO_LONG)
                continue
            if cells:
                yield self._taken[0][0], cells


def _header(feed: _Feed) -> list[str]:
    record = next(feed.records(), None)
    if record is None or isinstance(record, Rejected):
        return []
    return [cell.strip() for cell in record[1]]
