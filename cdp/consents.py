"""Say yes, say no: words of consent given through an interface, and when they count.

A negative word is acknowledged only after every release that might still send has sent or
given up: the journal line is fsynced, the words commit, then the open intents that name the
person are waited for. A grant needs an act with evidence; what the ledger makes of it is
told, so that a refused re-grant is not mistaken for a success.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic, sleep
from uuid import UUID

from cdp.kernel.errors import BadInput, NotAllowed, NotFound, Unavailable
from cdp.ports import AuditEntry, Ports, Recorded, Word
from cdp.vocabulary import (
    NEGATIVE,
    Channel,
    ContactId,
    FragmentId,
    Identifier,
    NoticeId,
    ProfileId,
    PurposeId,
    Scope,
    State,
    Trust,
)
from cdp.work import Work

Opener = Callable[[], AbstractContextManager[Work]]
POLL = 0.01


class NobodyThere(NotFound):
    """Nobody goes by that contact or profile; a word can only be kept for somebody who is known."""


class UnknownPurpose(BadInput):
    """There is no purpose of that name; `cdp purpose list` names them."""


class WordNotAllowed(NotAllowed):
    """The policy does not let this caller write words of consent."""


class NotYetEffective(Unavailable):
    """The word is stored and binds, but a release that names the person has not ended in time.

    Ask again: the same word is acknowledged once the release has ended.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What somebody says: about which purpose and channel, with which evidence."""

    purpose: str
    channel: Channel | None
    state: State
    evidence: str
    notice: str | None = None
    asserted_at: datetime | None = None
    explicit: bool = False
    guardian: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """The word holds: from `at` on, nothing is sent against it."""

    entries: Sequence[Recorded]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """Whom a word binds: the contact, if one is named, and the people who hold it."""

    contact: ContactId | None
    holders: Sequence[ProfileId]
    fragments: Sequence[FragmentId]  # of all holders
    anchors: Sequence[FragmentId]  # of the one holder, if there is just one


def say(
    saying: Saying,
    *,
    begin: Opener,
    ports: Ports,
    patience: timedelta,
    contact: ContactId | None = None,
    identifier: Identifier | None = None,
    profile: UUID | None = None,
) -> Acknowledged:
    """Record one saying and return once it holds.

    It is about a contact (by id or normalised identifier) or about a person (by profile).
    `patience` bounds the wait for running releases. Raises `NobodyThere`, `UnknownPurpose`,
    `WordNotAllowed`, `NotYetEffective` and what the ledger refuses.
    """
    with begin() as work:
        if not ports.policies.allows(work.actor, "consent", "write"):
            raise WordNotAllowed
        bound = _bind(contact, identifier, profile, work=work, ports=ports)
        ports.identity.lock(bound.holders, work=work)
        words = _words(saying, bound, work=work, ports=ports)
        recorded = ports.ledger.record(words, work=work)
        keys = ports.vault.keys(bound.anchors[:1], work=work)
        ports.audit.record(
            AuditEntry(
                action=f"{work.actor.kind}:consent:{saying.state}",
                outcome="ok" if all(one.counted for one in recorded) else "refused",
                purpose=saying.purpose,
                references=[keys.reference(fragment) for fragment in bound.anchors[:1]],
                notice_version=saying.notice or "",
                detail={
                    "entries": [str(one.entry) for one in recorded],
                    "refused_by": [str(one.covered_by) for one in recorded if one.covered_by],
                },
            ),
            work=work,
        )
        at = work.now
    if saying.state in NEGATIVE:
        contacts = [bound.contact] if bound.contact else []
        drain(bound.fragments, contacts, begin=begin, ports=ports, patience=patience)
    return Acknowledged(entries=recorded, at=at)


def drain(
    fragments: Sequence[FragmentId],
    contacts: Sequence[ContactId],
    *,
    begin: Opener,
    ports: Ports,
    patience: timedelta,
) -> None:
    """Wait until no intent that names any of these may still send. Raises `NotYetEffective`.

    Each look is a transaction of its own, so that it sees what has been settled since.
    """
    until = monotonic() + patience.total_seconds()
    while True:
        with begin() as work:
            if not ports.intents.waiting(fragments=fragments, contacts=contacts, work=work):
                return
        if monotonic() > until:
            raise NotYetEffective
        sleep(POLL)


def _bind(
    contact: ContactId | None,
    identifier: Identifier | None,
    profile: UUID | None,
    *,
    work: Work,
    ports: Ports,
) -> _Bound:
    if identifier is not None:
        contact = ports.identity.contact_of(identifier, work=work)
    if profile is not None:
        root = ports.identity.resolve(profile, work=work)
        holders = [root] if root is not None else []
    else:
        holders = ports.identity.profiles_of(contact, work=work) if contact is not None else []
    if not holders and contact is None:
        raise NobodyThere
    held = {holder: ports.identity.fragments_of(holder, core_only=False, work=work) for holder in holders}
    anchors: Sequence[FragmentId] = []
    if len(holders) == 1:
        anchors = _claiming(held[holders[0]], contact, work=work, ports=ports)
    return _Bound(
        contact=contact,
        holders=holders,
        fragments=sorted({fragment for fragments in held.values() for fragment in fragments}),
        anchors=anchors,
    )


def _claiming(
    fragments: Sequence[FragmentId], contact: ContactId | None, *, work: Work, ports: Ports
) -> Sequence[FragmentId]:
    """The fragments that go by `contact` first: a person's word is anchored where it came from."""
    if contact is None:
        return sorted(fragments)
    claiming = [
        fragment for fragment in fragments if contact in ports.identity.goes_by([fragment], work=work)
    ]
    return sorted(claiming) or sorted(fragments)


def _words(saying: Saying, bound: _Bound, *, work: Work, ports: Ports) -> list[Word]:
    """One word at the contact; and one at the person, if it is a negative and there is one holder."""
    purpose = ports.ledger.purposes(work=work).get(saying.purpose)
    if purpose is None:
        raise UnknownPurpose(field="purpose")
    notice = None
    if saying.notice is not None:
        notice = ports.ledger.notices(work=work).get(saying.notice)
        if notice is None:
            raise BadInput(field="notice")
    words = []
    anchor = bound.anchors[0] if bound.anchors else None
    if bound.contact is not None:
        words.append(_word(saying, Scope.CONTACT, anchor, bound.contact, purpose, notice, work))
    if anchor is not None and (bound.contact is None or saying.state in NEGATIVE):
        words.append(_word(saying, Scope.PERSON, anchor, None, purpose, notice, work))
    return words


def _word(
    saying: Saying,
    scope: Scope,
    anchor: FragmentId | None,
    contact: ContactId | None,
    purpose: PurposeId,
    notice: NoticeId | None,
    work: Work,
) -> Word:
    return Word(
        scope=scope,
        fragment=anchor,
        contact=contact,
        purpose=purpose,
        channel=saying.channel,
        state=saying.state,
        evidence=saying.evidence,
        trust=Trust.VERIFIED,
        received_at=work.now,
        asserted_at=saying.asserted_at or work.now,
        notice=notice,
        explicit=saying.explicit,
        guardian=saying.guardian,
    )
