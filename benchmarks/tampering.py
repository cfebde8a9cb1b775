"""`python -m benchmarks tampering`: whoever owns the database, or the search engine, against the log.

A log that was restored once. Thousands of times somebody changes something of it at random, as the
owner of the database, in a transaction that is rolled back; or a document of the search engine, which
is mended again. Each time the log is verified against a saved checkpoint, and searched.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from api import wiring
from api.processes import keeper
from audit.answers.proved_search import Search
from audit.answers.vouching import LogContradicted, Vouching
from audit.audit_trail import Trail
from audit.log import inspection, storage
from audit.log.attached import Opener
from audit.log.checkpoint import key_of
from audit.log.inspection import Means
from audit.log.sequencer import Memory, Signed
from audit.log.verifier import FAILED, OK
from audit.search import reconciling
from audit.search.engine import Engine as SearchEngine
from audit.search.feeding import Feeder
from benchmarks import owning, search, spoiling
from benchmarks.owning import Targets
from benchmarks.place import DATABASE, Place, opened
from benchmarks.results import Bar, Tell
from cdp.kernel import logs
from cdp.kernel.clock import now
from cdp.kernel.database import OWNER, make_engine
from cdp.ports import AuditEntry, TrailQuery
from cdp.vocabulary import Actor
from cdp.work import Work, open_work

SEED = 20261129
ROWS, DOCUMENTS = 9_500, 500  # tamperings with the database, and with documents
BEFORE, HELD, AFTER = (150, 60, 70), 262, (20, 25)  # entries by checkpoint; what the restore had left
UNSAVED_EVERY = 5  # of so many tamperings one is also verified without a saved checkpoint
PEOPLE = [bytes([number]) * 32 for number in range(1, 7)]
RECIPIENTS = [UUID(int=number) for number in range(1, 4)]
WORDS = (
    ("client:profile:read", "ok", "email_marketing"),
    ("client:profile:read", "refused", "profiling"),
    ("client:release:send", "sent", "email_marketing"),
    ("worker:inbox:ingest", "ok", "ingest"),
)
FACETS = ("actor", "action", "purpose", "outcome", "recipient")
OWNER_ACTOR = Actor(ref="benchmark", roles=frozenset({"service"}), kind="system")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """A log, its owner, and what the owner does not have: a saved checkpoint, the signer's memory, keys."""

    owner: Engine
    workspace: UUID
    instance: UUID
    key: str
    saved: str
    memory: Memory = field(repr=False)
    opener: Opener = field(repr=False)

    @contextmanager
    def undone(self) -> Iterator[Work]:
        """A transaction of the owner's of which nothing stays."""
        with self.begin() as work:
            try:
                yield work
            finally:
                work.session.rollback()

    def begin(self) -> AbstractContextManager[Work]:
        """A transaction of the owner's."""
        return open_work(self.owner, workspace=self.workspace, actor=OWNER_ACTOR, purpose="benchmark")

    def verdict(self, work: Work, *, saved: bool = True) -> str:
        """What verification says."""
        means = Means(
            key=self.key,
            saved=[self.saved] if saved else [],
            remembered=Signed.remembered(self.memory, self.workspace),
            opener=self.opener,
        )
        connection = work.session.connection()
        return inspection.verdict(
            inspection.inspect(connection, workspace=self.workspace, means=means, now=now())
        )


Question = Callable[[Arena, Vouching, SearchEngine | None, Work], Any]


def _search(query: TrailQuery) -> Question:
    def ask(arena: Arena, vouching: Vouching, engine: SearchEngine | None, work: Work) -> Any:
        page = Search(arena.instance, lambda: engine, vouching).find(query, work=work)
        return [one.id for one in page.entries], page.entries, page.total, page.facets, page.proved_from

    return ask


def _who_looked(person: bytes) -> Question:
    def ask(_: Arena, vouching: Vouching, __: SearchEngine | None, work: Work) -> Any:
        return Trail(lambda *_: b"", vouching).about([person], work=work)

    return ask


def questions(since: Any) -> list[Question]:
    """What is asked after each tampering, some of it: `since` is a time in the midst of the log."""
    asked = [
        TrailQuery(limit=200, facets=FACETS),
        TrailQuery(action="client:profile:read", outcome="refused", facets=FACETS),
        TrailQuery(recipient=RECIPIENTS[0], limit=200),
        TrailQuery(actor="system:benchmark", since=since, limit=200),
        TrailQuery(purpose="email_marketing", until=since, facets=("action",)),
        *(TrailQuery(references=[person], limit=200) for person in PEOPLE),
    ]
    return [*map(_search, asked), *map(_who_looked, PEOPLE)]


@dataclass(slots=True)
class Outcome:
    """What became of the tamperings."""

    found: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    true: int = 0
    refused: int = 0
    lies: list[str] = field(default_factory=list)
    unsaved: int = 0
    unsaved_ok: int = 0
    ways: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True, kw_only=True)
class Attack:
    """Tampering after tampering against one arena."""

    arena: Arena
    rng: random.Random
    outcome: Outcome = field(default_factory=Outcome)
    asked: list[Question] = field(default_factory=list)
    truth: list[Any] = field(default_factory=list)
    warm: Vouching = field(init=False)
    targets: Targets = field(init=False)

    def __post_init__(self) -> None:
        """What is true is asked before anything was touched."""
        arena = self.arena
        self.warm = Vouching(arena.memory, arena.opener)
        with arena.begin() as work:
            self.targets = Targets.of(work.session, arena.workspace)
            middle = Search(arena.instance, lambda: None, self.warm).find(TrailQuery(limit=100), work=work)
            self.asked = questions(middle.entries[-1].at)
            self.truth = [ask(arena, self.warm, None, work) for ask in self.asked]
            assert arena.verdict(work) == OK, "an untouched log is whole"
        assert all(self.truth), "each question has an answer"

    def rows(self, count: int, tell: Tell) -> None:
        """As the owner of the database, each kind in turn."""
        kinds = sorted(owning.KINDS)
        for number in range(count):
            kind = kinds[number % len(kinds)]
            with self.arena.undone() as work:
                way = owning.tamper(work.session, kind, self.rng, self.targets)
                said = f"{kind}: {way} (number {number})"
                self.outcome.ways[way] += 1
                if self.arena.verdict(work) == FAILED:
                    self.outcome.found[kind] += 1
                else:
                    self.outcome.missed.append(said)
                if number % UNSAVED_EVERY == 0:
                    self.outcome.unsaved += 1
                    self.outcome.unsaved_ok += self.arena.verdict(work, saved=False) == OK
                self.ask(said, None, work)
            if (number + 1) % 1000 == 0:
                missed, lies = len(self.outcome.missed), len(self.outcome.lies)
                tell(f"tampering: {number + 1:,} of {count:,}, {missed} not found, {lies} answers false")

    def documents(self, count: int, feeder: Feeder, tell: Tell) -> None:
        """As whoever has the search engine's password; found by comparing, which mends it."""
        for number in range(count):
            way = spoiling.spoil(feeder, self.arena.workspace, self.rng)
            said = f"documents: {way} (number {number})"
            self.outcome.ways[way] += 1
            with self.arena.begin() as work:
                self.ask(said, feeder.engine, work)
            report = reconciling.reconcile(feeder, self.arena.workspace, repair=True, progress=lambda _: None)
            if report.differences and report.repaired == len(report.differences):
                self.outcome.found["documents"] += 1
            else:
                self.outcome.missed.append(said)
        tell(f"tampering: {count:,} documents, {len(self.outcome.missed)} not found in all")

    def ask(self, said: str, engine: SearchEngine | None, work: Work) -> None:
        """Two questions, by a process that knows nothing yet and by one that has seen the log before."""
        arena = self.arena
        for vouching in (Vouching(arena.memory, arena.opener), self.warm):
            number = self.rng.randrange(len(self.asked))
            try:
                answer = self.asked[number](arena, vouching, engine, work)
            except LogContradicted:
                self.outcome.refused += 1
                continue
            if answer == self.truth[number]:
                self.outcome.true += 1
            else:
                self.outcome.lies.append(f"{said}, question {number}")


def measure(*, quick: bool, tell: Tell) -> list[Bar]:
    """The bars, on a platform and a node of their own."""
    rows, documents = (280, 20) if quick else (ROWS, DOCUMENTS)
    with opened() as place, search.bench(place, tell) as bench:
        # Each spoiled document is warned of, which is measured here and not news.
        logs.configure("error")
        owner = make_engine(place.server.url(OWNER, DATABASE), pool_size=1)
        begun = perf_counter()
        attack = Attack(arena=_arena(place, bench, owner), rng=random.Random(SEED))
        feeder = bench.feeder()
        while feeder.round(place.workspace, cluster=bench.engine.cluster()):
            pass
        attack.rows(rows, tell)
        attack.documents(documents, feeder, tell)
        seconds = perf_counter() - begun
        owner.dispose()
    return _bars(attack.outcome, rows + documents, seconds)


def _bars(outcome: Outcome, count: int, seconds: float) -> list[Bar]:
    answers = outcome.true + outcome.refused + len(outcome.lies)
    shares: dict[str, tuple[float, dict[str, Any]]] = {
        "tamperings_found": (
            outcome.found.total() / count,
            {
                "tamperings": count,
                "seed": SEED,
                "found": dict(outcome.found),
                "missed": outcome.missed[:20],
                "ways": dict(outcome.ways),
                "seconds": round(seconds),
            },
        ),
        "answers_true_or_refused": (
            1 - len(outcome.lies) / answers,
            {
                "true": outcome.true,
                "refused": outcome.refused,
                "false": outcome.lies[:20],
            },
        ),
        "never_ok_without_a_checkpoint": (
            1 - outcome.unsaved_ok / outcome.unsaved,
            {
                "verified": outcome.unsaved,
            },
        ),
    }
    return [
        Bar(
            bar=name,
            value=share,
            unit="share",
            reference="all of them",
            reference_value=1.0,
            goal=1.0,
            op=">=",
            notes=notes,
        )
        for name, (share, notes) in shares.items()
    ]


def _arena(place: Place, bench: search.Bench, owner: Engine) -> Arena:
    system = place.system
    sequencer = wiring.sequencer(system.state, system.keys)
    rng = random.Random(SEED)
    write_log(
        BEFORE,
        begin=place.begin(),
        record=system.ports.audit.record,
        keep=lambda: keeper.keep(sequencer, bench.database, place.workspace),
        rng=rng,
    )
    arena = Arena(
        owner=owner,
        workspace=place.workspace,
        instance=system.state.instance,
        key=key_of(wiring.checkpoint_signer(system.keys)).encode(),
        saved="",
        memory=wiring.log_memory(system.state.path),
        opener=system.vault.open_detail,
    )
    with arena.begin() as work:
        owning.restore(work.session, HELD)
    write_log(
        AFTER,
        begin=place.begin(),
        record=system.ports.audit.record,
        keep=lambda: keeper.keep(sequencer, bench.database, place.workspace),
        rng=rng,
    )
    with arena.begin() as work:
        head = storage.head(storage.newest_epoch(session=work.session), session=work.session)
    assert head is not None, "it was signed just now"
    return replace(arena, saved=head.note)


def write_log(
    batches: Sequence[int],
    *,
    begin: Callable[[], AbstractContextManager[Work]],
    record: Callable[..., Any],
    keep: Callable[[], int],
    rng: random.Random,
) -> None:
    """Entries of several words, people and recipients, a checkpoint behind each batch."""
    for count in batches:
        with begin() as work:
            for number in range(count):
                action, outcome, purpose = rng.choice(WORDS)
                release = action == "client:release:send"
                said = AuditEntry(
                    action=action,
                    outcome=outcome,
                    purpose=purpose,
                    references=rng.sample(PEOPLE, rng.randrange(4)),
                    recipient=rng.choice(RECIPIENTS) if release else None,
                    policy_version="6b3ce8d44d6ba2b1771686613bb018c9",
                    detail={"number": number},
                )
                record(said, work=work)
        while keep():
            pass
