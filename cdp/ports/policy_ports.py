"""What policies offer: who may do what, decided once a request."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """From one policy to another: their versions (`before` None: none was in force), and lines."""

    before: str | None
    after: str
    added: Sequence[str]
    removed: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyShown:
    """The policy in force; who adopted its base, and when (None: the file of the process decides yet)."""

    version: str
    lines: Sequence[str]
    adopted_at: datetime | None
    adopted_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sees:
    """What a role sees for a purpose, by the names of classes; what is in neither is withheld."""

    role: str
    purpose: str
    shown: Sequence[str]
    masked: Sequence[str]


class InForce(Protocol):
    """One policy, to ask."""

    @property
    def version(self) -> str:
        """Its version."""
        ...

    def allows(self, actor: Actor, resource: str, action: str) -> bool:
        """Whether a role of the actor may; unknown words may not."""
        ...

    def role(self, actor: Actor, resource: str, action: str) -> str | None:
        """The role by which the actor may; None: they may not."""
        ...


class Policies(Protocol):
    """Who may do what, decided once a request."""

    def in_force(self, work: Work) -> InForce:
        """The policy in force in the Work's workspace: the same for every process."""
        ...

    def version(self, work: Work) -> str:
        """Of the policy in force in the Work's workspace."""
        ...

    def reread(self, *, work: Work) -> None:
        """Read what is in force anew at the next question: others may have changed it by now."""
        ...

    def column_plan(self, actor: Actor, purpose: str, *, work: Work) -> Mapping[FieldClass, Show]:
        """What the actor sees of each class for that purpose; total, default WITHHOLD."""
        ...

    def mask(self, field_class: FieldClass, name: str, value: object) -> str:
        """The masked form of a value."""
        ...

    def in_file(self, purpose: str, *, work: Work) -> bool:
        """Whether the file in force speaks of this purpose; its lines then are the only ones."""
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

    def begin(self, *, work: Work) -> PolicyChange | None:
        """Put this process's file in force where nothing ever was; None: something was."""
        ...

    def change(self, text: str | None, *, work: Work) -> PolicyChange:
        """What would change if this text (None: the file of this process) were put in force.

        Raises `BadInput`.
        """
        ...

    def adopt(self, text: str | None, *, seen: Collection[str] | None, work: Work) -> PolicyChange:
        """Put a text (None: the file of this process) in force, if one of the versions that were `seen` is.

        Raises `BadInput`, `Conflict`, `Stale` if none of them is.
        """
        ...

    def shown(self, *, work: Work) -> PolicyShown:
        """The policy in force: its lines, and who put its base there."""
        ...

    def sees(self, *, work: Work) -> Sequence[Sees]:
        """Who sees what for which purpose, by the policy in force."""
        ...

    def roles(self, resource: str, action: str, *, work: Work) -> Sequence[str]:
        """Which roles may, each by itself, by the policy in force."""
        ...
