"""Releases: the one door by which personal data leaves.

For each batch, in this order (design: intent before reading, ADR-0003):

1. commit an intent that names the subjects, with its audit entry;
2. in a new transaction re-read who they are and ask the gate, minimise, open;
3. send; the sender looks at its clock right before the first byte;
4. commit the outcome and its audit entry.

Whoever narrows commits and then waits for open intents that name the person, so either
step 2 sees the narrowing or the narrowing waits for the send. No lock is held meanwhile.

A batch that was not ready in its time has not left, and is tried again in halves, each with an
intent of its own and read anew; who is left over after that is counted as `not_sent` (ADR-0035).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import insert, select, update

from cdp import tables
from cdp.acting import FAILED, OK, PARTIAL, Doing, acting
from cdp.acts import EXACT_COUNTS, EXACT_REASONS, Act
from cdp.audiences import audiences, segments, small_counts
from cdp.audiences.left_out import LeftOut
from cdp.audiences.parts import Whom
from cdp.intake import inbox
from cdp.kernel.errors import NotAllowed
from cdp.kernel.ids import new_id
from cdp.kernel.logs import log
from cdp.ports import Ask, Endpoint, Intent, Ports
from cdp.registers import policy_lines
from cdp.registers.policy_lines import release_plan
from cdp.releases.destinations import Destination, NotDelivered, NotSent, Record
from cdp.releases.minimising import Asked, Batch, Subject, fragments, read
from cdp.releases.reach import Connect
from cdp.rereading import until_still
from cdp.vocabulary import FieldClass, ProfileId, PurposeId, Show
from cdp.work import Work

UNKNOWN = "unknown_treated_as_released"  # the outcome of an intent
ATTEMPTS = 4  # of a batch that is not ready in time, each with half as many people

Opener = Callable[[], AbstractContextManager[Work]]


class OtherContact(NotAllowed):
    """A release carries the one contact that its channel reaches, as `to`, and no contact as a field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be released: to whom it goes, for what, and which traits.

    `endpoint` is one of the recipient's in the register; `public_url` is where the people's
    unsubscribe links lead.
    """

    segment: UUID | str
    ask: Ask
    traits: Sequence[int]
    endpoint: str
    public_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much goes at once and how stale the ledger may be."""

    batch: int = 200
    inbox_lag: timedelta = timedelta(seconds=5)


@dataclass(slots=True, kw_only=True)
class Result:
    """What became of a release.

    `unknown`: people of batches of which a part may have arrived; the log treats them as released. `whom`
    says how exactly its counts may be seen.
    """

    id: UUID
    matched: int
    whom: Whom
    released: int = 0
    unknown: int = 0
    withheld: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    failed_batches: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    plan: Plan
    id: UUID
    role: str  # by which it was begun
    asked: Asked
    endpoint: Endpoint
    destination: Destination
    begin: Opener
    ports: Ports
    limits: Limits
    progress: Callable[[int], None]


def run(
    plan: Plan,
    *,
    begin: Opener,
    ports: Ports,
    limits: Limits,
    connect: Connect,
    progress: Callable[[int], None] = lambda _: None,
) -> Result:
    """Release `plan` batch by batch; `progress` hears how many people each took, where that may be seen.

    `begin` opens a Work of the caller's, `connect` the way to the registered endpoint. Raises
    `ActNotAllowed` and `OtherContact` before anything is read, and what `policy_lines.refusal`
    makes where no line lets a release use contacts for the purpose, or shows the caller what the rule
    compares, `UnknownPurpose`, `NotFound` for a
    recipient, an endpoint of its or a segment that is not there, `UnsafeAddress`, `TooManyQuestions` where
    its counts may not be asked for today; `InboxLags` when the
    ledger may be behind: the release is closed as `aborted` then, as for any error; batches that are
    out stay out, and counted.
    """
    with begin() as work, acting(Act.RELEASE_RUN, work=work, ports=ports) as doing:
        show = _check(plan, work=work, ports=ports)
        purpose = ports.ledger.purposes(work=work)[plan.ask.purpose]
        endpoint, destination = _endpoint(plan, connect, work=work, ports=ports)
        segment, rule = segments.rule_of(plan.segment, work=work, ports=ports)
        audiences.check(rule, plan.ask, work=work, ports=ports)
        exact, exact_reasons = doing.may(EXACT_COUNTS), doing.may(EXACT_REASONS)
        whom = Whom(rule=rule, ask=plan.ask, exact=exact, exact_reasons=exact_reasons)
        small_counts.check_room(whom.questions(of_release=True), work=work)
        funnel, _ = audiences.preview(rule, plan.ask, work=work, ports=ports)
        asked = Asked(
            rule=rule,
            ask=plan.ask,
            purpose=purpose,
            traits=plan.traits,
            show=show,
            public_url=plan.public_url,
            links=ports.receipts,
        )
        release = _open(plan, segment, purpose, endpoint, funnel.matched, doing=doing)
        result = Result(
            id=release,
            matched=funnel.matched,
            whom=whom,
            withheld=Counter(funnel.withheld),
        )
    this = _Run(
        plan=plan,
        id=release,
        role=doing.role,
        asked=asked,
        endpoint=endpoint,
        destination=destination,
        begin=begin,
        ports=ports,
        limits=limits,
        progress=progress,
    )
    state = "aborted"
    try:
        after: ProfileId | None = None
        while page := _matched(this, after):
            after = page[-1]
            if subjects := _permitted(this, page):
                _batch(this, subjects, result)
        state = "done"
    finally:
        _close(this, result, state)
    return result


def _check(plan: Plan, *, work: Work, ports: Ports) -> Mapping[FieldClass, Show]:
    """The column plan. Raises `OtherContact`, what `policy_lines.refusal` makes; as `audiences.check_ask`."""
    audiences.check_ask(plan.ask, work=work, ports=ports)
    purpose, channel = plan.ask.purpose, plan.ask.channel
    assert channel is not None, "checked above"
    contact = policy_lines.reached_by(channel)
    show = release_plan(purpose, channel, work=work, ports=ports)
    if show[contact] is not Show.SHOW:
        raise policy_lines.refusal(purpose, policy_lines.RELEASES, {contact}, work=work, ports=ports)
    asked = [ports.catalogue.trait_by_id(one) for one in plan.traits]
    others = sorted(one.name for one in asked if one.envelope is FieldClass.CONTACT)
    if others:
        raise OtherContact(trait="+".join(others), channel=str(channel))
    return show


def _endpoint(plan: Plan, connect: Connect, *, work: Work, ports: Ports) -> tuple[Endpoint, Destination]:
    """The recipient's endpoint as registered, and the way there: nobody names an address here."""
    assert plan.ask.recipient is not None, "a release has a recipient"
    found = ports.ledger.endpoint(plan.ask.recipient, plan.endpoint, work=work)
    _, secret = ports.vault.endpoint_secret(work.workspace, found.id, found.key_version)
    return found, connect(found, secret)


def _open(
    plan: Plan,
    segment: UUID,
    purpose: PurposeId,
    endpoint: Endpoint,
    matched: int,
    *,
    doing: Doing,
) -> UUID:
    release = new_id()
    doing.work.session.execute(
        insert(tables.releases).values(
            workspace_id=doing.work.workspace,
            id=release,
            segment_id=segment,
            purpose_id=purpose,
            channel=str(plan.ask.channel),
            recipient_id=endpoint.recipient,
            destination=endpoint.kind,
            endpoint_id=endpoint.id,
            traits=list(plan.traits),
            state="running",
            matched=matched,
            created_at=doing.work.now,
        )
    )
    doing.tell(
        object=release,
        purpose=plan.ask.purpose,
        recipient=endpoint.recipient,
        matched=matched,
        endpoint=endpoint.id,
    )
    return release


def _matched(this: _Run, after: ProfileId | None) -> list[ProfileId]:
    """The next page of those whom the segment matches; holds while the inbox lags."""
    with this.begin() as work:
        inbox.hold(this.limits.inbox_lag, work=work)
        matching = segments.members(this.asked.rule, ports=this.ports).subquery()
        page = select(matching.c.profile_id).order_by(matching.c.profile_id).limit(this.limits.batch)
        if after is not None:
            page = page.where(matching.c.profile_id > after)
        return [ProfileId(one) for one in work.session.scalars(page)]


def _permitted(this: _Run, page: Sequence[ProfileId]) -> list[Subject]:
    """Those of a page who may be reached as things stand, so that the intent names nobody else."""
    with this.begin() as work:
        pairs = audiences.permitted(this.asked.rule, this.plan.ask, work=work, ports=this.ports, among=page)
        rows = work.session.execute(audiences.one_each(pairs)).all()
        held = fragments([row.profile_id for row in rows], work=work, ports=this.ports)
        return [
            Subject(
                profile=row.profile_id,
                contact=row.contact_id,
                fragments=held.get(row.profile_id, frozenset()),
            )
            for row in rows
        ]


def _batch(this: _Run, subjects: Sequence[Subject], result: Result, *, attempts: int = ATTEMPTS) -> None:
    """Intend, read, send and settle; in halves again what was too slow to leave."""
    with this.begin() as work, _telling(this, "intend", work=work) as doing:
        intent = this.ports.intents.declare(
            release=this.id,
            ask=this.plan.ask,
            recipient=this.endpoint.recipient,
            purpose=this.asked.purpose,
            fragments=sorted({fragment for one in subjects for fragment in one.fragments}),
            contacts=sorted({one.contact for one in subjects}),
            traits=this.plan.traits,
            work=work,
        )
        doing.tell(intent=intent.id, people=len(subjects))
    batch = _read(this, subjects)
    records = batch.records
    outcome = _send(this.destination, records, intent)
    sent = len(records) if outcome in ("sent", UNKNOWN) else 0
    with this.begin() as work:
        settled = this.ports.intents.settle(intent.id, outcome=outcome, sent=sent, work=work)
        if settled:
            with _telling(this, "send", work=work) as doing:
                references = batch.references if sent else ()
                doing.tell(outcome=outcome, references=references, intent=intent.id, people=sent)
    result.batches += 1
    if outcome == "not_sent" and attempts > 1:
        log().warning("batch_tried_again", release=str(this.id), size=len(subjects))
        half = -(-len(subjects) // 2)
        for part in (subjects[:half], subjects[half:]):
            if part:
                _batch(this, part, result, attempts=attempts - 1)
        return
    result.failed_batches += outcome not in ("sent", "nothing_to_send")
    if outcome == UNKNOWN:
        result.unknown += sent
    else:
        result.released += sent
    result.withheld.update(batch.left_out)
    if not sent and records:
        result.withheld[LeftOut.NOT_SENT] += len(records)
    if result.whom.exact:
        this.progress(len(subjects))


def _read(this: _Run, subjects: Sequence[Subject]) -> Batch:
    """What may go out now; nothing to an endpoint that was revoked meanwhile."""
    with this.begin() as work:
        if this.ports.ledger.endpoint_stands(this.endpoint.id, work=work):
            return until_still(lambda: read(this.asked, subjects, work=work, ports=this.ports))
    return Batch(records=(), references=(), left_out=Counter({LeftOut.ENDPOINT_REVOKED: len(subjects)}))


def _send(destination: Destination, records: Sequence[Record], intent: Intent) -> str:
    if not records:
        return "nothing_to_send"
    try:
        destination.send(records, intent)
    except NotSent:
        return "not_sent"
    except NotDelivered:
        return UNKNOWN
    return "sent"


@contextmanager
def _telling(this: _Run, verb: str, *, work: Work) -> Iterator[Doing]:
    """What is told of a release under way; the policy is asked once more before a batch, and not after it."""
    ends = "" if verb == "intend" else this.role
    with acting(Act.RELEASE_RUN, work=work, ports=this.ports, verb=verb, ends=ends) as doing:
        doing.tell(object=this.id, purpose=this.plan.ask.purpose, recipient=this.endpoint.recipient)
        yield doing


def _close(this: _Run, result: Result, state: str) -> None:
    """Write down how it ended: `done` (with every batch, or in part), or `aborted`, which has failed."""
    outcome = FAILED if state == "aborted" else PARTIAL if result.failed_batches else OK
    with this.begin() as work, _telling(this, "finish", work=work) as doing:
        work.session.execute(
            update(tables.releases)
            .where(tables.releases.c.id == result.id)
            .values(
                state=state,
                released=result.released,
                unknown=result.unknown,
                withheld=dict(result.withheld),
                finished_at=work.now,
            )
        )
        doing.tell(
            outcome=outcome,
            released=result.released,
            unknown=result.unknown,
            left_out=dict(result.withheld),
        )


def sweep(*, work: Work, ports: Ports) -> int:
    """Settle intents past their deadline as unknown, treated as released, each with its entry; how many."""
    swept = ports.intents.sweep(work=work)
    receiving = ports.intents.recipients(swept, work=work) if swept else {}
    for intent in swept:
        with acting(Act.RELEASE_SWEEP, work=work, ports=ports) as doing:
            doing.tell(object=intent, outcome=UNKNOWN, recipient=receiving[intent])
    return len(swept)
