"""The batch of a release as it may go out: read anew behind the intent, minimised, opened.

Nothing here writes or sends. Whatever is shown of a person, or of one of their fragments, is
named by its reference for the audit log.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import bindparam, func, select

from cdp.audiences import audiences
from cdp.audiences.left_out import LeftOut
from cdp.audiences.rules import Rule
from cdp.kernel.json_values import JsonObject
from cdp.people.profiles import address_of, plain_of
from cdp.permission import unsubscribe
from cdp.permission.unsubscribe import Link
from cdp.ports import Ask, GoldenValue, Keys, Ports, Signer
from cdp.releases.destinations import Record
from cdp.vocabulary import (
    REACHES,
    ContactId,
    FieldClass,
    FragmentId,
    Identifier,
    ProfileId,
    PurposeId,
    Show,
)
from cdp.work import Work

# No detector finds a condition or a belief in free words, so for marketing a clean scan is not enough.
FOR_MARKETING = "for_marketing"
# What was taken for a name or a town when it came may be told for a diagnosis by the words of today.
NOT_ITS_KIND = "not_its_kind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One person in a batch, and the fragments that the intent names for them."""

    profile: ProfileId
    contact: ContactId
    fragments: frozenset[FragmentId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a release asks for: whom, for what, which traits, and what of them it may use."""

    rule: Rule
    ask: Ask
    purpose: PurposeId
    traits: Sequence[int]
    show: Mapping[FieldClass, Show]
    public_url: str
    links: Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What goes out, the references of whom it shows, and how many stay back for which reason."""

    records: Sequence[Record]
    references: Sequence[bytes]
    left_out: Counter[str]


def fragments(
    profiles: Sequence[ProfileId], *, work: Work, ports: Ports
) -> dict[ProfileId, frozenset[FragmentId]]:
    """The fragments that make up each profile now, and those that lend to it."""
    member = ports.identity.members()
    wanted = func.any(bindparam("profiles", list(profiles), unique=True))
    own = select(member.c.profile_id, member.c.fragment_id).where(member.c.profile_id == wanted)
    lent = select(member.c.lends_to, member.c.fragment_id).where(member.c.lends_to == wanted)
    held: dict[ProfileId, set[FragmentId]] = {}
    for profile, fragment in work.session.execute(own.union_all(lent)):
        held.setdefault(profile, set()).add(fragment)
    return {profile: frozenset(fragments) for profile, fragments in held.items()}


def best(values: Sequence[GoldenValue], own: Mapping[ProfileId, Collection[FragmentId]]) -> list[GoldenValue]:
    """Of each trait of a profile the best value that its `own` fragments say, as its first.

    What a scored link or a device adds to a profile may be somebody else's.
    """
    found: dict[tuple[ProfileId, int], GoldenValue] = {}
    for value in sorted(values, key=lambda one: one.rank):
        if value.fragment in own.get(value.profile, ()):
            found.setdefault((value.profile, value.trait), replace(value, rank=1))
    return list(found.values())


def read(asked: Asked, subjects: Sequence[Subject], *, work: Work, ports: Ports) -> Batch:
    """Who of `subjects` may still be reached, minimised and opened.

    The queries run after the intent's commit, each with a snapshot of its own: a narrowing
    that is not seen here finds the intent. Raises `BrokenSeal`, or `KeyMissing` of whom an erasure
    met in between; who reads again finds them gone.
    """
    left_out: Counter[str] = Counter()
    profiles = [one.profile for one in subjects]
    permitted = audiences.permitted(asked.rule, asked.ask, work=work, ports=ports, among=profiles)
    allowed: dict[tuple[ProfileId, ContactId], UUID] = {}
    for row in work.session.execute(permitted):
        pair = row.profile_id, row.contact_id
        allowed[pair] = min(row.core_id, allowed.get(pair, row.core_id))
    verified = _cores(list(allowed.values()), work=work, ports=ports)
    now_held = fragments(profiles, work=work, ports=ports)
    kept: list[Subject] = []
    for one in subjects:
        if (one.profile, one.contact) not in allowed:
            left_out[LeftOut.NO_LONGER_PERMITTED] += 1
        elif not now_held.get(one.profile, frozenset()) <= one.fragments:
            # The intent does not name a fragment that has joined since, so a withdrawal
            # by that fragment would not wait for this batch.
            left_out[LeftOut.CHANGED_MEANWHILE] += 1
        else:
            core = verified.get(allowed[one.profile, one.contact], frozenset())
            kept.append(replace(one, fragments=one.fragments & core))
    records, references, texts = _opened(asked, kept, work=work, ports=ports)
    left_out[LeftOut.NO_ADDRESS] += len(kept) - len(records)
    left_out += texts
    return Batch(records=records, references=references, left_out=+left_out)


def _cores(cores: Sequence[UUID], *, work: Work, ports: Ports) -> dict[UUID, frozenset[FragmentId]]:
    """The fragments on verified links with each other, by core."""
    member = ports.identity.members()
    wanted = func.any(bindparam("cores", list(cores), unique=True))
    held: dict[UUID, set[FragmentId]] = {}
    query = select(member.c.core_id, member.c.fragment_id).where(member.c.core_id == wanted)
    for core, fragment in work.session.execute(query):
        held.setdefault(core, set()).add(fragment)
    return {core: frozenset(fragments) for core, fragments in held.items()}


def _opened(
    asked: Asked, kept: Sequence[Subject], *, work: Work, ports: Ports
) -> tuple[list[Record], list[bytes], Counter[str]]:
    pairs = [(fragment, one.contact) for one in kept for fragment in sorted(one.fragments)]
    sealed = ports.identity.addresses(pairs, work=work)
    visible = [trait for trait in asked.traits if _class_of(trait, ports) in _seen(asked)]
    values = ports.identity.golden([one.profile for one in kept], visible, work=work) if visible else []
    said = best(values, {one.profile: one.fragments for one in kept})
    golden, texts = without_texts(said, asked.ask.purpose, work=work, ports=ports)
    needed = {fragment for fragment, _ in sealed} | {value.fragment for value in golden}
    keys = ports.vault.keys(sorted(needed), work=work)
    fields, shown, odd = _fields(asked, golden, keys, ports)
    records: list[Record] = []
    references: set[bytes] = set()
    for one in kept:
        holder = next(
            (fragment for fragment in sorted(one.fragments) if (fragment, one.contact) in sealed), None
        )
        if holder is None:
            continue
        address = address_of(one.contact, holder, sealed[holder, one.contact], keys)
        record: JsonObject = {
            "profile": str(one.profile),
            "to": address,
            "fields": fields.get(one.profile, {}),
        }
        records.append(record | _way_out(asked, one, address, work=work, ports=ports))
        references |= {keys.reference(fragment) for fragment in {holder, *shown.get(one.profile, ())}}
    return (
        records,
        sorted(references),
        Counter(f"text:{reason}" for reason in (*texts.values(), *[NOT_ITS_KIND] * odd)),
    )


def without_texts(
    values: Sequence[GoldenValue], purpose: str, *, work: Work, ports: Ports
) -> tuple[list[GoldenValue], dict[tuple[ProfileId, int], str]]:
    """The values without the free texts that may not be used for the purpose, and why those stay back.

    No scan has found them clean; or it is marketing, for which no text is used (ADR-0034).
    """
    texts = [value for value in values if _class_of(value.trait, ports) is FieldClass.FREE_TEXT]
    reasons = ports.scans.withheld([(one.statement, one.trait) for one in texts], work=work)
    if texts and ports.ledger.is_marketing(purpose, work=work):
        reasons = {(one.statement, one.trait): FOR_MARKETING for one in texts} | reasons
    shut = {
        (one.profile, one.trait): reasons[one.statement, one.trait]
        for one in texts
        if one.rank == 1 and (one.statement, one.trait) in reasons
    }
    kept = [
        one
        for one in values
        if (one.statement, one.trait) not in reasons and (one.profile, one.trait) not in shut
    ]
    return kept, shut


def _fields(
    asked: Asked, golden: Sequence[GoldenValue], keys: Keys, ports: Ports
) -> tuple[dict[ProfileId, JsonObject], dict[ProfileId, set[FragmentId]], int]:
    """The fields of each profile, masked as planned, the fragments they show, and how many stay back."""
    fields: dict[ProfileId, JsonObject] = {}
    shown: dict[ProfileId, set[FragmentId]] = {}
    odd = 0
    for value in golden:
        if value.rank == 1:
            trait = ports.catalogue.trait_by_id(value.trait)
            plain = plain_of(value, trait, keys)
            if not ports.catalogue.holds(trait, plain):
                odd += 1
                continue
            if asked.show[trait.field_class] is Show.MASK:
                plain = ports.policies.mask(trait.field_class, trait.name, plain)
            fields.setdefault(value.profile, {})[trait.name] = plain
            shown.setdefault(value.profile, set()).add(value.fragment)
    return fields, shown, odd


def _way_out(asked: Asked, subject: Subject, address: str, *, work: Work, ports: Ports) -> dict[str, str]:
    """The link by which the person says no, to stand in the message (RFC 8058 for e-mail)."""
    assert asked.ask.channel is not None, "a release has a channel"
    identifier = Identifier(REACHES[asked.ask.channel], address)
    link = Link(
        workspace=work.workspace,
        contact=subject.contact,
        purpose=asked.purpose,
        channel=asked.ask.channel,
        sealed=ports.vault.seal_link(work.workspace, subject.contact, identifier),
    )
    return {"unsubscribe": f"{asked.public_url}/u/{unsubscribe.write(link, asked.links)}"}


def _class_of(trait: int, ports: Ports) -> FieldClass:
    return ports.catalogue.trait_by_id(trait).field_class


def _seen(asked: Asked) -> frozenset[FieldClass]:
    return frozenset(one for one, show in asked.show.items() if show is not Show.WITHHOLD)
