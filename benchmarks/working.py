"""A worker process that is asked for its inbox: `{"events": n}` → seconds, CPU, stages.

It is set up as `api.worker` is, does what that does in its loop, and stops at the count.
"""

import os
from time import perf_counter, process_time
from typing import Any
from uuid import UUID

from api import worker
from benchmarks.children import serve
from benchmarks.place import joined
from cdp.ingest import Limits, Stages, work_off

WORKSPACE = "CDP_BENCHMARK_WORKSPACE"


def main() -> None:
    """Answer until the input ends."""
    system = joined()
    worker.settle_in()
    begin = system.opener(UUID(os.environ[WORKSPACE]), purpose="ingest")
    limits = Limits(messages=system.settings.ingest_batch)

    def work(question: dict[str, Any]) -> dict[str, Any]:
        stages, done, batches = Stages(), 0, 0
        verdicts: dict[str, int] = {}
        started, cpu = perf_counter(), process_time()
        while done < question["events"]:
            summary = work_off(begin, ports=system.ports, limits=limits, stages=stages)
            if not summary.rows:
                break
            done += summary.messages
            batches += 1
            worker.rest(batches)
            for verdict, count in summary.verdicts.items():
                verdicts[verdict] = verdicts.get(verdict, 0) + count
        seconds, used = perf_counter() - started, process_time() - cpu
        return {
            "events": done,
            "verdicts": verdicts,
            "seconds": seconds,
            "cpu": used,
            "stages": stages.seconds,
        }

    serve(work)


if __name__ == "__main__":
    main()
