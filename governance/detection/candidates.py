"""Identifiers in a text: what has their form, and passes their checksum. Linear, by RE2.

Each finder gets a text as it is read (`reading`) and answers spans of it. A finder looks at
nothing unless its trigger is in the text, so that clean text costs one pass.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import re2
import tldextract

from governance.detection import checksums
from governance.detection.surroundings import touches

Span = tuple[int, int]

DIGITS = re2.compile(r"(?:[0-9][^0-9]{0,4}){6}[0-9]")
_IBAN_START = re2.compile(r"(?i)[a-z]{2}[ ._-]?[0-9]{2}[ ._-]?[a-z0-9]{4}")
_IBAN_PARTS = " ._-"
_UNPARTED = dict.fromkeys(map(ord, _IBAN_PARTS))

_MOST_LOCAL, _MOST_DOMAIN = 64, 255  # RFC 5321, 4.5.3.1
_LATIN_LOCAL = re.compile(r"[A-Za-z\u00c0-\u024f\u0300-\u036f0-9.!#$%&'*+/=?^_`{|}~-]+\Z")
_ANY_LOCAL = re.compile(r"[\w\u0300-\u036f.!#$%&'*+/=?^`{|}~-]+\Z")
_LATIN_DOMAIN = re.compile(r"[A-Za-z\u00c0-\u024f\u0300-\u036f0-9.-]+")
_ANY_DOMAIN = re.compile(r"[\w\u0300-\u036f.-]+")
_QUOTES = "'`.*/=?^{|}~!#$%&"  # stand before an address more often than in one

# What spreadsheets make of a card's groups.
_COMMAS = re2.compile(r"[0-9]{4},[0-9]{4},[0-9]{4},[0-9]{4}|[0-9]{4},[0-9]{6},[0-9]{4,5}")
_TOUCHING, _TOUCHED = re.compile(r"[A-Za-z0-9]+\Z"), re.compile(r"[A-Za-z0-9]+")
_RUN = re2.compile(r"[0-9](?:[\s.\-·/()_]{0,3}[0-9])*")
GROUP = re.compile(r"[0-9]+")
_RESIDENT = re2.compile(r"[1-8][0-9]{5}[ -]?[0-9]{8}[ -]?[0-9]{3}[0-9Xx]")


# Names under which nobody has a site, and so an address only inside a house or a document.
_PRIVATE = frozenset({"example", "internal", "invalid", "lan", "local", "localdomain", "test"})


@cache
def domains() -> tldextract.TLDExtract:
    """The public suffix list as it lies in the package; the network is never asked."""
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, fallback_to_snapshot=True)


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
            if all(labels) and (labels[-1].lower() in _PRIVATE or has_suffix(name)):
                return start + len(name)
            # A dash joins it to the next words: `ann@gmail.com-thanks`.
            shorter, dash, _ = labels.pop().rpartition("-")
            if dash:
                labels.append(shorter.rstrip("-"))
    return start


def has_suffix(domain: str) -> bool:
    """Whether a name ends in a public suffix, and has something before it."""
    found = domains()(domain)
    return bool(found.domain and found.suffix)


def cards(text: str) -> Iterator[Span]:
    """Numbers of payment cards: 13 to 19 digits, in groups or not, of a known kind, by Luhn."""
    for groups in _runs(text):
        for start, end in _windows(text, groups, 13, 19, checksums.card):
            # Behind a plus stands a telephone number; what is within other letters and digits is a code.
            fraction = text[start + 1 : start + 2] == "." or text[start + 2 : start + 3] == "."
            if text[start - 1 : start] != "+" and not fraction and _in_words(text, start, end):
                yield start, end
    for match in _COMMAS.finditer(text):
        start, end = match.span()
        touched = text[start - 1 : start].isdigit() or text[end : end + 1].isdigit()
        if not touched and checksums.card(match[0].replace(",", "")):
            yield start, end


def _in_words(text: str, start: int, end: int) -> bool:
    """Whether what touches a span are words at most: no digits behind letters, as in a code."""
    before = _TOUCHING.search(text[max(0, start - 24) : start])
    behind = _TOUCHED.match(text, end, end + 24)
    return not any(one and any(map(str.isdigit, one[0])) for one in (before, behind))


def _runs(text: str) -> Iterator[list[Span]]:
    """Runs of digits, each as its groups."""
    if not DIGITS.search(text):
        return
    for match in _RUN.finditer(text):
        start, end = match.span()
        if end - start >= 7:
            yield [(start + group.start(), start + group.end()) for group in GROUP.finditer(text[start:end])]


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
        touched = touches(text[start - 1 : start])
        if start < behind or (touched and text[max(0, start - 4) : start].lower() != "iban"):
            continue
        length = checksums.IBAN_LENGTHS.get(text[start : start + 2].upper())
        end = _reach(text, start, length) if length else None
        if end is not None and checksums.iban(_bare(text[start:end])):
            behind = end
            yield start, end


def _reach(text: str, start: int, length: int) -> int | None:
    """Where `length` letters and digits from `start` end, single blanks, dashes and their like skipped."""
    taken, at = 0, start
    while taken < length and at < len(text):
        if touches(text[at]):
            taken += 1
        elif text[at] not in _IBAN_PARTS or text[at - 1] in _IBAN_PARTS:
            return None
        at += 1
    ends = at == len(text) or not touches(text[at])
    return at if taken == length and ends else None


def _bare(text: str) -> str:
    return text.translate(_UNPARTED).upper()


def resident_ids(text: str) -> Iterator[Span]:
    """Chinese resident ids: 18 characters with a province, a date of birth and the check character."""
    for match in _RESIDENT.finditer(text):
        start, end = match.span()
        # Its checksum and date say enough: letters such as "id" may touch it from before.
        if (
            not text[max(0, start - 1) : start].isdigit()
            and ends(text, end)
            and checksums.resident_id(_bare(text[start:end]))
        ):
            yield start, end


def ends(text: str, end: int) -> bool:
    """Whether no letter or digit of ours touches a span from behind."""
    return not touches(text[end : end + 1])


def alone(text: str, start: int, end: int) -> bool:
    """Whether no letter or digit of ours touches the span."""
    return not touches(text[start - 1 : start]) and ends(text, end)
