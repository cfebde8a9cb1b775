"""A release counts apart what may have arrived, and what its receiver has taken."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """What releases of before counted as released stays so: nobody knows any more which of it was unsure."""
    column = sa.Column("unknown", sa.BigInteger(), nullable=False, server_default="0")
    op.add_column("releases", column, schema="cdp")
