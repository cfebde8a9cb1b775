"""Texts inside of texts: opened, so that what they hide is looked through.

Base64, hexadecimal digits, blanks of forms (`+`) and lines that were folded. What decodes to no readable
text stays as it is. Linear: a layer is opened once, and two layers at most.
"""

import base64
import binascii
import re
from array import array
from collections.abc import Iterator
from dataclasses import replace

import re2

from governance.detection.text_reading import Part, Reading, read, then, unescaped

LAYERS = 2
_BASE64 = re2.compile(r"[A-Za-z0-9+/_-]{12,}(?:\r?\n[A-Za-z0-9+/_-]{4,})*={0,2}")
# As one word, or byte by byte as programs show them.
_HEX = re2.compile(r"[0-9A-Fa-f]{2}(?:[ :,-]{0,2}[0-9A-Fa-f]{2}){7,}")
# A field of a form, or the value of one: words that pluses join.
_FORM = re2.compile(r"(?i)[a-z0-9_\]]=[^\s&]*\+|\A[^\s+]+(?:\+[^\s+]+){2,}\z")
# A plus behind something, and a fold between the parts of a number or an address.
_MENDED = re.compile(r"(?<=[^\s+=])\+|(?<=[0-9])\r?\n[ \t]+(?=[0-9])|(?<=[-./@])\r?\n[ \t]*(?=[0-9a-z])")
# A line that ends within a value, or between two.
_BROKEN = re.compile(r"(?<=[A-Za-z0-9./@-])\r?\n[ \t]*(?=[A-Za-z0-9])")
_APART = re.compile(r"[ :,-]")
_LINES = re.compile(r"[\r\n=]")
_READABLE = 0.6


def opened(reading: Reading, layers: int = LAYERS) -> Iterator[Reading]:
    """Readings of the texts that are encoded in `reading`; a place in one is all of what encodes it."""
    if layers == LAYERS and _MENDED.search(reading.text) is not None:
        mended = then(reading, _mended(reading.text))
        if mended.text != reading.text:
            yield unescaped(mended)
    if layers == LAYERS and _BROKEN.search(reading.text) is not None:
        yield replace(then(reading, _one_line(reading.text)), joined=True)
    for start, end, text in _texts(reading.text):
        first, last = reading.span(start, end)
        inner = read(text)
        size = len(inner.text)
        # The original's places, twice as long as the decoded text at most.
        made = Reading(inner.text, array("I", [first]) * size, array("I", [last]) * size, encoded=True)
        yield made
        if layers > 1:
            yield from opened(made, layers - 1)


def _mended(text: str) -> Iterator[Part]:
    """`text` with a form's pluses as blanks, and folded lines (RFC 5322, 2.2.3) as one."""
    form, at = _FORM.search(text) is not None, 0
    for match in _MENDED.finditer(text):
        yield from ((text[place], place, place + 1) for place in range(at, match.start()))
        at = match.end()
        if match[0] != "+":
            yield (" " if text[match.start() - 1].isalnum() else ""), match.start(), at
        else:
            yield (" " if form else "+"), match.start(), at
    yield from ((text[place], place, place + 1) for place in range(at, len(text)))


def _one_line(text: str) -> Iterator[Part]:
    """`text` with lines that end in a sign joined to the next, and others by a blank."""
    at = 0
    for match in _BROKEN.finditer(text):
        yield from ((text[place], place, place + 1) for place in range(at, match.start()))
        at = match.end()
        yield (" " if text[match.start() - 1].isalnum() else ""), match.start(), at
    yield from ((text[place], place, place + 1) for place in range(at, len(text)))


def _texts(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _HEX.finditer(text):
        if _alone(text, *match.span()) and (found := _text(bytes.fromhex(_APART.sub("", match[0])))):
            yield *match.span(), found
    for match in _BASE64.finditer(text):
        if found := _text(_bytes(match[0])):
            yield *match.span(), found


def _alone(text: str, start: int, end: int) -> bool:
    before = text[start - 1 : start]
    behind = text[end : end + 1]
    hexed = text[start - 2 : start].lower() == "0x" or not (before.isascii() and before.isalnum())
    return hexed and not (behind.isascii() and behind.isalnum())


def _bytes(coded: str) -> bytes:
    bare = _LINES.sub("", coded).replace("-", "+").replace("_", "/")
    bare = bare[: len(bare) - 1] if len(bare) % 4 == 1 else bare
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        return b""


def _encoding(raw: bytes) -> str:
    """UTF-8, or the UTF-16 of which every other byte is a zero, with its mark or without."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if len(raw) % 2 == 0 and 3 * raw.count(0) >= len(raw):
        return "utf-16-le" if raw[1:2] == b"\0" else "utf-16-be"
    return "utf-8"


def _text(raw: bytes) -> str | None:
    """What bytes say, if it is text that somebody could read."""
    try:
        text = raw.decode(_encoding(raw))
    except UnicodeDecodeError:
        return None
    shown = sum(sign.isprintable() or sign in "\r\n\t" for sign in text)
    words = sum(sign.isalnum() or sign in " @.-" for sign in text)
    return text if text and shown == len(text) and words >= _READABLE * len(text) else None
