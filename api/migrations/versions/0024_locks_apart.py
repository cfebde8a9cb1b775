"""Registers stay whole, and nobody who only reads can keep others from changing them."""

from alembic import op

from api.migrations.security import create_event_partitions, run_script

revision = "0024"
down_revision = "0023"

# Of which nothing deletes.
TABLES = (
    "cdp.segments",
    "cdp.sources",
    "cdp.verdict_counts",
    "identity.gone",
    "policies.wrong_secrets",
)


def upgrade() -> None:
    """The lock of the registers is a row that the role of reports cannot lock; so is that of new partitions."""
    for table in TABLES:
        op.execute(f"REVOKE DELETE ON {table} FROM cdp_app")
    run_script("""
        CREATE FUNCTION cdp.hold_registers() RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $body$
        BEGIN
            PERFORM FROM cdp.workspaces
            WHERE id = NULLIF((SELECT current_setting('cdp.workspace', true)), '')::uuid
            FOR NO KEY UPDATE;
        END
        $body$;
        REVOKE ALL ON FUNCTION cdp.hold_registers FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION cdp.hold_registers TO cdp_app;
    """)
    op.execute("DROP FUNCTION cdp.ensure_event_partition")
    create_event_partitions()
