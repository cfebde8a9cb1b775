"""Detection: rows that wait for a scan, what scans said, what they found, what people decided."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from api.migrations.security import secure

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Four tables, closed like all others."""
    create_waiting()
    create_results()
    secure("cdp", "unscanned", app="SELECT, INSERT, UPDATE, DELETE")
    secure("governance", "scans", app="SELECT, INSERT, UPDATE, DELETE")
    secure("governance", "findings", app="SELECT, INSERT, UPDATE, DELETE")
    secure("governance", "decisions", app="SELECT, INSERT, DELETE")


def create_waiting() -> None:
    op.create_table(
        "unscanned",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("statements", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("received", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False, server_default="0"),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_unscanned")),
        schema="cdp",
    )


def create_results() -> None:
    op.create_table(
        "scans",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("finds", sa.Integer(), nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "label", "row_id", name=op.f("pk_scans")),
        schema="governance",
    )
    op.create_index("ix_scans_fragment", "scans", ["workspace_id", "fragment_id"], schema="governance")
    op.create_index("ix_scans_version", "scans", ["workspace_id", "version", "state"], schema="governance")
    op.create_table(
        "findings",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.SmallInteger(), nullable=False),
        sa.Column("leaf", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_findings")),
        schema="governance",
    )
    for name, columns in (
        ("row", ["label", "row_id"]),
        ("fragment", ["fragment_id"]),
        ("found", ["version", "found_at", "id"]),
    ):
        op.create_index(f"ix_findings_{name}", "findings", ["workspace_id", *columns], schema="governance")
    op.create_table(
        "decisions",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("finding_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fragment_id", sa.Uuid(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "finding_id", "number", name=op.f("pk_decisions")),
        schema="governance",
    )
    op.create_index(
        "ix_decisions_fragment", "decisions", ["workspace_id", "fragment_id"], schema="governance"
    )
