"""`cdp run`: everything here, each part a process of its own."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from api.cli.output import Json, NoSearch, emit, facts, note, waiting
from api.cli.running import platform
from api.processes import server
from api.processes import worker as working
from api.processes.search_beside import SearchNode
from cdp.kernel import programs
from cdp.kernel.errors import Unavailable
from cdp.kernel.settings import Settings

PARTS = ("api", "worker", "keeper")
PATIENCE = 60.0  # seconds until a part must have ended
LOOK = 0.2


class PartEnded(Unavailable, http=False):
    """A part of the platform ended by itself; the lines above say why. The others were stopped."""


def run(no_search: NoSearch = False, as_json: Json = False) -> None:
    """Run everything here: the database, the API, a worker, the keeper and a search node, until Ctrl-C.

    Prints the addresses, and the log-ins of the demo if its data are there.
    """
    with platform() as opened, ExitStack() as stack:
        settings = opened.system.settings
        server.free(settings.host, settings.port)
        stop = stack.enter_context(working.until_signalled())
        signal.signal(signal.SIGHUP, lambda *_: stop.set())
        if not no_search:
            beside = SearchNode(settings, note)
            stack.callback(beside.stop)
            beside.start()
        children: dict[str, subprocess.Popen[bytes]] = {}
        stack.callback(_end, children)
        for part in PARTS:
            children[part] = _start(part)
        with waiting("Starting …"):
            while not stop.is_set() and not _answers(settings):
                _all_alive(children)
                stop.wait(LOOK)
        if not stop.is_set():
            _announce(settings, as_json=as_json)
        while not stop.wait(LOOK):
            _all_alive(children)
        note("Stopping …")


def _start(part: str) -> "subprocess.Popen[bytes]":
    # In a session of its own: Ctrl-C reaches this process alone, which ends the parts in order.
    program = [*programs.program("api.cli"), part]
    environment = os.environ | {"PYTHONPATH": programs.import_path()}
    return subprocess.Popen(
        program, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )


def _answers(settings: Settings) -> bool:
    connection = http.client.HTTPConnection(settings.host, settings.port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _all_alive(children: Mapping[str, "subprocess.Popen[bytes]"]) -> None:
    for part, child in children.items():
        if child.poll() is not None:
            raise PartEnded(part=part, code=child.returncode)


def _end(children: Mapping[str, "subprocess.Popen[bytes]"]) -> None:
    """End the parts; the keeper last, so that the log takes what the others did to the end."""
    for parts in (PARTS[:-1], PARTS[-1:]):
        ending = [children[part] for part in parts if part in children]
        for child in ending:
            child.terminate()
        for child in ending:
            try:
                child.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _announce(settings: Settings, *, as_json: bool) -> None:
    logins = _logins(settings.data_dir / "demo.json")
    url = settings.public_url
    addresses = {"API": url, "documentation": f"{url}/openapi.json", "health": f"{url}/readyz"}
    # Behind a proxy the address that the world uses is another one.
    addresses["listens on"] = f"{settings.host}:{settings.port}"
    parts: list[RenderableType] = [facts(addresses)]
    if logins:
        parts += [Text("Log-ins of the demo:"), facts(logins)]
    emit({"url": url, "logins": logins}, as_json, *parts, Text("Running; Ctrl-C stops everything."))
    sys.stdout.flush()


def _logins(path: Path) -> Mapping[str, str]:
    """The demo's own log-ins, to a workspace of invented people; none if there is no demo."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: str(value) for name, value in found.items()} if isinstance(found, dict) else {}
