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
_PHONE = re2.compile(r"[+(]{0,2}[0-9](?:[ .\-·/()]{0,4}[0-9]){5,24}(?: ?(?:ext|x|extension)\.? ?[0-9]{1,6})?")
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
    r"|(?:0?[1-9]|[12]\d|3[01])[-/. ](?:0?[1-9]|[12]\d|3[01])[-/. ](?:19|20)\d\d)(?:\D.*)?\Z"
)
_DECIMAL = re.compile(r"\d+\.\d+\Z")
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}\Z")
_BEFORE = 48

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
        if start < behind or (start and text[start - 1].isascii() and text[start - 1].isalnum()):
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
        if _alone(text, start, end) and checksums.resident_id(_bare(text[start:end])):
            yield start, end


def mobiles(text: str) -> Iterator[Span]:
    """Chinese mobile numbers, with the country's code or without."""
    for match in _MOBILE.finditer(text):
        start, end = match.span()
        before = text[max(0, start - _BEFORE) : start]
        if _alone(text, start, end) and not _OTHER.search(before) and not _ABROAD.search(before):
            yield start, end


def _alone(text: str, start: int, end: int) -> bool:
    """Whether no letter or digit of ours touches the span."""
    before, behind = text[start - 1 : start], text[end : end + 1]
    return not any(one.isascii() and one.isalnum() for one in (before, behind))


def phones(text: str, regions: Sequence[str]) -> Iterator[Span]:
    """Valid telephone numbers of `regions`, or with a country code; no dates, decimals, order numbers."""
    if not _DIGITS_TRIGGER.search(text):
        return
    for match in _PHONE.finditer(text):
        start, end = match.span()
        candidate = text[start:end]
        before = text[max(0, start - _BEFORE) : start]
        if _DATE.match(candidate) or _DECIMAL.match(candidate) or _ADDRESS.match(candidate):
            continue
        if candidate[0] != "+" and (
            _OTHER.search(before) or (before[-1:].isascii() and before[-1:].isalnum())
        ):
            continue
        yield from sorted(_valid(text[start - 1 : start] if start else "", candidate, start, regions))


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
