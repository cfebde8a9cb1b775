"""The platform for the length of one command: its database, its state directory, its wired system.

Without `database_url` the embedded server is started, or joined, under `data_dir`; the last
one to leave stops it. There every command migrates and replays first, as at any start. With
URLs of the operator's, only `cdp migrate` and `cdp workspace` use the owner's.

The operator acts with the roles that one command needs and no more: lines of the policy add
up to the strictest, so an admin's could only take away from the others. Who acts as an account acts with
its roles. Either way the sealed detail of what they do says by which name the machine knows them.
"""

import os
import pwd
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from subprocess import SubprocessError
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Engine, select

from api.processes import startup
from api.wiring import System, wire
from cdp import tables
from cdp.kernel import embedded
from cdp.kernel.database import APP, KEEPER, OWNER, make_engine
from cdp.kernel.errors import BadInput, NotFound, Refused, Unavailable, listed
from cdp.kernel.settings import Settings
from cdp.registers import accounts
from cdp.vocabulary import Actor, Role, WorkspaceId
from cdp.work import Work

DATABASE = "cdp"
OPERATOR = "operator"

Opener = Callable[[], AbstractContextManager[Work]]


class OwnerUrlMissing(Refused, http=False):
    """This needs the database's owner: set CDP_OWNER_URL."""


class KeeperUrlMissing(Refused, http=False):
    """This needs the keeper's connection: set CDP_KEEPER_URL."""


class EmbeddedDatabaseFailed(Unavailable, http=False):
    """The embedded database does not start; `cdp doctor` says what is missing."""


class NoWorkspaceYet(NotFound, http=False):
    """There is no workspace yet; `cdp workspace create NAME` makes one."""


class NoSuchWorkspace(NotFound, http=False):
    """There is no workspace of that name."""


class WorkspaceNotNamed(BadInput, http=False):
    """There are several workspaces; name one with --workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Urls:
    """By which URL each role reaches the database; empty: it was not given."""

    app: str = field(repr=False)
    owner: str = field(repr=False)
    keeper: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A tenant, by what may be printed of it."""

    id: WorkspaceId
    name: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An opened platform."""

    system: System
    urls: Urls
    account: str | None = field(default=None, repr=False)  # the log-in of whom the commands act as

    def workspace(self, name: str | None) -> WorkspaceId:
        """The workspace of that name, or the only one there is.

        Raises `NoWorkspaceYet`, `NoSuchWorkspace`, `WorkspaceNotNamed`, `PolicyDiffers`.
        """
        with self.system.app.connect() as connection:
            chosen = choose(workspaces(connection), name).id
        startup.hold_to_policy(self.system, chosen, operator())
        return chosen

    def opener(self, workspace: UUID, *roles: Role, purpose: str) -> Opener:
        """What opens a Work of the operator's, in these roles and no others, or of the account's in its own.

        Raises `NoSuchLogin`.
        """
        chosen = actor(self.system, workspace, *roles, account=self.account)
        return self.system.opener(workspace, actor=chosen, purpose=purpose)

    def work(self, workspace: str | None, *roles: Role, purpose: str) -> AbstractContextManager[Work]:
        """One such Work in the workspace of that name; raises as `workspace` and `opener` do."""
        return self.opener(self.workspace(workspace), *roles, purpose=purpose)()

    @contextmanager
    def owner(self) -> Iterator[Engine]:
        """The owner's connections. Raises `OwnerUrlMissing`."""
        if not self.urls.owner:
            raise OwnerUrlMissing
        with _engine(self.urls.owner) as engine:
            yield engine

    @contextmanager
    def keeper(self) -> Iterator[Engine]:
        """The keeper's connections. Raises `KeeperUrlMissing`."""
        if not self.urls.keeper:
            raise KeeperUrlMissing
        with _engine(self.urls.keeper) as engine:
            yield engine


@contextmanager
def database(settings: Settings) -> Iterator[Urls]:
    """Where the database is; the embedded one runs until the block is left.

    Raises `EmbeddedDatabaseFailed`.
    """
    if settings.database_url:
        yield Urls(app=settings.database_url, owner=settings.owner_url, keeper=settings.keeper_url)
        return
    try:
        server = embedded.start(settings.data_dir / "pg")
    except (OSError, SubprocessError, psycopg.Error):
        raise EmbeddedDatabaseFailed from None
    try:
        embedded.create_database(server, DATABASE)
        app, owner, keeper = (server.url(role, DATABASE) for role in (APP, OWNER, KEEPER))
        yield Urls(app=app, owner=owner, keeper=keeper)
    finally:
        server.stop()


@contextmanager
def opened(settings: Settings, *, migrate: bool = False, account: str | None = None) -> Iterator[Session]:
    """Everything that must be true before anything runs, then the wired system.

    `migrate`: bring a database of the operator's to this version; the embedded one always is.
    `account`: the log-in of whom the commands act as; None: as the operator.
    Raises what `api.processes.startup` does, and `OwnerUrlMissing`.
    """
    with database(settings) as urls:
        if migrate and not urls.owner:
            raise OwnerUrlMissing
        if migrate or not settings.database_url:
            state = startup.prepare(settings, urls.owner)
        else:
            state = startup.check(settings, urls.app)
        system = wire(settings, state=state, app_url=urls.app)
        try:
            startup.catch_up(system)
            yield Session(system=system, urls=urls, account=account)
        finally:
            system.ports.journal.close()
            system.app.dispose()


def operator(*roles: Role) -> Actor:
    """Whoever runs a command on this machine and does not say as whom."""
    return Actor(
        ref=OPERATOR, roles=frozenset(str(role) for role in roles), kind="system", login=machine_login()
    )


def actor(system: System, workspace: UUID, *roles: Role, account: str | None) -> Actor:
    """Who runs a command: the operator in these roles, or an account in its own. Raises `NoSuchLogin`."""
    typing = operator(*roles)
    if account is None:
        return typing
    with system.opener(workspace, actor=typing)() as work:
        return accounts.actor_of(account, work=work, ports=system.ports)


def machine_login() -> str:
    """By which name the machine knows who runs this: as they logged in, whatever user they became since."""
    with suppress(OSError):
        return os.getlogin()
    with suppress(KeyError):
        return pwd.getpwuid(os.getuid()).pw_name
    return f"uid {os.getuid()}"


def workspaces(connection: Connection) -> list[Workspace]:
    """Every workspace, by name."""
    column = tables.workspaces.c
    rows = connection.execute(select(column.id, column.name, column.region).order_by(column.name))
    return [Workspace(id=WorkspaceId(row.id), name=row.name, region=row.region) for row in rows]


def choose(known: Sequence[Workspace], name: str | None) -> Workspace:
    """The one of that name, or the only one; raises as `Session.workspace` does."""
    if not known:
        raise NoWorkspaceYet
    if name is None:
        if len(known) > 1:
            raise WorkspaceNotNamed(known=listed(one.name for one in known))
        return known[0]
    for one in known:
        if one.name == name:
            return one
    raise NoSuchWorkspace(field="workspace", known=listed(one.name for one in known))


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = make_engine(url, pool_size=2)
    try:
        yield engine
    finally:
        engine.dispose()
