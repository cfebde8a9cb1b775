"""Audiences: who matches a segment, and of those whom the gate lets be reached, and why not the rest.

Composes two selectables, identity's contacts and the gate's answer, and reads nobody's
tables by name. A preview counts; only a release (`cdp/releases/releases.py`) opens anything.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Uuid,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on

from cdp.audiences import segments
from cdp.audiences.left_out import NO_CONTACT, LeftOut
from cdp.audiences.rules import Rule, compared
from cdp.kernel.errors import BadInput, NotAllowed, listed
from cdp.ports import Ask, Ports
from cdp.ports.gate_ports import ExplainedRow, Permitted
from cdp.registers import policy_lines, purpose_names
from cdp.vocabulary import REACHES, Channel, ContactId, ProfileId, Show
from cdp.work import Work


class UnreachableChannel(BadInput):
    """Nothing can be sent over that channel yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """How many matched, how many may be reached, and how many are withheld for which reason."""

    matched: int
    permitted: int
    withheld: Mapping[str, int]
    cure: NotAllowed | None = None  # where the policy lets no release use contacts for the purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """One profile that is left out: the reason, and the entry of the ledger that refuses."""

    profile: ProfileId
    reason: str
    entry: UUID | None


def candidates(
    rule: Rule, channel: Channel, *, ports: Ports, among: Sequence[ProfileId] | None = None
) -> FromClause:
    """`Identity.contacts()` of those who match `rule` (and are `among`), in the channel's namespace."""
    if channel not in REACHES:
        raise UnreachableChannel(field="channel", known=listed(REACHES))
    contacts = ports.identity.contacts()
    matching = segments.members(rule, ports=ports).subquery()
    query = select(contacts).where(
        contacts.c.namespace == REACHES[channel],
        contacts.c.profile_id.in_(select(matching.c.profile_id)),
    )
    if among is not None:
        query = query.where(contacts.c.profile_id == func.any(bindparam("among", list(among), unique=True)))
    return query.subquery("candidates")


def permitted(
    rule: Rule, ask: Ask, *, work: Work, ports: Ports, among: Sequence[ProfileId] | None = None
) -> Permitted:
    """`Select(profile_id, contact_id, core_id)`: where profiles that match may be reached.

    The permission is the core's: nothing of anybody beyond its verified links goes out with it.
    """
    assert ask.channel is not None, "an audience is reached over a channel"
    contacts = candidates(rule, ask.channel, ports=ports, among=among)
    through = ports.gate.permitted(ask, at=None, contacts=contacts, work=work).subquery()
    return select(through.c.profile_id, through.c.contact_id, through.c.core_id).distinct()


def one_each(pairs: Permitted) -> Select[ProfileId, ContactId]:
    """One contact, the least, for each profile of `permitted`."""
    through = pairs.subquery()
    return (
        select(through.c.profile_id, through.c.contact_id)
        .ext(distinct_on(through.c.profile_id))
        .order_by(through.c.profile_id, through.c.contact_id)
    )


def preview(rule: Rule, ask: Ask, *, work: Work, ports: Ports) -> tuple[Funnel, Sequence[Withheld]]:
    """Count who matches and who may be reached; name, by profile id, who is left out and why.

    A profile with several contacts is permitted if one of them is; otherwise its reason is
    the weightiest: what the person said, before what else is wrong. Whom the gate permits for a
    purpose that no release can be for is left out by the policy, and the funnel says what mends it.
    Raises what `check` does.
    """
    check(rule, ask, work=work, ports=ports)
    assert ask.channel is not None, "an audience is reached over a channel"
    everyone = set(work.session.scalars(segments.members(rule, ports=ports)))
    told = _weightiest(ask, candidates(rule, ask.channel, ports=ports), work=work, ports=ports)
    # Who has no contact may have said no all the same, and is told that and not what is missing.
    if without := everyone - told.keys():
        told |= _weightiest(ask, persons(sorted(without), ports=ports), work=work, ports=ports)
    cure = _cure(ask.purpose, ask.channel, work=work, ports=ports)
    otherwise = None if cure is None else LeftOut.POLICY
    withheld = [
        Withheld(profile=profile, reason=reason, entry=row.entry_id if row else None)
        for profile in sorted(everyone)
        for row in [told.get(profile)]
        if (reason := (row.reason if row else NO_CONTACT) or otherwise) is not None
    ]
    funnel = Funnel(
        matched=len(everyone),
        permitted=len(everyone) - len(withheld),
        withheld=dict(Counter(one.reason for one in withheld).most_common()),
        cure=cure,
    )
    return funnel, withheld


def weight(row: ExplainedRow) -> int:
    """Which of several rows of `Gate.explained` tells of a person: a permission, then the first reason."""
    return -1 if row.reason is None else row.place


def check(rule: Rule, ask: Ask, *, work: Work, ports: Ports) -> None:
    """Refuse a rule for an ask before anybody is counted: whom it names, and by what it chooses.

    A rule tells of each person who is reached what it compares, so for a purpose it compares only what the
    policy shows the caller for that purpose; of what is masked a comparison would tell more than the mask.
    Raises what `check_ask` does, and what `policy_lines.refusal` makes.
    """
    check_ask(ask, work=work, ports=ports)
    plan = policy_lines.plan_for(work.actor, ask.purpose, work=work, ports=ports)
    shut = {one for one in compared(rule) if plan[one.field_class] is not Show.SHOW}
    if shut:
        names, classes = "+".join(sorted(one.name for one in shut)), {one.field_class for one in shut}
        raise policy_lines.refusal(
            ask.purpose, work.actor.roles, classes, work=work, ports=ports, attribute=names
        )


def check_ask(ask: Ask, *, work: Work, ports: Ports) -> None:
    """Refuse an ask that names what is not registered: counts of nobody would hide a typing error.

    Raises `UnknownPurpose`, `UnreachableChannel`, and `NotFound` for a recipient, naming what there is.
    """
    purpose_names.used(ask.purpose, work=work, ports=ports)
    if ask.channel not in REACHES:
        raise UnreachableChannel(field="channel", known=listed(REACHES))
    if ask.recipient is not None:
        ports.ledger.recipient(ask.recipient, work=work)


def persons(profiles: Sequence[ProfileId], *, ports: Ports) -> FromClause:
    """People without a contact, in the columns of `Identity.contacts()`."""
    member = ports.identity.members()
    theirs = func.any(bindparam("persons", list(profiles), unique=True))
    return persons_of(member, member.c.profile_id == theirs)


def persons_of(member: FromClause, whose: ColumnElement[bool]) -> FromClause:
    """The same of those of identity's members for whom `whose` holds."""
    return (
        select(
            member.c.workspace_id,
            member.c.profile_id,
            member.c.core_id,
            cast(null(), Uuid).label("contact_id"),
            literal("").label("namespace"),
            cast(null(), Uuid).label("fragment_id"),
        )
        .where(whose)
        .distinct()
        .subquery("persons")
    )


def _weightiest(ask: Ask, contacts: FromClause, *, work: Work, ports: Ports) -> dict[ProfileId, ExplainedRow]:
    """What the gate says of each profile of `contacts`, by the contact that weighs most."""
    told: dict[ProfileId, ExplainedRow] = {}
    for row in work.session.execute(ports.gate.explained(ask, at=None, contacts=contacts, work=work)):
        known = told.get(row.profile_id)
        if known is None or weight(row) < weight(known):
            told[row.profile_id] = row
    return told


def _cure(purpose: str, channel: Channel, *, work: Work, ports: Ports) -> NotAllowed | None:
    """What keeps every release for a purpose over a channel, if the policy does."""
    if channel in policy_lines.open_channels(purpose, work=work, ports=ports):
        return None
    contact = {policy_lines.reached_by(channel)}
    return policy_lines.refusal(purpose, policy_lines.RELEASES, contact, work=work, ports=ports)
