"""How far a search engine was fed: generations of indices, positions, what was refused.

PostgreSQL knows which generation answers, so a rebuilt one takes over by one committed row. A
position is moved by comparing it first: feeding twice is harmless, skipping is not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, tuple_, update

from audit import tables
from audit.log import storage
from audit.search.documents import Kept
from audit.search.engine import PREFIX
from cdp.kernel.database import Conflict, StoredRow, insert_rows, run
from cdp.kernel.errors import Conflict as Contradiction
from cdp.work import Work

LIVE, BUILDING = "live", "building"

# Each is one range of one index, so that no plan depends on what the planner knows of young tables.
_LEAVES = "SELECT seq, leaf FROM audit.entries WHERE epoch = %s AND {} ORDER BY seq"
_WORDS = "SELECT seq, at, recipient FROM audit.searchable WHERE epoch = %s AND {} ORDER BY seq"
_PEOPLE = "SELECT seq, ref FROM audit.subjects WHERE epoch = %s AND {} ORDER BY seq, ref"
_NEXT = _LEAVES.format("seq >= %s") + " LIMIT %s"
_RANGE, _NAMED = "seq BETWEEN %s AND %s", "seq = ANY(%s)"


class Overtaken(Contradiction, http=False):
    """Somebody else began a new generation of indices meanwhile; this one was given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One generation of a log's indices."""

    generation: int
    state: str
    cluster: str
    epoch: int
    seq: int
    documents: int
    since: datetime | None

    def indices(self, log: str) -> str:
        """The pattern of this generation's indices."""
        return f"{generations(log, self.generation)}*"

    def index(self, log: str, month: str) -> str:
        """The index of one month."""
        return f"{generations(log, self.generation)}{month}"


def every(log: str) -> str:
    """How the names of a log's indices begin."""
    return f"{PREFIX}-{log}-"


def generations(log: str, generation: int) -> str:
    """How the names of a generation's indices begin."""
    return f"{every(log)}{generation}-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The next entries of a log, and where the position stands behind them."""

    rows: Sequence[tuple[Kept, datetime]]
    epoch: int
    seq: int


def live(*, work: Work) -> Feed | None:
    """The generation that answers; None: nothing was ever fed."""
    return _one(LIVE, work)


def building(*, work: Work) -> Feed | None:
    """The generation that is being rebuilt; None: none is."""
    return _one(BUILDING, work)


def _one(state: str, work: Work) -> Feed | None:
    row = work.session.execute(
        select(tables.feeds)
        .where(tables.feeds.c.state == state)
        .order_by(tables.feeds.c.generation.desc())
        .limit(1)
    ).one_or_none()
    return _feed(row) if row is not None else None


def _feed(row: StoredRow) -> Feed:
    return Feed(
        generation=row.generation,
        state=row.state,
        cluster=row.cluster,
        epoch=row.epoch,
        seq=row.seq,
        documents=row.documents,
        since=row.since,
    )


def known(*, work: Work) -> set[int]:
    """The generations whose indices are in use."""
    return set(work.session.scalars(select(tables.feeds.c.generation)))


def begin(state: str, cluster: str, since: datetime | None, *, work: Work) -> Feed:
    """A new generation in `state`, from the first entry on; it takes the place of those in that state."""
    newest = work.session.scalar(select(func.max(tables.feeds.c.generation))) or 0
    for generation in work.session.scalars(
        delete(tables.feeds).where(tables.feeds.c.state == state).returning(tables.feeds.c.generation)
    ).all():
        _forget(generation, work)
    row = work.session.execute(
        insert(tables.feeds)
        .values(
            workspace_id=work.workspace,
            generation=newest + 1,
            state=state,
            cluster=cluster,
            epoch=0,
            seq=0,
            documents=0,
            since=since,
        )
        .returning(tables.feeds)
    ).one()
    return _feed(row)


def switch(feed: Feed, *, work: Work) -> None:
    """Let a rebuilt generation answer in place of the one before. Raises `Overtaken`."""
    for generation in work.session.scalars(
        delete(tables.feeds).where(tables.feeds.c.state == LIVE).returning(tables.feeds.c.generation)
    ).all():
        _forget(generation, work)
    changed = update(tables.feeds).where(
        tables.feeds.c.generation == feed.generation, tables.feeds.c.state == BUILDING
    )
    moved = work.session.execute(changed.values(state=LIVE).returning(tables.feeds.c.generation)).all()
    if not moved:
        raise Overtaken


def _forget(generation: int, work: Work) -> None:
    work.session.execute(delete(tables.unindexed).where(tables.unindexed.c.generation == generation))


def take(feed: Feed, limit: int, *, work: Work) -> Taken:
    """At most `limit` signed entries that `feed` lacks, of one epoch, in order."""
    epoch, seq = feed.epoch, feed.seq
    newest = storage.newest_epoch(session=work.session)
    while True:
        # What waits for its signature may still be lost, and is not served.
        signed = storage.head(epoch, session=work.session) if epoch == newest else None
        most = limit if epoch < newest else min(limit, signed.size - seq if signed else 0)
        leaves = run(work.session, _NEXT, (epoch, seq, max(0, most))).fetchall()
        later = storage.epoch_after(epoch, session=work.session)
        if leaves or later is None:
            break
        epoch, seq = later, 0
    if not leaves:
        return Taken(rows=[], epoch=epoch, seq=seq)
    last = leaves[-1][0]
    return Taken(rows=_kept(epoch, leaves, _RANGE, (leaves[0][0], last), work), epoch=epoch, seq=last + 1)


def named(places: Sequence[tuple[int, int]], *, work: Work) -> list[tuple[Kept, datetime]]:
    """The entries at these places, as far as they are there."""
    by_epoch: dict[int, list[int]] = {}
    for epoch, seq in places:
        by_epoch.setdefault(epoch, []).append(seq)
    found: list[tuple[Kept, datetime]] = []
    for epoch, seqs in by_epoch.items():
        leaves = run(work.session, _LEAVES.format(_NAMED), (epoch, seqs)).fetchall()
        found += _kept(epoch, leaves, _NAMED, (seqs,), work)
    return found


def _kept(
    epoch: int, leaves: Sequence[tuple[int, bytes]], which: str, bounds: Sequence[object], work: Work
) -> list[tuple[Kept, datetime]]:
    """Leaves with what stands beside them; one whose searchable form was lost is an entry all the same."""
    words = {
        seq: (at, recipient)
        for seq, at, recipient in run(work.session, _WORDS.format(which), (epoch, *bounds))
    }
    people: dict[int, list[bytes]] = {}
    for seq, ref in run(work.session, _PEOPLE.format(which), (epoch, *bounds)):
        people.setdefault(seq, []).append(bytes(ref))
    found = []
    for seq, leaf in leaves:
        at, recipient = words.get(seq, (work.now, None))
        refs = people.get(seq, [])
        kept = Kept(epoch=epoch, seq=seq, leaf=bytes(leaf), recipient=recipient, references=refs)
        found.append((kept, at))
    return found


def advance(
    feed: Feed, taken: Taken, *, documents: int, refused: Mapping[int, str], work: Work
) -> Feed | None:
    """Move the position behind `taken`; None: somebody else has moved it.

    `refused` are the entries (by seq) whose document the engine would not have, and its word why.
    """
    feeds = tables.feeds.c
    row = work.session.execute(
        update(tables.feeds)
        .where(feeds.generation == feed.generation, feeds.epoch == feed.epoch, feeds.seq == feed.seq)
        .values(epoch=taken.epoch, seq=taken.seq, documents=feeds.documents + documents)
        .returning(tables.feeds)
    ).one_or_none()
    if row is None:
        return None
    insert_rows(
        work.session,
        tables.unindexed,
        work.workspace,
        {
            "generation": [feed.generation] * len(refused),
            "epoch": [taken.epoch] * len(refused),
            "seq": list(refused),
            "reason": list(refused.values()),
            "refused_at": [work.now] * len(refused),
        },
        conflict=Conflict(("generation", "epoch", "seq")),
    )
    return _feed(row)


def retire(feed: Feed, since: datetime, documents: int, *, work: Work) -> None:
    """Note that nothing before `since` is indexed any more, and that `documents` went with it."""
    feeds = tables.feeds.c
    work.session.execute(
        update(tables.feeds)
        .where(feeds.generation == feed.generation)
        .values(since=since, documents=func.greatest(feeds.documents - documents, 0))
    )


def refusals(feed: Feed, *, work: Work) -> list[tuple[int, int, str]]:
    """(epoch, seq, reason) of the entries that the engine refused, in order."""
    found = tables.unindexed.c
    rows = work.session.execute(
        select(found.epoch, found.seq, found.reason)
        .where(found.generation == feed.generation)
        .order_by(found.epoch, found.seq)
    )
    return [(row.epoch, row.seq, row.reason) for row in rows]


def accepted(feed: Feed, places: Sequence[tuple[int, int]], *, work: Work) -> None:
    """Forget that these were refused: the engine has them now."""
    found = tables.unindexed.c
    gone = work.session.execute(
        delete(tables.unindexed)
        .where(found.generation == feed.generation, tuple_(found.epoch, found.seq).in_(places))
        .returning(found.seq)
    ).all()
    feeds = tables.feeds.c
    work.session.execute(
        update(tables.feeds)
        .where(feeds.generation == feed.generation)
        .values(documents=feeds.documents + len(gone))
    )
