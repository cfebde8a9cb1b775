"""The worker's lanes: all of them work, none dies alone, and they stop when they are told to."""

import threading

import pytest
from sqlalchemy.exc import OperationalError

from api.worker import LANES, in_lanes


def test_every_lane_works_until_it_is_told_to_stop():
    """The lanes meet: one that worked alone would wait at the barrier for ever."""
    stop, together = threading.Event(), threading.Barrier(LANES, timeout=30)
    seen = set()

    def work(turns):
        seen.add((threading.get_ident(), id(turns)))
        together.wait()
        stop.set()
        return False

    in_lanes(work, stop)

    assert len(seen) == LANES
    assert len({turns for _, turns in seen}) == 1


def test_what_one_lane_raises_ends_the_worker():
    """A thread that died in silence would leave a worker that does half of its work, or none."""
    stop, first = threading.Event(), threading.Lock()

    def work(_):
        if first.acquire(blocking=False):
            raise ValueError
        return False

    with pytest.raises(ValueError):
        in_lanes(work, stop)

    assert stop.is_set()


def test_a_database_that_does_not_answer_is_waited_for():
    """It comes back; what waits in the inbox waits for it."""
    stop, asked = threading.Event(), []

    def work(_):
        asked.append(1)
        if len(asked) <= LANES:
            raise OperationalError("SELECT", {}, Exception())
        stop.set()
        return False

    in_lanes(work, stop)

    assert len(asked) > LANES
