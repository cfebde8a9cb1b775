"""Whether this process can serve: database, migrations, state directory, and how far the inbox lags."""

import os
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from api.http.dependencies import System
from api.migrations import newest
from cdp.intake import inbox
from cdp.registers import workspaces
from cdp.vocabulary import Actor
from cdp.work import open_work

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
    longest = timedelta(0)
    for workspace in workspaces.known(system.app):
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
