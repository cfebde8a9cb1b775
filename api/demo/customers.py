"""Invented customers who carry the story, and two strangers whom a mistyped address joins."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from api.demo.made_up_contacts import Phone


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Somebody who doesn't exist, with ids that stay the same; an empty id: not in that source.

    `born` is None for the child, whose age is what matters. `typed_email` is what the shop
    has instead of `email`. `gpc`: their browser sends `Sec-GPC: 1`.
    """

    person: str
    crm_id: str
    shop_id: str
    user_id: str
    anonymous_id: str
    given_name: str
    surname: str
    email: str = field(repr=False)
    phone: Phone = field(repr=False)
    residence: str
    street: str
    street_number: str
    city: str
    postcode: str
    born: date | None
    typed_email: str = field(default="", repr=False)
    gpc: bool = False


EMMA = Customer(
    person="emma",
    crm_id="crm-emma",
    shop_id="shop-emma",
    user_id="u-emma",
    anonymous_id="0e44a000-0000-4000-8000-000000000001",
    given_name="Emma",
    surname="Brandt",
    email="familie.brandt@example.org",
    phone=Phone("49", "151", "50010001"),
    residence="DE",
    street="Lindenweg",
    street_number="12",
    city="Freiburg",
    postcode="79100",
    born=date(1991, 5, 17),
)
PAUL = Customer(
    person="paul",
    crm_id="crm-paul",
    shop_id="shop-paul",
    user_id="u-paul",
    anonymous_id="0e44a000-0000-4000-8000-000000000002",
    given_name="Paul",
    surname="Brandt",
    email="familie.brandt@example.org",
    phone=Phone("49", "151", "50010002"),
    residence="DE",
    street="Lindenweg",
    street_number="12",
    city="Freiburg",
    postcode="79100",
    born=date(1988, 11, 2),
)
CAROL = Customer(
    person="carol",
    crm_id="crm-carol",
    shop_id="shop-carol",
    user_id="u-carol",
    anonymous_id="0e44a000-0000-4000-8000-000000000003",
    given_name="Carol",
    surname="Reyes",
    email="carol.reyes@example.com",
    phone=Phone("1", "415", "5550142"),
    residence="US-CA",
    street="Harbor Street",
    street_number="408",
    city="Oakland",
    postcode="94607",
    born=date(1979, 3, 23),
    gpc=True,
)
MEI = Customer(
    person="mei",
    crm_id="crm-mei",
    shop_id="shop-mei",
    user_id="u-mei",
    anonymous_id="0e44a000-0000-4000-8000-000000000004",
    given_name="Mei",
    surname="Lin",
    email="mei.lin@example.net",
    phone=Phone("86", "138", "55501234"),
    residence="CN",
    street="Pingjiang Road",
    street_number="7",
    city="Suzhou",
    postcode="215005",
    born=None,
)
JONAS = Customer(
    person="jonas",
    crm_id="crm-jonas",
    shop_id="",
    user_id="",
    anonymous_id="",
    given_name="Jonas",
    surname="Keller",
    email="j.keller@example.org",
    phone=Phone("49", "151", "50020001"),
    residence="DE",
    street="Am Hang",
    street_number="3",
    city="Kassel",
    postcode="34117",
    born=date(1969, 8, 30),
)
JUDITH = Customer(
    person="judith",
    crm_id="",
    shop_id="shop-judith",
    user_id="u-judith",
    anonymous_id="0e44a000-0000-4000-8000-000000000006",
    given_name="Judith",
    surname="Kellner",
    email="j.kellner@example.org",
    typed_email="j.keller@example.org",
    phone=Phone("49", "151", "50020002"),
    residence="DE",
    street="Hafenstrasse",
    street_number="21",
    city="Bremen",
    postcode="28217",
    born=date(1994, 1, 9),
)

CUSTOMERS = (EMMA, PAUL, CAROL, MEI)
STRANGERS = (JONAS, JUDITH)


def born(customer: Customer, now: datetime) -> date:
    """The day of birth; the child turned 13 five months before `now`."""
    if customer.born:
        return customer.born
    birthday = now.date() - timedelta(days=150)
    return birthday.replace(year=birthday.year - 13, day=min(birthday.day, 28))
