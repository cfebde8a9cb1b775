"""Whether this process can serve: database, migrations, state directory, and how far the inbox lags.

Anybody may ask, and a look costs: one is taken at a time, on a thread and a connection of its own, and what
it found is told for a second.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from time import monotonic

from anyio import CapacityLimiter, to_thread
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from api.http.dependencies import System
from api.migrations import newest
from cdp.intake import inbox
from cdp.registers import workspaces
from cdp.vocabulary import Actor
from cdp.work import open_work

TOLD_SECONDS = 1.0  # for which what was found is told again
PATIENCE_SECONDS = 4.0  # less than those who ask wait
LAG_SECONDS = 1.0  # for which workspaces are asked, one by one

_PROBE = Actor(ref="readiness", roles=frozenset(), kind="system")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found; `inbox_lag` is the age of the oldest waiting message of all workspaces."""

    database: bool
    migrations: bool
    state_directory: bool
    inbox_lag: timedelta | None

    @property
    def ready(self) -> bool:
        """Whether requests can be served. A lagging inbox delays releases, not acceptance."""
        return self.database and self.migrations and self.state_directory


class Looks:
    """Looks that all who ask share."""

    def __init__(self, look: Callable[[], Found]) -> None:
        """`look` takes one, in a thread."""
        self._look = look
        self._threads = CapacityLimiter(1)
        self._looking: asyncio.Task[Found] | None = None
        self._found: Found | None = None
        self._until = 0.0

    async def found(self) -> Found:
        """What the newest look has found; what does not answer in time counts as not there."""
        if self._found is not None and monotonic() < self._until:
            return self._found
        if self._looking is None:
            self._looking = asyncio.create_task(self._take())
        try:
            # The look goes on: those who ask next wait for this one and start none.
            return await asyncio.wait_for(asyncio.shield(self._looking), PATIENCE_SECONDS)
        except TimeoutError:
            return Found(database=False, migrations=False, state_directory=False, inbox_lag=None)

    async def _take(self) -> Found:
        try:
            found = await to_thread.run_sync(self._look, limiter=self._threads)
            self._found, self._until = found, monotonic() + TOLD_SECONDS
            return found
        finally:
            self._looking = None


def look(system: System) -> Found:
    """Look at everything; raises nothing."""
    state = _writable(system.settings.state_dir)
    try:
        current = _version(system.app) == _expected()
        lag = _lag(system)
    except SQLAlchemyError:
        return Found(database=False, migrations=False, state_directory=state, inbox_lag=None)
    return Found(database=True, migrations=current, state_directory=state, inbox_lag=lag)


@cache
def _expected() -> str:
    return newest()


def _version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        found: str | None = connection.scalar(text("SELECT version_num FROM public.alembic_version"))
    return found


def _lag(system: System) -> timedelta:
    longest, end = timedelta(0), monotonic() + LAG_SECONDS
    for workspace in workspaces.known(system.app):
        if monotonic() > end:
            break
        with open_work(
            system.app, workspace=workspace, actor=_PROBE, purpose="readiness", clock=system.clock
        ) as work:
            longest = max(longest, inbox.lag(work=work))
    return longest


def _writable(directory: Path) -> bool:
    """Whether a line could be written now: a full disk lets files be made, but nothing in them."""
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return False
    return True
