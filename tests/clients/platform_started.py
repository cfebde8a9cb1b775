"""A started platform for the clients' tests: the API and a worker as an operator starts them, and pages."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from time import monotonic, sleep

import httpx
from relay import Relay, relaying

from cdp.kernel.database import APP, OWNER

PATIENCE = 120  # seconds; the machine may have other things to do


@contextmanager
def started(database, settings) -> Iterator[Relay]:
    """API and worker on `database`, and the relay that stands before the API."""
    port = _free_port()
    with socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        with relaying(f"http://127.0.0.1:{port}", listener) as relay:
            environment = {name: word for name, word in os.environ.items() if not name.startswith("CDP_")}
            environment |= {
                "CDP_DATABASE_URL": database.server.url(APP, database.name),
                "CDP_OWNER_URL": database.server.url(OWNER, database.name),
                "CDP_STATE_DIR": str(settings.state_dir),
                "CDP_DATA_DIR": str(settings.data_dir),
                "CDP_PORT": str(port),
                "CDP_PUBLIC_URL": relay.url,
            }
            running = [_start(command, environment) for command in ("api", "worker")]
            try:
                wait(lambda: _answers(f"http://127.0.0.1:{port}/healthz"))
                yield relay
            finally:
                for one in running:
                    one.terminate()
                for one in running:
                    one.wait(timeout=30)


def _start(command: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        [sys.executable, "-m", "api.cli", command], env=environment, stdout=quiet, stderr=quiet
    )


def _free_port() -> int:
    with socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.TransportError:
        return False


def wait(
    condition: Callable[[], bool],
    told: Callable[[], object] = lambda: "",
    pause: Callable[[float], object] = sleep,
) -> None:
    """Polling other processes; there is nothing to wait on. What `told` says, a failure shows."""
    end = monotonic() + PATIENCE
    while not condition():
        assert monotonic() < end, ("it takes too long", told())
        pause(0.1)


@contextmanager
def serving_pages(bundles: Path) -> Iterator[str]:
    """A server of pages; the page `/NAME` runs the bundle `NAME.js`."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script = self.path.endswith(".js")
            body = f'<title>Shop</title><script src="{self.path}.js"></script>'.encode()
            if script:
                body = (bundles / Path(self.path).name).read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript" if script else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
