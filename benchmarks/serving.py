"""An API process to measure: the platform's own, and beside it one route of the benchmark's.

The route stands in the same process behind the same edge and reads, groups and commits with
the same code as collection; but it looks for no key, parses nothing, seals nothing, and
stores the body as it came, durably, by one insert a group.
"""

import socket
import sys
import threading
from collections.abc import Sequence
from typing import Any

import uvicorn
from sqlalchemy.orm import Session
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.auth.write_keys import WriteKeys
from api.http.collection import Collection, Outcome
from api.http.dependencies import System
from api.http.edge import Edge
from api.processes import server
from benchmarks.children import reply
from benchmarks.place import joined
from cdp.kernel.database import run

BARE = "/benchmark/batch"
# Of the plainest kind: a number, a time, the body, in a column as PostgreSQL makes it and as the
# inbox has it; nobody's row-level security.
TABLE = """
CREATE SCHEMA IF NOT EXISTS benchmark;
CREATE TABLE benchmark.bodies (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now(),
    body bytea NOT NULL
);
GRANT USAGE ON SCHEMA benchmark TO cdp_app;
GRANT INSERT ON benchmark.bodies TO cdp_app;
"""
_STORE = "INSERT INTO benchmark.bodies (body) SELECT unnest(%b::bytea[])"


class Bare(Collection):
    """Collection that stores bodies unlooked at."""

    def _store(self, requests: Sequence[Any]) -> list[Outcome]:
        with Session(self._system.app) as session, session.begin():
            run(session, _STORE, ([request.body for request in requests],))
        return [None] * len(requests)


def beside(platform: ASGIApp, bare: ASGIApp) -> ASGIApp:
    """Requests for `BARE` go to `bare`, all others to `platform`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == BARE:
            await bare({**scope, "path": "/v1/batch"}, receive, send)
        else:
            await platform(scope, receive, send)

    return app


def configured(system: System) -> uvicorn.Config:
    """The platform's own way to serve; the route lies where collection does, behind the edge."""
    config = server.configured(system)
    app: Any = config.app
    (edge,) = (one for one in app.user_middleware if one.cls is Edge)
    bare = Bare(system, WriteKeys(system.app, system.ports, clock=system.clock), rates=edge.kwargs["rates"])
    edge.kwargs["collection"] = beside(edge.kwargs["collection"], bare)
    known = edge.kwargs["collects"]
    edge.kwargs["collects"] = lambda path: known("/v1/batch" if path == BARE else path)
    return config


def main() -> None:
    """Serve on a free port, which is the first answer, until the input ends."""
    system = joined()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(2048)
        serving = uvicorn.Server(configured(system))
        thread = threading.Thread(target=serving.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        reply(port=listener.getsockname()[1])
        sys.stdin.read()
        serving.should_exit = True
        thread.join()


if __name__ == "__main__":
    main()
