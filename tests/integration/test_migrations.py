"""What a migration makes of rows that are there, on a database of its own."""

import os
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from api import migrations
from cdp.kernel import embedded
from cdp.kernel.database import OWNER


@pytest.fixture
def first(server):
    """A database at the first version: its name."""
    name = f"migrated_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    embedded.create_database(server, name)
    engine = create_engine(server.url(OWNER, name), poolclass=NullPool)
    with engine.begin() as connection:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, "0001")
    engine.dispose()
    yield name
    with server.admin() as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_recipient_that_was_there_has_its_contract_with_its_own_workspace(server, first):
    """The owner reads no row of a closed table, and none may be left without a controller all the same."""
    spaces = sorted([uuid4(), uuid4()])
    other = uuid4()
    with server.admin(first) as admin:
        for space in spaces:
            admin.execute(
                "INSERT INTO consent.recipients VALUES"
                " (%s, %s, 'mailer', 'Mailer GmbH', 'processor', 'DE', false, now(), NULL)",
                (space, uuid4()),
            )
    migrations.upgrade(server.url(OWNER, first))
    with server.admin(first) as admin:
        kept = admin.execute("SELECT workspace_id, controller_id FROM consent.recipients").fetchall()
        admin.execute("UPDATE consent.recipients SET controller_id = %s", (other,))
        changed = admin.execute("SELECT DISTINCT controller_id FROM consent.recipients").fetchall()

    assert sorted(kept) == [(space, space) for space in spaces]
    assert changed == [(other,)], "it is a plain column again"
