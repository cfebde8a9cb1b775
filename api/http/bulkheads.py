"""Bulkheads: how many requests of a kind are worked on at once, on connections that are theirs.

Each kind has places, threads and database connections that no other kind can take, so that costly
asks and slow releases never keep a withdrawal out (ADR-0032). A place is taken when the body is
there and given back before the answer is sent: who sends or reads slowly holds none. Of the places of
words one caller takes a share at most: whoever brings many, or slow ones, keeps nobody else's out. The
share is given back with the answer, which may have to wait: how soon a place is free tells nobody whom
the word of another request of theirs was about (ADR-0044).
"""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from anyio import CapacityLimiter, fail_after
from sqlalchemy import Engine

from cdp.kernel.database import limited, make_engine, overflow_of
from cdp.kernel.errors import Overloaded
from cdp.kernel.repeated_names import each_once

KIND = "cdp.kind"  # where a request's scope says its kind
WAITING = 256  # requests of one kind that wait for a place
WAIT_SECONDS = 15.0
# What FastAPI gives to the functions of all routes together. A request is in one of them at a time.
THREADS = 40


class Kind(StrEnum):
    """What a request is for, as far as places and rates go."""

    HEARD = "heard"  # a no of somebody's
    CLICK = "click"  # the same, by an unsubscribe link
    NOES = "noes"  # a whole list of them, which takes longer
    TOKEN = "token"  # noqa: S105  # it leads there, as does the page with the button
    PAGE = "page"
    READY = "ready"  # whether the process can serve
    PREVIEW = "preview"
    COSTLY = "costly"  # access pages, searches and copies of the log, measurements
    RELEASE = "release"
    PROFILE = "profile"
    GRANT = "grant"  # a yes, and that a notice was served
    OTHER = "other"


NO = frozenset({Kind.HEARD, Kind.CLICK, Kind.NOES})  # what may carry a no of somebody's


@dataclass(frozen=True, slots=True)
class Bulkhead:
    """Places for requests, and the seconds that each statement of theirs may take in the database.

    Of the connections, one for each place, `kept` stay open between requests. Of the places one caller
    takes `share` at most; None: all.
    """

    places: int
    seconds: int
    kept: int = 1
    share: int | None = None


HEARD = Bulkhead(10, seconds=15, share=4)
NOES = Bulkhead(2, seconds=30, share=1)
TOKENS = Bulkhead(4, seconds=10)
PAGES = Bulkhead(3, seconds=10, share=2)
READY = Bulkhead(1, seconds=2)
COSTLY = Bulkhead(4, seconds=30)
RELEASE = Bulkhead(4, seconds=300)
REST = Bulkhead(12, seconds=30)
# Its writers commit all the time; to connect anew for each commit cost a quarter of what they take in.
COLLECTION = Bulkhead(6, seconds=15, kept=4)

_BY_KIND: Mapping[Kind, Bulkhead] = {
    Kind.HEARD: HEARD,
    Kind.CLICK: HEARD,
    Kind.NOES: NOES,
    Kind.TOKEN: TOKENS,
    Kind.PAGE: PAGES,
    Kind.READY: READY,
    Kind.PREVIEW: COSTLY,
    Kind.COSTLY: COSTLY,
    Kind.RELEASE: RELEASE,
    Kind.PROFILE: REST,
    Kind.GRANT: REST,
    Kind.OTHER: REST,
}

# Of the places of the rest, what one caller takes for their words.
GRANT_SHARE = 4
# Of the places of noes, what the links to one contact take, and all links together: anybody can click.
CLICK_SHARE, CLICKS = 2, 6
_SHARES: Mapping[Kind, int | None] = {kind: one.share for kind, one in _BY_KIND.items()} | {
    Kind.GRANT: GRANT_SHARE,
    Kind.CLICK: CLICK_SHARE,
}
_TOGETHER: Mapping[Kind, int] = {Kind.CLICK: CLICKS}
SHARED = frozenset(kind for kind, share in _SHARES.items() if share is not None)

_CONSENTS = "/v1/consents"
# Mail programs take a break of the line for a part of a link.
_ADDRESSES: tuple[tuple[str, str, Kind], ...] = (
    ("POST", r"/v1/consents|/v1/contacts/holder-change", Kind.HEARD),
    ("POST", r"(?s)/u/.*", Kind.CLICK),
    ("POST", r"/v1/suppressions", Kind.NOES),
    ("POST", r"/v1/notices/served", Kind.GRANT),
    ("POST", r"/oauth/token", Kind.TOKEN),
    ("GET|HEAD", r"(?s)/u/.*", Kind.PAGE),
    ("GET", r"/readyz", Kind.READY),
    ("POST", r"/v1/audiences/preview", Kind.PREVIEW),
    ("GET", r"/v1/subjects/[^/]*/access|/v1/audit/entries|/v1/audit/bundle", Kind.COSTLY),
    ("POST", r"/v1/identity/evaluation|/v1/findings/rescan", Kind.COSTLY),
    ("POST", r"/v1/releases", Kind.RELEASE),
    ("GET", r"/v1/profiles/.*", Kind.PROFILE),
    ("POST", r"/v1/profiles/query", Kind.PROFILE),
)
_KINDS = [(re.compile(method), re.compile(path), kind) for method, path, kind in _ADDRESSES]


def kind(method: str, path: str) -> Kind:
    """What a request is for, before its body is known."""
    for methods, paths, found in _KINDS:
        if methods.fullmatch(method) and paths.fullmatch(path):
            return found
    return Kind.OTHER


def kind_with(known: Kind, path: str, body: bytes) -> Kind:
    """As `known`, but that a yes takes no place of a no's. What can't be read may be a no."""
    if not may_be_a_yes(known, path):
        return known
    try:
        # As the route reads it, in whichever of JSON's encodings; what says a name twice is no yes.
        said = json.loads(body, object_pairs_hook=each_once)
    except (ValueError, RecursionError):
        return known
    return Kind.GRANT if isinstance(said, dict) and said.get("state") == "given" else known


def may_be_a_yes(known: Kind, path: str) -> bool:
    """Whether the body of a request has to be read before it is known what it is for."""
    return known is Kind.HEARD and path == _CONSENTS


class Bulkheads:
    """The places of one application, and the engines whose connections belong to them."""

    def __init__(self, shared: Engine, *, pool_size: int) -> None:
        """`shared` is the process's engine, of `pool_size`; it keeps what has no bulkhead of its own."""
        self._own = [
            (one, make_engine(shared.url, pool_size=one.kept, overflow=one.places - one.kept))
            for one in (HEARD, NOES, TOKENS, PAGES, READY, COSTLY, RELEASE, COLLECTION)
        ]
        self._engines = {one: limited(engine, one.seconds) for one, engine in self._own}
        self._engines[REST] = limited(shared, REST.seconds)
        self._limiters = {one: CapacityLimiter(one.places) for one in set(_BY_KIND.values())}
        # A request that is inside never waits for a connection that another one holds.
        self._limiters[REST] = CapacityLimiter(min(REST.places, pool_size + overflow_of(pool_size)))
        self._together = {kind: CapacityLimiter(most) for kind, most in _TOGETHER.items()}
        self._shares: dict[tuple[Kind, str], CapacityLimiter] = {}
        self._holders: Counter[tuple[Kind, str]] = Counter()

    @property
    def collection(self) -> Engine:
        """Collection's connections; how many requests it works on, it says itself."""
        return self._engines[COLLECTION]

    def engine(self, kind: Kind) -> Engine:
        """The connections of a kind, with its time limit."""
        return self._engines[_BY_KIND[kind]]

    def waiting(self, kind: Kind) -> int:
        """How many requests wait for a place of that kind."""
        return self._limiters[_BY_KIND[kind]].statistics().tasks_waiting

    @asynccontextmanager
    async def place(
        self, kind: Kind, caller: str | None = None
    ) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """A place, until the block is left; `caller` takes no more than a share, None is held to none.

        Yields what gives the place back before the block is left, but not the caller's share: a place
        that nobody has a share of stays taken. Raises `Overloaded` where too many wait, or too long.
        """
        async with AsyncExitStack() as shared, AsyncExitStack() as held:
            try:
                with fail_after(WAIT_SECONDS):
                    await shared.enter_async_context(self._within_share(kind, caller))
                    if kind in self._together:
                        await shared.enter_async_context(_one_of(self._together[kind]))
                    await held.enter_async_context(_one_of(self._limiters[_BY_KIND[kind]]))
            except TimeoutError:
                raise Overloaded from None
            yield held.aclose if _BY_KIND[kind].share is not None else _stay

    @asynccontextmanager
    async def _within_share(self, kind: Kind, caller: str | None) -> AsyncIterator[None]:
        most = _SHARES[kind]
        if caller is None or most is None:
            yield
            return
        whose = (kind, caller)
        share = self._shares.setdefault(whose, CapacityLimiter(most))
        self._holders[whose] += 1
        try:
            async with _one_of(share):
                yield
        finally:
            self._holders[whose] -= 1
            if not self._holders[whose]:
                del self._holders[whose], self._shares[whose]

    def dispose(self) -> None:
        """Let go of the connections, but for the process's own."""
        for _, engine in self._own:
            engine.dispose()


async def _stay() -> None:
    """Give nothing back yet."""


@asynccontextmanager
async def _one_of(limiter: CapacityLimiter) -> AsyncIterator[None]:
    if limiter.statistics().tasks_waiting >= WAITING:
        raise Overloaded
    holder = object()
    await limiter.acquire_on_behalf_of(holder)
    try:
        yield
    finally:
        limiter.release_on_behalf_of(holder)
