"""Lines of purposes say of e-mail addresses and of phones what they said of contacts."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """What an officer has agreed to stays: a line about contacts was about both.

    Versions of policies stay as they were written.
    """
    # Forced row-level security holds the owner too, who has no workspace here.
    op.execute("ALTER TABLE policies.purpose_lines NO FORCE ROW LEVEL SECURITY")
    op.execute(r"""
        UPDATE policies.purpose_lines
        SET text = regexp_replace(
            text, '^(.*), contact, (.*)$', E'\\1, contact_email, \\2\n\\1, contact_phone, \\2', 'gn'
        )
    """)
    op.execute("ALTER TABLE policies.purpose_lines FORCE ROW LEVEL SECURITY")
