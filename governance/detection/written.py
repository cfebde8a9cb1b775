"""What is written of somebody: days of birth beside a word for them, streets with a house's number."""

import re
from collections.abc import Iterator

import re2

from governance.detection import tongues
from governance.detection.plain_words import common, given
from governance.detection.surroundings import BEFORE, named, versioned
from governance.detection.tables import head

Span = tuple[int, int]
Placed = tuple[int, int, str]

_YEAR, _SIGN = r"(?:19|20)[0-9]{2}", r"[-/. ]{1,2}"
_MONTH = rf"(?:{tongues.of(tongues.MONTH)})[^\x00-@]{{0,8}}"  # letters, said so that the pattern stays small
_ORDINAL = r"(?:st|nd|rd|th|er|re|º|ª|°|:[ea]|de|ste|e)?"
_OF = r"(?:of |day of |de |den |del |d[e']l?['’ ]?|di |van |r\. )?"
_HAN_NUMBER = r"(?:[0-9]{1,2}|[一二三四五六七八九十廿]{1,4})"
_ERA = r"(?:昭和|平成|令和|大正|明治|民国|民國|(?-i:[SHTRM]))"
_DAY = re2.compile(
    rf"(?i){_YEAR}[-/.]?[01][0-9][-/.]?[0-3][0-9]|{_YEAR}{_SIGN}[01]?[0-9]{_SIGN}[0-3]?[0-9]"
    rf"|[0-3]?[0-9]{_SIGN}[0-3]?[0-9]{_SIGN}{_YEAR}"
    rf"|[0-3]?[0-9]{_ORDINAL}[-/., ]{{0,2}}{_OF}{_MONTH}"
    rf"(?:[-/., ]{{1,3}}{_OF}(?:{_YEAR}|['’][0-9]{{2}})|[-/.][0-9]{{2}})"
    rf"|{_MONTH}\.? [0-3]?[0-9]{_ORDINAL}?,? {_YEAR}|{_YEAR}[-/., ]{{1,2}}{_MONTH}[-/., ]{{1,2}}[0-3]?[0-9]"
    rf"|(?:(?:19|20)?[0-9]{{2}}|[一二三四五六七八九〇零○]{{4}}|{_ERA}(?:元|{_HAN_NUMBER}))"
    rf" ?年 ?{_HAN_NUMBER} ?月 ?{_HAN_NUMBER} ?[日号號]?"
    rf"|{_ERA}[0-9]{{1,2}}[-/.][01]?[0-9][-/.][0-3]?[0-9]"
)
# With two digits for the year, which versions and addresses have as well.
_SHORT_DAY = re2.compile(r"[0-3]?[0-9][-/.] ?[0-3]?[0-9][-/. ] ?['’]?[0-9]{2}|[0-9]{2}-[01][0-9]-[0-3][0-9]")
_NUMBERED = re.compile(r"[0-9][-/.]\Z"), re.compile(r"[-/.]?[0-9]|[.][A-Za-z]")
# What any of the words for it has.
BORN = rf"(?i){tongues.roughly(tongues.BORN)}"
_BORN = tongues.pattern(tongues.of(tongues.BORN))
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
_DIGIT = re2.compile(r"[0-9]|年")


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
    for form in (_DAY, _SHORT_DAY):
        for match in form.finditer(text):
            start, end = match.span()
            # A moment is no day of birth.
            touched = (
                text[start - 1 : start].isdigit()
                or text[end : end + 1].isdigit()
                or text[end : end + 1] == "T"
                or (form is _SHORT_DAY and _of_more(text, start, end))
            )
            if not touched and _BORN.search(_around(text, start, end)):
                yield start, end


def _around(text: str, start: int, end: int) -> str:
    """What stands beside a day, and over its column."""
    return f"{text[max(0, start - BEFORE) : start]} {text[end : end + 16]} {head(text, start)} "


def _of_more(text: str, start: int, end: int) -> bool:
    """Whether three numbers are a version's, or part of more, as in an address."""
    before, behind = _NUMBERED
    return versioned(text, start) or bool(
        before.search(text, max(0, start - 2), start) or behind.match(text, end)
    )
