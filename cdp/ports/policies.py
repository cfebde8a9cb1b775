"""What policies offer: who may do what, decided once a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from cdp.vocabulary import Actor, FieldClass, PurposeClass, Show
from cdp.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeLines:
    """The policy lines of one purpose, who proposed them, and who agreed; nobody: not in force."""

    purpose: str
    text: str
    proposed_at: datetime
    proposed_by: str
    agreed_at: datetime | None
    agreed_by: str | None


class Policies(Protocol):
    """Who may do what, decided once a request."""

    def version(self, work: Work) -> str:
        """Of the policy in force in the Work's workspace."""
        ...

    def allows(self, actor: Actor, resource: str, action: str) -> bool:
        """Whether a role of the actor may; unknown words may not."""
        ...

    def role(self, actor: Actor, resource: str, action: str) -> str | None:
        """The role by which the actor may; None: they may not."""
        ...

    def column_plan(self, actor: Actor, purpose: str, *, work: Work) -> Mapping[FieldClass, Show]:
        """What the actor sees of each class for that purpose; total, default WITHHOLD."""
        ...

    def mask(self, field_class: FieldClass, name: str, value: Any) -> str:
        """The masked form of a value."""
        ...

    def in_file(self, purpose: str) -> bool:
        """Whether the policy file speaks of this purpose; its lines then are the only ones."""
        ...

    def lines(self, *, work: Work) -> Sequence[PurposeLines]:
        """The lines of the workspace's own purposes, in force or not."""
        ...

    def propose(self, purpose: str, purpose_class: PurposeClass, *, work: Work) -> str:
        """Propose a purpose's lines from the template of its class; their text."""
        ...

    def agree(self, purpose: str, *, work: Work) -> str:
        """Put proposed lines in force; the version of the policy that then is."""
        ...

    def withdraw(self, purpose: str, *, work: Work) -> str:
        """Take lines out of force; the version of the policy that then is."""
        ...
