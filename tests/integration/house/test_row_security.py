"""Row-level security, read from the database's own catalogue."""

from sqlalchemy import text

from cdp.kernel.database import metadata

# Alembic's and the job library's tables, and those that name or span workspaces.
WITHOUT_WORKSPACE = {
    "cdp.workspaces",
    "governance.instance",
    "governance.journal_lines",
    "governance.journal_marks",
    "public.alembic_version",
    "public.procrastinate_events",
    "public.procrastinate_jobs",
    "public.procrastinate_periodic_defers",
    "public.procrastinate_workers",
}

OURS = text(
    "SELECT n.nspname || '.' || c.relname, c.relrowsecurity AND c.relforcerowsecurity,"
    " EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'workspace_id')"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
)


def test_every_table_forces_row_level_security_but_a_stated_list(database, begin):
    """A table without a policy would show every tenant's rows to every tenant."""
    with begin() as work:
        work.session.execute(text("SELECT cdp.ensure_event_partition(now())"))
        tables = work.session.execute(OURS).all()
    unprotected = {name for name, forced, _ in tables if not forced}

    assert unprotected == WITHOUT_WORKSPACE
    assert not {name for name, _, has in tables if has} & WITHOUT_WORKSPACE
    assert any(name.startswith("cdp.events_") for name, _, _ in tables)


def test_the_metadata_and_the_migrated_database_are_the_same_tables(database, begin):
    """Code that believes in a table that no migration makes would fail in production only."""
    with begin() as work:
        there = {name for name, _, _ in work.session.execute(OURS)}
    declared = {str(table) for table in metadata.tables.values()}

    assert declared <= there


def test_without_a_workspace_the_runtime_role_reads_no_row_of_any_table(database, workspace, begin):
    """A5: a forgotten workspace shows nothing, whatever the query."""
    with begin(engine=database.owner) as work:
        work.session.execute(
            text(
                "INSERT INTO cdp.segments (workspace_id, id, name, rule, created_at)"
                " VALUES (:w, :w, 'rule', '{}', now())"
            ),
            {"w": workspace},
        )
    with begin() as work:
        assert work.session.scalar(text("SELECT count(*) FROM cdp.segments")) == 1
    for engine in (database.app, database.keeper, database.reader, database.owner):
        with engine.connect() as connection:
            for table in metadata.tables.values():
                if "workspace_id" not in table.c:
                    continue
                allowed = connection.scalar(
                    text("SELECT has_table_privilege(CAST(:name AS text), 'SELECT')"), {"name": str(table)}
                )
                if allowed:
                    assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table
