"""The log, brought up to date: by the keeper that runs, or by this command if none does.

One process at a time may sign (a lock in the state directory), so a command that needs the
log takes the keeper's place for a moment, or waits until the keeper has done it.
"""

from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from api import wiring
from api.cli.running import acting_as, until
from api.processes import keeper, session, startup
from api.processes.session import Session
from audit.log import storage, verifier
from cdp.acting import ActNotAllowed
from cdp.acts import Act
from cdp.kernel.errors import CdpError, Unavailable
from cdp.kernel.locking import LockHeld, locked
from cdp.kernel.settings import Settings
from cdp.registers.accounts import NoSuchLogin
from cdp.trail import trail
from cdp.vocabulary import Role, WorkspaceId

PATIENCE = 10.0  # seconds that a running keeper gets


class LogNotSigned(Unavailable, http=False):
    """Nothing of the log is signed yet; is `cdp keeper` running?"""


def keep_now(opened: Session, workspace: WorkspaceId) -> bool:
    """Sequence and sign what waits, unless a keeper runs; whether this process did."""
    if not opened.urls.keeper:
        return False
    state = opened.system.state
    with (
        suppress(LockHeld),
        locked(state.path / "keeper.lock", wait=False),
        opened.keeper() as engine,
    ):
        sequencer = wiring.sequencer(state, opened.system.keys)
        while keeper.keep(sequencer, engine, workspace):
            pass
        return True
    return False


def keep_up(opened: Session, workspace: WorkspaceId, done: Callable[[], bool]) -> bool:
    """Bring the log up to date, until `done` says so; false if a running keeper takes too long."""
    return until(lambda: done() or (keep_now(opened, workspace) and done()), seconds=PATIENCE)


def keep_signed(opened: Session, workspace: WorkspaceId) -> None:
    """Have what waits signed, by this process or the keeper that runs. Raises `LogNotSigned`."""
    begin = opened.opener(workspace, Role.COMPLIANCE, purpose=Act.TRAIL_CHECKPOINT.purpose)

    def signed() -> bool:
        with begin() as work:
            return storage.head(storage.newest_epoch(session=work.session), session=work.session) is not None

    if not keep_now(opened, workspace):
        until(signed, seconds=PATIENCE)
    if not signed():
        raise LogNotSigned


def note_verified(verdict: str, *, chosen: Settings, url: URL | str, workspace: WorkspaceId) -> bool:
    """Leave the entry of a verification, where the platform would start; else the database stays as it is.

    Whether it was left. Raises `ActNotAllowed`, `NoSuchLogin`.
    """
    app_url = make_url(url).render_as_string(hide_password=False)
    try:
        system = wiring.wire(chosen, state=startup.check(chosen, app_url), app_url=app_url)
        try:
            actor = session.actor(system, workspace, Role.COMPLIANCE, account=acting_as(chosen))
            begin = system.opener(workspace, actor=actor, purpose=Act.TRAIL_VERIFY.purpose)
            with begin() as work:
                whole, altered = verdict == verifier.OK, verdict == verifier.FAILED
                trail.verified(verdict, whole=whole, altered=altered, work=work, ports=system.ports)
        finally:
            system.ports.journal.close()
            system.app.dispose()
    except (ActNotAllowed, NoSuchLogin):
        raise
    except (CdpError, SQLAlchemyError, OSError):
        return False
    return True
