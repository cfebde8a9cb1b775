"""How words enter the ledger: checked, journalled, appended, folded; one batch, set by set.

The caller holds the roots of the persons locked, so the words of one person are written one
after another; the fold stays right even if somebody forgets, because its upsert keeps the
last word whatever the order of writers. A grant that a negative word covers is appended too,
as a refused re-grant: `counted` reports it, and the gate compares anew at each ask, so that
an un-merge takes a stranger's refusal along exactly.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import FromClause, bindparam, func, select

from cdp.kernel.database import StoredRow, write
from cdp.kernel.errors import BadInput, NotAllowed
from cdp.kernel.ids import new_id
from cdp.ports import AssertedInFuture, Recorded, UnknownPurpose, Word
from cdp.vocabulary import NEGATIVE, Channel, Scope, State, Trust
from cdp.work import Work
from consent import tables
from consent.ledger import counting
from consent.ledger.covering import refused_by
from consent.ledger.kept_words import Said, is_change_act, polarity_of
from consent.register import notice_versions
from consent.register.purpose_tree import Purposes


class MalformedWord(BadInput):
    """A person's or device's word names a fragment, a contact's word a contact; a grant names its giver."""


class LiftedWithoutAct(BadInput):
    """A restriction is lifted by an act with evidence (a form, a call, paper), never by a snapshot."""


class SpeaksForAnother(NotAllowed):
    """A public key speaks for its device or the contact that it names, never for a whole person."""


class Draft(NamedTuple):
    """A checked word with its entry's id and its times."""

    entry: UUID
    word: Word
    received_at: datetime
    asserted_at: datetime
    stops: bool = False  # of a purpose that stops everything
    side_by_side: bool = False  # of one that is agreed to recipient by recipient
    covered_by: UUID | None = None
    not_counted: str | None = None
    journal_line: UUID | None = None

    @property
    def negative(self) -> bool:
        """Whether it narrows."""
        return self.word.state in NEGATIVE

    def said(self, seq: int) -> Said:
        """The word as the gate will hear it, at its place in the ledger."""
        word = self.word
        return Said(
            entry=self.entry,
            seq=seq,
            scope=word.scope,
            fragment=word.fragment,
            contact=word.contact,
            purpose=word.purpose,
            channel=word.channel,
            polarity=polarity_of(word.state, stops=self.stops),
            state=word.state,
            notice=word.notice,
            change_act=is_change_act(word.state, word.evidence),
            explicit=word.explicit,
            guardian=word.guardian,
            received_at=self.received_at,
            asserted_at=self.asserted_at,
            expires_at=word.expires_at,
            side_by_side=self.side_by_side,
        )


def draft(words: Sequence[Word], purposes: Purposes, work: Work) -> list[Draft]:
    """Check words and give them their times: a live word's is the database's clock, now.

    Raises `MalformedWord`, `AssertedInFuture`, `UnknownPurpose`, `LiftedWithoutAct`,
    `SpeaksForAnother`.
    """
    now = None
    if any(word.received_at is None for word in words):
        now = work.session.execute(select(func.clock_timestamp())).scalar_one()
    drafts, stops = [], purposes.stops
    for word in words:
        received_at = word.received_at or now
        assert received_at is not None, "live words got the database's time"
        if word.purpose not in purposes.by_id:
            raise UnknownPurpose(field="purpose")
        asserted_at = word.asserted_at or received_at
        if asserted_at > received_at:
            if word.state not in NEGATIVE:
                raise AssertedInFuture(field="asserted_at")
            # No clock that is ahead of ours keeps a no out.
            asserted_at = received_at
        drafts.append(
            Draft(
                entry=new_id(),
                word=_checked(word, stops=word.purpose in stops),
                received_at=received_at,
                asserted_at=asserted_at,
                stops=word.purpose in stops,
                side_by_side=word.purpose in purposes.side_by_side,
            )
        )
    return drafts


def _checked(word: Word, *, stops: bool) -> Word:
    grants = word.state not in NEGATIVE
    if word.scope is Scope.CONTACT:
        if word.contact is None or (grants and word.fragment is None):
            raise MalformedWord(field="contact")
    elif word.fragment is None or word.contact is not None:
        raise MalformedWord(field="fragment")
    if word.trust is Trust.ASSERTED:
        if word.scope is Scope.PERSON:
            raise SpeaksForAnother(field="scope")
        confirmed = word.state is not State.GIVEN or word.scope is Scope.DEVICE
        word = word._replace(guardian=False, state=word.state if confirmed else State.REQUESTED)
    if stops:
        if grants and not is_change_act(word.state, word.evidence):
            raise LiftedWithoutAct(field="evidence")
        word = word._replace(channel=None)
    if word.scope is Scope.CONTACT and (stops or not grants):
        # It binds whoever holds the contact, so it is nobody's: another holder's access
        # shows no author, and the author's erasure leaves it as it is.
        return word._replace(fragment=None)
    return word


def mark_covered(drafts: Sequence[Draft], purposes: Purposes, members: FromClause, work: Work) -> list[Draft]:
    """Note on each grant why it does not count: by itself, or for the newest negative that refuses it."""
    covered = refused_by([one.said(number) for number, one in enumerate(drafts)], purposes, members, work)
    named = counting.naming(notice_versions.load(work)) if any(not one.negative for one in drafts) else {}
    return [
        one._replace(
            covered_by=covered.get(one.entry),
            not_counted=counting.why_not(one.word, purposes, named)
            or (counting.why_refused(one.word) if one.entry in covered else None),
        )
        for one in drafts
    ]


def standing(
    entries: Collection[UUID], purposes: Purposes, members: FromClause, work: Work
) -> list[Recorded]:
    """What became of those of `entries` that are there, as it would be told now; nothing is written."""
    row = tables.entries.c
    rows = work.session.execute(
        select(tables.entries).where(row.id == func.any(bindparam("ids", list(entries), unique=True)))
    )
    drafts = [_stored(one, purposes) for one in rows]
    return [_recorded(one) for one in mark_covered(drafts, purposes, members, work)]


def _stored(row: StoredRow, purposes: Purposes) -> Draft:
    return Draft(
        entry=row.id,
        word=Word(
            scope=Scope(row.scope),
            fragment=row.fragment_id,
            contact=row.contact_id,
            purpose=row.purpose_id,
            channel=Channel(row.channel) if row.channel else None,
            state=State(row.state),
            evidence=row.evidence,
            trust=Trust(row.trust),
            received_at=row.received_at,
            asserted_at=row.asserted_at,
            notice=row.notice_id,
            source=row.source_id,
            explicit=row.explicit,
            guardian=row.guardian,
            expires_at=row.expires_at,
        ),
        received_at=row.received_at,
        asserted_at=row.asserted_at,
        stops=row.purpose_id in purposes.stops,
        side_by_side=row.purpose_id in purposes.side_by_side,
    )


def append(drafts: Sequence[Draft], work: Work) -> list[Recorded]:
    """Append drafts in order and fold them; what the ledger already has (by entry id) is left alone."""
    if drafts:
        columns = _columns(drafts)
        write(work.session, _APPEND, (*(columns[name] for name, _ in _SAID), work.workspace))
    return [_recorded(one) for one in drafts]


def _recorded(one: Draft) -> Recorded:
    return Recorded(
        entry=one.entry,
        scope=one.word.scope,
        counted=one.not_counted is None,
        covered_by=one.covered_by,
        not_counted=one.not_counted,
    )


def _columns(drafts: Sequence[Draft]) -> dict[str, Sequence[object]]:
    words = [one.word for one in drafts]
    keys = [one.said(0).key for one in drafts]
    return {
        "id": [one.entry for one in drafts],
        "scope": [word.scope.value for word in words],
        "fragment_id": [word.fragment for word in words],
        "contact_id": [word.contact for word in words],
        "purpose_id": [word.purpose for word in words],
        "channel": [word.channel.value if word.channel else None for word in words],
        "state": [word.state.value for word in words],
        "notice_id": [word.notice for word in words],
        "source_id": [word.source for word in words],
        "trust": [int(word.trust) for word in words],
        "evidence": [word.evidence for word in words],
        "explicit": [word.explicit for word in words],
        "guardian": [word.guardian for word in words],
        "received_at": [one.received_at for one in drafts],
        "asserted_at": [one.asserted_at for one in drafts],
        "expires_at": [word.expires_at for word in words],
        "counted": [one.not_counted is None for one in drafts],
        "covered_by": [one.covered_by for one in drafts],
        "journal_line": [one.journal_line for one in drafts],
        "not_counted": [one.not_counted for one in drafts],
        "polarity": [key.polarity for key in keys],
        "change_act": [key.change_act for key in keys],
        "apart": [key.apart for key in keys],
    }


# The columns of `_columns` with their types; the last three are of the fold alone.
_SAID = (
    ("id", "uuid"),
    ("scope", "text"),
    ("fragment_id", "uuid"),
    ("contact_id", "uuid"),
    ("purpose_id", "uuid"),
    ("channel", "text"),
    ("state", "text"),
    ("notice_id", "uuid"),
    ("source_id", "uuid"),
    ("trust", "int2"),
    ("evidence", "text"),
    ("explicit", "bool"),
    ("guardian", "bool"),
    ("received_at", "timestamptz"),
    ("asserted_at", "timestamptz"),
    ("expires_at", "timestamptz"),
    ("counted", "bool"),
    ("covered_by", "uuid"),
    ("journal_line", "uuid"),
    ("not_counted", "text"),
    ("polarity", "int2"),
    ("change_act", "bool"),
    ("apart", "uuid"),
)
_ENTRY = tuple(name for name, _ in _SAID[:-3])
_KEY = ("scope", "fragment_id", "contact_id", "purpose_id", "channel", "polarity", "change_act", "apart")
_REST = ("state", "notice_id", "explicit", "guardian", "received_at", "asserted_at", "expires_at", "seq")
_YES = "{{0}}.state IN ({})".format(", ".join(f"'{state}'" for state in sorted(set(State) - NEGATIVE)))
# From when a word speaks; at one instant a no goes before a yes, then what was written second.
_ORDER = f"(CASE WHEN {_YES} THEN {{0}}.asserted_at ELSE {{0}}.received_at END, NOT {_YES}, {{0}}.seq)"
# Folded where the entries get their numbers, so that nobody waits for those. In the order of the key,
# so that two writers who forgot to lock wait for each other but never in a circle.
_FORM = """
WITH said AS (SELECT * FROM unnest({arrays}) AS u({said})),
added AS (
    INSERT INTO consent.entries (workspace_id, {entry}) SELECT %s::uuid, {entry} FROM said
    ON CONFLICT (workspace_id, id) DO NOTHING
    RETURNING workspace_id, id, seq
),
word AS (
    SELECT DISTINCT ON ({key}) * FROM (SELECT * FROM said JOIN added USING (id)) AS one
    ORDER BY {key}, {order} DESC
)
INSERT INTO consent.current (workspace_id, entry_id, {key}, {rest})
SELECT workspace_id, id, {key}, {rest} FROM word
ORDER BY {key}
ON CONFLICT (workspace_id, {key}) DO UPDATE SET entry_id = excluded.entry_id, {replacing}
    WHERE {newer} > {order_there}
"""
_APPEND = _FORM.format(
    arrays=", ".join(f"%b::{kind}[]" for _, kind in _SAID),
    said=", ".join(name for name, _ in _SAID),
    entry=", ".join(_ENTRY),
    key=", ".join(_KEY),
    rest=", ".join(_REST),
    order=_ORDER.format("one"),
    replacing=", ".join(f"{name} = excluded.{name}" for name in _REST),
    newer=_ORDER.format("excluded"),
    order_there=_ORDER.format("current"),
)
