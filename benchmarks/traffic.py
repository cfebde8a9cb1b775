"""The people and the tracking calls of every measurement: invented, and the same at each run.

Of a hundred events thirty identify (with personal properties, an e-mail address, and a
consent object that says two categories), ten of them somebody new; twenty are orders with
three facts, twenty-five product views with one, twenty-five pages. Each names somebody by two
identifiers, and who acts is drawn evenly from everybody: no two events in a row help each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from cdp.intake.inbox import Accepted
from cdp.vocabulary import KeyKind, SourceId

EVENTS = 100  # in one request
NEW, IDENTIFY, ORDERS, VIEWS = 10, 30, 20, 25

_START = datetime(2026, 1, 1, tzinfo=UTC)
_LIBRARY = {"name": "analytics-python", "version": "2.3.4"}
_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0 Safari/537.36"
_GIVEN = ("Ada", "Ben", "Chi", "Dora", "Emil", "Fay", "Gus", "Hana", "Ines", "Jon", "Kai", "Lea")
_SURNAMES = ("Abel", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Huber", "Ivanov", "Jansen")
_CITIES = ("Aachen", "Bremen", "Chemnitz", "Dresden", "Erfurt", "Freiburg", "Gera", "Halle")
_ENCODER = msgspec.json.Encoder()


@dataclass(slots=True)
class Traffic:
    """What everybody sends. `people` grows by ten with each hundred events."""

    people: int = 0
    sent: int = 0
    _random: Random = field(default_factory=lambda: Random(20260101))

    def arrivals(self, people: int) -> Iterator[bytes]:
        """Bodies in which `people` new people identify themselves, each with a device."""
        for start in range(0, people, EVENTS):
            count = min(EVENTS, people - start)
            yield self._body([self._identify(self._new(), device=True) for _ in range(count)])

    def bodies(self, events: int) -> Iterator[bytes]:
        """Bodies of `EVENTS` events in the proportions above; `events` is a multiple of it."""
        for _ in range(events // EVENTS):
            messages = [self._identify(self._new()) for _ in range(NEW)]
            messages += [self._identify(self._known()) for _ in range(IDENTIFY - NEW)]
            messages += [self._order(self._known()) for _ in range(ORDERS)]
            messages += [self._view(self._known()) for _ in range(VIEWS)]
            messages += [self._page(self._known()) for _ in range(EVENTS - len(messages))]
            self._random.shuffle(messages)
            yield self._body(messages)

    def _new(self) -> int:
        self.people += 1
        return self.people - 1

    def _known(self) -> int:
        return self._random.randrange(self.people)

    def _body(self, messages: list[dict[str, Any]]) -> bytes:
        sent_at = (_START + timedelta(seconds=self.sent)).isoformat()
        return _ENCODER.encode({"batch": messages, "sentAt": sent_at})

    def _message(self, kind: str, person: int, **more: Any) -> dict[str, Any]:
        self.sent += 1
        context = {
            "library": _LIBRARY,
            "ip": f"198.51.100.{person % 250}",
            "userAgent": _AGENT,
            "locale": "de-DE",
        }
        return {
            "type": kind,
            "messageId": f"{self.sent:08x}-5f1c-4a7e-9d0b-{person:012x}",
            "timestamp": (_START + timedelta(seconds=self.sent)).isoformat(),
            "userId": f"customer-{person:08d}",
            "context": context | more.pop("context", {}),
            **more,
        }

    def _identify(self, person: int, *, device: bool = False) -> dict[str, Any]:
        given, surname = _GIVEN[person % len(_GIVEN)], _SURNAMES[person // len(_GIVEN) % len(_SURNAMES)]
        traits = {
            "email": f"{given}.{surname}.{person}@example.org".lower(),
            "firstName": given,
            "lastName": surname,
            "birthday": f"19{50 + person % 50}-{1 + person % 12:02d}-{1 + person % 28:02d}",
            "address": {
                "street": f"Hauptstrasse {person % 200}",
                "city": _CITIES[person % len(_CITIES)],
                "postalCode": f"{10000 + person % 80000}",
                "country": "DE",
            },
        }
        preferences = {"marketing": self._random.random() < 0.7, "analytics": self._random.random() < 0.7}
        context = {"consent": {"categoryPreferences": preferences}}
        more = {"anonymousId": _device(person)} if device else {}
        return self._message("identify", person, traits=traits, context=context, **more)

    def _order(self, person: int) -> dict[str, Any]:
        revenue = round(self._random.uniform(5, 500), 2)
        properties = {
            "order_id": f"order-{self.sent:010d}",
            "revenue": revenue,
            "currency": "EUR",
            "quantity": self._random.randint(1, 5),
            "products": [{"product_id": f"p-{person % 997}", "price": revenue, "quantity": 1}],
        }
        return self._message(
            "track", person, anonymousId=_device(person), event="Order Completed", properties=properties
        )

    def _view(self, person: int) -> dict[str, Any]:
        properties = {
            "product_id": f"p-{self.sent % 997}",
            "name": "A thing",
            "category": "Things",
            "price": 19.9,
        }
        return self._message(
            "track", person, anonymousId=_device(person), event="Product Viewed", properties=properties
        )

    def _page(self, person: int) -> dict[str, Any]:
        properties = {
            "path": f"/things/{self.sent % 997}",
            "title": "Things",
            "url": f"https://shop.example.org/things/{self.sent % 997}",
        }
        return self._message("page", person, anonymousId=_device(person), name="Thing", properties=properties)


def _device(person: int) -> str:
    return f"d0c5e7a1-7a1e-4b1d-8e55-{person:012x}"


def accepted(body: bytes, source: SourceId) -> Accepted:
    """A body as collection hands it to the inbox, for measurements that begin behind HTTP."""
    count = body.count(b'"messageId":')
    return Accepted(source=source, kind=KeyKind.SERVER.value, body=b"batch\n" + body, items=count)
