"""Stand-ins for what consent needs of its neighbours: people, a journal, keyed hashes.

Deterministic and in memory, but for the people, who stand in identity's own tables so that
the gate's joins are the real ones.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import FromClause, select

import cdp.tables
from cdp.kernel.database import insert_rows
from cdp.vocabulary import NEGATIVE, ContactId, FragmentId, Identifier, ProfileId, State, Trust
from cdp.work import Work
from consent import tables
from consent.consent_erasing import ConsentErasure
from consent.gate.gate import Gate
from consent.gate.intents import Intents
from consent.ledger.kept_words import COLUMNS, is_change_act, said_of
from consent.ledger.ledger import Ledger
from identity import tables as identity

CONTROLLER = UUID("00000000-0000-7000-8000-0000000c0c0a")


@dataclass
class FakeJournal:
    """Lines in memory, in order; each with its id."""

    lines: list[tuple[UUID, Mapping[str, Any]]] = field(default_factory=list)

    def write(self, kind: str, payloads: Sequence[Mapping[str, Any]], *, work: Work) -> list[UUID]:
        assert kind == "negative"
        made = [uuid4() for _ in payloads]
        self.lines += list(zip(made, payloads, strict=True))
        return made


class FakeVault:
    """HMACs under keys that are the labels."""

    def lasting_macs(self, workspace: UUID, identifiers: Sequence[Identifier]) -> list[dict[str, bytes]]:
        return [
            {
                label: hmac.digest(
                    label.encode(), workspace.bytes + repr(tuple(_parts(one))).encode(), "sha256"
                )
                for label in ("suppression", "journal")
            }
            for one in identifiers
        ]


def _parts(identifier: Identifier) -> Iterable[str]:
    yield from (identifier.namespace, hashlib.sha256(identifier.value.encode()).hexdigest())


def members() -> FromClause:
    """As `Identity.members()`."""
    fragment = identity.fragments.c
    return select(
        fragment.workspace_id,
        fragment.id.label("fragment_id"),
        fragment.core_id,
        fragment.root_id.label("profile_id"),
        fragment.lends_to,
    ).subquery("members")


def contacts() -> FromClause:
    """As `Identity.contacts()`."""
    fragment, claim = identity.fragments.c, identity.claims.c
    return (
        select(
            fragment.workspace_id,
            fragment.root_id.label("profile_id"),
            fragment.core_id,
            claim.contact_id,
            claim.namespace,
            fragment.id.label("fragment_id"),
        )
        .join(identity.claims, claim.fragment_id == fragment.id)
        .where(claim.trust == Trust.VERIFIED, claim.retracted_at.is_(None))
        .subquery("contacts")
    )


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Consent, joined with the stand-ins."""

    journal: FakeJournal
    vault: FakeVault
    ledger: Ledger
    gate: Gate
    intents: Intents
    erasure: ConsentErasure


def parts(intents: Intents | None = None) -> Parts:
    """Consent over a fresh journal."""
    journal, vault = FakeJournal(), FakeVault()
    return Parts(
        journal=journal,
        vault=vault,
        ledger=Ledger(journal=journal, vault=vault, members=members()),
        gate=Gate(members=members(), workspaces=cdp.tables.workspaces),
        intents=intents or Intents(),
        erasure=ConsentErasure(journal=journal, vault=vault),
    )


@dataclass(frozen=True, kw_only=True)
class Fragment:
    """A fragment to be: whose it is and which (contact, namespace) it goes by."""

    id: FragmentId
    core: ProfileId
    profile: ProfileId
    lends_to: ProfileId | None = None
    goes_by: Sequence[tuple[ContactId, str]] = ()


def settle_in(fragments: Sequence[Fragment], work: Work) -> None:
    """Store fragments and their verified claims."""
    insert_rows(
        work.session,
        identity.fragments,
        work.workspace,
        {
            "id": [one.id for one in fragments],
            "source_id": [uuid4() for _ in fragments],
            "contact_id": [one.goes_by[0][0] if one.goes_by else uuid4() for one in fragments],
            "namespace": [one.goes_by[0][1] if one.goes_by else "user_id" for one in fragments],
            "accept_seq": list(range(len(fragments))),
            "index": [0] * len(fragments),
            "core_id": [one.core for one in fragments],
            "root_id": [one.profile for one in fragments],
            "lends_to": [one.lends_to for one in fragments],
        },
    )
    claims = [(one.id, contact, namespace) for one in fragments for contact, namespace in one.goes_by]
    insert_rows(
        work.session,
        identity.claims,
        work.workspace,
        {
            "fragment_id": [fragment for fragment, _, _ in claims],
            "contact_id": [contact for _, contact, _ in claims],
            "namespace": [namespace for _, _, namespace in claims],
            "trust": [int(Trust.VERIFIED)] * len(claims),
            "evidence": ["import"] * len(claims),
            "rule_version": [1] * len(claims),
            "accept_seq": [0] * len(claims),
            "index": [0] * len(claims),
            "last_seq": [0] * len(claims),
            "last_index": [0] * len(claims),
        },
    )


def entries_as_words(known, *, work):
    """Every entry of the ledger as the fold hears it, whether or not it is the last of its kind."""
    kept = [tables.entries.c[name] for name in COLUMNS if name not in ("entry_id", "change_act")]
    query = select(tables.entries.c.id, tables.entries.c.evidence, *kept)
    place = COLUMNS.index("change_act")
    words = []
    for entry, evidence, *rest in work.session.execute(query):
        columns = [entry, *rest]
        columns.insert(place, is_change_act(State(columns[COLUMNS.index("state")]), evidence))
        words.append(said_of(columns, purposes=known))
    return words


def fold(words):
    """The last word for each key: the law that `current` is held to."""
    last = {}
    for word in words:
        known = last.get(word.key)
        if known is None or _order(word) > _order(known):
            last[word.key] = word
    return last


def _order(word):
    negative = word.state in NEGATIVE
    return (word.received_at if negative else word.asserted_at, negative, word.seq)
