"""Whether a search engine's documents are what the log says, and how they are made so again.

`reconcile` reads every document there is and every entry that there should be one of. It finds
those that were edited, those that are missing and those that were added, because it makes each
document anew and compares hashes; `repair` feeds and deletes. `rebuild` makes a new generation of
indices beside the one that answers, and switches by one committed row. `beside` compares what stands
beside the leaves in PostgreSQL, and needs no engine; `watch` is what the keeper does all the time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select, tuple_

from audit import tables
from audit.log import attached, storage
from audit.log.attached import Opener
from audit.search import feeds
from audit.search.documents import Document, Kept, canonical, parse_id
from audit.search.engine import Action, Stored
from audit.search.feeding import BATCH, VERSION, Begin, Feeder, horizon, readable
from audit.search.feeds import Feed
from cdp.kernel.errors import NotFound
from cdp.work import Work

PAGE = 10_000
WATCHED = 500  # documents that are compared at once while nothing else is to be done
Progress = Callable[[int], None]


class NothingFed(NotFound, http=False):
    """No search engine was ever fed from this log; is one set or started, and `cdp keeper` running?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One document, or what stands beside one entry, that is not as it should be."""

    kind: str  # edited | missing | added; or a kind of `audit.log.attached`
    place: tuple[int, int] | None  # (epoch, seq); None: no entry's
    index: str
    id: str
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a comparison found."""

    entries: int
    documents: int
    refused: int  # entries that the engine would not have; PostgreSQL is searched for them
    differences: Sequence[Difference]
    repaired: int = 0


@dataclass(slots=True)
class _Seen:
    """The places of the log that have a document."""

    _bits: dict[int, bytearray] = field(default_factory=dict)

    def add(self, place: tuple[int, int]) -> None:
        """Note that `place` has one."""
        epoch, seq = place
        bits = self._bits.setdefault(epoch, bytearray())
        if len(bits) <= seq >> 3:
            bits.extend(bytes((seq >> 3) + 1 - len(bits) + PAGE))
        bits[seq >> 3] |= 1 << (seq & 7)

    def has(self, place: tuple[int, int]) -> bool:
        """Whether `place` has one."""
        epoch, seq = place
        bits = self._bits.get(epoch, b"")
        return seq >> 3 < len(bits) and bool(bits[seq >> 3] >> (seq & 7) & 1)


def reconcile(feeder: Feeder, workspace: UUID, *, repair: bool, progress: Progress) -> Report:
    """Compare every document with its entry; `repair`: make the engine say what the log says.

    Raises `NothingFed`, `SearchUnavailable`, `ForeignIndex` (only to repair).
    """
    with feeder.begin(workspace) as work:
        feed = feeds.live(work=work)
        refused = feeds.refusals(feed, work=work) if feed is not None else []
    if feed is None:
        raise NothingFed
    log, seen = feeder.log(workspace), _Seen()
    feeder.engine.refresh(feed.indices(log))
    found: list[Difference] = []
    documents = 0
    for page in feeder.engine.scan(feed.indices(log)):
        documents += len(page)
        found += _compare(feeder, workspace, feed, page, seen)
        progress(len(page))
    for epoch, seq, _ in refused:
        seen.add((epoch, seq))
    entries, lacking = _lacking(feeder, workspace, feed, seen, progress)
    found += lacking
    repaired = _repair(feeder, workspace, feed, found) if repair else 0
    return Report(
        entries=entries, documents=documents, refused=len(refused), differences=found, repaired=repaired
    )


def _compare(
    feeder: Feeder, workspace: UUID, feed: Feed, page: Sequence[Stored], seen: _Seen
) -> Iterator[Difference]:
    """What is wrong with the documents of `page`; the right ones are noted in `seen`."""
    log = feeder.log(workspace)
    places = {stored.id: parse_id(log, stored.id) for stored in page}
    with feeder.begin(workspace) as work:
        rows = feeds.named([place for place in places.values() if place is not None], work=work)
    expected = {(kept.epoch, kept.seq): made for kept, _ in rows if (made := readable(log, kept)) is not None}
    for stored in page:
        place = places[stored.id]
        right = expected.get(place) if place is not None else None
        if place is None or right is None or stored.index != feed.index(log, right.month):
            kind = "added"
        else:
            seen.add(place)
            if _digest(stored) == right.digest:
                continue
            kind = "edited"
        yield Difference(kind=kind, place=place, index=stored.index, id=stored.id, version=stored.version)


def _digest(stored: Stored) -> bytes:
    return sha256(canonical(stored.source)).digest() if isinstance(stored.source, dict) else b""


def _lacking(
    feeder: Feeder, workspace: UUID, feed: Feed, seen: _Seen, progress: Progress
) -> tuple[int, list[Difference]]:
    """How many entries there should be documents of, and those that have none."""
    log = feeder.log(workspace)
    count, after = 0, (-1, -1)
    found: list[Difference] = []
    while True:
        with feeder.begin(workspace) as work:
            rows = _page(after, feed, work)
        if not rows:
            return count, found
        after = (rows[-1][0], rows[-1][1])
        for epoch, seq, at in rows:
            indexed = at is not None and (feed.since is None or at >= feed.since)
            count += indexed
            if indexed and not seen.has((epoch, seq)):
                index = feed.index(log, f"{at:%Y-%m}")
                found.append(
                    Difference(kind="missing", place=(epoch, seq), index=index, id=f"{log}:{epoch}:{seq}")
                )
        progress(len(rows))


def _page(after: tuple[int, int], feed: Feed, work: Work) -> list[tuple[int, int, datetime | None]]:
    """The next entries below the position: their places and times."""
    row, entry = tables.searchable.c, tables.entries.c
    rows = work.session.execute(
        select(entry.epoch, entry.seq, row.at)
        .join(tables.searchable, (entry.epoch == row.epoch) & (entry.seq == row.seq), isouter=True)
        .where(
            tuple_(entry.epoch, entry.seq) > after, tuple_(entry.epoch, entry.seq) < (feed.epoch, feed.seq)
        )
        .order_by(entry.epoch, entry.seq)
        .limit(PAGE)
    )
    return [(one.epoch, one.seq, one.at) for one in rows]


def beside(begin: Begin, workspace: UUID, *, opener: Opener, progress: Progress) -> list[Difference]:
    """What stands beside the leaves in PostgreSQL and is not what they say; no engine is needed."""
    with begin(workspace) as work:
        sizes, epoch = {}, storage.epoch_after(-1, session=work.session)
        while epoch is not None:
            sizes[epoch] = storage.size(epoch, session=work.session)
            epoch = storage.epoch_after(epoch, session=work.session)
        found = list(attached.strays(sizes, session=work.session))
    for epoch, size in sizes.items():
        for start in range(0, size, PAGE):
            with begin(workspace) as work:
                page = attached.attached(
                    epoch, start=start, stop=min(start + PAGE, size), session=work.session
                )
                for one in page:
                    found += attached.check(one, workspace=workspace, now=work.now, opener=opener)
            progress(min(PAGE, size - start))
    return [
        Difference(
            kind=one.kind,
            place=(one.epoch, one.index) if one.epoch is not None and one.index is not None else None,
            index="",
            id="",
        )
        for one in found
    ]


def watch(feeder: Feeder, workspace: UUID, place: tuple[int, int]) -> tuple[tuple[int, int], int]:
    """Compare the next documents from `place` on with the log, and mend them: where to go on, how many.

    The keeper does this all the time. It finds what was edited or deleted; what was added shows nowhere,
    and `reconcile` finds it. Raises `SearchUnavailable`, `ForeignIndex`.
    """
    with feeder.begin(workspace) as work:
        feed = feeds.live(work=work)
        if feed is None or place >= (feed.epoch, feed.seq):
            return (0, 0), 0
        taken = feeds.take(replace(feed, epoch=place[0], seq=place[1]), WATCHED, work=work)
        refused = {(epoch, seq) for epoch, seq, _ in feeds.refusals(feed, work=work)}
    log = feeder.log(workspace)
    made = {
        (feed.index(log, one.month), one.id): (kept, one)
        for kept, at in taken.rows
        if (kept.epoch, kept.seq) < (feed.epoch, feed.seq)
        and (kept.epoch, kept.seq) not in refused
        and (feed.since is None or at >= feed.since)
        and (one := readable(log, kept)) is not None
    }
    stored = {(one.index, one.id): one for one in feeder.engine.get(list(made))}
    wrong = []
    for where, (kept, right) in made.items():
        there = stored.get(where)
        if there is None or _digest(there) != right.digest:
            kind, version = ("missing", 0) if there is None else ("edited", there.version)
            place_ = (kept.epoch, kept.seq)
            wrong.append(Difference(kind=kind, place=place_, index=where[0], id=where[1], version=version))
    return (taken.epoch, taken.seq), _repair(feeder, workspace, feed, wrong) if wrong else 0


def _repair(feeder: Feeder, workspace: UUID, feed: Feed, found: Sequence[Difference]) -> int:
    """Feed what is edited or missing, delete what was added; how many documents are right now."""
    log, repaired = feeder.log(workspace), 0
    for start in range(0, len(found), BATCH):
        part = found[start : start + BATCH]
        wanted = [one.place for one in part if one.kind != "added" and one.place is not None]
        with feeder.begin(workspace) as work:
            rows = feeds.named(wanted, work=work)
            # A deletion is remembered for a while, and with it a version that a lower one cannot pass.
            version = int(work.now.timestamp() * 1000)
        made: dict[tuple[int, int], Document] = {
            (kept.epoch, kept.seq): one for kept, _ in rows if (one := readable(log, kept)) is not None
        }
        actions = [
            Action(
                index=one.index,
                id=one.id,
                version=max(version, one.version + 1),
                source=made[one.place].source if one.kind != "added" and one.place else None,
            )
            for one in part
            if one.kind == "added" or one.place in made
        ]
        repaired += sum(sent.settled for sent in feeder.deliver(actions))
    feeder.engine.refresh(feed.indices(log))
    return repaired


def rebuild(feeder: Feeder, workspace: UUID, *, cluster: str, progress: Progress) -> Feed:
    """Feed everything into new indices, then let those answer; the ones before answer meanwhile.

    Raises `Overtaken`, `SearchUnavailable`, `ForeignIndex`; then the generation before still answers.
    """
    with feeder.begin(workspace) as work:
        feed = feeds.begin(feeds.BUILDING, cluster, horizon(work.now, feeder.months), work=work)
    while True:
        with feeder.begin(workspace) as work:
            taken = feeds.take(feed, BATCH, work=work)
        if not taken.rows:
            break
        moved = feeder.feed(workspace, feed, taken)
        if moved is None:
            raise feeds.Overtaken
        feed = moved
        progress(len(taken.rows))
    feeder.engine.refresh(feed.indices(feeder.log(workspace)))
    with feeder.begin(workspace) as work:
        feeds.switch(feed, work=work)
    drop_unknown(feeder, workspace)
    return feed


def retry(feeder: Feeder, workspace: UUID) -> tuple[int, list[tuple[int, int, str]]]:
    """Send again what the engine refused for its shape: how many it has now, and what it still refuses.

    Raises `NothingFed`, `SearchUnavailable`, `ForeignIndex`.
    """
    with feeder.begin(workspace) as work:
        feed = feeds.live(work=work)
        refused = feeds.refusals(feed, work=work) if feed is not None else []
        rows = feeds.named([(epoch, seq) for epoch, seq, _ in refused], work=work)
    if feed is None:
        raise NothingFed
    log = feeder.log(workspace)
    made: list[tuple[Kept, Document]] = [
        (kept, one) for kept, _ in rows if (one := readable(log, kept)) is not None
    ]
    answers = feeder.deliver([feeder.action(log, feed, one, version=VERSION) for _, one in made])
    done = [(kept.epoch, kept.seq) for (kept, _), sent in zip(made, answers, strict=True) if sent.settled]
    if done:
        with feeder.begin(workspace) as work:
            feeds.accepted(feed, done, work=work)
    return len(done), [one for one in refused if (one[0], one[1]) not in set(done)]


def tidy(feeder: Feeder, workspace: UUID) -> int:
    """Delete indices past their months, and those of generations that are gone; how many months went."""
    with feeder.begin(workspace) as work:
        feed = feeds.live(work=work)
        since = horizon(work.now, feeder.months)
    if feed is None:
        return 0
    drop_unknown(feeder, workspace)
    if feed.since is not None and feed.since >= since:
        return 0
    log, documents, gone = feeder.log(workspace), 0, []
    first = feed.index(log, f"{since:%Y-%m}")
    for index, count in feeder.engine.count(feed.indices(log)).items():
        # Names of one generation differ in the month alone, which sorts as text.
        if index < first:
            gone.append(index)
            documents += count
    # Noted first: a search must know that these months are only in PostgreSQL before they are gone.
    with feeder.begin(workspace) as work:
        feeds.retire(feed, since, documents, work=work)
    for index in gone:
        feeder.engine.drop(index)
    return len(gone)


def drop_unknown(feeder: Feeder, workspace: UUID) -> None:
    """Delete indices of this log that belong to no generation in use."""
    with feeder.begin(workspace) as work:
        kept = tuple(feeds.generations(feeder.log(workspace), one) for one in feeds.known(work=work))
    for index in feeder.engine.count(f"{feeds.every(feeder.log(workspace))}*"):
        if not index.startswith(kept):
            feeder.engine.drop(index)
