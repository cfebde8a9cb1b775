"""Where a value stands, kept in the text itself while the text is still being built.

A value is put between two private-use signs that every encoder leaves alone, so escaping, joining and
nesting move the marks along with the value. `settle` takes them out and tells the spans.
"""

import re
from collections.abc import Callable, Sequence

from benchmarks.labelled.foreign.records import Label, Value

_OPEN, _CLOSE, _FIRST = "\ue000", "\ue001", 0xE100
_SIGNS = re.compile(f"({_OPEN}.|{_CLOSE})")
_MARKED = re.compile(f"({_OPEN}.[^{_CLOSE}]*{_CLOSE})", re.DOTALL)


def mark(number: int, text: str) -> str:
    """`text` as where the value of this number stands."""
    return f"{_OPEN}{chr(_FIRST + number)}{text}{_CLOSE}"


def pieces(text: str, change: Callable[[str], str]) -> str:
    """Change all of the text, values too, but none of the marks."""
    return "".join(one if _SIGNS.fullmatch(one) else change(one) for one in _SIGNS.split(text))


def outside(text: str, change: Callable[[str], str]) -> str:
    """Change the text around the values alone."""
    return "".join(one if one.startswith(_OPEN) else change(one) for one in _MARKED.split(text))


def bare(text: str) -> str:
    """The text without its marks."""
    return _SIGNS.sub("", text)


def whole(text: str, become: Callable[[str], str]) -> str:
    """What the unmarked text becomes; all values now stand in the whole of it."""
    encoded = become(bare(text))
    for number in sorted({ord(sign[1]) - _FIRST for sign in _SIGNS.findall(text) if len(sign) == 2}):
        encoded = mark(number, encoded)
    return encoded


def settle(text: str, values: Sequence[Value]) -> tuple[str, tuple[Label, ...]]:
    """The text without marks, and its labels in the order of their ends."""
    plain, at, open_ones, labels = "", 0, list[tuple[Value, int]](), list[Label]()
    for piece in _SIGNS.split(text):
        if piece.startswith(_OPEN):
            open_ones.append((values[ord(piece[1]) - _FIRST], at))
        elif piece == _CLOSE:
            value, start = open_ones.pop()
            labels.append(Label(start=start, end=at, kind=value.kind, value=value.plain))
        else:
            plain, at = plain + piece, at + len(piece)
    assert not open_ones
    return plain, tuple(labels)
