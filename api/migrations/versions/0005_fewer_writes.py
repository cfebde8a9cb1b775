"""Fewer writes a message: golden pointers rank fragments, indexes that serve two questions, room on pages.

Golden pointers are made anew by ADR-0019. Rows are seen workspace by workspace, for row-level
security binds the owner too.
"""

from alembic import op

from api.migrations.security import run_script

revision = "0005"
down_revision = "0004"

_REPOINT = """
DO $body$
DECLARE
    one uuid;
BEGIN
    FOR one IN SELECT id FROM cdp.workspaces LOOP
        PERFORM set_config('cdp.workspace', one::text, true);
        DELETE FROM identity.golden;
        INSERT INTO identity.golden (workspace_id, profile_id, trait, rank, statement_id, fragment_id)
        SELECT one, profile_id, trait, rank, statement_id, fragment_id FROM (
            SELECT profile_id, trait, statement_id, fragment_id,
                row_number() OVER (
                    PARTITION BY profile_id, trait
                    ORDER BY trust, priority, accept_seq DESC, index DESC, statement_id
                ) AS rank
            FROM (
                SELECT DISTINCT ON (f.root_id, t.trait, f.id)
                    f.root_id AS profile_id, t.trait, s.id AS statement_id, f.id AS fragment_id,
                    s.trust, s.priority, s.accept_seq, s.index
                FROM identity.fragments f
                JOIN identity.statement_traits t ON t.fragment_id = f.id
                JOIN identity.statements s ON s.id = t.statement_id
                ORDER BY f.root_id, t.trait, f.id,
                    s.trust, s.priority, s.accept_seq DESC, s.index DESC, s.id
            ) AS offered
        ) AS ranked
        WHERE rank <= 3;
    END LOOP;
    PERFORM set_config('cdp.workspace', '', true);
END
$body$
"""

# Schema, table, its key behind the workspace, and the indexes that the new key makes needless.
_KEYS = (
    ("identity", "statement_traits", "fragment_id, statement_id, trait", "ix_statement_traits_fragment"),
    ("cdp", "facts", "fragment_id, attribute_id, event_id", "ix_facts_fragment"),
    ("cdp", "derived", "profile_id, attribute_id", "ix_derived_profile"),
)
_ROOM = (
    ("identity.golden", 70),
    ("cdp.fragment_attributes", 80),
    ("governance.keys", 80),
)


def upgrade() -> None:
    """Point golden values anew, merge indexes into keys, leave room for updates in place."""
    for schema, table, key, needless in _KEYS:
        op.execute(f"ALTER TABLE {schema}.{table} DROP CONSTRAINT pk_{table}")
        op.execute(f"DROP INDEX {schema}.{needless}")
        op.execute(
            f"ALTER TABLE {schema}.{table} ADD CONSTRAINT pk_{table} PRIMARY KEY (workspace_id, {key})"
        )
    for kind in ("number", "word"):
        op.execute(f"DROP INDEX cdp.ix_derived_{kind}")
        op.execute(
            f"CREATE INDEX ix_derived_{kind} ON cdp.derived (workspace_id, attribute_id, {kind}, profile_id)"
            f" WHERE {kind} IS NOT NULL"
        )
    for table, percent in _ROOM:
        op.execute(f"ALTER TABLE {table} SET (fillfactor = {percent})")
    run_script(_REPOINT)
