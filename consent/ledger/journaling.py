"""What the journal keeps of negative words, so that no restore brings a withdrawn consent back.

A line for each negative word, fsynced before it is stored: ids, words of the vocabulary,
instants as whole microseconds, and an HMAC under the journal's own key where the caller has
the identifier open. `replay` enters what a restored database does not know.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from cdp.kernel.json_values import Json, JsonObject
from cdp.ports import Journal, NoAt, Vault, Word
from cdp.vocabulary import (
    Channel,
    ContactId,
    FragmentId,
    Identifier,
    Namespace,
    PurposeId,
    Scope,
    State,
    Trust,
)
from cdp.work import Work
from consent.ledger import former, outliving_noes
from consent.ledger.former import Former
from consent.ledger.outliving_noes import SUPPRESSION, Suppression
from consent.ledger.recording import Draft, append
from consent.register import purpose_tree

JOURNAL = "journal"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def journalled(
    drafts: Sequence[Draft],
    identifiers: Mapping[ContactId, Identifier],
    *,
    journal: Journal,
    vault: Vault,
    work: Work,
) -> list[Draft]:
    """Write a line for each negative word among `drafts`, with one fsync; each notes its line."""
    negative = [one for one in drafts if one.negative]
    if not negative:
        return list(drafts)
    named = {one.word.contact for one in negative if one.word.contact is not None}
    macs = macs_of({contact: identifiers[contact] for contact in named & identifiers.keys()}, vault, work)
    written = journal.write("negative", [_payload(one, macs) for one in negative], work=work)
    lines = {one.entry: line for one, line in zip(negative, written, strict=True)}
    return [one._replace(journal_line=lines.get(one.entry)) for one in drafts]


def macs_of(
    identifiers: Mapping[ContactId, Identifier], vault: Vault, work: Work
) -> dict[ContactId, dict[str, str]]:
    """The journal's HMAC of each contact; namespaces of sources stay out, as they reach nobody."""
    kept = {contact: one for contact, one in identifiers.items() if one.namespace in frozenset(Namespace)}
    made = vault.lasting_macs(work.workspace, list(kept.values()))
    return {
        contact: {"namespace": str(one.namespace), "mac": macs[JOURNAL].hex()}
        for (contact, one), macs in zip(kept.items(), made, strict=True)
    }


def _payload(one: Draft, macs: Mapping[ContactId, Mapping[str, str]]) -> JsonObject:
    word = one.word
    payload: JsonObject = {
        "entry": str(one.entry),
        "scope": word.scope.value,
        "purpose": str(word.purpose),
        "state": word.state.value,
        "trust": int(word.trust),
        "received_at": (one.received_at - _EPOCH) // _MICROSECOND,
        "asserted_at": (one.asserted_at - _EPOCH) // _MICROSECOND,
    }
    if word.channel is not None:
        payload["channel"] = word.channel.value
    if word.fragment is not None:
        payload["fragment"] = str(word.fragment)
    if word.contact is not None:
        payload["contact"] = str(word.contact)
        payload.update(macs.get(word.contact, {}))
    return payload


def keep_suppressions(
    kept: Sequence[tuple[ContactId | None, Suppression, Mapping[str, bytes]]], *, journal: Journal, work: Work
) -> None:
    """Journal suppressions, then store them: each with the HMACs of its identifier, by key.

    One that an erasure leaves behind, or that speaks for an erased contact, names that contact, so that
    a restored database knows its links too.
    """
    lines = [
        {
            "purpose": str(one.purpose),
            "state": one.state.value,
            "received_at": (one.received_at - _EPOCH) // _MICROSECOND,
            **({"channel": one.channel} if one.channel else {}),
            **({"former": str(contact)} if contact is not None else {}),
            "namespace": one.namespace,
            "mac": macs[JOURNAL].hex(),
        }
        for contact, one, macs in kept
        if JOURNAL in macs
    ]
    if lines:
        journal.write("negative", lines, work=work)
    outliving_noes.keep([one for _, one, _ in kept], work=work)


def refuse_former(
    contact: ContactId,
    purpose: PurposeId,
    channel: Channel | None,
    state: State,
    *,
    journal: Journal,
    work: Work,
) -> None:
    """Keep a no at an erased contact, by every HMAC that is kept of it."""
    now = work.session.execute(select(func.clock_timestamp())).scalar_one()
    was = former.of(contact, work=work)
    noes = [
        Suppression(
            label=one.label,
            namespace=one.namespace,
            mac=one.mac,
            purpose=purpose,
            channel=channel.value if channel else "",
            state=state,
            received_at=now,
        )
        for one in was
    ]
    macs = {one.label: one.mac for one in was}
    # One line for all: what is journalled is found again by the journal's own key.
    with_line = [(contact, no, macs if n == 0 else {}) for n, no in enumerate(noes)]
    keep_suppressions(with_line, journal=journal, work=work)


def refuse(noes: Sequence[NoAt], *, journal: Journal, vault: Vault, work: Work) -> None:
    """Keep noes at identifiers, whoever they are; one without a time is received now."""
    now = work.session.execute(select(func.clock_timestamp())).scalar_one()
    made = vault.lasting_macs(work.workspace, [one.identifier for one in noes])
    keep_suppressions(
        [
            (
                None,
                Suppression(
                    label=SUPPRESSION,
                    namespace=one.identifier.namespace,
                    mac=macs[SUPPRESSION],
                    purpose=one.purpose,
                    channel=one.channel.value if one.channel else "",
                    state=one.state,
                    received_at=one.received_at or now,
                    reason=one.reason,
                    source=one.source,
                ),
                macs,
            )
            for one, macs in zip(noes, made, strict=True)
        ],
        journal=journal,
        work=work,
    )


def replay(line: UUID, payload: Mapping[str, Json], *, work: Work) -> None:
    """Enter what a `negative` line says and the database does not know; twice is as good as once.

    Run for every line behind the database's mark, in order. A word whose contact is younger
    than the backup finds it again by HMAC, when it comes back (`suppression.restore`).
    """
    no = msgspec.convert(payload, _No)
    stops = no.purpose in purpose_tree.load(work).stops
    if "entry" in payload:
        append([_draft(line, msgspec.convert(payload, _Said), stops=stops)], work)
    # A restriction or a death is the person's; the address may be somebody else's next.
    if "mac" in payload and not stops:
        at = msgspec.convert(payload, _At)
        kept = Suppression(
            label=JOURNAL,
            namespace=at.namespace,
            mac=bytes.fromhex(at.mac),
            purpose=PurposeId(no.purpose),
            channel=no.channel.value if no.channel else "",
            state=no.state,
            received_at=_instant(no.received_at),
        )
        outliving_noes.keep([kept], work=work)
        if at.former is not None:
            was = Former(ContactId(at.former), JOURNAL, kept.namespace, kept.mac)
            former.keep([was], work=work)


class _No(msgspec.Struct, frozen=True, kw_only=True):
    """What every `negative` line says."""

    purpose: UUID
    channel: Channel | None = None
    state: State
    received_at: int


class _Said(_No, frozen=True, kw_only=True):
    """A line that is an entry of the ledger."""

    entry: UUID
    scope: Scope
    fragment: UUID | None = None
    contact: UUID | None = None
    trust: Trust
    asserted_at: int


class _At(msgspec.Struct, frozen=True, kw_only=True):
    """Of a line that is about an identifier: its HMAC, and the erased contact that it was."""

    namespace: str
    mac: str
    former: UUID | None = None


def _draft(line: UUID, one: _Said, *, stops: bool) -> Draft:
    return Draft(
        entry=one.entry,
        word=Word(
            scope=one.scope,
            fragment=FragmentId(one.fragment) if one.fragment else None,
            contact=ContactId(one.contact) if one.contact else None,
            purpose=PurposeId(one.purpose),
            channel=one.channel,
            state=one.state,
            evidence=JOURNAL,
            trust=one.trust,
            received_at=None,
            asserted_at=None,
        ),
        received_at=_instant(one.received_at),
        asserted_at=_instant(one.asserted_at),
        stops=stops,
        journal_line=line,
    )


def _instant(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND
