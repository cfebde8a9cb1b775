"""What the model calls a person, made sure of: signs of programs cut off, words that are no names left."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module

from governance.detection.candidates import Span
from governance.detection.words import common, in_small_letters

# No name has them: what stands between them may be one.
_PART = re.compile(r"[^0-9@/\\_<>{}=|;:\"&?#\[\]()\n\r\t,]+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_FOREIGN = ("de", "fr", "es", "it", "nl", "sv", "pl")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_CODE = re.compile(r"[=:{}<>/\d]")
_CAMEL = re.compile(r"(?<!\bMc)(?<!\bMac)(?<!\bDe)[a-z][A-Z]")
_MONTHS = frozenset(("Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"))
_PARTICLES = frozenset(
    ("de", "del", "da", "di", "van", "von", "der", "den", "la", "le", "al", "bin", "and", "of")
)
_SHOUTED = re.compile(r"(?<![^\W\d_])[A-Z][A-Z'’-]+(?: [A-Z]\.?)?(?: [A-Z][A-Z'’-]+){1,3}(?![^\W\d_])")


def names(text: str, start: int, end: int) -> Iterator[Span]:
    """The parts of a span of `text` that may be somebody's name."""
    foreign = speaks_foreign(text)
    for match in _PART.finditer(text, start, end):
        words = [one for one in _WORD.finditer(match[0]) if _LATIN.match(one[0])]
        if any(one[0][0].isupper() for one in words):
            # What has no capital before or behind those that have is not of the name.
            capitals = [place for place, one in enumerate(words) if one[0][0].isupper()]
            words = words[capitals[0] : capitals[-1] + 1]
        whole = len(match[0]) == end - start
        if words and _may_name([one[0] for one in words], text, foreign, whole):
            yield match.start() + words[0].start(), match.start() + words[-1].end()


def _may_name(words: list[str], text: str, foreign: bool, whole: bool) -> bool:
    """Whether words may be a name; `whole`: nothing had to be cut off what the model called one."""
    lower = [one.lower() for one in words]
    if len(words) == 1:
        return whole and not foreign and _single(words[0], text)
    titled = sum(one[0].isupper() and (one[1:].islower() or "-" in one or "'" in one) for one in words)
    if titled < 2:
        return whole and not foreign and not all(map(common, lower)) and not _CODE.search(text)
    return not (foreign and stopped() & set(lower)) and all(
        one[0].isupper() or one in _PARTICLES for one in words
    )


def _single(word: str, text: str) -> bool:
    """Whether a word alone may be a name: known as one in small letters, or like one among words."""
    if len(word) < 2 or word in _MONTHS or (len(word) > 2 and word.isupper()) or _CAMEL.search(word):
        return False
    if common(word.lower()):
        return False
    return word[0].isupper() or in_small_letters(word) or not _CODE.search(text)


def speaks_foreign(text: str) -> bool:
    """Whether a text is in a language that the model does not read: by a small word of one."""
    found = {one[0].lower() for one in _WORD.finditer(text[:2_000])}
    return sum(not common(one) for one in found & stopped()) > 0


@cache
def stopped() -> frozenset[str]:
    """The small words of the languages next to English, as spaCy lists them, that English has not."""
    words = (import_module(f"spacy.lang.{one}.stop_words").STOP_WORDS for one in _FOREIGN)
    return frozenset(word for each in words for word in each if len(word) > 1 and not common(word))


def calmed(text: str) -> str | None:
    """`text` with rows of words in capitals written as names are; None: there is none. Its length stays."""
    if _SHOUTED.search(text) is None:
        return None
    return _SHOUTED.sub(lambda match: _WORD.sub(_calm, match[0]), text)


def _calm(match: re.Match[str]) -> str:
    word = match[0].lower()
    return word if common(word) else "-".join(part.capitalize() for part in word.split("-"))
