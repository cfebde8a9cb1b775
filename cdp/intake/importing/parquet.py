"""Parquet: a file with its types, read a thousand rows at a time.

Imported only when such a file is read: pyarrow costs each process half a second and
60 MB, and the API and the worker never read one.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pyarrow
import pyarrow.parquet

from cdp.intake.importing.opening import DamagedFile, FileTooLarge, Limits, format_of, reading
from cdp.intake.importing.rows import RawRow

ROWS = 1_024
FEW = 16  # of lists and objects, whose texts the library writes out for each row
_BUFFER = 1 << 20


def parquet_columns(path: Path, limits: Limits) -> list[str]:
    """The names of the schema's columns."""
    with _opened(path, limits) as file:
        return list(file.schema_arrow.names)


def parquet_rows(path: Path, found: Mapping[str, str], limits: Limits) -> Iterator[RawRow]:
    """The file's rows, counted from 1; of each, only the columns that were found."""
    with _opened(path, limits) as file:
        line = 0
        names = sorted(set(found.values()))
        nested = any(pyarrow.types.is_nested(file.schema_arrow.field(name).type) for name in names)
        for batch in file.iter_batches(batch_size=FEW if nested else ROWS, columns=names, use_threads=False):
            values = [_values(batch.column(name)) for name in found.values()]
            for cells in zip(*values, strict=True):
                line += 1
                yield RawRow(line, dict(zip(found, cells, strict=True)))


@contextmanager
def _opened(path: Path, limits: Limits) -> Iterator[pyarrow.parquet.ParquetFile]:
    with reading(path, limits) as stream:
        source: IO[bytes] = stream
        packed = path.stat().st_size
        if format_of(path)[1]:
            # Parquet starts at its end, so a packed one must be unpacked as a whole.
            content = stream.read(limits.in_memory + 1)
            if len(content) > limits.in_memory:
                raise FileTooLarge(file=path.name, limit=limits.in_memory)
            source, packed = io.BytesIO(content), len(content)
        try:
            texts = _checked(source, packed, path.name, limits)
            with pyarrow.parquet.ParquetFile(
                source, buffer_size=_BUFFER, pre_buffer=False, read_dictionary=texts
            ) as file:
                yield file
        except (pyarrow.ArrowException, OSError):
            raise DamagedFile(file=path.name) from None


def _checked(source: IO[bytes], packed: int, name: str, limits: Limits) -> list[str]:
    """The columns of text, in a file that unpacks to no more than it may. Raises `FileTooLarge`."""
    with pyarrow.parquet.ParquetFile(source, buffer_size=_BUFFER, pre_buffer=False) as file:
        columns = [file.schema.column(index) for index in range(len(file.schema))]
        groups = [file.metadata.row_group(index) for index in range(file.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    if size > limits.content:
        raise FileTooLarge(file=name, size=size, limit=limits.content)
    if size > limits.ratio_from and size > limits.ratio * packed:
        raise FileTooLarge(file=name, ratio=limits.ratio)
    # A list that says one word a billion times is a few bytes in the file.
    longest = max(
        (
            group.column(index).num_values
            for group in groups
            for index, column in enumerate(columns)
            if column.max_repetition_level
        ),
        default=0,
    )
    if longest * 4 > limits.in_memory:
        raise FileTooLarge(file=name, limit=limits.in_memory)
    source.seek(0)
    return [one.path for one in columns if one.physical_type == "BYTE_ARRAY" and "." not in one.path]


def _values(column: pyarrow.Array) -> list[object]:
    """The column's values as Python's; one without a form there stays as it is, to be rejected later.

    A text that many rows have is one object: written out for each, ten kilobytes of a file took a
    gigabyte of memory.
    """
    if pyarrow.types.is_dictionary(column.type):
        words = _values(column.dictionary)
        return [None if at is None else words[at] for at in column.indices.to_pylist()]
    try:
        values: list[object] = column.to_pylist()
    except (ValueError, OverflowError, pyarrow.ArrowException):
        return [_value(cell) for cell in column]
    return values


def _value(cell: pyarrow.Scalar) -> object:
    try:
        value: object = cell.as_py()
    except UnicodeDecodeError:
        # The lone surrogates name the flaw to whoever looks at the value next.
        return bytes(cell.as_buffer()).decode("utf-8", "surrogateescape")
    except (ValueError, OverflowError, pyarrow.ArrowException):
        return cell
    return value
