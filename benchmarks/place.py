"""A platform to measure: an embedded server that syncs to disk, migrated, with one workspace.

Lies in a temporary directory and is removed at the end. The server has the platform's own
settings and nothing that a test would loosen; `durable` proves it before anything is measured.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from api.processes import startup
from api.wiring import Opener, System, wire
from cdp.kernel import embedded, logs
from cdp.kernel.database import APP, OWNER, make_engine
from cdp.kernel.embedded import EmbeddedServer
from cdp.kernel.errors import Refused
from cdp.kernel.settings import Settings
from cdp.ports import Category
from cdp.registers import source_keys, source_rows, workspaces
from cdp.vocabulary import Actor, Basis, KeyKind, PurposeClass, SourceId, WorkspaceId
from consent.register import register
from governance.keys import statedir

DATABASE = "benchmark"
CATEGORIES = {"marketing": Category("email_marketing", "email"), "analytics": Category("profiling")}
_MUST_BE_ON = ("fsync", "synchronous_commit", "full_page_writes")


class NotDurable(Refused):
    """The server does not sync to disk; what is measured on it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The platform under measurement, as this process holds it."""

    server: EmbeddedServer
    system: System
    workspace: WorkspaceId
    source: SourceId
    write_key: str

    @property
    def environment(self) -> dict[str, str]:
        """What a child process needs to join."""
        settings = self.system.settings
        return {
            "CDP_DATABASE_URL": self.server.url(APP, DATABASE),
            "CDP_STATE_DIR": str(settings.state_dir),
            "CDP_DATA_DIR": str(settings.data_dir),
            "CDP_LOG_LEVEL": settings.log_level,
        }

    def begin(self, *roles: str, purpose: str = "benchmark") -> Opener:
        """Opens Works in these roles."""
        actor = Actor(ref="benchmark", roles=frozenset(roles or ("service",)), kind="system")
        return self.system.opener(self.workspace, actor=actor, purpose=purpose)

    def admin(self) -> psycopg.Connection[Any]:
        """The superuser's connection, autocommitting: for bare tables, which are nobody's."""
        return self.server.admin(DATABASE)


def joined() -> System:
    """The platform of the environment, for a child process; the parent has prepared it."""
    settings = Settings()
    logs.configure(settings.log_level)
    return wire(settings, state=statedir.open_state(settings.state_dir), app_url=settings.database_url)


@contextmanager
def opened(**settings: Any) -> Iterator[Place]:
    """A fresh platform with `settings`; stopped and removed when the block is left. Raises `NotDurable`."""
    folder = Path(tempfile.mkdtemp(prefix="cdp-benchmark-"))
    try:
        server = embedded.start(folder / "pg")
        try:
            yield from _platform(server, folder, settings)
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _platform(server: EmbeddedServer, folder: Path, given: dict[str, Any]) -> Iterator[Place]:
    embedded.create_database(server, DATABASE)
    with server.admin(DATABASE) as admin:
        for name in _MUST_BE_ON:
            if admin.execute("SELECT current_setting(%s)", (name,)).fetchone() != ("on",):
                raise NotDurable(setting=name)
    settings = Settings(
        state_dir=folder / "state", data_dir=folder, release_dir=folder, log_level="warning", **given
    )
    logs.configure(settings.log_level)
    state = startup.prepare(settings, server.url(OWNER, DATABASE))
    owner = make_engine(server.url(OWNER, DATABASE), pool_size=1)
    workspace = WorkspaceId(workspaces.create(owner, name="Benchmark", region="DE"))
    owner.dispose()
    system = wire(settings, state=state, app_url=server.url(APP, DATABASE))
    source, key = _registered(system, workspace)
    try:
        yield Place(server=server, system=system, workspace=workspace, source=source, write_key=key)
    finally:
        system.app.dispose()


def _registered(system: System, workspace: WorkspaceId) -> tuple[SourceId, str]:
    """A source whose consent categories mean two purposes, and its server key."""
    admin = Actor(ref="benchmark", roles=frozenset({"admin"}), kind="system")
    with system.opener(workspace, actor=admin, purpose="setup")() as work:
        register.seed(work)
        for name, kind in (
            ("email_marketing", PurposeClass.MARKETING),
            ("profiling", PurposeClass.MARKETING),
        ):
            register.add_purpose(
                name, basis=Basis.CONSENT, purpose_class=kind, controller=workspace, work=work
            )
        source = source_rows.create(
            "shop", priority=1, authoritative=True, controller_id=workspace, categories=CATEGORIES, work=work
        )
        key = source_keys.create(source.name, KeyKind.SERVER, work=work, ports=system.ports)
    return source.id, key.text
