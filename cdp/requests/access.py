"""Access (GDPR 15): everything that is known of a person, where it came from, who saw it.

Stops at verified links: what only might be theirs could be a stranger's. Another holder of
a shared contact appears nowhere in it.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select

from cdp import sources, tables
from cdp.kernel.errors import NotAllowed, NotFound
from cdp.ports import AuditEntry, Keys, Ports
from cdp.profiles import WORDS
from cdp.vocabulary import ContactId, FieldClass, FragmentId, Label, ProfileId, Trust
from cdp.work import Work

# Of others, and so not the person's to take (design: other people's data).
OWN = frozenset(FieldClass) - {FieldClass.THIRD_PARTY}


class NoSuchPerson(NotFound):
    """There is no such person, or they have been erased."""


class AccessNotAllowed(NotAllowed):
    """The policy does not let this caller take a person's data."""


def package(profile: UUID, *, work: Work, ports: Ports) -> dict[str, Any]:
    """Everything about a person as one JSON-ready object, and an audit entry that says so.

    Raises `NoSuchPerson`, `AccessNotAllowed`.
    """
    if not ports.policies.allows(work.actor, "subject", "access"):
        raise AccessNotAllowed
    root = ports.identity.resolve(profile, work=work)
    if root is None:
        raise NoSuchPerson
    fragments = ports.identity.fragments_of(root, core_only=True, work=work)
    # What only a browser has said may be a stranger's, and so may what was said there.
    held = ports.identity.goes_by(fragments, work=work, verified=True)
    contacts = {contact: namespace for contact, (namespace, _) in held.items()}
    keys = ports.vault.keys(fragments, work=work)
    references = [keys.reference(fragment) for fragment in fragments]
    names = {source.id: source.name for source in sources.every(work=work).values()}
    result = {
        "profile": str(root),
        "as_of": work.now.isoformat(),
        "golden": _golden(root, keys, names, set(fragments), work=work, ports=ports),
        "contacts": _contacts(fragments, keys, contacts, work=work, ports=ports),
        "statements": _statements(fragments, keys, names, work=work, ports=ports),
        "events": _events(fragments, keys, names, work=work),
        "derived": _derived(root, fragments, work=work, ports=ports),
        "consent": ports.ledger.history(fragments, sorted(contacts), work=work),
        "sent": ports.intents.naming(fragments, work=work),
        "who_looked": ports.audit.about(references, work=work),
    }
    ports.audit.record(
        AuditEntry(
            action=f"{work.actor.kind}:subject:access",
            outcome="ok",
            purpose="subject_access",
            references=references,
            policy_version=ports.policies.version,
            detail={"statements": len(result["statements"]), "events": len(result["events"])},
        ),
        work=work,
    )
    return result


def _golden(
    root: ProfileId,
    keys: Keys,
    names: Mapping[Any, str],
    own: set[FragmentId],
    *,
    work: Work,
    ports: Ports,
) -> list[dict[str, Any]]:
    found = []
    for value in ports.identity.golden([root], [], work=work):
        if value.rank == 1 and value.fragment in own:
            trait = ports.catalogue.trait_by_id(value.trait)
            parts = keys.open(
                Label.STATEMENT, value.statement, value.fragment, value.sealed, frozenset({trait.field_class})
            )
            found.append(
                {
                    "trait": trait.name,
                    "value": parts[trait.field_class].get(trait.name),
                    "source": names.get(value.source, "?"),
                    "received_at": value.received_at.isoformat(),
                    "trust": value.trust.name.lower(),
                }
            )
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
    fragments: Sequence[FragmentId], keys: Keys, names: Mapping[Any, str], *, work: Work, ports: Ports
) -> list[dict[str, Any]]:
    return [
        {
            "source": names.get(one.source, "?"),
            "kind": one.kind,
            "received_at": one.received_at.isoformat(),
            "trust": Trust(one.trust).name.lower(),
            "fields": _flat(keys.open(Label.STATEMENT, one.id, one.fragment, one.sealed, OWN)),
        }
        for one in ports.identity.statements(fragments, work=work)
    ]


def _events(
    fragments: Sequence[FragmentId], keys: Keys, names: Mapping[Any, str], *, work: Work
) -> list[dict[str, Any]]:
    event = tables.events.c
    rows = work.session.execute(
        select(tables.events)
        .where(event.fragment_id == func.any(bindparam("fragments", list(fragments), unique=True)))
        .order_by(event.accept_seq, event.index)
    )
    return [
        {
            "source": names.get(row.source_id, "?"),
            "type": row.type,
            "name": row.name,
            "received_at": row.received_at.isoformat(),
            "client_time": row.client_time.isoformat(),
            "fields": _flat(keys.open(Label.EVENT, row.id, row.fragment_id, bytes(row.sealed), OWN)),
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
    found: dict[str, Any] = {names.get(attribute, "?"): total for attribute, total in sums}
    described = {*WORDS, "age_band", "email_domain"}
    for row in work.session.execute(
        select(stored.attribute_id, stored.number, stored.word).where(stored.profile_id == root)
    ):
        name = names.get(row.attribute_id, "?")
        if name in described:
            found[name] = row.word if row.number is None else row.number
    return found
