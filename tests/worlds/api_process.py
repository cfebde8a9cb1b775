"""The API in a process of its own, as an operator starts it, and a town that calls it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket
from time import monotonic, sleep

import httpx
from worlds.api_world import Served

from cdp.kernel.database import APP, OWNER

PATIENCE = 120  # seconds; the machine may have other things to do


@contextmanager
def started(database, system, **settings: object) -> Iterator[Served]:
    """`cdp api` on the tests' database, with these settings."""
    with socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    environment = {name: word for name, word in os.environ.items() if not name.startswith("CDP_")}
    environment |= {
        "CDP_DATABASE_URL": database.server.url(APP, database.name),
        "CDP_OWNER_URL": database.server.url(OWNER, database.name),
        "CDP_STATE_DIR": str(system.settings.state_dir),
        "CDP_DATA_DIR": str(system.settings.data_dir),
        "CDP_PORT": str(port),
        "CDP_PUBLIC_URL": system.settings.public_url,
        **{f"CDP_{name.upper()}": str(value) for name, value in settings.items()},
    }
    command = [sys.executable, "-m", "api.cli", "api"]
    quiet = subprocess.DEVNULL
    running = subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)
    url = f"http://127.0.0.1:{port}"
    try:
        end = monotonic() + PATIENCE
        while not _answers(url):
            assert monotonic() < end and running.poll() is None, "the API does not start"
            sleep(0.1)
        with httpx.Client(base_url=url, timeout=60) as http:
            yield Served(system, url, http)
    finally:
        running.terminate()
        running.wait(timeout=30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=1).status_code == 200
    except httpx.TransportError:
        return False
