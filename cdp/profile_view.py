"""The consented, minimised view of one profile, for one stated purpose.

Policy says which classes the caller may see for the purpose, the gate whether this person
may be used for it at all; both must agree before a value is opened. What is not shown is
named with a reason, and the whole decision is signed and logged.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Row, Uuid, cast, literal, null, select

from cdp import catalogue, inbox, policy_lines, purposes, receipts
from cdp.audiences import weight
from cdp.kernel.errors import NotAllowed, NotFound
from cdp.left_out import LeftOut
from cdp.minimising import best, without_texts
from cdp.policy_lines import plan_for
from cdp.ports import Ask, AuditEntry, GoldenValue, Keys, Ports
from cdp.profiles import opened
from cdp.rereading import Moved, until_still
from cdp.vocabulary import REACHES, Channel, FieldClass, FragmentId, Identifier, ProfileId, Show
from cdp.work import Work


class NoSuchProfile(NotFound):
    """There is no such profile, or you may not know of it."""


class ReadNotAllowed(NotAllowed):
    """The policy does not let this caller read profiles."""


class NotAsController(NotAllowed):
    """The policy does not let this caller read as the controller itself; name a recipient."""


class NoRecipient(NotAllowed):
    """The purpose's notice names recipients and this client is none of them."""

    by_command = "cdp client create NAME --recipient RECIPIENT"
    by_request = "a client that the operator made for a recipient of the register"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """For what somebody reads, and who receives it: a recipient's name; None: the controller itself.

    `inbox_lag` is how stale the ledger may be.
    """

    purpose: str
    recipient: str | None
    inbox_lag: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a caller gets. `withheld` gives a reason per field; `contactable` a contact per channel.

    `cure` says what mends it where a reason is the policy.
    """

    profile: ProfileId
    purpose: str
    shown: Mapping[str, Any]
    masked: Mapping[str, str]
    withheld: Mapping[str, str]
    contactable: Mapping[str, UUID | None]
    reasons: Mapping[str, str]  # per channel that is closed: why
    receipt: str
    cure: NotAllowed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decision:
    core: UUID | None  # whose permission it is; None: nobody's
    contactable: dict[str, UUID | None]
    reasons: dict[str, str]
    refused: str | None  # why nothing may be shown; None: something may
    entries: list[str]


def find(identifier: Identifier, *, work: Work, ports: Ports) -> ProfileId:
    """The one profile that verifiably goes by a normalised identifier. Raises `NoSuchProfile`.

    A shared contact names nobody: which of its holders is meant cannot be known.
    """
    contact = ports.identity.contact_of(identifier, work=work)
    holders = ports.identity.profiles_of(contact, work=work) if contact else []
    if len(holders) != 1:
        raise NoSuchProfile
    return holders[0]


def read(
    profile: UUID,
    asking: Asking,
    *,
    fields: Sequence[str],
    work: Work,
    ports: Ports,
    told: Callable[[str], str] = str,
) -> View:
    """Read `fields` (all known ones if empty) of a profile for a purpose, as its recipient.

    `told` words a reason for this caller, in the view and its receipt: exact reasons are
    personal data too. The log's sealed detail keeps the exact one.

    Raises `ReadNotAllowed`, `NotAsController`, `NoRecipient`, `UnknownPurpose`, `UnknownTrait`,
    `NoSuchProfile`, and `InboxLags` while a withdrawal may still wait; a refusal by consent raises
    nothing, it shows nothing and says why. Every read leaves one audit entry, which says as whom.
    """
    _check(asking, work=work, ports=ports)
    return until_still(lambda: _read(profile, asking, fields, told, work=work, ports=ports))


def _read(
    profile: UUID,
    asking: Asking,
    fields: Sequence[str],
    told: Callable[[str], str],
    *,
    work: Work,
    ports: Ports,
) -> View:
    purpose = asking.purpose
    purposes.used(purpose, work=work, ports=ports)
    root = ports.identity.resolve(profile, work=work)
    if root is None or not ports.identity.is_one_person(root, work=work):
        raise NoSuchProfile
    traits = catalogue.named(fields, field="fields", ports=ports)
    decision = _decide(root, asking, work=work, ports=ports)
    plan = plan_for(work.actor, purpose, work=work, ports=ports)
    wanted = [trait.id for trait in traits]
    values = ports.identity.golden([root], wanted, work=work)
    if decision.core is not None:
        own = ports.identity.fragments_of(ProfileId(decision.core), core_only=True, work=work)
        values = best(values, {root: own})
    values, shut = _without_texts(values, purpose, plan, decision.refused, work=work, ports=ports)
    held = ports.identity.fragments_of(root, core_only=False, work=work)
    if not held:
        raise Moved
    keys = ports.vault.keys(sorted({value.fragment for value in values} | set(held[:1])), work=work)
    shown, masked, withheld = _minimised(values, plan, decision.refused, keys, ports)
    withheld |= shut
    seen = _seen(values, shown.keys() | masked.keys(), ports)
    references = [keys.reference(fragment) for fragment in sorted(seen | set(held[:1]))]
    said = {name: told(reason) for name, reason in withheld.items()}
    receipt = _receipt(references[0], asking, decision, shown, masked, said, work=work, ports=ports)
    _log(asking, references, shown, masked, withheld, work=work, ports=ports)
    return View(
        profile=root,
        purpose=purpose,
        shown=shown,
        masked=masked,
        withheld=said,
        contactable=decision.contactable,
        reasons={channel: told(reason) for channel, reason in decision.reasons.items()},
        receipt=receipt,
        cure=_cure(purpose, withheld, decision.reasons, work=work, ports=ports),
    )


def _cure(
    purpose: str, withheld: Mapping[str, str], closed: Mapping[str, str], *, work: Work, ports: Ports
) -> NotAllowed | None:
    """What mends it that the policy withholds fields from the caller, or contacts from every release."""
    names = [name for name, reason in withheld.items() if reason == LeftOut.POLICY]
    traits = [ports.catalogue.trait(name) for name in names]
    classes = {trait.field_class for trait in traits if trait is not None}
    if classes:
        return policy_lines.refusal(purpose, work.actor.roles, classes, work=work, ports=ports)
    shut = {policy_lines.reached_by(Channel(one)) for one, said in closed.items() if said == LeftOut.POLICY}
    if shut:
        return policy_lines.refusal(purpose, policy_lines.RELEASES, shut, work=work, ports=ports)
    return None


def _log(
    asking: Asking,
    references: Sequence[bytes],
    shown: Mapping[str, Any],
    masked: Mapping[str, str],
    withheld: Mapping[str, str],
    *,
    work: Work,
    ports: Ports,
) -> None:
    """The read's audit entry; its sealed detail says as whom it was, and the exact reasons."""
    named = asking.recipient
    recipient = None if named is None else ports.ledger.recipient(named, work=work)
    ports.audit.record(
        AuditEntry(
            action=f"{work.actor.kind}:profile:read",
            outcome="ok" if shown or masked else "refused",
            purpose=asking.purpose,
            references=references,
            policy_version=ports.policies.version(work),
            recipient=recipient,
            detail={
                "read_as": "controller" if named is None else "recipient",
                "shown": sorted(shown),
                "masked": sorted(masked),
                "withheld": withheld,
            },
        ),
        work=work,
    )


def _check(asking: Asking, *, work: Work, ports: Ports) -> None:
    if not ports.policies.allows(work.actor, "profile", "read"):
        raise ReadNotAllowed
    as_controller = asking.recipient is None
    if as_controller and not ports.policies.allows(work.actor, "profile", "read-as-controller"):
        raise NotAsController
    # A program that is nobody's cannot be held to whom the notice names.
    nobodys = as_controller and work.actor.kind == "client"
    if nobodys and ports.ledger.names_recipients(asking.purpose, work=work):
        raise NoRecipient
    inbox.hold(asking.inbox_lag, work=work)


def _seen(values: Sequence[GoldenValue], names: Set[str], ports: Ports) -> set[FragmentId]:
    """The fragments whose values stand under these names."""
    return {
        value.fragment
        for value in values
        if value.rank == 1 and ports.catalogue.trait_by_id(value.trait).name in names
    }


def _without_texts(
    values: Sequence[GoldenValue],
    purpose: str,
    plan: Mapping[FieldClass, Show],
    refused: str | None,
    *,
    work: Work,
    ports: Ports,
) -> tuple[list[GoldenValue], dict[str, str]]:
    """The values without the free texts that may not be used for the purpose, and why those are withheld."""
    kept, texts = without_texts(values, purpose, work=work, ports=ports)
    by_policy = LeftOut.POLICY if plan[FieldClass.FREE_TEXT] is Show.WITHHOLD else None
    return kept, {
        ports.catalogue.trait_by_id(trait).name: refused or by_policy or reason
        for (_, trait), reason in texts.items()
    }


def _minimised(
    values: Sequence[GoldenValue],
    plan: Mapping[FieldClass, Show],
    refused: str | None,
    keys: Keys,
    ports: Ports,
) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """(shown, masked, withheld with the reason); only what may be seen is opened."""
    traits = {value.trait: ports.catalogue.trait_by_id(value.trait) for value in values}
    visible = [
        value
        for value in values
        if refused is None and plan[traits[value.trait].field_class] is not Show.WITHHOLD
    ]
    by_profile = opened(visible, keys, ports.catalogue).values()
    plain = {name: value for fields in by_profile for name, value in fields.items()}
    shown: dict[str, Any] = {}
    masked: dict[str, str] = {}
    withheld: dict[str, str] = {}
    for trait in sorted(traits.values(), key=lambda one: one.name):
        if refused is not None:
            withheld[trait.name] = refused
        elif plan[trait.field_class] is Show.SHOW:
            shown[trait.name] = plain[trait.name]
        elif plan[trait.field_class] is Show.MASK:
            masked[trait.name] = ports.policies.mask(trait.field_class, trait.name, plain[trait.name])
        else:
            withheld[trait.name] = LeftOut.POLICY
    return shown, masked, withheld


def _decide(profile: ProfileId, asking: Asking, *, work: Work, ports: Ports) -> _Decision:
    """Ask the gate for every channel, and for the use of traits where no contact is needed.

    What is shown is one core's, for a permission stops at verified links: the profile's own
    if it is permitted. Where the evidence is the person's, an open channel permits nothing:
    what a device of theirs refused is heard by the use of traits alone.
    """
    ledger = ports.ledger
    at_contact = ledger.purposes(work=work).get(asking.purpose) in ledger.needs_contact(work=work)
    contacts = ports.identity.contacts()
    asked: dict[str, Sequence[Row[Any]]] = {}
    for channel, namespace in REACHES.items():
        mine = (
            select(contacts)
            .where(contacts.c.profile_id == profile, contacts.c.namespace == namespace)
            .subquery("mine")
        )
        asked[channel] = _ask(asking, channel, mine, work=work, ports=ports)
    reached = [row for rows in asked.values() for row in rows]
    core = _permitted(reached, profile) if at_contact else None
    refused = None
    used: Sequence[Row[Any]] = ()
    if core is None:
        used = _ask(asking, None, _person(profile, ports), work=work, ports=ports)
        core = _permitted(used, profile)
        if core is None:
            refused = min(used, key=weight).reason if used else "no_contact"
    contactable, reasons = _reachable(asked, core)
    if refused is not None:
        contactable, reasons = dict.fromkeys(asked), {one: reasons.get(one, refused) for one in asked}
    else:
        # No release could use the contact over another channel, whatever the person allowed.
        for shut in asked.keys() - policy_lines.open_channels(asking.purpose, work=work, ports=ports):
            contactable[shut] = None
            reasons.setdefault(shut, LeftOut.POLICY)
    return _Decision(
        core=core,
        contactable=contactable,
        reasons=reasons,
        refused=refused,
        entries=sorted({str(row.entry_id) for row in [*reached, *used] if row.entry_id is not None}),
    )


def _permitted(rows: Sequence[Row[Any]], profile: ProfileId) -> UUID | None:
    """The one core that may be shown: the profile's own before any other; None: none may."""
    through = {row.core_id for row in rows if row.reason is None}
    return profile if profile in through else min(through, default=None)


def _reachable(
    asked: Mapping[str, Sequence[Row[Any]]], core: UUID | None
) -> tuple[dict[str, UUID | None], dict[str, str]]:
    """A contact of the core for each channel, and why a channel is closed."""
    contactable: dict[str, UUID | None] = {}
    reasons: dict[str, str] = {}
    for channel, rows in asked.items():
        mine = [row for row in rows if core in (None, row.core_id)]
        open_rows = [row for row in mine if row.reason is None]
        contactable[channel] = min((row.contact_id for row in open_rows), default=None)
        if not open_rows:
            reasons[channel] = min(mine, key=weight).reason if mine else "no_contact"
    return contactable, reasons


def _person(profile: ProfileId, ports: Ports) -> FromClause:
    """The person without a contact, in the columns of `Identity.contacts()`."""
    member = ports.identity.members()
    return (
        select(
            member.c.workspace_id,
            member.c.profile_id,
            member.c.core_id,
            cast(null(), Uuid).label("contact_id"),
            literal("").label("namespace"),
            cast(null(), Uuid).label("fragment_id"),
        )
        .where(member.c.profile_id == profile)
        .distinct()
        .subquery("person")
    )


def _ask(
    asking: Asking, channel: Channel | None, contacts: FromClause, *, work: Work, ports: Ports
) -> Sequence[Row[Any]]:
    ask = Ask(purpose=asking.purpose, channel=channel, recipient=asking.recipient)
    return work.session.execute(ports.gate.explained(ask, at=None, contacts=contacts, work=work)).all()


def _receipt(
    subject: bytes,
    asking: Asking,
    decision: _Decision,
    shown: Mapping[str, Any],
    masked: Mapping[str, str],
    withheld: Mapping[str, str],
    *,
    work: Work,
    ports: Ports,
) -> str:
    claims = {
        "subject": subject.hex(),
        "purpose": asking.purpose,
        "recipient": asking.recipient,
        "consent_entries": decision.entries,
        "policy_version": ports.policies.version(work),
        "shown": sorted(shown),
        "masked": sorted(masked),
        "withheld": dict(sorted(withheld.items())),
        "contactable": {channel: contact is not None for channel, contact in decision.contactable.items()},
        "time": work.now.isoformat(),
    }
    return receipts.sign(claims, ports.receipts)
