"""Countries as exports name them: ISO 3166-1 codes of two and of three letters, and names.

Names are those that libphonenumber has for the world's numbering plans, in the languages that it
knows, and a few that people write beside them.
"""

import unicodedata
from collections.abc import Mapping
from functools import cache

from cdp.kernel.countries import ALPHA_2, COUNTRY_NAMES

_KNOWN = frozenset(ALPHA_2.values())
# What people write that is no name of the list.
_ALSO = {
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "united states of america": "US",
    "u.s.a.": "US",
    "u.s.": "US",
    "america": "US",
    "holland": "NL",
    "the netherlands": "NL",
    "czech republic": "CZ",
    "tschechien": "CZ",
    "korea": "KR",
    "south korea": "KR",
    "republic of korea": "KR",
    "russian federation": "RU",
    "peoples republic of china": "CN",
    "pr china": "CN",
    "中国": "CN",
    "中华人民共和国": "CN",
    "norge": "NO",
    "danmark": "DK",
    "suomi": "FI",
    "island": "IS",
    "česko": "CZ",
    "magyarország": "HU",
    "türkiye": "TR",
    "eire": "IE",
    "viet nam": "VN",
}


def country(text: str) -> str | None:
    """The ISO 3166-1 alpha-2 code that a cell plainly means; None if it means none, or several."""
    word = unicodedata.normalize("NFKC", text).strip()
    upper = word.upper()
    if upper in _KNOWN:
        return upper
    if upper in ALPHA_2:
        return ALPHA_2[upper]
    return _names().get(_plain(word))


def name_of(code: str) -> str:
    """A country's name in English, or its code where none is known."""
    names: Mapping[str, str] = COUNTRY_NAMES.get(code, {})
    name = names.get("en", code)
    # A name that is the same in another language stands there alone, and a star says in which.
    return names.get(name[1:], code) if name.startswith("*") else name


@cache
def _names() -> Mapping[str, str]:
    found: dict[str, set[str]] = {}
    for code, names in COUNTRY_NAMES.items():
        if code in _KNOWN:
            for name in names.values():
                if not name.startswith("*"):
                    found.setdefault(_plain(name), set()).add(code)
    known = {name: next(iter(codes)) for name, codes in found.items() if len(codes) == 1}
    return {**known, **{_plain(name): code for name, code in _ALSO.items()}}


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("'", "").replace("’", "").split())
