"""The log, brought up to date: by the keeper that runs, or by this command if none does.

One process at a time may sign (a lock in the state directory), so a command that needs the
log takes the keeper's place for a moment, or waits until the keeper has done it.
"""

from collections.abc import Callable
from contextlib import suppress

from api import keeper, wiring
from api.cli.running import until
from api.session import Session
from audit import storage
from cdp.kernel.errors import Unavailable
from cdp.vocabulary import Role, WorkspaceId
from governance import statedir
from governance.statedir import LockHeld

PATIENCE = 10.0  # seconds that a running keeper gets


class LogNotSigned(Unavailable):
    """Nothing of the log is signed yet; is `cdp keeper` running?"""


def keep_now(opened: Session, workspace: WorkspaceId) -> bool:
    """Sequence and sign what waits, unless a keeper runs; whether this process did."""
    if not opened.urls.keeper:
        return False
    state = opened.system.state
    with (
        suppress(LockHeld),
        statedir.locked(state.path / "keeper.lock", wait=False),
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


def newest_head(opened: Session, workspace: WorkspaceId) -> storage.Head:
    """The newest signed checkpoint, with everything that waited in it. Raises `LogNotSigned`."""
    begin = opened.opener(workspace, Role.COMPLIANCE, purpose="audit")

    def head() -> storage.Head | None:
        with begin() as work:
            return storage.head(storage.newest_epoch(session=work.session), session=work.session)

    if not keep_now(opened, workspace):
        until(lambda: head() is not None, seconds=PATIENCE)
    found = head()
    if found is None:
        raise LogNotSigned
    return found
