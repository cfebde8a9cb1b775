"""The one linear history of the database, and how it is applied.

Run by the owner role alone, under an advisory lock, with a `lock_timeout`: a migration
that cannot get its locks gives up instead of stopping the world.

- `versions`: the history, one file a step.
- `security.py`: what each does to a new table; `env.py`: Alembic's entry.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(owner_url: str) -> str:
    """Bring the database to the newest version and return that version's id."""
    engine = create_engine(owner_url, poolclass=NullPool, hide_parameters=True)
    config = _config()
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('cdp.migrations'))"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
    return newest()


def newest() -> str:
    """The id of the newest version that this code knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "there is always a first migration"
    return head
