"""The edge: what every request passes, before and behind everything else.

Gives a request its id, lets only so many in at once, sets the security headers, writes the
access log (no query string, no address, no value), and turns whatever nobody caught into a
500 that says nothing. Collection's paths go to their own application from here.
"""

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from anyio import CapacityLimiter
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.client_paths import Address
from cdp.kernel.errors import Overloaded
from cdp.kernel.ids import new_id
from cdp.kernel.logs import log

# Each request uses at most one of the 40 threads that FastAPI has, and may wait in it for a
# connection that another request holds. With fewer requests than threads none can be left
# without the thread it needs to give its connection back.
INSIDE = 32
WAITING = 256
BODY_BYTES = 256 * 1024  # of every route but collection's, which have their own cap

SECURITY: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_HTTPS_ONLY = "max-age=31536000; includeSubDomains"
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})


class Edge:
    """ASGI middleware around the whole API."""

    def __init__(
        self, app: ASGIApp, *, collection: ASGIApp, collects: Callable[[str], Address | None], https: bool
    ) -> None:
        """`collects` finds the address of collection's that a path means."""
        self._app = app
        self._collection = collection
        self._collects = collects
        self._limiter = CapacityLimiter(INSIDE)
        headers = dict(SECURITY) | ({"Strict-Transport-Security": _HTTPS_ONLY} if https else {})
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        scope["cdp.request"] = str(new_id())
        sender = _Sender(send, scope["cdp.request"], self._headers)
        collecting = self._collects(scope["path"])
        try:
            if collecting:
                await self._collection(scope, receive, sender)
            else:
                await self._enter(scope, receive, sender)
        except Exception as error:
            problem = problems.of(error)
            if problem.status >= 500:
                log().error("request_failed", request=scope["cdp.request"], exc_info=error)
            if sender.status == 0:
                await problem.response(scope["cdp.request"])(scope, receive, sender)
        log().info(
            "http_request",
            request=scope["cdp.request"],
            method=scope["method"] if scope["method"] in _METHODS else "other",
            route=collecting.name if collecting else _route(scope),
            status=sender.status,
            duration_ms=round((perf_counter() - started) * 1000, 1),
        )

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Whether the process lives is asked most urgently when it is full.
        if scope["path"] == "/healthz":
            await self._app(scope, receive, send)
            return
        if self._limiter.statistics().tasks_waiting >= WAITING:
            raise Overloaded
        async with self._limiter:
            await self._app(scope, _Capped(receive), send)


class _Capped:
    """Receives a body up to the cap."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._size = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > BODY_BYTES:
            # FastAPI makes a 400 of any other class that is raised while it reads.
            raise HTTPException(413)
        return message


class _Sender:
    """Sends on, with the headers that every answer has, and remembers the status."""

    def __init__(self, send: Send, request: str, headers: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._headers = [*headers, (b"x-request-id", request.encode())]
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
            there = {name.lower() for name, _ in own}
            own.extend(pair for pair in self._headers if pair[0] not in there)
            message = {**message, "headers": own}
        await self._send(message)


def _route(scope: Mapping[str, Any]) -> str:
    """The route's template: a path itself can hold a token or an id."""
    return str(getattr(scope.get("route"), "path", "none"))
