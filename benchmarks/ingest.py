"""`python -m benchmarks ingest`: collection and the pipeline, in speed and in memory."""

from benchmarks import pipeline
from benchmarks.place import opened
from benchmarks.results import Bar, Tell
from benchmarks.traffic import Traffic

_PIPELINE = {
    False: pipeline.Sizes(people=20_000, events=20_000, rounds=5),
    True: pipeline.Sizes(people=500, events=1_000, rounds=2),
}


def measure(*, quick: bool, tell: Tell) -> list[Bar]:
    """The bars of ingest, on a platform of their own."""
    with opened() as place:
        return [pipeline.measure(place, Traffic(), _PIPELINE[quick], tell).bar()]
