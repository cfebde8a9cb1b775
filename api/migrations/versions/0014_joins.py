"""A claim can join nobody; and a steward can say of many fragments that they are one person's."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Whoever was joined stays joined, and nobody has been vouched for yet."""
    op.add_column(
        "claims",
        sa.Column("joins", sa.Boolean(), nullable=False, server_default=sa.true()),
        schema="identity",
    )
    vouched = sa.Column("vouched_at", sa.DateTime(timezone=True), nullable=True)
    op.add_column("fragments", vouched, schema="identity")
