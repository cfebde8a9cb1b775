"""E-mail addresses as people say or hide them: `jane dot doe at shop dot com`, `jane @ shop . com`."""

import re
from collections.abc import Iterator
from typing import Any

import re2

from governance.detection.candidates import Span, has_suffix
from governance.detection.words import common

_LABEL = r"[A-Za-z0-9\x{c0}-\x{24f}](?:[A-Za-z0-9\x{c0}-\x{24f}_-]*[A-Za-z0-9\x{c0}-\x{24f}])?"
_DOT = r"(?:\.| \. | (?:dot|punkt|point|punto|punt|kropka) |\.\r?\n)"
_AT = r"(?: at | ?@ ?|@\r?\n| (?:chez|arroba|snabel-a|małpa|klammeraffe) )"
_SAID = re2.compile(
    rf"(?i)([A-Za-z0-9\x{{c0}}-\x{{24f}}][A-Za-z0-9\x{{c0}}-\x{{24f}}._%+-]*(?: (?:dot|punkt|point|punto"
    rf"|punt|kropka) {_LABEL})*)({_AT})"
    rf"({_LABEL}(?:{_DOT}{_LABEL}){{1,5}})"
)
_DOTS = re.compile(r"\s*(?:\.| (?:dot|punkt|point|punto|punt|kropka) )\s*", re.IGNORECASE)
_SPOKEN = re.compile(r"dot|punkt|point|punto|punt|kropka|@", re.IGNORECASE)
_NAMED = re.compile(r"(?i)e?-?mail|write|reach|contact|address|send")


def emails(text: str) -> Iterator[Span]:
    """Addresses whose signs are words, or stand apart, before a public suffix."""
    for match in _SAID.finditer(text):
        # Behind a sign that stands as it should, a full stop apart ends the sentence.
        domain = match[3].partition(" . ")[0] if match[2] == "@" else match[3]
        labels = _DOTS.sub(".", domain).split(".")
        while len(labels) > 1 and (labels[-1].lower() == "dot" or not has_suffix(".".join(labels))):
            labels.pop()
        if len(labels) < 2 or not _means(text, match):
            continue
        yield match.start(), _end(match, len(labels))


def _means(text: str, match: Any) -> bool:
    """Whether an address is meant, and not where something is: `look at shop.com`."""
    if _SPOKEN.search(match[2] + match[3]):
        return True
    local = match[1]
    if not common(local.lower()) and any(map(str.isalpha, local)):
        return True
    return _NAMED.search(text[max(0, match.start() - 24) : match.start()]) is not None


def _end(match: Any, labels: int) -> int:
    """Where the last of so many labels of the domain ends."""
    dots = list(_DOTS.finditer(match[3]))
    return int(match.start(3) + dots[labels - 1].start() if labels <= len(dots) else match.end(3))
