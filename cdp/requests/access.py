"""Access (GDPR 15): everything that is known of a person, where it came from, who saw it.

Stops at verified links: what only might be theirs could be a stranger's. Another holder of
a shared contact appears nowhere in it.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypedDict
from uuid import UUID

from sqlalchemy import bindparam, func, select

from cdp import tables
from cdp.acting import Doing, acting
from cdp.acts import Act
from cdp.kernel.errors import BrokenSeal
from cdp.kernel.json_values import Json, JsonObject
from cdp.people.profiles import WORDS, address_of
from cdp.ports import Keys, Ports
from cdp.registers import source_rows
from cdp.requests import processing, requested
from cdp.rereading import Moved, until_still
from cdp.scanning import scanning
from cdp.vocabulary import CONTACTS, ContactId, FieldClass, FragmentId, Label, ProfileId, SourceId, Trust
from cdp.work import Work

# Of others, and so not the person's to take (design: other people's data).
OWN = frozenset(FieldClass) - {FieldClass.THIRD_PARTY}
DECLARED = OWN - scanning.CLASSES


class Address(TypedDict):
    """By what a person can be reached."""

    contact: str
    kind: str
    address: str


class Package(TypedDict):
    """Everything about a person, ready for JSON."""

    profile: str
    as_of: str
    golden: list[JsonObject]
    contacts: list[Address]
    statements: list[JsonObject]
    events: list[JsonObject]
    derived: dict[str, float | str]
    consent: list[JsonObject]
    sent: list[dict[str, object]]
    who_looked: list[JsonObject]
    processing: processing.ProcessingTold


def package(profile: UUID, *, work: Work, ports: Ports) -> Package:
    """Everything about a person as one JSON-ready object, and an audit entry that says so.

    Raises `NoSuchPerson`, `NotOnePerson`, `ActNotAllowed`.
    """
    with acting(Act.SUBJECT_ACCESS, work=work, ports=ports) as doing:
        return until_still(lambda: _package(profile, doing))


def _package(profile: UUID, doing: Doing) -> Package:
    work, ports = doing.work, doing.ports
    root, _ = requested.whom(profile, work=work, ports=ports)
    fragments = ports.identity.fragments_of(root, core_only=True, work=work)
    # What only a browser has said may be a stranger's, and so may what was said there.
    held = ports.identity.goes_by(fragments, work=work, verified=True)
    contacts = {contact: namespace for contact, (namespace, _) in held.items()}
    keys = ports.vault.keys(fragments, work=work)
    references = [keys.reference(fragment) for fragment in fragments]
    known = source_rows.every(work=work)
    names = {source.id: source.name for source in known.values()}
    addresses = _contacts(fragments, keys, contacts, work=work, ports=ports)
    own = Own(addresses, ports)
    golden = _golden(root, keys, names, set(fragments), own, work=work, ports=ports)
    statements = _statements(fragments, keys, names, own, work=work, ports=ports)
    events = _events(fragments, keys, names, own, work=work, ports=ports)
    derived = _derived(root, fragments, work=work, ports=ports)
    sent = ports.intents.naming(fragments, work=work)
    said = {one["source"] for one in (*statements, *events)}
    result: Package = {
        "profile": str(root),
        "as_of": work.now.isoformat(),
        "golden": golden,
        "contacts": addresses,
        "statements": statements,
        "events": events,
        "derived": derived,
        "consent": ports.ledger.history(fragments, sorted(contacts), work=work),
        "sent": [
            {**one, "traits": [ports.catalogue.trait_by_id(trait).name for trait in one["traits"]]}
            for one in sent
        ],
        "who_looked": ports.audit.about(references, work=work),
        "processing": processing.told(
            root,
            sources=[source for source in known.values() if source.name in said],
            recipients={one["recipient"] for one in sent},
            derived=derived,
            work=work,
            ports=ports,
        ),
    }
    if not fragments or ports.identity.fragments_of(root, core_only=True, work=work) != fragments:
        # Some of it was read before somebody was erased or joined, and some of it after.
        raise Moved
    doing.tell(
        purpose=Act.SUBJECT_ACCESS.purpose,
        references=references,
        shown=own.classes,
        withheld=frozenset(FieldClass) - OWN,
        statements=len(statements),
        events=len(events),
    )
    return result


class Own:
    """What a find in the person's own texts may be without being somebody else's: their own.

    And what is handed to them: `classes` are those of the fields.
    """

    def __init__(self, contacts: Sequence[Address], ports: Ports) -> None:
        self._whole = {_bare(one["address"]) for one in contacts}
        self._words: set[str] = set()
        self._catalogue = ports.catalogue
        self.classes = {CONTACTS[one["kind"]] for one in contacts if one["kind"] in CONTACTS}

    def handed(self, parts: Mapping[FieldClass, Mapping[str, Json]]) -> JsonObject:
        """The fields of all classes, by name."""
        for sealed_as, fields in parts.items():
            traits = [self._catalogue.trait(name) for name in fields]
            self.classes |= {sealed_as if trait is None else trait.field_class for trait in traits}
        return _flat(parts)

    def learn(self, fields: Mapping[str, Json]) -> None:
        """What a source said of the person under a declared name."""
        for value in fields.values():
            if isinstance(value, str):
                self._whole.add(_bare(value))
                self._words.update(value.lower().split())

    def is_own(self, entity: str, text: str) -> bool:
        """Whether a find is the person's: an identifier as a whole, a name word by word."""
        if entity == "PERSON":
            return set(text.lower().split()) <= self._words
        return _bare(text) in self._whole


def _bare(text: str) -> str:
    return "".join(one for one in text.lower() if one.isalnum())


def _golden(
    root: ProfileId,
    keys: Keys,
    names: Mapping[SourceId, str],
    fragments: set[FragmentId],
    own: Own,
    *,
    work: Work,
    ports: Ports,
) -> list[JsonObject]:
    """The winning values; a free text as `_statements` shows it."""
    found = []
    values = [
        value
        for value in ports.identity.golden([root], [], work=work)
        if value.rank == 1 and value.fragment in fragments
    ]
    scanned = ports.scans.of_rows([(Label.STATEMENT, value.statement) for value in values], work=work)
    opened = [
        keys.open(Label.STATEMENT, value.statement, value.fragment, value.sealed, OWN) for value in values
    ]
    for parts in opened:
        own.learn(_flat({one: fields for one, fields in parts.items() if one in DECLARED}))
    for value, parts in zip(values, opened, strict=True):
        trait = ports.catalogue.trait_by_id(value.trait)
        if trait.field_class is FieldClass.FREE_TEXT:
            parts = scanning.safe(
                parts, scanned.get((Label.STATEMENT, value.statement)), own.is_own, ports=ports
            )
        if trait.name in parts.get(trait.envelope, {}):
            found.append(
                {
                    "trait": trait.name,
                    "value": parts[trait.envelope][trait.name],
                    "source": names.get(value.source, "?"),
                    "received_at": value.received_at.isoformat(),
                    "trust": value.trust.name.lower(),
                }
            )
        elif trait.field_class is not FieldClass.FREE_TEXT:
            raise BrokenSeal  # the statement says that it holds it
    return found


def _contacts(
    fragments: Sequence[FragmentId],
    keys: Keys,
    contacts: Mapping[ContactId, str],
    *,
    work: Work,
    ports: Ports,
) -> list[Address]:
    pairs = [(fragment, contact) for fragment in fragments for contact in contacts]
    found: dict[ContactId, Address] = {}
    for (fragment, contact), sealed in ports.identity.addresses(pairs, work=work).items():
        found[contact] = {
            "contact": str(contact),
            "kind": contacts[contact],
            "address": address_of(contact, fragment, sealed, keys),
        }
    return [found[contact] for contact in sorted(found)]


def _statements(
    fragments: Sequence[FragmentId],
    keys: Keys,
    names: Mapping[SourceId, str],
    own: Own,
    *,
    work: Work,
    ports: Ports,
) -> list[JsonObject]:
    stored = ports.identity.statements(fragments, work=work)
    scanned = ports.scans.of_rows([(Label.STATEMENT, one.id) for one in stored], work=work)
    opened = [keys.open(Label.STATEMENT, one.id, one.fragment, one.sealed, OWN) for one in stored]
    for parts in opened:
        own.learn(_flat({one: fields for one, fields in parts.items() if one in DECLARED}))
    return [
        {
            "source": names.get(one.source, "?"),
            "kind": one.kind,
            "received_at": one.received_at.isoformat(),
            "trust": Trust(one.trust).name.lower(),
            "fields": own.handed(
                scanning.safe(parts, scanned.get((Label.STATEMENT, one.id)), own.is_own, ports=ports)
            ),
        }
        for one, parts in zip(stored, opened, strict=True)
    ]


def _events(
    fragments: Sequence[FragmentId],
    keys: Keys,
    names: Mapping[SourceId, str],
    own: Own,
    *,
    work: Work,
    ports: Ports,
) -> list[JsonObject]:
    event = tables.events.c
    rows = work.session.execute(
        select(tables.events)
        .where(event.fragment_id == func.any(bindparam("fragments", list(fragments), unique=True)))
        .order_by(event.accept_seq, event.index)
    ).all()
    scanned = ports.scans.of_rows([(Label.EVENT, row.id) for row in rows], work=work)
    return [
        {
            "source": names.get(row.source_id, "?"),
            "type": row.type,
            "name": row.name,
            "received_at": row.received_at.isoformat(),
            "client_time": row.client_time.isoformat(),
            "fields": own.handed(
                scanning.safe(
                    keys.open(Label.EVENT, row.id, row.fragment_id, bytes(row.sealed), OWN),
                    scanned.get((Label.EVENT, row.id)),
                    own.is_own,
                    ports=ports,
                )
            ),
        }
        for row in rows
    ]


def _flat(parts: Mapping[FieldClass, Mapping[str, Json]]) -> JsonObject:
    return {name: value for fields in parts.values() for name, value in fields.items()}


def _derived(
    root: ProfileId, fragments: Sequence[FragmentId], *, work: Work, ports: Ports
) -> dict[str, float | str]:
    """Sums over the person's own fragments, and the words of the profile.

    The profile's stored sums count what a device lends to it, which may be a stranger's.
    """
    names = {attribute.id: attribute.name for attribute in ports.catalogue.attributes()}
    summed, stored = tables.fragment_attributes.c, tables.derived.c
    own = func.any(bindparam("fragments", list(fragments), unique=True))
    sums = work.session.execute(
        select(summed.attribute_id, func.sum(summed.total))
        .where(summed.fragment_id == own)
        .group_by(summed.attribute_id)
    )
    found: dict[str, float | str] = {names.get(attribute, "?"): _as_json(total) for attribute, total in sums}
    described = {*WORDS, "age_band", "email_domain"}
    for row in work.session.execute(
        select(stored.attribute_id, stored.number, stored.word).where(stored.profile_id == root)
    ):
        name = names.get(row.attribute_id, "?")
        if name in described:
            found[name] = row.word if row.number is None else row.number
    return found


def _as_json(total: Decimal) -> int | float:
    """A sum as JSON has numbers: whole ones stay whole."""
    return int(total) if total == total.to_integral_value() else float(total)
