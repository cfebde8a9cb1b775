"""A worker process that is asked for its inbox: `{"events": n}` → seconds, CPU, stages.

It is set up as `api.worker` is, works in the lanes that that works in, and stops at the count.
"""

import os
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Any
from uuid import UUID

from api import worker
from api.wiring import Opener, System
from benchmarks.children import serve
from benchmarks.place import joined
from cdp.ingest import Limits, Stages, Turns, work_off

WORKSPACE = "CDP_BENCHMARK_WORKSPACE"
PATIENCE = 30.0  # seconds without a batch, after which what is missing will not come


@dataclass(slots=True)
class Counted:
    """What all lanes did. Stages are counted lane by lane: they overlap."""

    stages: defaultdict[int, Stages] = field(default_factory=lambda: defaultdict(Stages))
    verdicts: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    last: float = field(default_factory=perf_counter)

    def seconds(self) -> dict[str, float]:
        """Seconds by stage, those of the lanes together."""
        total: Counter[str] = Counter()
        for stages in self.stages.values():
            total.update(stages.seconds)
        return dict(total)


def main() -> None:
    """Answer until the input ends."""
    system = joined()
    worker.settle_in()
    begin = system.opener(UUID(os.environ[WORKSPACE]), purpose="ingest")
    serve(lambda question: _work(question["events"], begin, system))


def _work(events: int, begin: Opener, system: System) -> dict[str, Any]:
    limits = Limits(messages=system.settings.ingest_batch)
    counted, stop = Counted(), threading.Event()
    started, cpu = perf_counter(), process_time()

    def once(turns: Turns) -> bool:
        with counted.lock:
            stages = counted.stages[threading.get_ident()]
        summary = work_off(begin, ports=system.ports, limits=limits, stages=stages, turns=turns)
        with counted.lock:
            counted.verdicts.update(summary.verdicts)
            if summary.rows:
                counted.last = perf_counter()
            if counted.verdicts.total() >= events or perf_counter() - counted.last > PATIENCE:
                stop.set()
        return summary.rows > 0

    worker.in_lanes(once, stop)
    return {
        "events": counted.verdicts.total(),
        "verdicts": dict(counted.verdicts),
        # To the end of the last batch: a lane that finds nothing looks again a little later.
        "seconds": counted.last - started,
        "cpu": process_time() - cpu,
        "lanes": worker.LANES,
        "stages": counted.seconds(),
    }


if __name__ == "__main__":
    main()
