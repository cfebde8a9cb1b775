"""Which policy is in force is the workspace's, and no process's."""

import sqlalchemy as sa
from alembic import op

from api.migrations.security import secure

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """None is in force yet: the first process that starts puts its own there."""
    op.create_table(
        "policies_in_force",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("adopted_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "number", name=op.f("pk_policies_in_force")),
        schema="policies",
    )
    secure("policies", "policies_in_force", app="SELECT, INSERT")
