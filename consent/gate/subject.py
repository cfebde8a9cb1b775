"""What the gate hears of one candidate: the words that concern them, and from which side.

Pure, the reference for `heard.py`, which collects the same in SQL. Words at a contact bind
whoever holds it; a person's words bind the whole profile, but only those of the verified core
are the person's own; a device lends its opt-out of sale, and a source that is not believed in who
somebody is lends its person's no.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cdp.ports import Ground
from cdp.vocabulary import ContactId, FragmentId, ProfileId, Scope
from consent.gate.terms import Terms
from consent.ledger.kept_words import NO, Said
from consent.register.laws import Law


class Side(StrEnum):
    """Where a word stands, seen from one person at one contact."""

    CONTACT = "contact"  # at this contact, whoever holds it
    CORE = "core"  # said by a fragment that verifiably is this person's
    FAR = "far"  # by a fragment on the other side of a scored link
    LENT = "lent"  # a no by a fragment that lends its behaviour to this person


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Where a fragment belongs: a row of `Identity.members()`."""

    core: ProfileId
    profile: ProfileId
    lends_to: ProfileId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A candidate: one person at one contact."""

    profile: ProfileId
    core: ProfileId
    contact: ContactId | None
    namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A word, and what it is to one candidate."""

    word: Said
    side: Side
    here: bool  # said by a fragment of this very core
    alone: bool  # the core is nothing but the fragment that said it


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is kept in clear of a person; None is the strictest."""

    laws: Law | None = None
    age_band: int | None = None
    next_age_threshold: date | None = None
    consent_age: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Everything that the gate hears of one candidate."""

    place: Place
    heard: Sequence[Heard]
    grounds: Sequence[Ground]  # of the core's fragments
    person: Person


def gather(
    place: Place,
    *,
    terms: Terms,
    words: Iterable[Said],
    members: Mapping[FragmentId, Member],
    grounds: Iterable[Ground],
    persons: Mapping[ProfileId, Person],
) -> Subject:
    """Collect from a workspace's folded words and grounds what concerns one candidate."""
    own = {fragment for fragment, member in members.items() if member.core == place.core}
    heard = [
        Heard(
            word=word,
            side=side,
            here=word.fragment in own,
            alone=own == {word.fragment},
        )
        for word in words
        for side in _sides(word, place, terms, members)
    ]
    return Subject(
        place=place,
        heard=heard,
        grounds=[ground for ground in grounds if ground.fragment in own],
        person=persons.get(place.core, Person()),
    )


def _sides(word: Said, place: Place, terms: Terms, members: Mapping[FragmentId, Member]) -> Iterable[Side]:
    """Where a word stands for a candidate: nowhere, on one side, or lent and on one side."""
    if word.scope is Scope.CONTACT:
        if terms.at_contact and word.contact == place.contact:
            yield Side.CONTACT
        return
    member = members.get(word.fragment) if word.fragment else None
    if member is None:
        return
    sale = word.purpose == terms.sale
    if member.profile == place.profile and _device_counts(word, terms, sale=sale):
        yield Side.CORE if member.core == place.core else Side.FAR
    lent = sale if word.scope is Scope.DEVICE else True
    if member.lends_to == place.profile and lent and word.polarity == NO:
        yield Side.LENT


def _device_counts(word: Said, terms: Terms, *, sale: bool) -> bool:
    """A device's word is about its traits and about sale; it mutes nobody's mail."""
    return word.scope is Scope.PERSON or terms.channel is None or sale
