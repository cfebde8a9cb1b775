"""Words as the ledger keeps them, and what decides which of them was said last.

`current` in the database is the fold of `entries`: the last word for each `Key`, kept by upserts
that commute (`recording.py`). A negative word speaks from its receipt. A grant speaks from the time
that it asserts, which is never later than its receipt: so an asserted time can only make a
grant weaker, and an old form that arrives late replaces no newer act.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from cdp.vocabulary import NEGATIVE, Channel, ContactId, FragmentId, NoticeId, PurposeId, Scope, State
from consent.register.purpose_tree import Purposes

# Evidence of an act by the person. Whatever else claims a grant is a snapshot of unknown age.
CHANGE_ACTS = frozenset({"form", "double_opt_in", "call", "paper"})

# Stored numbers. Of words that stop everything (restriction, death) the last one simply
# stands, a yes or a no, so both have one polarity of their own.
GRANT, REQUEST, NO, STANDING = 1, 0, -1, 2


def polarity_of(state: State, *, stops: bool) -> int:
    """Which words compete: grants, requests and negative words apart, those that stop together."""
    if stops:
        return STANDING
    if state in NEGATIVE:
        return NO
    return GRANT if state is State.GIVEN else REQUEST


def is_change_act(state: State, evidence: str) -> bool:
    """Whether a word is a grant by an act of the person's; a negative word needs no act."""
    return state is State.GIVEN and evidence in CHANGE_ACTS


class Key(NamedTuple):
    """What two words must share for the newer to replace the older."""

    scope: Scope
    fragment: FragmentId | None
    contact: ContactId | None
    purpose: PurposeId
    channel: Channel | None
    polarity: int
    change_act: bool
    apart: NoticeId | None


class Said(NamedTuple):
    """One entry of the ledger, as far as the gate hears it."""

    entry: UUID
    seq: int
    scope: Scope
    fragment: FragmentId | None
    contact: ContactId | None
    purpose: PurposeId
    channel: Channel | None
    polarity: int
    state: State
    notice: NoticeId | None
    change_act: bool
    explicit: bool
    guardian: bool
    received_at: datetime
    asserted_at: datetime
    expires_at: datetime | None = None
    side_by_side: bool = False  # of a purpose that is agreed to recipient by recipient

    @property
    def stops(self) -> bool:
        """Whether it stops everything: a restriction, a death."""
        return self.polarity == STANDING and self.state in NEGATIVE

    @property
    def key(self) -> Key:
        """Its place in the fold."""
        return Key(
            self.scope,
            self.fragment,
            self.contact,
            self.purpose,
            self.channel,
            self.polarity,
            # Where the last word stands, what it rests on makes no difference.
            self.change_act and self.polarity != STANDING,
            self.notice if self.side_by_side and self.polarity == GRANT else None,
        )


# The columns of `current` that a word is made of, in the order in which `said_of` takes them.
COLUMNS = (
    "entry_id",
    "seq",
    "scope",
    "fragment_id",
    "contact_id",
    "purpose_id",
    "channel",
    "state",
    "notice_id",
    "change_act",
    "explicit",
    "guardian",
    "received_at",
    "asserted_at",
    "expires_at",
)


def said_of(row: Sequence[Any], *, purposes: Purposes) -> Said:
    """A row of `current`, its `COLUMNS` in order, as a word."""
    entry, seq, scope, fragment, contact, purpose, channel, known_as, *rest = row
    state = State(known_as)
    said = Said(
        entry,
        seq,
        Scope(scope),
        fragment,
        contact,
        purpose,
        Channel(channel) if channel else None,
        polarity_of(state, stops=purpose in purposes.stops),
        state,
        *rest,
    )
    return said._replace(side_by_side=True) if purpose in purposes.side_by_side else said
