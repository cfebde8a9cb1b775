"""What a client was answered is kept for a day, by the key that it gave its request."""

import sqlalchemy as sa
from alembic import op

from api.migrations.security import secure

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Nothing has been answered by a key."""
    op.create_table(
        "answers",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("inbox_key_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "client_id", "key", name=op.f("pk_answers")),
        schema="cdp",
    )
    secure("cdp", "answers", app="SELECT, INSERT, UPDATE, DELETE")
