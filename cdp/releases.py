"""Releases: the one door by which personal data leaves.

For each batch, in this order (design: intent before reading, ADR-0003):

1. commit an intent that names the subjects, with its audit entry;
2. in a new transaction re-read who they are and ask the gate, minimise, open;
3. send; the sender looks at its clock right before the first byte;
4. commit the outcome and its audit entry.

Whoever narrows commits and then waits for open intents that name the person, so either
step 2 sees the narrowing or the narrowing waits for the send. No lock is held meanwhile.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select, update

from cdp import audiences, inbox, segments, tables
from cdp.destinations import Destination, NotDelivered, PastDeadline, Record
from cdp.kernel.errors import NotAllowed, Unavailable
from cdp.kernel.ids import new_id
from cdp.ports import Ask, AuditEntry, Intent, Ports
from cdp.vocabulary import (
    Actor,
    ContactId,
    FieldClass,
    FragmentId,
    Label,
    ProfileId,
    PurposeId,
    RecipientId,
    Show,
)
from cdp.work import Work

Opener = Callable[[], AbstractContextManager[Work]]
SERVICE = frozenset({"service"})


class ReleaseNotAllowed(NotAllowed):
    """The policy does not let this caller run releases, or the purpose does not let addresses be used."""


class InboxLags(Unavailable):
    """Messages wait, and one may be a withdrawal, so the release holds. Is the worker running?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be released: to whom it goes, for what, and which traits."""

    segment: UUID | str
    ask: Ask
    traits: Sequence[int]
    destination: Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much goes at once and how stale the ledger may be."""

    batch: int = 200
    inbox_lag: timedelta = timedelta(seconds=5)


@dataclass(slots=True, kw_only=True)
class Result:
    """What became of a release."""

    id: UUID
    matched: int
    released: int = 0
    withheld: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    failed_batches: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One person in a batch, and the fragments that the intent names for them."""

    profile: ProfileId
    contact: ContactId
    fragments: frozenset[FragmentId]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    plan: Plan
    id: UUID
    rule: Any
    purpose: PurposeId
    recipient: RecipientId
    show: Mapping[FieldClass, Show]
    begin: Opener
    ports: Ports
    limits: Limits
    progress: Callable[[int], None]


def run(
    plan: Plan,
    *,
    recipient: RecipientId,
    begin: Opener,
    ports: Ports,
    limits: Limits,
    progress: Callable[[int], None] = lambda _: None,
) -> Result:
    """Release `plan` batch by batch; `progress` hears how many people each batch took.

    `begin` opens a Work of the caller's. Raises `ReleaseNotAllowed` before anything is read,
    `InboxLags` when the ledger may be behind; batches that are out stay out, and counted.
    """
    with begin() as work:
        show = _check(plan, work.actor, ports)
        segment, rule = segments.rule_of(plan.segment, work=work)
        funnel, _ = audiences.preview(rule, plan.ask, work=work, ports=ports)
        purpose = ports.ledger.purposes(work=work)[plan.ask.purpose]
        release = _open(plan, segment, purpose, recipient, funnel.matched, work=work, ports=ports)
    result = Result(id=release, matched=funnel.matched, withheld=Counter(funnel.withheld))
    this = _Run(
        plan=plan,
        id=release,
        rule=rule,
        purpose=purpose,
        recipient=recipient,
        show=show,
        begin=begin,
        ports=ports,
        limits=limits,
        progress=progress,
    )
    try:
        after: ProfileId | None = None
        while page := _matched(this, after):
            after = page[-1]
            if subjects := _permitted(this, page):
                _batch(this, subjects, result)
    finally:
        with begin() as work:
            _close(result, work=work, ports=ports)
    return result


def _check(plan: Plan, actor: Actor, ports: Ports) -> Mapping[FieldClass, Show]:
    """The column plan of the release itself: it uses what the service role may for that purpose."""
    show = ports.policies.column_plan(replace(actor, roles=SERVICE), plan.ask.purpose)
    if not ports.policies.allows(actor, "release", "run") or show[FieldClass.CONTACT] is not Show.SHOW:
        raise ReleaseNotAllowed
    return show


def _open(
    plan: Plan,
    segment: UUID,
    purpose: PurposeId,
    recipient: RecipientId,
    matched: int,
    *,
    work: Work,
    ports: Ports,
) -> UUID:
    release = new_id()
    work.session.execute(
        insert(tables.releases).values(
            workspace_id=work.workspace,
            id=release,
            segment_id=segment,
            purpose_id=purpose,
            channel=str(plan.ask.channel),
            recipient_id=recipient,
            destination=plan.destination.name,
            traits=list(plan.traits),
            state="running",
            matched=matched,
            created_at=work.now,
        )
    )
    ports.audit.record(
        AuditEntry(
            action="client:release:start",
            outcome="ok",
            purpose=plan.ask.purpose,
            policy_version=ports.policies.version,
            detail={"release": str(release), "matched": matched},
        ),
        work=work,
    )
    return release


def _matched(this: _Run, after: ProfileId | None) -> list[ProfileId]:
    """The next page of those whom the segment matches; holds while the inbox lags."""
    with this.begin() as work:
        if inbox.lag(work=work) > this.limits.inbox_lag:
            raise InboxLags
        matching = segments.members(this.rule, ports=this.ports).subquery()
        page = select(matching.c.profile_id).order_by(matching.c.profile_id).limit(this.limits.batch)
        if after is not None:
            page = page.where(matching.c.profile_id > after)
        return [ProfileId(one) for one in work.session.scalars(page)]


def _permitted(this: _Run, page: Sequence[ProfileId]) -> list[Subject]:
    """Those of a page who may be reached as things stand, so that the intent names nobody else."""
    with this.begin() as work:
        pairs = audiences.permitted(this.rule, this.plan.ask, work=work, ports=this.ports, among=page)
        rows = work.session.execute(audiences.one_each(pairs)).all()
        held = _fragments([row.profile_id for row in rows], work=work, ports=this.ports)
        return [
            Subject(
                profile=row.profile_id,
                contact=row.contact_id,
                fragments=held.get(row.profile_id, frozenset()),
            )
            for row in rows
        ]


def _fragments(
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


def _batch(this: _Run, subjects: Sequence[Subject], result: Result) -> None:
    with this.begin() as work:
        intent = this.ports.intents.declare(
            release=this.id,
            ask=this.plan.ask,
            recipient=this.recipient,
            purpose=this.purpose,
            fragments=sorted({fragment for one in subjects for fragment in one.fragments}),
            contacts=sorted({one.contact for one in subjects}),
            traits=this.plan.traits,
            work=work,
        )
        _audit(this, "client:release:intend", "ok", intent, len(subjects), (), work=work)
    with this.begin() as work:
        records, references, left_out = _read(this, subjects, work=work)
    outcome = _send(this.plan.destination, records, intent)
    sent = len(records) if outcome in ("sent", "unknown_treated_as_released") else 0
    with this.begin() as work:
        settled = this.ports.intents.settle(intent.id, outcome=outcome, sent=sent, work=work)
        if settled:
            _audit(this, "client:release:send", outcome, intent, sent, references if sent else (), work=work)
    result.batches += 1
    result.failed_batches += outcome not in ("sent", "nothing_to_send")
    result.released += sent
    result.withheld.update(left_out)
    if not sent and records:
        result.withheld["not_sent"] += len(records)
    this.progress(len(subjects))


def _send(destination: Destination, records: Sequence[Record], intent: Intent) -> str:
    if not records:
        return "nothing_to_send"
    try:
        destination.send(records, intent)
    except PastDeadline:
        return "not_sent"
    except NotDelivered:
        return "unknown_treated_as_released"
    return "sent"


def _read(
    this: _Run, subjects: Sequence[Subject], *, work: Work
) -> tuple[list[Record], list[bytes], Counter[str]]:
    """Who of the batch may still be reached, minimised and opened; references for the log.

    The queries run after the intent's commit, each with a snapshot of its own: a narrowing
    that is not seen here finds the intent.
    """
    ports = this.ports
    left_out: Counter[str] = Counter()
    profiles = [one.profile for one in subjects]
    permitted = audiences.permitted(this.rule, this.plan.ask, work=work, ports=ports, among=profiles)
    allowed = {(row.profile_id, row.contact_id) for row in work.session.execute(permitted)}
    now_held = _fragments(profiles, work=work, ports=ports)
    kept: list[Subject] = []
    for one in subjects:
        if (one.profile, one.contact) not in allowed:
            left_out["no_longer_permitted"] += 1
        elif not now_held.get(one.profile, frozenset()) <= one.fragments:
            # The intent does not name a fragment that has joined since, so a withdrawal
            # by that fragment would not wait for this batch.
            left_out["changed_meanwhile"] += 1
        else:
            kept.append(one)
    records, references = _open_records(this, kept, work=work)
    left_out["no_address"] += len(kept) - len(records)
    return records, references, +left_out


def _open_records(this: _Run, kept: Sequence[Subject], *, work: Work) -> tuple[list[Record], list[bytes]]:
    ports = this.ports
    pairs = [(fragment, one.contact) for one in kept for fragment in sorted(one.fragments)]
    sealed = ports.identity.addresses(pairs, work=work)
    visible = [trait for trait in this.plan.traits if _shown(this, trait)]
    golden = ports.identity.golden([one.profile for one in kept], visible, work=work) if visible else []
    needed = {fragment for fragment, _ in sealed} | {value.fragment for value in golden}
    needed |= {min(one.fragments) for one in kept}
    keys = ports.vault.keys(sorted(needed), work=work)
    fields: dict[ProfileId, dict[str, Any]] = {}
    shown = {(one.profile, min(one.fragments)) for one in kept}
    for value in golden:
        if value.rank == 1:
            trait = ports.catalogue.trait_by_id(value.trait)
            parts = keys.open(
                Label.STATEMENT, value.statement, value.fragment, value.sealed, frozenset({trait.field_class})
            )
            plain = parts.get(trait.field_class, {}).get(trait.name)
            if this.show[trait.field_class] is Show.MASK:
                plain = ports.policies.mask(trait.field_class, trait.name, plain)
            fields.setdefault(value.profile, {})[trait.name] = plain
            shown.add((value.profile, value.fragment))
    records: list[Record] = []
    references: set[bytes] = set()
    for one in kept:
        holder = next(
            (fragment for fragment in sorted(one.fragments) if (fragment, one.contact) in sealed), None
        )
        if holder is None:
            continue
        opened = keys.open(
            Label.ADDRESS, one.contact, holder, sealed[holder, one.contact], frozenset({FieldClass.CONTACT})
        )
        records.append(
            {
                "profile": str(one.profile),
                "to": opened[FieldClass.CONTACT]["address"],
                "fields": fields.get(one.profile, {}),
            }
        )
        used = {fragment for profile, fragment in shown if profile == one.profile} | {holder}
        references |= {keys.reference(fragment) for fragment in used}
    return records, sorted(references)


def _shown(this: _Run, trait: int) -> bool:
    return this.show[this.ports.catalogue.trait_by_id(trait).field_class] is not Show.WITHHOLD


def _audit(
    this: _Run,
    action: str,
    outcome: str,
    intent: Intent,
    count: int,
    references: Sequence[bytes],
    *,
    work: Work,
) -> None:
    this.ports.audit.record(
        AuditEntry(
            action=action,
            outcome=outcome,
            purpose=this.plan.ask.purpose,
            references=references,
            policy_version=this.ports.policies.version,
            detail={"release": str(this.id), "intent": str(intent.id), "people": count},
        ),
        work=work,
    )


def _close(result: Result, *, work: Work, ports: Ports) -> None:
    work.session.execute(
        update(tables.releases)
        .where(tables.releases.c.id == result.id)
        .values(
            state="done",
            released=result.released,
            withheld=dict(result.withheld),
            finished_at=work.now,
        )
    )
    ports.audit.record(
        AuditEntry(
            action="client:release:finish",
            outcome="ok" if not result.failed_batches else "partial",
            detail={
                "release": str(result.id),
                "released": result.released,
                "withheld": dict(result.withheld),
            },
        ),
        work=work,
    )
