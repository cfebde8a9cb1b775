"""Which counts were asked for by whom, and what was answered, so that the same gets the same."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from api.migrations.security import secure

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Nothing has been asked."""
    op.create_table(
        "asks",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("figures", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "digest", name=op.f("pk_asks")),
        schema="cdp",
    )
    op.create_index("ix_asks_actor", "asks", ["workspace_id", "actor", "asked_at"], schema="cdp")
    secure("cdp", "asks", app="SELECT, INSERT, UPDATE, DELETE")
