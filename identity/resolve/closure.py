"""What a change can reach: the fragments that must be grouped anew, and what is read for it.

Walks from the changed fragments over the contacts and edges that join them, whatever the
constraints say, so that grouping what it finds equals grouping everything (ADR-0004). A
contact that joined nobody before and joins nobody now is not walked: a family's address or
a company's telephone would otherwise make one neighbourhood of a whole town.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from psycopg.rows import TupleRow

from cdp.kernel.database import run
from cdp.vocabulary import ContactId, FragmentId, Trust
from cdp.work import Work
from identity.resolve.components import (
    Book,
    ClaimRow,
    Component,
    EdgeKind,
    EdgeRow,
    Fragment,
    Limits,
    Quarantine,
)


class Stored(NamedTuple):
    """A fragment with all its claims, and the component that it is in at present."""

    fragment: Fragment
    component: Component
    claims: Sequence[ClaimRow]


class Store(Protocol):
    """Where the walk reads from."""

    def fragments(self, ids: Collection[FragmentId]) -> Iterable[Stored]:
        """Those of `ids` that exist."""
        ...

    def claimants(self, contacts: Collection[ContactId], most: int) -> Iterable[Stored]:
        """Up to `most` verified claimants of each contact."""
        ...

    def edges(self, ids: Collection[FragmentId]) -> Iterable[EdgeRow]:
        """Standing edges at any of `ids`."""
        ...


@dataclass(slots=True, kw_only=True)
class Reach:
    """`inside` is to be grouped anew; `book` also knows the claimants that judge its contacts."""

    book: Book
    inside: set[FragmentId] = field(default_factory=set)
    present: dict[FragmentId, Component] = field(default_factory=dict)
    edges: set[EdgeRow] = field(default_factory=set)

    def enter(self, stored: Iterable[Stored]) -> None:
        """Note what was read, once."""
        for fragment, component, claims in stored:
            if fragment.id not in self.present:
                self.present[fragment.id] = component
                self.book.enter(fragment, claims)

    def held(self, fragments: Iterable[FragmentId]) -> set[ContactId]:
        """The contacts that verified claims of `fragments` name."""
        claims = self.book.claims
        return {
            claim.contact
            for one in fragments
            for claim in claims[one]
            if claim.trust is Trust.VERIFIED and claim.joins
        }


def walk(
    seeds: Collection[FragmentId],
    fresh: Mapping[ContactId, int],
    *,
    store: Store,
    limits: Limits,
    through: bool = False,
) -> Reach:
    """Everything that a change at `seeds` can regroup.

    `fresh` counts the new verified claims of each contact: with it the walk knows which
    contacts were hubs before. A seed that holds too many contacts takes its claims from them all. The
    walk does not go on from fragments that are quarantined already, but with `through`.
    """
    reach = Reach(book=Book(limits))
    most = limits.claims + 1 + max(fresh.values(), default=0)
    changed: set[ContactId] | None = None
    seen: set[ContactId] = set()
    ahead = set(seeds)
    while ahead:
        reach.enter(store.fragments(ahead - reach.present.keys()))
        if changed is None:
            # Not marked yet, so they are among the claimants that the store counts up to `most`.
            most += len(reach.book.crowded)
        ahead &= reach.present.keys()
        reach.inside |= ahead
        edges = set(store.edges(ahead))
        reach.edges |= edges
        quarantined = {one for one in ahead if reach.book.fragments[one].quarantined and not through}
        open_ends = {one for one in ahead if one in seeds or one not in quarantined}
        contacts = reach.held(open_ends) - seen
        seen |= contacts
        reach.enter(store.claimants(contacts, most))
        if changed is None:
            changed = contacts
        ahead = {end for edge in edges if edge.kind is not EdgeKind.NEVER for end in edge[:2]}
        for contact in contacts:
            ahead |= _claimants(contact, reach.book, fresh, changed=contact in changed)
        ahead -= reach.inside
    return reach


def _claimants(
    contact: ContactId, book: Book, fresh: Mapping[ContactId, int], *, changed: bool
) -> set[FragmentId]:
    claims = book.claimants[contact]
    if len(claims) - fresh.get(contact, 0) > book.limits.claims:
        return set()
    if changed or book.linked(contact):
        return {claim.fragment for claim in claims}
    return set()


# `OFFSET 0`: one index probe a row, whatever the planner believes (see `contacts.py`).
_READ = """
SELECT f.id, f.contact_id, f.namespace, f.accept_seq, f.index, f.quarantined,
    f.waived_at IS NOT NULL, f.vouched_at IS NOT NULL, f.core_id, f.root_id, f.lends_to,
    k.contact_id, k.namespace, k.trust, k.accept_seq, k.index, k.last_seq, k.last_index, k.joins
FROM ({wanted}) AS w(id)
CROSS JOIN LATERAL (SELECT * FROM identity.fragments f WHERE f.id = w.id OFFSET 0) AS f
LEFT JOIN LATERAL (
    SELECT * FROM identity.claims k WHERE k.fragment_id = f.id AND k.retracted_at IS NULL OFFSET 0
) AS k ON true
"""

_BY_ID = _READ.format(wanted="SELECT unnest(%b::uuid[])")

_BY_CONTACT = _READ.format(
    wanted="""
    SELECT DISTINCT v.fragment_id
    FROM unnest(%b::uuid[]) AS u(contact_id)
    CROSS JOIN LATERAL (
        SELECT c.fragment_id FROM identity.claims c
        WHERE c.contact_id = u.contact_id AND c.trust = 1 AND c.retracted_at IS NULL
        LIMIT %s
    ) AS v"""
)

_EDGES = """
SELECT e.a, e.b, e.kind, e.accept_seq FROM identity.edges e
WHERE (e.a = ANY(%b::uuid[]) OR e.b = ANY(%b::uuid[])) AND e.retracted_at IS NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """What this Work itself has just made: nobody else can have added to it, so it is not read.

    `fragments` are new ones with all their claims; `claimants` those of new contacts.
    """

    fragments: Mapping[FragmentId, Stored] = field(default_factory=dict)
    claimants: Mapping[ContactId, Collection[FragmentId]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DatabaseStore:
    """The store of a Work's workspace."""

    work: Work
    fresh: Fresh

    def fragments(self, ids: Collection[FragmentId]) -> Iterable[Stored]:
        """Those of `ids` that exist."""
        made = self.fresh.fragments
        yield from (made[one] for one in ids if one in made)
        ids = [one for one in ids if one not in made]
        if ids:
            yield from _gather(run(self.work.session, _BY_ID, (ids,)))

    def claimants(self, contacts: Collection[ContactId], most: int) -> Iterable[Stored]:
        """Up to `most` verified claimants of each contact."""
        made = self.fresh.claimants
        yield from self.fragments({one for contact in contacts for one in made.get(contact, ())})
        contacts = [one for one in contacts if one not in made]
        if contacts:
            yield from _gather(run(self.work.session, _BY_CONTACT, (contacts, most)))

    def edges(self, ids: Collection[FragmentId]) -> Iterable[EdgeRow]:
        """Standing edges at any of `ids`."""
        wanted = [one for one in ids if one not in self.fresh.fragments]
        if wanted:
            for a, b, kind, accept_seq in run(self.work.session, _EDGES, (wanted, wanted)):
                yield EdgeRow(a, b, EdgeKind(kind), accept_seq)


def _gather(rows: Iterable[TupleRow]) -> Iterable[Stored]:
    found: dict[FragmentId, Stored] = {}
    claims: dict[FragmentId, list[ClaimRow]] = defaultdict(list)
    for row in rows:
        one, contact, namespace, accept_seq, index, quarantined, *marks, core, root, lends_to = row[:11]
        if one not in found:
            why = None if quarantined is None else Quarantine(quarantined)
            fragment = Fragment(one, contact, namespace, (accept_seq, index), why, *marks)
            found[one] = Stored(fragment, Component(core, root, lends_to, why), claims[one])
        contact, namespace, trust, accept_seq, index, last_seq, last_index, joins = row[11:]
        if contact is not None:
            first, last = (accept_seq, index), (last_seq, last_index)
            claims[one].append(ClaimRow(one, contact, namespace, Trust(trust), first, last, joins))
    return found.values()
