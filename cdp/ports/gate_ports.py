"""What consent offers to whoever wants to use a contact: the gate, and intents to send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias, TypedDict
from uuid import UUID

from sqlalchemy import FromClause, Row, Select

from cdp.vocabulary import (
    Channel,
    ContactId,
    FragmentId,
    IntentId,
    ProfileId,
    PurposeId,
    RecipientId,
)
from cdp.work import Work

# A profile, the contact by which it may be reached, and the core whose permission that is.
Permitted: TypeAlias = Select[ProfileId, ContactId, ProfileId]
# Of a contact of a profile: the reason (None: permitted), the entry that says so, the core, and the
# place of the reason among all.
ExplainedRow: TypeAlias = Row[ProfileId, ContactId | None, str | None, UUID | None, ProfileId, int]
Explained: TypeAlias = Select[ProfileId, ContactId | None, str | None, UUID | None, ProfileId, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody wants to do."""

    purpose: str  # name
    channel: Channel | None  # None: use of traits, no sending
    recipient: str | None  # name; None: the controller itself


class Gate(Protocol):
    """The only way a contact enters an audience."""

    def permitted(self, ask: Ask, *, at: datetime | None, contacts: FromClause, work: Work) -> Permitted:
        """`Select(profile_id, contact_id, core_id)` of those of `contacts` that `ask` may reach.

        `contacts` has the columns of `Identity.contacts()`. `at` None: `clock_timestamp()`.
        """
        ...

    def permits_any(
        self,
        asked: Sequence[tuple[Ask, FromClause]],
        about: Mapping[str, object],
        *,
        at: datetime | None,
        work: Work,
    ) -> bool:
        """Whether any of the asks permits any of its candidates, whose parameters `about` gives.

        It is one statement, kept for whoever asks of the same candidates (the same objects) again.
        """
        ...

    def explained(self, ask: Ask, *, at: datetime | None, contacts: FromClause, work: Work) -> Explained:
        """`Select(profile_id, contact_id, reason, entry_id, core_id, place)`; reason null: permitted.

        What a person said goes before all other reasons; `place` is the reason's in that order.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """That a batch is about to be sent; committed before anybody reads the gate."""

    id: IntentId
    send_before: datetime
    deadline: float  # of the sender's monotonic clock, taken before the intent was written


class SentRecord(TypedDict):
    """One intent that names somebody, ready for JSON."""

    intent: str
    recipient: str
    purpose: str
    channel: str | None
    traits: list[int]
    time: str
    outcome: str


class Intents(Protocol):
    """Intent before reading, drain before acknowledging (each in a Work of its own)."""

    def declare(
        self,
        *,
        release: UUID,
        ask: Ask,
        recipient: RecipientId,
        purpose: PurposeId,
        fragments: Sequence[FragmentId],
        contacts: Sequence[ContactId],
        traits: Sequence[int],
        work: Work,
    ) -> Intent:
        """Write the intent; the caller commits before it reads membership or the gate."""
        ...

    def settle(self, intent: IntentId, *, outcome: str, sent: int, work: Work) -> bool:
        """Write the outcome once; false if somebody (the sweeper) already had."""
        ...

    def waiting(
        self,
        *,
        fragments: Sequence[FragmentId] = (),
        contacts: Sequence[ContactId] = (),
        recipient: RecipientId | None = None,
        work: Work,
    ) -> bool:
        """Whether an intent that names any of them, or sends to `recipient`, may still send."""
        ...

    def naming(self, fragments: Sequence[FragmentId], *, work: Work) -> list[SentRecord]:
        """What was sent of these fragments: recipient, purpose, channel, traits, time, outcome."""
        ...

    def sweep(self, *, work: Work) -> list[IntentId]:
        """Settle what is past its deadline as `unknown_treated_as_released`."""
        ...

    def recipients(self, intents: Sequence[IntentId], *, work: Work) -> Mapping[IntentId, RecipientId]:
        """Who was to receive by each of `intents`."""
        ...
