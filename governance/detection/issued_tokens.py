"""Tokens: by their issuers' prefixes, by chance beside a word for them, by what they say.

Linear, by RE2. Hashes, ids and numbers of machines are written by chance, too: where no word calls one
a token or a key, it is none.

Sources of the prefixes: the issuers' own documentation, as GitHub's secret scanning lists it.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import pairwise

import re2

from governance.detection import tongues
from governance.detection.surroundings import named, said_behind, touches

Span = tuple[int, int]

_PREFIXED = re2.compile(
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # a JWT (RFC 7519)
    r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}|gl(?:pat|dt|rt|soat)-[A-Za-z0-9_-]{20,}"
    r"|(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{20,}"
    r"|xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{20,}"
    r"|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{16,}|1//0[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}"
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{36}|pypi-Ag[A-Za-z0-9_-]{14,}"
    r"|hf_[A-Za-z0-9]{20,}|shp(?:at|ca|pa|ss)_[A-Za-z0-9]{20,}|lin_api_[A-Za-z0-9]{20,}"
    r"|figd_[A-Za-z0-9_-]{20,}|dapi[0-9a-f]{32}|NRAK-[A-Z0-9]{20,}|xkeysib-[A-Za-z0-9-]{20,}"
    r"|hvs\.[A-Za-z0-9_-]{20,}|ATATT3[A-Za-z0-9_=-]{20,}|PMAK-[A-Za-z0-9-]{20,}|rubygems_[0-9a-f]{32,}"
    r"|sq0(?:atp|csp)-[A-Za-z0-9_-]{20,}|key-[0-9a-z]{32}|EAA[A-Za-z0-9]{24,}|xprv[1-9A-HJ-NP-Za-km-z]{50,}|[0-9a-f]{32}-us[0-9]{1,2}"
    r"|[0-9]{8,10}:AA[A-Za-z0-9_-]{32,}|AGE-SECRET-KEY-1[A-Z0-9]{20,}|gsk_[A-Za-z0-9]{30,}"
    r"|(?i:account|sharedaccess)[Kk]ey=[A-Za-z0-9+/]{20,}={0,2}"
    r"|https://hooks\.slack\.com/services/[A-Za-z0-9/]{20,}"
    r"|https://discord(?:app)?\.com/api/webhooks/[0-9]+/[0-9A-Za-z_-]{20,}"
    r"|sk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}|dop_v1_[0-9a-f]{64}"
)
_BASIC = re2.compile(r"(?i)basic\s+([A-Za-z0-9+/]{8,}={0,2})")  # RFC 7617
_WRITTEN = re2.compile(r"[A-Za-z0-9+/_.~-]{16,}={0,2}")
_LED = re.compile(r"(?:[A-Za-z]{1,16}[_.-])+")  # a name's words that touch its value: `token_9f8e…`
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HASHED = re.compile(r"0[xX][0-9A-Fa-f]+")  # a wallet, or what was written into a chain of blocks
_SIGNS = re.compile(r"[^A-Za-z0-9]+")
_LETTERS = re.compile(r"[A-Z]{9}|[a-z]{9}")  # more in a row than chance writes
_SORT = {
    sign: number
    for number, signs in enumerate(("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789"))
    for sign in signs
}
_LEAST, _MOST, _CHANCE, _DIGITS = 16, 1_024, 0.27, 2
_WORDS = tongues.pattern(tongues.of(tongues.TOKEN))
_LINKS = rf"{tongues.parted(tongues.LINKS)}|{tongues.unparted(tongues.LINKS)}"
# What stands between: signs and small words; and what it is of, if a sign says that the value follows.
_BETWEEN = re2.compile(
    rf"(?i)(?:[\W_]|s|{_LINKS}|value|string|header|id|key|token|bearer|basic|secret|live|test|prod|the|my|our"
    r"|your|new|old|of|for|v?[0-9]|name|type|text|hidden|input|content|td|th|dd|dt|li|b|span|string|CDATA|番号|号)*"
    r"|(?:[ _-][^\x00-@]+){1,4} ?[:=：]+[\s\"'`]*"
)
_IS = re2.compile(rf"(?i)[\"'`)]?(?: (?:{_LINKS}) (?:\w+ ){{0,2}}|[是为為はが])")
# What is written by chance and opens nothing, whatever else is spoken of.
_OTHER = re.compile(
    r"(?i)commit|sha-?\d|hash|digest|checksum|etag|trace|build|order|invoice|tracking|parcel|shipment"
    r"|revision|version|image|fingerprint"
)
_SESSION = re.compile(r"(?i)session|cookie")
_BEFORE = 40


def tokens(text: str) -> Iterator[Span]:
    """What opens something and was written by a program."""
    for match in _PREFIXED.finditer(text):
        if not touches(text[match.start() - 1 : match.start()]):
            yield match.span()
    for match in _BASIC.finditer(text):
        if _a_login(match[1]):
            yield match.span(1)
    for match in _WRITTEN.finditer(text):
        led = _LED.match(match[0])
        start, end = match.start() + (led.end() if led else 0), match.end()
        if end - start > _MOST:
            continue
        if by_chance(text[start:end]) and _called(text, start, end):
            yield start, end


def _a_login(coded: str) -> bool:
    """Whether a word is a name and a password, as HTTP's basic scheme has them."""
    try:
        said = base64.b64decode(coded + "=" * (-len(coded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return ":" in said and said.isprintable()


def by_chance(word: str) -> bool:
    """Whether letters and digits take turns as no name of a thing has them."""
    if _HASHED.fullmatch(word):
        return False
    if _UUID.fullmatch(word):
        return True
    bare = _SIGNS.sub("", word)
    sorts = [_SORT[sign] for sign in bare]
    turns = sum(one != other for one, other in pairwise(sorts))
    mixed = sorts.count(2) >= _DIGITS and sorts.count(2) < len(sorts)
    return len(bare) >= _LEAST and mixed and turns >= _CHANCE * len(bare) and not _LETTERS.search(bare)


def _called(text: str, start: int, end: int) -> bool:
    """Whether a word for a token names what stands there, and none for something else does."""
    said = named(text, start, _WORDS, _BETWEEN) or said_behind(text, end, _WORDS, _IS)
    before = text[max(0, start - _BEFORE) : start]
    # A UUID is what systems call anything, a session too.
    other = _OTHER.search(before) or (_UUID.fullmatch(text[start:end]) and _SESSION.search(before))
    return said and not other
