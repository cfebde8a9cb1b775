"""What opens something: tokens, keys, log-ins in links, passwords.

Linear, by RE2. A password is known by the word that names it alone, and by not being a word itself.
"""

import re
from collections.abc import Iterator

import re2

from governance.detection import tongues
from governance.detection.issued_tokens import tokens
from governance.detection.tables import cells, head

Placed = tuple[int, int, str]

# Forms write blanks as pluses, and lines as they please.
_PEM = re2.compile(r"-----BEGIN[ +][A-Z0-9 +]{0,24}PRIVATE[ +]KEY(?:[ +]BLOCK)?-----")
_PEM_END = re2.compile(r"-----END[ +][A-Z0-9 +]{0,24}PRIVATE[ +]KEY(?:[ +]BLOCK)?-----")
_PEM_LINES = re2.compile(r"[A-Za-z0-9+/=\s\\]*")
_MOST_PEM = 12_000
_LOGIN = re2.compile(
    r"(?i)[a-z][a-z0-9+.-]{1,20}://[^\s/?#@:'\"<>]{0,128}:[^\s/?#@'\"<>]{1,256}@[^\s/?#'\"<>]{1,255}"
)
_AWS_SECRET = re2.compile(r"[A-Za-z0-9/+]{40}")
_SECRET_WORDS = re.compile(r"aws|secret|access.?key", re.IGNORECASE)
_NAMES = (
    rf"(?:{tongues.of(tongues.PASSWORD)}|(?:^|[^A-Za-z])(?:pw|pass|secret|pin(?:[ -]?code)?)(?:[^A-Za-z]|$))"
)
NAMED = re2.compile("(?i)" + _NAMES)
# The head of a column of passwords ends with the word for them.
_HEAD = re.compile(rf"(?i){_NAMES}(?:[_ -]?(?:hash|plain|text|new|old|current|temp|[0-9]))?\W*\Z")
_LATIN = r"[0-9A-Za-z_\u00c0-\u024f]"
_LINKS, _NO_BLANKS = tongues.parted(tongues.LINKS), tongues.unparted(tongues.LINKS)
_LINK = rf"(?:{_LINKS})[\s:=\"'`]|{_NO_BLANKS}"
_SAID = r"([^\s\"'`<>&]{4,})"
# What stands between the word and the password: signs, tags, small words.
_NEAR = re2.compile(
    r"(?i)(?:[_-][a-z0-9]{1,8}|[0-9]{1,2})?"
    rf"((?:[\s\"'`:=|>{{}}\[\](),：-]|<!\[CDATA\[|<[^<>]*>|value|{_LINK})*)" + _SAID
)
# What it is of stands there, too: `password for the guest network: …`.
_FAR = re2.compile(rf"(?i)((?:[ -][^\s:=]+){{1,6}}? ?(?:[:=：]|{_LINK})[\s\"'`]*)" + _SAID)
_BEFORE = re.compile(rf"(?i)([^\s\"'`<>&]{{6,}})[\"'`]? (?:{_LINKS}) (?:\w+ ){{0,2}}\Z")
_MOST_GAP, _MOST_PASSWORD = 120, 128
_PLACEHOLDER = re.compile(r"\$[({]|\{\{|%\(|\*{3}|\[?redacted")
_PLAIN = re.compile(r"[A-Za-z_\u00c0-\u024f]*[.,;:!?)]*\Z")
_MIXED = re.compile(r"[a-z][A-Z].*[a-z][A-Z]")  # as chance writes, and no name of a thing does
_SIGNS = re.compile(rf"[:=>\"：]|(?<!{_LATIN})(?:{_LINKS})(?!{_LATIN})|{_NO_BLANKS}", re.IGNORECASE)
_SHOWN = " \t\r\"'`|"
_NO_LATIN = re.compile(r"[\u3000-\u9fff\uff00-\uffef]+\Z")
_DIGIT, _LETTER = re.compile(r"\d"), re.compile(r"[A-Za-z]")


def credentials(text: str) -> Iterator[Placed]:
    """Tokens, private keys, links with a log-in, passwords."""
    yield from ((*span, "SECRET") for span in tokens(text))
    for match in _PEM.finditer(text):
        behind = text[match.end() : match.end() + _MOST_PEM]
        # Of a key that was cut, what is there.
        ends = _PEM_END.search(behind) or _PEM_LINES.match(behind)
        yield match.start(), match.end() + ends.end(), "SECRET"
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
    if not NAMED.search(text):
        return
    for match in NAMED.finditer(text):
        if text[max(0, match.start() - 2) : match.start()] == "</":
            continue
        # A sign behind a short word is of what follows.
        yield from _after(text, match.end() - (not text[match.end() - 1].isalnum()))
        before = _BEFORE.search(text, max(0, match.start() - _MOST_PASSWORD), match.start())
        if before and _may_be(before[1]) and _strong(before[1]):
            yield *before.span(1), "PASSWORD"
    for start, end, over in cells(text):
        value = text[start:end].strip(_SHOWN)
        if value and _HEAD.search(over) and _may_be(value):
            first = text.index(value, start)
            yield first, first + len(value), "PASSWORD"


def _after(text: str, at: int) -> Iterator[Placed]:
    """The password that a word for it, which ends at `at`, names."""
    behind = text[at : at + _MOST_GAP + _MOST_PASSWORD]
    for form in (_NEAR, _FAR):
        match = form.match(behind)
        said = _NO_LATIN.sub("", match[2][:_MOST_PASSWORD]).rstrip(".,;:)]}") if match else ""
        if match and _may_be(said) and (_strong(said) or (form is _NEAR and _SIGNS.search(match[1]))):
            start = at + match.start(2)
            if "\n" in match[1] and head(text, start):
                # The word was a head, and the value is of another column.
                return
            yield start, start + len(said), "PASSWORD"
            return


def _strong(said: str) -> bool:
    return _DIGIT.search(said) is not None and _LETTER.search(said) is not None


def _may_be(said: str) -> bool:
    """Whether a word may be a password: neither a plain word nor what stands for one."""
    plain = _PLAIN.match(said) and not _MIXED.search(said)
    return len(said) > 3 and not plain and not _PLACEHOLDER.match(said)
