"""A restored backup is told what it forgot, once, and by its own state directory alone (E2)."""

import pytest
from sqlalchemy import text
from worlds.journeys import BOB, identify, ready
from worlds.restoring import Instance, instance

from api.processes import startup
from api.processes.startup import WrongInstance
from cdp.kernel.database import OWNER
from cdp.kernel.settings import Settings
from cdp.vocabulary import State

__all__ = ["Instance", "instance"]


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


def test_a_state_directory_of_another_instance_refuses_to_start(instance, tmp_path):
    """Its keys would open nothing, and its journal speaks of others."""
    other = Settings(state_dir=tmp_path / "other", data_dir=tmp_path)

    with pytest.raises(WrongInstance):
        startup.prepare(other, instance.server.url(OWNER, instance.name))
    with instance.system.app.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM governance.instance")) == 1
