"""The edge: what every request passes, before and behind everything else.

Gives a request its id, reads its body, lets only so many of a kind in at once (`api/http/bulkheads.py`),
sets the security headers, writes the access log (no query string, no address, no value), and turns
whatever nobody caught into a 500 that says nothing. Who sends or reads slowly takes nobody's place:
bodies are read before, and answers sent after. Of who shows no token no body is read where one is asked
for. Collection's paths go to their own application from here.
"""

from collections.abc import Callable, Mapping
from time import perf_counter

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http import answer_times, bulkheads, problems
from api.http.auth.callers import CLICKED, NOBODY
from api.http.bodies import AT_ONCE, BODY, Bodies, Gone, comes
from api.http.bulkheads import KIND, Bulkheads, Kind
from api.http.client_paths import Address
from api.http.rates import Rates
from cdp.kernel.ids import new_id
from cdp.kernel.logs import log

BODY_BYTES = 256 * 1024  # of every route but collection's, which have their own cap, and these two
WORD_BYTES = 32 * 1024  # what one person says
TOKEN_BYTES = 16 * 1024  # a form of two fields

# Bodies in memory at once, all and one caller's; each kind has its own, as it has its places.
WORDS_HELD, WORDS_EACH = 8 * 1024 * 1024, 1024 * 1024
LISTS_HELD, LISTS_EACH = 16 * 1024 * 1024, 4 * 1024 * 1024
REST_HELD, REST_EACH = 16 * 1024 * 1024, 4 * 1024 * 1024
# Who asks for a token is not known before. All that may wait at once fit in, so none of them fills it.
TOKENS_HELD = 8 * 1024 * 1024

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
        self._bodies = Bodies(most=BODY_BYTES, together=REST_HELD, each=REST_EACH)
        self._own_bodies: Mapping[Kind, Bodies] = {
            Kind.HEARD: Bodies(most=WORD_BYTES, together=WORDS_HELD, each=WORDS_EACH),
            Kind.NOES: Bodies(most=BODY_BYTES, together=LISTS_HELD, each=LISTS_EACH),
            Kind.TOKEN: Bodies(most=TOKEN_BYTES, together=TOKENS_HELD),
        }
        self._readers = CapacityLimiter(1)
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
        # Whether the process lives and can serve is asked most urgently when it is full.
        if path == "/healthz" or kind is Kind.READY:
            await self._app(scope, receive, send)
            return
        self._rates.address(kind, scope)
        if path.startswith(CLICKED):
            # An unsubscribe link decides by itself: nobody waits for what its body says.
            whose = self._link(path) if kind in bulkheads.SHARED else None
            await self._answer(scope, whose, b"", receive, send)
            return
        headers = Headers(scope=scope)
        known = kind is not Kind.TOKEN and (kind in bulkheads.SHARED or comes(headers))
        caller = self._caller(headers) if known else None
        if caller == NOBODY:
            # Whatever else takes a body asks for a token. Theirs is neither kept nor looked at.
            await self._answer(scope, caller, b"", receive, send)
            return
        async with self._own_bodies.get(kind, self._bodies).read(headers, receive, caller) as body:
            if bulkheads.may_be_a_yes(kind, path):
                scope[KIND] = await self._kind_with(kind, path, body)
            await self._answer(scope, caller, body, receive, send)

    async def _kind_with(self, kind: Kind, path: str, body: bytes) -> Kind:
        if len(body) <= AT_ONCE:
            return bulkheads.kind_with(kind, path, body)
        return await to_thread.run_sync(bulkheads.kind_with, kind, path, body, limiter=self._readers)

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
