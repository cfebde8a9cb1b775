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

from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import InterfaceError, OperationalError

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
    RecipientId,
    Scope,
    State,
    Trust,
)
from cdp.work import Work

Opener = Callable[[], AbstractContextManager[Work]]
POLL = 0.01


class NobodyThere(NotFound):
    """Nobody goes by that contact or profile; a word can only be kept for somebody who is known."""


class ForgottenContact(NobodyThere):
    """This address is no longer known here, so nothing is sent to it and nothing was changed."""


class WhoseGrant(BadInput):
    """Several people share this contact, and a grant is one person's: a form must say who gave it."""


class UnknownPurpose(BadInput):
    """There is no purpose of that name; `cdp purpose list` names them."""


class WordNotAllowed(NotAllowed):
    """The policy does not let this caller write words of consent."""


class NotYetEffective(Unavailable):
    """What was said is stored and binds, but a release that was under way has not ended in time.

    It can send for a few seconds more. A word that is said again is acknowledged once it has ended.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What somebody says: about which purpose and channel, with which evidence."""

    purpose: str
    channel: Channel | None
    state: State
    evidence: str
    notice: str | None = None  # `name@2`, or a name: the version in force when it was said
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
    `patience` bounds the wait for running releases. Raises `NobodyThere`, `WhoseGrant`,
    `UnknownPurpose`, `WordNotAllowed`, `NotYetEffective` and what the ledger refuses.
    """
    with begin() as work:
        if not ports.policies.allows(work.actor, "consent", "write"):
            raise WordNotAllowed
        bound = _bind(contact, identifier, profile, work=work, ports=ports)
        if len(bound.holders) > 1 and saying.state not in NEGATIVE:
            raise WhoseGrant(field="contact")
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
                notice_version=str(words[0].notice or ""),
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
    recipient: RecipientId | None = None,
    begin: Opener,
    ports: Ports,
    patience: timedelta,
) -> None:
    """Wait until no intent that names any of these, or sends to `recipient`, may still send.

    Each look is a transaction of its own, so that it sees what has been settled since. Raises
    `NotYetEffective`.
    """
    until = monotonic() + patience.total_seconds()
    while _anybody_sending(fragments, contacts, recipient, begin=begin, ports=ports):
        if monotonic() > until:
            raise NotYetEffective
        sleep(POLL)


def _anybody_sending(
    fragments: Sequence[FragmentId],
    contacts: Sequence[ContactId],
    recipient: RecipientId | None,
    *,
    begin: Opener,
    ports: Ports,
) -> bool:
    """Whether there is such an intent; a database that restarts just now says nothing."""
    try:
        with begin() as work:
            return ports.intents.waiting(
                fragments=fragments, contacts=contacts, recipient=recipient, work=work
            )
    except (OperationalError, InterfaceError):
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A grant on a form: who gave it, for which contact of theirs."""

    person: Identifier  # how the form's source knows them
    contact: Identifier
    saying: Saying


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One person who verifiably goes by a contact."""

    profile: ProfileId
    fragment: FragmentId


class NotAGrant(BadInput):
    """Forms in bulk are grants; a negative word is said one by one, for each must be waited for."""


FORMS = 500


def record_forms(
    forms: Sequence[Form],
    *,
    begin: Opener,
    ports: Ports,
    progress: Callable[[int], None] = lambda _: None,
) -> dict[str, int]:
    """Record forms in batches; counts: `counted`, `refused` by a newer no, `unknown` person or contact.

    Raises `NotAGrant`, `WordNotAllowed`, `UnknownPurpose`.
    """
    if any(form.saying.state in NEGATIVE for form in forms):
        raise NotAGrant(field="state")
    counts = {"counted": 0, "refused": 0, "unknown": 0}
    for start in range(0, len(forms), FORMS):
        part = forms[start : start + FORMS]
        with begin() as work:
            if not ports.policies.allows(work.actor, "consent", "write"):
                raise WordNotAllowed
            recorded = _record_batch(part, work=work, ports=ports)
            counts["counted"] += sum(one.counted for one in recorded)
            counts["refused"] += sum(not one.counted for one in recorded)
            counts["unknown"] += len(part) - len(recorded)
        progress(len(part))
    return counts


def _record_batch(forms: Sequence[Form], *, work: Work, ports: Ports) -> list[Recorded]:
    named = [one for form in forms for one in (form.person, form.contact)]
    contacts = ports.identity.contacts_of(named, work=work)
    held = holders(
        [contacts[form.contact] for form in forms if form.contact in contacts], work=work, ports=ports
    )
    terms = {saying: _terms(saying, work=work, ports=ports) for saying in {form.saying for form in forms}}
    words, locked = [], set()
    for form in forms:
        contact, person = contacts.get(form.contact), contacts.get(form.person)
        mine = held.get(contact, []) if contact is not None and person is not None else []
        if len(mine) > 1 and person is not None:
            # A shared address: the form is its giver's alone.
            own = set(ports.identity.profiles_of(person, work=work))
            mine = [one for one in mine if one.profile in own]
        if contact is None or len({one.profile for one in mine}) != 1:
            continue
        purpose, notice = terms[form.saying]
        anchor = min(one.fragment for one in mine)
        words.append(_word(form.saying, Scope.CONTACT, anchor, contact, purpose, notice))
        locked.add(mine[0].profile)
    ports.identity.lock(sorted(locked), work=work)
    recorded = ports.ledger.record(words, work=work)
    ports.audit.record(
        AuditEntry(
            action=f"{work.actor.kind}:consent:record-forms",
            outcome="ok",
            detail={"forms": len(forms), "recorded": len(recorded)},
        ),
        work=work,
    )
    return recorded


def holders(contacts: Sequence[ContactId], *, work: Work, ports: Ports) -> dict[ContactId, list[Holder]]:
    """Who verifiably goes by each of `contacts` (addresses and phones), in one query."""
    known = ports.identity.contacts()
    rows = work.session.execute(
        select(known.c.contact_id, known.c.profile_id, known.c.fragment_id).where(
            known.c.contact_id == func.any(bindparam("contacts", list(contacts), unique=True))
        )
    )
    held: dict[ContactId, list[Holder]] = {}
    for contact, profile, fragment in rows:
        held.setdefault(contact, []).append(Holder(profile=profile, fragment=fragment))
    return held


def _terms(saying: Saying, *, work: Work, ports: Ports) -> tuple[PurposeId, NoticeId | None]:
    """The ids of a saying's purpose and of the notice version that was seen.

    Raises `UnknownPurpose`, `UnknownNotice`, `NoticeNotShownYet`.
    """
    purpose = ports.ledger.purposes(work=work).get(saying.purpose)
    if purpose is None:
        raise UnknownPurpose(field="purpose")
    if saying.notice is None:
        return purpose, None
    seen = ports.ledger.notices(work=work).seen(saying.notice, saying.asserted_at or work.now)
    return purpose, seen.id


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
    # Whoever comes back after an erasure gets a new contact: a word at the old one binds nobody.
    if not holders and contact is not None and not ports.identity.knows(contact, work=work):
        raise ForgottenContact
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
    purpose, notice = _terms(saying, work=work, ports=ports)
    words = []
    anchor = bound.anchors[0] if bound.anchors else None
    if bound.contact is not None:
        words.append(_word(saying, Scope.CONTACT, anchor, bound.contact, purpose, notice))
    if anchor is not None and (bound.contact is None or saying.state in NEGATIVE):
        words.append(_word(saying, Scope.PERSON, anchor, None, purpose, notice))
    return words


def _word(
    saying: Saying,
    scope: Scope,
    anchor: FragmentId | None,
    contact: ContactId | None,
    purpose: PurposeId,
    notice: NoticeId | None,
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
        received_at=None,  # the database's clock, once the person's root is locked
        asserted_at=saying.asserted_at,
        notice=notice,
        explicit=saying.explicit,
        guardian=saying.guardian,
    )
