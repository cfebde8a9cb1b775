"""What every migration does to a new table: row-level security and grants.

Names and rights come from migrations, never from input.
"""

from alembic import op
from psycopg import Connection

from cdp.kernel.database import WORKSPACE_PREDICATE

ROLES = ("app", "keeper", "reader")


def create_schemas(*names: str) -> None:
    """Schemas that the runtime roles may look into."""
    for name in names:
        op.execute(f"CREATE SCHEMA {name}")
        op.execute(f"GRANT USAGE ON SCHEMA {name} TO cdp_app, cdp_keeper, cdp_reader")


def grant(schema: str, table: str, **rights: str) -> None:
    """Grant each role (`app`, `keeper`, `reader`) its rights on a table."""
    for role, privileges in rights.items():
        assert role in ROLES, f"no such role: {role}"
        op.execute(f"GRANT {privileges} ON {schema}.{table} TO cdp_{role}")


def secure(schema: str, table: str, **rights: str) -> None:
    """Force row-level security on a workspace's table, its owner included, and grant rights."""
    for statement in protection(f"{schema}.{table}"):
        op.execute(statement)
    grant(schema, table, **rights)


def protection(name: str) -> tuple[str, str, str]:
    """The statements that close a table to everybody who has no workspace set."""
    return (
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY workspace ON {name} USING ({WORKSPACE_PREDICATE}) WITH CHECK ({WORKSPACE_PREDICATE})",
    )


def run_script(statements: str) -> None:
    """Run SQL as it stands: percent signs in it are its own, not placeholders."""
    driver: Connection | None = op.get_bind().connection.driver_connection
    assert driver is not None, "a connection that is in use"
    driver.execute(statements)


def create_event_partitions() -> None:
    """A function by which the runtime roles, who own nothing, get the partition of a month.

    A partition can be read by name, so it is closed like its parent and granted to nobody. Of two who ask at
    once one waits at the table, which nobody else can lock: an advisory lock could be anybody's.
    """
    enable, force, policy = protection("cdp.%1$I")
    body = f"""
    CREATE FUNCTION cdp.ensure_event_partition(day timestamptz) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $body$
    DECLARE
        first timestamptz := date_trunc('month', day, 'UTC');
        name text := 'events_' || to_char(first AT TIME ZONE 'UTC', 'YYYY_MM');
    BEGIN
        IF day NOT BETWEEN '2000-01-01' AND now() + interval '2 months' THEN
            RAISE EXCEPTION 'no partition for that month';
        END IF;
        IF to_regclass('cdp.' || name) IS NOT NULL THEN
            RETURN;
        END IF;
        LOCK TABLE cdp.events IN SHARE UPDATE EXCLUSIVE MODE;
        IF to_regclass('cdp.' || name) IS NOT NULL THEN
            RETURN;
        END IF;
        EXECUTE format('CREATE TABLE cdp.%I PARTITION OF cdp.events FOR VALUES FROM (%L) TO (%L)',
            name, first, first + interval '1 month');
        EXECUTE format($sql$ {enable} $sql$, name);
        EXECUTE format($sql$ {force} $sql$, name);
        EXECUTE format($sql$ {policy} $sql$, name);
    END
    $body$"""
    run_script(body)
    op.execute("REVOKE ALL ON FUNCTION cdp.ensure_event_partition FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION cdp.ensure_event_partition TO cdp_app")


def grant_jobs() -> None:
    """The job library's tables lie in `public`; jobs carry ids only, never personal values."""
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO cdp_app")
    op.execute("REVOKE ALL ON public.alembic_version FROM cdp_app")
    op.execute("GRANT SELECT ON public.alembic_version TO cdp_app, cdp_keeper")
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cdp_app")
    op.execute("GRANT USAGE, SELECT, UPDATE ON SEQUENCE cdp.accept_seq TO cdp_app")
