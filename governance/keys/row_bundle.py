"""Bundles: the envelopes of one row in one column, each still to be opened alone.

`(class u8 ‖ length u32 ‖ token)*`, big-endian, classes ascending, each at most once, so that
one content has one form. The framing is not secret and not authenticated: each token is.
Held by `tests/vectors/bundle.json`.
"""

import struct
from collections.abc import Mapping

from cdp.kernel.errors import BrokenSeal
from cdp.vocabulary import FieldClass

_HEAD = struct.Struct(">BI")
_CLASSES = {cls.value: cls for cls in FieldClass}


def pack(tokens: Mapping[FieldClass, bytes]) -> bytes:
    """Frame the envelopes of one row; no envelopes make an empty bundle."""
    return b"".join([_HEAD.pack(cls, len(token)) + token for cls, token in sorted(tokens.items())])


def unpack(bundled: bytes) -> dict[FieldClass, bytes]:
    """The envelopes by class. Raises `BrokenSeal` when the framing is not what `pack` writes."""
    tokens: dict[FieldClass, bytes] = {}
    at, last, end = 0, 0, len(bundled)
    while at < end:
        if end - at < _HEAD.size:
            raise BrokenSeal
        number, length = _HEAD.unpack_from(bundled, at)
        cls = _CLASSES.get(number)
        at += _HEAD.size
        if cls is None or number <= last or length > end - at:
            raise BrokenSeal
        tokens[cls] = bundled[at : at + length]
        at, last = at + length, number
    return tokens
