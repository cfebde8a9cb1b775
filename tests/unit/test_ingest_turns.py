"""The lanes of a process: one writes at a time, in the order in which they took their requests."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from cdp.ingest.turns import TurnNeverCame, Turns

LANES, BATCHES = 4, 200


def test_one_lane_writes_at_a_time_in_the_order_of_taking():
    """Whoever is ready first waits for whoever took its requests first."""
    turns, taken, written, writing = Turns(), [], [], []
    numbers = iter(range(BATCHES))

    def lane(_):
        overlapped = 0
        while True:
            with turns.turn() as turn:
                with turn.taking():
                    number = next(numbers, None)
                    if number is None:
                        return overlapped
                    taken.append(number)
                turn.wait()
                writing.append(number)
                overlapped += len(writing) > 1
                written.append(number)
                writing.remove(number)

    with ThreadPoolExecutor(LANES) as pool:
        overlapped = sum(pool.map(lane, range(LANES)))

    assert overlapped == 0
    assert written == taken == list(range(BATCHES))


def test_a_lane_that_fails_holds_up_nobody():
    """However a turn is left, it is over: before it came, while it lasts, and if it was never asked for."""
    turns = Turns(patience=5)

    def fail_before():
        with turns.turn() as turn, turn.taking():
            raise ValueError

    def fail_within():
        with turns.turn() as turn:
            with turn.taking():
                pass
            turn.wait()
            raise ValueError

    for fail in (fail_before, fail_within):
        with pytest.raises(ValueError):
            fail()
    with turns.turn():
        pass
    with turns.turn() as turn:
        with turn.taking():
            pass
        turn.wait()
        reached = True

    assert reached


def test_a_turn_that_does_not_come_is_an_error_and_not_a_wait_for_ever():
    """The batch rolls back, so what it holds in the database is let go of."""
    turns = Turns(patience=0.01)
    with turns.turn() as ahead:
        with ahead.taking():
            pass
        ahead.wait()
        with turns.turn() as behind:
            with behind.taking():
                pass
            with pytest.raises(TurnNeverCame):
                behind.wait()
    with turns.turn() as later:
        with later.taking():
            pass
        later.wait()
        reached = True

    assert reached
