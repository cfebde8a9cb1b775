"""Whom a word binds: the contact that is meant now, the people who go by it, and the one who speaks.

A contact that went with an erasure is found again by what is remembered of it; one that nobody
goes by is known by its identifier alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from cdp.kernel.errors import BadInput, NotFound
from cdp.ports import Ports
from cdp.vocabulary import ContactId, FragmentId, Identifier, ProfileId
from cdp.work import Work


class NobodyThere(NotFound):
    """Nobody of whom you may know verifiably goes by that contact or profile; only a no is kept for later."""


class ForgottenContact(NobodyThere):
    """This address is no longer known here, so nothing is sent to it and nothing was changed."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Whom a word binds: the contact, if one is named, the people who hold it, and who speaks."""

    contact: ContactId | None
    holders: Sequence[ProfileId]
    fragments: Sequence[FragmentId]  # of all holders
    anchors: Sequence[FragmentId]  # of the one who speaks, if that is known
    former: ContactId | None = None  # erased since; `contact` is then what it is now, if it came back
    unknown: Identifier | None = None  # nobody goes by it

    @property
    def there(self) -> bool:
        """Whether there is a contact or somebody to be bound."""
        return self.contact is not None or bool(self.anchors)

    @property
    def to_keep(self) -> bool:
        """Whether a no must be kept for who is not there, beside what it binds now."""
        return self.former is not None or self.unknown is not None


def bind(about: About, *, work: Work, ports: Ports) -> Bound:
    """Find whom `about` means. Raises `NobodyThere`, `ForgottenContact`, `WhoseGrant`."""
    contact, former, unknown = _contact(about, work=work, ports=ports)
    holding = ports.identity.profiles_of(contact, work=work) if contact is not None else []
    speaker = _speaker(about, work=work, ports=ports)
    if speaker is None and len(holding) == 1:
        speaker = holding[0]
    people = sorted({*holding, speaker} if speaker is not None else set(holding))
    held = {one: ports.identity.fragments_of(one, core_only=False, work=work) for one in people}
    anchors = _claiming(held[speaker], contact, work=work, ports=ports) if speaker is not None else []
    return Bound(
        contact=contact,
        holders=people,
        fragments=sorted({fragment for fragments in held.values() for fragment in fragments}),
        anchors=anchors,
        former=former,
        unknown=unknown,
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


def _speaker(about: About, *, work: Work, ports: Ports) -> ProfileId | None:
    """The person who speaks, where they are named. Raises `NobodyThere`, `WhoseGrant`."""
    if about.profile is not None:
        root = ports.identity.resolve(about.profile, work=work)
        if root is None:
            raise NobodyThere
        return root
    if about.person is None:
        return None
    named = ports.identity.contact_of(about.person, work=work)
    known = ports.identity.profiles_of(named, work=work) if named is not None else []
    if not known:
        raise NobodyThere
    if len(known) > 1:
        raise WhoseGrant(field="person")
    return known[0]


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
