"""Memory over many events: `cdp api` and `cdp worker` as an operator starts them, at the same time.

Events go in over HTTP as fast as the worker takes them off: never more wait than `BACKLOG`, so
that both work all the time. How much is resident, a worker's lanes with it, is noted against the
number of events processed; the first fifth is the warming up, a line through the rest is the growth.
"""

import socket
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from statistics import linear_regression
from typing import Any

from benchmarks.children import Child, Program, child, program
from benchmarks.place import Place
from benchmarks.results import Bar, Tell
from benchmarks.traffic import EVENTS
from cdp.intake import inbox
from cdp.kernel.errors import Refused, Unavailable

LIMIT = 400.0  # MB, each part
GROWTH = 1.05  # from the end of warming up to the end
WARMING = 0.2  # of the events
BACKLOG = 10_000  # events that may wait
CONNECTIONS = 8
ASKED = 50  # requests at once
PATIENCE = 60.0  # seconds until the API must listen
PARTS = ("api", "worker")
# A language model of any make maps compiled parts of one of these.
MODELS = frozenset(
    {"spacy", "thinc", "blis", "torch", "onnxruntime", "transformers", "tokenizers", "llama_cpp"}
)


class NotListening(Unavailable):
    """The API does not listen; its words stand above."""


class NotAllAccepted(Refused):
    """Not every event that was sent was processed and accepted; what was measured is not the work."""


class LanguageModelLoaded(Refused):
    """The API process has loaded a language model; detection belongs to the worker."""


@dataclass(slots=True)
class Figures:
    """Samples: events processed, and the MB resident of each part; then the peaks, and what it took."""

    events: list[int] = field(default_factory=list)
    resident: dict[str, list[float]] = field(default_factory=lambda: {part: [] for part in PARTS})
    peak: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    load_cpu: float = 0.0

    def bars(self) -> list[Bar]:
        """Two bars a part: the most that was resident, and its growth once it was warm."""
        return [bar for part in PARTS for bar in (self._peak(part), self._growth(part))]

    def _peak(self, part: str) -> Bar:
        rate = round(self.events[-1] / self.seconds)
        notes: dict[str, Any] = {
            "events": self.events[-1],
            "seconds": round(self.seconds),
            "events_per_second": rate,
        }
        if part == "api":
            notes["load_generator_cpu_share"] = round(self.load_cpu / self.seconds, 2)
        return Bar(
            bar=f"memory_{part}",
            value=self.peak[part],
            unit="MB",
            reference="the limit; the value is the most that was ever resident",
            reference_value=LIMIT,
            goal=1.0,
            op="<=",
            notes=notes,
        )

    def _growth(self, part: str) -> Bar:
        warm = self.events[-1] * WARMING
        points = [
            (events, resident)
            for events, resident in zip(self.events, self.resident[part], strict=True)
            if events >= warm
        ]
        slope, start = linear_regression(*zip(*points, strict=True))
        return Bar(
            bar=f"memory_growth_{part}",
            value=start + slope * self.events[-1],
            unit="MB",
            reference=f"after {WARMING:.0%} of the events; both on the line of best fit through the rest",
            reference_value=start + slope * warm,
            goal=GROWTH,
            op="<=",
            notes={"mb_per_100000_events": round(slope * 100_000, 3), "samples": len(points)},
        )


def measure(place: Place, events: int, tell: Tell) -> Figures:
    """Send `events` and wait until all are processed. Raises `NotAllAccepted`, `LanguageModelLoaded`."""
    figures = Figures()
    port = _free_port()
    environment = place.environment | {"CDP_PORT": str(port)}
    folder = place.system.settings.data_dir
    with (
        program("api", environment, folder) as api,
        program("worker", environment, folder) as worker,
        child("generating", place.environment) as load,
    ):
        _listening(port, api)
        parts = {"api": api, "worker": worker}
        begun = time.perf_counter()
        _send(place, parts, load, port, events, figures, tell)
        figures.seconds = time.perf_counter() - begun
        figures.peak = {name: part.peak for name, part in parts.items()}
        refuse_models(api.has_loaded(MODELS))
    _check(place, events)
    return figures


def refuse_models(found: Collection[str]) -> None:
    """Raise `LanguageModelLoaded` if there is any."""
    if found:
        raise LanguageModelLoaded(packages=", ".join(sorted(found)))


def _send(
    place: Place,
    parts: dict[str, Program],
    load: Child,
    port: int,
    events: int,
    figures: Figures,
    tell: Tell,
) -> None:
    sent, told = 0, 0
    begin = place.begin()
    while True:
        with begin() as work:
            waiting = inbox.waiting(work=work)
        figures.events.append(sent - waiting)
        for name, part in parts.items():
            figures.resident[name].append(part.resident)
        if sent - waiting >= told + events // 10:
            told = sent - waiting
            now = ", ".join(f"{name} {figures.resident[name][-1]:.0f} MB" for name in parts)
            tell(f"memory: {told:,} of {events:,} events; {now}")
        if sent < events and waiting < BACKLOG:
            requests = min(ASKED, (events - sent) // EVENTS)
            answer = load.ask(
                port=port,
                path="/v1/batch",
                key=place.write_key,
                connections=CONNECTIONS,
                requests=requests,
                fresh=True,
            )
            figures.load_cpu += answer["cpu"]
            sent += answer["answered"] * EVENTS
        elif sent >= events and not waiting:
            return
        else:
            time.sleep(0.1)


def _check(place: Place, events: int) -> None:
    with place.admin() as admin:
        row = admin.execute(
            "SELECT coalesce(sum(n) FILTER (WHERE verdict = 'accepted'), 0) FROM cdp.verdict_counts"
        ).fetchone()
    accepted = int(row[0]) if row else 0
    if accepted != events:
        raise NotAllAccepted(events=events, accepted=accepted)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listening(port: int, api: Program) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and api.resident:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise NotListening
