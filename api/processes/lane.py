"""A lane of a worker: works the inboxes off, batch by batch. A worker has one, and starts the others.

The others are processes (ADR-0022): this module, run by itself. A lane's input is its life line.
Its one line is the settings, so that no secret stands on a command line; where it ends, the
worker has ended or wants to, and the lane stops after the batch in hand.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic

from sqlalchemy.exc import SQLAlchemyError

from api.wiring import System, wire
from cdp.acting import ActNotAllowed
from cdp.acts import Act
from cdp.intake.ingest import Limits, work_off
from cdp.kernel import logs, programs
from cdp.kernel.errors import Unavailable
from cdp.kernel.logs import log
from cdp.kernel.settings import Settings
from cdp.registers import workspaces
from governance.keys import statedir

PROGRAM = programs.program("api.processes.lane")
IDLE = 0.05  # seconds between looks at an empty inbox
AGAIN = 1.0  # after the database or the journal was away
COLLECT_AFTER = 200_000  # objects made and not yet let go of
COLLECT_EVERY = 20  # batches
ENDING = 30.0  # seconds for the batch in hand; far beyond what one takes
FAULT = 70
# A terminal, and whoever ends a whole group, sends them to lanes too; the worker decides.
_FOR_THE_WORKER = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


class LaneEnded(Unavailable, http=False):
    """A lane of this worker ended by itself, so the worker stopped too; lines above may say why."""


# --- what every lane does -----------------------------------------------------------------------


def settle_in() -> None:
    """Let the garbage collector look rarely, and never at what lives as long as the process.

    A batch makes a hundred thousand objects and lets go of them all at its end, by reference
    counts: looking for cycles among them took a third of the worker's time, and found none.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 10, 10)


def work_on(work: Callable[[], bool], stop: threading.Event) -> None:
    """Call `work` until `stop` is set; at once if it says that there was something to do.

    A database, a journal or a policy that lets it do nothing is waited for. Raises what else `work` raises.
    """
    rounds = 0
    while not stop.is_set():
        try:
            busy = work()
        except SQLAlchemyError:
            log().warning("database_unavailable", exc_info=True)
            stop.wait(AGAIN)
            continue
        except (Unavailable, ActNotAllowed):
            # A policy that lets no worker work is mended by another, and nothing is lost meanwhile.
            log().warning("part_unavailable", exc_info=True)
            stop.wait(AGAIN)
            continue
        if busy:
            rounds += 1
            _rest(rounds)
        else:
            stop.wait(IDLE)


def _rest(batches: int) -> None:
    """Between two batches hardly anything is alive, so looking for cycles costs little.

    Left to the threshold alone, what sessions leave behind was found late: 8 MB in 400,000 events.
    """
    if batches % COLLECT_EVERY == 0:
        gc.collect()


def work_round(system: System, limits: Limits, stop: threading.Event) -> bool:
    """One batch of every workspace, unless `stop` is set between two; whether there was anything to do."""
    busy = False
    for workspace in workspaces.known(system.app):
        if stop.is_set():
            break
        begin = system.opener(workspace, purpose=Act.INBOX_INGEST.purpose)
        busy |= work_off(begin, ports=system.ports, limits=limits).rows > 0
    return busy


# --- the worker's side --------------------------------------------------------------------------


class Lanes:
    """The lanes of a worker beside its own."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []

    @property
    def ended(self) -> bool:
        """Whether one of them has ended, which none does before it is told to."""
        return any(one.poll() is not None for one in self._running)

    def start(self, told: bytes) -> None:
        """Start one more, and tell it `told`."""
        # What its thread blocks, a new process blocks from its first moment to its last.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_THE_WORKER)
        try:
            process = subprocess.Popen(
                PROGRAM,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env=_environment(),
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._running.append(process)
        assert process.stdin is not None, "made with a pipe"
        try:
            process.stdin.write(told)
            process.stdin.flush()
        except BrokenPipeError:
            return  # It is gone; `ended` says so.

    def end(self) -> None:
        """Tell all to stop, wait until they have, and kill who takes too long.

        Raises `LaneEnded` if one ended before it was told to, or otherwise than it was told to.
        """
        alone = [one for one in self._running if one.poll() is not None]
        for one in self._running:
            _hang_up(one)
        late, until = [], monotonic() + ENDING
        for one in self._running:
            try:
                one.wait(max(0.0, until - monotonic()))
            except subprocess.TimeoutExpired:
                log().warning("lane_killed", pid=one.pid)
                one.kill()
                one.wait()
                late.append(one)
        wrong = alone or [one for one in self._running if one.returncode and one not in late]
        if wrong:
            raise LaneEnded(reason=_reason(wrong[0].returncode))


@contextmanager
def others(settings: Settings, url: str) -> Iterator[Lanes]:
    """The lanes beside the caller's own, until the block is left; `url` is the runtime role's.

    Raises `LaneEnded` at its end; what is raised within the block goes before it.
    """
    lanes = Lanes()
    try:
        for _ in range(settings.worker_lanes - 1):
            lanes.start(told(settings, url))
        yield lanes
    except BaseException:
        with suppress(LaneEnded):
            lanes.end()
        raise
    lanes.end()


def told(settings: Settings, url: str) -> bytes:
    """The line that a lane reads: the settings, wherever they came from, and where the database is.

    The owner's and the keeper's way into the database are not for it.
    """
    words = settings.model_dump(mode="json") | {
        "database_url": url,
        "owner_url": "",
        "keeper_url": "",
        "search_password": settings.search_password.get_secret_value(),
    }
    return json.dumps(words).encode() + b"\n"


def _environment() -> dict[str, str]:
    """The worker's, without its settings: a lane is told what it needs."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("CDP_")}
    return kept | {"PYTHONPATH": programs.import_path()}


def _hang_up(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdin is not None, "made with a pipe"
    try:
        process.stdin.close()
    except BrokenPipeError:
        return  # What it never read is lost with it.


def _reason(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


# --- the lane's side ----------------------------------------------------------------------------


def heard(line: bytes) -> Settings:
    """The settings of the worker, from its line."""
    return Settings(**json.loads(line))


def main() -> None:
    """Work until the input ends. The worker has opened the platform: nothing is checked anew."""
    line = sys.stdin.buffer.readline()
    if not line:
        return
    stop = threading.Event()
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()
    logs.configure()
    try:
        settings = heard(line)
        logs.configure(settings.log_level)
        _work(settings, stop)
    except Exception:  # Its message may quote data; class and place are what is told.
        log().error("lane_failed", exc_info=True)
        sys.exit(FAULT)


def _listen(stop: threading.Event) -> None:
    """Set `stop` when the input ends."""
    # Not by a buffered reader: whose thread is in one when the interpreter ends makes it abort.
    while os.read(sys.stdin.fileno(), 1):
        pass
    stop.set()


def _work(settings: Settings, stop: threading.Event) -> None:
    state = statedir.open_state(settings.state_dir)
    system = wire(settings, state=state, app_url=settings.database_url)
    settle_in()
    limits = Limits(messages=settings.ingest_batch)
    try:
        work_on(lambda: work_round(system, limits, stop), stop)
    finally:
        system.ports.journal.close()
        system.app.dispose()


if __name__ == "__main__":
    main()
