"""The way into the log: `ports.AuditTrail`.

The entry is written by the transaction of the act itself, into a table to which the
application may only add; if that fails, the act fails.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select

from audit import tables
from audit.answers.answering import Asking
from audit.answers.told_entries import tell
from audit.answers.vouching import LogContradicted, Vouching
from audit.log import counted, storage, tiles
from audit.log.entry import instant
from audit.log.pending import Said, SealDetail, actor_of, pend
from cdp.kernel.json_values import JsonObject
from cdp.ports import AuditEntry, TrailQuery
from cdp.work import Work

_KEPT = ("actor", "action", "purpose", "outcome", "policy_version")


@dataclass(frozen=True, slots=True)
class Trail:
    """Writes entries; reads back those that name somebody, and the proof of one."""

    seal_detail: SealDetail = field(repr=False)
    vouching: Vouching = field(repr=False)

    def record(self, entry: AuditEntry, *, work: Work) -> UUID:
        """Write an entry in the same transaction; its id. Raises `UnfitEntry` for anything not opaque."""
        said = Said(
            actor=actor_of(work.actor),
            action=entry.action,
            purpose=entry.purpose or work.purpose,
            outcome=entry.outcome,
            references=entry.references,
            recipient=entry.recipient,
            policy_version=entry.policy_version or None,
            consent_version=entry.consent_version or None,
            notice_version=entry.notice_version or None,
            detail=entry.detail,
        )
        return pend(said, seal=self.seal_detail, work=work)

    def count(self, action: str, outcome: str, *, work: Work) -> None:
        """Count what happens too often for an entry each; the keeper makes entries of the counts."""
        counted.count(action, outcome, work=work)

    def about(self, references: Sequence[bytes], *, work: Work) -> list[JsonObject]:
        """All entries of the signed log that name any of `references`, oldest first; the leaf's own words.

        Every leaf is looked at, however many there are, so none can be left out. Raises `LogContradicted`.
        """
        trees, all_of_them = self.vouching.ends(work=work)
        query = TrailQuery(references=references)
        asking = Asking(vouching=self.vouching, query=query, size=sys.maxsize, patience=None, work=work)
        answer = asking.run(trees, all_of_them=all_of_them)
        if not answer.whole:
            raise LogContradicted
        entries = tell(answer.places[::-1], trees, vouching=self.vouching, work=work)
        return [
            {"index": one.index, "at": instant(one.at), **{name: getattr(one, name) for name in _KEPT}}
            for one in entries
        ]

    def proof(self, entry: UUID, *, work: Work) -> JsonObject | None:
        """Index, inclusion proof and signed checkpoint of an entry; None: no checkpoint covers it yet."""
        row = work.session.execute(
            select(tables.entries.c.epoch, tables.entries.c.seq).where(tables.entries.c.entry_id == entry)
        ).one_or_none()
        head = storage.head(row.epoch, session=work.session) if row is not None else None
        if row is None or head is None or head.size <= row.seq:
            return None
        path = tiles.inclusion(row.seq, head.size, storage.reader(row.epoch, session=work.session))
        return {"index": row.seq, "path": [step.hex() for step in path], "checkpoint": head.note}
