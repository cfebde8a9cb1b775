"""The jobs of the worker: their bodies by name, and the loop that runs them."""

import asyncio
import threading
from datetime import timedelta
from uuid import UUID

from procrastinate import App

from api.processes import worker
from api.wiring import System
from cdp.acts import Act
from cdp.kernel import jobs
from cdp.requests import erasure

PATIENCE = timedelta(seconds=30)
LOOK_EVERY = 5.0  # seconds between looks for jobs that became due


def app(system: System, url: str) -> App:
    """The job library's application over this system; `url` is the runtime role's."""

    def finish_erasure(workspace: str, request: str) -> None:
        begin = system.opener(UUID(workspace), purpose=Act.ERASURE_CERTIFY.purpose)
        erasure.finish(UUID(request), begin=begin, ports=system.ports, patience=PATIENCE)

    def tidy(timestamp: int) -> None:
        del timestamp
        worker.tidy(system)

    return jobs.worker_app(
        url, tasks={"finish_erasure": finish_erasure}, periodic={"tidy": ("7 * * * *", tidy)}
    )


def run(system: System, url: str, stop: threading.Event) -> None:
    """Run jobs until `stop` is set. The library's worker is asynchronous; the bodies run in threads."""
    asyncio.run(_run(app(system, url), stop))


async def _run(application: App, stop: threading.Event) -> None:
    async with application.open_async():
        running = asyncio.create_task(
            application.run_worker_async(
                concurrency=1, install_signal_handlers=False, fetch_job_polling_interval=LOOK_EVERY
            )
        )
        while not stop.is_set() and not running.done():
            await asyncio.sleep(0.2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
