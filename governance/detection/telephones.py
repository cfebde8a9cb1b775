"""Telephone numbers in a text: valid ones of the regions asked for, or with a country's code. Linear, by RE2.

What stands before a number may say that it is another thing's; seconds and builds are no telephone's.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

import phonenumbers
import re2

from governance.detection import tongues
from governance.detection.candidates import DIGITS, GROUP, Span, alone, ends
from governance.detection.surroundings import announced, over, touches, versioned

_PHONE = re2.compile(r"[+(]{0,2}[0-9](?:[ .\-·/()]{0,4}[0-9]){5,}(?: ?(?:ext|x|extension)\.? ?[0-9]{1,6})?")
_MOBILE = re2.compile(r"(?:(?:\+|00)? ?\(?86\)?[ -]?)?1[3-9][0-9][ .-]?[0-9]{4}[ .-]?[0-9]{4}")
# A country's code that is not China's, before what would be a mobile number there; or a plus alone,
# for then the 1 is the code.
_ABROAD = re.compile(r"(?:\+|(?<![0-9A-Za-z])00)(?:\d{1,3}\)?[ -]?(?:\(0\))?[ -]?)?$")
# What stands before a number and says that it is none of a telephone.
_BORDER = r"(?:(?<![a-z])|(?-i:(?<=[a-z])(?=[A-Z])))"
_OTHERS = tongues.of(tongues.OTHER)
_OTHER = re.compile(
    rf"{_BORDER}(?:{_OTHERS})"
    r"(?:[\s_-]?(?:numbers?|no|nr|num|nummer|n[uú]mero|num[ée]ro|numer|id|code|is|was|号码|号|是|番号))*"
    r"(?:[\s.:：#=\"'|,-]|n[°º]){0,4}$",
    re.IGNORECASE,
)
_OTHER_HEAD = re.compile(rf"{_BORDER}(?:{_OTHERS})(?![a-z])", re.IGNORECASE)
_PHONE_HEAD = re.compile(r"phone|mobil|tel|fax|cell|whatsapp|handy|电话|手机", re.IGNORECASE)
# A code's first letters, or a program's call, touch what follows: `INV-2026-…`, `PN/…`, `gcd(`.
_CODED = re.compile(
    r"(?:(?<![A-Za-z])[A-Z]{1,6}[A-Z0-9]{0,4}[-_/#.]|(?<![A-Za-z])[a-z]{2,12}\()(?:[0-9]{1,8}[-_/])*\Z"
)
# A UUID, or another hexadecimal number in groups.
_HEXED = re.compile(r"-?[0-9a-f]{0,8}[a-f][0-9a-f]{0,8}-|-[0-9a-f]{4}-[0-9a-f]{4}-")
_DATE = re.compile(
    r"(?:(?:19|20)\d\d[-/. ]?(?:0?[1-9]|1[0-2])[-/. ]?(?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])[-/. ](?:0?[1-9]|[12]\d|3[01])[-/. ](?:19|20)\d\d)(?!\d)"
)
# The number of a line in a list, how many of something, or a price, before a number that begins anew.
_MARKER = re.compile(
    r"[0-9]{1,6}[.][0-9]{2} (?=[+(0])|\(?[0-9]{1,2}(?:[.)]{1,2} ?(?=[+(]?[0-9])| (?=0[0-9]{3}))"
)
_DECIMAL = re.compile(r"(?:[1-9]\d*|0)\.\d+\Z")
_PART = r"(?:25[0-5]|2[0-4]\d|1?[1-9]?\d)"
_ADDRESS = re.compile(rf"{_PART}(?:\.{_PART}){{3}}\Z")
_BEFORE = 48
# What stands before a number, touching it, and says that it is one of a telephone.
_CALLED = re.compile(
    r"(?<![a-z])(?:tel|telephone|phone|ph|mobile|mob|cell|call|fax|sms|whatsapp|wx)\Z", re.IGNORECASE
)
# A whole word in small letters, not the end of a code.
_WORD = re.compile(r"(?<![A-Za-z0-9])[A-Z]?[a-z]{3,}\Z")
_AREA = re.compile(r"\(\+?\d{1,5}\)")
# Behind a number of something else, a telephone number has to say itself that it is one.
_ITSELF = re.compile(
    r"[ /]\s?(\+\d|\(|0(?:[ .-]?\d){8,10}(?![ .-]?\d)|[2-9]\d\d[-. ]?[2-9]\d\d[-. ]?\d{4}(?!\d))"
)
_MOST_PHONE = 15  # digits, ITU-T E.164
_LEAST_PHONE, _MOST_GROUPS, _LEAST_AREA = 9, 7, 3
# Where mobile numbers are written without the prefix that the country has.
_UNPREFIXED = frozenset({"IN", "BR"})
_PHONE_WORDS = re.compile(
    r"phone|mobil|(?<![a-z])(?:tel|cell|call|ring|text|fax|sms|ph|mob|numbers?|numer|nummer|nr|tlf"
    r"|wx)(?![a-z])|whatsapp|reach"
    r"|contact|tel[eé]f|m[oó]vil|rückruf|anruf|appel|llam|dzwo|zadzwo|portable|handy|chiam|cellulare"
    r"|bel(?:len)? |电话|手机|联系",
    re.IGNORECASE,
)
_PLAN = frozenset({"US", "CA"})  # share one numbering plan, so one stands for both
_CHUNK = 25  # digits that libphonenumber gets at once
_AMERICAN = re.compile(r"\(?[2-9]\d\d\)?[ .-]{0,2}[2-9]\d\d[ .-]?\d{4}(?!\d)")


def mobiles(text: str) -> Iterator[Span]:
    """Chinese mobile numbers, with the country's code or without."""
    for match in _MOBILE.finditer(text):
        start, end = match.span()
        before = text[max(0, start - _BEFORE) : start]
        begins = alone(text, start, end) or (_CALLED.search(before) and ends(text, end))
        if begins and not _OTHER.search(before) and not _ABROAD.search(before):
            yield start, end


def phones(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Valid telephone numbers of `regions`, or with a country code; no dates, decimals, order numbers."""
    if not DIGITS.search(text):
        return
    read: dict[tuple[str, str, bool], set[Span]] = {}  # what repeats itself is read once
    for match in _PHONE.finditer(text):
        start, end = _behind_others(text, match.start(), match.end()), match.end()
        candidate = text[start:end]
        if not candidate or _DECIMAL.match(candidate) or _ADDRESS.match(candidate) or versioned(text, start):
            continue
        found: set[Span] = set()
        if over(text, start, _OTHER_HEAD) and not over(text, start, _PHONE_HEAD):
            continue
        named = announced(text, start, _PHONE_WORDS)
        marker = _MARKER.match(text, start, end)
        begins = (start,) if marker is None else (start, marker.end())
        for first, last in (piece for begin in begins for piece in _chunks(text, begin, end)):
            chunk = text[first - 1 : first] if first else "", text[first:last], named
            if chunk not in read:
                read[chunk] = _valid(*chunk, regions)
            found.update((first + one, first + other) for one, other in read[chunk])
        # Where nothing was found, another number may touch one of a telephone: a price, a year, a count.
        found.update(_neighbours(text, start, end, regions, alone=not found))
        yield from sorted(found)


def _behind_others(text: str, start: int, end: int) -> int:
    """Where telephone numbers may begin in a run of digits: behind a date, or another thing's number."""
    before = text[max(0, start - _BEFORE) : start]
    touched = touches(before[-1:]) and not _glued(before, text[start:end])
    coded = _CODED.search(before) and not _CALLED.search(before.rstrip("-_/#.("))
    if text[start] != "+" and (touched or coded or _HEXED.match(text, end) or _OTHER.search(before)):
        later = _ITSELF.search(text, start, end)
        if later is None:
            return end
        start = later.start(1)
    while date := _DATE.match(text, start, end):
        start = date.end()
        if start >= end or text[start] not in " /(":
            return end
        while text[start] not in "+(0123456789":
            start += 1
    return start


def _glued(before: str, number: str) -> bool:
    """Whether a word touches a number that says itself that it is one, or says so of it."""
    if _CALLED.search(before):
        return True
    itself = number[0] == "0" or _AREA.match(number) is not None or len(GROUP.findall(number)) > 2
    return itself and _WORD.search(before) is not None


def _chunks(text: str, start: int, end: int) -> Iterator[Span]:
    """A run of digits in pieces that libphonenumber reads in a time that is bounded."""
    first, digits, last = start, 0, start
    for group in GROUP.finditer(text[start:end]):
        width = group.end() - group.start()
        if digits and digits + width > _CHUNK:
            yield first, last
            first, digits = _sign(text, start + group.start()), 0
        digits, last = digits + width, start + group.end()
    yield first, end


def _width(span: Span) -> int:
    return span[1] - span[0]


def _sign(text: str, at: int) -> int:
    """Where a number begins whose first digit stands at `at`: at its plus or its parenthesis."""
    while text[at - 1] in "+(":
        at -= 1
    return at


def _neighbours(text: str, start: int, end: int, regions: Sequence[str], *, alone: bool) -> Iterator[Span]:
    """Numbers that touch one another with nothing but blanks between: libphonenumber takes them for one.

    `alone`: nothing was found among them, so fewer may hold one. Of those, a country's begin with three
    digits or more, for pairs are a program's bytes as well.
    """
    groups = [(start + one.start(), start + one.end()) for one in GROUP.finditer(text[start:end])]
    total = sum(map(_width, groups))
    if total <= (_LEAST_PHONE if alone else _MOST_PHONE):
        return
    told: dict[tuple[str, tuple[str | None, ...]], bool] = {}
    first = 0
    while first < len(groups):
        at = _sign(text, groups[first][0]) if first else start
        found, digits = None, 0
        short = total <= _MOST_PHONE and _width(groups[first]) < _LEAST_AREA and text[at] == "0"
        homes = () if short else _homes(text, at, groups[first], start, end, regions)
        for last in range(first, min(len(groups), first + _MOST_GROUPS)) if homes else ():
            digits += _width(groups[last])
            closes = groups[last][1]
            apart = text[closes : closes + 1] not in (".", "-")
            if not (_LEAST_PHONE <= digits <= _MOST_PHONE and apart):
                continue
            asked = text[at:closes], homes
            if asked not in told:
                told[asked] = _telephone(*asked)
            if told[asked]:
                found = last
                break
        if found is not None:
            yield at, groups[found][1]
        first = first + 1 if found is None else found + 1


def _homes(
    text: str, at: int, group: Span, start: int, end: int, regions: Sequence[str]
) -> tuple[str | None, ...]:
    """Where a number that begins at `at` may be at home; None: it says so itself. Empty: none begins."""
    if at > start and text[at - 1] not in " /":
        return ()
    if text[at] == "+" or text.startswith("00", at):
        return (None,)
    if text[group[0]] == "0" and _width(group) > 1:
        return tuple(one for one in regions if one not in _PLAN)
    if _AMERICAN.match(text, at, end):
        return tuple(one for one in regions if one in _PLAN)[:1]
    return ()


def _telephone(candidate: str, homes: Sequence[str | None]) -> bool:
    """Whether the whole of `candidate` is a valid number of one of `homes`."""
    if candidate.startswith("00"):
        candidate = f"+{candidate[2:]}"
    for home in homes:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(candidate, home)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _international(candidate: str) -> Span | None:
    """A number with its country's code, of a length that the country has: it says itself what it is."""
    try:
        number = phonenumbers.parse(candidate.lstrip("(") if "+" in candidate[:2] else f"+{candidate[2:]}")
    except phonenumbers.NumberParseException:
        return None
    return (0, len(candidate.rstrip())) if phonenumbers.is_possible_number(number) else None


def _valid(before: str, candidate: str, named: bool, regions: Sequence[str]) -> set[Span]:
    """Where libphonenumber finds numbers in a candidate; the character before it counts."""
    lead = before if before in "$€£¥#" else ""
    found: set[Span] = set()
    if candidate.startswith(("+", "00", "(+")) and (span := _international(candidate)):
        return {span}
    for region in regions:
        for match in phonenumbers.PhoneNumberMatcher(
            lead + candidate, region, leniency=phonenumbers.Leniency.VALID
        ):
            if _written(match.raw_string, region, named):
                found.add((match.start - len(lead), match.end - len(lead)))
    return {
        span
        for span in found
        if not any(one[0] <= span[0] and span[1] <= one[1] and one != span for one in found)
    }


def _written(number: str, region: str, named: bool) -> bool:
    """Whether people of `region` write a number so: with the prefix they dial, in groups or beside a word.

    Seconds, builds and sizes are rows of digits, too, and would be somebody's number in some country.
    """
    digits = re.sub(r"[^0-9]", "", number)
    if number.startswith("+"):
        return True
    if _prefix(region) == "0" and region not in _UNPREFIXED and digits[0] != "0":
        # China's mobile numbers have finders of their own.
        return False
    if region in _UNPREFIXED and digits[0] != "0" and max(map(len, GROUP.findall(number))) < 4:
        return False
    return digits[0] == "0" or named or number.strip() != digits


@cache
def _prefix(region: str) -> str | None:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    return metadata.national_prefix if metadata else None
