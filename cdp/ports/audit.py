"""What the audit log offers: the only way in, and the way back for whom it concerns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from cdp.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What happened. No value of a person in it: words, opaque ids, numbers."""

    action: str  # source:subject:action
    outcome: str  # ok | refused | partial | unknown_treated_as_released | failed
    purpose: str = ""  # empty: that of the Work
    references: Sequence[bytes] = ()  # of the fragments that were shown or sent
    policy_version: str = ""
    consent_version: str = ""
    notice_version: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)  # sealed, with a retention of its own


class AuditTrail(Protocol):
    """The only way into the audit log."""

    def record(self, entry: AuditEntry, *, work: Work) -> UUID:
        """Write an entry in the same transaction; if this fails, the action fails."""
        ...

    def proof(self, entry: UUID, *, work: Work) -> dict[str, Any] | None:
        """Index, inclusion proof and signed checkpoint of an entry; None: not in the log yet."""
        ...

    def about(self, references: Sequence[bytes], *, work: Work) -> list[dict[str, Any]]:
        """The entries that name any of `references`, oldest first (for access requests)."""
        ...
