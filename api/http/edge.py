"""The edge: what every request passes, before and behind everything else.

Gives a request its id, reads its body, lets only so many of a kind in at once (`api/http/bulkheads.py`),
sets the security headers, writes the access log (no query string, no address, no value), and turns
whatever nobody caught into a 500 that says nothing. Who sends or reads slowly takes nobody's place:
bodies are read before, and answers sent after. Collection's paths go to their own application from here.
"""

from collections.abc import Callable, Mapping
from time import perf_counter

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http import answer_times, bulkheads, problems
from api.http.auth.callers import CLICKED
from api.http.bodies import BODY, Bodies, Gone
from api.http.bulkheads import KIND, Bulkheads
from api.http.client_paths import Address
from api.http.rates import Rates
from cdp.kernel.ids import new_id
from cdp.kernel.logs import log

BODY_BYTES = 256 * 1024  # of every route but collection's, which have their own cap
HELD_BYTES = 16 * 1024 * 1024  # bodies in memory at once; as many again of those that may say no

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
        self,
        app: ASGIApp,
        *,
        places: Bulkheads,
        rates: Rates,
        collection: ASGIApp,
        collects: Callable[[str], Address | None],
        caller: Callable[[Headers], str],
        link: Callable[[str], str],
        https: bool,
    ) -> None:
        """`collects` finds the address of collection's that a path means, `caller` whose a request is.

        `link` finds whose unsubscribe link a path is.
        """
        self._app = app
        self._places = places
        self._rates = rates
        self._bodies, self._heard = (Bodies(most=BODY_BYTES, together=HELD_BYTES) for _ in range(2))
        self._collection = collection
        self._collects = collects
        self._caller = caller
        self._link = link
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
        except Gone:
            pass
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
        path = scope["path"]
        scope[KIND] = kind = bulkheads.kind(scope["method"], path)
        # Whether the process lives is asked most urgently when it is full.
        if path == "/healthz":
            await self._app(scope, receive, send)
            return
        self._rates.address(kind, scope)
        if path.startswith(CLICKED):
            # An unsubscribe link decides by itself: nobody waits for what its body says.
            whose = self._link(path) if kind in bulkheads.SHARED else None
            await self._answer(scope, whose, b"", receive, send)
            return
        headers = Headers(scope=scope)
        bodies = self._heard if kind in bulkheads.NO else self._bodies
        async with bodies.read(headers, receive) as body:
            scope[KIND] = kind = bulkheads.kind_with(kind, path, body)
            caller = self._caller(headers) if kind in bulkheads.SHARED else None
            await self._answer(scope, caller, body, receive, send)

    async def _answer(
        self, scope: Scope, caller: str | None, body: bytes, receive: Receive, send: Send
    ) -> None:
        scope[BODY] = body
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        async with self._places.place(scope[KIND], caller) as leave:
            await self._app(scope, _Read(body, receive), keep)
            await leave()
            await answer_times.wait(scope)
        for message in kept:
            await send(message)


class _Read:
    """Gives a body that was read already, and then whatever comes."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._first: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._receive = receive

    async def __call__(self) -> Message:
        if self._first is None:
            return await self._receive()
        first, self._first = self._first, None
        return first


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


def _route(scope: Mapping[str, object]) -> str:
    """The route's template: a path itself can hold a token or an id."""
    return str(getattr(scope.get("route"), "path", "none"))
