"""Reading a file by its mapping: all that is wrong with the file comes before the first row."""

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from cdp.importing.lines import csv_columns, csv_rows, ndjson_columns, ndjson_rows
from cdp.importing.mapping import Mapping
from cdp.importing.opening import Limits, check_whole, format_of
from cdp.importing.rows import ImportRow, RawRow, Rejected, convert
from cdp.kernel.errors import BadInput

Columns = Callable[[Path, Limits], list[str]]
Rows = Callable[[Path, tuple[str, ...], Limits], Iterator[RawRow | Rejected]]


class MissingColumn(BadInput):
    """The mapping names a column that is not in the file; no row was read."""


class AmbiguousColumn(BadInput):
    """The mapping names a column that is in the file more than once; no row was read."""


def read(path: Path, mapping: Mapping, *, limits: Limits | None = None) -> Iterator[ImportRow | Rejected]:
    """The rows of `path`, in order, each taken or rejected; constant memory.

    Before this returns, the file was opened, a gzip was read to its end, and every column
    was found. Raises `UnknownFormat`, `UnreadableFile`, `DamagedFile`, `FileTooLarge`,
    `MissingColumn`, `AmbiguousColumn`, naming the file. (Parquet's pages can prove damaged
    while they are read; that raises `DamagedFile` then.)
    """
    limits = limits or Limits()
    kind, packed = format_of(path)
    if packed:
        check_whole(path, limits)
    columns, rows = _readers(kind)
    names = columns(path, limits)
    for column in mapping.columns:
        if column not in names:
            raise MissingColumn(field=column, file=path.name)
        if names.count(column) > 1:
            raise AmbiguousColumn(field=column, file=path.name)
    return (
        convert(row, mapping) if isinstance(row, RawRow) else row
        for row in rows(path, mapping.columns, limits)
    )


def _readers(kind: str) -> tuple[Columns, Rows]:
    if kind == "csv":
        return csv_columns, csv_rows
    if kind == "ndjson":
        return ndjson_columns, ndjson_rows
    # Only here is pyarrow worth its half second; see that module.
    parquet = import_module("cdp.importing.parquet")
    return parquet.parquet_columns, parquet.parquet_rows
