"""`python -m benchmarks search`: the log fed to a real node, stopped, repeated and compared.

One node and one database on this machine, the feeder as the keeper runs it. What is measured ends
when every entry can be found, not when the last was sent.
"""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic, perf_counter
from typing import Any
from uuid import UUID

import psutil
from sqlalchemy import Engine

from api import wiring
from api.processes import feeding_loop, keeper
from audit.answers.proved_search import Search
from audit.search import feeds, node, reconciling
from audit.search.documents import canonical, document
from audit.search.engine import Engine as SearchEngine
from audit.search.engine import connect
from audit.search.feeding import Feeder
from benchmarks.place import DATABASE, Place, opened
from benchmarks.results import Bar, Tell, median
from cdp.kernel.database import KEEPER, make_engine
from cdp.kernel.errors import Refused
from cdp.ports import AuditEntry, TrailPage, TrailQuery

RATE = 5_000  # entries a second
DRAIN = 60.0  # seconds
STOPPED = 50_000  # entries written while the engine is stopped
DELIVERIES = 3
WRITTEN_AT_ONCE = 1_000
ASKED = 9  # times each question is asked

# What a day's trail looks like: mostly reads of one person, some releases of two hundred.
_WORDS = (
    ("client:profile:read", "ok", "email_marketing", 2),
    ("client:profile:read", "refused", "profiling", 1),
    ("worker:inbox:ingest", "ok", "ingest", 0),
    ("subject:consent:withdrawn", "ok", "email_marketing", 1),
    ("client:release:intend", "ok", "email_marketing", 0),
)
_RELEASE = ("client:release:send", "sent", "email_marketing", 200)
_RELEASE_EVERY = 100


class NotFed(Refused):
    """The search engine does not hold every entry; a rate at which some are lost is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    fed: int
    stopped: int
    repeated: int
    planted: int  # of each kind


_SIZES = {
    False: Sizes(fed=50_000, stopped=STOPPED, repeated=20_000, planted=200),
    True: Sizes(fed=2_000, stopped=2_000, repeated=500, planted=10),
}


@dataclass(slots=True)
class Bench:
    """The place, its keeper's connections and its node."""

    place: Place
    database: Engine
    running: node.Node
    started: float  # seconds that the node took

    @property
    def engine(self) -> SearchEngine:
        """A client of the node."""
        return connect(self.running.url)

    def feeder(self) -> Feeder:
        """As the keeper makes it."""
        system = self.place.system
        made = wiring.feeder(
            self.engine,
            system.settings,
            state=system.state,
            engine=self.database,
            wait=threading.Event().wait,
        )
        made.engine.prepare()
        return made

    def write(self, count: int, tell: Tell) -> None:
        """Entries, as the business writes them, and the keeper's places for them."""
        ports, rng = self.place.system.ports, random.Random(count)
        begin = self.place.begin()
        for start in range(0, count, WRITTEN_AT_ONCE):
            with begin() as work:
                for number in range(start, min(start + WRITTEN_AT_ONCE, count)):
                    ports.audit.record(_entry(number, rng), work=work)
        sequencer = wiring.sequencer(self.place.system.state, self.place.system.keys)
        while keeper.keep(sequencer, self.database, self.place.workspace):
            pass
        tell(f"search: {count:,} entries written and signed")

    def live(self) -> feeds.Feed:
        """The generation that answers. Raises `NotFed`."""
        with self.place.begin()() as work:
            found = feeds.live(work=work)
        if found is None:
            raise NotFed
        return found

    def held(self) -> int:
        """How many documents can be found."""
        indices = self.live().indices(self.feeder().log(self.place.workspace))
        return sum(self.engine.count(indices).values())


def _entry(number: int, rng: random.Random) -> AuditEntry:
    release = number % _RELEASE_EVERY == 0
    action, outcome, purpose, people = _RELEASE if release else rng.choice(_WORDS)
    return AuditEntry(
        action=action,
        outcome=outcome,
        purpose=purpose,
        references=[rng.randbytes(32) for _ in range(people)],
        recipient=UUID(int=rng.randrange(1, 20)) if release else None,
        policy_version="6b3ce8d44d6ba2b1771686613bb018c9",
        detail={"number": number},
    )


def measure(*, quick: bool, tell: Tell) -> list[Bar]:
    """The bars of search, on a platform and a node of their own."""
    sizes = _SIZES[quick]
    with opened() as place, bench(place, tell) as made:
        bars = [_feeding(made, sizes, tell)]
        bars.append(_draining(made, sizes, tell))
        bars.append(_repeating(made, sizes, tell))
        bars.append(_reconciling(made, sizes, tell))
    return bars


@contextmanager
def bench(place: Place, tell: Tell) -> Iterator[Bench]:
    """A node of its own beside a place, stopped when the block is left."""
    database = make_engine(place.server.url(KEEPER, DATABASE), pool_size=4)
    begun = perf_counter()
    running = node.start(place.system.settings.data_dir / "search", tell=tell)
    made = Bench(place, database, running, perf_counter() - begun)
    try:
        yield made
    finally:
        made.running.stop()
        database.dispose()


def _feeding(bench: Bench, sizes: Sizes, tell: Tell) -> Bar:
    """Entries a second, from the database until they can be found."""
    bench.write(sizes.fed, tell)
    feeder, workspace = bench.feeder(), bench.place.workspace
    cluster = bench.engine.cluster()
    used = psutil.Process().cpu_times()
    begun = perf_counter()
    fed = 0
    while moved := feeder.round(workspace, cluster=cluster):
        fed += moved
    # The set-up wrote a few entries too.
    if bench.held() != fed or fed < sizes.fed:
        raise NotFed(entries=fed)
    seconds = perf_counter() - begun
    spent = psutil.Process().cpu_times()
    memory = psutil.Process(bench.running.pid).memory_info().rss
    tell(f"search: {fed / seconds:,.0f} entries/s fed")
    return Bar(
        bar="feeding",
        value=fed / seconds,
        unit="entries/s",
        reference="the rate that the issue demands",
        reference_value=RATE,
        goal=1.0,
        op=">=",
        notes={
            "entries": fed,
            "feeder_cpu_share": round((spent.user + spent.system - used.user - used.system) / seconds, 2),
            "node_starts_s": round(bench.started, 1),
            "node_resident_mib": memory >> 20,
            "searches_ms": _searches(bench),
        },
    )


def _searches(bench: Bench) -> dict[str, float]:
    """What a search takes by either engine, the first page of each question; medians."""
    questions = {
        "everything": TrailQuery(),
        "by action and outcome": TrailQuery(action="client:profile:read", outcome="refused"),
        "by recipient": TrailQuery(recipient=UUID(int=7)),
        "with all counts": TrailQuery(facets=("actor", "action", "purpose", "outcome", "recipient")),
    }
    found = {}
    for engine in (bench.engine, None):
        for name, query in questions.items():
            page, seconds = _asked(bench, engine, query)
            found[f"{name}, {page.engine}"] = round(seconds * 1000, 1)
    return found


def _asked(bench: Bench, engine: SearchEngine | None, query: TrailQuery) -> tuple[TrailPage, float]:
    searcher = bench.place.system.ports.search
    assert isinstance(searcher, Search), "wired so"
    search = replace(searcher, engine=lambda: engine)
    taken = []
    for _ in range(ASKED):
        with bench.place.begin()() as work:
            begun = perf_counter()
            page = search.find(query, work=work)
            taken.append(perf_counter() - begun)
    return page, median(taken)


def _draining(bench: Bench, sizes: Sizes, tell: Tell) -> Bar:
    """The engine is stopped, the log goes on; seconds from its first answer until nothing is behind."""
    system = bench.place.system
    folder = bench.running.folder
    before = bench.held()
    bench.running.stop()
    ending = threading.Event()
    arguments = {"engine": bench.database, "state": system.state, "stop": ending}
    thread = threading.Thread(target=feeding_loop.run, args=(system.settings,), kwargs=arguments)
    thread.start()
    try:
        bench.write(sizes.stopped, tell)
        bench.running = node.start(folder, tell=tell)
        begun = perf_counter()
        drained = _until(lambda: bench.held() == before + sizes.stopped, seconds=10 * DRAIN)
        seconds = perf_counter() - begun
    finally:
        ending.set()
        thread.join()
    if not drained:
        raise NotFed(entries=before + sizes.stopped)
    tell(f"search: a backlog of {sizes.stopped:,} drained in {seconds:.1f} s")
    return Bar(
        bar="backlog_drained",
        value=seconds,
        unit="s",
        reference="the seconds that the issue allows",
        reference_value=DRAIN,
        goal=1.0,
        op="<=",
        notes={"entries": sizes.stopped, "includes": "the feeder's pause until it looks again"},
    )


def _until(condition: Callable[[], bool], *, seconds: float) -> bool:
    end = monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if monotonic() > end:
            return False
        pause.wait(0.2)
    return True


def _repeating(bench: Bench, sizes: Sizes, tell: Tell) -> Bar:
    """Every document three times, shuffled: the share of documents that stay as they were."""
    feeder = bench.feeder()
    log, feed = feeder.log(bench.place.workspace), bench.live()
    before = _state(bench, feeder, feed)
    with feeder.begin(bench.place.workspace) as work:
        rows = feeds.named([(0, seq) for seq in range(sizes.repeated)], work=work)
    actions = [feeder.action(log, feed, document(log, kept)) for kept, _ in rows] * DELIVERIES
    random.Random(3).shuffle(actions)
    feeder.deliver(actions)
    after = _state(bench, feeder, feed)
    same = sum(after.get(key) == value for key, value in before.items())
    share = same / max(len(before), len(after))
    tell(f"search: {len(actions):,} deliveries again, {share:.0%} of {len(before):,} documents unchanged")
    return Bar(
        bar="redelivery_same_state",
        value=share,
        unit="share",
        reference="every document, content and version",
        reference_value=1.0,
        goal=1.0,
        op=">=",
        notes={"deliveries": len(actions), "documents": len(before)},
    )


def _state(bench: Bench, feeder: Feeder, feed: feeds.Feed) -> dict[tuple[str, str], tuple[int, bytes]]:
    indices = feed.indices(feeder.log(bench.place.workspace))
    bench.engine.refresh(indices)
    return {
        (one.index, one.id): (one.version, canonical(one.source))
        for page in bench.engine.scan(indices)
        for one in page
    }


def _reconciling(bench: Bench, sizes: Sizes, tell: Tell) -> Bar:
    """The share of planted edits that a comparison finds; what it finds beside them counts against it."""
    feeder = bench.feeder()
    planted = _plant(bench, feeder, sizes.planted)
    begun = perf_counter()
    report = reconciling.reconcile(feeder, bench.place.workspace, repair=False, progress=lambda _: None)
    seconds = perf_counter() - begun
    found = {(one.kind, one.id) for one in report.differences}
    share = len(found & planted) / max(len(planted), len(found))
    tell(f"search: {len(found & planted)} of {len(planted)} edits found in {seconds:.1f} s")
    again = perf_counter()
    repaired = reconciling.reconcile(feeder, bench.place.workspace, repair=True, progress=lambda _: None)
    return Bar(
        bar="planted_edits_found",
        value=share,
        unit="share",
        reference="every planted edit, and nothing else",
        reference_value=1.0,
        goal=1.0,
        op=">=",
        notes={
            "planted": len(planted),
            "documents": report.documents,
            "entries": report.entries,
            "seconds": round(seconds, 1),
            "repaired": repaired.repaired,
            "seconds_with_repair": round(perf_counter() - again, 1),
        },
    )


def _plant(bench: Bench, feeder: Feeder, count: int) -> set[tuple[str, str]]:
    """Edit, delete and add `count` documents each, at random places; (kind, id) of each."""
    log, rng = feeder.log(bench.place.workspace), random.Random(11)
    feed, client = bench.live(), bench.engine.client
    chosen = rng.sample(range(feed.documents), 2 * count)
    with feeder.begin(bench.place.workspace) as work:
        rows = feeds.named([(0, seq) for seq in chosen], work=work)
    made = [document(log, kept) for kept, _ in rows]
    edits: Sequence[dict[str, Any]] = (
        {"unmapped": {"action": "client:profile:write"}},
        {"unmapped": {"outcome": "nothing"}},
        {"unmapped": {"actor": "system:nobody"}},
        {"unmapped": {"leaf": "0" * 64}},
        {"time": 0},
    )
    planted = set()
    for number, one in enumerate(made):
        index = feed.index(log, one.month)
        if number < count:
            client.update(index=index, id=one.id, body={"doc": edits[number % len(edits)]})
            planted.add(("edited", one.id))
        else:
            client.delete(index=index, id=one.id)
            planted.add(("missing", one.id))
    for number in range(count):
        added = replace(made[0], id=f"{log}:0:{10_000_000 + number}")
        client.index(index=feed.index(log, added.month), id=added.id, body=added.source)
        planted.add(("added", added.id))
    return planted
