"""Verdicts: what became of the messages that were accepted.

A refusal is no error of the call that brought the message, so its sender asks here. A
message id is kept as an HMAC, apart for each source, so a source finds its own alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from cdp import tables
from cdp.acting import acting
from cdp.acts import Act
from cdp.kernel.errors import NotFound
from cdp.ports import Ports
from cdp.registers import source_rows
from cdp.vocabulary import SourceId
from cdp.work import Work


class NoVerdict(NotFound):
    """There is no verdict for that message: it never came, is not processed yet, or is too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one message; `field` is our name of the field at fault.

    `notes` are words of `cdp.collection.Note`: what else became of it.
    """

    verdict: str
    field: str | None
    received_at: datetime
    notes: Sequence[str] = ()


def of(message_id: str, *, source: SourceId, work: Work, ports: Ports) -> Verdict:
    """The verdict on a message of `source`. Raises `NoVerdict`, `ActNotAllowed`."""
    with acting(Act.VERDICT_READ, work=work, ports=ports):
        mac = ports.vault.message_macs(work.workspace, [f"{source}\n{message_id}"])[0]
        seen = tables.seen.c
        row = work.session.execute(
            select(seen.verdict, seen.field, seen.received_at, seen.notes).where(seen.message_mac == mac)
        ).one_or_none()
        if row is None:
            raise NoVerdict
        notes = row.notes.split(",") if row.notes else []
        return Verdict(verdict=row.verdict, field=row.field, received_at=row.received_at, notes=notes)


def counts(*, work: Work) -> Mapping[str, Mapping[str, int]]:
    """How many messages of each source, by name, had which verdict, over all days.

    Notes are counted beside their verdicts, as `note:refusal_heard`.
    """
    count = tables.verdict_counts.c
    rows = work.session.execute(
        select(count.source_id, count.verdict, func.sum(count.n).label("n"))
        .group_by(count.source_id, count.verdict)
        .order_by(count.verdict)
    )
    names = {source.id: source.name for source in source_rows.every(work=work).values()}
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(names.get(row.source_id, "?"), {})[row.verdict] = int(row.n)
    return {name: found[name] for name in sorted(found)}
