"""The feeder's loop: in the keeper, which alone appends to the log, on a thread of its own.

There is one keeper an instance, so one position moves; and whatever the search engine does, the
sequencer beside it goes on. Only the keeper and the API hold the engine's password.
"""

import random
import threading
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from api import wiring
from audit.search import reconciling
from audit.search.engine import ForeignIndex, SearchUnavailable
from audit.search.feeding import Feeder
from cdp.kernel.logs import log
from cdp.kernel.settings import Settings
from cdp.registers import workspaces
from governance.keys.statedir import StateDirectory

IDLE = 0.5
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
TIDY_EVERY = 3600.0
WATCH_EVERY = 1.0


@dataclass
class _Trouble:
    """What is wrong now, said once and not at every attempt."""

    said: str = ""
    pause: float = field(default=FIRST_PAUSE)

    def met(self, error: Exception, stop: threading.Event) -> None:
        """Say what is new, and wait, longer each time and never all at once."""
        name = type(error).__name__
        if name != self.said:
            self.said = name
            log().warning("search_not_fed", exc_info=error)
        stop.wait(self.pause * (0.5 + random.random() / 2))  # noqa: S311 — nothing is guessed from it
        self.pause = min(LONGEST_PAUSE, self.pause * 2)

    def over(self) -> None:
        """It works again."""
        if self.said:
            log().warning("search_fed_again")
        self.said, self.pause = "", FIRST_PAUSE


@dataclass
class _Feeding:
    """One engine, and what it has been told."""

    feeder: Feeder
    database: Engine
    cluster: str = ""
    tidied: float = -TIDY_EVERY
    watched: float = -WATCH_EVERY
    places: dict[UUID, tuple[int, int]] = field(default_factory=dict)  # up to where documents were compared

    def round(self) -> bool:
        """One batch of every workspace's; whether there was anything to feed.

        One workspace's trouble is raised once each has had its turn.
        """
        cluster = self.feeder.engine.cluster()
        if cluster != self.cluster:
            self.feeder.engine.prepare()
            self.cluster = cluster
        due = monotonic() - self.tidied >= TIDY_EVERY
        look = monotonic() - self.watched >= WATCH_EVERY
        busy, failed = False, None
        for workspace in workspaces.known(self.database):
            try:
                busy |= self.feeder.round(workspace, cluster=cluster) > 0
                if due:
                    reconciling.tidy(self.feeder, workspace)
                if look:
                    self._watch(workspace)
            except (SearchUnavailable, ForeignIndex) as error:
                failed = error
        if failed is not None:
            raise failed
        if due:
            self.tidied = monotonic()
        if look:
            self.watched = monotonic()
        return busy

    def _watch(self, workspace: UUID) -> None:
        """Compare the next few documents with the log: an edit stays there for minutes, not for ever."""
        place = self.places.get(workspace, (0, 0))
        self.places[workspace], mended = reconciling.watch(self.feeder, workspace, place)
        if mended:
            log().warning("search_documents_mended", workspace=str(workspace), count=mended)


def run(settings: Settings, *, engine: Engine, state: StateDirectory, stop: threading.Event) -> None:
    """Feed every workspace's log to the search engine, wherever it is, until `stop` is set."""
    locate = wiring.search_engine(settings)
    feeding: _Feeding | None = None
    trouble = _Trouble()
    while not stop.is_set():
        busy = False
        try:
            found = locate()
            if found is not None:
                if feeding is None or feeding.feeder.engine is not found:
                    fed = wiring.feeder(found, settings, state=state, engine=engine, wait=stop.wait)
                    feeding = _Feeding(fed, engine)
                busy = feeding.round()
                trouble.over()
        except (SearchUnavailable, ForeignIndex, SQLAlchemyError) as error:
            # What comes back may be another engine, with other indices.
            feeding = None
            trouble.met(error, stop)
        if not busy:
            stop.wait(IDLE)
