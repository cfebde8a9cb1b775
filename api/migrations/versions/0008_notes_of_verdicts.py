"""A verdict says what else became of the message: words of ours, apart by commas."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Messages so far have none."""
    op.add_column("seen", sa.Column("notes", sa.Text(), nullable=True), schema="cdp")
