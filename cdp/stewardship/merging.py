"""Un-merge and its undoing: who is affected, the decision, and the wait until it holds.

A steward's decision narrows: a grant of one of the two reaches the other no more. So, as for
every narrowing, it is acknowledged once no release that names either can still be sent.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cdp.acting import Doing, acting
from cdp.acts import Act
from cdp.people import profiles
from cdp.permission import consents
from cdp.ports import NoSuchFragment, OneFragment, Ports
from cdp.registers import source_rows
from cdp.rereading import until_still
from cdp.vocabulary import ContactId, FragmentId, ProfileId
from cdp.work import Work

Opener = Callable[[], AbstractContextManager[Work]]


class Evidence(StrEnum):
    """Why two are one person: a word, for what a steward would write could name the person."""

    DUPLICATE = "duplicate"  # one source has the person twice
    PROOF = "proof"  # the person, or a source, proved that both are theirs


class Reason(StrEnum):
    """Why a separation is taken back: a word, for what a steward would write could name the person."""

    MISTAKE = "mistake"  # the separation was one
    PROOF = "proof"  # the person, or a source, proved that both are theirs


class OnePerson(StrEnum):
    """Why what is quarantined is one person's: a word, for what a steward would write could name them."""

    CHECKED = "checked"  # the source was asked: they are one person's contacts
    PROOF = "proof"  # the person proved that they are theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """Whom a separation touches: the profiles that the two belong to now, and what they hold.

    `together`: the two are one profile today. `shared` counts the contacts that both go by.
    """

    together: bool
    profiles: Sequence[ProfileId]
    fragments: Sequence[FragmentId]
    contacts: Sequence[ContactId]
    shared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Separated:
    """The two are apart and stay so; nothing that was on its way can still be sent."""

    before: Affected
    profiles: Sequence[ProfileId]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A fragment that may not link, and why: `contact_limit` or `component_limit`; never a value."""

    fragment: FragmentId
    source: str
    namespace: str
    why: str
    contacts: int


def quarantined(*, work: Work, ports: Ports) -> list[Quarantined]:
    """All that is quarantined, with counts; and an audit entry. Raises `ActNotAllowed`."""
    with acting(Act.IDENTITY_QUARANTINED, work=work, ports=ports) as doing:
        names = {source.id: source.name for source in source_rows.every(work=work).values()}
        found = [
            Quarantined(
                fragment=one, source=names.get(source, "?"), namespace=namespace, why=why, contacts=contacts
            )
            for one, source, namespace, why, contacts in ports.identity.quarantined(work=work)
        ]
        doing.tell(fragments=len(found))
        return found


def waive(
    one: FragmentId, *, reason: OnePerson, begin: Opener, ports: Ports, patience: timedelta
) -> Separated:
    """Release what is quarantined: it is one person's. Its contacts join again, or what hangs together does.

    A merge narrows: the stricter word of those who become one holds for all. So it is acknowledged as
    a separation is. Raises `ActNotAllowed`, `NotFound`, `Conflict` if it is not quarantined, and
    `consents.NotYetEffective`.
    """
    with begin() as work, acting(Act.IDENTITY_WAIVE, work=work, ports=ports) as doing:
        regrouped = ports.identity.waive(one, work=work)
        now = _derived(doing, one, one, regrouped, reason=reason)
        after = _of(sorted({*now, *regrouped}), work=work, ports=ports)
        at = work.now
    consents.drain(after.fragments, after.contacts, begin=begin, ports=ports, patience=patience)
    return Separated(before=after, profiles=list(now), at=at)


def affected(a: FragmentId, b: FragmentId, *, work: Work, ports: Ports) -> Affected:
    """The dry run. Raises `ActNotAllowed`, `NoSuchFragment`, `OneFragment`."""
    verb = "foresee-separation"
    with acting(Act.IDENTITY_SEPARATE, verb=verb, work=work, ports=ports) as doing:

        def look() -> Affected:
            found = _affected(a, b, work=work, ports=ports)
            doing.tell(references=_references(a, b, work=work, ports=ports))
            return found

        return until_still(look)


def _affected(a: FragmentId, b: FragmentId, *, work: Work, ports: Ports) -> Affected:
    if a == b:
        raise OneFragment
    roots = [ports.identity.resolve(one, work=work) for one in (a, b)]
    found = [root for root in roots if root is not None]
    if len(found) < len(roots):
        raise NoSuchFragment
    of_a, of_b = (set(ports.identity.goes_by([one], work=work)) for one in (a, b))
    return _of(sorted(set(found)), shared=len(of_a & of_b), work=work, ports=ports)


def _of(profiles_now: Sequence[ProfileId], *, shared: int = 0, work: Work, ports: Ports) -> Affected:
    fragments = sorted(
        {
            one
            for root in profiles_now
            for one in ports.identity.fragments_of(root, core_only=False, work=work)
        }
    )
    return Affected(
        together=len(profiles_now) == 1,
        profiles=profiles_now,
        fragments=fragments,
        contacts=sorted(ports.identity.goes_by(fragments, work=work)),
        shared=shared,
    )


def separate(a: FragmentId, b: FragmentId, *, begin: Opener, ports: Ports, patience: timedelta) -> Separated:
    """Say that these two fragments are never the same person; returns once that holds.

    `patience` bounds the wait for running releases. Raises what `affected` raises, and
    `consents.NotYetEffective`.
    """
    act = Act.IDENTITY_SEPARATE
    return _decide(act, ports.identity.separate, a, b, begin=begin, ports=ports, patience=patience)


def join(
    a: FragmentId, b: FragmentId, *, reason: Evidence, begin: Opener, ports: Ports, patience: timedelta
) -> Separated:
    """Say that these two are one person; `separate` undoes it. The stricter word holds for both.

    Raises `ActNotAllowed`, `NoSuchFragment`, `OneFragment`, `Conflict` where they are kept apart or
    one is quarantined, and `consents.NotYetEffective`.
    """
    act = Act.IDENTITY_JOIN
    return _decide(act, ports.identity.join, a, b, begin=begin, ports=ports, patience=patience, reason=reason)


def rejoin(
    a: FragmentId, b: FragmentId, *, reason: Reason, begin: Opener, ports: Ports, patience: timedelta
) -> Separated:
    """Take a steward's separation of these two back; evidence decides again whether they are one.

    A merge narrows: the stricter word of the two holds for both. So it is acknowledged as a
    separation is. Raises `ActNotAllowed`, `NoSuchFragment`, `Conflict` where no steward
    separated them, and `consents.NotYetEffective`.
    """
    act = Act.IDENTITY_REJOIN
    return _decide(
        act, ports.identity.rejoin, a, b, begin=begin, ports=ports, patience=patience, reason=reason
    )


def _decide(
    act: Act,
    change: Callable[..., frozenset[ProfileId]],
    a: FragmentId,
    b: FragmentId,
    *,
    begin: Opener,
    ports: Ports,
    patience: timedelta,
    reason: str | None = None,
) -> Separated:
    """Decide on two fragments under the lock of whom they belong to; returns once that holds."""
    with begin() as work, acting(act, work=work, ports=ports) as doing:
        before = _affected(a, b, work=work, ports=ports)
        ports.identity.lock(before.profiles, work=work)
        # Read again under the lock: a merge may have come in between.
        before = _affected(a, b, work=work, ports=ports)
        regrouped = change(a, b, work=work)
        now = _derived(doing, a, b, regrouped, reason=reason)
        at = work.now
    consents.drain(before.fragments, before.contacts, begin=begin, ports=ports, patience=patience)
    return Separated(before=before, profiles=list(now), at=at)


def _derived(
    doing: Doing, a: FragmentId, b: FragmentId, regrouped: frozenset[ProfileId], *, reason: str | None
) -> Sequence[ProfileId]:
    """What follows: facts, words and keys stay with their fragments, the rest is derived anew."""
    work, ports = doing.work, doing.ports
    profiles.refresh(regrouped, work=work, ports=ports)
    doing.tell(
        references=_references(a, b, work=work, ports=ports), profiles=sorted(regrouped), reason=reason
    )
    return sorted({root for one in (a, b) if (root := ports.identity.resolve(one, work=work)) is not None})


def _references(a: FragmentId, b: FragmentId, *, work: Work, ports: Ports) -> list[bytes]:
    both = sorted({a, b})
    keys = ports.vault.keys(both, work=work)
    return [keys.reference(one) for one in both]
