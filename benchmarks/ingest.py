"""`python -m benchmarks ingest`: collection and the pipeline, in speed and in memory.

Each measurement has a platform of its own, so none is faster or slower for what another left.
"""

from dataclasses import dataclass

from benchmarks import accept, memory, pipeline
from benchmarks.place import opened
from benchmarks.results import Bar, Tell
from benchmarks.traffic import Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much each measurement takes on."""

    accept: accept.Sizes
    pipeline: pipeline.Sizes
    memory: int  # events


FULL = Sizes(
    accept=accept.Sizes(requests=1_500, rounds=9, connections=32),
    pipeline=pipeline.Sizes(people=20_000, events=20_000, rounds=7),
    memory=500_000,
)
QUICK = Sizes(
    accept=accept.Sizes(requests=64, rounds=2, connections=8),
    pipeline=pipeline.Sizes(people=200, events=500, rounds=2),
    memory=2_000,
)


def measure(*, quick: bool, tell: Tell) -> list[Bar]:
    """The bars of ingest."""
    sizes = QUICK if quick else FULL
    with opened() as place:
        bars = [accept.measure(place, sizes.accept, tell).bar(sizes.accept)]
    with opened() as place:
        bars.append(pipeline.measure(place, Traffic(), sizes.pipeline, tell).bar())
    with opened() as place:
        return bars + memory.measure(place, sizes.memory, tell).bars()
