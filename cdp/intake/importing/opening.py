"""Opening a file for import: plain or gzip, never larger than allowed.

A gzip is read through once before its first row is given out: only its end tells
whether it is whole, and half a file must not be stored. Both passes are streams.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cdp.kernel.errors import BadInput, TooLarge, UnreadableFile

_CHUNK = 1 << 20


class UnknownFormat(BadInput, http=False):
    """The file's name must end in .csv, .tsv, .txt, .json, .ndjson, .jsonl, .xlsx or .parquet, or so .gz."""


class DamagedFile(BadInput, http=False):
    """The file is cut off or damaged."""


class ChangedFile(BadInput, http=False):
    """The file was changed while it was read, and nothing of it is stored; import it once it is whole."""


class FileTooLarge(TooLarge, http=False):
    """The file is larger than allowed, or its gzip unpacks to far more than real data would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a file is read, in bytes of decompressed content.

    `ratio` bounds decompressed to compressed size from `ratio_from` bytes on: records of
    people pack 3 to 20 times, a bomb up to 1,032 times. `in_memory` bounds what must be
    held in memory: a JSON array, a workbook, a Parquet file in gzip. A `line` that is longer is
    rejected; up to `heard` bytes it is read all the same, for the no that may stand in it.
    """

    content: int = 4 << 30
    ratio: int = 200
    ratio_from: int = 8 << 20
    in_memory: int = 64 << 20
    line: int = 64 << 10
    heard: int = 1 << 20


_KINDS = {
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt"), "csv"),
    **dict.fromkeys((".ndjson", ".jsonl"), "ndjson"),
    ".json": "json",
    ".xlsx": "xlsx",
    ".parquet": "parquet",
}


def format_of(path: Path) -> tuple[str, bool]:
    """(csv | json | ndjson | xlsx | parquet, whether in gzip) by the file's name. Raises `UnknownFormat`."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = bool(suffixes) and suffixes[-1] == ".gz"
    last = suffixes[-2 if packed else -1 :][:1]
    if not last or last[0] not in _KINDS:
        raise UnknownFormat(file=path.name)
    return _KINDS[last[0]], packed


@contextmanager
def reading(path: Path, limits: Limits) -> Iterator[BinaryIO]:
    """The file's decompressed bytes as a stream.

    Raises `UnreadableFile`, `DamagedFile` or `FileTooLarge`, naming the file, also from
    within the block.
    """
    try:
        with path.open("rb") as file:
            if format_of(path)[1]:
                with gzip.GzipFile(fileobj=file) as plain:
                    yield io.BufferedReader(_Counted(plain, file, path.name, limits), _CHUNK)
            else:
                size = path.stat().st_size
                if size > limits.content:
                    raise FileTooLarge(file=path.name, size=size, limit=limits.content)
                yield file
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise DamagedFile(file=path.name) from None
    except OSError:
        raise UnreadableFile(file=path.name) from None


State = tuple[int, int, int]  # which file it is, its size, and when it was last written to


@contextmanager
def unchanged(path: Path, since: State | None = None) -> Iterator[State]:
    """Raise `ChangedFile` if the file becomes another, or is written to, in the block or `since` before.

    A file that is cut off meanwhile just ends, so that its last rows would be missing in silence; and
    whatever else goes wrong with one that is being written to goes wrong because of that.
    """
    before = since or _state(path)
    try:
        yield before
    except Exception:
        if _state(path) != before:
            raise ChangedFile(file=path.name) from None
        raise
    if _state(path) != before:
        raise ChangedFile(file=path.name)


def _state(path: Path) -> State:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_size, found.st_mtime_ns


def check_whole(path: Path, limits: Limits) -> None:
    """Read a gzip to its end, keeping nothing. Raises as `reading` does."""
    with reading(path, limits) as stream:
        if path.stat().st_size == 0:
            raise DamagedFile(file=path.name)
        while stream.read(_CHUNK):
            pass


class _Counted(io.RawIOBase):
    """The output of a gzip, refusing to go on when it outgrows its limits."""

    def __init__(self, plain: gzip.GzipFile, packed: BinaryIO, name: str, limits: Limits) -> None:
        self._plain = plain
        self._packed = packed
        self._name = name
        self._limits = limits
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer`; the number of bytes, 0 at the end."""
        data = self._plain.read1(len(buffer))
        self._count += len(data)
        limits = self._limits
        if self._count > limits.content:
            raise FileTooLarge(file=self._name, limit=limits.content)
        if self._count > limits.ratio_from and self._count > limits.ratio * self._packed.tell():
            raise FileTooLarge(file=self._name, ratio=limits.ratio)
        buffer[: len(data)] = data
        return len(data)
