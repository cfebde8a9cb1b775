"""What is used of a compiled pattern, Python's or RE2's: the door of RE2, which has no types of its own."""

from collections.abc import Iterator
from typing import Protocol


class Match(Protocol):
    """Where a pattern was found."""

    def __getitem__(self, group: int, /) -> str:
        """The text of a group; 0: all of it."""
        ...

    def start(self, group: int = ..., /) -> int:
        """Where a group begins."""
        ...

    def span(self) -> tuple[int, int]:
        """Where it begins and ends."""
        ...

    def end(self, group: int = ..., /) -> int:
        """Where a group ends."""
        ...


class Pattern(Protocol):
    """A compiled pattern."""

    @property
    def pattern(self) -> str:
        """As it was written."""
        ...

    def search(self, text: str, /) -> Match | None:
        """Where it is first."""
        ...

    def match(self, text: str, start: int = ..., /) -> Match | None:
        """Whether it is at the start."""
        ...

    def fullmatch(self, text: str, /) -> Match | None:
        """Whether it is all of a text."""
        ...

    def finditer(self, text: str, /) -> Iterator[Match]:
        """Wherever it is, one behind the other."""
        ...


class Which(Protocol):
    """Several patterns that are looked for at once, without places."""

    def Match(self, text: str, /) -> list[int] | None:
        """The numbers of those that are in a text; nothing if none is."""
        ...
