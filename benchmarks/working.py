"""One lane of a worker, that is asked to help to empty the inbox → verdicts, CPU, stages, when it ended.

It is set up as `api.processes.lane` is and works as that does, until nothing waits; what another lane has
in hand waits still.
"""

import os
import threading
from collections import Counter
from time import monotonic, process_time
from typing import Any
from uuid import UUID

from api.processes import lane
from api.wiring import Opener, System
from benchmarks.children import serve
from benchmarks.place import joined
from cdp.intake import inbox
from cdp.intake.ingest import Limits, Stages, work_off

WORKSPACE = "CDP_BENCHMARK_WORKSPACE"
PATIENCE = 30.0  # seconds without a batch, after which what waits will not go


def main() -> None:
    """Answer until the input ends."""
    system = joined()
    lane.settle_in()
    begin = system.opener(UUID(os.environ[WORKSPACE]), purpose="ingest")
    serve(lambda _: _work(begin, system))


def _work(begin: Opener, system: System) -> dict[str, Any]:
    limits = Limits(messages=system.settings.ingest_batch)
    stages, verdicts, stop = Stages(), Counter[str](), threading.Event()
    # Of a clock that all processes of the machine share.
    ended = monotonic()
    cpu = process_time()

    def once() -> bool:
        nonlocal ended
        summary = work_off(begin, ports=system.ports, limits=limits, stages=stages)
        verdicts.update(summary.verdicts)
        if summary.rows:
            ended = monotonic()
        elif not _waiting(begin) or monotonic() - ended > PATIENCE:
            stop.set()
        return summary.rows > 0

    lane.work_on(once, stop)
    return {
        "verdicts": verdicts,
        # With its last batch: who finds nothing looks again a little later.
        "ended": ended,
        "cpu": process_time() - cpu,
        "stages": stages.seconds,
    }


def _waiting(begin: Opener) -> int:
    with begin() as work:
        return inbox.waiting(work=work)


if __name__ == "__main__":
    main()
