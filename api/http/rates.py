"""How often somebody may ask: counted per client, source and address in windows of some seconds.

Counts are this process's own (ADR-0038): what a limit keeps is a process, and a count that all
share would cost a write for each request. Noes of people's are limited for their own client alone, and
unsubscribe links for nobody: whom others crowd out would stay subscribed.
"""

from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from math import ceil
from threading import Lock
from time import monotonic
from uuid import UUID

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from starlette.types import Scope

from api.http.bulkheads import Kind
from cdp.kernel.errors import TooOften
from cdp.kernel.settings import Settings

WINDOW = 10  # seconds: what is allowed in one second may be used up ten times at once
MOST = 100_000  # who is counted at once
HOME = 64  # bits of an IPv6 address that one household or machine has

EVENTS = "events"


class Windows(Storage):
    """Counts in memory, each until its window ends.

    The library's own starts a thread each 10 ms in which somebody asks, which looks through all that
    are counted, and it counts any number; here, whoever is one too many makes room.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds."""
        super().__init__()
        self._clock = clock
        self._lock = Lock()
        self._counts: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """None of its own."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count, and say how many there are in this window, which lasts `expiry` seconds from its first."""
        with self._lock:
            now = self._clock()
            count, until = self._counts.get(key, (0, now))
            if until <= now:
                self._make_room(now)
                count, until = 0, now + expiry
            self._counts[key] = (count + amount, until)
            return count + amount

    def get(self, key: str) -> int:
        """How many there are in this window."""
        count, until = self._counts.get(key, (0, 0.0))
        return count if until > self._clock() else 0

    def get_expiry(self, key: str) -> float:
        """When the window ends."""
        return self._counts.get(key, (0, self._clock()))[1]

    def check(self) -> bool:
        """It is always there."""
        return True

    def reset(self) -> int:
        """Forget all; how many were known."""
        with self._lock:
            known = len(self._counts)
            self._counts.clear()
            return known

    def clear(self, key: str) -> None:
        """Forget one."""
        with self._lock:
            self._counts.pop(key, None)

    def _make_room(self, now: float) -> None:
        if len(self._counts) < MOST:
            return
        self._counts = {key: one for key, one in self._counts.items() if one[1] > now}
        if len(self._counts) >= MOST:
            # A limit that fails lets in: what is inside is bounded by its bulkhead.
            self._counts = {}


class Rates:
    """The limits of one process."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or monotonic
        self._limiter = FixedWindowRateLimiter(Windows(self._clock))
        requests = _a_second(settings.rate_requests)
        self._addresses: Mapping[str, RateLimitItem | None] = {
            **dict.fromkeys(Kind, requests),
            # By how many others does a household, an office or a proxy of theirs reach us?
            Kind.HEARD: None,
            Kind.CLICK: None,
            Kind.NOES: None,
            Kind.PAGE: None,
            Kind.TOKEN: _a_second(settings.rate_tokens),
            EVENTS: _a_second(settings.rate_events),
        }
        self._clients: Mapping[str, RateLimitItem] = {
            **dict.fromkeys(Kind, requests),
            Kind.HEARD: _a_second(settings.rate_consents),
            Kind.NOES: _a_second(settings.rate_consents),
            Kind.GRANT: _a_second(settings.rate_consents),
            Kind.TOKEN: _a_second(settings.rate_tokens),
            Kind.PROFILE: _a_second(settings.rate_profiles),
            Kind.PREVIEW: _a_second(settings.rate_previews),
        }
        self._sources = _a_second(settings.rate_events)

    def address(self, kind: str, scope: Scope) -> None:
        """Count a request of an address. Raises `TooOften`."""
        limit = self._addresses[kind]
        if limit is not None:
            self._count(limit, "address", kind, _home(scope.get("client")))

    def client(self, kind: Kind, client: str) -> None:
        """Count a request of a client whose token or secret was right. Raises `TooOften`."""
        self._count(self._clients[kind], "client", kind, client)

    def source(self, source: UUID) -> None:
        """Count a request with events of a source whose key was right. Raises `TooOften`."""
        self._count(self._sources, "source", EVENTS, str(source))

    def _count(self, limit: RateLimitItem, *whose: str) -> None:
        if not self._limiter.hit(limit, *whose):
            ends = self._limiter.get_window_stats(limit, *whose).reset_time
            raise TooOften(seconds=max(1, ceil(ends - self._clock())))


def _a_second(requests: int) -> RateLimitItem:
    return RateLimitItemPerSecond(requests * WINDOW, WINDOW)


def _home(peer: tuple[str, int] | None) -> str:
    """Whose an address is: of IPv6 its network, for one machine has as many as it likes."""
    if peer is None:
        return "local"
    try:
        address = ip_address(peer[0])
    except ValueError:
        # A trusted proxy has named what is no address; whoever it is, they are counted together.
        return "unknown"
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), HOME), strict=False))
