"""What each package offers about forgetting: how, and proof."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cdp.vocabulary import (
    ContactId,
    FragmentId,
    Identifier,
)
from cdp.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Whom to forget: fragments with everything they own, and contacts that nobody else holds."""

    fragments: Sequence[FragmentId]
    contacts: Sequence[ContactId]  # held by these fragments alone
    watermark: int  # the newest accept_seq at the time of erasure
    # Opened for this Work alone, so that suppressions can be kept as HMACs; never printed.
    identifiers: Mapping[ContactId, Identifier] = field(default_factory=dict, repr=False)


class Erasable(Protocol):
    """How one package forgets, and proves it.

    `tables` (`schema.name`) are emptied of the person; `retained` name somebody by id only
    and stay, each with its ground. A test finds every table with a fragment, contact or
    profile column in exactly one of them.
    """

    @property
    def tables(self) -> frozenset[str]:
        """The tables that are emptied of the person."""
        ...

    @property
    def retained(self) -> Mapping[str, str]:
        """The tables that stay, each with its ground."""
        ...

    def erase(self, whom: Forgotten, *, work: Work) -> dict[str, int]:
        """Delete; rows deleted by table."""
        ...

    def residue(self, whom: Forgotten, *, work: Work) -> dict[str, int]:
        """Rows still there by table: all zero after `erase`."""
        ...
