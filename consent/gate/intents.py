"""Intents: that a batch is about to be sent, written before anybody reads the gate (ADR-0003).

An intent carries its deadline in the row, by the database's clock, so that nobody needs to be
alive or to hold a lock for a withdrawal to know how long to wait. The sender's own deadline is
of its monotonic clock, read before the row is written: it always ends first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, false, func, insert, or_, select, update

from cdp.kernel.errors import BadInput
from cdp.kernel.ids import new_id
from cdp.ports import Ask, Intent
from cdp.ports.gate_ports import SentRecord
from cdp.vocabulary import ContactId, FragmentId, IntentId, PurposeId, RecipientId
from cdp.work import Work
from consent import tables

UNKNOWN = "unknown_treated_as_released"
OUTCOMES = frozenset({"sent", "nothing_to_send", "not_sent", UNKNOWN})
# After the deadline a sender may still be writing its outcome; then nobody will any more.
GRACE = timedelta(seconds=1)
_SWEPT_AT_ONCE = 500


class UnknownOutcome(BadInput):
    """An intent ends as sent, nothing_to_send, not_sent or unknown_treated_as_released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intents:
    """`ports.Intents`. `window`: how long after its intent a batch may send its first byte."""

    window: timedelta = timedelta(seconds=3)
    clock: Callable[[], float] = monotonic

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
        deadline = self.clock() + self.window.total_seconds()
        made = IntentId(new_id())
        now = func.clock_timestamp()
        send_before = work.session.execute(
            insert(tables.intents)
            .values(
                workspace_id=work.workspace,
                id=made,
                release_id=release,
                recipient_id=recipient,
                purpose_id=purpose,
                channel=ask.channel.value if ask.channel else "",
                fragments=list(fragments),
                contacts=list(contacts),
                traits=list(traits),
                created_at=now,
                send_before=now + self.window,
            )
            .returning(tables.intents.c.send_before)
        ).scalar_one()
        return Intent(id=made, send_before=send_before, deadline=deadline)

    def settle(self, intent: IntentId, *, outcome: str, sent: int, work: Work) -> bool:
        """Write the outcome once; false if somebody (the sweeper) already had. Raises `UnknownOutcome`."""
        if outcome not in OUTCOMES:
            raise UnknownOutcome(field="outcome")
        settled = work.session.execute(
            update(tables.intents)
            .where(tables.intents.c.id == intent, tables.intents.c.outcome.is_(None))
            .values(outcome=outcome, sent=sent, outcome_at=func.clock_timestamp())
            .returning(tables.intents.c.id)
        )
        return settled.first() is not None

    def waiting(
        self,
        *,
        fragments: Sequence[FragmentId] = (),
        contacts: Sequence[ContactId] = (),
        recipient: RecipientId | None = None,
        work: Work,
    ) -> bool:
        """Whether an intent that names any of them, or sends to `recipient`, may still send.

        Asked after the narrowing has committed: what is declared later reads the gate later.
        """
        intent = tables.intents.c
        named = select(intent.id).where(
            intent.outcome.is_(None),
            intent.send_before > func.clock_timestamp(),
            or_(
                _overlap(intent.fragments, fragments),
                _overlap(intent.contacts, contacts),
                intent.recipient_id == recipient if recipient else false(),
            ),
        )
        return work.session.execute(named.limit(1)).first() is not None

    def naming(self, fragments: Sequence[FragmentId], *, work: Work) -> list[SentRecord]:
        """What was sent of these fragments, oldest first, ready for JSON."""
        intent, recipient, purpose = tables.intents.c, tables.recipients.c, tables.purposes.c
        rows = work.session.execute(
            select(
                intent.id,
                intent.channel,
                intent.traits,
                intent.created_at,
                intent.outcome,
                func.coalesce(recipient.name, intent.recipient_id.cast(recipient.name.type)).label(
                    "recipient"
                ),
                func.coalesce(purpose.name, intent.purpose_id.cast(purpose.name.type)).label("purpose"),
            )
            .join(tables.recipients, recipient.id == intent.recipient_id, isouter=True)
            .join(tables.purposes, purpose.id == intent.purpose_id, isouter=True)
            .where(_overlap(intent.fragments, fragments))
            .order_by(intent.created_at, intent.id)
        )
        return [
            {
                "intent": str(row.id),
                "recipient": row.recipient,
                "purpose": row.purpose,
                "channel": row.channel or None,
                "traits": list(row.traits),
                "time": row.created_at.isoformat(),
                "outcome": row.outcome or "open",
            }
            for row in rows
        ]

    def sweep(self, *, work: Work) -> list[IntentId]:
        """Settle what is past its deadline as `unknown_treated_as_released`: its sender is gone."""
        intent = tables.intents.c
        late = (
            select(intent.id)
            .where(intent.outcome.is_(None), intent.send_before < func.clock_timestamp() - GRACE)
            .order_by(intent.send_before)
            .limit(_SWEPT_AT_ONCE)
            .with_for_update(skip_locked=True)
            .cte()
        )
        swept = work.session.execute(
            update(tables.intents)
            .where(intent.id == late.c.id, intent.outcome.is_(None))
            .values(outcome=UNKNOWN, outcome_at=func.clock_timestamp())
            .returning(intent.id)
        )
        return [IntentId(row.id) for row in swept]

    def recipients(self, intents: Sequence[IntentId], *, work: Work) -> Mapping[IntentId, RecipientId]:
        """Who was to receive by each of `intents`."""
        intent = tables.intents.c
        rows = work.session.execute(select(intent.id, intent.recipient_id).where(intent.id.in_(intents)))
        return {IntentId(row.id): RecipientId(row.recipient_id) for row in rows}


def _overlap(column: ColumnElement[Sequence[object]], values: Sequence[object]) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.overlap(bindparam(None, list(values), type_=column.type))
    return found
