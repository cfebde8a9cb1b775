"""Serving the API: uvicorn with its own talk switched off.

What uvicorn would log or say by itself (addresses, paths with query strings, its name) stays
unsaid; the edge writes the access log. Of a proxy's headers nothing is believed unless the operator
named the proxy, and then whom it speaks for, which rates are counted by and nothing else.
"""

import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from api.http.app import create_app
from api.http.dependencies import System
from api.http.guard import Guarded
from cdp.kernel.errors import Refused

CONNECTIONS = 4_000
FILES = 1_000  # beside them: of the database's connections, the journal, the libraries
GRACE_SECONDS = 10
KEEP_ALIVE_SECONDS = 30


class PortTaken(Refused, http=False):
    """Something listens on this port already; set CDP_PORT, or end the other process."""


def configured(system: System, *, protocol: type[Guarded] = Guarded) -> uvicorn.Config:
    """How the API is served."""
    return uvicorn.Config(
        create_app(system),
        host=system.settings.host,
        port=system.settings.port,
        loop="uvloop",
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Nobody is believed but who was named: every other peer's headers are passed over.
        proxy_headers=bool(system.settings.trusted_proxies),
        forwarded_allow_ips=system.settings.trusted_proxies,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def serve(system: System) -> None:
    """Serve in this process until SIGTERM or SIGINT; what is under way is finished first."""
    config = configured(system)
    _make_room()
    try:
        uvicorn.Server(config).run()
    finally:
        release(config)


def free(host: str, port: int) -> None:
    """That nothing listens there yet. Raises `PortTaken`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise PortTaken(port=port) from None


def _make_room() -> None:
    """Let this process open as many files as it serves connections; most systems begin with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def release(config: uvicorn.Config) -> None:
    """Let go of the connections that the application has made."""
    app: Any = config.app
    app.state.bulkheads.dispose()


@contextmanager
def running(system: System, *, protocol: type[Guarded] = Guarded) -> Iterator[str]:
    """Serve from a thread, on a free port of the loopback interface; yields the base URL.

    For tests and the demo, which have their own use for the process.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(2048)
        config = configured(system, protocol=protocol)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="api", daemon=True)
        thread.start()
        try:
            # The socket listens already: what arrives before the server is up waits in its queue.
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=GRACE_SECONDS + 5)
            release(config)
