"""Whether a decoded JSON value is fit to keep: text, numbers, depth and keys."""

import math
from collections.abc import Mapping

from cdp.intake.collection.message import Reason

DEPTH = 32
KEYS = 1_000
# RFC 7493 (I-JSON): beyond this, readers of JSON disagree about an integer's value,
# and the canonical form that is sealed (RFC 8785) has no word for it.
INTEGER = 2**53 - 1
# Shows where a number of 16 digits starts, many times faster than a regular expression.
_SHAPES = bytes.maketrans(b"123456789,[- \t\r\n", b"0" * 9 + b":" * 7)
_LONG_NUMBER = b":" + b"0" * 16


class Flaw(Exception):
    """An item's flaw on its way to becoming `Invalid`; `field` is a name of ours."""

    def __init__(self, reason: Reason, field: str | None) -> None:
        super().__init__(reason, field)
        self.reason = reason
        self.field = field


def suspicious(raw: bytes) -> bool:
    """Whether JSON that decoded may yet hold a flaw that `flaw` finds; cheap, and never wrongly False."""
    return (
        b"\\u0000" in raw
        or raw.count(b"{") + raw.count(b"[") > DEPTH
        or raw.count(b":") > KEYS
        or _LONG_NUMBER in raw.translate(_SHAPES)
    )


def flaw(value: object, depth: int = DEPTH) -> Reason | None:
    """The first flaw in `value`, of which `depth` levels may nest, or None."""
    if isinstance(value, str):
        return _flaw_in_text(value)
    if isinstance(value, dict | list):
        return _flaw_inside(value, depth)
    if isinstance(value, float) and not math.isfinite(value):
        return Reason.NUMBER_OUT_OF_RANGE
    if isinstance(value, int) and abs(value) > INTEGER:
        return Reason.NUMBER_OUT_OF_RANGE
    return None


def _flaw_in_text(text: str) -> Reason | None:
    if "\0" in text:
        return Reason.NUL_BYTE
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return Reason.INVALID_UTF8
    return None


def _flaw_inside(value: Mapping[str, object] | list[object], depth: int) -> Reason | None:
    if depth == 0:
        return Reason.TOO_DEEP
    if isinstance(value, list):
        return next((found for item in value if (found := flaw(item, depth - 1))), None)
    if len(value) > KEYS:
        return Reason.TOO_MANY_KEYS
    for key, item in value.items():
        found = _flaw_in_text(key) or flaw(item, depth - 1)
        if found:
            return found
    return None
