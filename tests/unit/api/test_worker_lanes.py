"""What a lane of the worker does, what it is told, and how the worker parts from it."""

import sys
import threading
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from types import SimpleNamespace

import pytest
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError

from api.processes import lane
from cdp.intake.ingest import Limits, Summary
from cdp.kernel.errors import Unavailable
from cdp.kernel.settings import Settings

OTHER = {
    str: "https://other",
    int: 7,
    bool: True,
    type(Path()): Path("other"),
    timedelta: timedelta(seconds=2.5),
}
# Texts that have a form of their own.
SPELLED = {
    "port": 8401,
    "log_level": "error",
    "trusted_proxies": "10.0.0.0/8",
    "detect_regions": "SE",
    "webhook_ports": "8443",
}


@pytest.fixture
def at_once(monkeypatch):
    """Nobody waits for what does not come here."""
    monkeypatch.setattr(lane, "AGAIN", 0.0)
    monkeypatch.setattr(lane, "IDLE", 0.0)


def test_a_lane_works_until_it_is_told_to_stop(at_once):
    """Whether or not there is something to do; what is in hand is finished."""
    stop, done = threading.Event(), []

    def work():
        done.append(1)
        if len(done) == 2 * lane.COLLECT_EVERY:
            stop.set()
        return len(done) % 3 > 0

    lane.work_on(work, stop)

    assert len(done) == 2 * lane.COLLECT_EVERY


@pytest.mark.parametrize("error", [OperationalError("SELECT", {}, Exception()), Unavailable()])
def test_a_part_that_does_not_answer_is_waited_for(at_once, error):
    """It comes back; what waits in the inbox waits for it."""
    stop, asked = threading.Event(), []

    def work():
        asked.append(1)
        if len(asked) < 3:
            raise error
        stop.set()
        return False

    lane.work_on(work, stop)

    assert len(asked) == 3


def test_a_fault_ends_the_lane():
    """One that went on would meet the same fault again and again, and nobody would know."""

    def work():
        raise ValueError

    with pytest.raises(ValueError):
        lane.work_on(work, threading.Event())


def test_a_lane_hears_every_setting_that_it_needs():
    """Wherever the worker has it from, a password too, which `str` would mask."""
    given = {
        name: SecretStr("word") if field.annotation is SecretStr else OTHER.get(type(field.default))
        for name, field in Settings.model_fields.items()
    } | SPELLED
    settings = Settings(**given)
    line = lane.told(settings, "postgresql+psycopg://other")

    assert [name for name, field in Settings.model_fields.items() if given[name] == field.default] == []
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    others = {"database_url": "postgresql+psycopg://other", "owner_url": "", "keeper_url": ""}
    assert lane.heard(line) == settings.model_copy(update=others)


def test_a_lane_is_not_told_the_owners_or_the_keepers_way_in(monkeypatch):
    """It works as the runtime role, so whoever takes it over has no more than that."""
    for name in ("CDP_OWNER_URL", "CDP_KEEPER_URL", "CDP_PORT"):
        monkeypatch.setenv(name, "8411")
    line = lane.told(Settings(owner_url="owner-secret", keeper_url="keeper-secret"), "")

    assert b"secret" not in line
    assert [name for name in lane._environment() if name.startswith("CDP_")] == []


@pytest.fixture
def other(monkeypatch):
    """Let lanes run this program instead of ours."""

    def named(program):
        monkeypatch.setattr(lane, "PROGRAM", (sys.executable, "-c", program))
        return lane.others(Settings(), "")

    return named


def test_a_lane_that_ends_when_its_input_does_is_no_error(other):
    """It was told to."""
    with other("import sys; sys.stdin.read()") as lanes:
        assert not lanes.ended


@pytest.mark.parametrize("code", [0, 3])
def test_a_lane_that_ends_before_is_one_whatever_it_says(other, code):
    """Nothing that is fine ends it."""
    end = monotonic() + 120
    with (
        pytest.raises(lane.LaneEnded, match=f"exit code {code}"),
        other(f"raise SystemExit({code})") as lanes,
    ):
        while not lanes.ended and monotonic() < end:
            sleep(0.005)  # Polling another process; there is nothing to wait on.


def test_a_lane_that_fails_in_its_last_batch_is_one_too(other):
    """Told to stop or not, it did not do what it had in hand."""
    with (
        pytest.raises(lane.LaneEnded, match="exit code 3"),
        other("import sys; sys.exit(3 * (sys.stdin.read() > ''))"),
    ):
        pass


def test_what_ends_the_workers_own_lane_is_told_whatever_became_of_the_others(other):
    """One fault may end all of them; that a lane ended says less than what ended it."""
    with pytest.raises(ZeroDivisionError), other("import sys; sys.stdin.read(); sys.exit(3)"):
        raise ZeroDivisionError


def test_a_lane_stops_after_the_batch_in_hand(monkeypatch):
    """Not after those of all other workspaces, for which nobody would wait long enough."""
    stop, worked = threading.Event(), []

    def work_off(begin, **_):
        worked.append(begin)
        stop.set()
        return Summary(rows=1)

    monkeypatch.setattr(lane, "work_off", work_off)
    monkeypatch.setattr(lane, "workspaces", SimpleNamespace(known=lambda _: ["a", "b", "c"]))
    system = SimpleNamespace(app=None, ports=None, opener=lambda workspace, **_: workspace)

    assert lane.work_round(system, Limits(), stop)
    assert worked == ["a"]


def test_a_lane_that_does_not_end_is_killed(other, monkeypatch):
    """A stop is a stop: the batch in hand rolls back, as in any process that is killed."""
    monkeypatch.setattr(lane, "ENDING", 0.05)
    with other("import signal; signal.pause()") as lanes:
        assert not lanes.ended

    assert lanes.ended
