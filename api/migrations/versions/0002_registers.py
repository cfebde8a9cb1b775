"""Controllers, endpoints of recipients and whose contract they have, whose an API client is, and all that brings a quarantined request back.

The keeper may forget lines of the journal that were trimmed.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from api.migrations.security import grant, secure

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Releases go to registered endpoints alone; clients read as a recipient of the register."""
    op.create_table(
        "endpoints",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_endpoints")),
        schema="consent",
    )
    op.create_index(
        "uq_endpoints_name",
        "endpoints",
        ["workspace_id", "recipient_id", "name"],
        unique=True,
        schema="consent",
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    secure("consent", "endpoints", app="SELECT, INSERT, UPDATE, DELETE")
    op.create_table(
        "controllers",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("establishments", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("offers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_controllers")),
        schema="consent",
    )
    op.create_index(
        "uq_controllers_name", "controllers", ["workspace_id", "name"], unique=True, schema="consent"
    )
    secure("consent", "controllers", app="SELECT, INSERT, UPDATE, DELETE")
    op.add_column(
        "purposes",
        sa.Column("special", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="consent",
    )
    _contracts_of_the_workspace()
    op.add_column("clients", sa.Column("recipient", sa.Text(), nullable=True), schema="policies")
    op.add_column("releases", sa.Column("endpoint_id", sa.Uuid(), nullable=True), schema="cdp")
    # Null for what is in quarantine by now: whose it is was not kept, so it cannot come back.
    for column in (
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("gpc", sa.Boolean(), nullable=True),
        sa.Column("items", sa.Integer(), nullable=True),
    ):
        op.add_column("quarantine", column, schema="cdp")
    grant("governance", "journal_lines", keeper="DELETE")


def _contracts_of_the_workspace() -> None:
    """Whose contract a recipient has: until now there was nobody's but the workspace's own."""
    # The table is closed to its owner too, so an UPDATE would reach no row; a generated column is
    # filled by the rewrite, and then becomes a plain one.
    op.add_column(
        "recipients",
        sa.Column("controller_id", sa.Uuid(), sa.Computed("workspace_id", persisted=True), nullable=False),
        schema="consent",
    )
    op.execute("ALTER TABLE consent.recipients ALTER COLUMN controller_id DROP EXPRESSION")
