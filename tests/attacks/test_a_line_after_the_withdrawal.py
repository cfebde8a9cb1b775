"""A disk or a receiver is so slow that a line would land after the withdrawal was acknowledged."""

import errno
import os
import threading
from dataclasses import replace

import pytest
from worlds.journeys import ANN, BOB, identify, lines

from cdp.kernel.private import KEPT_FOR
from cdp.ports import Ask
from cdp.releases import releases
from cdp.vocabulary import Channel, State

HELD = 30.0  # seconds: a bound for what is stuck


@pytest.fixture
def agreed(journey):
    """Ann has agreed to mail."""
    journey.send("web", identify("u1", ANN))
    journey.work()
    journey.say(State.GIVEN, "ann@example.org", evidence="form", notice="newsletter")
    return journey


def batches(folder):
    """What lies in a folder beside the mark that says whose it is."""
    return [one for one in folder.iterdir() if one.name != KEPT_FOR]


class Disk:
    """A disk that stands still once, until a withdrawal is acknowledged."""

    def __init__(self):
        self.still, self.withdrawn, self.there = threading.Event(), threading.Event(), []
        self.folder = None

    def stop(self):
        if not self.still.is_set():
            self.there = sorted(one.suffix for one in batches(self.folder))
            self.still.set()
            assert self.withdrawn.wait(HELD)

    def sync(self, handle):
        self.stop()
        os.fsync(handle)

    def rename(self, *names, **folders):
        self.stop()
        os.rename(*names, **folders)  # noqa: PTH104 - a path's own knows no open folder

    def full(self, handle):
        raise OSError(errno.ENOSPC, "no space")


def run(journey, path, **disk):
    """Release Ann to a folder on such a disk."""
    plan = releases.Plan(
        segment="everyone",
        ask=Ask(purpose="email_marketing", channel=Channel.EMAIL, recipient="mailer"),
        traits=[],
        endpoint=journey.endpoint(path),
        public_url="https://cdp.example.org",
    )
    return releases.run(
        plan,
        begin=journey.begin("marketing", purpose="email_marketing"),
        ports=journey.ports,
        limits=releases.Limits(),
        connect=lambda found, secret: replace(journey.reach.connect(found, secret), **disk),
    )


def meanwhile(journey, disk, path, **hooks):
    """What became of a release during which Ann withdrew, and what lay in the folder when she was told."""
    disk.folder, done = path, []
    releasing = threading.Thread(target=lambda: done.append(run(journey, path, **hooks)))
    releasing.start()
    assert disk.still.wait(HELD)
    told = journey.say(State.WITHDRAWN, "ann@example.org", evidence="link")
    seen = lines(path)
    disk.withdrawn.set()
    releasing.join(HELD)
    assert told.entries and seen == []
    return done[0]


def test_a_line_is_written_by_a_slow_disk_after_the_withdrawal(agreed, tmp_path):
    """Rendered apart, the clock looked at, renamed: what was late is not sent, and not called released."""
    disk = Disk()
    result = meanwhile(agreed, disk, tmp_path / "out", sync=disk.sync)

    assert disk.there == [".part"], "it was rendered, and had no name yet"
    assert batches(tmp_path / "out") == []
    assert (result.released, result.unknown) == (0, 0)
    assert sum(result.withheld.values()) == 1


def test_a_rename_that_a_slow_disk_does_late_is_taken_back_and_not_called_released(agreed, tmp_path):
    """Somebody may have read it in between, so nobody knows: treated as released, and told apart."""
    disk = Disk()
    result = meanwhile(agreed, disk, tmp_path / "out", rename=disk.rename)

    assert batches(tmp_path / "out") == []
    assert (result.released, result.unknown, result.failed_batches) == (0, 1, 1)


def test_a_full_disk_is_called_released(agreed, tmp_path):
    """Nothing can be read, so nothing was sent; whoever was to be in it is counted so."""
    result = run(agreed, tmp_path / "out", sync=Disk().full)

    assert batches(tmp_path / "out") == []
    assert (result.released, result.unknown, result.withheld["not_sent"]) == (0, 0, 1)


def test_a_batch_in_time_is_whole_and_alone_under_its_name(agreed, tmp_path):
    """The other ending, for comparison: nothing half written is ever seen, or left."""
    agreed.send("web", identify("u2", BOB))
    agreed.work()
    agreed.say(State.GIVEN, "bob@example.org", evidence="form", notice="newsletter")
    result = run(agreed, tmp_path / "out")
    found = [one.suffix for one in batches(tmp_path / "out")]

    assert (result.released, result.unknown, found) == (2, 0, [".ndjson"])
    assert {one["to"] for one in lines(tmp_path / "out")} == {"ann@example.org", "bob@example.org"}
