"""What stands around a value and says what it is: words beside it, its field's name, its column's head.

Pure, and bounded: a value is looked around for a few dozen characters, a table is read once.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

BEFORE, BEHIND = 64, 28
_VERSION = re.compile(
    r"(?:(?<![a-z])v|ver|version|release|build|firmware|revision|(?:chrome|safari|firefox|edge?|webkit"
    r"|mozilla|opera)/?)[\s.:=\"'v]*\Z",
    re.IGNORECASE,
)
_SEPARATORS = (",", ";", "\t", "|")
_HEAD = re.compile(r"[\w .#-]{1,40}\Z")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_MOST_TABLE = 100_000


def beside(text: str, start: int, end: int, words: Any) -> bool:
    """Whether one of `words` (a pattern) stands close to a value, or over its column."""
    if words.search(text[max(0, start - BEFORE) : start]) or words.search(text[end : end + BEHIND]):
        return True
    return words.search(head(text, start)) is not None


def versioned(text: str, start: int) -> bool:
    """Whether what begins at `start` is said to be a version of something."""
    return _VERSION.search(text[max(0, start - 16) : start]) is not None


def named(text: str, start: int, words: Any, between: Any) -> bool:
    """Whether one of `words` names the value that begins at `start`: nothing but `between` parts them.

    So does the head of its column.
    """
    if words.search(head(text, start)):
        return True
    before = text[max(0, start - BEFORE) : start]
    return any(between.match(before, one.end()) for one in words.finditer(before))


def head(text: str, start: int) -> str:
    """The head of the column that `start` stands in; nothing if `text` is no table."""
    found = _table(text) if "\n" in text and len(text) <= _MOST_TABLE else None
    if found is None:
        return ""
    heads, separator, lines = found
    line = bisect_right(lines, start) - 1
    if line == 0:
        return ""
    blank = _QUOTED.sub(lambda one: "x" * len(one[0]), text[lines[line] : start])
    if blank.count('"') % 2:
        # The value stands in a cell in quotes, which may hold separators of its own.
        blank = blank[: blank.rfind('"')]
    column = blank.count(separator)
    return heads[column] if column < len(heads) else ""


@lru_cache(maxsize=4)
def _table(text: str) -> tuple[Sequence[str], str, Sequence[int]] | None:
    """The heads of a table, what parts its cells, and where its lines begin; None: it is no table."""
    lines = text.split("\n")
    starts = [0, *accumulate(len(line) + 1 for line in lines[:-1])]
    for separator in _SEPARATORS:
        heads = lines[0].strip("\r").split(separator)
        if len(heads) < 2 or not all(_HEAD.match(one.strip('" ')) for one in heads):
            continue
        cells = _QUOTED.sub("", lines[1]).split(separator)
        if len(cells) == len(heads):
            return heads, separator, starts
    return None
