"""What policies offer: who may do what, decided once a request."""

from collections.abc import Mapping
from typing import Any, Protocol

from cdp.vocabulary import (
    Actor,
    FieldClass,
    Show,
)


class Policies(Protocol):
    """Who may do what, decided once a request."""

    @property
    def version(self) -> str:
        """Of the policy in force."""
        ...

    def allows(self, actor: Actor, resource: str, action: str) -> bool:
        """Whether a role of the actor may; unknown words may not."""
        ...

    def column_plan(self, actor: Actor, purpose: str) -> Mapping[FieldClass, Show]:
        """What the actor sees of each class for that purpose; total, default WITHHOLD."""
        ...

    def mask(self, field_class: FieldClass, name: str, value: Any) -> str:
        """The masked form of a value."""
        ...
