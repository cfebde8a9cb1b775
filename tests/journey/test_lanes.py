"""The lanes of `cdp worker` are processes: none outlives it, none dies in silence, all of them work."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest
from sqlalchemy import text
from worlds.journeys import ANN, identify, ordered, ready
from worlds.parts import alone, joined

from api.cli.exits import Exit
from api.processes import lane
from cdp.kernel.database import APP
from cdp.registers import workspaces

LANES = 3
PEOPLE, ORDERS, BATCH = 30, 4, 24
PATIENCE = 600.0  # seconds; only a worker that hangs takes so long, also on a machine that is full


@pytest.fixture(scope="module")
def database(server):
    """One of this file's own: whoever works all workspaces off has those of its tests alone to look at."""
    with alone(server) as made:
        yield made


@pytest.fixture(scope="module")
def system(database, tmp_path_factory):
    """The platform on it."""
    with joined(database, tmp_path_factory) as made:
        yield made


@dataclass(frozen=True)
class Worker:
    """A running `cdp worker`, its lanes, and the file of what it logs."""

    process: subprocess.Popen
    lanes: list[psutil.Process]
    log: Path

    @contextmanager
    def held(self):
        """In this block its lanes work without it."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def ended(self):
        """How it ended."""
        return self.process.wait(PATIENCE)

    def leaves_nobody(self):
        """Whether all its lanes end."""
        return until(lambda: not any(map(alive, self.lanes)))


@pytest.fixture
def working(database, system, tmp_path) -> Callable[..., Worker]:
    """What starts a worker whose settings lie in a file, as `with working() as worker:`."""
    settings = system.settings
    (tmp_path / "cdp.toml").write_text(
        f'database_url = "{database.server.url(APP, database.name)}"\n'
        f'state_dir = "{settings.state_dir}"\ndata_dir = "{settings.data_dir}"\n'
        f"worker_lanes = {LANES}\ningest_batch = {BATCH}\n"
    )
    environment = {name: word for name, word in os.environ.items() if not name.startswith("CDP_")}
    environment["PYTHONPATH"] = os.pathsep.join(one for one in sys.path if one)

    @contextmanager
    def started() -> Iterator[Worker]:
        log = tmp_path / "log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "worker"],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        try:
            assert until(lambda: len(lanes_of(process.pid)) == LANES - 1), log.read_text()
            yield Worker(process, lanes_of(process.pid), log)
        finally:
            process.kill()
            process.wait()

    return started


def lanes_of(pid):
    """The lanes of a worker beside its own; none once it has ended."""
    try:
        return [one for one in psutil.Process(pid).children() if one.cmdline() == list(lane.PROGRAM)]
    except psutil.NoSuchProcess:
        return []


def alive(process):
    """Whether it runs: who has ended may wait for somebody to ask how."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition):
    """Polling other processes; there is nothing to wait on."""
    end = monotonic() + PATIENCE
    while not condition():
        if monotonic() > end:
            return False
        sleep(0.02)
    return True


def waiting(journey):
    """How many requests wait."""
    return count(journey, "SELECT count(*) FROM cdp.inbox")[0][0]


def count(journey, query):
    with journey.begin()() as work:
        return work.session.execute(text(query)).all()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_that_reaches_the_whole_group_ends_every_lane_with_0(working, number):
    """Ctrl-C and service managers signal lanes too, at any moment of theirs; the worker decides."""
    with working() as worker:
        os.killpg(worker.process.pid, number)

        assert worker.ended() == Exit.OK, worker.log.read_text()
        assert worker.leaves_nobody()
    assert '"lane_' not in worker.log.read_text()


def test_a_worker_that_is_killed_leaves_no_lane_behind(working):
    """SIGKILL asks nobody; the end of its input tells a lane."""
    with working() as worker:
        worker.process.kill()

        assert worker.ended() == -signal.SIGKILL
        assert worker.leaves_nobody()


def test_a_lane_that_is_killed_ends_the_worker_which_says_why(working):
    """A worker that went on with the rest of its lanes would look like a whole one."""
    with working() as worker:
        worker.lanes[0].kill()

        assert worker.ended() == Exit.UNAVAILABLE
        assert worker.leaves_nobody()
    assert "lane of this worker ended by itself" in worker.log.read_text()
    assert "SIGKILL" in worker.log.read_text()


def test_a_lane_does_what_its_worker_does(working, system, workspace):
    """With the settings that the worker found in a file: alone, while the worker itself is held."""
    journey = ready(system, workspace)
    with working() as worker:
        with worker.held():
            journey.send("web", identify("u1", ANN), ordered("u1", 1, 9.5))
            emptied = until(lambda: not waiting(journey))
        worker.process.terminate()

        assert worker.ended() == Exit.OK
    assert emptied, worker.log.read_text()
    assert count(journey, "SELECT verdict, n FROM cdp.verdict_counts") == [("accepted", 2)]


def test_lanes_together_come_to_what_one_comes_to(working, system, database):
    """Requests that share their people, worked off by several at once: the same people and sums."""
    alone, together = (
        ready(system, workspaces.create(database.owner, name=f"lanes {os.urandom(6).hex()}", region="DE"))
        for _ in range(2)
    )
    bought(alone)
    alone.work()
    with working() as worker:
        with worker.held():
            bought(together)
            emptied = until(lambda: not waiting(together))
        worker.process.terminate()

        assert worker.ended() == Exit.OK
    assert emptied, worker.log.read_text()
    assert outcome(together) == outcome(alone)
    assert outcome(alone)["people"] == [(PEOPLE, PEOPLE)]


def bought(journey):
    """Requests of six people each, who are in others too."""
    for number in range(ORDERS):
        for start in range(0, PEOPLE, 3):
            people = [f"u{(start + step * 7) % PEOPLE}" for step in range(6)]
            who = [identify(one, {"email": f"{one}@example.org"}) for one in people]
            journey.send("web", *who, *(ordered(one, f"{number}-{start}", 2.0) for one in people))


def outcome(journey):
    """What is left of the messages, whoever processed them, and in whichever order."""
    return {
        "verdicts": count(
            journey,
            "SELECT CASE verdict WHEN 'lowered_duplicate' THEN 'duplicate' ELSE verdict END AS word,"
            " sum(n)::int FROM cdp.verdict_counts GROUP BY word ORDER BY word",
        ),
        "people": count(journey, "SELECT count(*), count(DISTINCT root_id) FROM identity.fragments"),
        "claims": count(journey, "SELECT count(*) FROM identity.claims"),
        "golden": count(journey, "SELECT trait, count(*) FROM identity.golden GROUP BY 1 ORDER BY 1"),
        "events": count(journey, "SELECT type, count(*) FROM cdp.events GROUP BY 1 ORDER BY 1"),
        "derived": count(
            journey,
            "SELECT attribute_id, number, count(*) FROM cdp.derived"
            " WHERE number IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2",
        ),
        "left": count(
            journey, "SELECT (SELECT count(*) FROM cdp.inbox), (SELECT count(*) FROM cdp.quarantine)"
        ),
    }
