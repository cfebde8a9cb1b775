"""The feeder: from the log's dense numbers to a search engine's monthly indices.

Reads what lies behind its position, sends it, looks at each item's answer, and only then moves the
position. No transaction is open while it sends, so a slow engine holds up nobody; whatever is sent
twice is the same document under the same id and version. An engine that is full gets less and
later, with jitter; a document that it refuses for its shape is put aside and named.
"""

import random
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from audit.log.sequencer import log_id
from audit.search import feeds
from audit.search.documents import Document, Kept, document
from audit.search.engine import Action, Engine, SearchBusy, SearchReadOnly, Sent
from audit.search.feeds import Feed, Taken
from cdp.kernel.logs import log
from cdp.work import Work

BATCH = 5000  # entries between two moves of the position
CHUNK, LEAST_CHUNK = 2000, 50  # documents of a bulk
WAYS = 2  # bulks at once: while the engine works on one, the next is made and sent
BYTES = 8 << 20  # of a bulk, however few documents that is
ATTEMPTS = 10  # at what a full engine does not take, before the round is given up
FIRST_WAIT, LONGEST_WAIT = 0.1, 10.0
VERSION = 1  # of every document: an entry never changes

UNREADABLE = "unreadable_leaf"
_WORD = re.compile(r"[a-z][a-z0-9_]{0,79}")

Begin = Callable[[UUID], AbstractContextManager[Work]]
Wait = Callable[[float], object]


@dataclass
class Pace:
    """How much is sent at once: half of it after a refusal, slowly more after a success."""

    wait: Wait
    chunk: int = CHUNK
    refused: int = 0  # times in a row

    def taken(self) -> None:
        """The engine took a bulk."""
        self.refused = 0
        self.chunk = min(CHUNK, self.chunk + self.chunk // 4)

    def hold(self) -> None:
        """The engine is full: send less, and wait. Raises `SearchBusy` after `ATTEMPTS`."""
        self.refused += 1
        self.chunk = max(LEAST_CHUNK, self.chunk // 2)
        if self.refused >= ATTEMPTS:
            self.refused = 0
            raise SearchBusy
        most = min(LONGEST_WAIT, FIRST_WAIT * 2**self.refused)
        # Whoever was refused at once would else come back at once.
        self.wait(most * (0.5 + random.random() / 2))  # noqa: S311 — nothing is guessed from it


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeder:
    """Feeds one engine from the logs of one instance."""

    engine: Engine
    instance: UUID
    begin: Begin = field(repr=False)  # a Work of the keeper's in a workspace
    pace: Pace
    months: int  # that an entry stays indexed
    _ensured: set[str] = field(default_factory=set, repr=False)

    def log(self, workspace: UUID) -> str:
        """The log's public id, by which its indices are called."""
        return log_id(self.instance, workspace)

    def round(self, workspace: UUID, *, cluster: str) -> int:
        """Feed one batch of the generation that answers; how many entries it was."""
        with self.begin(workspace) as work:
            feed = feeds.live(work=work)
            if feed is None or feed.cluster != cluster:
                # The engine is a new one: it has nothing of what the position says.
                feed = feeds.begin(feeds.LIVE, cluster, horizon(work.now, self.months), work=work)
                self._ensured.clear()
            taken = feeds.take(feed, BATCH, work=work)
        if not taken.rows:
            return 0
        return len(taken.rows) if self.feed(workspace, feed, taken) is not None else 0

    def feed(self, workspace: UUID, feed: Feed, taken: Taken) -> Feed | None:
        """Send `taken`, then move the position; None: somebody else moved it.

        Raises `SearchUnavailable` and `ForeignIndex`, with the position where it was.
        """
        log_name = self.log(workspace)
        since = feed.since
        refused: dict[int, str] = {}
        made: list[tuple[Document, int]] = []
        for kept, at in taken.rows:
            found = readable(log_name, kept) if since is None or at >= since else None
            if found is not None:
                made.append((found, kept.seq))
            elif since is None or at >= since:
                refused[kept.seq] = UNREADABLE
        answers = self.deliver([self.action(log_name, feed, one) for one, _ in made])
        for (_, seq), sent in zip(made, answers, strict=True):
            if not sent.settled:
                refused[seq] = reason(sent)
        if refused:
            log().error("documents_refused", workspace=str(workspace), count=len(refused))
        with self.begin(workspace) as work:
            documents = len(made) - sum(not one.settled for one in answers)
            return feeds.advance(feed, taken, documents=documents, refused=refused, work=work)

    @staticmethod
    def action(log_name: str, feed: Feed, one: Document, *, version: int = VERSION) -> Action:
        """What puts a document where it belongs."""
        return Action(index=feed.index(log_name, one.month), id=one.id, version=version, source=one.source)

    def deliver(self, actions: Sequence[Action]) -> list[Sent]:
        """Send until every document is taken or refused for its shape; what became of each.

        Raises `SearchUnavailable`, `SearchBusy` and `ForeignIndex`; then nothing is known of any.
        """
        answers: dict[int, Sent] = {}
        waiting = list(range(len(actions)))
        for index in sorted({action.index for action in actions}):
            self._ensure(index)
        with ThreadPoolExecutor(WAYS) as ways:
            while waiting:
                chunks = self._chunks(actions, waiting)
                sent = list(ways.map(lambda chunk: self._bulk(actions, chunk), chunks))
                done = [place for chunk in chunks for place in chunk]
                results = [one for answer in sent for one in answer]
                again = self._sort(actions, done, results, answers)
                waiting = again + waiting[len(done) :]
                if any(one.busy for one in results):
                    self.pace.hold()
                elif not again:
                    self.pace.taken()
        return [answers[place] for place in range(len(actions))]

    def _bulk(self, actions: Sequence[Action], chunk: Sequence[int]) -> list[Sent]:
        """Send one bulk; an engine that refuses it as a whole refuses each document of it."""
        try:
            return self.engine.bulk([actions[place] for place in chunk])
        except SearchBusy:
            return [Sent(status=429, reason="")] * len(chunk)

    def _chunks(self, actions: Sequence[Action], waiting: Sequence[int]) -> list[Sequence[int]]:
        """The next bulks to be sent side by side; one alone to an engine that was just full."""
        chunks: list[Sequence[int]] = []
        while waiting and len(chunks) < (1 if self.pace.refused else WAYS):
            chunks.append(self._chunk(actions, waiting))
            waiting = waiting[len(chunks[-1]) :]
        return chunks

    def _chunk(self, actions: Sequence[Action], waiting: Sequence[int]) -> Sequence[int]:
        size, count = 0, 0
        for place in waiting[: self.pace.chunk]:
            size += len(actions[place].source or b"")
            if count and size > BYTES:
                break
            count += 1
        return waiting[:count]

    def _sort(
        self, actions: Sequence[Action], chunk: Sequence[int], sent: Sequence[Sent], answers: dict[int, Sent]
    ) -> list[int]:
        """Write down what is settled; what is to be sent again.

        Raises `SearchReadOnly` for a refusal that is not the documents' fault: none is put aside then.
        """
        again: list[int] = []
        pairs = list(zip(chunk, sent, strict=True))
        for index in {actions[place].index for place, one in pairs if not (one.settled or one.busy)}:
            # A whole index of another shape is not its documents' fault: say so, and stop.
            self._ensured.discard(index)
            self._ensure(index)
        if not all(one.settled or one.busy or one.gone or one.unfit for one in sent):
            raise SearchReadOnly
        for place, one in pairs:
            if one.busy or (one.gone and place not in answers):
                again.append(place)
            if not one.busy:
                answers[place] = one
        return again

    def _ensure(self, index: str) -> None:
        if index not in self._ensured:
            self.engine.ensure(index)
            self._ensured.add(index)


def readable(log_name: str, kept: Kept) -> Document | None:
    """The document of an entry; None where somebody has altered the leaf beyond reading."""
    try:
        return document(log_name, kept)
    except (msgspec.MsgspecError, LookupError, ValueError, TypeError, AttributeError):
        return None


def reason(sent: Sent) -> str:
    """The engine's word for a refusal, if it is a word."""
    return sent.reason if _WORD.fullmatch(sent.reason) else f"status_{sent.status}"


def horizon(now: datetime, months: int) -> datetime:
    """The first instant that stays indexed: that of a month, `months` before the present one."""
    at = now.astimezone(UTC)
    count = at.year * 12 + at.month - 1 - months
    return datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC)
