"""Whose a message is, what it claims about identity, and what of it is said of the person.

Trust comes from how a message came, never from what it says of itself: a server key or an
import of an authoritative source verifies; a public key asserts, unless the browser shows
the source's proof for that user id.
"""

import hmac
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from cdp.intake.collection import Message, Note
from cdp.intake.ingest.choices import says_no
from cdp.intake.ingest.mentions import mentioned
from cdp.intake.ingest.message_reading import ImportRecord, Item
from cdp.intake.ingest.sharing import joins
from cdp.kernel.json_values import Json
from cdp.ports import Catalogue, Claim, Evidence, Vault
from cdp.vocabulary import REACHES, Identifier, Namespace, Trust, WorkspaceId


class Meaning(NamedTuple):
    """What one item means."""

    evidence: Evidence
    traits: Mapping[str, Json]  # what is said of the person
    trust: Trust
    row: UUID  # the id of its statement and of its event
    beside: frozenset[Identifier] = frozenset()  # contacts that it names, but does not say are the person's
    others: "tuple[Meaning, ...]" = ()  # whom its no binds as well, though it joins nobody to them


def row_id(mac: bytes) -> UUID:
    """The id of what a message leaves behind, from its MAC: a message stored twice is one row."""
    number = int.from_bytes(mac[:16], "big")
    # The version and variant bits of a UUIDv8 (RFC 9562); `UUID` sets them only from Python 3.14 on.
    number = number & ~(0xF << 76) | 8 << 76
    return UUID(int=number & ~(0x3 << 62) | 0x2 << 62)


def identity_proof(secret: bytes, user_id: str) -> str:
    """`context.identityProof`: HMAC-SHA256 of the user id under the source's secret, in hex."""
    return hmac.digest(secret, user_id.encode(), "sha256").hex()


def _proven(item: Item, message: Message, vault: Vault, workspace: WorkspaceId) -> bool:
    if not item.source.authoritative or message.identity_proof is None or message.user_id is None:
        return False
    right = identity_proof(vault.source_secret(workspace, item.source.id), message.user_id)
    return hmac.compare_digest(right.encode(), message.identity_proof.encode())


def understand(
    item: Item, *, workspace: WorkspaceId, vault: Vault, catalogue: Catalogue, region: str
) -> Meaning | None:
    """What an item means, or what its no alone does if it is refused; None: nothing of it counts.

    One that names nobody gets its verdict here, and a refused one that says no its note.
    """
    if item.verdict == "accepted":
        said = meaning(item, workspace=workspace, vault=vault, catalogue=catalogue, region=region)
        if said is not None:
            return said
        item.verdict, item.field = "invalid:no_usable_identifier", "userId"
    if not says_no(item):
        return None
    said = refusal(item, vault=vault, catalogue=catalogue, region=region)
    item.only_no = said is not None
    item.notes += (Note.REFUSAL_HEARD if item.only_no else Note.REFUSAL_BINDS_NOBODY,)
    return said


def meaning(
    item: Item, *, workspace: WorkspaceId, vault: Vault, catalogue: Catalogue, region: str
) -> Meaning | None:
    """What an accepted item means; None: it names nobody by a usable identifier."""
    content = item.content
    beside: frozenset[Identifier] = frozenset()
    if isinstance(content, ImportRecord):
        named = _of_record(content, vault, content.region or region)
        traits: Mapping[str, Json] = content.traits
        if says_no(item):
            beside = _beside(content, vault, content.region or region) - named.keys()
    else:
        assert isinstance(content, Message), "invalid items have no meaning"
        traits = _person_traits(content)
        named = _of_message(content, traits, vault, catalogue, region)
        if content.consent is not None and says_no(item):
            beside = frozenset(_contacts_of(content, vault, catalogue, region)) - named.keys()
    if not named:
        return None
    trust = _trust(item)
    own = _own(named, item.kind)
    # What a source that is believed says that they go by is joined to them, and bound so.
    others = {own, *named} if trust is Trust.VERIFIED else {own}
    proven = isinstance(content, Message) and _proven(item, content, vault, workspace)
    claims = tuple(
        Claim(
            identifier=identifier,
            # A proof proves the user id alone, nothing else that the browser says.
            trust=Trust.VERIFIED if proven and identifier.namespace == Namespace.USER_ID else trust,
            evidence=evidence,
            joins=joins(identifier),
        )
        for identifier, evidence in named.items()
        if identifier != own
    )
    evidence = Evidence(
        position=item.position,
        received_at=item.received_at,
        source=item.source,
        own=own,
        own_trust=trust,
        own_joins=joins(own),
        claims=claims,
        mentions=_ordered(beside),
    )
    return Meaning(
        evidence=evidence,
        traits=traits,
        trust=trust,
        row=row_id(item.mac),
        beside=beside,
        others=_others(item, named, but=others, vault=vault, region=region) if says_no(item) else (),
    )


def refusal(item: Item, *, vault: Vault, catalogue: Catalogue, region: str) -> Meaning | None:
    """What an item means of which the no alone is taken; None: it names nobody who can be read.

    It has a place and binds every contact that it names, and claims nothing of anybody.
    """
    content = item.content
    beside: frozenset[Identifier] = frozenset()
    if isinstance(content, ImportRecord):
        raw = ((space, value, "import") for space, value in content.identifiers)
        named = _of_raw(raw, vault, content.region or region)
        beside = _beside(content, vault, content.region or region) - named.keys()
    elif isinstance(content, Message):
        named = _of_message(content, _person_traits(content), vault, catalogue, region)
        beside = frozenset(_contacts_of(content, vault, catalogue, region)) - named.keys()
    else:
        return None
    everybody = named or dict.fromkeys(_ordered(beside), "mention")
    if not everybody:
        return None
    own, trust = _own(everybody, item.kind), _trust(item)
    claims = tuple(
        # Without it Global Privacy Control would not reach the person whom the device lends to.
        Claim(identifier=identifier, trust=trust, evidence=evidence)
        for identifier, evidence in named.items()
        if item.gpc and item.kind == "public" and identifier.namespace == Namespace.USER_ID
    )
    evidence = Evidence(
        position=item.position,
        received_at=item.received_at,
        source=item.source,
        own=own,
        # A contact that is only mentioned is nobody's, though what is said has to be put somewhere.
        own_trust=trust if own in named else Trust.ASSERTED,
        own_joins=joins(own),
        claims=claims,
        mentions=_ordered(one for one in named.keys() | beside if one != own and one.namespace in _REACHED),
    )
    return Meaning(
        evidence=evidence,
        traits={},
        trust=trust,
        row=row_id(item.mac),
        beside=beside - {own},
        others=_others(item, named, but={own}, vault=vault, region=region),
    )


def _others(
    item: Item, named: Iterable[Identifier], *, but: Collection[Identifier], vault: Vault, region: str
) -> tuple[Meaning, ...]:
    """Whom a no binds beside the item's own: those whom it names by an id and joins nobody to.

    The previous id of an alias may be a person's as well as a device's, and to join by it would be a
    guess. A public key binds devices alone.
    """
    ids = [one for one in named if one.namespace not in _REACHED]
    if isinstance(item.content, Message):
        # Also where the type is what was flawed: no other message has one.
        previous = item.content.previous_id
        ids += _of_raw(((space, previous, "alias") for space in _IDS), vault, region)
    if item.kind == "public":
        ids = [one for one in ids if one.namespace == Namespace.ANONYMOUS_ID]
    trust = _trust(item)
    return tuple(
        Meaning(
            evidence=Evidence(
                position=item.position,
                received_at=item.received_at,
                source=item.source,
                own=one,
                own_trust=trust,
            ),
            traits={},
            trust=trust,
            row=row_id(item.mac),
        )
        for one in dict.fromkeys(ids)
        if one not in but
    )


def _trust(item: Item) -> Trust:
    believed = item.source.authoritative and item.kind in ("server", "import")
    return Trust.VERIFIED if believed else Trust.ASSERTED


def _ordered(identifiers: Iterable[Identifier]) -> tuple[Identifier, ...]:
    return tuple(sorted(identifiers))


def _own(named: Mapping[Identifier, str], kind: str) -> Identifier:
    """The identifier by which the source knows the person: from a public key the anonymous one.

    A public message without one gets a device of its own for whatever it names: to put it where
    the named person's data lie would let anybody write there.
    """
    first = next(iter(named))
    if kind != "public":
        return first
    for identifier in named:
        if identifier.namespace == Namespace.ANONYMOUS_ID:
            return identifier
    return Identifier(Namespace.ANONYMOUS_ID, f"by {first.namespace}: {first.value}")


def _of_record(record: ImportRecord, vault: Vault, region: str) -> dict[Identifier, str]:
    """Identifiers of an imported row; without its own identifier it is nobody's."""
    named = _of_raw(((space, raw, "import") for space, raw in record.identifiers), vault, region)
    space, raw = record.identifiers[0]
    return named if vault.normalise(space, raw, region=region) is not None else {}


def _beside(record: ImportRecord, vault: Vault, region: str) -> frozenset[Identifier]:
    """The contacts that stand in the wrong column of an imported row."""
    raw = ((space, value, "mention") for space, value in record.mentions)
    return frozenset(_of_raw(raw, vault, region))


def _of_message(
    message: Message, traits: Mapping[str, Json], vault: Vault, catalogue: Catalogue, region: str
) -> dict[Identifier, str]:
    """Identifiers of a message by falling priority: user id, anonymous id, then contacts."""
    raw: list[tuple[str, Json]] = [
        (Namespace.USER_ID, message.user_id),
        (Namespace.ANONYMOUS_ID, message.anonymous_id),
    ]
    if message.type == "alias":
        # The previous id may be of either kind; it is evidence for both (wire.md, alias).
        raw += [(Namespace.ANONYMOUS_ID, message.previous_id)]
    if message.type == "identify":
        for name, value in traits.items():
            trait = catalogue.trait(name)
            if trait is not None and trait.namespace is not None:
                raw.append((trait.namespace, value))
    raw += [(external.type, external.id) for external in message.external_ids if external.type in CONTACTS]
    return _of_raw(((space, value, message.type) for space, value in raw), vault, region)


def _of_raw(raw: Iterable[tuple[str, Json, str]], vault: Vault, region: str) -> dict[Identifier, str]:
    """Those of (namespace, value, evidence) that are identity keys, each with its first evidence."""
    named: dict[Identifier, str] = {}
    for namespace, value, evidence in raw:
        if value is not None:
            normal = vault.normalise(namespace, value, region=region)
            if normal is not None:
                named.setdefault(Identifier(namespace, normal), evidence)
    return named


def _contacts_of(message: Message, vault: Vault, catalogue: Catalogue, region: str) -> Iterator[Identifier]:
    """The contacts that a message names beside its claims: a no binds them, and they prove nothing."""

    def namespace_of(name: str) -> str | None:
        trait = catalogue.trait(name)
        return trait.namespace if trait is not None else None

    named = mentioned(message, namespace_of)
    yield from _of_raw(((space, value, "mention") for space, value in named), vault, region)


_REACHED = frozenset(REACHES.values())
_IDS = (Namespace.USER_ID, Namespace.ANONYMOUS_ID)
CONTACTS = frozenset({Namespace.EMAIL, Namespace.PHONE, Namespace.USER_ID, Namespace.ANONYMOUS_ID})


def _person_traits(message: Message) -> Mapping[str, Json]:
    """Traits of the person: an identify's. A group's traits describe the group, not a person."""
    traits = message.traits if message.type == "identify" else {}
    address = traits.get("address")
    if not isinstance(address, dict):
        return traits
    flat = {key: value for key, value in traits.items() if key != "address"}
    return flat | {key: value for key, value in address.items() if key not in flat}
