"""What identity offers: fragments, contacts, people, and pointers to golden values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import FromClause

from cdp.kernel.errors import Conflict, NotFound
from cdp.ports.governance_ports import BlindIndex
from cdp.vocabulary import (
    ContactId,
    FragmentId,
    Identifier,
    Position,
    ProfileId,
    SourceId,
    Trust,
)
from cdp.work import Work


class NoSuchFragment(NotFound):
    """There is no such fragment, or it has been erased."""


class OneFragment(Conflict):
    """Both are the same fragment, and a fragment is never split."""


class Category(NamedTuple):
    """What a consent category of a source means: a purpose, how people are reached, what they were shown."""

    purpose: str
    channel: str | None = None  # None: whichever
    notice: str | None = None  # `monthly` or `monthly@2`; without one a yes is no grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where data comes from."""

    id: SourceId
    name: str
    priority: int
    authoritative: bool
    obtained: str
    controller_id: UUID
    categories: Mapping[str, Category]


class Claim(NamedTuple):
    """That a fragment goes by an identifier, and how far that is believed.

    Without `joins` it is reached by it, and is nobody else for it: a mailbox of a role.
    """

    identifier: Identifier
    trust: Trust
    evidence: str
    joins: bool = True


class Evidence(NamedTuple):
    """One accepted message, for identity: whose it is and what else it names."""

    position: Position
    received_at: datetime
    source: Source
    own: Identifier  # the fragment it belongs to is (source, own)
    own_trust: Trust  # VERIFIED, or ASSERTED from a public key
    claims: Sequence[Claim] = ()
    mentions: Sequence[Identifier] = ()  # to be known as contacts, but claimed by nobody
    own_joins: bool = True  # as a claim's


@dataclass(slots=True, kw_only=True)
class Recognised:
    """Blind indexes of identifiers, by every key in use, and the contacts of those that are known.

    Looked up before anybody is locked: `place` believes it once, and looks again if it was overtaken.
    """

    indexes: Mapping[Identifier, Sequence[BlindIndex]]
    contacts: Mapping[Identifier, ContactId]


class Placed(NamedTuple):
    """Where a message landed. `contacts` maps each identifier of the evidence to its contact."""

    fragment: FragmentId
    contacts: Mapping[Identifier, ContactId]
    erased: bool = False  # it names somebody who was erased after it was accepted: drop it
    new_contacts: frozenset[ContactId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a source says of a person: sealed already, with the traits that it holds."""

    id: UUID
    fragment: FragmentId
    source: Source
    kind: Literal["record", "traits"]
    trust: Trust
    position: Position
    received_at: datetime
    traits: Sequence[int]
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenValue:
    """A pointer to the statement whose value wins for a trait, with its lineage."""

    profile: ProfileId
    trait: int
    rank: int
    statement: UUID
    fragment: FragmentId
    source: SourceId
    received_at: datetime
    trust: Trust
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a batch landed: one `Placed` for each evidence, in its order."""

    placed: Sequence[Placed]
    regrouped: frozenset[ProfileId]  # roots, old and new, of every fragment whose component changed
    # What fragments verifiably go by from this batch on; `keep_addresses` has none of it yet.
    claimed: Mapping[tuple[FragmentId, ContactId], Identifier]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStatement:
    """A statement as it is kept."""

    id: UUID
    fragment: FragmentId
    source: SourceId
    kind: str
    trust: Trust
    received_at: datetime
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, order=True)
class Claimed:
    """That a fragment goes by a contact, of a namespace; never its value."""

    fragment: FragmentId
    contact: ContactId
    namespace: str


class Identity(Protocol):
    """Fragments, contacts, components, golden pointers."""

    def recognise(self, evidence: Sequence[Evidence], *, work: Work) -> Recognised:
        """Look up what a batch names, for `place` in the same Work. Locks and writes nothing."""
        ...

    def place(
        self, evidence: Sequence[Evidence], *, work: Work, recognised: Recognised | None = None
    ) -> Placement:
        """Record the claims of a batch, lock the touched roots, join components anew.

        `recognised` is what was looked up for this batch, or for a larger one.
        Golden pointers of regrouped profiles are made anew too. Locks are kept until the
        Work ends.
        """
        ...

    def state(self, statements: Sequence[Statement], *, work: Work) -> None:
        """Append statements and point the touched profiles' golden values anew."""
        ...

    def addresses(
        self, pairs: Sequence[tuple[FragmentId, ContactId]], *, work: Work
    ) -> dict[tuple[FragmentId, ContactId], bytes]:
        """The sealed addresses (bundles labelled `address`) of those pairs that have one."""
        ...

    def keep_addresses(self, sealed: Mapping[tuple[FragmentId, ContactId], bytes], *, work: Work) -> None:
        """Keep addresses that are not kept yet."""
        ...

    def touched(self, fragments: Sequence[FragmentId], *, work: Work) -> list[ProfileId]:
        """The profiles of `fragments`, those they lend behaviour to included."""
        ...

    def contacts(self) -> FromClause:
        """(workspace_id, profile_id, core_id, contact_id, namespace, fragment_id), verified only."""
        ...

    def members(self) -> FromClause:
        """(workspace_id, fragment_id, core_id, profile_id, lends_to, one_person)."""
        ...

    def contact_of(self, identifier: Identifier, *, work: Work) -> ContactId | None:
        """The contact of a normalised identifier, by every version of the index."""
        ...

    def contacts_of(self, identifiers: Sequence[Identifier], *, work: Work) -> Mapping[Identifier, ContactId]:
        """The contacts of those normalised identifiers that are known, in one query."""
        ...

    def made_by_now(self, identifiers: Sequence[Identifier], *, patience: timedelta, work: Work) -> bool:
        """Whether nobody who is making a contact of these is still at it, after at most `patience`.

        True: what a later statement does not find is not there, and whoever makes it begins after this.
        """
        ...

    def known_by(self, contacts: Sequence[ContactId], *, work: Work) -> list[FragmentId]:
        """The fragments that some source knows by one of these contacts and that are joined to nobody."""
        ...

    def named_by_nobody_else(self, fragments: Sequence[FragmentId], *, work: Work) -> list[ContactId]:
        """The contacts that `fragments` claim, on whatever evidence, and no other fragment does."""
        ...

    def lock_own(
        self, keys: Sequence[tuple[SourceId, ContactId]], *, work: Work
    ) -> Mapping[tuple[SourceId, ContactId], FragmentId]:
        """The fragment of each source's own identifier, where there is one; locked until the Work ends."""
        ...

    def knows(self, contact: ContactId, *, work: Work) -> bool:
        """Whether there is such a contact; False: there never was, or it was erased."""
        ...

    def known_as(self, contacts: Sequence[ContactId], *, work: Work) -> Mapping[ContactId, ProfileId]:
        """The profiles of the fragments that some source knows under one of these identifiers."""
        ...

    def namespaces(self, *, work: Work) -> Sequence[str]:
        """The namespaces of the identifiers by which sources know people."""
        ...

    def profiles_of(self, contact: ContactId, *, work: Work) -> list[ProfileId]:
        """Who goes by a contact on verified evidence."""
        ...

    def resolve(self, fragment: UUID, *, work: Work) -> ProfileId | None:
        """The profile that a fragment id belongs to now; None: unknown or erased."""
        ...

    def is_one_person(self, profile: ProfileId, *, work: Work) -> bool:
        """Whether what a profile's id stands for may be shown and erased as one person's."""
        ...

    def quarantined(self, *, work: Work) -> list[tuple[FragmentId, SourceId, str, str, int]]:
        """(fragment, source, namespace, why, contacts that it names) of all that may not link."""
        ...

    def fragments_of(self, profile: ProfileId, *, core_only: bool, work: Work) -> list[FragmentId]:
        """The fragments of a profile, by id; `core_only`: those on verified links."""
        ...

    def lock(self, profiles: Sequence[ProfileId], *, work: Work) -> None:
        """Lock the root rows FOR UPDATE in id order until the Work ends."""
        ...

    def golden(
        self, profiles: Sequence[ProfileId], traits: Sequence[int], *, work: Work
    ) -> list[GoldenValue]:
        """The winning statements of `traits` (all if empty) for `profiles`, up to three a trait."""
        ...

    def winners(
        self, profiles: Sequence[ProfileId], traits: Sequence[int], *, work: Work
    ) -> list[tuple[ProfileId, int, UUID]]:
        """(profile, trait, statement) of the best statement of each of `traits`, without its content."""
        ...

    def statements(self, fragments: Sequence[FragmentId], *, work: Work) -> list[StoredStatement]:
        """All statements of `fragments`, oldest first (for access requests)."""
        ...

    def said(self, statements: Sequence[UUID], *, work: Work) -> list[StoredStatement]:
        """Those of the statements with these ids that are there."""
        ...

    def goes_by(
        self, fragments: Sequence[FragmentId], *, work: Work, verified: bool = False, retracted: bool = False
    ) -> dict[ContactId, tuple[str, bool]]:
        """The contacts that `fragments` claim (`verified`: verifiably): namespace, and if no other does."""
        ...

    def claims_of(self, fragments: Sequence[FragmentId], *, work: Work) -> list[Claimed]:
        """Which contacts each of `fragments` goes by, in order, in one query."""
        ...

    def sources_of(self, fragments: Sequence[FragmentId], *, work: Work) -> Mapping[FragmentId, SourceId]:
        """The source of each of `fragments` that is there."""
        ...

    def beside(self, fragments: Sequence[FragmentId], *, work: Work) -> list[FragmentId]:
        """Other fragments that forgetting `fragments` can regroup: `touched` of them, before and after."""
        ...

    def separate(self, a: FragmentId, b: FragmentId, *, work: Work) -> frozenset[ProfileId]:
        """Un-merge: these two fragments are never the same person; the regrouped profiles.

        Raises `NotFound` for an unknown fragment.
        """
        ...

    def join(self, a: FragmentId, b: FragmentId, *, work: Work) -> frozenset[ProfileId]:
        """A steward's word that these two are one person; the regrouped profiles.

        Raises `NotFound` for an unknown fragment, `Conflict` where they are kept apart or quarantined.
        """
        ...

    def waive(self, one: FragmentId, *, work: Work) -> frozenset[ProfileId]:
        """A steward's word that a quarantined fragment is one person's; the regrouped profiles.

        One that is quarantined for what is joined to it is released with all of that. Raises `NotFound`
        for an unknown fragment, `Conflict` if it is not quarantined.
        """
        ...

    def rejoin(self, a: FragmentId, b: FragmentId, *, work: Work) -> frozenset[ProfileId]:
        """Take a `separate` of these two back: evidence decides again; the regrouped profiles.

        Raises `NotFound` for an unknown fragment, `Conflict` where no steward separated them,
        or an erasure did.
        """
        ...
