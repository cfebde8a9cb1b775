"""Start-up: what must be true before anything listens (design §3.2), under one exclusive lock.

1. The instance id of state directory and database match, else refuse.
2. The state directory is not older or shorter than the database records, and has the keys that
   are active in it, else refuse.
3. Migrate.
4. Replay erasures and negative words that the database does not know.
5. Set the sequence of acceptance above every watermark.
6. Of a process that serves: a policy is in force in each workspace, and it is the one that the process was
   told to use, if it was told to use one, else refuse.

A restored backup therefore brings back neither an erased person nor a withdrawn consent.
"""

from collections.abc import Mapping
from contextlib import suppress
from uuid import UUID

from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from api import migrations
from api.wiring import System, replay
from cdp.kernel.clock import now
from cdp.kernel.errors import BadInput, Conflict, Refused
from cdp.kernel.json_values import Json
from cdp.kernel.locking import locked
from cdp.kernel.logs import log
from cdp.kernel.settings import Settings
from cdp.registers import policy, workspaces
from cdp.vocabulary import Actor, WorkspaceId
from governance.journal import journalling, trimming
from governance.keys import statedir
from governance.keys.keyfile import KeyFile, KeyringExists
from governance.keys.statedir import StateDirectory


class WrongInstance(Refused, http=False):
    """The state directory belongs to another instance than the database; check CDP_STATE_DIR and the URL."""


class KeysMissing(Refused, http=False):
    """The database holds data but the state directory has no keyring; restore it from its own backup."""


class NotMigrated(Refused, http=False):
    """The database is not at this version's migrations, and only its owner may migrate: `cdp migrate`."""


def prepare(settings: Settings, owner_url: str) -> StateDirectory:
    """Check, migrate and make keys where there are none; the state directory, opened.

    Raises `WrongInstance`, `KeysMissing`, `StateOlderThanDatabase`, `BackupBlind`, `StateUnusable`.
    """
    state = statedir.open_state(settings.state_dir)
    owner = create_engine(owner_url, poolclass=NullPool, hide_parameters=True)
    with locked(state.path / "startup.lock"):
        with owner.connect() as connection:
            instance = _instance(connection)
            if instance is not None:
                _check(state, instance, connection)
        migrations.upgrade(owner_url)
        if instance is None:
            _adopt(owner, state.instance)
            # A keyring made before its database is as good as new.
            with suppress(KeyringExists):
                KeyFile.create(state.keyring, now=now())
    owner.dispose()
    return state


def check(settings: Settings, app_url: str) -> StateDirectory:
    """As `prepare`, for a process without the owner's rights: nothing is migrated or made.

    Raises `NotMigrated`, and what `prepare` raises.
    """
    state = statedir.open_state(settings.state_dir)
    app = create_engine(app_url, poolclass=NullPool, hide_parameters=True)
    with locked(state.path / "startup.lock"), app.connect() as connection:
        version = text("SELECT version_num FROM public.alembic_version")
        there = inspect(connection).has_table("alembic_version", schema="public")
        if not there or connection.scalar(version) != migrations.newest():
            raise NotMigrated
        instance = _instance(connection)
        if instance is None:
            raise NotMigrated
        _check(state, instance, connection)
    app.dispose()
    return state


def _instance(connection: Connection) -> UUID | None:
    """The instance that the database belongs to; None: to nobody yet."""
    if not inspect(connection).has_table("instance", schema="governance"):
        return None
    found: UUID | None = connection.scalar(text("SELECT id FROM governance.instance"))
    return found


def _check(state: StateDirectory, instance: UUID, connection: Connection) -> None:
    if instance != state.instance:
        raise WrongInstance
    if not state.keyring.exists():
        raise KeysMissing
    known = [WorkspaceId(one) for one in connection.scalars(text("SELECT id FROM cdp.workspaces"))]
    trimming.check_openable(KeyFile.load(state.keyring).current(), known, connection)
    journalling.check_marks(state.journal, connection)


def _adopt(owner: Engine, instance: UUID) -> None:
    with owner.begin() as connection:
        connection.execute(
            text("INSERT INTO governance.instance (id, created_at) VALUES (:id, now())"), {"id": instance}
        )


def hold_to_policy(system: System, workspace: UUID, actor: Actor) -> None:
    """Let no process use a file of its own that is not in force. Raises `PolicyDiffers`, with an entry."""
    if not system.settings.policy_file:
        return
    with system.opener(workspace, actor=actor)() as work:
        refused = policy.hold(work=work, ports=system.ports)
    if refused is not None:
        raise refused


def begin_policies(system: System, actor: Actor) -> None:
    """See to it that each workspace has a policy in force before a process serves. Raises `PolicyDiffers`."""
    for workspace in workspaces.known(system.app):
        begin_policy(system, workspace, actor)


def begin_policy(system: System, workspace: UUID, actor: Actor) -> None:
    """Put the policy of this process in force where none ever was; then hold it to what is in force.

    Raises `PolicyDiffers`. A process that was told to use none says where another one ships by now.
    """
    # Of processes that start at the same moment one puts its policy there, and the others find it.
    with suppress(Conflict), system.opener(workspace, actor=actor)() as work:
        policy.begin(work=work, ports=system.ports)
    hold_to_policy(system, workspace, actor)
    if not system.settings.policy_file:
        # Lines that do not load with the policy that ships are no reason not to serve: it decides nothing.
        with suppress(BadInput), system.opener(workspace, actor=actor)() as work:
            change = system.ports.policies.change(None, work=work)
            if change.before != change.after:
                log().info("policy_not_adopted", workspace=str(workspace))


def catch_up(system: System) -> int:
    """Replay the journal's lines that the database does not know; how many there were."""
    with locked(system.state.path / "startup.lock"):
        with system.app.connect() as connection:
            lines = journalling.unknown_lines(system.state.journal, connection)
        for line in lines:
            replay(line, system)
        watermark = max((_watermark(line.payload) for line in lines), default=0)
        if watermark:
            with system.app.begin() as connection:
                connection.execute(
                    text("SELECT setval('cdp.accept_seq', greatest(last_value, :mark)) FROM cdp.accept_seq"),
                    {"mark": watermark + 1},
                )
    if lines:
        log().warning("journal_replayed", count=len(lines))
    return len(lines)


def _watermark(payload: Mapping[str, Json]) -> int:
    value = payload.get("watermark", 0)
    return value if isinstance(value, int) else 0
