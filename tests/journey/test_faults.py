"""Killed at any statement, a batch has not happened; what was acknowledged is not lost (F1)."""

import os
import signal
import subprocess
import sys
from time import monotonic, sleep

import psutil
import pytest
from psycopg import Cursor
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool
from worlds.journeys import ANN, BOB, identify, ordered
from worlds.parts import alone, joined

from api.wiring import SYSTEM
from cdp.intake.ingest import Limits, Stages, process
from cdp.kernel import logs
from cdp.kernel.database import APP, OWNER, metadata
from cdp.work import open_work

CONSENT = {"context": {"consent": {"categoryPreferences": {"analytics": False}}}}
MESSAGES = (
    identify("u1", ANN, anonymousId="a1"),
    ordered("u1", 1, 9.5),
    ordered("u1", 1, 9.5),
    identify("u2", BOB) | CONSENT,
    {"type": "track", "anonymousId": "a1", "event": "Product Viewed", "messageId": "v1", "properties": {}},
    {"type": "track", "userId": "u3", "event": 7, "messageId": "bad"},
)


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


class Dead(BaseException):
    """The process was killed: nothing of its own runs any more."""


def dying(after):
    """A cursor class whose connection is cut at statement `after`, as the kernel cuts a killed process's."""

    class Dying(Cursor):
        count = 0

        def execute(self, *arguments, **options):
            Dying.count += 1
            if Dying.count == after:
                self.connection.pgconn.finish()
                raise Dead
            return super().execute(*arguments, **options)

    return Dying


def contents(database, workspace):
    """The rows of every table of the workspace, as the owner sees them: counts by table."""
    with database.owner.begin() as connection:
        connection.execute(text("SELECT set_config('cdp.workspace', :w, true)"), {"w": str(workspace)})
        return {
            str(table): connection.scalar(text(f"SELECT count(*) FROM {table}"))
            for table in metadata.sorted_tables
            if "workspace_id" in table.c
        }


def locked(database):
    """How many locks there are on the inbox."""
    with database.server.admin(database.name) as admin:
        query = "SELECT count(*) FROM pg_locks WHERE relation = 'cdp.inbox'::regclass"
        return admin.execute(query).fetchone()[0]


def process_once(journey, database, cursor):
    """One batch on a connection of its own."""
    url = database.server.url(APP, database.name)
    engine = create_engine(url, poolclass=NullPool, connect_args={"cursor_factory": cursor})
    with open_work(engine, workspace=journey.workspace, actor=SYSTEM, purpose="ingest") as work:
        return process(work=work, ports=journey.ports, limits=Limits(), stages=Stages())


def test_killed_at_any_statement_the_batch_has_not_happened(journey, database):
    """F1: no partial merge, no audit gap, no duplicate; the next run does all of it, once."""
    journey.send("web", *MESSAGES)
    before = contents(database, journey.workspace)
    boundary = 0
    while True:
        boundary += 1
        cursor = dying(boundary)
        try:
            summary = process_once(journey, database, cursor)
        except (Dead, OperationalError):
            assert contents(database, journey.workspace) == before, f"killed at statement {boundary}"
            continue
        break
    after = contents(database, journey.workspace)

    assert boundary > 30
    assert summary.verdicts == {"accepted": 4, "duplicate": 1, "invalid:wrong_type": 1}
    assert after["cdp.inbox"] == 0 and after["cdp.events"] == 4
    assert after["audit.pending"] == before["audit.pending"] + 1
    assert journey.work() == {}


def test_a_worker_killed_with_signal_9_loses_and_doubles_nothing(journey, database):
    """F1: real processes, a real SIGKILL to each of them, somewhere in their work."""
    for number in range(40):
        journey.send("web", *(ordered(f"k{number}", one, 1.0) for one in range(25)))
    settings = journey.system.settings
    environment = os.environ | {
        "CDP_DATABASE_URL": database.server.url(APP, database.name),
        "CDP_OWNER_URL": database.server.url(OWNER, database.name),
        "CDP_KEEPER_URL": database.server.url(OWNER, database.name),
        "CDP_STATE_DIR": str(settings.state_dir),
        "CDP_DATA_DIR": str(settings.data_dir),
    }
    worker = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "worker"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = monotonic() + 300
    while contents(database, journey.workspace)["cdp.events"] == 0 and monotonic() < deadline:
        sleep(0.01)  # Polling another process; there is nothing to wait on.
    everybody = [*(one.pid for one in psutil.Process(worker.pid).children()), worker.pid]
    for pid in everybody:
        os.kill(pid, signal.SIGKILL)
    worker.wait()
    while locked(database) and monotonic() < deadline:
        sleep(0.01)  # The database notices that they are gone.
    done = contents(database, journey.workspace)
    rest = journey.work()
    after = contents(database, journey.workspace)

    assert done["cdp.events"] > 0
    assert done["cdp.events"] + rest.get("accepted", 0) == 1000 == after["cdp.events"]
    assert after["cdp.inbox"] == after["cdp.quarantine"] == 0


@pytest.mark.parametrize("value", ["canary.7f3a@example.org", "+4915157773344"])
def test_no_personal_value_reaches_a_log(journey, capsys, value):
    """A canary in every field, with everything that could fail failing, is in no line of any log."""
    logs.configure("warning")
    message = {
        "type": value,
        "userId": value,
        "event": value,
        "traits": {"email": value, value: value, "phone": value},
        "context": {"ip": value, value: value},
        "properties": {value: value},
        "messageId": value,
    }
    journey.send(
        "web", message, message | {"type": "identify"}, message | {"type": "track", "messageId": "x"}
    )
    with journey.begin()() as work:
        # A body that cannot be opened fails the batch, then alone, then goes to quarantine.
        work.session.execute(text("UPDATE cdp.inbox SET body = body || body"))
    journey.work()
    journey.send("web", message | {"type": "identify"})
    journey.work()
    with pytest.raises(Exception) as failure, journey.begin()() as work:
        work.session.execute(
            text("INSERT INTO cdp.segments (workspace_id, id, name, rule) VALUES (:w, :w, :name, '{}')"),
            {"w": journey.workspace, "name": value},
        )
    logs.log().error("task_failed", exc_info=failure.value, reason="test", contact=value)
    printed = "".join(capsys.readouterr())
    logs.configure("error")

    assert "request_failed" in printed and "withheld" in printed
    assert value not in printed
