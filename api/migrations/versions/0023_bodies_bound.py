"""An answer that is kept belongs to its request alone; those that were kept before belong to none."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """What became of those requests nobody can tell any more: a repetition is a 409, and done no second time.

    Requests in the inbox and in quarantine open as they were sealed, until their keys end.
    """
    op.execute("ALTER TABLE cdp.answers NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE cdp.answers SET status = NULL, inbox_key_id = NULL, body = NULL")
    op.execute("ALTER TABLE cdp.answers FORCE ROW LEVEL SECURITY")
