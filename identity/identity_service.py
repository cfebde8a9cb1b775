"""`ports.Identity` on the database: the functions of this package behind one object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import FromClause

from cdp.ports import Claimed, Evidence, GoldenValue, Placement, Recognised, Statement, StoredStatement, Vault
from cdp.vocabulary import ContactId, FragmentId, Identifier, ProfileId, SourceId
from cdp.work import Work
from identity import identity_erasing, queries
from identity.golden import contact_addresses, golden
from identity.resolve import placing, regrouping, unmerge, waiving
from identity.resolve.components import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityService:
    """Fragments, contacts, components, golden pointers."""

    vault: Vault
    claim_limit: int  # verified claimants above which a contact joins nobody
    component_limit: int  # fragments in one person above which they are quarantined
    contact_limit: int  # contacts of one namespace in one fragment above which it is quarantined

    @property
    def limits(self) -> Limits:
        """The limits as the grouping takes them."""
        return Limits(claims=self.claim_limit, fragments=self.component_limit, contacts=self.contact_limit)

    def recognise(self, evidence: Sequence[Evidence], *, work: Work) -> Recognised:
        """Look up what a batch names, for `place` in the same Work. Locks and writes nothing."""
        return placing.recognise(evidence, work=work, vault=self.vault)

    def place(
        self, evidence: Sequence[Evidence], *, work: Work, recognised: Recognised | None = None
    ) -> Placement:
        """Record the claims of a batch, lock the touched roots, join components anew.

        Raises `Contended`, an `Overloaded`: nothing was stored, send a smaller batch.
        """
        return placing.place(evidence, recognised, work=work, vault=self.vault, limits=self.limits)

    def state(self, statements: Sequence[Statement], *, work: Work) -> None:
        """Append statements and point the touched profiles' golden values anew."""
        golden.state(statements, work=work)

    def addresses(
        self, pairs: Sequence[tuple[FragmentId, ContactId]], *, work: Work
    ) -> dict[tuple[FragmentId, ContactId], bytes]:
        """The sealed addresses of those pairs that have one."""
        return contact_addresses.addresses(pairs, work=work)

    def keep_addresses(self, sealed: Mapping[tuple[FragmentId, ContactId], bytes], *, work: Work) -> None:
        """Keep addresses that are not kept yet."""
        contact_addresses.keep(sealed, work=work)

    def touched(self, fragments: Sequence[FragmentId], *, work: Work) -> list[ProfileId]:
        """The profiles of `fragments`, those they lend behaviour to included."""
        return queries.touched(fragments, work=work)

    def contacts(self) -> FromClause:
        """(workspace_id, profile_id, core_id, contact_id, namespace, fragment_id), verified only."""
        return queries.contacts()

    def members(self) -> FromClause:
        """(workspace_id, fragment_id, core_id, profile_id, lends_to, one_person)."""
        return queries.members()

    def contact_of(self, identifier: Identifier, *, work: Work) -> ContactId | None:
        """The contact of a normalised identifier, by every version of the index."""
        return queries.contact_of(identifier, vault=self.vault, work=work)

    def contacts_of(self, identifiers: Sequence[Identifier], *, work: Work) -> Mapping[Identifier, ContactId]:
        """The contacts of those normalised identifiers that are known, in one query."""
        return queries.contacts_of(identifiers, vault=self.vault, work=work)

    def made_by_now(self, identifiers: Sequence[Identifier], *, patience: timedelta, work: Work) -> bool:
        """Whether nobody who is making a contact of these is still at it, after at most `patience`."""
        return queries.made_by_now(identifiers, patience=patience, vault=self.vault, work=work)

    def known_by(self, contacts: Sequence[ContactId], *, work: Work) -> list[FragmentId]:
        """The fragments that some source knows by one of these contacts and that are joined to nobody."""
        return queries.known_by(contacts, work=work)

    def named_by_nobody_else(self, fragments: Sequence[FragmentId], *, work: Work) -> list[ContactId]:
        """The contacts that `fragments` claim, on whatever evidence, and no other fragment does."""
        return queries.named_by_nobody_else(fragments, work=work)

    def lock_own(
        self, keys: Sequence[tuple[SourceId, ContactId]], *, work: Work
    ) -> Mapping[tuple[SourceId, ContactId], FragmentId]:
        """The fragment of each source's own identifier, where there is one; locked until the Work ends."""
        return queries.lock_own(keys, work=work)

    def knows(self, contact: ContactId, *, work: Work) -> bool:
        """Whether there is such a contact; False: there never was, or it was erased."""
        return queries.knows(contact, work=work)

    def known_as(self, contacts: Sequence[ContactId], *, work: Work) -> dict[ContactId, ProfileId]:
        """The profiles of the fragments that some source knows under one of these identifiers."""
        return queries.known_as(contacts, work=work)

    def namespaces(self, *, work: Work) -> list[str]:
        """The namespaces of the identifiers by which sources know people."""
        return queries.namespaces(work=work)

    def profiles_of(self, contact: ContactId, *, work: Work) -> list[ProfileId]:
        """Who goes by a contact on verified evidence."""
        return queries.profiles_of(contact, work=work)

    def resolve(self, fragment: UUID, *, work: Work) -> ProfileId | None:
        """The profile that a fragment id belongs to now; None: unknown or erased."""
        return queries.resolve(fragment, work=work)

    def is_one_person(self, profile: ProfileId, *, work: Work) -> bool:
        """Whether what a profile's id stands for may be shown and erased as one person's."""
        return queries.is_one_person(profile, work=work)

    def quarantined(self, *, work: Work) -> list[tuple[FragmentId, SourceId, str, str, int]]:
        """(fragment, source, namespace, why, contacts that it names) of all that may not link."""
        return queries.quarantined(work=work)

    def fragments_of(self, profile: ProfileId, *, core_only: bool, work: Work) -> list[FragmentId]:
        """The fragments of a profile, by id; `core_only`: those on verified links."""
        return queries.fragments_of(profile, core_only=core_only, work=work)

    def lock(self, profiles: Sequence[ProfileId], *, work: Work) -> None:
        """Lock the root rows FOR UPDATE in id order until the Work ends."""
        regrouping.lock([FragmentId(one) for one in profiles], work=work)

    def golden(
        self, profiles: Sequence[ProfileId], traits: Sequence[int], *, work: Work
    ) -> list[GoldenValue]:
        """The winning statements of `traits` (all if empty) for `profiles`, up to three a trait."""
        return golden.golden(profiles, traits, work=work)

    def winners(
        self, profiles: Sequence[ProfileId], traits: Sequence[int], *, work: Work
    ) -> list[tuple[ProfileId, int, UUID]]:
        """(profile, trait, statement) of the best statement of each of `traits`, without its content."""
        return golden.winners(profiles, traits, work=work)

    def statements(self, fragments: Sequence[FragmentId], *, work: Work) -> list[StoredStatement]:
        """All statements of `fragments`, oldest first."""
        return golden.statements(fragments, work=work)

    def said(self, statements: Sequence[UUID], *, work: Work) -> list[StoredStatement]:
        """Those of the statements with these ids that are there."""
        return golden.said(statements, work=work)

    def goes_by(
        self, fragments: Sequence[FragmentId], *, work: Work, verified: bool = False, retracted: bool = False
    ) -> dict[ContactId, tuple[str, bool]]:
        """The contacts that `fragments` claim: namespace, and whether nobody else holds it."""
        return queries.goes_by(fragments, work=work, verified=verified, retracted=retracted)

    def claims_of(self, fragments: Sequence[FragmentId], *, work: Work) -> list[Claimed]:
        """Which contacts each of `fragments` goes by, in order."""
        return queries.claims_of(fragments, work=work)

    def sources_of(self, fragments: Sequence[FragmentId], *, work: Work) -> Mapping[FragmentId, SourceId]:
        """The source of each of `fragments` that is there."""
        return queries.sources_of(fragments, work=work)

    def beside(self, fragments: Sequence[FragmentId], *, work: Work) -> list[FragmentId]:
        """Other fragments that forgetting `fragments` can regroup: `touched` of them, before and after."""
        return identity_erasing.beside(fragments, work=work, limits=self.limits)

    def separate(self, a: FragmentId, b: FragmentId, *, work: Work) -> frozenset[ProfileId]:
        """Un-merge: these two fragments are never the same person; the regrouped profiles.

        What had hung on their common contacts alone stays with `b`. Raises `NotFound`.
        """
        return unmerge.separate(a, b, work=work, limits=self.limits)

    def join(self, a: FragmentId, b: FragmentId, *, work: Work) -> frozenset[ProfileId]:
        """These two fragments are one person; the regrouped profiles. Raises `NotFound`, `Conflict`."""
        return unmerge.join(a, b, work=work, limits=self.limits)

    def waive(self, one: FragmentId, *, work: Work) -> frozenset[ProfileId]:
        """Release what is quarantined, with all that hangs together with it; the regrouped profiles.

        Raises `NotFound`, `Conflict` if it is not quarantined.
        """
        return waiving.waive(one, work=work, limits=self.limits)

    def rejoin(self, a: FragmentId, b: FragmentId, *, work: Work) -> frozenset[ProfileId]:
        """Take a steward's `separate` back; the regrouped profiles. Raises `NotFound`, `Conflict`."""
        return unmerge.rejoin(a, b, work=work, limits=self.limits)
