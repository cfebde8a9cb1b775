"""Reading a file by its mapping: all that is wrong with the file comes before the first row."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from cdp.intake.importing.columns import places
from cdp.intake.importing.converting import convert
from cdp.intake.importing.lines import script_of
from cdp.intake.importing.mapping import Mapping
from cdp.intake.importing.objects import json_objects, ndjson_objects, object_columns, picked
from cdp.intake.importing.opening import Limits, State, check_whole, format_of, unchanged
from cdp.intake.importing.rows import ImportRow, RawRow, Rejected
from cdp.intake.importing.sheets import csv_header, csv_records, rows_of


def read(path: Path, mapping: Mapping, *, limits: Limits | None = None) -> Iterator[ImportRow | Rejected]:
    """The rows of `path`, in order, each taken or rejected; CSV, NDJSON and Parquet in constant memory.

    Before this returns, the file was opened, a gzip was read to its end, its encoding was told
    and every column was found. Raises `UnknownFormat`, `UnreadableFile`, `DamagedFile`,
    `FileTooLarge`, `EncodingNeeded`, `MissingColumn`, `AmbiguousColumn`, naming the file.
    (Parquet's pages can prove damaged while they are read; that raises `DamagedFile` then, a day
    that can be read in two ways `DateFormatNeeded`, and a file that somebody writes to meanwhile
    `ChangedFile`.)
    """
    limits = limits or Limits()
    kind, packed = format_of(path)
    with unchanged(path) as state:
        if packed:
            check_whole(path, limits)
        reader = {"csv": _csv, "xlsx": _workbook, "parquet": _parquet}.get(kind, _objects)
        rows = reader(path, mapping, limits)
    return _converted(rows, path, mapping, state)


def _converted(
    rows: Iterator[RawRow], path: Path, mapping: Mapping, state: State
) -> Iterator[ImportRow | Rejected]:
    with unchanged(path, since=state):
        for row in rows:
            yield convert(row, mapping)


def _csv(path: Path, mapping: Mapping, limits: Limits) -> Iterator[RawRow]:
    script = script_of(path, limits, stated=mapping.encoding)
    header = csv_header(path, limits, script, mapping.columns, mapping.delimiter)
    found = places(mapping.columns, header.columns, file=path.name, delimiter=header.delimiter)
    return rows_of(csv_records(path, limits, script, header.delimiter or ","), header, found)


def _workbook(path: Path, mapping: Mapping, limits: Limits) -> Iterator[RawRow]:
    # Only here is a reader of workbooks needed; see that module.
    header, records = import_module("cdp.intake.importing.workbook").sheet(path, limits, mapping.columns)
    found = places(mapping.columns, header.columns, file=path.name, delimiter=None)
    return rows_of(iter(records), header, found)


def _objects(path: Path, mapping: Mapping, limits: Limits) -> Iterator[RawRow]:
    script = script_of(path, limits, stated=mapping.encoding)
    objects = json_objects if format_of(path)[0] == "json" else ndjson_objects
    names = object_columns(objects(path, limits, script), mapping.columns)
    found = places(mapping.columns, names, file=path.name, delimiter=None)
    return picked(objects(path, limits, script), {column: names[place] for column, place in found.items()})


def _parquet(path: Path, mapping: Mapping, limits: Limits) -> Iterator[RawRow]:
    # Only here is pyarrow worth its half second; see that module.
    parquet = import_module("cdp.intake.importing.parquet")
    names = parquet.parquet_columns(path, limits)
    found = places(mapping.columns, names, file=path.name, delimiter=None)
    there = {column: names[place] for column, place in found.items()}
    rows: Iterator[RawRow] = parquet.parquet_rows(path, there, limits)
    return rows
