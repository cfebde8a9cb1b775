"""What is kept of scans: `ports.Scans` over the database.

A row is put into quarantine before it is scanned, in a Work of its own, and leaves it only
by a result (F7): whatever dies in between leaves it there. A claim holds the fragment's key
against deletion and a result goes to claimed rows alone, so an erasure that comes in between
is not undone.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import count
from uuid import UUID

from psycopg.rows import TupleRow
from sqlalchemy import select

from cdp.kernel.database import Conflict, insert_rows, run
from cdp.kernel.json_values import Json, JsonObject
from cdp.ports import Finding, PlacedFind, Scanned, SealedRow
from cdp.vocabulary import Find, FragmentId, Label
from cdp.work import Work
from governance import tables
from governance.detection import leaves
from governance.detection.config import Config

QUARANTINED, CLEAN, FOUND = "quarantined", "clean", "found"


class DetectionScans:
    """Scans, findings and decisions of the detector in force."""

    def __init__(self, config: Config) -> None:
        self._version = config.version
        self._most = config.limits.finds

    @property
    def version(self) -> str:
        """Of the detector in force."""
        return self._version

    def texts(self, fields: Mapping[str, Json]) -> list[tuple[str, str]] | None:
        """(path, text) of every text in nested fields; None: too many, or too deep."""
        try:
            return [(leaf.path, leaf.text) for leaf in leaves.leaves(fields)]
        except leaves.TooMany:
            return None

    def redacted(self, fields: Mapping[str, Json], finds: Mapping[int, Sequence[Find]]) -> JsonObject:
        """Nested fields with each find, by the number of its text, replaced by the name of its entity."""
        numbers = count()

        def visit(leaf: leaves.Leaf) -> str:
            text = leaf.text
            for find in sorted(finds.get(next(numbers), ()), reverse=True):
                text = f"{text[: find.start]}[{find.entity}]{text[find.end :]}"
            return text

        return leaves.rewritten(fields, visit)

    def claim(self, rows: Sequence[SealedRow], *, work: Work) -> list[SealedRow]:
        """Put rows into quarantine until `settle`; those whose fragment still has its key."""
        there = {one for (one,) in run(work.session, _HOLD, ([row.fragment for row in rows],))}
        claimed = sorted(
            {(row.label, row.id): row for row in rows if row.fragment in there}.values(),
            key=lambda row: (row.label, row.id),
        )
        insert_rows(
            work.session,
            tables.scans,
            work.workspace,
            {
                "label": [str(row.label) for row in claimed],
                "row_id": [row.id for row in claimed],
                "fragment_id": [row.fragment for row in claimed],
                "received_at": [row.received_at for row in claimed],
                "version": [self._version] * len(claimed),
                "state": [QUARANTINED] * len(claimed),
                "reason": ["claimed"] * len(claimed),
                "attempts": [1] * len(claimed),
                "finds": [0] * len(claimed),
                "scanned_at": [work.now] * len(claimed),
            },
            order=("label", "row_id"),
            conflict=_CLAIMED,
        )
        return claimed

    def settle(self, scanned: Sequence[Scanned], *, work: Work) -> dict[str, int]:
        """Keep what scans said of claimed rows; how many rows are in which state now."""
        ordered = sorted(scanned, key=lambda one: (one.row.label, one.row.id))
        states = [QUARANTINED if one.failed else FOUND if one.finds else CLEAN for one in ordered]
        kept = {
            (label, row)
            for label, row in run(
                work.session,
                _SETTLE,
                (
                    [str(one.row.label) for one in ordered],
                    [one.row.id for one in ordered],
                    states,
                    [one.failed for one in ordered],
                    [len(one.finds) for one in ordered],
                    work.now,
                    self._version,
                ),
            )
        }
        counts: dict[str, int] = {}
        for one, state in zip(ordered, states, strict=True):
            if (str(one.row.label), one.row.id) in kept:
                counts[state] = counts.get(state, 0) + 1
        self._keep([one for one in ordered if (str(one.row.label), one.row.id) in kept], work=work)
        return counts

    def _keep(self, scanned: Sequence[Scanned], *, work: Work) -> None:
        found = {
            _finding_id(one.row, placed): (one.row, placed)
            for one in scanned
            for placed in list(one.finds)[: self._most]
        }
        rows, finds = [row for row, _ in found.values()], [placed for _, placed in found.values()]
        insert_rows(
            work.session,
            tables.findings,
            work.workspace,
            {
                "id": list(found),
                "label": [str(row.label) for row in rows],
                "row_id": [row.id for row in rows],
                "fragment_id": [row.fragment for row in rows],
                "field": [placed.field for placed in finds],
                "leaf": [placed.leaf for placed in finds],
                "first": [placed.find.start for placed in finds],
                "last": [placed.find.end for placed in finds],
                "entity": [placed.find.entity for placed in finds],
                "score": [placed.find.score for placed in finds],
                "layer": [placed.find.layer for placed in finds],
                "version": [self._version] * len(found),
                "found_at": [work.now] * len(found),
            },
            order=("id",),
            conflict=_FOUND_AGAIN,
        )

    def overdue(self, limit: int, *, work: Work, quarantined: bool = False) -> list[SealedRow]:
        """Rows that another version scanned, or that no scan got through; they wait from now on."""
        scan = tables.scans.c
        due = (
            (scan.state == QUARANTINED) & (scan.reason != "waiting")
            if quarantined
            else scan.version != self._version
        )
        rows = work.session.execute(
            select(scan.row_id, scan.label, scan.fragment_id, scan.received_at)
            .where(due)
            .order_by(scan.label, scan.row_id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        waiting = [
            SealedRow(
                id=row.row_id,
                label=Label(row.label),
                fragment=FragmentId(row.fragment_id),
                received_at=row.received_at,
            )
            for row in rows
        ]
        columns = [str(row.label) for row in waiting], [row.id for row in waiting]
        run(work.session, _WAIT, (self._version, *columns))
        return waiting

    def withheld(self, texts: Sequence[tuple[UUID, int]], *, work: Work) -> dict[tuple[UUID, int], str]:
        """Why (statement, trait) may not be shown; what is not in the answer may."""
        if not texts:
            return {}
        rows = [statement for statement, _ in texts]
        states = {row: said for row, *said in run(work.session, _STATES, (str(Label.STATEMENT), rows))}
        blocked = {
            (row, field)
            for row, field in run(work.session, _BLOCKED, (str(Label.STATEMENT), rows, self._version))
        }
        reasons: dict[tuple[UUID, int], str] = {}
        for statement, trait in texts:
            state, version, finds = states.get(statement, ("", "", 0))
            if version != self._version or state not in (CLEAN, FOUND, QUARANTINED):
                reasons[statement, trait] = "not_scanned"
            elif state == QUARANTINED:
                reasons[statement, trait] = QUARANTINED
            # Finds beyond those that are kept nobody can decide on.
            elif (statement, trait) in blocked or finds > self._most:
                reasons[statement, trait] = "personal_data_found"
        return reasons

    def of_rows(self, rows: Sequence[tuple[Label, UUID]], *, work: Work) -> dict[tuple[Label, UUID], Scanned]:
        """What the detector in force said of rows, without finds that were decided not to be personal."""
        found: dict[tuple[Label, UUID], Scanned] = {}
        for label in sorted({label for label, _ in rows}):
            ids = [row for of, row in rows if of == label]
            finds: dict[UUID, list[PlacedFind]] = {}
            for row, field, leaf, *find in run(work.session, _FINDS, (str(label), ids, self._version)):
                finds.setdefault(row, []).append(PlacedFind(field=field, leaf=leaf, find=Find(*find)))
            for row, fragment, received, state, reason, number in run(
                work.session, _SCANNED, (str(label), ids, self._version)
            ):
                sealed = SealedRow(
                    id=row, label=Label(label), fragment=FragmentId(fragment), received_at=received
                )
                # Finds beyond those that are kept cannot be pointed at, so the row stays shut.
                failed = (
                    reason or state if state == QUARANTINED else "too_many" if number > self._most else None
                )
                found[label, row] = Scanned(row=sealed, finds=finds.get(row, ()), failed=failed)
        return found

    def findings(
        self, *, undecided: bool, after: tuple[datetime, UUID] | None, limit: int, work: Work
    ) -> list[Finding]:
        """Findings of the detector in force, oldest first."""
        at, last = after or (None, None)
        rows = run(work.session, _FINDINGS + _PAGE, (self._version, undecided, at, at, last, limit))
        return [_finding(row) for row in rows]

    def decide(self, finding: UUID, decision: str, *, work: Work) -> Finding | None:
        """Append a decision; the next number is taken under the finding's lock. None: no such finding."""
        run(work.session, "SELECT FROM governance.findings WHERE id = %s FOR UPDATE", (finding,))
        row = run(work.session, _FINDINGS + "WHERE f.id = %s", (finding,)).fetchone()
        if row is None:
            return None
        before = _finding(row)
        insert_rows(
            work.session,
            tables.decisions,
            work.workspace,
            {
                "finding_id": [finding],
                "number": [before.version + 1],
                "fragment_id": [before.row.fragment],
                "decision": [decision],
                "decided_at": [work.now],
            },
        )
        return _finding((*row[:-2], before.version + 1, decision))


def _finding_id(row: SealedRow, placed: PlacedFind) -> UUID:
    """One id for one place and entity, whichever version of the detector finds it."""
    find = placed.find
    name = f"{row.label}|{row.id}|{placed.leaf}|{find.start}|{find.end}|{find.entity}"
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")
    # Version 8 and the variant of RFC 9562: what is in it is ours.
    number = number & ~(0xF << 76) | 8 << 76
    return UUID(int=number & ~(0x3 << 62) | 0x2 << 62)


def _finding(row: TupleRow) -> Finding:
    (finding, label, row_id, fragment, received, field, leaf, *find, found_at, number, decision) = row
    return Finding(
        id=finding,
        row=SealedRow(id=row_id, label=Label(label), fragment=FragmentId(fragment), received_at=received),
        placed=PlacedFind(field=field, leaf=leaf, find=Find(*find)),
        found_at=found_at,
        version=number or 0,
        decision=decision,
    )


# KEY SHARE: rewrapping a key goes on, deleting it (an erasure) waits for this Work. This Work waits
# for nobody (the batch is tried again), so the two cannot wait for each other.
_HOLD = "SELECT fragment_id FROM governance.keys WHERE fragment_id = ANY(%b::uuid[]) FOR KEY SHARE NOWAIT"

_CLAIMED = Conflict(
    ("label", "row_id"),
    "UPDATE SET version = excluded.version, state = excluded.state, reason = excluded.reason,"
    " attempts = scans.attempts + 1, finds = 0, scanned_at = excluded.scanned_at",
)

_FOUND_AGAIN = Conflict(
    ("id",), "UPDATE SET version = excluded.version, score = excluded.score, layer = excluded.layer"
)

_SETTLE = """
WITH u AS (
    SELECT * FROM unnest(%b::text[], %b::uuid[], %b::text[], %b::text[], %b::int4[])
        AS t(label, row_id, state, reason, finds)
),
-- A row that an erasure is about to delete is passed over, not waited for.
free AS (
    SELECT s.label, s.row_id FROM governance.scans s JOIN u ON s.label = u.label AND s.row_id = u.row_id
    FOR UPDATE OF s SKIP LOCKED
)
UPDATE governance.scans s
SET state = u.state, reason = u.reason, finds = u.finds, scanned_at = %s, version = %s
FROM u JOIN free ON free.label = u.label AND free.row_id = u.row_id
WHERE s.label = u.label AND s.row_id = u.row_id
RETURNING s.label, s.row_id
"""

_WAIT = """
UPDATE governance.scans s SET version = %s, state = 'quarantined', reason = 'waiting'
FROM unnest(%b::text[], %b::uuid[]) AS u(label, row_id)
WHERE s.label = u.label AND s.row_id = u.row_id
"""

_STATES = (
    "SELECT row_id, state, version, finds FROM governance.scans WHERE label = %s AND row_id = ANY(%b::uuid[])"
)

_LAST = """
LEFT JOIN LATERAL (
    SELECT d.number, d.decision FROM governance.decisions d
    WHERE d.finding_id = f.id ORDER BY d.number DESC LIMIT 1
) AS d ON true
"""

_OPEN = (
    "FROM governance.findings f"
    + _LAST
    + "WHERE f.label = %s AND f.row_id = ANY(%b::uuid[]) AND f.version = %s"
    + " AND d.decision IS DISTINCT FROM 'not_personal'"
)

_BLOCKED = "SELECT DISTINCT f.row_id, f.field " + _OPEN

_FINDS = "SELECT f.row_id, f.field, f.leaf, f.first, f.last, f.entity, f.score, f.layer " + _OPEN

_SCANNED = """
SELECT row_id, fragment_id, received_at, state, reason, finds FROM governance.scans
WHERE label = %s AND row_id = ANY(%b::uuid[]) AND version = %s
"""

_FINDINGS = (
    """
SELECT f.id, f.label, f.row_id, f.fragment_id, s.received_at, f.field, f.leaf, f.first, f.last, f.entity,
    f.score, f.layer, f.found_at, d.number, d.decision
FROM governance.findings f
JOIN governance.scans s ON s.label = f.label AND s.row_id = f.row_id
"""
    + _LAST
)

_PAGE = """
WHERE f.version = %s AND NOT (%s AND d.number IS NOT NULL)
    AND (%s::timestamptz IS NULL OR (f.found_at, f.id) > (%s, %s))
ORDER BY f.found_at, f.id LIMIT %s
"""
