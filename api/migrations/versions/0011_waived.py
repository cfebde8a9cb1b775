"""A steward can say of a fragment that it is one person's, however many contacts it goes by."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Nobody has said so yet."""
    waived = sa.Column("waived_at", sa.DateTime(timezone=True), nullable=True)
    op.add_column("fragments", waived, schema="identity")
