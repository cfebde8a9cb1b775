"""Alembic's entry: the connection comes from `api.migrations`, nothing else is read."""

# Each import declares the tables of its package.
from alembic import context

import audit.tables  # noqa: F401
import cdp.tables  # noqa: F401
import consent.tables  # noqa: F401
import governance.tables  # noqa: F401
import identity.tables  # noqa: F401
import policies.tables  # noqa: F401
from cdp.kernel.database import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
