"""One batch: its stages in order, in one Work."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from operator import attrgetter
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select

from cdp import tables
from cdp.acting import acting
from cdp.acts import Act
from cdp.intake.ingest import storing
from cdp.intake.ingest.carried_words import Register, grounds_of, words_of
from cdp.intake.ingest.choices import says_no
from cdp.intake.ingest.meaning import Meaning, understand
from cdp.intake.ingest.message_reading import ImportRecord, InboxRow, Item, add_macs, opened, read
from cdp.intake.ingest.stages import Stages
from cdp.intake.ingest.storing import Found, Sorted
from cdp.kernel.database import rendered, run, write
from cdp.people import profiles
from cdp.ports import Placed, Ports, Recognised, SaidBefore, Word
from cdp.registers import source_rows
from cdp.scanning import scanning
from cdp.vocabulary import NEGATIVE, ContactId, FragmentId, Identifier, ProfileId, SourceId
from cdp.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one Work takes on, and after how long it looks for noes again before it commits."""

    messages: int = 500
    look_again: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What became of a batch: rows taken from the inbox, messages by verdict."""

    rows: int
    verdicts: dict[str, int] = field(default_factory=dict)

    @property
    def messages(self) -> int:
        """Messages in all."""
        return sum(self.verdicts.values())


def process(*, work: Work, ports: Ports, limits: Limits, stages: Stages, only: int | None = None) -> Summary:
    """Process the oldest waiting requests, at most `limits.messages` messages and at least one request.

    `only` names one request, to find out which of a failing batch is at fault. Raises whatever
    fails; the Work then rolls back and nothing of the batch has happened.
    """
    with stages.stage("claim"):
        rows = take(limits.messages, only, work=work)
    if not rows:
        return Summary(rows=0)
    with acting(Act.INBOX_INGEST, work=work, ports=ports) as doing:
        with stages.stage("open"):
            bodies = opened(rows, vault=ports.vault, work=work)
        with stages.stage("parse"):
            items = read(rows, bodies, source_rows.every(work=work))
        with stages.stage("classify"):
            meanings = classify(items, work=work, ports=ports)
        with stages.stage("consent"):
            register = register_of(work=work, ports=ports)
        with stages.stage("recognise"):
            evidence = [one.evidence for said, _ in meanings.values() for one in (said, *said.others)]
            recognised = ports.identity.recognise(evidence, work=work)
        # Up to here this batch has locked its own requests alone, and written nothing.
        # People are locked once a Work, in one order: a request with more messages goes in one piece.
        before = _Before(register, recognised, limits.look_again)
        verdicts = _process_items(items, meanings, before, work=work, ports=ports, stages=stages)
        with stages.stage("finish"):
            doing.tell(verdicts=verdicts)
            write(work.session, _DONE, ([row.accept_seq for row in rows],))
    return Summary(rows=len(rows), verdicts=verdicts)


_DONE = "DELETE FROM cdp.inbox WHERE accept_seq = ANY(%b::int8[])"


def take(messages: int, only: int | None, *, work: Work) -> list[InboxRow]:
    """Lock `only`, or the oldest rows that nobody else works on, no more of them than fill a batch."""
    rows: list[InboxRow] = []
    count, ask, after = 0, 2, 0
    while count < messages:
        query = (
            select(tables.inbox)
            .where(tables.inbox.c.accept_seq > after)
            .order_by(tables.inbox.c.accept_seq)
            .limit(ask)
            .with_for_update(skip_locked=True)
        )
        if only is not None:
            query = query.where(tables.inbox.c.accept_seq == only)
        found = work.session.execute(query).all()
        for row in found:
            rows.append(
                InboxRow(
                    accept_seq=row.accept_seq,
                    received_at=row.received_at,
                    source_id=SourceId(row.source_id),
                    kind=row.kind,
                    gpc=row.gpc,
                    items=row.items,
                    key_id=row.inbox_key_id,
                    body=bytes(row.body),
                )
            )
            count += row.items
        if len(found) < ask or only is not None:
            break
        # As many as fill the rest if they are like those so far: what is locked here is lost to
        # other workers, and a batch that grows beyond its limit keeps its people locked for longer.
        after, ask = rows[-1].accept_seq, min(-(-(messages - count) * len(rows) // max(count, 1)), 256)
    return rows


Classified = tuple[Meaning, Sorted]


class _Before(NamedTuple):
    """What was read before the batch locked or wrote anything of others'."""

    register: Register
    recognised: Recognised
    look_again: timedelta


def classify(items: Sequence[Item], *, work: Work, ports: Ports) -> dict[int, Classified]:
    """What the items mean, by number; those that mean nothing get their verdict."""
    add_macs(items, work.workspace, ports.vault)
    region = work.session.scalars(
        select(tables.workspaces.c.region).where(tables.workspaces.c.id == work.workspace)
    ).one()
    meanings: dict[int, Classified] = {}
    for number, item in enumerate(items):
        said = understand(
            item, workspace=work.workspace, vault=ports.vault, catalogue=ports.catalogue, region=region
        )
        if said is not None:
            parts = Sorted({}, {}) if item.only_no else storing.sort_out(item, said, ports.catalogue)
            meanings[number] = said, parts
    return meanings


def _process_items(
    items: Sequence[Item],
    meanings: Mapping[int, Classified],
    before: _Before,
    *,
    work: Work,
    ports: Ports,
    stages: Stages,
) -> dict[str, int]:
    with stages.stage("deduplicate"):
        storing.drop_seen(items, work=work)
    live = [(item, *meanings[number]) for number, item in enumerate(items) if item.live]
    copies = [
        (items[number], said)
        for number, (said, _) in meanings.items()
        if items[number].verdict == "duplicate"
    ]
    known = dict(before.recognised.contacts)
    found = place(live, before.recognised, work=work, ports=ports, stages=stages)
    with stages.stage("verdicts"):
        erased = [item for item, _, _ in live if item.verdict == "erased"]
        if erased:
            storing.amend_verdicts(erased, work=work)
    if found:
        keep(found, before.register, work=work, ports=ports, stages=stages)
    with stages.stage("consent"):
        _refuse_again(copies, known, before.register, work=work, ports=ports)
        # A no waits for whoever makes its contact, but no longer than somebody waits for an answer.
        if monotonic() - found.looked >= before.look_again.total_seconds():
            ports.ledger.suppress(found.new, again=True, work=work)
    with stages.stage("verdicts"):
        return storing.count_verdicts(items, work=work)


@dataclass(slots=True, kw_only=True)
class Batch:
    """What was placed, and what follows from it for people."""

    found: list[Found]
    regrouped: frozenset[ProfileId]
    claimed: Mapping[tuple[FragmentId, ContactId], Identifier]
    new: Sequence[tuple[ContactId, Identifier]] = ()  # contacts that the batch has made
    looked: float = field(default_factory=monotonic)  # for noes about them

    def __bool__(self) -> bool:
        return bool(self.found or self.regrouped)


def place(
    live: Sequence[tuple[Item, Meaning, Sorted]],
    recognised: Recognised,
    *,
    work: Work,
    ports: Ports,
    stages: Stages,
) -> Batch:
    """Place items, those that are refused for their no alone included; who was erased gets the verdict."""
    if not live:
        return Batch(found=[], regrouped=frozenset(), claimed={})
    # Whom else a no binds has a place of its own, in which nothing else is kept.
    others = [
        (replace(item, only_no=True), other, Sorted({}, {}))
        for item, said, _ in live
        for other in said.others
    ]
    placing = [*live, *others]
    with stages.stage("resolve"):
        evidence = [said.evidence for _, said, _ in placing]
        placement = ports.identity.place(evidence, work=work, recognised=recognised)
    found = []
    for (item, said, parts), placed in zip(placing, placement.placed, strict=True):
        if placed.erased:
            item.verdict = "erased"
        else:
            found.append(Found(item=item, said=said, placed=placed, parts=parts))
    new = {
        (contact, identifier)
        for one in found
        if one.placed.new_contacts
        for identifier, contact in one.placed.contacts.items()
        if contact in one.placed.new_contacts
    }
    with stages.stage("consent"):
        looked, made = monotonic(), sorted(new, key=lambda pair: pair[0].int)
        ports.ledger.suppress(made, work=work)
    return Batch(
        found=found,
        regrouped=placement.regrouped,
        claimed=placement.claimed,
        new=made,
        looked=looked,
    )


def keep(batch: Batch, register: Register, *, work: Work, ports: Ports, stages: Stages) -> None:
    """Write what the batch leaves behind, under the locks of its people.

    Whatever reads waits for all that was sent before it. So what is read comes as early as it
    can, and what is large and read by nobody last: the database writes while the rest is made.
    """
    found = [one for one in batch.found if not one.item.only_no]
    with stages.stage("keys"):
        sealing = storing.envelopes(batch.found, batch.claimed)
        keys = ports.vault.keys(sorted(sealing, key=attrgetter("int")), work=work, sealing=sealing)
    with stages.stage("consent"):
        _record_words(batch.found, register, work=work, ports=ports)
    with stages.stage("seal and state"):
        ports.identity.state(storing.statements(found, keys, ports.catalogue), work=work)
        ports.identity.keep_addresses(storing.seal_addresses(batch.claimed, keys), work=work)
    with stages.stage("seal events"):
        events = storing.sealed_events(found, keys)
    with stages.stage("derive"):
        touched = _describe(batch, work=work, ports=ports)
    with stages.stage("store events"):
        storing.store_events(events, ports.catalogue, work=work)
    with stages.stage("facts"):
        storing.store_facts(found, ports.catalogue.attributes(), work=work)
        _let_scan(found, work=work)
    with stages.stage("derive"):
        profiles.sum_up(touched, work=work, ports=ports)


def _let_scan(found: Sequence[Found], *, work: Work) -> None:
    """Let what holds texts wait for the detector; a copy's row was scanned with the first."""
    fresh = [one for one in found if not one.item.lowered]
    scanning.enqueue(
        [one.said.row for one in fresh if scanning.worth(one.parts.statement)],
        [(one.said.row, one.item.received_at) for one in fresh if scanning.worth(one.parts.event)],
        work=work,
    )


def register_of(*, work: Work, ports: Ports) -> Register:
    """What of the consent register messages refer to, as this Work sees it."""
    names = ports.ledger.purposes(work=work)
    return Register(
        purposes=names,
        needs_contact=ports.ledger.needs_contact(work=work),
        notices=ports.ledger.notices(work=work),
        sale_or_share=names["sale_or_share"],
    )


def _record_words(found: Sequence[Found], register: Register, *, work: Work, ports: Ports) -> None:
    fresh = [one for one in found if not one.item.lowered]
    words = [word for one in fresh for word in words_of(one.item, one.said, one.placed, register)]
    grounds = [ground for one in fresh for ground in grounds_of(one.item, one.said, one.placed, register)]
    if words:
        ports.ledger.record(words, work=work)
    if grounds:
        ports.ledger.ground(grounds, work=work)


def _refuse_again(
    copies: Sequence[tuple[Item, Meaning]],
    known: Mapping[Identifier, ContactId],
    register: Register,
    *,
    work: Work,
    ports: Ports,
) -> None:
    """Hear a copy that is none in its no: a row that goes back to one, a message whose id was used before.

    The same file or message again changes nothing: nobody has said yes in a row since, and what a
    message refuses its source has refused. Nobody is placed anew, so a person who is not there any
    more stays so.
    """
    noes = [
        (item, one)
        for item, said in copies
        if says_no(item)
        for one in (said, *said.others)
        if one.evidence.own in known
    ]
    keys = [(item.source.id, known[said.evidence.own]) for item, said in noes]
    fragments = ports.identity.lock_own(sorted(keys), work=work)
    words: list[tuple[Item, Word]] = []
    for (item, said), key in zip(noes, keys, strict=True):
        if key in fragments:
            evidence = said.evidence
            named = (evidence.own, *(claim.identifier for claim in evidence.claims), *evidence.mentions)
            contacts = {name: known[name] for name in named if name in known}
            placed = Placed(fragment=fragments[key], contacts=contacts)
            refusals = (one for one in words_of(item, said, placed, register) if one.state in NEGATIVE)
            words += ((item, one) for one in refusals)
    before = ports.ledger.said_before([word for _, word in words], work=work)
    again = [word for (item, word), told in zip(words, before, strict=True) if _is_news(item, told)]
    if again:
        ports.ledger.record(again, work=work)


def _is_news(copy: Item, told: SaidBefore) -> bool:
    if isinstance(copy.content, ImportRecord):
        return told.last is not None and told.last not in NEGATIVE
    # A message that is sent again, which clients do, must not undo what was agreed to since.
    return not told.refused


def _describe(batch: Batch, *, work: Work, ports: Ports) -> set[ProfileId]:
    """Describe the people of whom something came that is kept in clear; the profiles to be summed up."""
    counted = {attribute.event for attribute in ports.catalogue.attributes() if attribute.event}
    acted: set[FragmentId] = {
        one.placed.fragment
        for one in batch.found
        if getattr(one.item.content, "event", None) in counted and not one.item.only_no
    }
    clear = profiles.clear_traits(ports.catalogue)
    spoke: set[FragmentId] = set()
    said: dict[UUID, profiles.Plain] = {}
    for one in batch.found:
        words = {
            trait.name: of[trait.name]
            for trait in clear
            if trait.name in (of := one.parts.statement.get(trait.envelope, {}))
        }
        # What was stored of a message is what its first copy said, which may be another: a later
        # copy moves that to an earlier place, whatever it says itself.
        if words or (one.item.lowered and not one.item.only_no):
            spoke.add(one.placed.fragment)
            if not one.item.lowered:
                said[one.said.row] = words
    homes = _homes(acted | spoke, work=work, ports=ports)
    profiles.describe(
        {profile for one in spoke for profile in homes[one]} | batch.regrouped,
        gone=batch.regrouped,
        work=work,
        ports=ports,
        said=said,
    )
    return {profile for one in acted for profile in homes[one]} | batch.regrouped


_HOMES = """
SELECT m.fragment_id, m.profile_id, m.lends_to FROM {members} AS m WHERE m.fragment_id = ANY(%b::uuid[])
"""


def _homes(
    fragments: Collection[FragmentId], *, work: Work, ports: Ports
) -> dict[FragmentId, list[ProfileId]]:
    """The profile of each fragment, and the one that it lends behaviour to."""
    if not fragments:
        return {}
    query = _HOMES.format(members=rendered(ports.identity.members()))
    rows = run(work.session, query, (list(fragments),))
    return {row[0]: [profile for profile in row[1:] if profile is not None] for row in rows}
