"""What stands beside the leaves, held against them: words to search by, references, sealed detail.

The leaf commits to all of it: it says the words itself, it has the root over the references, and a
salted hash of the detail. So whoever changes, adds or removes a row beside the log is found here, and
`cdp audit verify` names the entry.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Result, Table, bindparam, false, func, or_, select
from sqlalchemy.orm import Session

from audit import tables
from audit.log import storage
from audit.log.entry import Leaf, detail_hash, subjects
from cdp.kernel.database import StoredRow
from cdp.kernel.errors import CdpError
from cdp.kernel.json_values import Json
from cdp.vocabulary import WorkspaceId

PAGE = 4096
DETAIL_KEPT = timedelta(days=730)  # it names operators' acts; the leaf stays for ever, the detail does not
RECEIVED_BY = "received_by"  # in the detail: who received, by the register's id

# (workspace, entry, sealed) → the detail. Raises `CdpError` for what cannot be opened.
Opener = Callable[[WorkspaceId, UUID, bytes], bytes]

# What became of a detail that cannot be told.
OVER, CLOSED, ALTERED = "over", "closed", "altered"

# Kinds of findings.
UNREADABLE, ENTRY_ID, SEARCHABLE, SUBJECTS, DETAIL, RECIPIENT, EXTRA = (
    "leaf_unreadable",
    "entry_id_differs",
    "words_differ",
    "subjects_differ",
    "detail_differs",
    "recipient_differs",
    "row_without_entry",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something beside the log that is not what the log says."""

    kind: str
    epoch: int | None  # None: a row of no epoch
    index: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """An entry with all that stands beside it, as the database has it."""

    epoch: int
    seq: int
    entry_id: UUID
    leaf: bytes
    words: StoredRow | None = None  # of `audit.searchable`; None: there is no such row
    references: Sequence[bytes] = field(default=(), repr=False)
    # Of `audit.details`; None: there is no such row.
    detail: StoredRow | None = field(default=None, repr=False)


def attached(
    epoch: int, *, start: int = 0, stop: int | None = None, session: Session | Connection
) -> Iterator[Attached]:
    """The entries `[start, stop)` with what stands beside them, in order, read in pages."""
    entry = tables.entries.c
    bounds = [entry.epoch == epoch, *([entry.seq < stop] if stop is not None else [])]
    while True:
        page = select(tables.entries).where(*bounds, entry.seq >= start).order_by(entry.seq).limit(PAGE)
        entries = session.execute(page).all()
        if not entries:
            return
        last = entries[-1].seq
        yield from _joined(epoch, entries, start, last, session)
        start = last + 1


def _joined(
    epoch: int, entries: Sequence[StoredRow], start: int, last: int, session: Session | Connection
) -> Iterator[Attached]:
    words = {row.seq: row for row in _rows(tables.searchable, epoch, start, last, session)}
    people: dict[int, list[bytes]] = defaultdict(list)
    for row in _rows(tables.subjects, epoch, start, last, session):
        people[row.seq].append(bytes(row.ref))
    ids = [row.entry_id for row in entries]
    rows = select(tables.details).where(
        tables.details.c.entry_id == func.any(bindparam("ids", ids, unique=True))
    )
    details = {row.entry_id: row for row in session.execute(rows)}
    for row in entries:
        yield Attached(
            epoch=epoch,
            seq=row.seq,
            entry_id=row.entry_id,
            leaf=bytes(row.leaf),
            words=words.get(row.seq),
            references=people.get(row.seq, ()),
            detail=details.get(row.entry_id),
        )


def _rows(
    table: Table, epoch: int, start: int, last: int, session: Session | Connection
) -> Result[*tuple[object, ...]]:
    inside = (table.c.epoch == epoch) & table.c.seq.between(start, last)
    return session.execute(select(table).where(inside).order_by(table.c.seq))


def check(one: Attached, *, workspace: UUID, now: datetime, opener: Opener | None) -> Iterator[Finding]:
    """What beside one entry is not what its leaf says; the leaf itself is checked by the tree."""
    try:
        leaf = msgspec.json.decode(one.leaf)
        found = _compare(one, leaf, workspace, now, opener)
    except (msgspec.MsgspecError, LookupError, TypeError, ValueError, AttributeError):
        found = [UNREADABLE]
    for kind in found:
        yield Finding(kind=kind, epoch=one.epoch, index=one.seq)


def _compare(one: Attached, leaf: Leaf, workspace: UUID, now: datetime, opener: Opener | None) -> list[str]:
    found = []
    if leaf["entry_id"] != str(one.entry_id) or leaf["workspace"] != str(workspace):
        found.append(ENTRY_ID)
    if not words_agree(leaf, one.words):
        found.append(SEARCHABLE)
    if not references_agree(leaf, one.references):
        found.append(SUBJECTS)
    detail = detail_of(
        leaf,
        one.entry_id,
        (one.detail.salt, one.detail.detail) if one.detail is not None else None,
        workspace=workspace,
        now=now,
        opener=opener,
    )
    until = one.detail.until if one.detail is not None else _kept_until(leaf)
    recipient = one.words.recipient if one.words is not None else None
    if detail == ALTERED or until != _kept_until(leaf):
        found.append(DETAIL)
    elif isinstance(detail, dict) and received_by(detail, leaf["action"]) != recipient:
        found.append(RECIPIENT)
    return found


def _kept_until(leaf: Leaf) -> datetime:
    return datetime.fromisoformat(leaf["at"]) + DETAIL_KEPT


def received_by(detail: Mapping[str, Json], action: str) -> UUID | None:
    """Who received, by the id of the register; None: nobody. Raises `ValueError`."""
    said = detail.get(RECEIVED_BY)
    # Details of old say it under a name that others of them use for something else.
    if said is None and action.split(":")[1] in ("profile", "release"):
        said = detail.get("recipient")
    return UUID(str(said)) if said is not None else None


def words_agree(leaf: Leaf, row: StoredRow | None) -> bool:
    """Whether one searches for what the leaf says."""
    return (
        row is not None
        and all(leaf[word] == getattr(row, word) for word in storage.WORDS)
        and datetime.fromisoformat(leaf["at"]) == row.at
    )


def references_agree(leaf: Leaf, references: Sequence[bytes]) -> bool:
    """Whether these are the references that the leaf has the root over, all of them."""
    count, people = subjects(references)
    return (count, people.hex() if people else None) == (leaf["subjects_count"], leaf["subjects_root"])


def detail_of(
    leaf: Leaf,
    entry: UUID,
    row: Sequence[bytes] | None,
    *,
    workspace: UUID,
    now: datetime,
    opener: Opener | None,
) -> Mapping[str, Json] | str:
    """The detail that a leaf commits to, from its salt and sealed bytes in `row`.

    `OVER`: it is gone, for its time was over. `CLOSED`: there is nothing to open it with. `ALTERED`: it
    is gone before its time, or another.
    """
    if leaf["previous"] is not None:
        # The first leaf of an epoch is the keeper's own word; nothing stands beside it.
        return {} if row is None else ALTERED
    if row is None:
        return ALTERED if _kept_until(leaf) > now else OVER
    if opener is None:
        return CLOSED
    try:
        detail = opener(WorkspaceId(workspace), entry, bytes(row[1]))
        if detail_hash(bytes(row[0]), detail).hex() != leaf["detail_hash"]:
            return ALTERED
        said = msgspec.json.decode(detail)
    except (CdpError, msgspec.MsgspecError, ValueError):
        return ALTERED
    return said if isinstance(said, dict) else ALTERED


def strays(sizes: dict[int, int], *, session: Session | Connection) -> list[Finding]:
    """Rows beside the log that no entry has. `sizes`: how many entries each epoch has."""
    found = []
    for table in (tables.searchable, tables.subjects):
        row = table.c
        inside = [(row.epoch == epoch) & (row.seq >= 0) & (row.seq < size) for epoch, size in sizes.items()]
        rows = session.execute(select(row.epoch, row.seq).where(~or_(false(), *inside)).limit(PAGE))
        found += [Finding(kind=EXTRA, epoch=one.epoch, index=one.seq) for one in rows]
    entry, detail = tables.entries.c, tables.details.c
    named = select(entry.seq).where(entry.entry_id == detail.entry_id).exists()
    lonely = session.execute(select(detail.entry_id).where(~named).limit(PAGE))
    return found + [Finding(kind=EXTRA, epoch=None, index=None) for _ in lonely]
