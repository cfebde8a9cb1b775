"""What the worker with the model, and the API, take of memory: resident, of 2^20 bytes each.

The worker is the real one, its lanes counted with it, and its scanning process beside it, after it
has taken in and scanned notes; the API is asked until it has answered some hundred requests. Neither
bar counts pages that processes share only once, so both are upper bounds.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx
import msgspec
import psutil
from sqlalchemy import func, select

from benchmarks.children import resident, with_lanes
from benchmarks.labelling import sentences
from benchmarks.place import Place, opened
from benchmarks.results import Bar, Tell
from cdp import tables
from cdp.intake import inbox
from cdp.intake.inbox import Accepted
from cdp.kernel.errors import Unavailable
from governance import tables as governed

MEBIBYTE = 1 << 20
WORKER, API = 700, 400
NOTES, REQUESTS = 400, 300
PATIENCE = 180.0  # seconds
PORT = 18_473


class TooSlow(Unavailable):
    """A process of the benchmark did not do its work in time."""


def measure(tell: Tell) -> Iterator[Bar]:
    """Memory of a worker that has scanned, and of an API that has answered."""
    with opened() as place:
        worker = _worker(place)
        tell(f"worker with its lanes, scanning process: {worker['worker']:.0f} + {worker['scanner']:.0f} MiB")
        yield _bar("worker_memory", sum(worker.values()), WORKER, {k: round(v) for k, v in worker.items()})
        taken, mapped = _api(place)
        tell(f"API: {taken:.0f} MiB")
        yield _bar("api_memory", taken, API, {"maps_spacy_or_presidio": mapped})


def _bar(name: str, value: float, goal: int, notes: dict[str, object]) -> Bar:
    return Bar(
        bar=name,
        value=value,
        unit="MiB",
        reference="one MiB",
        reference_value=1.0,
        goal=float(goal),
        op="<=",
        notes=notes,
    )


def _worker(place: Place) -> dict[str, float]:
    texts = [one.text for part in ("tuned", "held_out") for one in sentences(part)]
    for start in range(0, NOTES, 100):
        messages = [
            {
                "type": "identify",
                "userId": f"u{number}",
                "messageId": f"m{number}",
                "traits": {"support_note": texts[number % len(texts)]},
            }
            for number in range(start, start + 100)
        ]
        body = b"batch\n" + msgspec.json.encode({"batch": messages})
        with place.begin()() as work:
            request = Accepted(source=place.source, kind="server", body=body, items=100)
            inbox.accept([request], vault=place.system.ports.vault, work=work)
    with _running(place, "worker") as process:
        _until(lambda: _scanned(place) >= NOTES and not _waiting(place))
        lanes = with_lanes(process.pid)
        others = [one for one in psutil.Process(process.pid).children(recursive=True) if one not in lanes]
        return {
            "worker": resident(process.pid) / MEBIBYTE,
            "scanner": sum(one.memory_info().rss for one in others) / MEBIBYTE,
        }


def _scanned(place: Place) -> int:
    with place.begin()() as work:
        done = select(func.count()).select_from(governed.scans).where(governed.scans.c.reason.is_(None))
        return work.session.scalar(done) or 0


def _waiting(place: Place) -> int:
    with place.begin()() as work:
        return work.session.scalar(select(func.count()).select_from(tables.unscanned)) or 0


def _api(place: Place) -> tuple[float, bool]:
    with _running(place, "api") as process, httpx.Client(base_url=f"http://127.0.0.1:{PORT}") as client:
        _until(lambda: _answers(client))
        for number in range(REQUESTS):
            message = {"type": "identify", "userId": f"a{number}", "traits": {"support_note": "late parcel"}}
            client.post("/v1/batch", json={"batch": [message]}, auth=(place.write_key, "")).raise_for_status()
        maps = Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8")
        return resident(process.pid) / MEBIBYTE, "spacy" in maps or "presidio" in maps


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def _running(place: Place, part: str) -> "Iterator[subprocess.Popen[bytes]]":
    environment = os.environ | place.environment | {"CDP_PORT": str(PORT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", part], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _until(condition: Callable[[], bool]) -> None:
    end = monotonic() + PATIENCE
    while not condition():
        if monotonic() > end:
            raise TooSlow
        sleep(0.1)
