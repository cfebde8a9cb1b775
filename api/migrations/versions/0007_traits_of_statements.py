"""A statement says itself which traits it holds: one array in its row, for eight rows beside it.

Filled workspace by workspace, for row-level security binds the owner too.
"""

from alembic import op

from api.migrations.security import run_script

revision = "0007"
down_revision = "0006"

_FILL = """
DO $body$
DECLARE
    one uuid;
BEGIN
    FOR one IN SELECT id FROM cdp.workspaces LOOP
        PERFORM set_config('cdp.workspace', one::text, true);
        UPDATE identity.statements s SET traits = t.traits
        FROM (
            SELECT statement_id, array_agg(trait ORDER BY trait) AS traits
            FROM identity.statement_traits
            GROUP BY statement_id
        ) AS t
        WHERE s.id = t.statement_id;
    END LOOP;
    PERFORM set_config('cdp.workspace', '', true);
END
$body$
"""


def upgrade() -> None:
    """Move what `statement_traits` says into the statements, and drop it."""
    op.execute("ALTER TABLE identity.statements ADD COLUMN traits int2[] NOT NULL DEFAULT '{}'")
    run_script(_FILL)
    op.execute("ALTER TABLE identity.statements ALTER COLUMN traits DROP DEFAULT")
    op.execute("DROP TABLE identity.statement_traits")
