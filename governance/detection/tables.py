"""Tables inside of texts, and what each of their cells is called.

CSV, TSV and their like, markdown, what database clients print, rows of HTML, and SQL's `INSERT … (columns)
VALUES` and `COPY`. A table may begin anywhere in a text. Pure; a text is read once, in linear time.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

Cell = tuple[int, int, str]  # start, end, and the head of its column

_MOST = 100_000  # characters of a text in which tables are looked for
_SEPARATORS = (",", ";", "\t", "|")
# A cell: in quotes, which double inside of them, or up to what parts it from the next one.
_CELLS = {
    one: re.compile(rf'[ ]*"((?:[^"]|""){{0,4000}})"[ ]*(?=[{one}\r\n]|\Z)|([^{one}\n]*)')
    for one in _SEPARATORS
}
_HEAD = re.compile(r"[\w .#/()*-]{1,48}\Z")
_LETTER = re.compile(r"[^\W\d_]")
_RULE = re.compile(r"[ \t]*[-+|=:][-+|=: \t]*\r?(?:\n|\Z)")  # what is drawn under heads
_COLUMNS = r"[\s]*\(([^()]{1,2000})\)\s*"
_INSERT = re.compile(rf"(?i)\b(?:insert|replace)\s+into\s+[^\s()]{{1,128}}{_COLUMNS}values\s*")
_COPY = re.compile(rf"(?i)\bcopy\s+[^\s()]{{1,128}}{_COLUMNS}from\s+stdin[^\n]{{0,80}}\n")
_VALUE = re.compile(
    r"\s*(?:[EeNn]?'((?:[^'\\]|''|\\.){0,4000})'|\"((?:[^\"\\]|\\.){0,4000})\"|([^\s,()'\"][^,()'\"]{0,400}(?:\([^()]{0,200}\))?))\s*"
)
_TR = re.compile(r"(?i)<tr\b[^<>]{0,200}>")
_TD = re.compile(r"(?i)<t([hd])\b[^<>]{0,200}>([^<>]{0,2000})</t[hd]>")
_NAME = " \t\r\"'`[]*"
_MOST_NAME = 64  # characters of a head


def head(text: str, start: int) -> str:
    """The head of the column that `start` stands in; nothing if it stands in no table."""
    found = cells(text)
    place = bisect_right(found, start, key=lambda one: one[0]) - 1
    return found[place][2] if place >= 0 and start < found[place][1] else ""


@lru_cache(maxsize=4)
def cells(text: str) -> Sequence[Cell]:
    """The cells of all tables in `text`, heads left out, in order of place."""
    if len(text) > _MOST:
        return ()
    found = [*_statements(text), *_rows_of_tags(text)]
    if "\n" in text:
        for separator in _SEPARATORS:
            if separator in text:
                found += _parted(text, separator)
    return sorted(found)


def lead(text: str) -> str:
    """The line of heads that `text` begins with; nothing if there is none."""
    first = text[:_MOST].partition("\n")[0]
    sample = text[: min(_MOST, 2 * len(first) + 4_000)]
    begins = len(first) <= 1_000 and any(_begins(sample, 0, one) is not None for one in _SEPARATORS)
    return first + "\n" if begins else ""


def _row(text: str, at: int, separator: str) -> tuple[list[tuple[int, int]], int]:
    """The cells of a row that begins at `at`, and where the next row begins."""
    row: list[tuple[int, int]] = []
    while True:
        match = _CELLS[separator].match(text, at)
        assert match is not None, "its second form matches nothing, too"
        row.append(match.span(1) if match[1] is not None else match.span(2))
        at = match.end()
        if text[at : at + 1] != separator:
            line = text.find("\n", at)
            return row, line + 1 if line >= 0 else len(text)
        at += 1


def _begins(text: str, at: int, separator: str) -> tuple[list[str], int] | None:
    """The heads of a table that begins at `at`, and where its first row does; None: none begins."""
    line = text.find("\n", at)
    if line < 0 or separator not in text[at:line]:
        return None
    row, after = _row(text, at, separator)
    heads = [text[slice(*one)].strip(_NAME) for one in row]
    inner = heads[1:-1] if separator == "|" and not heads[0] else heads
    if len(heads) < 2 or not inner or not all(_HEAD.match(one) and _LETTER.search(one) for one in inner):
        return None
    while rule := _RULE.match(text, after):
        if rule.end() == after:
            return None
        after = rule.end()
    first, _ = _row(text, after, separator)
    return (heads, after) if after < len(text) and len(first) == len(heads) else None


def _parted(text: str, separator: str) -> Iterator[Cell]:
    """The cells of tables whose rows are lines."""
    at = 0
    while at < len(text):
        found = _begins(text, at, separator)
        if found is None:
            line = text.find("\n", at)
            at = line + 1 if line >= 0 else len(text)
            continue
        heads, at = found
        while at < len(text):
            row, after = _row(text, at, separator)
            if len(row) != len(heads):
                break
            yield from ((*span, name) for span, name in zip(row, heads, strict=True))
            at = after


def _statements(text: str) -> Iterator[Cell]:
    """The values of SQL's INSERT and COPY under the columns that these name."""
    at = 0
    for match in _INSERT.finditer(text):
        # What stands within the values of one INSERT is read once.
        if match.start() < at:
            continue
        heads, at = _names(match[1]), match.end()
        while text[at : at + 1] == "(":
            column, at = 0, at + 1
            while value := _VALUE.match(text, at):
                if column < len(heads):
                    yield *value.span(value.lastindex or 0), heads[column]
                column, at = column + 1, value.end()
                if text[at : at + 1] != ",":
                    break
                at += 1
            if text[at : at + 1] != ")":
                break
            at = _over(text, at + 1)
    copies = list(_COPY.finditer(text))
    # Rows that no full stop ends go on to the next COPY.
    for match, end in zip(copies, [*(one.start() for one in copies[1:]), len(text)], strict=False):
        heads, at = _names(match[1]), match.end()
        while at < end and not text.startswith("\\.", at):
            row, at = _row(text, at, "\t")
            yield from ((*span, name) for span, name in zip(row, heads, strict=False))


def _over(text: str, at: int) -> int:
    """Where the next row of an INSERT begins, if one does."""
    while text[at : at + 1] in (",", " ", "\n", "\r", "\t") and at < len(text):
        at += 1
    return at


def _names(columns: str) -> list[str]:
    return [one.strip()[:_MOST_NAME].strip(_NAME) for one in columns.split(",")]


def _rows_of_tags(text: str) -> Iterator[Cell]:
    """The cells of HTML's tables under a row of `th`."""
    heads: list[str] = []
    begins = [one.end() for one in _TR.finditer(text)]
    for start, end in pairwise([*begins, len(text)]):
        row = list(_TD.finditer(text, start, end))
        if len(row) > 1 and all(one[1] in "hH" for one in row):
            heads = [one[2].strip()[:_MOST_NAME] for one in row]
        elif len(row) == len(heads):
            yield from ((*one.span(2), name) for one, name in zip(row, heads, strict=True))
