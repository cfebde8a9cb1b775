"""The worker: works every workspace's inbox off and settles intents that nobody settled.

Any number may run side by side, and each works in two lanes (see `cdp.ingest.turns`). Stops at
SIGTERM or SIGINT after the batches in hand; killed, it loses nothing, for the inbox row goes
with the batch.
"""

import gc
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError

from api.wiring import System
from cdp import inbox, quarantine, scanning, tables, workspaces
from cdp.ingest import Limits, Turns, work_off
from cdp.kernel.errors import Unavailable
from cdp.kernel.logs import log
from cdp.ports import AuditEntry, Detector
from cdp.work import Work
from governance.detection import config as detection
from governance.detection.scanner import Scanner
from identity.contacts import forget_erased

LANES = 2
IDLE = 0.05  # seconds between looks at an empty inbox
SWEEP_EVERY = 1.0
SCAN_IDLE = 1.0  # seconds between looks for texts to scan
RENEW_EVERY = 600.0  # seconds between looks for what a worker of an older version has scanned
SCAN_AGAIN = 5.0  # after the database or the detector was away
COLLECT_AFTER = 200_000  # objects made and not yet let go of
COLLECT_EVERY = 20  # batches of a lane
# Seconds that one lane computes before it lets the other have the interpreter. The one whose turn
# it is waits for the database some fifty times a batch, and at the default of 5 ms it would
# wait as often for the other one's parsing.
SWITCH_AFTER = 0.0005

Round = Callable[[Turns], bool]  # does what there is to do; whether there was anything


def run(system: System, stop: threading.Event) -> None:
    """Work the inbox off until `stop` is set; sweeping and scanning have threads of their own."""
    settle_in()
    beside = [
        threading.Thread(target=loop, args=(system, stop), daemon=True) for loop in (_sweep_on, _scan_on)
    ]
    for thread in beside:
        thread.start()
    limits = Limits(messages=system.settings.ingest_batch)
    in_lanes(lambda turns: work_round(system, limits, turns), stop)
    for thread in beside:
        thread.join(timeout=5)


def in_lanes(work: Round, stop: threading.Event) -> None:
    """Call `work` again and again in every lane until `stop` is set.

    What one lane raises stops the others after the batch in hand, and is raised here; a database
    or a journal that does not answer is waited for.
    """
    turns = Turns()
    with ThreadPoolExecutor(LANES, thread_name_prefix="lane") as pool:
        lanes = [pool.submit(_work_on, work, turns, stop) for _ in range(LANES)]
        wait(lanes, return_when=FIRST_EXCEPTION)
        stop.set()
    for lane in lanes:
        lane.result()


def _work_on(work: Round, turns: Turns, stop: threading.Event) -> None:
    rounds = 0
    while not stop.is_set():
        try:
            busy = work(turns)
            if busy:
                rounds += 1
                rest(rounds)
        except SQLAlchemyError:
            log().warning("database_unavailable", exc_info=True)
            busy = False
            stop.wait(1.0)
        except Unavailable:
            log().warning("part_unavailable", exc_info=True)
            busy = False
            stop.wait(1.0)
        if not busy:
            stop.wait(IDLE)


def settle_in() -> None:
    """Let the lanes alternate, and the garbage collector look rarely.

    It never looks at what lives as long as the process. A batch makes a hundred thousand objects
    and lets go of them all at its end, by reference counts: looking for cycles among them took a
    third of the worker's time, and found none.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 10, 10)
    sys.setswitchinterval(SWITCH_AFTER)


def rest(batches: int) -> None:
    """Between two batches only the other lane's is alive, so looking for cycles costs little.

    Left to the threshold alone, what sessions leave behind was found late: 8 MB in 400,000 events.
    """
    if batches % COLLECT_EVERY == 0:
        gc.collect()


def work_round(system: System, limits: Limits, turns: Turns) -> bool:
    """One batch of every workspace; whether there was anything to do."""
    busy = False
    for workspace in workspaces.known(system.app):
        begin = system.opener(workspace, purpose="ingest")
        busy |= work_off(begin, ports=system.ports, limits=limits, turns=turns).rows > 0
    return busy


def sweep(system: System) -> None:
    """Settle intents past their deadline as unknown, treated as released, each with its entry."""
    for workspace in workspaces.known(system.app):
        with system.opener(workspace, purpose="release")() as work:
            swept = system.ports.intents.sweep(work=work)
            receiving = system.ports.intents.recipients(swept, work=work) if swept else {}
            for intent in swept:
                system.ports.audit.record(
                    AuditEntry(
                        action="worker:release:sweep",
                        outcome="unknown_treated_as_released",
                        recipient=receiving[intent],
                        detail={"intent": str(intent)},
                    ),
                    work=work,
                )


def tidy(system: System) -> None:
    """Forget what has had its time: message ids, quarantined requests and the keys they lie under."""
    settings = system.settings
    for workspace in workspaces.known(system.app):
        with system.opener(workspace, purpose="retention")() as work:
            # A copy of what comes back from quarantine must be known until nothing comes back.
            days = max(settings.seen_days, settings.quarantine_days)
            seen = work.now - timedelta(days=days)
            work.session.execute(delete(tables.seen).where(tables.seen.c.received_at < seen))
            received = _waited_for(work.now - timedelta(days=settings.quarantine_days), work)
            quarantine.destroy(received, work=work, ports=system.ports)
            system.vault.destroy_inbox_keys(received, work=work)
            # By then nothing that was accepted before those erasures can still come in.
            forget_erased(received, work=work)


def _waited_for(limit: datetime, work: Work) -> datetime:
    """The hour of `limit`, or of the oldest request that waits: its key and its past are needed yet."""
    oldest = inbox.oldest(work=work)
    until = limit if oldest is None else min(limit, oldest)
    return until.replace(minute=0, second=0, microsecond=0)


def scan_round(system: System, detector: Detector) -> bool:
    """Scan one batch of every workspace; whether there was anything to do."""
    busy = False
    for workspace in workspaces.known(system.app):
        begin = system.opener(workspace, purpose="detection")
        busy |= scanning.step(begin, ports=system.ports, detector=detector)
    return busy


def renew_scans(system: System) -> None:
    """Let everything wait anew, in every workspace, that another version of the detector scanned."""
    for workspace in workspaces.known(system.app):
        scanning.renew(system.opener(workspace, purpose="detection"), ports=system.ports)


def _scan_on(system: System, stop: threading.Event) -> None:
    """Scan in the background; the model lives in a process of the scanner's, started when first needed."""
    renewed = -RENEW_EVERY
    with Scanner(detection.load()) as detector:
        while not stop.is_set():
            try:
                if monotonic() - renewed > RENEW_EVERY:
                    renew_scans(system)
                    renewed = monotonic()
                busy = scan_round(system, detector)
            except Exception:  # Whatever it is, the rows are in quarantine, and tried again later.
                log().warning("scan_interrupted", exc_info=True)
                busy = False
                stop.wait(SCAN_AGAIN)
            if not busy:
                stop.wait(SCAN_IDLE)


def _sweep_on(system: System, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            sweep(system)
        except SQLAlchemyError:
            log().warning("task_failed", exc_info=True)
        stop.wait(SWEEP_EVERY)


@contextmanager
def until_signalled() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
