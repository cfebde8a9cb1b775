"""E-mail addresses as people say or hide them: `jane dot doe at shop dot com`, `jane @ shop . com`."""

import re
from collections.abc import Callable, Iterator

import re2

from governance.detection import tongues
from governance.detection.candidates import Span, has_suffix
from governance.detection.patterns import Match
from governance.detection.plain_words import common

_SIGN = r"A-Za-z0-9\x{c0}-\x{24f}"
_DOTS_SAID, _ATS_SAID = tongues.of(tongues.DOT), tongues.of(tongues.AT)
_UNPARTED = f"{tongues.unparted(tongues.DOT)}|{tongues.unparted(tongues.AT)}"
# `dash` and `underscore`, said inside of a name.
_JOINED = rf"(?: (?:{tongues.of(tongues.DASH)}|{tongues.of(tongues.UNDERSCORE)}) )"
_DOTTED = (
    rf"(?:(?: |[_*|-])(?:{_DOTS_SAID})(?: |[_*|-])| ?[(\[{{<\"'“‘] ?(?:{_DOTS_SAID}) ?[)\]}}>\"'”’] ?"
    rf"| ?(?:{tongues.unparted(tongues.DOT)}) ?|(?-i:DOT))"
)
_LABEL = rf"[{_SIGN}](?:[{_SIGN}_-]*[{_SIGN}])?(?:{_JOINED}[{_SIGN}]+){{0,3}}"
_DOT = rf"(?:\.| \. |{_DOTTED}|\.\r?\n)"
_AT = (
    rf"(?: (?:{_ATS_SAID}) | ?@ ?|@\r?\n|[_*|-]at[_*|-]| ?[(\[{{<] ?(?:{_ATS_SAID}|a|@) ?[)\]}}>] ?"
    rf"| ?[\"'“‘] ?(?:{_ATS_SAID}|@) ?[\"'”’] ?"
    rf"| ?(?:{tongues.unparted(tongues.AT)}) ?|(?-i:AT))"
)
_SAID = re2.compile(
    rf"(?i)([{_SIGN}][{_SIGN}._%+-]*(?:(?:{_DOTTED}|{_JOINED}){_LABEL})*)({_AT})({_LABEL}(?:{_DOT}{_LABEL}){{1,5}})"
)
_DOTS = re.compile(rf"\s*(?:\.|{_DOTTED})\s*".replace(r"\x{24f}", "\u024f"), re.IGNORECASE)
_JOINS = re.compile(_JOINED, re.IGNORECASE)
_SPOKEN = re.compile(
    rf"(?:^|(?<=[^A-Za-z]))(?:{_DOTS_SAID})(?![A-Za-z])|{_UNPARTED}|(?-i:DOT)|@|[(\[{{<]", re.IGNORECASE
)
_NAMED = re.compile(r"(?i)e?-?mail|write|reach|contact|address|send|schreib|[ée]cri|escrib|scriv|skriv|pisz")
# A place in a program: `java.io.IOException at com.shop.Main`.
_PROGRAM = re.compile(r"(?:Exception|Error|Throwable)\Z|[a-z][A-Z]")
_CLASS = re.compile(r"\.[A-Z]")


def emails(text: str, *, common: Callable[[str], bool] = common) -> Iterator[Span]:
    """Addresses whose signs are words, or stand apart, before a public suffix.

    A `common` word (in lower case) before an unspoken domain may say where something is, instead.
    """
    for match in _SAID.finditer(text):
        # Behind a sign that stands as it should, a full stop apart ends the sentence.
        domain = match[3].partition(" . ")[0] if match[2] == "@" else match[3]
        labels = [_JOINS.sub("-", one) for one in _DOTS.split(domain)]
        while len(labels) > 1 and (labels[-1].lower() == "dot" or not has_suffix(".".join(labels))):
            labels.pop()
        if len(labels) < 2 or not _means(text, match, common):
            continue
        yield match.start(), _end(match, len(labels))


def _means(text: str, match: Match, common: Callable[[str], bool]) -> bool:
    """Whether an address is meant, and not where something is: `look at shop.com`, `Error at shop.Main`."""
    if _SPOKEN.search(match[2] + match[3]):
        return True
    local = match[1]
    if _PROGRAM.search(local) or _CLASS.search(match[3]):
        return False
    if not common(local.lower()) and any(map(str.isalpha, local)):
        return True
    return _NAMED.search(text[max(0, match.start() - 24) : match.start()]) is not None


def _end(match: Match, labels: int) -> int:
    """Where the last of so many labels of the domain ends."""
    dots = list(_DOTS.finditer(match[3]))
    return int(match.start(3) + dots[labels - 1].start() if labels <= len(dots) else match.end(3))
