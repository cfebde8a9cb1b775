"""Finding entries: OpenSearch says where they are, PostgreSQL says what they are.

The engine gives places in the log and counts; the entries themselves are read from the database, so
an edited document can show no word that the log lacks, and nobody sees another workspace's. It can
hide an entry from a search, until `cdp audit reconcile` finds it. Wherever the engine is stopped,
behind, incomplete or contradicts the log, PostgreSQL finds entries itself, and the answer says so.
Pages are cut by place, newest first, so that new entries move none.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, FromClause, bindparam, exists, func, select, tuple_

from audit import documents, feeds, storage, tables
from audit.documents import FIELDS
from audit.engine import Engine, SearchUnavailable
from audit.entry import is_word
from audit.feeds import Feed
from audit.sequencer import log_id
from cdp.kernel.errors import BadInput
from cdp.kernel.logs import log
from cdp.ports import TrailEntry, TrailPage, TrailQuery
from cdp.work import Work

MOST = 200  # entries of a page
MOST_REFERENCES = 2000
LONGEST_CURSOR = 200
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

_LEAF_WORDS = ("policy_version", "consent_version", "notice_version")


class UnfitSearch(BadInput):
    """Nothing in the log can have this value: actors, actions, purposes and outcomes have a fixed form."""


class UnknownFacet(BadInput):
    """Entries can be counted by actor, action, purpose, outcome and recipient only."""


class BadTimeRange(BadInput):
    """The time range is empty: `since` must be before `until`, and both need a time zone."""


class BadCursor(BadInput):
    """This cursor belongs to no such search; begin at the first page."""


class BadLimit(BadInput):
    """A page has 1 to 200 entries."""


class TooManyReferences(BadInput):
    """The person consists of more parts than one search can name."""


@dataclass(frozen=True, slots=True)
class Search:
    """`ports.AuditSearch` over both."""

    instance: UUID
    engine: Callable[[], Engine | None] = field(repr=False)
    lag: timedelta = timedelta(seconds=10)

    def find(self, query: TrailQuery, *, work: Work) -> TrailPage:
        """A page of entries, by OpenSearch where it can be trusted with this question.

        Raises `UnfitSearch`, `UnknownFacet`, `BadTimeRange`, `BadCursor`, `BadLimit`.
        """
        check(query)
        after = _opened(query, work.workspace)
        feed = feeds.live(work=work)
        behind, waiting = _behind(feed, work)
        found = self._indexed(query, after, feed, waiting, work)
        because = None
        if isinstance(found, str):
            because, found = found, _by_database(query, after, work)
        rows, total, facets = found
        more = len(rows) > query.limit
        shown = rows[: query.limit]
        last = (shown[-1].epoch, shown[-1].index) if more else None
        return TrailPage(
            entries=shown,
            total=total,
            facets=facets,
            cursor=_sealed(query, work.workspace, last) if last else None,
            engine=POSTGRESQL if because else OPENSEARCH,
            because=because,
            indexed_to=(feed.epoch, feed.seq) if feed else None,
            behind=behind,
        )

    def _indexed(
        self,
        query: TrailQuery,
        after: tuple[int, int] | None,
        feed: Feed | None,
        waiting: timedelta | None,
        work: Work,
    ) -> "_Answer | str":
        """What the engine finds, told by the database; or why it cannot be asked."""
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
                return self._warned(DIFFERS)
            found = engine.find(
                pattern,
                filters=_filters(query),
                after=after,
                size=query.limit + 1,
                facets={name: FIELDS[name] for name in query.facets},
                bins=BINS,
            )
        except SearchUnavailable:
            return STOPPED
        rows = _told(_conditions(query), found.places, work)
        if [(row.epoch, row.index) for row in rows] != list(found.places):
            return self._warned(DIFFERS)
        asked = _conditions(query)
        facets = {name: found.facets.get(name) or _counted(name, asked, work) for name in query.facets}
        return rows, found.total, facets

    @staticmethod
    def _warned(reason: str) -> str:
        log().warning("search_index_distrusted", reason=reason)
        return reason


_Answer = tuple[list[TrailEntry], int, Any]


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


def _by_database(query: TrailQuery, after: tuple[int, int] | None, work: Work) -> _Answer:
    asked = _conditions(query)
    row = tables.searchable.c
    below = [tuple_(row.epoch, row.seq) < after] if after is not None else []
    rows = _rows([*asked, *below], query.limit + 1, work)
    total = work.session.scalar(select(func.count()).select_from(tables.searchable).where(*asked)) or 0
    return rows, total, {name: _counted(name, asked, work) for name in query.facets}


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


def _rows(asked: Sequence[ColumnElement[bool]], limit: int, work: Work) -> list[TrailEntry]:
    row, entry = tables.searchable.c, tables.entries.c
    joined: FromClause = tables.searchable.join(
        tables.entries, (entry.epoch == row.epoch) & (entry.seq == row.seq)
    )
    found = work.session.execute(
        select(tables.searchable, entry.entry_id, entry.leaf)
        .select_from(joined)
        .where(*asked)
        .order_by(row.epoch.desc(), row.seq.desc())
        .limit(limit)
    )
    return [_entry(one) for one in found]


def _told(
    asked: Sequence[ColumnElement[bool]], places: Sequence[tuple[int, int]], work: Work
) -> list[TrailEntry]:
    """The entries at `places`, as far as the database too says that they are meant."""
    if not places:
        return []
    row = tables.searchable.c
    return _rows([*asked, tuple_(row.epoch, row.seq).in_(places)], len(places), work)


def _entry(row: Any) -> TrailEntry:
    leaf = msgspec.json.decode(row.leaf)
    return TrailEntry(
        id=row.entry_id,
        epoch=row.epoch,
        index=row.seq,
        at=row.at,
        actor=row.actor,
        action=row.action,
        purpose=row.purpose,
        outcome=row.outcome,
        recipient=row.recipient,
        subjects=leaf["subjects_count"],
        **{name: leaf[name] for name in _LEAF_WORDS},
    )


# --- OpenSearch ------------------------------------------------------------------------------------


def _filters(query: TrailQuery) -> list[dict[str, Any]]:
    """The question, as exact terms: nothing in a value is ever read as a query."""
    asked: list[dict[str, Any]] = [
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


def _behind(feed: Feed | None, work: Work) -> tuple[int, timedelta | None]:
    """How many entries are not indexed yet, and for how long the oldest of them has waited."""
    epoch, seq = (feed.epoch, feed.seq) if feed else (0, 0)
    newest = storage.newest_epoch(session=work.session)
    count = sum(storage.size(one, session=work.session) for one in range(epoch, newest + 1)) - seq
    if count <= 0:
        return 0, None
    row = tables.searchable.c
    oldest = work.session.scalar(
        select(row.at).where(tuple_(row.epoch, row.seq) >= (epoch, seq)).order_by(row.epoch, row.seq).limit(1)
    )
    return count, work.now - oldest if oldest is not None else None


def _reaches_behind(query: TrailQuery, feed: Feed, work: Work) -> bool:
    """Whether the question asks for months that are not indexed any more, and the log has such."""
    if feed.since is None or (query.since is not None and query.since >= feed.since):
        return False
    older = select(exists().where(tables.searchable.c.at < feed.since))
    return bool(work.session.scalar(older))


# --- cursors ---------------------------------------------------------------------------------------


def _sealed(query: TrailQuery, workspace: UUID, place: tuple[int, int]) -> str:
    """A cursor: the last place shown, bound to the question and the workspace."""
    said = json.dumps([_question(query, workspace), *place], separators=(",", ":"))
    return urlsafe_b64encode(said.encode()).decode().rstrip("=")


def _opened(query: TrailQuery, workspace: UUID) -> tuple[int, int] | None:
    """The place that the query's cursor names. Raises `BadCursor` for another question's, or none."""
    if query.cursor is None:
        return None
    if len(query.cursor) > LONGEST_CURSOR:
        raise BadCursor(field="cursor")
    try:
        text = query.cursor.encode("ascii")
        bound, epoch, seq = json.loads(urlsafe_b64decode(text + b"=" * (-len(text) % 4)))
    except (ValueError, TypeError):
        raise BadCursor(field="cursor") from None
    numbers = type(epoch) is int and type(seq) is int and 0 <= epoch < 2**31 and 0 <= seq < 2**63
    if bound != _question(query, workspace) or not numbers:
        raise BadCursor(field="cursor")
    return epoch, seq


def _question(query: TrailQuery, workspace: UUID) -> str:
    """What makes two searches the same, in a few letters."""
    references = sorted(ref.hex() for ref in query.references) if query.references is not None else None
    words = [query.actor, query.action, query.purpose, query.outcome, str(query.recipient or "")]
    times = [at.isoformat() if at else None for at in (query.since, query.until)]
    said = json.dumps([str(workspace), words, references, times])
    return sha256(said.encode()).hexdigest()[:24]
