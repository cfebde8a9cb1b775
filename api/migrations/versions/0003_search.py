"""The searchable form of the log, the recipient of an entry, and how far a search engine was fed."""

import sqlalchemy as sa
from alembic import op

from api.migrations.security import run_script, secure

revision = "0003"
down_revision = "0002"

WORDS = ("actor", "action", "purpose", "outcome")


def upgrade() -> None:
    """Three tables, a column, an index; what the log holds already becomes searchable."""
    op.add_column("pending", sa.Column("recipient", sa.Uuid(), nullable=True), schema="audit")
    op.create_index("ix_subjects_epoch_seq", "subjects", ["workspace_id", "epoch", "seq"], schema="audit")
    create_searchable()
    create_feeds()
    secure("audit", "searchable", app="SELECT", keeper="SELECT, INSERT")
    secure("audit", "feeds", app="SELECT", keeper="SELECT, INSERT, UPDATE, DELETE")
    secure("audit", "unindexed", app="SELECT", keeper="SELECT, INSERT, DELETE")
    fill()


def create_searchable() -> None:
    op.create_table(
        "searchable",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(word, sa.Text(), nullable=False) for word in WORDS),
        sa.Column("recipient", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "epoch", "seq", name="pk_searchable"),
        schema="audit",
    )
    for name in ("at", *WORDS, "recipient"):
        op.create_index(
            f"ix_searchable_{name}", "searchable", ["workspace_id", name, "epoch", "seq"], schema="audit"
        )


def create_feeds() -> None:
    op.create_table(
        "feeds",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("documents", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "generation", name="pk_feeds"),
        schema="audit",
    )
    op.create_table(
        "unindexed",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "generation", "epoch", "seq", name="pk_unindexed"),
        schema="audit",
    )


def fill() -> None:
    """The owner too sees one workspace at a time: row-level security is forced."""
    run_script(
        """
        DO $$
        DECLARE one uuid;
        BEGIN
            FOR one IN SELECT id FROM cdp.workspaces LOOP
                PERFORM set_config('cdp.workspace', one::text, true);
                INSERT INTO audit.searchable
                    (workspace_id, epoch, seq, at, actor, action, purpose, outcome)
                SELECT workspace_id, epoch, seq, (said->>'at')::timestamptz, said->>'actor',
                    said->>'action', said->>'purpose', said->>'outcome'
                FROM (SELECT *, convert_from(leaf, 'UTF8')::jsonb AS said FROM audit.entries) AS kept;
            END LOOP;
            PERFORM set_config('cdp.workspace', '', true);
        END $$
        """
    )
