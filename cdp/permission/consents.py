"""Say yes, say no: words of consent given through an interface, and when they count.

A negative word is acknowledged only after every release that might still send has sent or
given up: the journal line is fsynced, the words commit, then the open intents that name the
person are waited for. A grant needs an act with evidence; what the ledger makes of it is
told, so that a refused re-grant is not mistaken for a success. A no about an address that
nobody is known by, or that went with an erasure, is kept as a suppression and binds whoever comes.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic, sleep
from uuid import UUID

from sqlalchemy.exc import InterfaceError, OperationalError

from cdp.acting import acting
from cdp.acts import Act
from cdp.kernel.errors import REFUSED, BadInput, Unavailable
from cdp.permission.binding import About, Bound, NobodyThere, NotTheirContact, WhoseGrant, bind
from cdp.ports import AssertedInFuture, NoAt, NoticeVersion, Ports, Recorded, Word
from cdp.registers import purpose_names
from cdp.rereading import until_still
from cdp.vocabulary import (
    NEGATIVE,
    REACHES,
    Channel,
    ContactId,
    FragmentId,
    Identifier,
    NoticeId,
    PurposeId,
    RecipientId,
    Scope,
    State,
    Trust,
)
from cdp.work import Work

Opener = Callable[[], AbstractContextManager[Work]]
POLL = 0.01


class WrongChannel(BadInput):
    """That channel does not reach this kind of contact, so nobody can agree to it there."""


class NotYetEffective(Unavailable):
    """What was said is stored and binds, but a release or a write that was under way has not ended in time.

    A release can send for a few seconds more. A word that is said again is acknowledged once it has ended.
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
    """The word holds: from `at` on, nothing is sent against it.

    `suppressed`: nobody goes by the contact now, so the no is kept for whoever comes with it, beside what
    it binds of who speaks. `noted`: what could not be read or believed of a no, which was heard for the rest.
    """

    entries: Sequence[Recorded]
    at: datetime
    suppressed: bool = False
    noted: Sequence[str] = ()


def say(saying: Saying, about: About, *, begin: Opener, ports: Ports, patience: timedelta) -> Acknowledged:
    """Record one saying and return once it holds.

    `patience` bounds the wait for running releases, and for whoever makes the contact known just
    now. Raises `NobodyThere`, `WhoseGrant`, `NotTheirContact`, `WrongChannel`, `UnknownPurpose`,
    `ActNotAllowed`, `NotYetEffective` and what the ledger refuses.
    """
    until = monotonic() + patience.total_seconds()
    done, bound = until_still(lambda: _record(saying, about, begin=begin, ports=ports))
    if bound.to_keep:
        former = [bound.former] if bound.former is not None else []
        unknown = [bound.unknown] if bound.unknown is not None else []
        wait_for_makers(unknown, former, begin=begin, ports=ports, until=until)
        # Who became known while this was written may have missed it; from now on nobody does.
        done, bound = _record_again(done, bound, saying, about, begin=begin, ports=ports)
    if saying.state in NEGATIVE:
        contacts = [bound.contact] if bound.contact else []
        left = timedelta(seconds=max(0.0, until - monotonic()))
        drain(bound.fragments, contacts, begin=begin, ports=ports, patience=left)
    return done


def still(entries: Collection[UUID], *, begin: Opener, ports: Ports) -> dict[UUID, Recorded]:
    """What became of words that were said before, as it is now; one that was erased is not there."""
    with begin() as work:
        return {one.entry: one for one in ports.ledger.standing(entries, work=work)}


def reaches(contact: ContactId, *, work: Work, ports: Ports) -> bool:
    """Whether a no at a contact can bind anybody: it is known, or was erased and is remembered."""
    known = ports.identity.knows(contact, work=work) or ports.identity.profiles_of(contact, work=work)
    return bool(known) or ports.ledger.remembered(contact, work=work) is not None


def of_nobody(saying: Saying, about: About, *, begin: Opener, ports: Ports) -> Acknowledged:
    """What `say` answers if nobody goes by what `about` names: a no at a contact is kept for later.

    Raises `NobodyThere` for every other word, and what `terms_of` does. Nothing is written.
    """
    with begin() as work:
        saying, noted = _believed(saying, work=work, ports=ports)
        purpose, _ = terms_of(saying, work=work, ports=ports)
        if saying.state in NEGATIVE:
            about = about.heard
        if about.profile is not None or about.person is not None:
            noted.append("speaker_unknown")
        bound = Bound(contact=None, holders=(), fragments=(), anchors=(), unknown=about.identifier)
        _refuse_nonsense(saying, bound, about, purpose, work=work, ports=ports)
        return Acknowledged(entries=(), at=work.now, suppressed=True, noted=sorted(noted))


def _record(
    saying: Saying, about: About, *, begin: Opener, ports: Ports, before: Bound | None = None
) -> tuple[Acknowledged, Bound]:
    """Record a saying; a no for who is not there is kept. `before`: what it bound when that was done."""
    with begin() as work, acting(Act.CONSENT_SAY, verb=saying.state, work=work, ports=ports) as doing:
        saying, noted = _believed(saying, work=work, ports=ports)
        purpose, notice = terms_of(saying, work=work, ports=ports)
        bound = bind(about, hears=saying.state in NEGATIVE, work=work, ports=ports)
        _refuse_nonsense(saying, bound, about, purpose, work=work, ports=ports)
        # People first, in the order of erasures and lists: else each could wait for the other.
        ports.identity.lock(bound.holders, work=work)
        if before is None and bound.to_keep:
            _keep(saying, bound, purpose, work=work, ports=ports)
        words = _words(saying, bound, purpose, notice, work=work, ports=ports)
        if before is not None and before.speaking:
            words = [one for one in words if one.scope is not Scope.PERSON]
        is_ = about.heard.identifier or about.otherwise
        known = {bound.contact: is_} if bound.contact and is_ else {}
        recorded = ports.ledger.record(words, work=work, identifiers=known)
        keys = ports.vault.keys(bound.speaking, work=work)
        doing.tell(
            outcome="" if all(one.counted for one in recorded) else REFUSED,
            purpose=saying.purpose,
            references=[keys.reference(fragment) for fragment in bound.speaking],
            notice=notice.id if notice else None,
            entries=[one.entry for one in recorded],
            refused_by=[one.covered_by for one in recorded if one.covered_by],
            kept_for_later="yes" if bound.to_keep else "no",
        )
        return Acknowledged(
            entries=recorded,
            at=work.now,
            suppressed=bound.to_keep and bound.contact is None,
            noted=sorted([*noted, *bound.noted]),
        ), bound


def _record_again(
    done: Acknowledged, before: Bound, saying: Saying, about: About, *, begin: Opener, ports: Ports
) -> tuple[Acknowledged, Bound]:
    """Bind the contact if it has come since a no was kept; what was done then stands."""
    with begin() as work:
        bound = bind(about, hears=saying.state in NEGATIVE, work=work, ports=ports)
    if bound.contact in (None, before.contact):
        return done, bound
    again, bound = _record(saying, about, begin=begin, ports=ports, before=before)
    return replace(again, entries=[*again.entries, *done.entries]), bound


def wait_for_makers(
    unknown: Sequence[Identifier],
    former: Sequence[ContactId],
    *,
    begin: Opener,
    ports: Ports,
    until: float,
) -> None:
    """Wait for whoever is making one of these contacts and may have looked before a no was there.

    For nobody else: neither for who makes another contact, nor for another tenant (ADR-0051). The no has
    to be committed. Raises `NotYetEffective`.
    """

    def left() -> timedelta:
        return timedelta(seconds=max(0.0, until - monotonic()))

    while True:
        with begin() as work:
            made = not unknown or ports.identity.made_by_now(unknown, patience=left(), work=work)
            if made and all(ports.ledger.come_back_by_now(one, patience=left(), work=work) for one in former):
                return
        if monotonic() > until:
            raise NotYetEffective
        sleep(POLL)


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


def terms_of(saying: Saying, *, work: Work, ports: Ports) -> tuple[PurposeId, NoticeVersion | None]:
    """A saying's purpose and the notice version that was seen, before anybody is looked up.

    Raises `AssertedInFuture`, `UnknownPurpose`, `UnknownNotice`, `NoticeNotShownYet`.
    """
    purpose = purpose_names.named(saying.purpose, work=work, ports=ports)
    if saying.asserted_at is not None and saying.asserted_at > work.now:
        raise AssertedInFuture(field="asserted_at")
    if saying.notice is None:
        return purpose, None
    return purpose, ports.ledger.notices(work=work).seen(saying.notice, saying.asserted_at or work.now)


def _believed(saying: Saying, *, work: Work, ports: Ports) -> tuple[Saying, list[str]]:
    """A no without what cannot be believed of it, and what that was; any other word as it is."""
    noted: list[str] = []
    if saying.state not in NEGATIVE:
        return saying, noted
    if saying.asserted_at is not None and saying.asserted_at > work.now:
        noted.append("asserted_ahead")
        saying = replace(saying, asserted_at=None)
    if saying.notice is not None:
        at = saying.asserted_at or work.now
        if ports.ledger.notices(work=work).find(saying.notice, at) is None:
            noted.append("notice_unknown")
            saying = replace(saying, notice=None)
    return saying, noted


def _refuse_nonsense(
    saying: Saying, bound: Bound, about: About, purpose: PurposeId, *, work: Work, ports: Ports
) -> None:
    """Refuse what can be nobody's word. A no is refused only where there is nobody whom it could bind."""
    names = ports.ledger.purposes(work=work)
    if saying.state in NEGATIVE:
        kept = bound.former is not None or (
            bound.unknown is not None
            and bound.unknown.namespace in REACHES.values()
            and purpose not in _standing(names)
        )
        if not (bound.there or kept):
            raise NobodyThere
        return
    if not bound.holders:
        raise NobodyThere
    if bound.contact is not None and not bound.anchors:
        raise WhoseGrant(field="contact")
    if bound.unknown is not None:
        raise NotTheirContact(field="contact")
    if purpose not in ports.ledger.needs_contact(work=work):
        return
    if bound.contact is not None and bound.contact not in ports.identity.goes_by(
        bound.anchors, work=work, verified=True
    ):
        raise NotTheirContact(field="contact")
    reached = REACHES.get(saying.channel) if saying.channel else None
    if saying.channel and about.identifier and about.identifier.namespace != reached:
        raise WrongChannel(field="channel")


def _standing(names: Mapping[str, PurposeId]) -> frozenset[PurposeId]:
    """Restriction and death: a person's, never an address's, and lifted wherever they were said."""
    return frozenset(names[one] for one in ("restriction", "deceased") if one in names)


def _keep(saying: Saying, bound: Bound, purpose: PurposeId, *, work: Work, ports: Ports) -> None:
    """Keep a no for who is not there, as an HMAC."""
    if bound.former is not None:
        ports.ledger.refuse_former(bound.former, purpose, saying.channel, saying.state, work=work)
    if bound.unknown is not None:
        ports.ledger.refuse([NoAt(bound.unknown, purpose, saying.channel, saying.state)], work=work)


def _words(
    saying: Saying,
    bound: Bound,
    purpose: PurposeId,
    notice: NoticeVersion | None,
    *,
    work: Work,
    ports: Ports,
) -> list[Word]:
    """A word at the contact, or at the person whom it names; a no at both."""
    refuses = saying.state in NEGATIVE
    at_contact = purpose in ports.ledger.needs_contact(work=work)
    both = refuses or purpose in _standing(ports.ledger.purposes(work=work))
    seen = notice.id if notice else None
    words = []
    anchor = bound.anchors[0] if bound.anchors else None
    if bound.contact is not None and (at_contact or both):
        words.append(word_of(saying, Scope.CONTACT, anchor, bound.contact, purpose, seen))
    if bound.contact is None or not at_contact or both:
        words += [word_of(saying, Scope.PERSON, one, None, purpose, seen) for one in bound.speaking]
    return words


def word_of(
    saying: Saying,
    scope: Scope,
    anchor: FragmentId | None,
    contact: ContactId | None,
    purpose: PurposeId,
    notice: NoticeId | None,
) -> Word:
    """A saying as a word of the ledger's."""
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
