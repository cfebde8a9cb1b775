"""What opens something: tokens by their issuers' prefixes, keys, log-ins in links, passwords.

Linear, by RE2. A password is known by the word that names it alone, and by not being a word itself.
"""

import re
from collections.abc import Iterator

import re2

from governance.detection.surroundings import head

Placed = tuple[int, int, str]

_TOKENS = re2.compile(
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # a JWT (RFC 7519)
    r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{20,}"
    r"|xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{20,}"
    r"|AIza[A-Za-z0-9_-]{35}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{36}"
    r"|https://hooks\.slack\.com/services/[A-Za-z0-9/]{20,}"
    r"|https://discord(?:app)?\.com/api/webhooks/[0-9]+/[\w-]{20,}"
    r"|sk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}|dop_v1_[0-9a-f]{64}"
)
_PEM = re2.compile(r"-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re2.compile(r"-----END [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----")
_MOST_PEM = 12_000
_LOGIN = re2.compile(
    r"(?i)[a-z][a-z0-9+.-]{1,20}://[^\s/?#@:'\"<>]{0,128}:[^\s/?#@'\"<>]{1,256}@[^\s/?#'\"<>]{1,255}"
)
_AWS_SECRET = re2.compile(r"[A-Za-z0-9/+]{40}")
_SECRET_WORDS = re.compile(r"aws|secret|access.?key", re.IGNORECASE)
_NAMES = (
    r"(?:pass ?word|passwd|passwort|pass ?phrase|pass ?code|pwd|kennwort|l[öo]senord|mot de passe|mdp"
    r"|contrase[ñn]a|has[łl]o"
    r"|wachtwoord|密码|口令|client.?secret|api.?key|(?:^|[^A-Za-z])(?:pw|pass|secret)(?:[^A-Za-z]|$))"
)
_NAMED = re2.compile("(?i)" + _NAMES)
# What stands between the word and the password: signs, tags, small words.
_PASSWORD = re2.compile(
    "(?i)" + _NAMES + r"(?:[_-][a-z0-9]{1,8}|[0-9]{1,2})?"
    r"((?:[\s\"'`:=>{}\[\](),：-]|<[^<>]{0,60}>?|value|CDATA|\b(?:is|was|ist|är|est|es|to|now|still)\b|是"
    r"|为){0,16})"
    r"([^\s\"'`<>&]{4,128})"
)
_PLACEHOLDER = re.compile(r"\$[({]|\{\{|%\(")
_PLAIN = re.compile(r"[A-Za-z_\u00c0-\u024f]*[.,;:!?)]*\Z")
_SIGNS = re.compile(r"[:=>\"]|\\b(?:is|ist|är)\\b")
_CELL = re.compile(r"[^\s,;|\t\"]{4,128}")
_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[A-Za-z]")


def credentials(text: str) -> Iterator[Placed]:
    """Tokens, private keys, links with a log-in, passwords."""
    for match in _TOKENS.finditer(text):
        if not text[match.start() - 1 : match.start()].isalnum():
            yield *match.span(), "SECRET"
    for match in _PEM.finditer(text):
        ends = _PEM_END.search(text[match.end() : match.end() + _MOST_PEM])
        yield match.start(), match.end() + (ends.end() if ends else 0), "SECRET"
    for match in _LOGIN.finditer(text):
        yield *match.span(), "URL_CREDENTIALS"
    yield from _keys(text)
    yield from _passwords(text)


def _keys(text: str) -> Iterator[Placed]:
    """Forty signs of base64 that mix letters and digits as chance does, beside a word for secrets."""
    for match in _AWS_SECRET.finditer(text):
        start, end = match.span()
        mixed = re.search("[a-z]", match[0]) and re.search("[A-Z]", match[0]) and _DIGIT.search(match[0])
        touched = re.match(r"[A-Za-z0-9/+]", text[end : end + 1]) or re.match(
            r"[A-Za-z0-9/+]", text[start - 1 : start]
        )
        if mixed and not touched and len(set(match[0])) >= 16:
            around = text[max(0, start - 64) : start] + text[end : end + 28] + head(text, start)
            if _SECRET_WORDS.search(around):
                yield start, end, "SECRET"


def _passwords(text: str) -> Iterator[Placed]:
    """What a word for passwords names, unless it is a plain word itself."""
    if not _NAMED.search(text):
        return
    for match in _PASSWORD.finditer(text):
        said = match[2].rstrip(".,;:)]}")
        strong = _DIGIT.search(said) and _LETTER.search(said)
        if (
            said
            and not _PLACEHOLDER.match(said)
            and not _PLAIN.match(said)
            and (strong or _SIGNS.search(match[1]))
        ):
            yield match.start(2), match.start(2) + len(said), "PASSWORD"
    if "\n" in text:
        for match in _CELL.finditer(text):
            over = head(text, match.start())
            if over and _NAMED.search(over) and not _PLAIN.match(match[0]):
                yield *match.span(), "PASSWORD"
