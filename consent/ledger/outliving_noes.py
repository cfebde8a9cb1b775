"""Suppressions: the no that outlives the person, as HMACs (GDPR 17(3)(b), 21(3)).

At an erasure the negative words at contacts that go with the person are kept under the
suppression key, and an objection to direct marketing with them, for who wants to be forgotten
does not want mail. When such an address comes back it is a new contact, and gets the words
again, with the time at which they were first received: only a newer act of opting in counts.
A no about an identifier that nobody is known by yet, said live or by a list, is kept the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from cdp.kernel.database import Conflict, insert_rows, run
from cdp.kernel.ids import new_id
from cdp.ports import NoAt, Vault, Word
from cdp.vocabulary import Channel, ContactId, Identifier, PurposeId, Scope, State, Trust
from cdp.work import Work
from consent import tables
from consent.ledger import former
from consent.ledger.recording import Draft, append

SUPPRESSION = "suppression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """A negative word that is kept of an identifier whose value is not."""

    label: str  # which key made the HMAC: suppression | journal
    namespace: str
    mac: bytes = field(repr=False)
    purpose: PurposeId
    channel: str  # '': every channel
    state: State
    received_at: datetime
    reason: str | None = None  # of a list, in its words
    source: str | None = None


def keep(kept: Sequence[Suppression], *, work: Work) -> None:
    """Store suppressions; of two for the same the later one holds."""
    last: dict[tuple[str, str, bytes, PurposeId, str], Suppression] = {}
    for one in sorted(kept, key=lambda each: each.received_at):
        last[one.label, one.namespace, one.mac, one.purpose, one.channel] = one
    rows = list(last.values())
    insert_rows(
        work.session,
        tables.suppressions,
        work.workspace,
        {
            "label": [one.label for one in rows],
            "namespace": [one.namespace for one in rows],
            "mac": [one.mac for one in rows],
            "purpose_id": [one.purpose for one in rows],
            "channel": [one.channel for one in rows],
            "state": [one.state.value for one in rows],
            "received_at": [one.received_at for one in rows],
            "reason": [one.reason for one in rows],
            "source": [one.source for one in rows],
        },
        order=("label", "namespace", "mac", "purpose_id", "channel"),
        conflict=Conflict(
            ("label", "namespace", "mac", "purpose_id", "channel"),
            "UPDATE SET state = EXCLUDED.state, received_at = EXCLUDED.received_at,"
            " reason = EXCLUDED.reason, source = EXCLUDED.source"
            " WHERE EXCLUDED.received_at > suppressions.received_at",
        ),
    )


def restore(
    contacts: Sequence[tuple[ContactId, Identifier]], *, again: bool, vault: Vault, work: Work
) -> None:
    """Give new contacts the negative words that are kept of their identifiers; `again`: what came since.

    The words are not journalled: what they come from is (a journal line, or an erasure's).
    """
    if not contacts:
        return
    owners: dict[tuple[str, str, bytes], ContactId] = {}
    made = vault.lasting_macs(work.workspace, [identifier for _, identifier in contacts])
    for (contact, identifier), macs in zip(contacts, made, strict=True):
        for label, mac in macs.items():
            owners[label, identifier.namespace, mac] = contact
    columns = (
        sorted({label for label, _, _ in owners}),
        sorted({namespace for _, namespace, _ in owners}),
        [mac for _, _, mac in owners],
    )
    # First: a no at an erased contact is kept and then waits for who writes here, so whoever writes here
    # before it was kept is waited for, and whoever does so later reads it.
    former.come_back(owners, work=work)
    rows = [_Kept(*row) for row in run(work.session, _KEPT, columns)]
    found = [(owners.get((row.label, row.namespace, bytes(row.mac))), row) for row in rows]
    given = _given([contact for contact, _ in contacts], work=work) if again else frozenset()
    drafts = [_draft(contact, row) for contact, row in found if contact is not None]
    append([one for one in drafts if _saying(one) not in given], work)


_SINCE = """
SELECT u.n, s.received_at
FROM unnest(%b::int4[], %b::text[], %b::bytea[], %b::uuid[], %b::text[])
    AS u(n, namespace, mac, purpose_id, channel)
JOIN consent.suppressions s ON s.label = 'suppression' AND s.namespace = u.namespace AND s.mac = u.mac
    AND s.purpose_id = u.purpose_id AND s.channel = u.channel
"""


def since(noes: Sequence[NoAt], *, vault: Vault, work: Work) -> list[datetime | None]:
    """When each of `noes` was received that is kept already for the same identifier."""
    made = vault.lasting_macs(work.workspace, [one.identifier for one in noes])
    columns = (
        list(range(len(noes))),
        [one.identifier.namespace for one in noes],
        [macs[SUPPRESSION] for macs in made],
        [one.purpose for one in noes],
        [one.channel.value if one.channel else "" for one in noes],
    )
    found: dict[int, datetime] = dict(run(work.session, _SINCE, columns).fetchall())
    return [found.get(n) for n in range(len(noes))]


class _Kept(NamedTuple):
    """A row of `consent.suppressions`."""

    label: str
    namespace: str
    mac: bytes
    purpose_id: PurposeId
    channel: str
    state: str
    received_at: datetime


_KEPT = """
SELECT label, namespace, mac, purpose_id, channel, state, received_at FROM consent.suppressions
WHERE label = ANY(%b::text[]) AND namespace = ANY(%b::text[]) AND mac = ANY(%b::bytea[])
"""


_GIVEN = """
SELECT contact_id, purpose_id, coalesce(channel, ''), state, received_at FROM consent.entries
WHERE contact_id = ANY(%b::uuid[]) AND evidence = %s
"""

_Saying = tuple[ContactId | None, PurposeId, str, str, datetime]


def _given(contacts: Sequence[ContactId], *, work: Work) -> frozenset[_Saying]:
    """What contacts have been given already."""
    return frozenset(tuple(row) for row in run(work.session, _GIVEN, (list(contacts), SUPPRESSION)))


def _saying(one: Draft) -> _Saying:
    word = one.word
    channel = word.channel.value if word.channel else ""
    return word.contact, word.purpose, channel, word.state.value, one.received_at


def _draft(contact: ContactId, row: _Kept) -> Draft:
    return Draft(
        entry=new_id(),
        word=Word(
            scope=Scope.CONTACT,
            fragment=None,
            contact=contact,
            purpose=row.purpose_id,
            channel=Channel(row.channel) if row.channel else None,
            state=State(row.state),
            evidence=SUPPRESSION,
            trust=Trust.VERIFIED,
            received_at=None,
            asserted_at=None,
        ),
        received_at=row.received_at,
        asserted_at=row.received_at,
    )
