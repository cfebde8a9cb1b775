"""Access (GDPR 15): everything that is known of a person, where it came from, who saw it.

Stops at verified links: what only might be theirs could be a stranger's. Another holder of
a shared contact appears nowhere in it.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select

from cdp import tables
from cdp.acting import Doing, acting
from cdp.acts import Act
from cdp.kernel.errors import BrokenSeal
from cdp.people.profiles import WORDS
from cdp.ports import Keys, Ports
from cdp.registers import source_rows
from cdp.requests import processing, requested
from cdp.rereading import Moved, until_still
from cdp.scanning import scanning
from cdp.vocabulary import CONTACTS, ContactId, FieldClass, FragmentId, Label, ProfileId, Trust
from cdp.work import Work

# Of others, and so not the person's to take (design: other people's data).
OWN = frozenset(FieldClass) - {FieldClass.THIRD_PARTY}
DECLARED = OWN - scanning.CLASSES


def package(profile: UUID, *, work: Work, ports: Ports) -> dict[str, Any]:
    """Everything about a person as one JSON-ready object, and an audit entry that says so.

    Raises `NoSuchPerson`, `NotOnePerson`, `ActNotAllowed`.
    """
    with acting(Act.SUBJECT_ACCESS, work=work, ports=ports) as doing:
        return until_still(lambda: _package(profile, doing))


def _package(profile: UUID, doing: Doing) -> dict[str, Any]:
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
    result: dict[str, Any] = {
        "profile": str(root),
        "as_of": work.now.isoformat(),
        "golden": _golden(root, keys, names, set(fragments), own, work=work, ports=ports),
        "contacts": addresses,
        "statements": _statements(fragments, keys, names, own, work=work, ports=ports),
        "events": _events(fragments, keys, names, own, work=work, ports=ports),
        "derived": _derived(root, fragments, work=work, ports=ports),
        "consent": ports.ledger.history(fragments, sorted(contacts), work=work),
        "sent": [
            {**one, "traits": [ports.catalogue.trait_by_id(trait).name for trait in one["traits"]]}
            for one in ports.intents.naming(fragments, work=work)
        ],
        "who_looked": ports.audit.about(references, work=work),
    }
    said = {one["source"] for part in ("statements", "events") for one in result[part]}
    result["processing"] = processing.told(
        root,
        sources=[source for source in known.values() if source.name in said],
        sent=result["sent"],
        derived=result["derived"],
        work=work,
        ports=ports,
    )
    if not fragments or ports.identity.fragments_of(root, core_only=True, work=work) != fragments:
        # Some of it was read before somebody was erased or joined, and some of it after.
        raise Moved
    doing.tell(
        purpose=Act.SUBJECT_ACCESS.purpose,
        references=references,
        shown=own.classes,
        withheld=frozenset(FieldClass) - OWN,
        statements=len(result["statements"]),
        events=len(result["events"]),
    )
    return result


class Own:
    """What a find in the person's own texts may be without being somebody else's: their own.

    And what is handed to them: `classes` are those of the fields.
    """

    def __init__(self, contacts: Sequence[Mapping[str, Any]], ports: Ports) -> None:
        self._whole = {_bare(one["address"]) for one in contacts}
        self._words: set[str] = set()
        self._catalogue = ports.catalogue
        self.classes = {CONTACTS[one["kind"]] for one in contacts if one["kind"] in CONTACTS}

    def handed(self, parts: Mapping[FieldClass, Mapping[str, Any]]) -> dict[str, Any]:
        """The fields of all classes, by name."""
        for sealed_as, fields in parts.items():
            traits = [self._catalogue.trait(name) for name in fields]
            self.classes |= {sealed_as if trait is None else trait.field_class for trait in traits}
        return _flat(parts)

    def learn(self, fields: Mapping[str, Any]) -> None:
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
    names: Mapping[Any, str],
    fragments: set[FragmentId],
    own: Own,
    *,
    work: Work,
    ports: Ports,
) -> list[dict[str, Any]]:
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
) -> list[dict[str, Any]]:
    pairs = [(fragment, contact) for fragment in fragments for contact in contacts]
    found: dict[Any, dict[str, Any]] = {}
    for (fragment, contact), sealed in ports.identity.addresses(pairs, work=work).items():
        parts = keys.open(Label.ADDRESS, contact, fragment, sealed, frozenset({FieldClass.CONTACT}))
        found[contact] = {
            "contact": str(contact),
            "kind": contacts[contact],
            "address": parts[FieldClass.CONTACT]["address"],
        }
    return [found[contact] for contact in sorted(found)]


def _statements(
    fragments: Sequence[FragmentId],
    keys: Keys,
    names: Mapping[Any, str],
    own: Own,
    *,
    work: Work,
    ports: Ports,
) -> list[dict[str, Any]]:
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
    names: Mapping[Any, str],
    own: Own,
    *,
    work: Work,
    ports: Ports,
) -> list[dict[str, Any]]:
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


def _flat(parts: Mapping[FieldClass, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: value for fields in parts.values() for name, value in fields.items()}


def _derived(root: ProfileId, fragments: Sequence[FragmentId], *, work: Work, ports: Ports) -> dict[str, Any]:
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
    found: dict[str, Any] = {names.get(attribute, "?"): _as_json(total) for attribute, total in sums}
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
