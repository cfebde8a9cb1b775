"""Policy lines of a workspace's own purposes, and who put a version of the policy in force."""

import sqlalchemy as sa
from alembic import op

from api.migrations.security import secure

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Nothing has written a version before, so nobody has to be made up for one."""
    op.create_table(
        "purpose_lines",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agreed_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "purpose", name=op.f("pk_purpose_lines")),
        schema="policies",
    )
    secure("policies", "purpose_lines", app="SELECT, INSERT, UPDATE, DELETE")
    op.execute("ALTER TABLE policies.policy_versions ADD COLUMN loaded_by text NOT NULL")
