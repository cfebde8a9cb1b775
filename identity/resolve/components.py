"""Who is one person: a pure function of fragments, claims and edges (ADR-0004).

Nothing here knows a database. `regrouping.py` runs `components` on the fragments that a
change can reach; `tests/unit/identity/test_identity_components.py` holds that to running it on all,
and the unions to an independent library.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from cdp.vocabulary import ContactId, FragmentId, Namespace, ProfileId, Trust

Place = tuple[int, int]  # (accept_seq, index), as in `Position`
Order = tuple[Place, str, FragmentId]


class EdgeKind(StrEnum):
    """What can be decided about two fragments (stored words)."""

    SAME = "same"  # a steward: one person
    NEVER = "never"  # a steward: two people, whatever else is said
    SCORED = "scored"  # a model: probably one person


class Quarantine(StrEnum):
    """Why a fragment may not link (stored words)."""

    COMPONENT = "component_limit"  # its surroundings are too large to be one person
    CONTACTS = "contact_limit"  # it goes by too many contacts to be one person's: nothing of it is shown


class Fragment(NamedTuple):
    """What a source knows under one identifier, `contact`; its place is the least it holds."""

    id: FragmentId
    contact: ContactId
    namespace: str
    place: Place
    quarantined: Quarantine | None = None
    waived: bool = False  # a steward: it is one person's, however many contacts it goes by
    vouched: bool = False  # a steward: so is what is joined to it, which is counted no more

    @property
    def order(self) -> Order:
        """Fragments in the order in which they were first heard of; ids only break ties."""
        return (self.place, self.namespace, self.id)


class ClaimRow(NamedTuple):
    """That a fragment goes by a contact. A retracted claim is no claim: leave it out."""

    fragment: FragmentId
    contact: ContactId
    namespace: str
    trust: Trust
    first: Place
    last: Place
    joins: bool = True  # False: it is reached by it, and joined to nobody for it


class EdgeRow(NamedTuple):
    """A decision about two fragments. A retracted edge is no edge: leave it out."""

    a: FragmentId
    b: FragmentId
    kind: EdgeKind
    accept_seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that is believed of one person.

    `claims`: claimants above which a contact is a hub; `fragments`: in one person; `contacts`: by
    which one fragment goes in one namespace, on whatever evidence; anonymous ids are not counted.
    """

    claims: int
    fragments: int
    contacts: int


class Component(NamedTuple):
    """Where a fragment belongs, or why it may belong to nobody but itself."""

    core: ProfileId
    root: ProfileId
    lends_to: ProfileId | None
    quarantined: Quarantine | None


class _Link(NamedTuple):
    """A possible union; links are taken in this order (all before `centre`, then by fragment)."""

    trust: Trust
    rule: int
    place: Place
    centre: Order
    leg: Order


STEWARD, UNIQUE, OTHER = 0, 1, 5  # priorities of links: smaller is taken first
RULES: dict[str, int] = {Namespace.ANONYMOUS_ID: 2, Namespace.EMAIL: 3, Namespace.PHONE: 4}


def unique(namespace: str) -> bool:
    """Whether a person has at most one identifier of that namespace."""
    return namespace == Namespace.USER_ID or namespace.startswith("crm:")


def rule(namespace: str) -> int:
    """The priority of links over that namespace."""
    return UNIQUE if unique(namespace) else RULES.get(namespace, OTHER)


class Book:
    """Claims by fragment and by contact, and what may be concluded from a contact.

    Fragments are entered whole: a fragment's claims come together, once.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.fragments: dict[FragmentId, Fragment] = {}
        self.named: dict[FragmentId, dict[str, set[ContactId]]] = {}
        self.claims: dict[FragmentId, Sequence[ClaimRow]] = {}
        self.claimants: dict[ContactId, list[ClaimRow]] = defaultdict(list)
        self.enemies: dict[FragmentId, set[FragmentId]] = defaultdict(set)
        self.crowded: set[FragmentId] = set()

    def enter(self, fragment: Fragment, claims: Sequence[ClaimRow]) -> None:
        """Enter a fragment with all its claims."""
        self.fragments[fragment.id] = fragment
        self.claims[fragment.id] = claims
        counted = fragment.quarantined is Quarantine.CONTACTS or self._too_many(claims)
        if counted and not fragment.waived:
            # A placeholder's: it goes by nothing, so that it neither joins nor parts those whom it names.
            self.crowded.add(fragment.id)
            self.named[fragment.id] = {}
            return
        named: dict[str, set[ContactId]] = defaultdict(set)
        for claim in claims:
            if claim.trust is Trust.VERIFIED and claim.joins:
                self.claimants[claim.contact].append(claim)
                if unique(claim.namespace):
                    named[claim.namespace].add(claim.contact)
        # What a source knows somebody by says who that is, whatever other ids they had before.
        if fragment.contact in named.get(fragment.namespace, ()):
            named[fragment.namespace] = {fragment.contact}
        self.named[fragment.id] = dict(named)

    def _too_many(self, claims: Sequence[ClaimRow]) -> bool:
        most = self.limits.contacts
        if len(claims) <= most:
            return False
        contacts: dict[str, set[ContactId]] = defaultdict(set)
        for claim in claims:
            # Devices come and go: a client on a server may make up one for each message.
            if claim.namespace != Namespace.ANONYMOUS_ID:
                contacts[claim.namespace].add(claim.contact)
        return any(len(held) > most for held in contacts.values())

    def separate(self, edges: Iterable[EdgeRow]) -> None:
        """Enter the pairs that a steward keeps apart."""
        for edge in edges:
            if edge.kind is EdgeKind.NEVER:
                self.enemies[edge.a].add(edge.b)
                self.enemies[edge.b].add(edge.a)

    def torn(self, fragment: FragmentId) -> bool:
        """Whether a fragment names two people, as a shared device does: it is neither's."""
        return any(len(contacts) > 1 for contacts in self.named[fragment].values())

    def linked(self, contact: ContactId) -> list[ClaimRow]:
        """The claims that a contact joins, first said first; none if it joins nobody.

        It joins nobody if it is a hub, or if two people hold it: claimants that name
        different contacts of a unique namespace, or that a steward keeps apart.
        """
        claims = self.claimants[contact]
        if not 1 < len(claims) <= self.limits.claims:
            return []
        heard = [claim for claim in claims if self._counts(claim)]
        named: dict[str, set[ContactId]] = defaultdict(set)
        for claim in heard:
            for namespace, contacts in self.named[claim.fragment].items():
                named[namespace] |= contacts
        if any(len(contacts) > 1 for contacts in named.values()):
            return []
        holders = {claim.fragment for claim in heard}
        if any(self.enemies[holder] & holders for holder in holders if holder in self.enemies):
            return []
        return sorted(heard, key=self._said)

    def _counts(self, claim: ClaimRow) -> bool:
        named = self.named[claim.fragment].get(claim.namespace)
        return (named is None or claim.contact in named) and not self.torn(claim.fragment)

    def _said(self, claim: ClaimRow) -> tuple[Place, Order]:
        return (claim.first, self.fragments[claim.fragment].order)

    def holder(self, contact: ContactId) -> FragmentId | None:
        """Who borrows behaviour by a user id: the fragment known by it, else the first to claim it."""
        claims = self.claimants[contact]
        if not claims:
            return None
        return min(
            claims, key=lambda claim: (self.fragments[claim.fragment].contact != contact, *self._said(claim))
        ).fragment


class _Sets:
    """Disjoint sets of fragments."""

    def __init__(self, fragments: Iterable[FragmentId]) -> None:
        self.parent = {fragment: fragment for fragment in fragments}
        self.size = dict.fromkeys(self.parent, 1)

    def find(self, fragment: FragmentId) -> FragmentId:
        """The set that a fragment is in, by one of its members."""
        parent = self.parent
        while parent[fragment] != fragment:
            parent[fragment] = parent[parent[fragment]]
            fragment = parent[fragment]
        return fragment

    def merge(self, a: FragmentId, b: FragmentId) -> tuple[FragmentId, FragmentId]:
        """Join two sets; (the set that stays, the set that went into it)."""
        a, b = self.find(a), self.find(b)
        if self.size[a] < self.size[b]:
            a, b = b, a
        if a != b:
            self.parent[b] = a
            self.size[a] += self.size[b]
        return a, b


class _People(_Sets):
    """Disjoint sets that refuse what would make two people one."""

    def __init__(self, book: Book) -> None:
        super().__init__(book.fragments)
        self._named = {
            fragment: {namespace: frozenset(contacts) for namespace, contacts in named.items()}
            for fragment, named in book.named.items()
        }
        self._enemies = {fragment: set(enemies) for fragment, enemies in book.enemies.items()}

    def join(self, a: FragmentId, b: FragmentId, *, decided: bool) -> None:
        """Join two sets unless a `never` or, where no steward has decided, uniqueness forbids it."""
        a, b = self.find(a), self.find(b)
        if a == b or self._apart(a, b) or not (decided or self._agree(a, b)):
            return
        a, b = self.merge(a, b)
        mine = self._named[a]
        for namespace, contacts in self._named[b].items():
            mine[namespace] = mine.get(namespace, frozenset()) | contacts
        if b in self._enemies:
            self._enemies.setdefault(a, set()).update(self._enemies[b])

    def _apart(self, a: FragmentId, b: FragmentId) -> bool:
        return any(self.find(enemy) == b for enemy in self._enemies.get(a, ()))

    def _agree(self, a: FragmentId, b: FragmentId) -> bool:
        ours, theirs = self._named[a], self._named[b]
        shared = ours.keys() & theirs.keys()
        return all(ours[name] <= theirs[name] or theirs[name] <= ours[name] for name in shared)


def components(
    fragments: Iterable[Fragment], claims: Iterable[ClaimRow], edges: Iterable[EdgeRow], limits: Limits
) -> dict[FragmentId, Component]:
    """The component of every fragment, whatever order they are given in (ADR-0004)."""
    by_fragment: dict[FragmentId, list[ClaimRow]] = defaultdict(list)
    for claim in claims:
        by_fragment[claim.fragment].append(claim)
    book = Book(limits)
    for fragment in fragments:
        book.enter(fragment, by_fragment[fragment.id])
    return group(book, list(edges))


def group(book: Book, edges: Sequence[EdgeRow]) -> dict[FragmentId, Component]:
    """The component of every fragment in `book`.

    Links are taken in the order (trust, rule, place of the claim that makes the link, place
    of the fragments); one that would join what may not be joined is left out. A fragment whose
    candidate links reach more than the limit is quarantined and joined to nobody, and so is one that
    goes by more contacts than one person has.
    """
    known = book.fragments
    edges = [edge for edge in edges if edge.a in known and edge.b in known]
    book.separate(edges)
    links = sorted(_links(book, edges))
    oversized = _oversized(book, links)
    unions = _People(book)
    cores: dict[FragmentId, ProfileId] = {}
    for trust in (Trust.VERIFIED, Trust.SCORED):
        for link in links:
            a, b = link.centre[-1], link.leg[-1]
            if link.trust is trust and a not in oversized:
                unions.join(a, b, decided=link.rule == STEWARD)
        if trust is Trust.VERIFIED:
            cores = _roots(book, unions)
    roots = _roots(book, unions)
    return {
        fragment: Component(
            cores[fragment], roots[fragment], _lends(book, fragment, roots), _why(book, fragment, oversized)
        )
        for fragment in known
    }


def _why(book: Book, fragment: FragmentId, oversized: set[FragmentId]) -> Quarantine | None:
    if fragment in book.crowded:
        return Quarantine.CONTACTS
    return Quarantine.COMPONENT if fragment in oversized else None


def _links(book: Book, edges: Iterable[EdgeRow]) -> Iterable[_Link]:
    order = {fragment.id: fragment.order for fragment in book.fragments.values()}
    for contact in list(book.claimants):
        linked = book.linked(contact)
        for claim in linked[1:]:
            yield _Link(
                Trust.VERIFIED,
                rule(claim.namespace),
                claim.first,
                order[linked[0].fragment],
                order[claim.fragment],
            )
    for edge in edges:
        if edge.a in book.crowded or edge.b in book.crowded:
            continue
        first, second = sorted((order[edge.a], order[edge.b]))
        if edge.kind is EdgeKind.SAME:
            yield _Link(Trust.VERIFIED, STEWARD, (edge.accept_seq, 0), first, second)
        elif edge.kind is EdgeKind.SCORED and not (book.torn(edge.a) or book.torn(edge.b)):
            yield _Link(Trust.SCORED, OTHER, (edge.accept_seq, 0), first, second)


def _oversized(book: Book, links: Iterable[_Link]) -> set[FragmentId]:
    """Those whose candidate links reach too far, or reach somebody who is quarantined already."""
    reach = _Sets(book.fragments)
    for link in links:
        reach.merge(link.centre[-1], link.leg[-1])
    stuck = {reach.find(one.id) for one in book.fragments.values() if one.quarantined is Quarantine.COMPONENT}
    counted = Counter(reach.find(one.id) for one in book.fragments.values() if not one.vouched)
    most = book.limits.fragments
    return {one for one in book.fragments if (at := reach.find(one)) in stuck or counted[at] > most}


def reached(book: Book, edges: Sequence[EdgeRow], one: FragmentId) -> set[FragmentId]:
    """All that candidate links join to `one`, itself included, whatever keeps them apart."""
    edges = [edge for edge in edges if edge.a in book.fragments and edge.b in book.fragments]
    reach = _Sets(book.fragments)
    for link in _links(book, edges):
        reach.merge(link.centre[-1], link.leg[-1])
    return {other for other in book.fragments if reach.find(other) == reach.find(one)}


def _roots(book: Book, unions: _Sets) -> dict[FragmentId, ProfileId]:
    first: dict[FragmentId, Fragment] = {}
    for fragment in book.fragments.values():
        at = unions.find(fragment.id)
        if at not in first or fragment.order < first[at].order:
            first[at] = fragment
    return {fragment: ProfileId(first[unions.find(fragment)].id) for fragment in book.fragments}


def _lends(book: Book, fragment: FragmentId, roots: dict[FragmentId, ProfileId]) -> ProfileId | None:
    """The root that holds the user id that this fragment asserted last; None: nobody, or itself."""
    asserted = [
        claim
        for claim in book.claims[fragment]
        if fragment not in book.crowded
        and claim.trust is Trust.ASSERTED
        and claim.namespace == Namespace.USER_ID
    ]
    if not asserted:
        return None
    last = max(asserted, key=lambda claim: (claim.last, claim.contact))
    holder = book.holder(last.contact)
    root = roots[holder] if holder is not None else None
    return None if root == roots[fragment] else root
