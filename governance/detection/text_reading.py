"""Reading a text as a person would: disguises undone, with a map back to the text as given.

Compatibility forms (full-width letters and digits), zero-width and other format characters,
digits of other scripts, `%40`, JSON's and HTML's escapes, `(at)` and `(dot)` are read as
what they stand for. Every character of the reading knows which characters of the original
it came from. Linear in the length of the text; pure.
"""

import re
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO

from governance.detection import tongues

_PASSES = 4  # an escape may hold another one (`%2540`, `%2528at%2529`)
_AT = tongues.of(tongues.AT)

# Every repetition is bounded, or can start at one place only, so no text takes quadratic time.
_ESCAPE = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+"
    r"|\\{1,8}(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[nrt/\"])"
    r"|&\#0{0,4}(?:3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6])(?![0-9;])"  # HTML's parsers need no semicolon
    r"|(?:=[0-9A-F]{2}){4,}"  # quoted-printable throughout, RFC 2045
    r"|&(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|commat|period|nbsp|amp|quot|apos|lt|gt);"
    r"|=(?:40|2E)(?=[A-Za-z0-9])|=3D"
    rf"| ?[(\[{{<] ?(?i:{_AT}|{tongues.of(tongues.DOT)}) ?[)\]}}>] ?"
)
_SAID_AT = re.compile(_AT, re.IGNORECASE)
_NAMED = {
    **{"&commat;": "@", "&period;": ".", "&nbsp;": " ", "&amp;": "&", "&quot;": '"', "&apos;": "'"},
    **{"&lt;": "<", "&gt;": ">"},
}
_BLANKS = {"n": "\n", "r": "\n", "t": "\t"}
_MOST_FOLDED = 4
_ASCII = re.compile(r"[!-~]")
_KEPT_CONTROLS = frozenset("\t\n\r")
# Letters and signs that nothing is drawn for (Unicode's `Default_Ignorable_Code_Point`, and Braille's blank).
INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_HARMLESS = re.compile(r"[\t\n\r\x20-\x7e]*\Z")


@dataclass(frozen=True, slots=True)
class Reading:
    """`text` as it is read; character i of it came from `starts[i]` to `ends[i]` of the original.

    `encoded`: every character came from all of what encodes the text. `joined`: lines were made one.
    """

    text: str = field(repr=False)
    starts: Sequence[int]
    ends: Sequence[int]
    encoded: bool = False
    joined: bool = False

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the original the characters `start` to `end` (not empty) came from."""
        return min(self.starts[start:end]), max(self.ends[start:end])


def read(original: str) -> Reading:
    """Read a text of any content; lone surrogates are read as U+FFFD."""
    reading = Reading(original, range(len(original)), range(1, len(original) + 1))
    if not _HARMLESS.match(original):
        reading = then(reading, _folded(original))
    return unescaped(reading)


def unescaped(reading: Reading) -> Reading:
    """A reading with what its escapes stand for."""
    for _ in range(_PASSES):
        if _ESCAPE.search(reading.text) is None:
            break
        reading = then(reading, _unescaped(reading.text))
        if not _HARMLESS.match(reading.text):
            reading = then(reading, _folded(reading.text))
    return reading


Part = tuple[str, int, int]  # what is read, and where it stands


def then(reading: Reading, parts: Iterator[Part]) -> Reading:
    """The reading of a reading, of which each part stands for what it names the places of."""
    # Not lists: a text of a million characters that each fold to many would take gigabytes.
    characters, starts, ends = StringIO(newline=""), array("I"), array("I")
    for text, start, end in parts:
        first, last = reading.starts[start], reading.ends[end - 1]
        characters.write(text)
        for _ in text:
            starts.append(first)
            ends.append(last)
    return Reading(characters.getvalue(), starts, ends, reading.encoded)


def _folded(text: str) -> Iterator[Part]:
    """Compatibility forms folded, format characters gone; marks stay with their letter."""
    at, length = 0, len(text)
    while at < length:
        end = at + 1
        while end < length and end < at + 16 and unicodedata.combining(text[end]):
            end += 1
        if text[at:end].isascii() and text[at] >= " " and text[at] != "\x7f":
            yield text[at:end], at, end
        else:
            folded = unicodedata.normalize("NFKC", text[at:end].replace("\ufe0f", ""))
            plain = "".join(map(_plain, folded))
            # One that stands for a whole word of another script is in no identifier.
            yield text[at] if len(plain) > _MOST_FOLDED and not _ASCII.search(plain) else plain, at, end
        at = end


def _plain(character: str) -> str:
    """One character as it is read: dashes, blanks and digits of all scripts alike."""
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    if category == "Cf" or "\ufe00" <= character <= "\ufe0f" or character in INVISIBLE:
        return ""
    if category == "Cc":
        return character if character in _KEPT_CONTROLS else " "
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd" or character == "\N{MINUS SIGN}":
        return "-"
    return " " if category == "Zs" else character


def _unescaped(text: str) -> Iterator[Part]:
    at = 0
    for match in _ESCAPE.finditer(text):
        yield from ((text[place], place, place + 1) for place in range(at, match.start()))
        yield from _meant(match[0], match.start())
        at = match.end()
    yield from ((text[place], place, place + 1) for place in range(at, len(text)))


def _meant(escape: str, at: int) -> Iterator[Part]:
    """What an escape stands for."""
    if escape[0] == "%" or (escape[0] == "=" and len(escape) > 3):
        yield from _bytes(escape, at)
        return
    end = at + len(escape)
    if escape[0] == "\\":
        code = escape.lstrip("\\")
        meant = chr(int(code[1:], 16)) if code[0] in "ux" else _BLANKS.get(code, code)
    elif escape[0] == "&":
        meant = _NAMED.get(escape) or _character(escape[2:].rstrip(";"))
    elif escape[0] == "=":
        meant = chr(int(escape[1:], 16))  # quoted-printable, RFC 2045
    else:
        meant = "@" if _SAID_AT.fullmatch(escape.strip(" ()[]{}<>")) else "."
    yield meant, at, end


def _character(number: str) -> str:
    code = int(number[1:], 16) if number[0] in "xX" else int(number)
    return chr(code) if code <= 0x10FFFF else "\ufffd"


def _bytes(run: str, at: int) -> Iterator[Part]:
    """What a run of `%xx` or `=xx` stands for; a byte that is no UTF-8 stays as it is, and hides no other."""
    place = 0
    for character in bytes.fromhex(run.replace(run[0], "")).decode(errors="surrogateescape"):
        if "\udc80" <= character <= "\udcff":
            yield from ((run[one], at + one, at + one + 1) for one in range(place, place + 3))
            place += 3
        else:
            width = 3 * len(character.encode())
            yield character, at + place, at + place + width
            place += width
