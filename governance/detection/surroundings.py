"""What stands around a value and says what it is: words beside it, its field's name, its column's head.

Pure, and bounded: a value is looked around for a few dozen characters.
"""

import re

from governance.detection.patterns import Pattern
from governance.detection.tables import head

BEFORE, BEHIND = 64, 28
_VERSION = re.compile(
    r"(?:(?<![a-z])v|ver|version|release|build|firmware|revision|(?:chrome|safari|firefox|edge?|webkit"
    r"|mozilla|opera)/?)[\s.:=\"'v]*\Z",
    re.IGNORECASE,
)


def touches(sign: str) -> bool:
    """Whether a sign is a letter or digit of those that identifiers are made of; one of another script that
    touches a value is a word beside it, which its people part by no blank.
    """
    return sign.isascii() and sign.isalnum()


def beside(text: str, start: int, end: int, words: Pattern) -> bool:
    """Whether one of `words` (a pattern) stands close to a value, or over its column."""
    return announced(text, start, words) or words.search(text[end : end + BEHIND]) is not None


def announced(text: str, start: int, words: Pattern) -> bool:
    """Whether one of `words` stands close before a value, or over its column."""
    return words.search(text[max(0, start - BEFORE) : start]) is not None or over(text, start, words)


def over(text: str, start: int, words: Pattern) -> bool:
    """Whether one of `words` is of the head of the column that `start` stands in."""
    return words.search(head(text, start)) is not None


def versioned(text: str, start: int) -> bool:
    """Whether what begins at `start` is said to be a version of something."""
    return _VERSION.search(text[max(0, start - 16) : start]) is not None


def named(text: str, start: int, words: Pattern, between: Pattern) -> bool:
    """Whether one of `words` names the value that begins at `start`: nothing but `between` parts them.

    So does the head of its column.
    """
    if over(text, start, words):
        return True
    before = text[max(0, start - BEFORE) : start]
    return any(between.fullmatch(before[one.end() :]) for one in words.finditer(before))


def said_behind(text: str, end: int, words: Pattern, parts: Pattern) -> bool:
    """Whether a value is called so behind it, with `parts` between: `… is my passport number`."""
    behind = text[end : end + BEFORE]
    return any(parts.fullmatch(behind[: one.start()]) for one in words.finditer(behind))
