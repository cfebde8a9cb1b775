"""What is agreed to recipient by recipient stands side by side: a grant of the one is none of the other's."""

import sqlalchemy as sa
from alembic import op

from api.migrations.security import run_script

revision = "0015"
down_revision = "0014"

_KEY = (
    "workspace_id",
    "scope",
    "fragment_id",
    "contact_id",
    "purpose_id",
    "channel",
    "polarity",
    "change_act",
)
# Grants that another notice's had replaced stand again, as the ledger has them.
_AGAIN = """
DO $$
DECLARE one uuid;
BEGIN
    FOR one IN SELECT id FROM cdp.workspaces LOOP
        PERFORM set_config('cdp.workspace', one::text, true);
        UPDATE consent.current c SET apart = c.notice_id FROM consent.purposes p
        WHERE p.id = c.purpose_id AND p.name IN ('another_handler', 'cross_border') AND c.polarity = 1;
        INSERT INTO consent.current (workspace_id, entry_id, scope, fragment_id, contact_id, purpose_id, channel,
            polarity, change_act, apart, state, notice_id, explicit, guardian, received_at, asserted_at,
            expires_at, seq)
        SELECT DISTINCT ON (e.scope, e.fragment_id, e.contact_id, e.purpose_id, e.channel, act, e.notice_id)
            e.workspace_id, e.id, e.scope, e.fragment_id, e.contact_id, e.purpose_id, e.channel,
            1, act, e.notice_id, e.state, e.notice_id, e.explicit, e.guardian, e.received_at, e.asserted_at,
            e.expires_at, e.seq
        FROM consent.entries e
        JOIN consent.purposes p ON p.id = e.purpose_id
        CROSS JOIN LATERAL (SELECT e.evidence IN ('form', 'double_opt_in', 'call', 'paper') AS act) AS evidenced
        WHERE p.name IN ('another_handler', 'cross_border') AND e.state = 'given'
        ORDER BY e.scope, e.fragment_id, e.contact_id, e.purpose_id, e.channel, act, e.notice_id,
            e.asserted_at DESC, e.seq DESC
        ON CONFLICT DO NOTHING;
    END LOOP;
    PERFORM set_config('cdp.workspace', '', true);
END
$$;
"""


def upgrade() -> None:
    """The notice of such a grant belongs to what makes two of them one."""
    op.add_column("current", sa.Column("apart", sa.Uuid(), nullable=True), schema="consent")
    op.drop_index("uq_current_word", "current", schema="consent")
    op.create_index(
        "uq_current_word",
        "current",
        [*_KEY, "apart"],
        unique=True,
        schema="consent",
        postgresql_nulls_not_distinct=True,
    )
    run_script(_AGAIN)
