"""A migrated database, and the platform joined on it: those that most tests share, or a file's own."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from api.migrations import upgrade
from api.processes import startup
from api.wiring import System, wire
from cdp.kernel import embedded
from cdp.kernel.database import APP, KEEPER, OWNER, READER, make_engine
from cdp.kernel.embedded import EmbeddedServer
from cdp.kernel.settings import Settings


@dataclass(frozen=True)
class Database:
    """One migrated database and the engines of its roles."""

    server: EmbeddedServer
    name: str
    owner: Engine
    app: Engine
    keeper: Engine
    reader: Engine


@contextmanager
def migrated(server: EmbeddedServer, name: str) -> Iterator[Database]:
    """The database of this name, made and migrated."""
    embedded.create_database(server, name)
    upgrade(server.url(OWNER, name))
    engines = {
        role: make_engine(server.url(role, name), pool_size=8) for role in (OWNER, APP, KEEPER, READER)
    }
    yield Database(server, name, engines[OWNER], engines[APP], engines[KEEPER], engines[READER])
    for engine in engines.values():
        engine.dispose()


@contextmanager
def joined(database: Database, folders: pytest.TempPathFactory) -> Iterator[System]:
    """The whole platform, joined as in production, on a database."""
    state_dir = folders.mktemp("platform") / "state"
    settings = Settings(
        state_dir=state_dir,
        data_dir=state_dir.parent,
        # Receivers of tests are folders of theirs, and listen on this machine.
        release_dir=folders.getbasetemp(),
        webhook_loopback=True,
    )
    state = startup.prepare(settings, database.server.url(OWNER, database.name))
    made = wire(settings, state=state, app_url=database.server.url(APP, database.name))
    yield made
    made.app.dispose()


def alone(server: EmbeddedServer) -> AbstractContextManager[Database]:
    """A database that has the workspaces of one file, for workers that look at all there are."""
    return migrated(server, f"alone_{uuid4().hex[:12]}")
