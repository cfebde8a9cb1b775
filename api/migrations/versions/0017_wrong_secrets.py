"""How many wrong secrets of a client were shown, and until when its tokens are refused for it."""

import sqlalchemy as sa
from alembic import op

from api.migrations.security import secure

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """None has been counted."""
    op.create_table(
        "wrong_secrets",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("alarms", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refused_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "client_id", name=op.f("pk_wrong_secrets")),
        schema="policies",
    )
    secure("policies", "wrong_secrets", app="SELECT, INSERT, UPDATE, DELETE")
