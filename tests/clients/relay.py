"""A relay between a client and the platform, which notes what each request is and passes it on as it came.

It also can refuse at first, as a platform that is overloaded does.
"""

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn

# These are said anew between the relay and each side.
_HOPS = {b"host", b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"date", b"server"}
_REFUSAL = [(b"access-control-allow-origin", b"*"), (b"retry-after", b"1"), (b"content-length", b"0")]


@dataclass(frozen=True)
class Seen:
    """One request, and the status that it was answered with."""

    method: str
    path: str
    query: str
    gzipped: bool
    headers: frozenset[str]
    status: int
    body: bytes = field(repr=False)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages in its body."""
        if self.method != "POST":
            return []
        whole = json.loads(gzip.decompress(self.body) if self.gzipped else self.body)
        found: list[dict[str, Any]] = whole.get("batch", [whole])
        return found


class Relay:
    """The ASGI application; `target` is the platform's URL."""

    def __init__(self, target: str) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self.refusals = 0  # how many of the next requests that post are refused
        self._target = target

    async def __call__(self, scope, receive, send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = [pair for pair in scope["headers"] if pair[0] not in _HOPS]
        if self.refusals and scope["method"] == "POST":
            self.refusals -= 1
            status, answered, content = 503, _REFUSAL, b""
        else:
            query = scope["query_string"].decode()
            url = self._target + scope["raw_path"].decode()
            async with httpx.AsyncClient(timeout=30) as http:
                answer = await http.request(
                    scope["method"], f"{url}?{query}" if query else url, headers=headers, content=body
                )
            status, content = answer.status_code, answer.content
            answered = [pair for pair in answer.headers.raw if pair[0].lower() not in _HOPS]
            answered.append((b"content-length", str(len(content)).encode()))
        self.seen.append(_seen(scope, status, body))
        await send({"type": "http.response.start", "status": status, "headers": answered})
        await send({"type": "http.response.body", "body": content})


def _seen(scope, status: int, body: bytes) -> Seen:
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    return Seen(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode(),
        gzipped=headers.get("content-encoding") == "gzip",
        headers=frozenset(headers),
        status=status,
        body=body,
    )


@contextmanager
def relaying(target: str, listener: socket.socket) -> Iterator[Relay]:
    """Relay what comes in at `listener` to `target`, from a thread."""
    relay = Relay(target)
    relay.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(relay, lifespan="off", log_config=None, access_log=False, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        server.should_exit = True
        thread.join(timeout=15)
