"""Durable acceptance over HTTP, against the same server that stores the same bodies bare.

Rounds of the two alternate, and each begins with empty tables; the order changes with every
round, so that neither always comes first.
"""

from dataclasses import dataclass, field

from benchmarks.children import Child, child
from benchmarks.place import Place
from benchmarks.results import Bar, Tell, median
from benchmarks.serving import BARE, TABLE
from benchmarks.traffic import EVENTS
from cdp.kernel.errors import Refused

GOAL = 0.8
PLATFORM = "/v1/batch"
_HELD = {
    PLATFORM: "SELECT count(*), sum(items) FROM cdp.inbox",
    BARE: "SELECT count(*) FROM benchmark.bodies",
}
_EMPTY = "TRUNCATE cdp.inbox, benchmark.bodies"


class NotStored(Refused):
    """Fewer requests were stored than were answered by 200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    requests: int  # in a round
    rounds: int
    connections: int


@dataclass(slots=True)
class Figures:
    """What the rounds came to: events/s, and the 99th percentile of waiting in seconds, by path."""

    speeds: dict[str, list[float]] = field(default_factory=lambda: {PLATFORM: [], BARE: []})
    slowest: dict[str, list[float]] = field(default_factory=lambda: {PLATFORM: [], BARE: []})
    seconds: float = 0.0
    load_cpu: float = 0.0
    server_cpu: dict[str, float] = field(default_factory=lambda: {PLATFORM: 0.0, BARE: 0.0})

    def bar(self, sizes: Sizes) -> Bar:
        """The bar, on the medians of the rounds."""
        events = sizes.requests * sizes.rounds * EVENTS
        return Bar(
            bar="durable_accept",
            value=median(self.speeds[PLATFORM]),
            unit="events/s",
            reference="the same server inserting the same body durably, unparsed and unsealed",
            reference_value=median(self.speeds[BARE]),
            goal=GOAL,
            op=">=",
            notes={
                "events_a_request": EVENTS,
                "connections": sizes.connections,
                "rounds": [round(one) for one in self.speeds[PLATFORM]],
                "reference_rounds": [round(one) for one in self.speeds[BARE]],
                "p99_ms": round(median(self.slowest[PLATFORM]) * 1e3, 1),
                "reference_p99_ms": round(median(self.slowest[BARE]) * 1e3, 1),
                "server_cpu_us_per_event": round(self.server_cpu[PLATFORM] / events * 1e6, 2),
                "reference_server_cpu_us_per_event": round(self.server_cpu[BARE] / events * 1e6, 2),
                "load_generator_cpu_share": round(self.load_cpu / self.seconds, 2),
            },
        )


def measure(place: Place, sizes: Sizes, tell: Tell) -> Figures:
    """One unmeasured round of each to warm up, then rounds in turn. Raises `NotStored`."""
    with place.admin() as admin:
        admin.execute(TABLE)
    figures = Figures()
    with child("serving", place.environment) as api, child("generating", place.environment) as load:
        port = api.answer()["port"]
        for path in (PLATFORM, BARE):
            _round(place, api, load, port, path, sizes, Figures())
        for number in range(sizes.rounds):
            for path in (PLATFORM, BARE) if number % 2 else (BARE, PLATFORM):
                _round(place, api, load, port, path, sizes, figures)
            ours, bare = figures.speeds[PLATFORM][-1], figures.speeds[BARE][-1]
            tell(
                f"accept, round {number + 1}: {ours:,.0f} events/s; bare {bare:,.0f}; ratio {ours / bare:.2f}"
            )
    return figures


def _round(
    place: Place, api: Child, load: Child, port: int, path: str, sizes: Sizes, figures: Figures
) -> None:
    with place.admin() as admin:
        admin.execute(_EMPTY)
        used = api.cpu
        answer = load.ask(
            port=port,
            path=path,
            key=place.write_key,
            connections=sizes.connections,
            requests=sizes.requests,
            fresh=False,
        )
        stored = admin.execute(_HELD[path]).fetchone()
        if answer["answered"] != sizes.requests or stored is None or stored[0] != sizes.requests:
            raise NotStored(requests=sizes.requests, answered=answer["answered"])
        figures.server_cpu[path] += api.cpu - used
        figures.speeds[path].append(sizes.requests * EVENTS / answer["seconds"])
        figures.slowest[path].append(answer["waited"][int(len(answer["waited"]) * 0.99)])
        figures.seconds += answer["seconds"]
        figures.load_cpu += answer["cpu"]
        admin.execute(_EMPTY)
