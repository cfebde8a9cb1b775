"""Which encoding a text file is in: told with certainty, or asked for.

UTF-8 and UTF-16 prove themselves. Of older encodings one is taken only if nothing else
makes words of the file; a guess would misspell exactly the people with accents in their names.
"""

import codecs
import io
import re
import unicodedata
from collections.abc import Iterator
from typing import BinaryIO

from charset_normalizer import from_bytes

from cdp.kernel.errors import BadInput

SAMPLE = 64 << 10
_HEAD = 4 << 10
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class EncodingNeeded(BadInput, http=False):
    """The file's encoding cannot be told: save it as UTF-8, or state `encoding` in the mapping."""


def is_encoding(name: str) -> bool:
    """Whether that is the name of an encoding of text in which lines can be told apart."""
    try:
        return b"\n".decode(name) == "\n" or name.lower().replace("_", "-").startswith("utf-16")
    except (LookupError, ValueError):
        return False


def told(stream: BinaryIO, *, stated: str | None, file: str) -> str:
    """The encoding of a file's bytes, by Python's name; reads them all. Raises `EncodingNeeded`."""
    head = stream.read(_HEAD)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    if stated is not None:
        return codecs.lookup(stated).name
    if head.count(0) * 3 > len(head) > 1:
        # Latin letters in UTF-16: every other byte is zero, the second or the first of each two.
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    good = bad = 0
    sample = bytearray()
    for line in _lines(head, stream):
        if line.isascii():
            continue
        try:
            line.decode()
            good += 1
        except UnicodeDecodeError:
            bad += 1
            sample += line[: SAMPLE - len(sample)]
    if not bad or good * 10 > bad:
        return "utf-8"  # if some lines are not, they are rows that somebody damaged
    found = _only(bytes(sample))
    if found is None:
        raise EncodingNeeded(file=file, fits=", ".join(_fitting(bytes(sample))) or "none known")
    return found


def _lines(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    rest = head
    while rest:
        *whole, last = rest.split(b"\n")
        yield from whole
        more = stream.read(1 << 20)
        if not more or len(last) > 1 << 20:
            yield last
            last = b""
        rest = last + more


# The letters that each of the older encodings is used for; where two make words of a file, and not the
# same ones, neither is certain.
_WEST = "àáâãäåæçèéêëìíîïñòóôõöøùúûüß"
_RIVALS = {
    "cp1252": _WEST + "œšž",
    "mac-roman": _WEST + "œ",
    "cp1250": "áâäçéëíîóôöúüýßčďěňřšťůžąćęłńśźżőűăţşđľ",
    "cp1254": "âçëéîöüûğışáäåæèêíïñóôùúàìòãõøß",
    "cp1257": "āčēģīķļņšūžąęėįųäöüõåéóøæß",
    "cp1251": "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґўђјљњћџ",
    "koi8-r": "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
}
_CYRILLIC = frozenset({"cp1251", "koi8-r"})
_SURE = ("cp1252", "mac-roman", "cp1251")
_MARKS = frozenset("’‘“”–—«»°€£§ªº·´\u00a0\u3000（），。、：；・·")
_WORD = re.compile(r"[^\W\d_]+")


def _only(sample: bytes) -> str | None:
    """The one encoding that makes words of the sample; None if none does, or several differently."""
    readings: dict[str, str] = {}
    for name in _fitting(sample):
        readings.setdefault(sample.decode(name, "replace"), name)
    if len(readings) != 1:
        return None
    (name,) = readings.values()
    if name == "gb18030":
        # Characters alone prove little, for those of neighbours lie at the same bytes.
        best = from_bytes(sample).best()
        return name if best is not None and best.encoding == "gb18030" else None
    return name if name in _SURE else None


def _fitting(sample: bytes) -> list[str]:
    fitting = [name for name, letters in _RIVALS.items() if _makes_words(sample, name, letters)]
    return [*fitting, *(["gb18030"] if _makes_chinese(sample) else [])]


def _makes_words(sample: bytes, name: str, letters: str) -> bool:
    try:
        text = unicodedata.normalize("NFC", sample.decode(name))
    except UnicodeDecodeError:
        return False
    other = {letter for letter in text if not letter.isascii()} - _MARKS
    latin = name not in _CYRILLIC
    return other <= frozenset(letters + letters.upper()) and all(
        _is_word(word, latin=latin) for word in _WORD.findall(text) if not word.isascii()
    )


def _is_word(word: str, *, latin: bool) -> bool:
    """Whether it is written as words are: in one script, and with no capital behind a small letter."""
    plain = sum(map(str.isascii, word))
    of_one = 2 * plain >= len(word) - 1 if latin else plain == 0
    return of_one and (word[1:] == word[1:].lower() or word == word.upper())


def _makes_chinese(sample: bytes) -> bool:
    try:
        text = sample.decode("gb18030")
    except UnicodeDecodeError:
        return False
    other = [letter for letter in text if not letter.isascii() and letter not in _MARKS]
    glued = re.search(r"[A-Za-z][\u4e00-\u9fff]|[\u4e00-\u9fff][a-z]", text)
    if not other or glued or not all("\u4e00" <= letter <= "\u9fff" for letter in other):
        return False
    # The characters in use stand in the first part of the table; what was no Chinese falls anywhere.
    used = sum(0xB0 <= letter.encode("gb18030")[0] <= 0xD7 for letter in other)
    return used * 5 >= len(other) * 4


class Recoded(io.RawIOBase):
    """UTF-16 as UTF-8, and lines that end as on old Macs as lines."""

    def __init__(self, stream: BinaryIO, *, utf_16: str | None, returns: bool) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(utf_16)("surrogatepass") if utf_16 else None
        self._returns = returns
        self._left = b""

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer`; the number of bytes, 0 at the end."""
        while not self._left:
            data = self._stream.read(1 << 16)
            self._left = self._made(data)
            if not data:
                break
        count = min(len(buffer), len(self._left))
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count

    def _made(self, data: bytes) -> bytes:
        if self._decoder is not None:
            try:
                data = self._decoder.decode(data, final=not data).encode("utf-8", "surrogatepass")
            except UnicodeDecodeError:
                # Half a character at the end is no UTF-8 either, so its row is rejected. It is said once:
                # a decoder that kept the half would say so at every look, and the file would never end.
                self._decoder.reset()
                data = b"\xff"
        return data.replace(b"\r", b"\n") if self._returns else data
