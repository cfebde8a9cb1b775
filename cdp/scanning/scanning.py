"""Scanning: whatever was written freely, or that nobody declared, is looked through in the background.

Ingest leaves one row a batch in `cdp.unscanned`. A step takes one: it puts the named rows
into quarantine and commits, opens their texts, asks the detector outside of any Work, and
commits what it said. Whatever dies on the way leaves quarantine behind, never *clean* (F7).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, delete, func, or_, select, update

from cdp import tables
from cdp.acting import PARTIAL, acting
from cdp.acts import Act
from cdp.kernel.database import write
from cdp.kernel.errors import BrokenSeal, Unavailable
from cdp.kernel.ids import new_id
from cdp.kernel.json_values import Json, JsonObject
from cdp.ports import Detector, Keys, PlacedFind, Ports, Scanned, SealedRow
from cdp.registers import workspaces
from cdp.vocabulary import FieldClass, Find, FragmentId, Label
from cdp.work import Work

Opener = Callable[[], AbstractContextManager[Work]]
CLASSES = frozenset({FieldClass.FREE_TEXT, FieldClass.UNCLASSIFIED})
# Longer than a batch usually takes. One whose every text is late takes longer and may be scanned
# twice; both leave it in quarantine or say the same, and never call it clean.
LEASE = timedelta(minutes=10)
ATTEMPTS = 3
OVERDUE = 500


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a row: its trait (0: none), its path, and what it says."""

    trait: int
    path: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Sealed:
    row: SealedRow
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A batch that waits to be scanned: statements, and events with when each was received."""

    id: UUID
    statements: Sequence[UUID]
    events: Sequence[tuple[UUID, datetime]]
    attempts: int


def worth(parts: Mapping[FieldClass, object]) -> bool:
    """Whether there is anything in a row that has to be scanned."""
    return not CLASSES.isdisjoint(parts)


_ENQUEUE = """
INSERT INTO cdp.unscanned (workspace_id, id, statements, events, received)
VALUES (%s::uuid, %s::uuid, %b::uuid[], %b::uuid[], %b::timestamptz[])
"""


def enqueue(statements: Sequence[UUID], events: Sequence[tuple[UUID, datetime]], *, work: Work) -> None:
    """Let the rows with these ids wait for the detector."""
    if statements or events:
        columns = [event for event, _ in events], [received for _, received in events]
        write(work.session, _ENQUEUE, (work.workspace, new_id(), list(statements), *columns))


def step(begin: Opener, *, ports: Ports, detector: Detector) -> bool:
    """Scan one batch of rows that wait; whether there was one.

    Raises `Unavailable` when there is no detector; the rows wait on then, in quarantine.
    """
    with begin() as work:
        waiting = _take(work)
        if waiting is None:
            return False
        claimed = ports.scans.claim(
            [one.row for one in _sealed(waiting.statements, waiting.events, work=work, ports=ports)],
            work=work,
        )
        if waiting.attempts > ATTEMPTS:
            # Whoever scanned it died each time. It stays in quarantine: `cdp findings rescan`.
            failed = [Scanned(row=row, failed="crash") for row in claimed]
            _finish(waiting.id, failed, work=work, ports=ports)
            return True
    with begin() as work:
        statements = [row.id for row in claimed if row.label is Label.STATEMENT]
        events = [(row.id, row.received_at) for row in claimed if row.label is Label.EVENT]
        opened = _open(_sealed(statements, events, work=work, ports=ports), work=work, ports=ports)
        region = workspaces.region(work=work)
    try:
        scanned = _scan(opened, region, detector)
    except Unavailable:
        # Nothing was scanned for want of a detector, which is not the texts' fault.
        with begin() as work:
            _give_back(waiting.id, work=work)
        raise
    with begin() as work:
        _finish(waiting.id, scanned, work=work, ports=ports)
    return True


def renew(begin: Opener, *, ports: Ports) -> int:
    """Let everything wait anew that another version of the detector scanned; how many rows."""
    total = 0
    while True:
        with begin() as work:
            rows = ports.scans.overdue(OVERDUE, work=work)
            _wait_again(rows, work=work)
        total += len(rows)
        if not rows:
            return total


def retry(*, work: Work, ports: Ports) -> int:
    """Let up to `OVERDUE` rows of the quarantine wait anew; how many."""
    rows = ports.scans.overdue(OVERDUE, work=work, quarantined=True)
    _wait_again(rows, work=work)
    return len(rows)


def _wait_again(rows: Sequence[SealedRow], *, work: Work) -> None:
    statements = [row.id for row in rows if row.label is Label.STATEMENT]
    events = [(row.id, row.received_at) for row in rows if row.label is Label.EVENT]
    enqueue(statements, events, work=work)


def _take(work: Work) -> _Waiting | None:
    """Lease the oldest batch that nobody works on; None: nothing waits."""
    wait = tables.unscanned.c
    oldest = (
        select(wait.id)
        .where(or_(wait.claimed_until.is_(None), wait.claimed_until < work.now))
        .order_by(wait.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    row = work.session.execute(
        update(tables.unscanned)
        .where(wait.id == oldest)
        .values(attempts=wait.attempts + 1, claimed_until=work.now + LEASE)
        .returning(tables.unscanned)
    ).one_or_none()
    if row is None:
        return None
    events = list(zip(row.events, row.received, strict=True))
    return _Waiting(id=row.id, statements=row.statements, events=events, attempts=row.attempts)


def _give_back(waiting: UUID, *, work: Work) -> None:
    """Let a batch wait as if nobody had taken it; its rows stay in quarantine."""
    wait = tables.unscanned.c
    work.session.execute(
        update(tables.unscanned)
        .where(wait.id == waiting)
        .values(attempts=wait.attempts - 1, claimed_until=None)
    )


def _sealed(
    statements: Sequence[UUID], events: Sequence[tuple[UUID, datetime]], *, work: Work, ports: Ports
) -> list[_Sealed]:
    """Those of the rows that are there, as they lie."""
    said = ports.identity.said(statements, work=work) if statements else ()
    found = [
        _Sealed(
            SealedRow(id=one.id, label=Label.STATEMENT, fragment=one.fragment, received_at=one.received_at),
            one.sealed,
        )
        for one in said
    ]
    if events:
        event = tables.events.c
        # Both parts of the key, so that no partition is read that holds none of them.
        rows = work.session.execute(
            select(event.id, event.fragment_id, event.received_at, event.sealed).where(
                event.id == func.any(bindparam("ids", [one for one, _ in events], unique=True)),
                event.received_at == func.any(bindparam("at", sorted({at for _, at in events}), unique=True)),
            )
        )
        found += [
            _Sealed(
                SealedRow(
                    id=row.id,
                    label=Label.EVENT,
                    fragment=FragmentId(row.fragment_id),
                    received_at=row.received_at,
                ),
                bytes(row.sealed),
            )
            for row in rows
        ]
    return found


def texts(row: SealedRow, sealed: bytes, *, keys: Keys, ports: Ports) -> list[Text] | None:
    """The texts of a row in their order, which findings count; None: too many. Raises `BrokenSeal`."""
    parts = keys.open(row.label, row.id, row.fragment, sealed, CLASSES)
    return of_parts(parts, ports=ports)


def of_parts(parts: Mapping[FieldClass, Mapping[str, Json]], *, ports: Ports) -> list[Text] | None:
    """The texts of opened fields: those of declared traits first, each under its trait."""
    found: list[Text] = []
    for field_class in (FieldClass.FREE_TEXT, FieldClass.UNCLASSIFIED):
        for name, value in parts.get(field_class, {}).items():
            trait = ports.catalogue.trait(name) if field_class is FieldClass.FREE_TEXT else None
            inner = ports.scans.texts({name: value})
            if inner is None:
                return None
            found += [Text(trait.id if trait else 0, path, text) for path, text in inner]
    return found


def safe(
    parts: Mapping[FieldClass, Mapping[str, Json]],
    scanned: Scanned | None,
    own: Callable[[str, str], bool],
    *,
    ports: Ports,
) -> dict[FieldClass, JsonObject]:
    """Opened fields for the person themself: what is found of others in their texts is redacted.

    `own` says of an entity and a text whether it is the person's. What was not scanned is
    withheld whole, and says so.
    """
    if CLASSES.isdisjoint(parts):
        return {one: dict(fields) for one, fields in parts.items()}
    reason = "not_scanned" if scanned is None else scanned.failed
    made = {one: dict(fields) for one, fields in parts.items() if one not in CLASSES}
    at = 0
    for field_class in (FieldClass.FREE_TEXT, FieldClass.UNCLASSIFIED):
        for name, value in parts.get(field_class, {}).items():
            if reason is not None or scanned is None:
                made.setdefault(field_class, {})[f"withheld ({reason})"] = ""
                continue
            inner = ports.scans.texts({name: value}) or []
            finds: dict[int, list[Find]] = {}
            for placed in scanned.finds:
                leaf = placed.leaf - at
                if 0 <= leaf < len(inner) and not own(
                    placed.find.entity, inner[leaf][1][placed.find.start : placed.find.end]
                ):
                    finds.setdefault(leaf, []).append(placed.find)
            made.setdefault(field_class, {}).update(ports.scans.redacted({name: value}, finds))
            at += len(inner)
    return made


def opened_rows(
    rows: Sequence[SealedRow], *, keys: Keys, work: Work, ports: Ports
) -> dict[tuple[Label, UUID], list[Text] | None]:
    """The texts of rows, by label and id; None: too many. Raises `BrokenSeal`."""
    statements = [row.id for row in rows if row.label is Label.STATEMENT]
    events = [(row.id, row.received_at) for row in rows if row.label is Label.EVENT]
    return {
        (one.row.label, one.row.id): texts(one.row, one.sealed, keys=keys, ports=ports)
        for one in _sealed(statements, events, work=work, ports=ports)
    }


def _open(sealed: Sequence[_Sealed], *, work: Work, ports: Ports) -> list[tuple[SealedRow, list[Text] | str]]:
    """The texts of each row, or why they cannot be read."""
    keys = ports.vault.keys(sorted({one.row.fragment for one in sealed}), work=work)
    opened: list[tuple[SealedRow, list[Text] | str]] = []
    for one in sealed:
        try:
            found = texts(one.row, one.sealed, keys=keys, ports=ports)
        except BrokenSeal:
            opened.append((one.row, "unreadable"))
        else:
            opened.append((one.row, "too_many" if found is None else found))
    return opened


def _scan(
    opened: Sequence[tuple[SealedRow, list[Text] | str]], region: str, detector: Detector
) -> list[Scanned]:
    """Ask the detector about all texts at once; a row with a text that was not scanned has failed."""
    texts = [text for _, found in opened if not isinstance(found, str) for text in found]
    asked, names = [text.text for text in texts], [_name(text.path) for text in texts]
    answers = iter(detector.scan(asked, regions=[region], names=names) if asked else ())
    scanned: list[Scanned] = []
    for row, found in opened:
        if isinstance(found, str):
            scanned.append(Scanned(row=row, failed=found))
            continue
        finds: list[PlacedFind] = []
        failed: str | None = None
        for leaf, text in enumerate(found):
            answer = next(answers)
            if isinstance(answer, str):
                failed = answer
            else:
                finds += [PlacedFind(field=text.trait, leaf=leaf, find=one) for one in answer]
        scanned.append(Scanned(row=row, finds=finds, failed=failed))
    return scanned


def _name(path: str) -> str:
    """What the field at a path is called, and what it is in; a place in a list or a key is no name."""
    parts = [part.strip("!") for part in path.split(".")]
    parts = parts[:-1] if path.endswith("#key") else parts
    return " ".join([one for one in parts if not one.isdigit()][-2:])


def _finish(waiting: UUID, scanned: Sequence[Scanned], *, work: Work, ports: Ports) -> None:
    with acting(Act.TEXT_SCAN, work=work, ports=ports) as doing:
        counts = ports.scans.settle(scanned, work=work) if scanned else {}
        work.session.execute(delete(tables.unscanned).where(tables.unscanned.c.id == waiting))
        outcome = PARTIAL if counts.get("quarantined") else ""
        doing.tell(outcome=outcome, detector=ports.scans.version, rows=counts)
