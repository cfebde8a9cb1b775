"""Finding entries: OpenSearch says where they are, the log says what they are and that they are all.

The engine gives places and counts, and the answer is held against the leaves that were signed: what was
edited, deleted or added is not believed. Where the engine is stopped, behind or wrong, the log answers.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, exists, func, select, tuple_

from audit import tables
from audit.answers import page_ends
from audit.answers.answering import FIRST, Answer, Asking
from audit.answers.told_entries import tell
from audit.answers.vouching import LogContradicted, Parts, Tree, Vouching
from audit.log.entry import is_word
from audit.log.sequencer import log_id
from audit.log.tiles import WIDTH
from audit.search import documents, feeds
from audit.search.documents import FIELDS
from audit.search.engine import Engine, Found, SearchUnavailable
from audit.search.feeds import Feed
from cdp.kernel.errors import BadInput
from cdp.kernel.json_values import JsonObject
from cdp.kernel.logs import log
from cdp.ports import TrailEntry, TrailPage, TrailQuery
from cdp.work import Work

PATIENCE = 2.0  # seconds that one search spends on proving more of a log than this process knows yet
MOST = 200  # entries of a page
MOST_REFERENCES = 2000
BINS = 50  # values that a field is counted by; the rarest are left out
OPENSEARCH, POSTGRESQL = "opensearch", "postgresql"

# Why PostgreSQL answered, in words for programs.
NOT_SET, STOPPED, BEHIND, INCOMPLETE, TOO_OLD, DIFFERS = (
    "no_engine",
    "stopped",
    "behind",
    "documents_refused",
    "months_retired",
    "index_differs",
)


class UnfitSearch(BadInput):
    """Nothing in the log can have this value: actors, actions, purposes and outcomes have a fixed form."""


class UnknownFacet(BadInput):
    """Entries can be counted by actor, action, purpose, outcome and recipient only."""


class BadTimeRange(BadInput):
    """The time range is empty: `since` must be before `until`, and both need a time zone."""


class BadLimit(BadInput):
    """A page has 1 to 200 entries."""


class TooManyReferences(BadInput):
    """The person consists of more parts than one search can name."""


@dataclass(frozen=True, slots=True)
class Search:
    """`ports.AuditSearch` over both."""

    instance: UUID
    engine: Callable[[], Engine | None] = field(repr=False)
    vouching: Vouching = field(repr=False)
    lag: timedelta = timedelta(seconds=10)
    patience: float = PATIENCE

    def find(self, query: TrailQuery, *, work: Work) -> TrailPage:
        """A page of entries, found by OpenSearch where it can be trusted with this question.

        Raises `UnfitSearch`, `UnknownFacet`, `BadTimeRange`, `UnknownCursor`, `BadLimit`, and
        `LogContradicted` where the database itself is not what was signed.
        """
        check(query)
        after = page_ends.place(query, work=work)
        with _said_aloud(work):
            feed = feeds.live(work=work)
            # The signer remembers before the database has it, so what it remembers is behind no position.
            trees, all_of_them = self.vouching.ends(work=work)
            asking = _Vouched(self, query, after, trees, all_of_them, work)
            behind, waiting = _behind(asking, feed)
            found = self._indexed(query, after, feed, waiting, work)
            said: _Told | str = DIFFERS
            if isinstance(found, str):
                said = found
            elif feed is not None:
                said = asking.indexed(found, feed)
            because = said if isinstance(said, str) else None
            told = asking.by_database() if isinstance(said, str) else said
        more = len(told.entries) > query.limit
        shown = told.entries[: query.limit]
        last = (shown[-1].epoch, shown[-1].index) if more else None
        return TrailPage(
            entries=shown,
            total=told.total,
            facets=told.facets,
            cursor=page_ends.leading_on(query, last, work=work) if last else None,
            engine=POSTGRESQL if because else OPENSEARCH,
            because=because,
            indexed_to=(feed.epoch, feed.seq) if feed else None,
            behind=behind,
            proved_from=told.proved_from,
        )

    def _indexed(
        self,
        query: TrailQuery,
        after: tuple[int, int] | None,
        feed: Feed | None,
        waiting: timedelta | None,
        work: Work,
    ) -> "Found | str":
        """What the engine finds; or why it cannot be asked."""
        try:
            engine = self.engine()
            if engine is None:
                return NOT_SET
            if feed is None or (waiting is not None and waiting > self.lag):
                return BEHIND
            if feeds.refusals(feed, work=work):
                return INCOMPLETE
            if _reaches_behind(query, feed, work):
                return TOO_OLD
            pattern = feed.indices(log_id(self.instance, work.workspace))
            # Counting refreshes: what the position says is found from here on.
            if engine.cluster() != feed.cluster or sum(engine.count(pattern).values()) < feed.documents:
                return distrusted()
            return engine.find(
                pattern,
                filters=[*_filters(query), _fed(feed)],
                after=after,
                size=query.limit + 1,
                facets={name: FIELDS[name] for name in query.facets},
                bins=BINS,
            )
        except SearchUnavailable:
            return STOPPED


@contextmanager
def _said_aloud(work: Work) -> Iterator[None]:
    """A database that is not what was signed is an operator's affair, whoever has met it."""
    try:
        yield
    except LogContradicted as error:
        log().error("log_contradicted", workspace=str(work.workspace), exc_info=error)
        raise


def distrusted() -> str:
    """Say that the engine differs from the log; the keeper compares and mends."""
    log().warning("search_index_distrusted", reason=DIFFERS)
    return DIFFERS


@dataclass(slots=True, kw_only=True)
class _Told:
    """Entries newest first, one more than the page if there are more, with counts of all."""

    entries: list[TrailEntry]
    total: int
    facets: dict[str, dict[str, int]]
    proved_from: tuple[int, int] | None


@dataclass(slots=True)
class _Vouched:
    """A question with what vouches for its answer."""

    search: Search
    query: TrailQuery
    after: tuple[int, int] | None
    trees: Sequence[Tree]
    all_of_them: bool
    work: Work

    def indexed(self, found: Found, feed: Feed) -> "_Told | str":
        """What the engine found, told by the log; or that it differs from it."""
        proof = self._proof(below=(feed.epoch, feed.seq))
        if proof.whole:
            facets = {name: _most(counts) for name, counts in proof.facets.items()}
            same = all(found.facets.get(name, counts) == counts for name, counts in facets.items())
            if (proof.places, proof.total) != (list(found.places), found.total) or not same:
                return distrusted()
            return _Told(
                entries=self._tell(proof.places), total=proof.total, facets=facets, proved_from=FIRST
            )
        # Too long to be proved at once: each entry is looked up in the tree, and what is proved must agree.
        newest = [one for one in found.places if proof.proved_from is not None and one >= proof.proved_from]
        try:
            entries = self._tell(found.places)
        except LogContradicted:
            return distrusted()
        if newest != proof.places or found.total < proof.total or not all(map(self._fits, entries)):
            return distrusted()
        facets = {
            name: dict(found.facets[name])
            if name in found.facets
            else _counted(name, _conditions(self.query), self.work)
            for name in self.query.facets
        }
        return _Told(entries=entries, total=found.total, facets=facets, proved_from=_proved_from(proof))

    def by_database(self) -> _Told:
        """The answer from the log itself; of what is too long to be proved at once, by the rows beside it."""
        proof = self._proof(below=None)
        places, total, facets = list(proof.places), proof.total, proof.facets
        if not proof.whole:
            asked = _conditions(self.query)
            if proof.unknown or proof.proved_from is None:
                places, total, facets = [], 0, {name: Counter() for name in self.query.facets}
            else:
                asked.append(tuple_(tables.searchable.c.epoch, tables.searchable.c.seq) < proof.proved_from)
            older, more = _by_rows(asked, self.after, self.query.limit + 1 - len(places), self.work)
            places, total = places + older, total + more
            for name, counts in facets.items():
                counts.update(_counted(name, asked, self.work))
        entries = self._tell(places)
        if not all(map(self._fits, entries)):
            raise LogContradicted
        return _Told(
            entries=entries,
            total=total,
            facets={name: _most(counts) for name, counts in facets.items()},
            proved_from=_proved_from(proof),
        )

    def _proof(self, *, below: tuple[int, int] | None) -> Answer:
        return Asking(
            vouching=self.search.vouching,
            query=self.query,
            size=self.query.limit + 1,
            after=self.after,
            below=below,
            patience=self.search.patience,
            work=self.work,
        ).run(self.trees, all_of_them=self.all_of_them)

    def _tell(self, places: Sequence[tuple[int, int]]) -> list[TrailEntry]:
        return tell(places, self.trees, vouching=self.search.vouching, work=self.work)

    def _fits(self, entry: TrailEntry) -> bool:
        """Whether an entry that nobody has proved to fit does: in its words, its time and who received."""
        query = self.query
        words = ("actor", "action", "purpose", "outcome", "recipient")
        return (
            all(getattr(query, name) in (None, getattr(entry, name)) for name in words)
            and (query.since is None or entry.at >= query.since)
            and (query.until is None or entry.at < query.until)
        )


def _proved_from(proof: Answer) -> tuple[int, int] | None:
    return None if proof.unknown else proof.proved_from


def _most(counts: Mapping[str, int]) -> dict[str, int]:
    """The most frequent values, as the engine counts them."""
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:BINS])


def check(query: TrailQuery) -> None:
    """Raise `BadInput`, naming the field, for what no entry can have."""
    for name in ("actor", "action", "purpose", "outcome"):
        value = getattr(query, name)
        if value is not None and not is_word(name, value):
            raise UnfitSearch(field=name)
    for name in query.facets:
        if name not in FIELDS:
            raise UnknownFacet(field="facet")
    for name in ("since", "until"):
        at = getattr(query, name)
        if at is not None and at.utcoffset() is None:
            raise BadTimeRange(field=name)
    if query.since is not None and query.until is not None and query.since >= query.until:
        raise BadTimeRange(field="since")
    if not 1 <= query.limit <= MOST:
        raise BadLimit(field="limit")
    if query.references is not None and len(query.references) > MOST_REFERENCES:
        raise TooManyReferences(field="subject")


# --- PostgreSQL ------------------------------------------------------------------------------------


def _conditions(query: TrailQuery) -> list[ColumnElement[bool]]:
    """The question, as conditions on `audit.searchable`."""
    row, named = tables.searchable.c, tables.subjects.c
    asked = [
        row[name] == value
        for name in ("actor", "action", "purpose", "outcome", "recipient")
        if (value := getattr(query, name)) is not None
    ]
    if query.since is not None:
        asked.append(row.at >= query.since)
    if query.until is not None:
        asked.append(row.at < query.until)
    if query.references is not None:
        refs = func.any(bindparam("refs", list(query.references), unique=True))
        places = select(named.epoch, named.seq).where(named.ref == refs)
        asked.append(tuple_(row.epoch, row.seq).in_(places))
    return asked


def _by_rows(
    asked: Sequence[ColumnElement[bool]], after: tuple[int, int] | None, limit: int, work: Work
) -> tuple[list[tuple[int, int]], int]:
    """Places that fit by the rows beside the log, newest first, and how many there are in all."""
    row = tables.searchable.c
    place = tuple_(row.epoch, row.seq)
    below = [place < after] if after is not None else []
    found = work.session.execute(
        select(row.epoch, row.seq)
        .where(*asked, *below)
        .order_by(row.epoch.desc(), row.seq.desc())
        .limit(max(0, limit))
    )
    total = work.session.scalar(select(func.count()).select_from(tables.searchable).where(*asked))
    return [(one.epoch, one.seq) for one in found], total or 0


def _counted(name: str, asked: Sequence[ColumnElement[bool]], work: Work) -> dict[str, int]:
    column = tables.searchable.c[name]
    number = func.count()
    rows = work.session.execute(
        select(column, number)
        .where(*asked, column.is_not(None))
        .group_by(column)
        .order_by(number.desc(), column)
        .limit(BINS)
    )
    return {str(value): count for value, count in rows}


# --- OpenSearch ------------------------------------------------------------------------------------


def _filters(query: TrailQuery) -> list[JsonObject]:
    """The question, as exact terms: nothing in a value is ever read as a query."""
    asked: list[JsonObject] = [
        {"term": {path: {"value": str(value)}}}
        for name, path in FIELDS.items()
        if (value := getattr(query, name)) is not None
    ]
    times = {
        bound: documents.micros(at)
        for bound, at in (("gte", query.since), ("lt", query.until))
        if at is not None
    }
    if times:
        asked.append({"range": {documents.TIME: times}})
    if query.references is not None:
        asked.append({"terms": {documents.SUBJECT: [ref.hex() for ref in query.references]}})
    return asked


def _fed(feed: Feed) -> JsonObject:
    """What lies before the position: behind it documents may come and go while somebody searches."""
    before = {"range": {documents.EPOCH: {"lt": feed.epoch}}}
    within = [
        {"term": {documents.EPOCH: {"value": feed.epoch}}},
        {"range": {documents.SEQUENCE: {"lt": feed.seq}}},
    ]
    return {"bool": {"should": [before, {"bool": {"filter": within}}], "minimum_should_match": 1}}


def _behind(asking: "_Vouched", feed: Feed | None) -> tuple[int, timedelta | None]:
    """How many signed entries are not indexed yet, and for how long the oldest of them has waited."""
    epoch, seq = (feed.epoch, feed.seq) if feed else FIRST
    count, oldest = 0, None
    for tree in asking.trees:
        start = seq if tree.end.epoch == epoch else 0
        if tree.end.epoch >= epoch and tree.end.size > start:
            count, oldest = count + tree.end.size - start, (tree, start)
    if oldest is None:
        return 0, None
    number, place = divmod(oldest[1], WIDTH)
    (block,) = asking.search.vouching.blocks(oldest[0], [number], Parts(), work=asking.work)
    return count, timedelta(microseconds=documents.micros(asking.work.now) - block.at[place])


def _reaches_behind(query: TrailQuery, feed: Feed, work: Work) -> bool:
    """Whether the question asks for months that are not indexed any more, and the log has such."""
    if feed.since is None or (query.since is not None and query.since >= feed.since):
        return False
    older = select(exists().where(tables.searchable.c.at < feed.since))
    return bool(work.session.scalar(older))
