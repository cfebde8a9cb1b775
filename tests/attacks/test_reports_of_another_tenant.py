"""Somebody who writes reports on one tenant names another to the database."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from worlds.api_world import MAILER, as_admin
from worlds.journeys import ANN, identify, ordered

from cdp.kernel.database import READER
from cdp.recipients import recipients
from cdp.registers import workspaces

FAR = datetime(2099, 1, 1, tzinfo=UTC)
READABLE = text(
    "SELECT c.oid::regclass::text,"
    " EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive"
    " AND p.polroles = ARRAY['cdp_reader'::regrole::oid])"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND has_table_privilege('cdp_reader', c.oid, 'SELECT')"
    " AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
)


@pytest.fixture
def reports(database, workspace):
    """The role of reports on this workspace."""
    name = f"{READER}_{workspace.hex}"
    with database.server.admin(database.name) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN IN ROLE {READER}")
    engine = create_engine(database.server.url(name, database.name), poolclass=NullPool)
    yield engine
    with database.server.admin(database.name) as admin:
        admin.execute(f"DROP ROLE {name}")


def counted(engine, workspace):
    """How many facts and derived values a role reads under that workspace's name."""
    with engine.connect() as connection:
        connection.execute(text("SELECT set_config('cdp.workspace', :w, true)"), {"w": str(workspace)})
        return [
            connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in ("cdp.facts", "cdp.derived")
        ]


def test_a_report_on_one_tenant_reads_another(journey, database, reports):
    """The role says whose it is, and no setting does: another tenant's rows are not there."""
    journey.send("web", identify("u1", ANN), ordered("u1", 1, 5.0))
    journey.work()
    other = workspaces.create(database.owner, name=f"beside {journey.workspace.hex}", region="DE")
    elsewhere = create_engine(reports.url.set(username=READER), poolclass=NullPool)

    assert all(counted(reports, journey.workspace))
    assert counted(reports, other) == [0, 0]
    assert counted(elsewhere, journey.workspace) == [0, 0], "a role that is nobody's reads nothing"


def test_a_report_becomes_another_role(database, reports):
    """What a role may not is not lent to it: neither the application's rights nor another's name."""
    for statement in ("SET ROLE cdp_app", "SET SESSION AUTHORIZATION cdp_reader", "CREATE TABLE cdp.x ()"):
        with reports.connect() as connection, pytest.raises(DBAPIError) as refused:
            connection.execute(text(statement))

        assert type(refused.value.orig).__name__ == "InsufficientPrivilege"


TAKEN = (
    "SELECT cdp.hold_registers()",
    "SELECT id FROM cdp.workspaces FOR UPDATE",
    "SELECT id FROM cdp.workspaces FOR KEY SHARE",
    "LOCK TABLE cdp.workspaces IN ACCESS SHARE MODE",
    "LOCK TABLE cdp.events IN ACCESS SHARE MODE",
    "SELECT cdp.ensure_event_partition(now())",
)


def test_a_report_keeps_a_tenants_registers_locked(town, reports):
    """It can take no lock that a change waits for, whichever locks are anybody's."""
    ports = town.system.ports
    for statement in TAKEN:
        with reports.connect() as connection, pytest.raises(DBAPIError) as refused:
            connection.execute(text(statement))
        assert type(refused.value.orig).__name__ == "InsufficientPrivilege", statement
    mine = text("SELECT locktype FROM pg_locks WHERE pid = pg_backend_pid()")
    with as_admin(town.system, town.workspace) as work:
        recipients.renew(MAILER, transfer_until=FAR, work=work, ports=ports)
        taken = work.session.scalars(mine).all()

    assert taken
    assert "advisory" not in taken


def test_every_table_that_reports_read_holds_them_to_their_tenant(begin):
    """A table that is opened to them later is closed in the same way, or this fails."""
    with begin() as work:
        readable = dict(tuple(row) for row in work.session.execute(READABLE))

    assert set(readable) == {"cdp.facts", "cdp.derived"}
    assert all(readable.values())
