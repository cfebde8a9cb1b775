"""Places on the earth: pairs of degrees, in any notation that people and programs use. Linear, by RE2.

Sources: ISO 6709 (degrees, minutes, seconds; signs; `+52.51-013.40/`), RFC 5870 (`geo:`), OGC 06-103r4
(`POINT`).
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import re2

from governance.detection import tongues
from governance.detection.surroundings import touches
from governance.detection.tables import cells

Span = tuple[int, int]

_FINE = r"[-+]?[0-9]{1,3}[.][0-9]{4,}"  # to some ten metres or better
_COARSE = r"[-+]?[0-9]{1,3}[.,][0-9]{2,}"
_DEGREE = r"(?:°|º|˚|度| ?deg(?:rees)?)"
_LETTER = r"(?:[NSEWO]|Ost|Nord|Süd|West)"
_SIGNED = rf"{_COARSE} ?(?:{_DEGREE} ?{_LETTER}?|{_LETTER})"
_APART = r"(?:[\s,;/|\"]{1,4}| (?:and|und|et|y|e|en|och|i) )"
_HAN = r"[0-9]{1,3}[0-9.°度分秒′″'\"]*"
_PATTERNS = tuple(
    map(
        re2.compile,
        (
            # Two decimals with four places, or fewer beside signs or letters that say what they are.
            rf"{_FINE}{_DEGREE}?(?: ?{_LETTER})?(?:[,;/|] ?|, ?| ){_FINE}{_DEGREE}?(?: ?{_LETTER})?",
            rf"{_SIGNED}{_APART}{_SIGNED}\b",
            rf"\b[NS] ?{_COARSE}{_DEGREE}?{_APART}[EWO] ?{_COARSE}",
            r"[-+][0-9]{2}[.][0-9]{3,}[-+][0-9]{3}[.][0-9]{3,}",
            rf"(?i)geo:{_COARSE},{_COARSE}",
            rf"(?i)point ?[zm]? ?\( ?{_COARSE} {_COARSE}",
            rf"[北南][纬緯] ?{_HAN}[,，、 ]*[东東西][经經経] ?{_HAN}",
        ),
    )
)
_PRIME = r"['′’´‘]"
_MINUTE = (
    rf"[0-9]{{1,3}} ?(?:{_DEGREE}|d) ?[0-9]{{1,2}}(?:[.,][0-9]+)? ?(?:{_PRIME}|m|分)"
    rf" ?(?:[0-9]{{1,2}}(?:[.,][0-9]+)? ?(?:\"{{1,2}}|″|”|“|s|秒|{_PRIME}{{2}})?)?"
)
_MINUTES = re2.compile(
    rf"(?:{_MINUTE} ?[NS]{_APART}?{_MINUTE} ?[EWO]|[NS] ?{_MINUTE}{_APART}?[EWO] ?{_MINUTE})"
)
_NUMBER = re.compile(r"\d+[.,]\d+")
_MOST_APART = 80  # characters between a latitude and its longitude
# A named degree: `lat: 52.51`, `<longitude>13.40`.
_NORTH, _EAST = (
    re2.compile(
        rf"(?i)(?:^|[^a-z])[a-z]*(?:{tongues.of(words)})(?:[_ -]?(?:deg|dd|wgs84|[0-9]))?"
        r"[^\p{L}\p{N}+-]{1,8}([-+]?[0-9]{1,3}[.][0-9]{3,})"
    )
    for words in (tongues.LATITUDE, tongues.LONGITUDE)
)
_HEADS = tuple(
    re.compile(rf"(?i)(?:^|[^a-z])(?:{tongues.of(words)})(?![a-z])|^[xy]$")
    for words in (tongues.LATITUDE, tongues.LONGITUDE)
)
_CELL = re.compile(r"[\s\"]*[-+]?\d{1,3}[.,]\d{3,}[\s\"°NSEWO]*\Z")


def places(text: str) -> Iterator[Span]:
    """Pairs of a latitude and a longitude."""
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            if _free(text, *match.span()) and _on_earth(match[0]):
                yield match.span()
    for match in _MINUTES.finditer(text):
        yield match.span()
    yield from _named(text)
    yield from _columns(text)


def _on_earth(pair: str) -> bool:
    """Whether two numbers can be degrees; one of near nothing is a share or a size."""
    numbers = [float(one.replace(",", ".")) for one in _NUMBER.findall(pair)]
    if len(numbers) != 2:
        return True
    return numbers[0] > 1 and min(numbers) <= 90 and max(numbers) <= 180


def _free(text: str, start: int, end: int) -> bool:
    """Whether no digit, and no number before or behind a full stop, touches a pair."""
    before, behind = text[max(0, start - 2) : start], text[end : end + 2]
    led = touches(before[-1:]) or (before[-1:] == "." and before[:1].isdigit())
    return not (led and text[start : start + 1].isdigit()) and not (
        behind[:1].isdigit() or (behind[:1] == "." and behind[1:].isdigit())
    )


def _named(text: str) -> Iterator[Span]:
    """A latitude and a longitude that are called so, one close behind the other."""
    easts = [one.span(1) for one in _EAST.finditer(text)]
    at = 0
    for north in (one.span(1) for one in _NORTH.finditer(text)):
        while at < len(easts) and easts[at][1] < north[0] - _MOST_APART:
            at += 1
        if at < len(easts) and easts[at][0] - north[1] <= _MOST_APART:
            yield min(north[0], easts[at][0]), max(north[1], easts[at][1])


@lru_cache(maxsize=1_024)
def _degrees(head: str, other: str) -> bool:
    """Whether two heads are those of a latitude and a longitude, in any order."""
    return any(
        all(form.search(word) for form, word in zip(_HEADS, heads, strict=True))
        for heads in ((head, other), (other, head))
    )


def _columns(text: str) -> Iterator[Span]:
    """The same in two columns of a table, side by side."""
    for one, other in pairwise(cells(text)):
        if (
            _degrees(one[2], other[2])
            and _CELL.match(text[one[0] : one[1]])
            and _CELL.match(text[other[0] : other[1]])
        ):
            yield one[0], other[1]
