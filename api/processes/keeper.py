"""The keeper, one an instance: sequences and signs the log, rotates keys, trims the journal.

A thread of its own feeds the search engine, so that one which is slow or gone holds up nothing else.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from api import wiring
from api.processes import feeding_loop
from audit.log.sequencer import LogRewritten, Sequencer, forget_details
from cdp.kernel.clock import now
from cdp.kernel.locking import locked
from cdp.kernel.logs import log
from cdp.kernel.settings import Settings
from cdp.registers import workspaces
from cdp.vocabulary import WorkspaceId
from cdp.work import open_work
from governance import tables as governance_tables
from governance.journal import trimming
from governance.journal.journal import JournalDamaged
from governance.journal.trimming import MARGIN
from governance.keys import rotation
from governance.keys.keyfile import KeyFile
from governance.keys.statedir import StateDirectory

IDLE = 0.05
ROTATION_EVERY = 3600.0
FEEDER_ENDS = 10.0  # seconds; what it was sending then is sent again next time


def run(settings: Settings, *, engine: Engine, state: StateDirectory, stop: threading.Event) -> None:
    """Keep the log until `stop` is set. Raises `LockHeld` when another keeper runs."""
    keys = KeyFile.load(state.keyring)
    keeper = wiring.sequencer(state, keys)
    with locked(state.path / "keeper.lock", wait=False), _feeding(settings, engine, state):
        rotated = -ROTATION_EVERY
        while not stop.is_set():
            busy = False
            try:
                for workspace in workspaces.known(engine):
                    busy |= keep(keeper, engine, WorkspaceId(workspace)) > 0
                if monotonic() - rotated > ROTATION_EVERY:
                    rotated = monotonic()
                    for workspace in workspaces.known(engine):
                        rotate_if_due(settings, engine, keys, WorkspaceId(workspace))
                    trim_journal(engine, keys, state)
            except LogRewritten:
                log().error("log_rewritten", exc_info=True)
                raise
            except JournalDamaged:
                # The next start refuses; until then the log is kept all the same.
                log().error("journal_damaged", exc_info=True)
            except SQLAlchemyError:
                log().warning("database_unavailable", exc_info=True)
                stop.wait(1.0)
            if not busy:
                stop.wait(IDLE)


@contextmanager
def _feeding(settings: Settings, engine: Engine, state: StateDirectory) -> Iterator[None]:
    """The search engine is fed meanwhile, whatever the sequencer does."""
    ending = threading.Event()
    arguments = {"engine": engine, "state": state, "stop": ending}
    thread = threading.Thread(target=feeding_loop.run, args=(settings,), kwargs=arguments, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join(timeout=FEEDER_ENDS)


def keep(keeper: Sequencer, engine: Engine, workspace: WorkspaceId) -> int:
    """Sequence one batch, then check and sign it; how many entries it was."""
    with open_work(engine, workspace=workspace, actor=wiring.KEEPER, purpose="audit") as work:
        taken = keeper.sequence(work=work)
    with open_work(engine, workspace=workspace, actor=wiring.KEEPER, purpose="audit") as work:
        keeper.publish(work=work)
    return taken


def trim_journal(engine: Engine, keys: KeyFile, state: StateDirectory, *, margin: timedelta = MARGIN) -> int:
    """Trim the journal past the oldest backup that can still be opened; how many files went."""
    directory, known = state.journal, keys.current()
    with locked(state.path / "startup.lock"):
        with engine.begin() as connection:
            gone = trimming.trim(directory, known, connection, margin=margin)
        with engine.begin() as connection:
            trimming.forget(directory, known, connection, margin=margin)
        trimming.let_go(directory, known, now=now(), margin=margin)
    return gone


def rotate_if_due(
    settings: Settings, engine: Engine, keys: KeyFile, workspace: WorkspaceId, *, at_once: bool = False
) -> bool:
    """Rotate the key-encryption key if the active one is `kek_days` old, or if `at_once`; rewrap; destroy.

    A rotation that was killed midway is finished: rewrapping goes on wherever it stopped.
    """
    version = governance_tables.kek_versions.c
    with open_work(engine, workspace=workspace, actor=wiring.KEEPER, purpose="key_rotation") as work:
        active = work.session.scalar(select(version.activated_at).where(version.state == "active"))
        if active is None:
            return False
        due = at_once or active <= work.now - timedelta(days=settings.kek_days)
        if due:
            rotation.activate(work=work, file=keys)
    while True:
        with open_work(engine, workspace=workspace, actor=wiring.KEEPER, purpose="key_rotation") as work:
            if not rotation.rewrap(work=work, file=keys):
                break
    with open_work(engine, workspace=workspace, actor=wiring.KEEPER, purpose="key_rotation") as work:
        rotation.destroy_retired(days=settings.kek_days, work=work, file=keys)
        forget_details(work.now, work=work)
    return due
