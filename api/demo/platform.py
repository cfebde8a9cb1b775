"""The demo's own platform: a fresh database and state directory, API, worker and keeper as processes."""

import os
import random
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import httpx
from psycopg import sql

from api.demo.files import DemoFiles
from api.demo.people import Population
from api.processes import search_beside, startup
from api.processes.search_beside import SearchNode, Tell
from api.wiring import Opener, System, wire
from audit.search import node
from cdp.intake import inbox
from cdp.kernel import embedded
from cdp.kernel.database import APP, KEEPER, OWNER, make_engine
from cdp.kernel.embedded import EmbeddedServer
from cdp.kernel.errors import Refused, Unavailable
from cdp.kernel.settings import Settings
from cdp.registers import workspaces
from cdp.releases.reach import Reach
from cdp.vocabulary import Actor, WorkspaceId

DATABASE = "cdp"
NAME = "Demo"


class NotADemo(Refused, http=False):
    """The embedded database holds more than the demo's workspace; the demo would erase it.

    Set CDP_DATA_DIR and CDP_STATE_DIR to fresh folders, or remove `var`.
    """


class NeedsEmbedded(Refused, http=False):
    """The demo runs on the embedded database only; unset CDP_DATABASE_URL."""


class DidNotStart(Unavailable, http=False):
    """A process of the platform did not start; its log lies in the data directory."""


class InboxStuck(Unavailable, http=False):
    """The worker has worked nothing off for minutes; its log lies in the data directory."""


class NoFreePort(Unavailable, http=False):
    """None of the ports that were tried is free on this machine."""


# Nobody waits for as long as this on any machine: a bound for what is stuck, not for what is slow.
PATIENCE = 300.0
RELEASED = "released"  # the folder of releases, within the demo's
# Below those from which outgoing connections take theirs, of this process or another demo's.
PORTS = range(20_000, 32_000)


@dataclass(slots=True)
class Platform:
    """Everything that the chapters of the story share."""

    settings: Settings
    server: EmbeddedServer
    system: System
    workspace: WorkspaceId
    folder: Path
    people: Population
    files: DemoFiles
    search: SearchNode
    children: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def operator(self, *roles: str, purpose: str = "operation") -> Opener:
        """Opens Works of the operator in these roles, as the command line does."""
        actor = Actor(ref="operator", roles=frozenset(roles), kind="system")
        return self.system.opener(self.workspace, actor=actor, purpose=purpose)

    @property
    def reach(self) -> Reach:
        """Where releases may go."""
        return Reach.of(self.settings)

    @property
    def api(self) -> str:
        """The API's address."""
        return self.settings.public_url

    def start(self, *commands: str) -> None:
        """Start `cdp <command>` for each, with this platform's settings."""
        environment = os.environ | {
            "CDP_DATABASE_URL": self.server.url(APP, DATABASE),
            "CDP_OWNER_URL": self.server.url(OWNER, DATABASE),
            "CDP_KEEPER_URL": self.server.url(KEEPER, DATABASE),
            "CDP_STATE_DIR": str(self.settings.state_dir.resolve()),
            "CDP_DATA_DIR": str(self.settings.data_dir.resolve()),
            "CDP_RELEASE_DIR": str(self.settings.release_dir.resolve()),
            "CDP_WEBHOOK_LOOPBACK": "true",
            "CDP_PORT": str(self.settings.port),
            "CDP_PUBLIC_URL": self.settings.public_url,
            "CDP_LOG_LEVEL": "warning",
        }
        logs = self.settings.data_dir / "logs"
        logs.mkdir(exist_ok=True)
        for command in commands:
            with (logs / f"{command}.log").open("ab") as output:
                program = [sys.executable, "-c", "from api.cli import main; main()", command]
                self.children.append(subprocess.Popen(program, env=environment, stdout=output, stderr=output))

    def wait_for_api(self, patience: float = PATIENCE) -> None:
        """Wait until the API says that it is ready."""

        def ready() -> bool:
            if any(child.poll() is not None for child in self.children):
                raise DidNotStart
            try:
                return httpx.get(f"{self.api}/healthz", timeout=10).status_code == 200
            except httpx.HTTPError:
                return False

        if not _until(ready, patience):
            raise DidNotStart

    def wait_for_inbox(self) -> None:
        """Wait until everything accepted so far has been processed, for as long as something moves."""
        begin = self.operator("service")
        with begin() as work:
            point = inbox.mark(work=work)
        least, end = inbox_size(begin), monotonic() + PATIENCE
        while True:
            if any(child.poll() is not None for child in self.children):
                raise DidNotStart
            with begin() as work:
                if inbox.passed(point, work=work):
                    return
            left = inbox_size(begin)
            if left < least:
                least, end = left, monotonic() + PATIENCE
            if monotonic() > end:
                raise InboxStuck
            sleep(0.05)

    def stop(self) -> None:
        """End the processes that this started, then let go of the database."""
        for child in self.children:
            child.terminate()
        for child in self.children:
            try:
                child.wait(timeout=60)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.search.stop()
        self.system.app.dispose()
        self.server.stop()


def _until(condition: Callable[[], bool], patience: float) -> bool:
    end = monotonic() + patience
    while monotonic() < end:
        if condition():
            return True
        sleep(0.05)
    return False


def inbox_size(begin: Opener) -> int:
    """How many messages wait."""
    with begin() as work:
        return inbox.waiting(work=work)


def _free_port() -> int:
    """A port for the API, which binds it a moment later: one that nobody is given meanwhile."""
    for port in random.SystemRandom().sample(PORTS, 50):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise NoFreePort


def fresh(given: Settings, people: Population, write: Callable[[Path], DemoFiles], *, tell: Tell) -> Platform:
    """A new database, a new state directory, an empty workspace. Raises `NotADemo`, `NeedsEmbedded`.

    `tell` takes what the search node says of itself.
    """
    if given.database_url:
        raise NeedsEmbedded
    port = _free_port()
    folder = given.data_dir / "demo"
    # The demo's receivers are folders of its own, and listen on this machine.
    own = {"release_dir": folder / RELEASED, "webhook_loopback": True}
    settings = given.model_copy(update={"port": port, "public_url": f"http://127.0.0.1:{port}", **own})
    server = embedded.start(settings.data_dir / "pg")
    _clear(server, settings)
    embedded.create_database(server, DATABASE)
    state = startup.prepare(settings, server.url(OWNER, DATABASE))
    owner = make_engine(server.url(OWNER, DATABASE), pool_size=1)
    workspace = WorkspaceId(workspaces.create(owner, name=NAME, region="DE"))
    owner.dispose()
    system = wire(settings, state=state, app_url=server.url(APP, DATABASE))
    shutil.rmtree(folder, ignore_errors=True)
    search = SearchNode(settings, tell)
    return Platform(settings, server, system, workspace, folder, people, write(folder / "files"), search)


def _clear(server: EmbeddedServer, settings: Settings) -> None:
    """Drop an earlier demo's database and state, and nothing that is not a demo's."""
    with server.admin() as admin:
        there = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
    if there:
        with server.admin(DATABASE) as connection:
            table = connection.execute("SELECT to_regclass('cdp.workspaces')").fetchone()
            names: list[str] = []
            if table and table[0]:
                names = [str(row[0]) for row in connection.execute("SELECT name FROM cdp.workspaces")]
        if any(name != NAME for name in names):
            raise NotADemo
        with server.admin() as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
    shutil.rmtree(settings.state_dir, ignore_errors=True)
    if node.running(search_beside.folder(settings)) is None:
        shutil.rmtree(search_beside.folder(settings), ignore_errors=True)
