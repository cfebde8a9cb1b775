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

from sqlalchemy import delete, exists, insert, select

from cdp import tables
from cdp.acting import acting
from cdp.acts import Act
from cdp.kernel.database import StoredRow
from cdp.kernel.errors import NotFound
from cdp.ports import Ports
from cdp.registers import source_rows
from cdp.work import Work


class NotQuarantined(NotFound):
    """No such request can be brought back: it was already, or its time is over."""

    by_command = "cdp quarantine list, which names those that can"
    by_request = "GET /v1/quarantine, which names those that can"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A request in quarantine, by what may be printed of it."""

    accept_seq: int
    source: str | None  # by its name; None, as the next two: not known, and it cannot come back
    kind: str | None
    items: int | None
    reason: str  # the name of the error that it failed with
    received_at: datetime
    quarantined_at: datetime


def every(
    *, after: int | None = None, limit: int | None = None, work: Work, ports: Ports
) -> list[Quarantined]:
    """What is in quarantine, in the order of acceptance, behind `after`. Raises `ActNotAllowed`."""
    with acting(Act.QUARANTINE_LIST, work=work, ports=ports):
        names = {one.id: one.name for one in source_rows.every(work=work).values()}
        place = tables.quarantine.c.accept_seq
        query = select(tables.quarantine).order_by(place).limit(limit)
        rows = work.session.execute(query if after is None else query.where(place > after))
        return [
            Quarantined(
                accept_seq=row.accept_seq,
                source=names.get(row.source_id),
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

    All of `numbers` or none. Raises `ActNotAllowed`, `NotQuarantined`.
    """
    with acting(Act.QUARANTINE_REQUEUE, work=work, ports=ports) as doing:
        taken = _taken(numbers, work=work)
        messages: int = sum(row.items for row in taken)
        doing.tell(requests=sorted(row.accept_seq for row in taken), messages=messages)
        return messages


def _taken(numbers: Sequence[int], *, work: Work) -> Sequence[StoredRow]:
    """Put the requests back; their rows. Raises `NotQuarantined` unless all of them are there."""
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
    return taken


def destroy(before: datetime, *, work: Work, ports: Ports) -> int:
    """Destroy what was received before `before`, with an audit entry if there is any; how many requests."""
    old = tables.quarantine.c.received_at < before
    if not work.session.scalar(select(exists().where(old))):
        return 0
    with acting(Act.QUARANTINE_DESTROY, work=work, ports=ports) as doing:
        gone = delete(tables.quarantine).where(old).returning(tables.quarantine.c.accept_seq)
        numbers = work.session.scalars(gone).all()
        doing.tell(requests=sorted(numbers))
        return len(numbers)
