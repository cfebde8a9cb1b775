"""The worker: works every workspace's inbox off and settles intents that nobody settled.

Any number may run side by side, and each works in lanes: one in this process, the others in
processes of their own (see `api.processes.lane`). Stops at SIGTERM or SIGINT after the batches in hand;
killed, it loses nothing, for the inbox row goes with the batch.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError

from api.processes import lane
from api.wiring import System
from cdp import answers, tables
from cdp.acting import ActNotAllowed
from cdp.acts import Act
from cdp.intake import inbox, quarantine
from cdp.intake.ingest import Limits
from cdp.kernel.logs import log
from cdp.ports import Detector
from cdp.registers import workspaces
from cdp.releases import releases
from cdp.scanning import scanning
from cdp.work import Work
from governance.detection import config as detection
from governance.detection.scanner import Scanner
from identity.resolve.contacts import forget_erased

SWEEP_EVERY = 1.0
SCAN_IDLE = 1.0  # seconds between looks for texts to scan
RENEW_EVERY = 600.0  # seconds between looks for what a worker of an older version has scanned
SCAN_AGAIN = 5.0  # after the database or the detector was away


def run(system: System, url: str, stop: threading.Event) -> None:
    """Work the inboxes off until `stop` is set; sweeping and scanning have threads of their own.

    `url` is the runtime role's, for the other lanes. Raises `LaneEnded` where one ended by itself:
    a worker that went on would do a part of its work, and nobody would know.
    """
    lane.settle_in()
    beside = [
        threading.Thread(target=loop, args=(system, stop), daemon=True) for loop in (_sweep_on, _scan_on)
    ]
    for thread in beside:
        thread.start()
    limits = Limits(messages=system.settings.ingest_batch)
    try:
        with lane.others(system.settings, url) as others:

            def once() -> bool:
                if others.ended:
                    stop.set()
                return not stop.is_set() and lane.work_round(system, limits, stop)

            lane.work_on(once, stop)
    finally:
        stop.set()
        for thread in beside:
            thread.join(timeout=5)


def sweep(system: System) -> None:
    """Settle intents past their deadline as unknown, treated as released, each with its entry."""
    for workspace in workspaces.known(system.app):
        with system.opener(workspace, purpose=Act.RELEASE_SWEEP.purpose)() as work:
            releases.sweep(work=work, ports=system.ports)


def tidy(system: System) -> None:
    """Forget what has had its time: message ids, quarantined requests and the keys they lie under."""
    settings = system.settings
    for workspace in workspaces.known(system.app):
        with system.opener(workspace, purpose=Act.QUARANTINE_DESTROY.purpose)() as work:
            # A copy of what comes back from quarantine must be known until nothing comes back.
            days = max(settings.seen_days, settings.quarantine_days)
            answers.tidy(work=work)
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
        begin = system.opener(workspace, purpose=Act.TEXT_SCAN.purpose)
        busy |= scanning.step(begin, ports=system.ports, detector=detector)
    return busy


def renew_scans(system: System) -> None:
    """Let everything wait anew, in every workspace, that another version of the detector scanned."""
    for workspace in workspaces.known(system.app):
        scanning.renew(system.opener(workspace, purpose=Act.TEXT_SCAN.purpose), ports=system.ports)


def _scan_on(system: System, stop: threading.Event) -> None:
    """Scan in the background; the model lives in a process of the scanner's, started when first needed."""
    renewed = -RENEW_EVERY
    with Scanner(detection.load(regions=system.settings.home_regions)) as detector:
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
        except (SQLAlchemyError, ActNotAllowed):
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
