"""The registers by which a workspace is set up, each a small port of whoever keeps it.

Whether somebody may read or change one is decided before, by the act (`cdp.registers`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from cdp.vocabulary import KeyKind, SourceId
from cdp.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a register, in the order in which its rows were made."""

    after: UUID | None = None  # the last row of the page before
    limit: int | None = None  # None: all that follow


ALL = Page()


@dataclass(frozen=True, slots=True)
class NewKey:
    """A write key that was just made. Its text is shown once and kept nowhere."""

    id: UUID
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A write key as it is registered; `revoked_at` None: it is good."""

    id: UUID
    source: SourceId
    kind: KeyKind
    created_at: datetime
    revoked_at: datetime | None


class KeyRegister(Protocol):
    """Write keys: what a source shows when it sends."""

    def create(self, source: SourceId, kind: KeyKind, *, work: Work) -> NewKey:
        """Make a key for a source that there is."""
        ...

    def revoke(self, key: UUID, *, work: Work) -> None:
        """End a key. Raises `NotFound` if it is unknown or revoked already."""
        ...

    def every(self, page: Page, *, work: Work) -> Sequence[KeyRow]:
        """Write keys, the revoked ones too."""
        ...


class ControllerRegister(Protocol):
    """Controllers: who decides what data is used for."""

    def known(self, controller: UUID | None, *, work: Work) -> UUID:
        """That controller, or the workspace itself where none is named. Raises `NotFound`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """Every register that another package keeps."""

    keys: KeyRegister
    controllers: ControllerRegister
