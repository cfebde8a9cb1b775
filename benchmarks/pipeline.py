"""The full pipeline on one worker, in all its lanes, against one bare COPY of the rows that it stored.

Round by round the same events take both ways: the worker opens, parses, classifies, seals,
resolves, records and derives them; then their rows, as they came to lie in `cdp.events`, are
copied into a table that has the same columns, the same two indexes and the same past, but no
row-level security and nothing else to do: a row an event. What `rows.py` copies, every row
that those events left in any table, is the other reading, and stands in the notes.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import monotonic, perf_counter

from benchmarks.children import Child, child
from benchmarks.place import Place
from benchmarks.results import Bar, Tell, median
from benchmarks.rows import Copied, copy_all, mark
from benchmarks.traffic import EVENTS, Traffic, accepted
from benchmarks.working import WORKSPACE
from cdp.intake import inbox
from cdp.kernel.errors import Refused

GOAL = 0.05
COMMIT_ROWS = 500

_TABLE = """
CREATE SCHEMA IF NOT EXISTS benchmark;
CREATE TABLE benchmark.events (LIKE cdp.events);
ALTER TABLE benchmark.events ADD PRIMARY KEY (workspace_id, received_at, id);
CREATE INDEX ON benchmark.events (workspace_id, fragment_id, received_at);
"""
_ROWS = "COPY (SELECT * FROM cdp.events WHERE accept_seq > {after}) TO STDOUT"


class NotProcessed(Refused):
    """The worker did not accept every event; speed without work is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    people: int  # known before
    events: int  # in a round
    rounds: int


@dataclass(slots=True)
class Figures:
    """What the rounds came to, per second; seconds by stage, and CPU, over all rounds and lanes."""

    lanes: int
    pipeline: list[float] = field(default_factory=list)
    copies: list[float] = field(default_factory=list)
    stages: Counter[str] = field(default_factory=Counter)
    events: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    whole: Copied | None = None  # every row that the last round left, copied bare

    def bar(self) -> Bar:
        """The bar, on the medians of the rounds."""
        return Bar(
            bar="full_pipeline",
            value=median(self.pipeline),
            unit="events/s",
            reference=f"bare COPY of the event rows that it stored, {COMMIT_ROWS} a commit",
            reference_value=median(self.copies),
            goal=GOAL,
            op=">=",
            notes={
                "rounds": [round(one) for one in self.pipeline],
                "reference_rounds": [round(one) for one in self.copies],
                "worker_cpu_share": round(self.cpu / self.seconds, 2),
                **self._other_reading(),
                "lanes": self.lanes,
                "python": sys.version,
                "stages_us_per_event": {
                    name: round(seconds / self.events * 1e6, 1) for name, seconds in self._stages().items()
                },
            },
        )

    def _stages(self) -> dict[str, float]:
        """The stages of all lanes, and what lies between: above all the commit's wait for the disk."""
        # Lanes work at the same time, so as many seconds pass in each.
        between = self.lanes * self.seconds - sum(self.stages.values())
        return {**self.stages, "begin and commit": between}

    def _other_reading(self) -> dict[str, float]:
        if self.whole is None:
            return {}
        events = self.events / len(self.pipeline)
        speed = events / self.whole.seconds
        return {
            "rows_of_all_tables_per_event": round(self.whole.rows / events, 1),
            "copy_of_those_events_per_second": round(speed),
            "ratio_to_that": round(self.pipeline[-1] / speed, 3),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """What all lanes did in a round."""

    events: int
    seconds: float
    cpu: float
    stages: Counter[str]


def measure(place: Place, traffic: Traffic, sizes: Sizes, tell: Tell) -> Figures:
    """Make a population, then measure round by round. The database is warm, and analysed once."""
    figures = Figures(lanes=place.system.settings.worker_lanes)
    environment = place.environment | {WORKSPACE: str(place.workspace)}
    with ExitStack() as stack:
        lanes = [stack.enter_context(child("working", environment)) for _ in range(figures.lanes)]
        tell(f"pipeline: {sizes.people:,} people arrive first")
        _round(place, lanes, traffic.arrivals(sizes.people), sizes.people)
        with place.admin() as admin:
            admin.execute(_TABLE)
            # As autovacuum would in a minute.
            admin.execute("VACUUM ANALYZE")
        after = _copy(place, 0)[1]
        warming = sizes.events // 2 // EVENTS * EVENTS
        _round(place, lanes, traffic.bodies(warming), warming)
        after = _copy(place, after)[1]
        since = 0
        for number in range(sizes.rounds):
            since = mark(place)
            worked = _round(place, lanes, traffic.bodies(sizes.events), sizes.events)
            speed, after = _copy(place, after)
            figures.pipeline.append(worked.events / worked.seconds)
            figures.copies.append(speed)
            figures.events += worked.events
            figures.seconds += worked.seconds
            figures.cpu += worked.cpu
            figures.stages += worked.stages
            tell(
                f"pipeline, round {number + 1}: {figures.pipeline[-1]:,.0f} events/s;"
                f" COPY {speed:,.0f} rows/s; ratio {figures.pipeline[-1] / speed:.3f}"
            )
        figures.whole = copy_all(place, since, commit_rows=COMMIT_ROWS)
    return figures


def _fill(place: Place, bodies: Iterator[bytes]) -> None:
    """Put requests into the inbox as collection does; not measured here."""
    begin = place.begin()
    for body in bodies:
        with begin() as work:
            inbox.accept([accepted(body, place.source)], vault=place.system.ports.vault, work=work)


def _round(place: Place, lanes: Sequence[Child], bodies: Iterator[bytes], events: int) -> Worked:
    """Let the lanes process what is in `bodies`. Raises `NotProcessed` unless they took every event."""
    _fill(place, bodies)
    begun = monotonic()
    for one in lanes:
        one.send()
    answers = [one.answer() for one in lanes]
    verdicts, stages = Counter[str](), Counter[str]()
    for answer in answers:
        verdicts.update(answer["verdicts"])
        stages.update(answer["stages"])
    if verdicts != {"accepted": events}:
        raise NotProcessed(events=events, accepted=verdicts["accepted"])
    return Worked(
        events=events,
        seconds=max(answer["ended"] for answer in answers) - begun,
        cpu=sum(answer["cpu"] for answer in answers),
        stages=stages,
    )


def _copy(place: Place, after: int) -> tuple[float, int]:
    """Copy the event rows accepted after number `after`: rows per second, and the last number."""
    with place.admin() as admin:
        with admin.cursor().copy(_ROWS.format(after=after)) as stored:
            rows = [bytes(row) for row in stored]
        commits = [b"".join(rows[start : start + COMMIT_ROWS]) for start in range(0, len(rows), COMMIT_ROWS)]
        started = perf_counter()
        for lines in commits:
            with admin.cursor().copy("COPY benchmark.events FROM STDIN") as copy:
                copy.write(lines)
        seconds = perf_counter() - started
        last = admin.execute("SELECT max(accept_seq) FROM cdp.events").fetchone()
    return len(rows) / seconds, last[0] if last else 0
