"""The demo's events: calls for the Segment client, in the order in which to make them.

One half goes through the shop server's key: accounts, their orders, clubs. The other goes
through the browser's public key: visitors without a name, of whom some log in. Both hold
duplicates and late events; the server's half also holds messages that must be refused.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from api.demo.customers import CAROL, CUSTOMERS, EMMA, JUDITH, MEI, PAUL, STRANGERS, Customer
from api.demo.people import Account, Population
from api.demo.purchases import CURRENCY, purchases
from api.demo.seeds import SEED, chance, stream
from cdp.kernel.json_values import JsonObject

# The categories that the browser's consent objects know. None of them is e-mail.
CATEGORIES = ("analytics", "advertising")
NEWCOMERS = 700
VISITORS = 1_450
CLUBS = ("club-vinyl", "club-jazz", "club-opera")
PAGES = ("Home", "New releases", "Jazz", "Opera", "Offers", "About us")

Prove = Callable[[str], str]


class Order(NamedTuple):
    """When somebody bought, and what the event says of it."""

    at: datetime
    properties: JsonObject


class Call(NamedTuple):
    """One call of `segment.analytics.Client`: a method's name and its keyword arguments."""

    method: str
    kwargs: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """All calls. `browser` are bodies for `POST /v1/{type}` with `Sec-GPC: 1`, a header
    that the client can't send. The counts are what the platform should find.
    """

    server: tuple[Call, ...]
    public: tuple[Call, ...]
    browser: tuple[dict[str, object], ...]
    duplicates: int
    late: int
    invalid: int


def events(people: Population, now: datetime, *, prove: Prove | None = None, seed: int = SEED) -> Events:
    """The events of `people` up to `now` (aware).

    `prove` makes the `identityProof` of a user id that the shop's server hands to a
    browser after a log-in; without it no log-in is proven.
    """
    server = _Server(stream(seed, "server"), now)
    for index, (account, orders) in enumerate(_buyers(people, now, seed)):
        server.buyer(account, orders, index)
    buyers = server.known
    newcomers = [account for account in _ordinary(people) if account.user_id not in buyers]
    for account in stream(seed, "newcomers").sample(newcomers, NEWCOMERS):
        server.newcomer(account)
    public = _Public(stream(seed, "public"), now, prove)
    for customer in (EMMA, PAUL):
        public.visit(customer.anonymous_id, customer.user_id, proven=True)
    visitors = stream(seed, "visitors")
    for account in visitors.sample(_ordinary(people), VISITORS):
        anonymous_id = str(UUID(int=visitors.getrandbits(128), version=4))
        user_id = account.user_id if chance(visitors, 0.65) else None
        public.visit(anonymous_id, user_id, proven=chance(visitors, 0.5))
    halves = [_delivered(half, stream(seed, f"delivery of {half.name}")) for half in (server, public)]
    refused = _refused(now)
    return Events(
        server=_scattered(halves[0].calls, refused, stream(seed, "refused")),
        public=tuple(halves[1].calls),
        browser=_with_gpc(CAROL, now),
        duplicates=sum(half.duplicates for half in halves),
        late=sum(half.late for half in halves),
        invalid=len(refused),
    )


def _buyers(people: Population, now: datetime, seed: int) -> Iterable[tuple[Account, list[Order]]]:
    """Accounts with their orders: the data set's customers dealt out, and the invented ones' own."""
    orders: dict[int, list[Order]] = {}
    for number, purchase in enumerate(purchases(now, seed=seed), start=1):
        orders.setdefault(purchase.customer, []).append(
            _order(f"cd-{number:05d}", purchase.at, purchase.revenue, purchase.quantity)
        )
    by_user = {account.user_id: account for account in people.accounts}
    yield from zip(
        stream(seed, "buyers").sample(_ordinary(people), len(orders)), orders.values(), strict=True
    )
    for number, customer in enumerate((EMMA, PAUL, CAROL, JUDITH), start=1):
        at = now - timedelta(days=3, hours=number)
        yield by_user[customer.user_id], [_order(f"inv-{number}", at, 19.99 * number, number)]
    yield by_user[MEI.user_id], []


def _ordinary(people: Population) -> list[Account]:
    """The accounts that nobody in the story holds."""
    invented = {customer.user_id for customer in (*CUSTOMERS, *STRANGERS)}
    return [account for account in people.accounts if account.user_id not in invented]


def _order(order_id: str, at: datetime, revenue: float, quantity: int) -> Order:
    properties: JsonObject = {
        "order_id": order_id,
        "revenue": round(revenue, 2),
        "currency": CURRENCY,
        "quantity": quantity,
    }
    return Order(at, properties)


class _Half:
    """The calls that go through one key, with message ids of its own."""

    name = ""

    def __init__(self, random: Random, now: datetime) -> None:
        self.random = random
        self.now = now
        self.calls: list[Call] = []

    def add(self, method: str, at: datetime, **kwargs: Any) -> None:
        """One more call, at most one second before now."""
        kwargs["timestamp"] = min(at, self.now - timedelta(seconds=1))
        kwargs["message_id"] = f"demo-{self.name}-{len(self.calls):06d}"
        self.calls.append(Call(method, kwargs))


class _Server(_Half):
    name = "server"

    def __init__(self, random: Random, now: datetime) -> None:
        super().__init__(random, now)
        self.known: set[str] = set()

    def buyer(self, account: Account, orders: Sequence[Order], index: int) -> None:
        """An account made shortly before its first order, then its orders."""
        first = min((order.at for order in orders), default=self.now - timedelta(days=5))
        made = first - timedelta(minutes=self.random.randrange(5, 60))
        self._identify(account, made)
        for order in orders:
            self.add(
                "track",
                order.at,
                user_id=account.user_id,
                event="Order Completed",
                properties=order.properties,
            )
        if index % 8 == 0:
            club = self.random.choice(CLUBS)
            self.add("group", made, user_id=account.user_id, group_id=club, traits={"plan": "member"})
        if index % 16 == 0:
            before = str(UUID(int=self.random.getrandbits(128), version=4))
            self.add("alias", made, previous_id=before, user_id=account.user_id)

    def newcomer(self, account: Account) -> None:
        """An account without orders, made in the last month."""
        made = self.now - timedelta(minutes=self.random.randrange(60, 43_200))
        self._identify(account, made)
        self.add("track", made, user_id=account.user_id, event="Signed Up", properties={"plan": "free"})

    def _identify(self, account: Account, at: datetime) -> None:
        self.known.add(account.user_id)
        self.add("identify", at, user_id=account.user_id, traits=dict(account.traits))


class _Public(_Half):
    name = "public"

    def __init__(self, random: Random, now: datetime, prove: Prove | None) -> None:
        super().__init__(random, now)
        self.prove = prove

    def visit(self, anonymous_id: str, user_id: str | None, *, proven: bool) -> None:
        """One session of the last week: pages, products, and perhaps a log-in with what follows."""
        consent = self._consent()
        at = self.now - timedelta(minutes=self.random.randrange(30, 10_000))
        who: dict[str, object] = {"anonymous_id": anonymous_id}

        def context() -> dict[str, object]:
            return {"ip": "192.0.2.7", "userAgent": "Mozilla/5.0 (generated)", **consent}

        def later() -> datetime:
            nonlocal at
            at += timedelta(seconds=self.random.randrange(5, 120))
            return at

        def look(times: int) -> None:
            for _ in range(times):
                name = self.random.choice(PAGES)
                self.add("page", later(), name=name, context=context(), **who)

        look(self.random.randrange(2, 5))
        for _ in range(self.random.randrange(1, 4)):
            disc = {"product_id": f"cd-{self.random.randrange(500)}", "price": 12.99, "currency": CURRENCY}
            for event in ("Product Viewed", "Product Added")[: self.random.randrange(1, 3)]:
                self.add("track", later(), event=event, properties=dict(disc), context=context(), **who)
        if user_id is None:
            return
        who["user_id"] = user_id
        proof = {"identityProof": self.prove(user_id)} if proven and self.prove else {}
        self.add("identify", later(), context={**context(), **proof}, **who)
        self.add("track", later(), event="Signed In", context=context(), **who)
        look(self.random.randrange(1, 3))

    def _consent(self) -> dict[str, object]:
        """What this visitor's banner says, in one of two dialects, or nothing."""
        words = {category: chance(self.random, 0.6) for category in CATEGORIES}
        draw = self.random.random()
        if draw < 0.5:
            return {"consent": {"categoryPreferences": words}}
        if draw < 0.6:
            return {"consent": {"categoryPreferences": {"analytics": True}}}
        if draw < 0.7:
            allowed = [category for category, given in words.items() if given]
            denied = [category for category, given in words.items() if not given]
            return {"consentManagement": {"allowedConsentIds": allowed, "deniedConsentIds": denied}}
        return {}


@dataclass(frozen=True, slots=True)
class _Delivered:
    calls: list[Call]
    duplicates: int
    late: int


def _delivered(half: _Half, random: Random) -> _Delivered:
    """The half's calls by time, except that some come late and some come twice."""
    queue: list[tuple[float, int, Call]] = []
    duplicates = late = 0
    for order, call in enumerate(sorted(half.calls, key=lambda call: call.kwargs["timestamp"])):
        place = float(order)
        if chance(random, 0.03):
            late += 1
            place += random.randrange(200, 3_000)
        queue.append((place, order, call))
        if chance(random, 0.02):
            duplicates += 1
            again = Call(call.method, _copied(call.kwargs))
            queue.append((place + random.randrange(1, 800), order, again))
    queue.sort(key=lambda entry: entry[:2])
    return _Delivered([call for _, _, call in queue], duplicates, late)


def _copied(value: Any) -> Any:
    """A copy that shares nothing; the client writes into what it is given."""
    return {key: _copied(item) for key, item in value.items()} if isinstance(value, dict) else value


def _refused(now: datetime) -> list[Call]:
    """Messages that the client sends and the platform must refuse, each for a reason of its own."""
    deep: Any = "core"
    for _ in range(40):
        deep = {"in": deep}
    wrong: list[Call] = [
        Call("identify", {"user_id": "u-wrong", "traits": {f"t{n}": n for n in range(301)}}),
        Call("track", {"user_id": "u-wrong", "event": "Product Viewed", "properties": {"name": "disc\0"}}),
        Call("track", {"user_id": "u-wrong", "event": "Product Viewed", "properties": {"name": "\ud800"}}),
        Call(
            "track", {"user_id": "u-wrong", "event": "Product Viewed", "properties": {"price": float("nan")}}
        ),
        Call("track", {"user_id": "u-wrong", "event": "Product Viewed", "properties": {"deep": deep}}),
        Call("track", {"user_id": "u-wrong", "event": " "}),
        Call("track", {"user_id": "w" * 300, "event": "Product Viewed"}),
        Call("page", {"user_id": "u-wrong", "context": {"externalIds": "none"}}),
        Call("page", {"user_id": "u-wrong", "context": {"identityProof": 7}}),
    ]
    calls = [
        Call(
            method, {**kwargs, "timestamp": now - timedelta(hours=1), "message_id": f"demo-wrong-{index:02d}"}
        )
        for index, (method, kwargs) in enumerate(wrong)
    ]
    long_id = {"user_id": "u-wrong", "name": "Home", "timestamp": now, "message_id": "m" * 101}
    return [*calls, Call("page", long_id)]


def _scattered(calls: Sequence[Call], others: Sequence[Call], random: Random) -> tuple[Call, ...]:
    """`calls` with `others` somewhere among them."""
    mixed = list(calls)
    for call in others:
        mixed.insert(random.randrange(len(mixed)), call)
    return tuple(mixed)


def _with_gpc(customer: Customer, now: datetime) -> tuple[dict[str, object], ...]:
    """A visit with a log-in, as a browser with Global Privacy Control sends it."""
    who: dict[str, object] = {"anonymousId": customer.anonymous_id}
    known = {**who, "userId": customer.user_id}
    bodies = (
        {"type": "page", "name": "Home", **who},
        {"type": "track", "event": "Product Viewed", "properties": {"product_id": "cd-1"}, **who},
        {"type": "identify", **known},
        {"type": "track", "event": "Signed In", **known},
    )
    return tuple(
        {
            **body,
            "messageId": f"demo-browser-{index}",
            "timestamp": (now - timedelta(minutes=30 - index)).isoformat(),
            "context": {"ip": "192.0.2.8"},
        }
        for index, body in enumerate(bodies)
    )
