"""Purchases: the CDNOW sample (Fader and Hardie), dated as if it had ended last week.

2,357 customers and 6,919 orders of compact discs, January 1997 to June 1998, in US dollars.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from api.demo.seeds import SEED, data_file, stream

CURRENCY = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """One order: whose (the data set's number), when, how many discs, for how many dollars."""

    customer: int
    at: datetime
    quantity: int
    revenue: float


def purchases(now: datetime, *, seed: int = SEED) -> list[Purchase]:
    """All orders in the order of their times; the last day is the Sunday before `now`'s week.

    The data set has days only; the time of day is generated. Raises `DemoDataMissing`.
    """
    random = stream(seed, "purchases")
    found: list[tuple[int, date, int, float]] = []
    for line in data_file("lifetimes", "datasets", "CDNOW_sample.txt").read_text("ascii").splitlines():
        _, customer, day, quantity, dollars = line.split()
        found.append((int(customer), date.fromisoformat(day), int(quantity), float(dollars)))
    shift = _last_sunday(now) - max(day for _, day, _, _ in found)
    return sorted(
        (
            Purchase(
                customer=customer,
                at=datetime.combine(day + shift, time(), UTC) + timedelta(seconds=random.randrange(86_400)),
                quantity=quantity,
                revenue=dollars,
            )
            for customer, day, quantity, dollars in found
        ),
        key=lambda purchase: (purchase.at, purchase.customer),
    )


def _last_sunday(now: datetime) -> date:
    return now.astimezone(UTC).date() - timedelta(days=now.astimezone(UTC).isoweekday())
