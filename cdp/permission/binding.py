"""Whom a word binds: the contact that is meant now, the people who go by it, and the one who speaks.

A contact that went with an erasure is found again by what is remembered of it; one that nobody
goes by is known by its identifier alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import bindparam, func, select

from cdp.kernel.errors import BadInput, NotFound
from cdp.ports import Ports
from cdp.vocabulary import REACHES, ContactId, FragmentId, Identifier, ProfileId
from cdp.work import Work


class NobodyThere(NotFound):
    """Nobody of whom you may know verifiably goes by that contact or profile; only a no is kept for later."""


class ForgottenContact(NobodyThere):
    """This address is no longer known here, so nothing is sent to it and nothing was changed."""


class UnusableContact(NobodyThere):
    """What is named as the contact is none that could be anybody's, and nobody else is named."""


class WhoseGrant(BadInput):
    """Several people share this contact, and a grant is one person's: say who gives it."""


class NotTheirContact(BadInput):
    """Whoever is said to give this does not verifiably go by that contact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Of whom something is said: of a contact, of a person, or of a contact by one of its holders."""

    contact: ContactId | None = None
    identifier: Identifier | None = None  # the contact by its normalised value
    profile: UUID | None = None
    person: Identifier | None = None  # the person as a source knows them
    otherwise: Identifier | None = None  # what the contact is, should nobody know its id any more

    @property
    def heard(self) -> "About":
        """Of whom a no is: a person who is named by an address alone says it there, whoever goes by it."""
        named = self.contact or self.identifier or self.profile
        if named is None and self.person is not None and self.person.namespace in REACHES.values():
            return replace(self, identifier=self.person, person=None)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Whom a word binds: the contact, if one is named, the people who hold it, and who speaks."""

    contact: ContactId | None
    holders: Sequence[ProfileId]
    fragments: Sequence[FragmentId]  # of all holders
    anchors: Sequence[FragmentId]  # of the one who speaks, if that is known
    former: ContactId | None = None  # erased since; `contact` is then what it is now, if it came back
    unknown: Identifier | None = None  # nobody goes by it
    speaking: Sequence[FragmentId] = ()  # one of each person who may be the one who speaks
    noted: Sequence[str] = ()  # what could not be read, where a no is heard for the rest

    @property
    def there(self) -> bool:
        """Whether there is a contact or somebody to be bound."""
        return self.contact is not None or bool(self.speaking)

    @property
    def to_keep(self) -> bool:
        """Whether a no must be kept for who is not there, beside what it binds now."""
        return self.former is not None or self.unknown is not None


def bind(about: About, *, hears: bool = False, work: Work, ports: Ports) -> Bound:
    """Find whom `about` means. Raises `NobodyThere`, `ForgottenContact`, `WhoseGrant`.

    `hears`: it is a no, which binds whatever can be read: a speaker whom nobody knows counts as not
    named, and one who may be several people binds each.
    """
    about = about.heard if hears else about
    contact, former, unknown = _contact(about, work=work, ports=ports)
    holding = ports.identity.profiles_of(contact, work=work) if contact is not None else []
    named = _speakers(about, work=work, ports=ports)
    nobody = named is not None and not named
    if not hears:
        if nobody:
            raise NobodyThere
        if named is not None and len(named) > 1:
            raise WhoseGrant(field="person")
    speakers = named or (holding if len(holding) == 1 else [])
    people = sorted({*holding, *speakers})
    held = {one: ports.identity.fragments_of(one, core_only=False, work=work) for one in people}
    claiming = [_claiming(held[one], contact, work=work, ports=ports) for one in speakers]
    return Bound(
        contact=contact,
        holders=people,
        fragments=sorted({fragment for fragments in held.values() for fragment in fragments}),
        anchors=claiming[0] if len(claiming) == 1 else [],
        former=former,
        unknown=unknown,
        speaking=[one[0] for one in claiming if one],
        noted=["speaker_unknown"] if nobody else [],
    )


def _contact(
    about: About, *, work: Work, ports: Ports
) -> tuple[ContactId | None, ContactId | None, Identifier | None]:
    """The contact that is meant now, the erased one that it was, and the identifier that nobody goes by.

    Raises `ForgottenContact` for an id that never was, or of which nothing is remembered.
    """
    if about.identifier is not None:
        found = ports.identity.contact_of(about.identifier, work=work)
        return found, None, about.identifier if found is None else None
    contact = about.contact
    if contact is None or ports.identity.knows(contact, work=work):
        return contact, None, None
    # Whoever comes back after an erasure gets a new contact: an old link is about that one.
    remembered = ports.ledger.remembered(contact, work=work)
    if remembered is not None:
        return remembered.successor, contact, None
    if about.otherwise is None:
        raise ForgottenContact
    # A database that was restored from before it knew the contact knows the address by another id, or not.
    return _contact(About(identifier=about.otherwise), work=work, ports=ports)


def _speakers(about: About, *, work: Work, ports: Ports) -> Sequence[ProfileId] | None:
    """The people who may be the one who speaks; None: nobody is named."""
    if about.profile is not None:
        root = ports.identity.resolve(about.profile, work=work)
        return [root] if root is not None else []
    if about.person is None:
        return None
    named = ports.identity.contact_of(about.person, work=work)
    return ports.identity.profiles_of(named, work=work) if named is not None else []


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One person who verifiably goes by a contact."""

    profile: ProfileId
    fragment: FragmentId


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
