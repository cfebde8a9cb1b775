"""Identifiers in a text: what has their form, and passes their checksum. Linear, by RE2.

Each finder gets a text as it is read (`reading`) and answers spans of it. A finder looks at
nothing unless its trigger is in the text, so that clean text costs one pass.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import phonenumbers
import re2
import tldextract

from governance.detection import checksums

Span = tuple[int, int]

_DIGITS_TRIGGER = re2.compile(r"(?:[0-9][^0-9]{0,4}){6}[0-9]")
_IBAN_START = re2.compile(r"(?i)[a-z]{2}[ -]?[0-9]{2}[ -]?[a-z0-9]{4}")

_MOST_LOCAL, _MOST_DOMAIN = 64, 255  # RFC 5321, 4.5.3.1
_LATIN_LOCAL = re.compile(r"[A-Za-z\u00c0-\u024f\u0300-\u036f0-9.!#$%&'*+/=?^_`{|}~-]+\Z")
_ANY_LOCAL = re.compile(r"[\w\u0300-\u036f.!#$%&'*+/=?^`{|}~-]+\Z")
_LATIN_DOMAIN = re.compile(r"[A-Za-z\u00c0-\u024f\u0300-\u036f0-9.-]+")
_ANY_DOMAIN = re.compile(r"[\w\u0300-\u036f.-]+")
_QUOTES = "'`.*/=?^{|}~!#$%&"  # stand before an address more often than in one

_RUN = re2.compile(r"[0-9](?:[\s.\-·/()_]{0,3}[0-9])*")
_GROUP = re.compile(r"[0-9]+")
_PHONE = re2.compile(r"[+(]{0,2}[0-9](?:[ .\-·/()]{0,4}[0-9]){5,}(?: ?(?:ext|x|extension)\.? ?[0-9]{1,6})?")
_RESIDENT = re2.compile(r"[1-8][0-9]{5}[ -]?[0-9]{8}[ -]?[0-9]{3}[0-9Xx]")
_MOBILE = re2.compile(r"(?:(?:\+|00)? ?\(?86\)?[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}")

# A country's code that is not China's, before what would be a mobile number there; or a plus alone,
# for then the 1 is the code.
_ABROAD = re.compile(r"(?:\+|\b00)(?:\d{1,3}\)?[ -]?(?:\(0\))?[ -]?)?$")

# What stands before a number and says that it is none of a telephone.
_OTHER = re.compile(
    r"(?:order|invoice|ticket|tracking|parcel|reference|ref|sku|serial|article|item|case|batch|version|build"
    r"|booking|contract|policy|transaction|receipt|isbn|ean|code|id|account|consignment|shipment|订单号?|单号"
    r"|编号|流水号|快递号?)"
    r"(?:\s?(?:number|no|nr|num|id|code|is|was|号码|号|是))*[\s.:：#=\"'-]{0,4}$",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?:(?:19|20)\d\d[-/. ]?(?:0?[1-9]|1[0-2])[-/. ]?(?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])[-/. ](?:0?[1-9]|[12]\d|3[01])[-/. ](?:19|20)\d\d)(?!\d)"
)
_DECIMAL = re.compile(r"\d+\.\d+\Z")
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}\Z")
_BEFORE = 48
# What stands before a number, touching it, and says that it is one of a telephone.
_CALLED = re.compile(
    r"(?<![a-z])(?:tel|telephone|phone|ph|mobile|mob|cell|call|fax|sms|whatsapp|wx)\Z", re.IGNORECASE
)
# Behind a number of something else, a telephone number has to say itself that it is one.
_ITSELF = re.compile(
    r"[ /]\s?(\+\d|\(|0(?:[ .-]?\d){8,10}(?![ .-]?\d)|[2-9]\d\d[-. ]?[2-9]\d\d[-. ]?\d{4}(?!\d))"
)
_MOST_PHONE = 15  # digits, ITU-T E.164
_LEAST_PHONE, _MOST_GROUPS = 9, 7
_PLAN = frozenset({"US", "CA"})  # share one numbering plan, so one stands for both
_CHUNK = 25  # digits that libphonenumber gets at once
_AMERICAN = re.compile(r"\(?[2-9]\d\d\)?[ .-]{0,2}[2-9]\d\d[ .-]?\d{4}(?!\d)")

# Names under which nobody has a site, and so an address only inside a house or a document.
_PRIVATE = frozenset({"example", "internal", "invalid", "lan", "local", "localdomain", "test"})


@cache
def domains() -> Any:
    """The public suffix list as it lies in the package; the network is never asked."""
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, fallback_to_snapshot=True)


def suspicious(text: str) -> bool:
    """Whether any finder could find anything; False is certain."""
    return "@" in text or bool(_DIGITS_TRIGGER.search(text)) or bool(_IBAN_START.search(text))


def emails(text: str) -> Iterator[Span]:
    """Addresses whose domain ends in a public suffix, or in a name of private networks."""
    behind = 0
    at = text.find("@")
    while at >= 0:
        start = _local(text, behind, at)
        end = _domain(text, at + 1) if start < at else at
        if end > at + 1:
            yield start, end
            behind = end
        at = text.find("@", max(at + 1, behind))


def _local(text: str, least: int, at: int) -> int:
    """Where the local part begins: text of another script that touches it is not of it."""
    piece = text[max(least, at - _MOST_LOCAL) : at]
    if piece.endswith('"') and (opened := piece.rfind('"', 0, -1)) >= 0:
        return at - len(piece) + opened
    match = _LATIN_LOCAL.search(piece) or _ANY_LOCAL.search(piece)
    if match is None or piece.endswith("."):
        return at
    # These may stand in an address, but hardly do: they end what stands before it in a link.
    first = at - len(match[0]) + max(match[0].rfind(one) for one in "/?=&") + 1
    while first < at and text[first] in _QUOTES:
        first += 1
    return first


def _domain(text: str, start: int) -> int:
    """Where the domain ends; `start` if there is none. Words that touch it fall away label by label."""
    piece = text[start : start + _MOST_DOMAIN].replace("\N{IDEOGRAPHIC FULL STOP}", ".")
    if piece[:1] in (".", "-"):
        return start
    for form in (_LATIN_DOMAIN, _ANY_DOMAIN):
        match = form.match(piece)
        labels = match[0].rstrip(".-").split(".") if match else []
        while len(labels) > 1:
            name = ".".join(labels)
            if all(labels) and (labels[-1].lower() in _PRIVATE or _has_suffix(name)):
                return start + len(name)
            labels.pop()
    return start


def _has_suffix(domain: str) -> bool:
    found = domains()(domain)
    return bool(found.domain and found.suffix)


def cards(text: str) -> Iterator[Span]:
    """Numbers of payment cards: 13 to 19 digits, in groups or not, of a known kind, by Luhn."""
    for groups in _runs(text):
        yield from _windows(text, groups, 13, 19, checksums.card)


def _runs(text: str) -> Iterator[list[Span]]:
    """Runs of digits, each as its groups."""
    if not _DIGITS_TRIGGER.search(text):
        return
    for match in _RUN.finditer(text):
        start, end = match.span()
        if end - start >= 7:
            yield [(start + group.start(), start + group.end()) for group in _GROUP.finditer(text[start:end])]


def _windows(
    text: str, groups: Sequence[Span], least: int, most: int, right: Callable[[str], bool]
) -> Iterator[Span]:
    """The longest rows of neighbouring groups with `least` to `most` digits that are `right`."""
    first = 0
    while first < len(groups):
        digits, best = "", None
        for last in range(first, min(len(groups), first + most)):
            digits += text[slice(*groups[last])]
            if len(digits) > most:
                break
            if len(digits) >= least and right(digits):
                best = last
        if best is None:
            first += 1
        else:
            yield groups[first][0], groups[best][1]
            first = best + 1


def ibans(text: str) -> Iterator[Span]:
    """IBANs: letters and digits up to the length that the country's have, by ISO 7064."""
    behind = 0
    for match in _IBAN_START.finditer(text):
        start = match.start()
        touched = start and text[start - 1].isascii() and text[start - 1].isalnum()
        if start < behind or (touched and text[max(0, start - 4) : start].lower() != "iban"):
            continue
        length = checksums.IBAN_LENGTHS.get(text[start : start + 2].upper())
        end = _reach(text, start, length) if length else None
        if end is not None and checksums.iban(_bare(text[start:end])):
            behind = end
            yield start, end


def _reach(text: str, start: int, length: int) -> int | None:
    """Where `length` letters and digits from `start` end, single blanks and dashes skipped."""
    taken, at = 0, start
    while taken < length and at < len(text):
        if text[at].isascii() and text[at].isalnum():
            taken += 1
        elif text[at] not in " -" or text[at - 1] in " -":
            return None
        at += 1
    ends = at == len(text) or not (text[at].isascii() and text[at].isalnum())
    return at if taken == length and ends else None


def _bare(text: str) -> str:
    return text.replace(" ", "").replace("-", "").upper()


def resident_ids(text: str) -> Iterator[Span]:
    """Chinese resident ids: 18 characters with a province, a date of birth and the check character."""
    for match in _RESIDENT.finditer(text):
        start, end = match.span()
        # Its checksum and date say enough: letters such as "id" may touch it from before.
        if (
            not text[max(0, start - 1) : start].isdigit()
            and _ends(text, end)
            and checksums.resident_id(_bare(text[start:end]))
        ):
            yield start, end


def mobiles(text: str) -> Iterator[Span]:
    """Chinese mobile numbers, with the country's code or without."""
    for match in _MOBILE.finditer(text):
        start, end = match.span()
        before = text[max(0, start - _BEFORE) : start]
        begins = _alone(text, start, end) or (_CALLED.search(before) and _ends(text, end))
        if begins and not _OTHER.search(before) and not _ABROAD.search(before):
            yield start, end


def _ends(text: str, end: int) -> bool:
    """Whether no letter or digit of ours touches a span from behind."""
    behind = text[end : end + 1]
    return not (behind.isascii() and behind.isalnum())


def _alone(text: str, start: int, end: int) -> bool:
    """Whether no letter or digit of ours touches the span."""
    before, behind = text[start - 1 : start], text[end : end + 1]
    return not any(one.isascii() and one.isalnum() for one in (before, behind))


def phones(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Valid telephone numbers of `regions`, or with a country code; no dates, decimals, order numbers."""
    if not _DIGITS_TRIGGER.search(text):
        return
    for match in _PHONE.finditer(text):
        start, end = _behind_others(text, match.start(), match.end()), match.end()
        candidate = text[start:end]
        if not candidate or _DECIMAL.match(candidate) or _ADDRESS.match(candidate):
            continue
        found: set[Span] = set()
        for first, last in _chunks(text, start, end):
            before = text[first - 1 : first] if first else ""
            found |= _valid(before, text[first:last], first, regions)
        found.update(_neighbours(text, start, end, regions))
        yield from sorted(found)


def _behind_others(text: str, start: int, end: int) -> int:
    """Where telephone numbers may begin in a run of digits: behind a date, or another thing's number."""
    before = text[max(0, start - _BEFORE) : start]
    touched = before[-1:].isascii() and before[-1:].isalnum() and not _CALLED.search(before)
    if text[start] != "+" and (touched or _OTHER.search(before)):
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


def _chunks(text: str, start: int, end: int) -> Iterator[Span]:
    """A run of digits in pieces that libphonenumber reads in a time that is bounded."""
    first, digits, last = start, 0, start
    for group in _GROUP.finditer(text[start:end]):
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


def _neighbours(text: str, start: int, end: int, regions: Sequence[str]) -> Iterator[Span]:
    """Numbers that touch one another with nothing but blanks between: libphonenumber takes them for one."""
    groups = [(start + one.start(), start + one.end()) for one in _GROUP.finditer(text[start:end])]
    if sum(map(_width, groups)) <= _MOST_PHONE:
        return
    first = 0
    while first < len(groups):
        at = _sign(text, groups[first][0]) if first else start
        found, digits = None, 0
        homes = _homes(text, at, groups[first], start, end, regions)
        for last in range(first, min(len(groups), first + _MOST_GROUPS)) if homes else ():
            digits += _width(groups[last])
            closes = groups[last][1]
            apart = text[closes : closes + 1] not in (".", "-")
            if _LEAST_PHONE <= digits <= _MOST_PHONE and apart and _telephone(text[at:closes], homes):
                found = last
                break
        if found is not None:
            yield at, groups[found][1]
        first = first + 1 if found is None else found + 1


def _homes(
    text: str, at: int, group: Span, start: int, end: int, regions: Sequence[str]
) -> Sequence[str | None]:
    """Where a number that begins at `at` may be at home; None: it says so itself. Empty: none begins."""
    if at > start and text[at - 1] not in " /":
        return ()
    if text[at] == "+" or text.startswith("00", at):
        return (None,)
    if text[group[0]] == "0" and _width(group) > 1:
        return [one for one in regions if one not in _PLAN]
    if _AMERICAN.match(text, at, end):
        return [one for one in regions if one in _PLAN][:1]
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


def _international(candidate: str, start: int) -> Span | None:
    """A number with its country's code, of a length that the country has: it says itself what it is."""
    try:
        number = phonenumbers.parse(candidate if candidate[0] == "+" else f"+{candidate[2:]}")
    except phonenumbers.NumberParseException:
        return None
    return (start, start + len(candidate.rstrip())) if phonenumbers.is_possible_number(number) else None


def _valid(before: str, candidate: str, start: int, regions: Sequence[str]) -> set[Span]:
    """What libphonenumber finds in a candidate; the character before it counts."""
    lead = before if before in "$€£¥#" else ""
    found: set[Span] = set()
    if candidate.startswith(("+", "00")) and (span := _international(candidate, start)):
        return {span}
    for region in regions:
        for match in phonenumbers.PhoneNumberMatcher(
            lead + candidate, region, leniency=phonenumbers.Leniency.VALID
        ):
            found.add((start - len(lead) + match.start, start - len(lead) + match.end))
    whole = [
        span
        for span in found
        if not any(one[0] <= span[0] and span[1] <= one[1] and one != span for one in found)
    ]
    return set(whole)
