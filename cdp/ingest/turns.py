"""The lanes of one process: while one writes, the next opens, parses, classifies and looks up.

A batch waits for the database half of its time, and what it does before it touches anybody
needs no lock. So two batches of a process overlap there, and nowhere else: from its first
write to its commit a batch is alone, because two that met in the database would nearly always
wait for one another's people. Lanes write in the order in which they took their requests,
which is the order of acceptance. Between processes the database alone decides.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Condition, Lock

from cdp.kernel.errors import Overloaded

PATIENCE = 60.0  # seconds; far beyond what a batch takes


class TurnNeverCame(Overloaded):
    """The batch ahead did not finish in time; this one was not stored and is tried again."""


class Turns:
    """Who of a process's lanes may write. Thread-safe."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._taking = Lock()
        self._moved = Condition()
        self._line: deque[Turn] = deque()

    @contextmanager
    def turn(self) -> Iterator["Turn"]:
        """A turn to be taken; it is over when the block is left, however it is left.

        Enclose the Work in it, so that it ends after the commit or the rollback.
        """
        turn = Turn(self)
        try:
            yield turn
        finally:
            with self._moved:
                if turn in self._line:
                    self._line.remove(turn)
                    self._moved.notify_all()

    @contextmanager
    def _join(self, turn: "Turn") -> Iterator[None]:
        with self._taking:
            with self._moved:
                self._line.append(turn)
            yield

    def _wait(self, turn: "Turn") -> None:
        with self._moved:
            if not self._moved.wait_for(lambda: self._line[0] is turn, self._patience):
                raise TurnNeverCame


class Turn:
    """One batch's place in the line."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def taking(self) -> AbstractContextManager[None]:
        """Take requests in this block, one lane after another: places in the line are in their order."""
        return self._turns._join(self)

    def wait(self) -> None:
        """Wait until every batch that took its requests before is over. Raises `TurnNeverCame`.

        Nothing may be locked by then that another batch could want, for whoever is waited for
        here cannot be seen by the database, and a circle would not be found.
        """
        self._turns._wait(self)
