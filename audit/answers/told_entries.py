"""Entries by their leaves' own words, each looked up in the tree that was signed."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from audit.answers.vouching import SHORT, LogContradicted, Parts, Tree, Vouching
from audit.log.attached import ALTERED, detail_of, received_by
from audit.log.entry import Leaf
from audit.log.merkle import leaf_hash
from audit.log.tiles import WIDTH
from cdp.kernel.database import run
from cdp.ports import TrailEntry
from cdp.work import Work

_ROWS = """
SELECT e.seq, e.entry_id, e.leaf, d.salt, d.detail, s.recipient FROM audit.entries AS e
LEFT JOIN audit.details AS d ON d.workspace_id = e.workspace_id AND d.entry_id = e.entry_id
LEFT JOIN audit.searchable AS s ON s.workspace_id = e.workspace_id AND (s.epoch, s.seq) = (e.epoch, e.seq)
WHERE e.epoch = %s AND e.seq = ANY(%s)
"""


class _Row(NamedTuple):
    seq: int
    entry_id: UUID
    leaf: bytes
    salt: bytes | None
    detail: bytes | None
    recipient: UUID | None  # by the row that searches read


def tell(
    places: Sequence[tuple[int, int]], trees: Sequence[Tree], *, vouching: Vouching, work: Work
) -> list[TrailEntry]:
    """The entries at `places`, in that order. Raises `LogContradicted` for one that is not in its tree."""
    by_epoch: dict[int, list[int]] = {}
    for epoch, seq in places:
        by_epoch.setdefault(epoch, []).append(seq)
    told = {}
    for tree in trees:
        seqs = by_epoch.pop(tree.end.epoch, [])
        for row in map(_Row._make, run(work.session, _ROWS, (tree.end.epoch, seqs)) if seqs else ()):
            told[tree.end.epoch, row.seq] = _entry(row, tree, vouching, work)
    missing = [place for place in places if place not in told]
    if missing:
        raise LogContradicted(epoch=missing[0][0], index=missing[0][1])
    return [told[place] for place in places]


def _entry(row: _Row, tree: Tree, vouching: Vouching, work: Work) -> TrailEntry:
    lie = LogContradicted(epoch=tree.end.epoch, index=row.seq)
    number, at = divmod(row.seq, WIDTH)
    if not 0 <= row.seq < tree.end.size:
        raise lie
    (block,) = vouching.blocks(tree, [number], Parts(), work=work)
    if leaf_hash(row.leaf)[:SHORT] != block.hashes[at * SHORT : (at + 1) * SHORT]:
        raise lie
    leaf: Leaf = msgspec.json.decode(row.leaf)
    sealed = (row.salt, row.detail) if row.salt is not None and row.detail is not None else None
    detail = detail_of(
        leaf, UUID(leaf["entry_id"]), sealed, workspace=work.workspace, now=work.now, opener=vouching.opener
    )
    if detail == ALTERED:
        raise lie
    return TrailEntry(
        id=UUID(leaf["entry_id"]),
        epoch=tree.end.epoch,
        index=row.seq,
        at=datetime.fromisoformat(leaf["at"]),
        actor=leaf["actor"],
        action=leaf["action"],
        purpose=leaf["purpose"],
        outcome=leaf["outcome"],
        # Once the detail's time is over, the row beside the leaf is all that says it.
        recipient=row.recipient if isinstance(detail, str) else received_by(detail, leaf["action"]),
        subjects=leaf["subjects_count"],
        policy_version=leaf["policy_version"],
        consent_version=leaf["consent_version"],
        notice_version=leaf["notice_version"],
    )
