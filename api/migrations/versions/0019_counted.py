"""What is done or refused too often for an entry each is counted, and told by the minute."""

import sqlalchemy as sa
from alembic import op

from api.migrations.security import grant, secure

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Nothing has been counted."""
    op.create_table(
        "counted",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_counted")),
        schema="audit",
    )
    secure("audit", "counted", app="INSERT", keeper="SELECT, DELETE")
    grant("audit", "pending", keeper="INSERT")
