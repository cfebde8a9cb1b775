"""Lists as binary arrays, packed column by column where psycopg would pack value by value.

Bulk writes send whole columns, and a call for each value took a tenth of the worker's time.
What comes out is byte for byte what psycopg's own dumper makes
(`tests/unit/cdp/test_kernel_arrays.py`); whatever is not a flat list of one of these types goes to it.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from struct import Struct
from typing import Any
from uuid import UUID

from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap
from psycopg.types.array import ListBinaryDumper, ListDumper

_pack_head = Struct("!IIIII").pack  # dimensions, has nulls, oid of the elements, length, lower bound
_pack_length = Struct("!I").pack
_pack_float = Struct("!d").pack
_NULL = b"\xff\xff\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_WIDTHS = {21: 2, 23: 4, 20: 8}  # bytes of int2, int4, int8, by oid


def _uuids(values: Sequence[UUID], _: int) -> list[bytes]:
    return [value.int.to_bytes(16, "big") for value in values]


def _integers(values: Sequence[int], oid: int) -> list[bytes]:
    width = _WIDTHS[oid]
    return [value.to_bytes(width, "big", signed=True) for value in values]


def _truths(values: Sequence[bool], _: int) -> list[bytes]:
    return [b"\x01" if value else b"\x00" for value in values]


def _floats(values: Sequence[float], _: int) -> list[bytes]:
    return [_pack_float(value) for value in values]


def _texts(values: Sequence[str], _: int) -> list[bytes]:
    # A column of text holds words of ours, few of them and often repeated.
    known = {value: value.encode() for value in set(values)}
    return [known[value] for value in values]


def _octets(values: list[bytes], _: int) -> list[bytes]:
    return values


def _instants(values: Sequence[datetime], _: int) -> list[bytes]:
    # The messages of one request were received at one instant.
    known = {value: _microseconds(value) for value in set(values)}
    return [known[value] for value in values]


def _microseconds(value: datetime) -> bytes:
    since = value - _EPOCH
    count = since.microseconds + 1_000_000 * (86_400 * since.days + since.seconds)
    return count.to_bytes(8, "big", signed=True)


# By the type of the elements and by the oid that psycopg chose for them: the packer, and whether
# all that it packs is of one length.
_PACKERS: dict[tuple[type, int], tuple[Callable[[Any, int], list[bytes]], bool]] = {
    (UUID, 2950): (_uuids, True),
    (int, 21): (_integers, True),
    (int, 23): (_integers, True),
    (int, 20): (_integers, True),
    (bool, 16): (_truths, True),
    (float, 701): (_floats, True),
    (datetime, 1184): (_instants, True),
    (str, 25): (_texts, False),
    (bytes, 17): (_octets, False),
}


class ColumnDumper(ListBinaryDumper):
    """Packs a flat list of one type at once."""

    def dump(self, obj: list[Any]) -> Buffer | None:
        """The array's binary form; what is not known here is psycopg's to dump."""
        kinds = set(map(type, obj))
        nulls = type(None) in kinds
        kinds.discard(type(None))
        if len(kinds) != 1 or self.sub_dumper is None:
            return super().dump(obj)
        oid = self.sub_dumper.oid
        kind = kinds.pop()
        # A word of a vocabulary is the text that it stands for.
        packer, fixed = _PACKERS.get((str if issubclass(kind, StrEnum) else kind, oid), (None, False))
        if packer is None:
            return super().dump(obj)
        head = _pack_head(1, nulls, oid, len(obj), 1)
        if nulls:
            packed = iter(packer([value for value in obj if value is not None], oid))
            return head + b"".join([_NULL if value is None else _sized(next(packed)) for value in obj])
        values = packer(obj, oid)
        if fixed:
            return head + _pack_length(len(values[0])).join([b"", *values])
        # Joined once: a copy of each value on the way is a copy of each request that was accepted.
        lengths = map(_pack_length, map(len, values))
        return b"".join([head, *chain.from_iterable(zip(lengths, values, strict=True))])


def _sized(value: bytes) -> bytes:
    return _pack_length(len(value)) + value


def register(adapters: AdaptersMap) -> None:
    """Use `ColumnDumper` for the lists of `%b` in these adapters."""
    adapters.register_dumper(list, ColumnDumper)
    # The last one registered is that of `%s`, which stays as it was: text, whose types the server
    # may still choose.
    adapters.register_dumper(list, ListDumper)
