"""What a no needs to be heard for ever: old contacts, lists of suppressions, why a grant does not count.

Notices say since when they are shown, so that an agreement names the version that was seen.
"""

from uuid import uuid5

import sqlalchemy as sa
from alembic import op

from api.migrations.security import run_script, secure

revision = "0009"
down_revision = "0008"

_SEPARATE = ("another_handler", "cross_border")

_RESERVE = """
INSERT INTO consent.purposes (workspace_id, id, name, basis, purpose_class, controller_id, needs_contact,
    opt_out_offered, created_at)
SELECT :workspace, :id, :name, 'consent', 'service', :workspace, false, true, now()
WHERE EXISTS (SELECT 1 FROM consent.purposes WHERE name = 'direct_marketing')
ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    """Make what was known before fit: a notice was shown since it was registered."""
    # Filled by the rewrite: the table is closed to its owner too, so an UPDATE would reach no row.
    op.execute(
        "ALTER TABLE consent.notices ADD COLUMN published_at timestamptz NOT NULL"
        " GENERATED ALWAYS AS (created_at) STORED"
    )
    op.execute("ALTER TABLE consent.notices ALTER COLUMN published_at DROP EXPRESSION")
    op.add_column("entries", sa.Column("not_counted", sa.Text(), nullable=True), schema="consent")
    for name in ("reason", "source"):
        op.add_column("suppressions", sa.Column(name, sa.Text(), nullable=True), schema="consent")
    op.create_table(
        "former_contacts",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("successor_id", sa.Uuid(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "contact_id", "label", name=op.f("pk_former_contacts")),
        schema="consent",
    )
    op.create_index(
        "ix_former_contacts_mac",
        "former_contacts",
        ["workspace_id", "label", "namespace", "mac"],
        schema="consent",
    )
    secure("consent", "former_contacts", app="SELECT, INSERT, UPDATE, DELETE")
    _reserve()


def _reserve() -> None:
    """Give every workspace that has its reserved purposes the two that are agreed to separately."""
    found = op.get_bind()
    for workspace in found.execute(sa.text("SELECT id FROM cdp.workspaces")).scalars().all():
        found.execute(sa.text("SELECT set_config('cdp.workspace', :one, true)"), {"one": str(workspace)})
        for name in _SEPARATE:
            found.execute(
                sa.text(_RESERVE),
                {"workspace": workspace, "id": uuid5(workspace, f"purpose:{name}"), "name": name},
            )
    run_script("SELECT set_config('cdp.workspace', '', true)")
