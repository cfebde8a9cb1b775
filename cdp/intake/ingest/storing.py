"""Write what a batch means: sealed statements, addresses and events, facts, counts.

Every table is written by one statement a batch. Rows are gathered column by column, for
that is how they are sent.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from cdp import tables
from cdp.intake.collection import Message
from cdp.intake.ingest.meaning import Meaning
from cdp.intake.ingest.message_reading import ImportRecord, Item
from cdp.kernel.database import Conflict, insert_rows, run, write
from cdp.kernel.json_values import Json, JsonObject
from cdp.ports import Attribute, Catalogue, Keys, Placed, Statement
from cdp.vocabulary import ContactId, FieldClass, FragmentId, Identifier, Label
from cdp.work import Work

Parts = dict[FieldClass, JsonObject]


class Sorted(NamedTuple):
    """What is to be sealed of an item, by class: what it says of the person, and what happened."""

    statement: Parts
    event: Parts


@dataclass(slots=True, kw_only=True)
class Found:
    """An accepted item with its meaning, its place, and what is to be sealed of it."""

    item: Item
    said: Meaning
    placed: Placed
    parts: Sorted


def sort_out(item: Item, said: Meaning, catalogue: Catalogue) -> Sorted:
    """Divide an item by class into what is said of the person and what happened."""
    statement = catalogue.classify("traits", None, said.traits) if said.traits else {}
    event: Parts = {}
    content = item.content
    if isinstance(content, ImportRecord):
        namespace, raw = content.identifiers[0]
        statement.setdefault(FieldClass.IDENTITY, {})[f"id:{namespace}"] = raw
    elif isinstance(content, Message):
        event = catalogue.classify("properties", content.event, content.properties)
        for field_class, fields in catalogue.classify("context", content.event, content.context).items():
            event.setdefault(field_class, {}).update({f"context.{name}": fields[name] for name in fields})
        event.setdefault(FieldClass.IDENTITY, {}).update(_named(content))
        if content.type == "group" and content.traits:
            event.setdefault(FieldClass.UNCLASSIFIED, {})["group.traits"] = content.traits
        if content.event is not None and not catalogue.event_in_clear(content.event):
            event.setdefault(FieldClass.UNCLASSIFIED, {})["event"] = content.event
    return Sorted(statement=statement, event=event)


_NAMES = ("user_id", "anonymous_id", "previous_id", "group_id")


def _named(message: Message) -> dict[str, str]:
    given = (message.user_id, message.anonymous_id, message.previous_id, message.group_id)
    return {name: value for name, value in zip(_NAMES, given, strict=True) if value is not None}


def envelopes(
    found: Sequence[Found], claimed: Iterable[tuple[FragmentId, ContactId]]
) -> dict[FragmentId, int]:
    """How many envelopes each fragment's key is about to seal, those of addresses included."""
    counts: dict[FragmentId, int] = defaultdict(int)
    for one in found:
        counts[one.placed.fragment] += len(one.parts.statement) + len(one.parts.event)
    for fragment, _ in claimed:
        counts[fragment] += 1
    return counts


def statements(found: Sequence[Found], keys: Keys, catalogue: Catalogue) -> list[Statement]:
    """Sealed statements of the items that say something of a person."""
    made = []
    for one in found:
        if one.parts.statement:
            fragment = one.placed.fragment
            made.append(
                Statement(
                    id=one.said.row,
                    fragment=fragment,
                    source=one.item.source,
                    kind="record" if one.item.kind == "import" else "traits",
                    trust=one.said.trust,
                    position=one.item.position,
                    received_at=one.item.received_at,
                    traits=_trait_ids(one.parts.statement, catalogue),
                    sealed=keys.seal(Label.STATEMENT, one.said.row, fragment, one.parts.statement),
                )
            )
    return made


def _trait_ids(parts: Parts, catalogue: Catalogue) -> list[int]:
    names = (
        name
        for field_class, fields in parts.items()
        if field_class is not FieldClass.UNCLASSIFIED
        for name, value in fields.items()
        if value is not None and value != ""
    )
    return [trait.id for name in names if (trait := catalogue.trait(name)) is not None]


def seal_addresses(
    claimed: Mapping[tuple[FragmentId, ContactId], Identifier], keys: Keys
) -> dict[tuple[FragmentId, ContactId], bytes]:
    """The values behind contacts, each sealed under its fragment's key."""
    return {
        (fragment, contact): keys.seal(
            Label.ADDRESS, contact, fragment, {FieldClass.CONTACT: {"address": identifier.value}}
        )
        for (fragment, contact), identifier in claimed.items()
    }


SealedEvent = tuple[Found, Message, bytes]


def sealed_events(found: Sequence[Found], keys: Keys) -> list[SealedEvent]:
    """The events of a batch, each sealed; a copy's was stored with the first."""
    return [
        (one, content, keys.seal(Label.EVENT, one.said.row, one.placed.fragment, one.parts.event))
        for one in found
        if isinstance(content := one.item.content, Message) and not one.item.lowered
    ]


def store_events(events: Sequence[SealedEvent], catalogue: Catalogue, *, work: Work) -> None:
    """Append sealed events to their month's partition."""
    if not events:
        return
    # A partition that is not there would lose the batch, so each month is asked for.
    for month in {(one.item.received_at.year, one.item.received_at.month) for one, _, _ in events}:
        day = datetime(*month, 1, tzinfo=UTC)
        write(work.session, "SELECT cdp.ensure_event_partition(%s)", (day,))
    insert_rows(
        work.session,
        tables.events,
        work.workspace,
        {
            "received_at": [one.item.received_at for one, _, _ in events],
            "id": [one.said.row for one, _, _ in events],
            "fragment_id": [one.placed.fragment for one, _, _ in events],
            "source_id": [one.item.source.id for one, _, _ in events],
            "accept_seq": [one.item.position.accept_seq for one, _, _ in events],
            "index": [one.item.position.index for one, _, _ in events],
            "type": [message.type for _, message, _ in events],
            "name": [
                message.event if message.event and catalogue.event_in_clear(message.event) else None
                for _, message, _ in events
            ],
            "client_time": [message.client_time for _, message, _ in events],
            "sealed": [sealed for _, _, sealed in events],
        },
    )


def store_facts(found: Sequence[Found], attributes: Sequence[Attribute], *, work: Work) -> None:
    """Keep the declared facts of a batch's events, and add them to their fragments' sums."""
    by_event: dict[str, list[Attribute]] = defaultdict(list)
    for attribute in attributes:
        if attribute.event:
            by_event[attribute.event].append(attribute)
    rows: list[tuple[Found, int, Decimal]] = []
    for one in found:
        content = one.item.content
        if isinstance(content, Message) and not one.item.lowered:
            for attribute in by_event.get(content.event or "", ()):
                value = _number(attribute, content.properties)
                if value is not None:
                    rows.append((one, attribute.id, value))
    if not rows:
        return
    insert_rows(
        work.session,
        tables.facts,
        work.workspace,
        {
            "event_id": [one.said.row for one, _, _ in rows],
            "attribute_id": [attribute for _, attribute, _ in rows],
            "fragment_id": [one.placed.fragment for one, _, _ in rows],
            "received_at": [one.item.received_at for one, _, _ in rows],
            "number": [value for _, _, value in rows],
        },
    )
    _add_up(rows, work)


def _number(attribute: Attribute, properties: Mapping[str, Json]) -> Decimal | None:
    if attribute.kind == "count":
        return Decimal(1)
    value = properties.get(attribute.property or "")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return Decimal(str(value))


def _add_up(rows: Sequence[tuple[Found, int, Decimal]], work: Work) -> None:
    sums: dict[tuple[UUID, int], tuple[int, Decimal, datetime]] = {}
    for one, attribute, value in rows:
        key = (one.placed.fragment, attribute)
        count, total, last = sums.get(key, (0, Decimal(0), one.item.received_at))
        sums[key] = (count + 1, total + value, max(last, one.item.received_at))
    ordered = sorted(sums.items(), key=lambda pair: (pair[0][0].int, pair[0][1]))
    insert_rows(
        work.session,
        tables.fragment_attributes,
        work.workspace,
        {
            "fragment_id": [fragment for (fragment, _), _ in ordered],
            "attribute_id": [attribute for (_, attribute), _ in ordered],
            "count": [count for _, (count, _, _) in ordered],
            "total": [total for _, (_, total, _) in ordered],
            "last_at": [last for _, (_, _, last) in ordered],
        },
        conflict=Conflict(
            ("fragment_id", "attribute_id"),
            "UPDATE SET count = fragment_attributes.count + excluded.count,"
            " total = fragment_attributes.total + excluded.total,"
            " last_at = greatest(fragment_attributes.last_at, excluded.last_at)",
        ),
    )


# The first copy to be processed claims the message; a copy accepted earlier lowers its place.
_CLAIM = """
INSERT INTO cdp.seen
    (workspace_id, message_mac, accept_seq, index, received_at, source_id, verdict, field, notes)
SELECT %s::uuid, u.* FROM unnest(%b::bytea[], %b::int8[], %b::int4[], %b::timestamptz[], %b::uuid[],
    %b::text[], %b::text[], %b::text[]) AS u(mac, seq, index, received_at, source_id, verdict, field, notes)
ORDER BY mac
ON CONFLICT (workspace_id, message_mac) DO UPDATE
    SET accept_seq = excluded.accept_seq, index = excluded.index
    WHERE (excluded.accept_seq, excluded.index) < (seen.accept_seq, seen.index)
RETURNING message_mac, xmax = 0
"""


def drop_seen(items: Sequence[Item], *, work: Work) -> None:
    """Claim each message; copies get the verdict `duplicate`, or `lowered` if accepted before."""
    first: dict[bytes, Item] = {}
    for item in sorted(items, key=lambda item: item.position):
        if item.mac in first:
            item.verdict = "duplicate"
        else:
            first[item.mac] = item
    chosen = list(first.values())
    rows = run(
        work.session,
        _CLAIM,
        (
            work.workspace,
            [item.mac for item in chosen],
            [item.position.accept_seq for item in chosen],
            [item.position.index for item in chosen],
            [item.received_at for item in chosen],
            [item.source.id for item in chosen],
            [item.verdict for item in chosen],
            [item.field for item in chosen],
            [",".join(item.notes) or None for item in chosen],
        ),
    ).fetchall()
    outcome = {bytes(mac): inserted for mac, inserted in rows}
    for item in chosen:
        if item.mac not in outcome:
            item.verdict = "duplicate"
        elif not outcome[item.mac]:
            item.lowered = True


_AMEND = """
UPDATE cdp.seen s SET verdict = u.verdict, field = u.field, notes = NULL
FROM unnest(%b::bytea[], %b::text[], %b::text[]) AS u(mac, verdict, field)
WHERE s.workspace_id = %s AND s.message_mac = u.mac
"""


def amend_verdicts(items: Sequence[Item], *, work: Work) -> None:
    """Write verdicts that were reached after the message was claimed; they have no notes."""
    columns = ([item.mac for item in items], [item.verdict for item in items], [item.field for item in items])
    run(work.session, _AMEND, (*columns, work.workspace))


def count_verdicts(items: Sequence[Item], *, work: Work) -> dict[str, int]:
    """Add a batch's verdicts and notes to the day's counts by source; returns them by verdict."""
    told = Counter(
        (item.source.id, item.received_at, "lowered_duplicate" if item.lowered else item.verdict)
        for item in items
    )
    total: Counter[str] = Counter()
    for (_, _, verdict), n in told.items():
        total[verdict] += n
    told += Counter(
        (item.source.id, item.received_at, f"note:{note}")
        for item in items
        if item.notes and not item.lowered and item.verdict not in ("duplicate", "erased")
        for note in item.notes
    )
    counts: Counter[tuple[UUID, datetime, str]] = Counter()
    for (source, received_at, verdict), n in told.items():
        counts[source, received_at.replace(hour=0, minute=0, second=0, microsecond=0), verdict] += n
    ordered = sorted(counts)
    insert_rows(
        work.session,
        tables.verdict_counts,
        work.workspace,
        {
            "source_id": [source for source, _, _ in ordered],
            "day": [day for _, day, _ in ordered],
            "verdict": [verdict for _, _, verdict in ordered],
            "n": [counts[key] for key in ordered],
        },
        conflict=Conflict(("source_id", "day", "verdict"), "UPDATE SET n = verdict_counts.n + excluded.n"),
    )
    return dict(total)
