"""Somebody restores a backup from before an erasure or a withdrawal, or an old state directory (E2)."""

import shutil
from datetime import timedelta

import pytest
from worlds.journeys import ANN, BOB, PATIENCE, Journey, identify, lines, ordered, ready
from worlds.restoring import instance

from cdp.requests import erasure
from cdp.vocabulary import State
from governance.journal.journalling import StateOlderThanDatabase

__all__ = ["instance"]


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
