"""Quarantine: requests that failed by themselves, sealed as they came, and how one comes back.

A request that is brought back has the place that it had: the same number of acceptance and
the same time of receipt. So it says what it would have said then: an erasure that came since
drops what it says of the erased, a copy that was processed since is the same message, and a
word in it speaks from when it was received. Releases and reads hold until it is worked off,
for it is old and may be a withdrawal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select

from cdp import tables
from cdp.kernel.errors import NotAllowed, NotFound
from cdp.ports import AuditEntry, Ports
from cdp.vocabulary import SourceId
from cdp.work import Work


class QuarantineNotAllowed(NotAllowed):
    """The policy does not let this caller look into quarantine or bring anything back."""


class NotQuarantined(NotFound):
    """No such request can be brought back: it was already, or its time is over; `cdp quarantine list`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A request in quarantine, by what may be printed of it."""

    accept_seq: int
    source: SourceId | None  # None, as the next two: not known, and it cannot come back
    kind: str | None
    items: int | None
    reason: str  # the name of the error that it failed with
    received_at: datetime
    quarantined_at: datetime


def every(*, work: Work, ports: Ports) -> list[Quarantined]:
    """What is in quarantine, in the order of acceptance. Raises `QuarantineNotAllowed`."""
    if not ports.policies.allows(work.actor, "quarantine", "read"):
        raise QuarantineNotAllowed
    rows = work.session.execute(select(tables.quarantine).order_by(tables.quarantine.c.accept_seq))
    return [
        Quarantined(
            accept_seq=row.accept_seq,
            source=row.source_id,
            kind=row.kind,
            items=row.items,
            reason=row.reason,
            received_at=row.received_at,
            quarantined_at=row.quarantined_at,
        )
        for row in rows
    ]


def requeue(numbers: Sequence[int], *, work: Work, ports: Ports) -> int:
    """Bring requests back into the inbox, at the place that they had; how many messages.

    All of `numbers` or none. Raises `QuarantineNotAllowed`, `NotQuarantined`.
    """
    if not ports.policies.allows(work.actor, "quarantine", "run"):
        raise QuarantineNotAllowed
    column = tables.quarantine.c
    # Who deletes the row has it: of two who bring the same one back, one finds nothing.
    taken = work.session.execute(
        delete(tables.quarantine)
        .where(column.accept_seq.in_(numbers), column.source_id.is_not(None))
        .returning(tables.quarantine)
    ).all()
    if len(taken) < len(set(numbers)) or not taken:
        raise NotQuarantined
    work.session.execute(
        insert(tables.inbox),
        [
            {
                "workspace_id": work.workspace,
                "accept_seq": row.accept_seq,
                "received_at": row.received_at,
                "source_id": row.source_id,
                "kind": row.kind,
                "gpc": row.gpc,
                "items": row.items,
                "inbox_key_id": row.inbox_key_id,
                "body": row.body,
            }
            for row in taken
        ],
    )
    messages: int = sum(row.items for row in taken)
    ports.audit.record(
        AuditEntry(
            action=f"{work.actor.kind}:quarantine:requeue",
            outcome="ok",
            policy_version=ports.policies.version(work),
            detail={"requests": sorted(row.accept_seq for row in taken), "messages": messages},
        ),
        work=work,
    )
    return messages


def destroy(before: datetime, *, work: Work, ports: Ports) -> int:
    """Destroy what was received before `before`, with an audit entry; how many requests."""
    gone = delete(tables.quarantine).where(tables.quarantine.c.received_at < before)
    numbers = work.session.scalars(gone.returning(tables.quarantine.c.accept_seq)).all()
    if numbers:
        ports.audit.record(
            AuditEntry(
                action="worker:quarantine:destroy", outcome="ok", detail={"requests": sorted(numbers)}
            ),
            work=work,
        )
    return len(numbers)
