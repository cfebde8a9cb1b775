"""Collection over HTTP: the Segment tracking API, stored sealed and durable before the 200.

Raw ASGI, because this path is the hot one: the body is read with a cap, decompressed with a
cap, looked at as little as `cdp.intake.collection.decode` must, and stored. Requests that wait at the
same moment share an insert and a transaction, and so the wait for the disk. What is in them
is judged later, by the worker; a refusal by consent is no error here. The format is
wire.md, "Collection"; clients read status, `code` and `message`. What they call, and how each is
pointed here, is docs/clients.md.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import msgspec
from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.http import client_paths, library_settings, problems
from api.http.auth import header
from api.http.auth.write_keys import UnknownWriteKey, WriteKey, WriteKeys
from api.http.bodies import Bodies, Gone
from api.http.client_paths import Address, Serves
from api.http.dependencies import System
from api.http.rates import EVENTS, Rates
from cdp.intake import inbox
from cdp.intake.collection import BATCH_BYTES, decode, gunzip
from cdp.intake.inbox import Accepted
from cdp.kernel.errors import BadInput, NotAllowed, Overloaded, Unavailable
from cdp.kernel.json_values import JsonObject
from cdp.vocabulary import Actor, KeyKind, WorkspaceId
from cdp.work import open_work

# Data that cannot be compressed grows by a few bytes a block, never by this much.
WIRE_BYTES = BATCH_BYTES + 4_096
WAITING = 128  # requests that wait to be stored
TOGETHER = 32  # requests in one transaction
# Some prepare requests while others wait for the disk. Measured on two cores: with two the
# disk often waits, and beyond four they only take turns.
WRITERS = 4
LOOKERS = 2  # of the libraries that ask for their settings
HELD_BYTES = 64 * 1024 * 1024  # bodies in memory at once, read in full or in part

_COLLECTION = Actor(ref="collection", roles=frozenset(), kind="system")
_SUCCESS = b'{"success":true}'
# Any page may send, and its library may look at when to come back.
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After, X-RateLimit-Reset, X-Request-Id",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
# The star stands for whatever a later version sends, and never for Authorization. The names are
# for browsers that do not know it.
_SENT_HEADERS = (
    "Authorization, Content-Type, Content-Encoding, Accept, X-Retry-Count, AnonymousId, SentAt,"
    " Rsa-Recovered, Rsa-Retry-Attempt, Rsa-Retry-Reason, Rsa-Since-First-Attempt,"
    " Rsa-Since-Last-Attempt, *"
)


class UnknownEncoding(BadInput):
    """The body's encoding is neither gzip nor none."""


class CollectingNotAllowed(NotAllowed):
    """The policy does not let this source send events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A tracking call as it came; its body is personal."""

    path_type: str
    authorization: str | None
    gzipped: bool
    gpc: bool
    body: bytes = field(repr=False)
    key_in_address: str | None = field(default=None, repr=False)


Outcome = Exception | None  # None: stored


class Writers:
    """Stores requests in threads: those that came while the writers were busy go together."""

    def __init__(self, store: Callable[[Sequence[_Request]], list[Outcome]]) -> None:
        """`store` stores requests and says what became of each; it raises nothing."""
        self._store = store
        self._waiting: deque[tuple[_Request, asyncio.Future[None]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = 0
        self._threads = CapacityLimiter(WRITERS)

    async def store(self, request: _Request) -> None:
        """Returns once the request is durable. Raises what `store` found, or `Overloaded`."""
        if len(self._waiting) >= WAITING:
            raise Overloaded
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, stored))
        if self._writing < WRITERS:
            # Counted here and uncounted by the writer itself, in one step with its last look at
            # the queue: a request that comes as the writers leave always finds it has to start one.
            self._writing += 1
            task = asyncio.create_task(self._write())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await stored

    async def _write(self) -> None:
        try:
            await self._empty()
        finally:
            self._writing -= 1

    async def _empty(self) -> None:
        while self._waiting:
            count = min(TOGETHER, len(self._waiting))
            group = [self._waiting.popleft() for _ in range(count)]
            requests = [request for request, _ in group]
            outcomes = await to_thread.run_sync(self._store, requests, limiter=self._threads)
            for (_, stored), outcome in zip(group, outcomes, strict=True):
                if stored.done():
                    continue  # The server is stopping, and has given the request up.
                if outcome is None:
                    stored.set_result(None)
                else:
                    stored.set_exception(outcome)


class Collection:
    """The ASGI application of collection's paths."""

    def __init__(
        self, system: System, keys: WriteKeys, *, rates: Rates, bodies: Bodies | None = None
    ) -> None:
        self._system = system
        self._keys = keys
        self._rates = rates
        self._bodies = bodies or Bodies(most=WIRE_BYTES, together=HELD_BYTES)
        self._writers = Writers(self._store)
        self._lookers = CapacityLimiter(LOOKERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            answer = await self._serve(scope, receive)
        except Gone:
            return
        except Exception as error:
            problem = problems.of(error, bad_input=400, challenge="Basic")
            if problem.status >= 500 and not isinstance(error, Unavailable):
                # The edge logs it and answers: what nobody foresaw looks the same everywhere.
                raise
            answer = problem.response(scope["cdp.request"])
            answer.headers.update(_CORS)
        await answer(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive) -> Response:
        address = client_paths.find(scope["path"])
        assert address is not None, "the edge sends nothing else here"
        method = scope["method"]
        if method == "OPTIONS":
            return Response(status_code=204, headers=_preflight(address))
        if method not in address.methods.split(", "):
            allow = {"Allow": address.methods}
            return problems.of_status(405, allow | _CORS).response(scope["cdp.request"])
        self._rates.address(EVENTS, scope)
        if address.serves is Serves.SETTINGS:
            text = client_paths.project_key(scope["path"])
            key = await self._public(text)
            return _json(library_settings.segment(text or "", key, self._system.settings.public_url))
        headers = Headers(scope=scope)
        if address.serves is Serves.SOURCE_CONFIG:
            text = _key_in_query(scope) or _shown_key(headers.get("authorization"))
            return _json(library_settings.rudderstack(text or "", await self._public(text)))
        if address.serves is Serves.MESSAGES:
            await self._accept(address, scope, headers, receive)
        # A library's metrics about itself are nobody's data; they are answered and not read.
        return Response(_SUCCESS, headers=_CORS, media_type="application/json")

    async def _accept(self, address: Address, scope: Scope, headers: Headers, receive: Receive) -> None:
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("gzip", "identity", ""):
            raise UnknownEncoding(field="Content-Encoding")
        async with self._bodies.read(headers, receive) as body:
            request = _Request(
                path_type=address.takes,
                authorization=headers.get("authorization"),
                gzipped=encoding == "gzip",
                gpc=headers.get("sec-gpc") == "1",
                body=body,
                key_in_address=_key_in_query(scope) if address.name.startswith("/beacon/") else None,
            )
            await self._writers.store(request)

    def _store(self, requests: Sequence[_Request]) -> list[Outcome]:
        """Check requests and store them, in a thread; durable when it returns. Raises nothing."""
        outcomes: list[Outcome] = [None] * len(requests)
        ready: dict[WorkspaceId, list[tuple[int, Accepted]]] = {}
        for place, request in enumerate(requests):
            try:
                workspace, accepted = self._checked(request)
            except Exception as error:
                outcomes[place] = error
            else:
                if accepted.items:
                    ready.setdefault(workspace, []).append((place, accepted))
        for workspace, group in ready.items():
            try:
                self._insert(workspace, [accepted for _, accepted in group])
            except Exception as error:
                outcomes = [error if place in dict(group) else one for place, one in enumerate(outcomes)]
        return outcomes

    def _checked(self, request: _Request) -> tuple[WorkspaceId, Accepted]:
        shown = _shown_key(request.authorization)
        # A key in the header is checked before anything is done for its sender.
        key = self._keys.check(shown) if shown is not None else None
        if key is None and request.key_in_address is not None:
            key = _for_everybody(self._keys.check(request.key_in_address))
        body = gunzip(request.body, BATCH_BYTES) if request.gzipped else request.body
        batch = decode(body, path_type=request.path_type)
        key = key or self._keys.check(batch.write_key or "")
        self._rates.source(key.source)
        if not key.may_send:
            raise CollectingNotAllowed
        return key.workspace, Accepted(
            source=key.source,
            kind=key.kind.value,
            body=request.path_type.encode() + b"\n" + body,
            items=len(batch.items),
            gpc=request.gpc,
        )

    def _insert(self, workspace: WorkspaceId, group: Sequence[Accepted]) -> None:
        system = self._system
        with open_work(
            system.app, workspace=workspace, actor=_COLLECTION, purpose="collection", clock=system.clock
        ) as work:
            inbox.accept(group, vault=system.ports.vault, work=work)

    async def _public(self, text: str | None) -> WriteKey:
        """The public key that a library asks with."""
        return _for_everybody(await to_thread.run_sync(self._keys.check, text or "", limiter=self._lookers))


def _for_everybody(key: WriteKey) -> WriteKey:
    """`key` if it may stand in an address, which proxies and browsers keep. A server key never may."""
    if key.kind is not KeyKind.PUBLIC:
        raise UnknownWriteKey
    return key


def _preflight(address: Address) -> dict[str, str]:
    return _CORS | {
        "Allow": address.methods,
        "Access-Control-Allow-Methods": address.methods,
        "Access-Control-Allow-Headers": _SENT_HEADERS,
        "Access-Control-Max-Age": "86400",
    }


def _json(document: JsonObject) -> Response:
    return Response(msgspec.json.encode(document), headers=_CORS, media_type="application/json")


def _key_in_query(scope: Scope) -> str | None:
    query = scope.get("query_string", b"").decode("latin-1")
    return next(iter(parse_qs(query).get("writeKey", ())), None)


def _shown_key(authorization: str | None) -> str | None:
    """The write key in a Basic header; a Bearer token says nothing here, its key is in the body."""
    pair = header.basic(authorization)
    return pair[0] if pair is not None and pair[0] else None
