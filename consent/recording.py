"""How words enter the ledger: checked, journalled, appended, folded; one batch, set by set.

The caller holds the roots of the persons locked, so the words of one person are written one
after another; the fold stays right even if somebody forgets, because its upsert keeps the
last word whatever the order of writers. A grant that a negative word covers is appended too,
as a refused re-grant: `counted` reports it, and the gate compares anew at each ask, so that
an un-merge takes a stranger's refusal along exactly.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import FromClause, func, select

from cdp.kernel.database import Conflict, insert_rows
from cdp.kernel.errors import BadInput, NotAllowed
from cdp.kernel.ids import new_id
from cdp.ports import Recorded, Word
from cdp.vocabulary import NEGATIVE, Scope, State, Trust
from cdp.work import Work
from consent import tables
from consent.covering import refused_by
from consent.purposes import Purposes
from consent.words import Said, fold, is_change_act, polarity_of


class MalformedWord(BadInput):
    """A person's or device's word names a fragment, a contact's word a contact; a grant names its giver."""


class AssertedInFuture(BadInput):
    """A word asserts a time later than its receipt; clocks of others never order the ledger."""


class UnknownPurpose(BadInput):
    """A word names a purpose that is not in the register."""


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
    covered_by: UUID | None = None
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
        if word.asserted_at is not None and word.asserted_at > received_at:
            raise AssertedInFuture(field="asserted_at")
        drafts.append(
            Draft(
                entry=new_id(),
                word=_checked(word, stops=word.purpose in stops),
                received_at=received_at,
                asserted_at=word.asserted_at or received_at,
                stops=word.purpose in stops,
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
    """Note on each grant the newest negative word that refuses it, if one does."""
    covered = refused_by([one.said(number) for number, one in enumerate(drafts)], purposes, members, work)
    return [one._replace(covered_by=covered[one.entry]) if one.entry in covered else one for one in drafts]


def append(drafts: Sequence[Draft], work: Work) -> list[Recorded]:
    """Append drafts in order and fold them; what the ledger already has (by entry id) is left alone."""
    added = insert_rows(
        work.session,
        tables.entries,
        work.workspace,
        _entry_columns(drafts),
        conflict=Conflict(("id",)),
        returning=("id", "seq"),
    )
    seqs: Mapping[UUID, int] = dict(added)
    last = fold(one.said(seqs[one.entry]) for one in drafts if one.entry in seqs)
    _fold_into_current(list(last.values()), work)
    return [
        Recorded(entry=one.entry, counted=one.covered_by is None, covered_by=one.covered_by) for one in drafts
    ]


def _entry_columns(drafts: Sequence[Draft]) -> dict[str, list[Any]]:
    words = [one.word for one in drafts]
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
        "counted": [one.covered_by is None for one in drafts],
        "covered_by": [one.covered_by for one in drafts],
        "journal_line": [one.journal_line for one in drafts],
    }


_KEY = ("scope", "fragment_id", "contact_id", "purpose_id", "channel", "polarity", "change_act")
_REST = (
    "entry_id",
    "state",
    "notice_id",
    "explicit",
    "guardian",
    "seq",
    "received_at",
    "asserted_at",
    "expires_at",
)
_YES = "{{0}}.state IN ({})".format(", ".join(f"'{state}'" for state in sorted(set(State) - NEGATIVE)))
# `Said.order`, in SQL.
_ORDER = f"(CASE WHEN {_YES} THEN {{0}}.asserted_at ELSE {{0}}.received_at END, NOT {_YES}, {{0}}.seq)"
_KEEP_THE_LAST = (
    f"UPDATE SET {', '.join(f'{name} = EXCLUDED.{name}' for name in _REST)}"
    f" WHERE {_ORDER.format('EXCLUDED')} > {_ORDER.format('current')}"
)


def _fold_into_current(last: Sequence[Said], work: Work) -> None:
    insert_rows(
        work.session,
        tables.current,
        work.workspace,
        {
            "entry_id": [word.entry for word in last],
            "polarity": [word.polarity for word in last],
            "scope": [word.scope.value for word in last],
            "fragment_id": [word.fragment for word in last],
            "contact_id": [word.contact for word in last],
            "purpose_id": [word.purpose for word in last],
            "channel": [word.channel.value if word.channel else None for word in last],
            "state": [word.state.value for word in last],
            "notice_id": [word.notice for word in last],
            "change_act": [word.key.change_act for word in last],
            "explicit": [word.explicit for word in last],
            "guardian": [word.guardian for word in last],
            "seq": [word.seq for word in last],
            "received_at": [word.received_at for word in last],
            "asserted_at": [word.asserted_at for word in last],
            "expires_at": [word.expires_at for word in last],
        },
        # In one order, so that two writers who forgot to lock wait for each other but never in a circle.
        order=_KEY,
        conflict=Conflict(_KEY, _KEEP_THE_LAST),
    )
