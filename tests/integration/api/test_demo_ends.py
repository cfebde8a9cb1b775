"""A demo that is ended leaves nothing behind."""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest
from worlds.api_process import PATIENCE

PARTS = {"api", "worker", "keeper"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name)
def test_a_demo_that_is_told_to_end_stops_all_that_it_started(number):
    """Whoever stops it would else find an API, a worker, a keeper and a database still there."""
    environment = {name: word for name, word in os.environ.items() if not name.startswith("CDP_")}
    environment["PYTHONPATH"] = os.pathsep.join(one for one in sys.path if one)
    with tempfile.TemporaryDirectory(prefix="cdp-demo-ended-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            demo = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "demo", "--no-search"],
                cwd=folder,
                env=environment,
                stdout=out,
                stderr=out,
            )
        started = psutil.Process(demo.pid)
        end = monotonic() + PATIENCE
        while len(ours(started)) < len(PARTS) and monotonic() < end:
            sleep(0.1)  # another process; there is nothing to wait on
        below = started.children(recursive=True)
        demo.send_signal(number)
        code = demo.wait(PATIENCE)
        left = psutil.wait_procs(below, timeout=PATIENCE)[1]

        assert code == 128 + number, log.read_text()
        assert left == []
        assert not (Path(folder) / "var" / "pg" / "postmaster.pid").exists()


def ours(demo: psutil.Process):
    """The API, the worker and the keeper."""
    found = []
    for one in demo.children():
        with suppress(psutil.NoSuchProcess):  # the demo starts others too, which end meanwhile
            found += [one] if PARTS & set(one.cmdline()) else []
    return found
