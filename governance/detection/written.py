"""What is written of somebody: days of birth beside a word for them, streets with a house's number."""

import re
from collections.abc import Iterator

import re2

from governance.detection import tongues
from governance.detection.plain_words import common, given
from governance.detection.surroundings import BEFORE, named
from governance.detection.tables import head

Span = tuple[int, int]
Placed = tuple[int, int, str]

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DAY = re2.compile(
    r"(?i)(?:19|20)[0-9]{2}[-/.]?[01][0-9][-/.]?[0-3][0-9]|[0-3]?[0-9][-/. ]{1,2}[01]?[0-9][-/. ]{1,2}(?:19"
    r"|20)[0-9]{2}"
    r"|[01]?[0-9]/[0-3][0-9]/(?:19|20)[0-9]{2}"
    rf"|[0-3]?[0-9](?:st|nd|rd|th)? (?:{_MONTHS})[a-z]{{0,6}}\.?,? (?:19|20)[0-9]{{2}}"
    rf"|(?:{_MONTHS})[a-z]{{0,6}}\.? [0-3]?[0-9](?:st|nd|rd|th)?,? (?:19|20)[0-9]{{2}}"
)
# What any of the words for it has.
BORN = (
    r"(?i)birth|d\.?o\.?b|born|geb(?:oren|urt|\.)|naiss|n[ée]e? le|nacid|nacim|f[öo]d(?:d|else)|urodz|nasc"
    r"|nat[oa] il|geboorte|出生|生日"
)
_BORN = re.compile(
    BORN.replace(r"d\.?o\.?b", r"(?<![a-z])d\.?o\.?b(?![a-z])").replace("n[ée]e?", "(?<![a-z])n[ée]e?")
)
_STREETS = (
    r"(?i:street|st\.?|road|rd\.?|avenue|ave\.?|lane|ln\.?|drive|dr\.?|boulevard|blvd\.?|court|ct\.?|way"
    r"|square"
    r"|terrace|place|crescent|close|hill|row|gardens|grove)"
)
_PLACES = (
    # A number before the name (English, French), and one behind it (German, Dutch, Swedish, Spanish, Polish).
    re2.compile(rf"[0-9]{{1,5}}[A-Za-z]? (?:[A-Z][A-Za-z'.-]+ ){{1,3}}{_STREETS}\b"),
    re2.compile(
        r"[0-9]{1,4}(?: ?bis| ?ter)?,? (?i:rue|avenue|boulevard|place|chemin|impasse|quai"
        r"|allée) [\p{L}'-]+(?: [\p{L}'-]+)?"
    ),
    re2.compile(
        r"\p{L}[\p{L}-]*(?i:straße|strasse|str\.|weg|platz|allee|gasse|gatan|vägen|gränd|straat|laan|gracht"
        r"|plein|kade) [0-9]{1,4}[A-Za-z]?\b"
    ),
    re2.compile(
        r"\b(?:[Cc]alle|[Aa]venida|[Aa]vda\.?|[Pp]laza|[Pp]aseo|[Cc]/|[Uu]l\.|[Uu]lica|[Aa]l\.|[Aa]leja|Via"
        r"|Corso|Piazza|Viale)"
        r" ?(?:de(?: la)? "
        r"|del )?\p{Lu}[\p{L}'-]*(?: [\p{L}'.-]+)?(?: [\p{L}'.-]+)?,? (?:n[º°]? ?)?[0-9]{1,4}\b"
    ),
    re2.compile(r"\p{Han}+[路街道巷][0-9]{1,5}[号弄]"),
)
_CAPITAL = r"(?:\p{Lu}\p{Ll}+(?:['’-]\p{Lu}\p{Ll}+)*|\p{Lu}['’]?\p{Lu}[\p{Lu}'’-]+)"
_NAME = re2.compile(rf"{_CAPITAL}(?: \p{{Lu}}\.?)?(?: {_CAPITAL})(?: {_CAPITAL})?")
FIELDS = re.compile(
    r"(?:full|customer|contact|person|holder|recipient|first|last|billing|shipping|patient|member|user"
    r"|owner)[_ .-]?name"
    rf"|{tongues.of(tongues.NAME)}"
    r"|(?<![a-z])(?:name|customer|recipient|card ?holder|attn|signed_by|contact|assignee|buyer"
    r"|payee)(?![a-z])",
    re.IGNORECASE,
)
SIGNS = re2.compile(
    r"(?:_[a-z0-9]{1,6})?[\s\"'`:=>{<\[]{1,8}(?:!\[CDATA\[|value=[\"']"
    r"|/?[a-z]{1,4}[^<>]{0,24}>|[\s:]){0,4}"
)
_DIGIT = re2.compile(r"[0-9]")


def written(text: str) -> Iterator[Placed]:
    """Names in fields for them, days of birth and streets."""
    for match in _NAME.finditer(text):
        first, *others = match[0].lower().split()
        if named(text, match.start(), FIELDS, SIGNS) and not (
            common(first) and not given(first) and all(map(common, others))
        ):
            yield *match.span(), "PERSON"
    if not _DIGIT.search(text):
        return
    yield from ((*span, "DATE_OF_BIRTH") for span in days_of_birth(text))
    for pattern in _PLACES:
        for match in pattern.finditer(text):
            yield *match.span(), "STREET_ADDRESS"


def days_of_birth(text: str) -> Iterator[Span]:
    """Days beside a word for a birth."""
    for match in _DAY.finditer(text):
        start, end = match.span()
        # A moment is no day of birth.
        touched = (
            text[start - 1 : start].isdigit() or text[end : end + 1].isdigit() or text[end : end + 1] == "T"
        )
        around = text[max(0, start - BEFORE) : start] + " " + text[end : end + 16] + " " + head(text, start)
        if not touched and _BORN.search(around):
            yield start, end
