"""`cdp api`, `cdp worker`, `cdp keeper`: each is one process of the platform."""

import sys
import threading

from procrastinate.exceptions import ConnectorException
from rich.text import Text

from api.cli.output import Json, emit
from api.cli.running import platform
from api.processes import keeper as keeping
from api.processes import scheduled_jobs, server, startup
from api.processes import worker as working
from api.processes.session import Session, operator
from cdp.kernel.errors import Refused
from cdp.kernel.locking import LockHeld
from cdp.kernel.logs import log

PATIENCE = 60.0  # seconds until a job in hand must have ended


class AlreadyKept(Refused, http=False):
    """A keeper of this instance runs already, and there must be only one."""


def api(as_json: Json = False) -> None:
    """Serve the API until SIGTERM or Ctrl-C; what is under way is finished first."""
    with platform(service=True) as opened, working.until_signalled():
        startup.begin_policies(opened.system, operator())
        settings = opened.system.settings
        server.free(settings.host, settings.port)
        emit({"url": settings.public_url}, as_json, Text(f"Listening; reached as {settings.public_url}"))
        sys.stdout.flush()
        server.serve(opened.system)


def worker(as_json: Json = False) -> None:
    """Work the inbox off, and run jobs, until SIGTERM or Ctrl-C. Any number may run side by side."""
    with platform(service=True) as opened, working.until_signalled() as stop:
        startup.begin_policies(opened.system, operator())
        emit({"running": "worker"}, as_json, Text("Working."))
        sys.stdout.flush()
        beside = threading.Thread(target=_run_jobs, args=(opened, stop), daemon=True)
        beside.start()
        try:
            working.run(opened.system, opened.urls.app, stop)
        finally:
            # However it ended, a job in hand is finished before the database is let go of.
            stop.set()
            beside.join(timeout=PATIENCE)


def _run_jobs(opened: Session, stop: threading.Event) -> None:
    """Run jobs until `stop` is set, anew after the database was away."""
    while not stop.is_set():
        try:
            scheduled_jobs.run(opened.system, opened.urls.app, stop)
        except ConnectorException:
            log().warning("jobs_interrupted", exc_info=True)
        stop.wait(1.0)


def keeper(as_json: Json = False) -> None:
    """Sequence and sign the log, and rotate keys, until SIGTERM or Ctrl-C. One an instance."""
    with platform(service=True) as opened, opened.keeper() as engine, working.until_signalled() as stop:
        emit({"running": "keeper"}, as_json, Text("Keeping."))
        sys.stdout.flush()
        try:
            keeping.run(opened.system.settings, engine=engine, state=opened.system.state, stop=stop)
        except LockHeld:
            raise AlreadyKept from None
