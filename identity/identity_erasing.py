"""How identity forgets: everything that fragments own, and identifiers that nobody else holds.

The other fragments are grouped without the erased, but an erasure joins nobody: two who were
apart and would be one person now are kept apart by a `never` edge, for what separated them
was the erased (another holder of their address, a steward's word) and is still true. What was
accepted before the erasure and names the erased by any index is recognised when it comes in
late (`identity.erased`); their ids stay known as erased (`identity.gone`).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Table, and_, bindparam, delete, func, or_, select

from cdp.kernel.database import Conflict, insert_rows, run
from cdp.ports import Forgotten
from cdp.vocabulary import ContactId, FragmentId, ProfileId
from cdp.work import Work
from identity import tables
from identity.golden import golden
from identity.queries import held_by_others
from identity.resolve import contacts, regrouping
from identity.resolve.components import EdgeKind, Limits
from identity.resolve.regrouping import Change
from identity.resolve.unmerge import EDGE_VERSION

_BY_FRAGMENT = (tables.golden, tables.statements, tables.addresses)
_OWNED = (*_BY_FRAGMENT, tables.claims, tables.edges, tables.fragments, tables.identifiers)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityErasable:
    """`Erasable` of identity."""

    claim_limit: int
    component_limit: int
    contact_limit: int
    tables: frozenset[str] = frozenset(str(table) for table in _OWNED)
    retained: Mapping[str, str] = field(
        default_factory=lambda: {
            "identity.erased": "keyed hashes that recognise late messages of the erased; 30 days",
            "identity.gone": "opaque ids of erased fragments, so that they resolve to 'erased' for ever",
        }
    )

    def erase(self, whom: Forgotten, *, work: Work) -> dict[str, int]:
        """Delete; rows deleted by table. Raises `Contended`."""
        limits = Limits(claims=self.claim_limit, fragments=self.component_limit, contacts=self.contact_limit)

        def attempt(also: frozenset[FragmentId]) -> dict[str, int]:
            return _erase(whom, also, work=work, limits=limits)

        return regrouping.retrying(attempt, work=work)

    def residue(self, whom: Forgotten, *, work: Work) -> dict[str, int]:
        """Rows still there by table; an identifier that others hold is theirs."""
        return {
            str(table): work.session.scalar(select(func.count()).select_from(table).where(theirs)) or 0
            for table, theirs in _theirs(whom).items()
        }


def beside(fragments: Sequence[FragmentId], *, work: Work, limits: Limits) -> list[FragmentId]:
    """Other fragments that forgetting `fragments` can regroup, by id.

    Their profiles before and after it are all that it regroups.
    """
    change = _change(frozenset(fragments), work=work, limits=limits)
    return sorted(change.seeds | change.lenders)


def _erase(whom: Forgotten, also: frozenset[FragmentId], *, work: Work, limits: Limits) -> dict[str, int]:
    gone = frozenset(whom.fragments)
    change = _change(gone, work=work, limits=limits)
    locks = also | gone | change.lenders | regrouping.needs(change, work=work, limits=limits)
    regrouping.lock(locks, work=work)
    # Read again under the locks: somebody may have claimed or joined in between.
    whom = replace(whom, contacts=_named(whom, work=work))
    regrouping.lock_contacts(whom.contacts, work=work)
    change = _change(gone, work=work, limits=limits)
    locks = regrouping.lock_more(change.lenders, locks, work=work)
    profiles = _profiles(gone, work=work)
    ties = _ties(gone, change.seeds, work=work)
    before = _people({one for tie in ties for one in tie.fragments}, work=work)
    _remember(whom, work=work)
    deleted = {
        str(table): work.session.execute(delete(table).where(theirs)).rowcount  # type: ignore[attr-defined]
        for table, theirs in _theirs(whom).items()
    }
    regrouping.settle(change, locks, work=work, limits=limits)
    while _keep_apart(ties, before, work=work):
        regrouping.settle(change, locks, work=work, limits=limits)
    golden.repoint(profiles, work=work)
    return deleted


class _Tie(NamedTuple):
    """Fragments that one contact (on verified evidence) or one scored edge could join."""

    fragments: frozenset[FragmentId]
    scored: bool


_People = Mapping[FragmentId, tuple[ProfileId, ProfileId]]  # core and root

_COMMON = """
SELECT c.contact_id, c.fragment_id FROM identity.claims c
WHERE c.fragment_id = ANY(%(seeds)b::uuid[]) AND c.trust = 1 AND c.retracted_at IS NULL
    AND c.contact_id IN (
        SELECT contact_id FROM identity.claims
        WHERE fragment_id = ANY(%(gone)b::uuid[]) AND trust = 1 AND retracted_at IS NULL
    )
"""

_SCORED = """
SELECT a, b FROM identity.edges
WHERE kind = 'scored' AND retracted_at IS NULL
    AND (a = ANY(%(seeds)b::uuid[]) OR b = ANY(%(seeds)b::uuid[]))
    AND NOT (a = ANY(%(gone)b::uuid[]) OR b = ANY(%(gone)b::uuid[]))
"""


def _ties(gone: frozenset[FragmentId], seeds: frozenset[FragmentId], *, work: Work) -> list[_Tie]:
    """All by which the erasure of `gone` could join two others.

    A contact that `gone` do not hold joins the same fragments with them and without them, and
    a scored edge can do so only from the profiles that `gone` belong to.
    """
    wanted = {"gone": list(gone), "seeds": list(seeds)}
    holders: dict[ContactId, set[FragmentId]] = defaultdict(set)
    for contact, one in run(work.session, _COMMON, wanted):
        holders[contact].add(one)
    scored = [_Tie(frozenset(pair), True) for pair in run(work.session, _SCORED, wanted)]
    return [_Tie(frozenset(others), False) for others in holders.values()] + scored


def _people(fragments: Collection[FragmentId], *, work: Work) -> _People:
    query = "SELECT id, core_id, root_id FROM identity.fragments WHERE id = ANY(%b::uuid[])"
    return {one: (core, root) for one, core, root in run(work.session, query, (list(fragments),))}


def _keep_apart(ties: Sequence[_Tie], before: _People, *, work: Work) -> bool:
    """Forbid what the erasure has joined; whether there was anything.

    One pair for each person joined to another is enough for a contact to join nobody.
    """
    now = _people(before.keys(), work=work)
    pairs: set[tuple[FragmentId, FragmentId]] = set()
    for fragments, scored in ties:
        first: dict[tuple[ProfileId, ProfileId], FragmentId] = {}
        for one in sorted(fragments):
            first.setdefault((now[one][scored], before[one][scored]), one)
        centres: dict[ProfileId, FragmentId] = {}
        for (joined, _), one in first.items():
            centre = centres.setdefault(joined, one)
            if centre != one:
                pairs.add((centre, one))
    _never(sorted(pairs), work=work)
    return bool(pairs)


def _never(pairs: Sequence[tuple[FragmentId, FragmentId]], *, work: Work) -> None:
    insert_rows(
        work.session,
        tables.edges,
        work.workspace,
        {
            "a": [a for a, _ in pairs],
            "b": [b for _, b in pairs],
            "kind": [str(EdgeKind.NEVER) for _ in pairs],
            "evidence": ["erasure" for _ in pairs],
            "version": [EDGE_VERSION for _ in pairs],
            # Like a steward's word it has no place in the order of acceptance.
            "accept_seq": [0 for _ in pairs],
            "created_at": [work.now for _ in pairs],
        },
        # A steward's word on the same two becomes an erasure's, which nobody takes back.
        conflict=Conflict(("a", "b", "kind"), "UPDATE SET retracted_at = NULL, evidence = excluded.evidence"),
    )


def _theirs(whom: Forgotten) -> dict[Table, ColumnElement[bool]]:
    """The rows to delete, in this order: `identifiers` last, for claims decide who holds one."""
    mine: BindParameter[list[UUID]] = bindparam("mine", list(whom.fragments), unique=True)
    alone: BindParameter[list[UUID]] = bindparam("alone", list(whom.contacts), unique=True)
    found = {table: table.c.fragment_id == func.any(mine) for table in _BY_FRAGMENT}
    claim, edge, identifier = tables.claims.c, tables.edges.c, tables.identifiers.c
    # What somebody's browser asserts of a contact that nobody holds any more is about the erased.
    named = and_(claim.contact_id == func.any(alone), ~held_by_others(claim.contact_id, whom.fragments))
    found[tables.claims] = or_(claim.fragment_id == func.any(mine), named)
    found[tables.edges] = or_(edge.a == func.any(mine), edge.b == func.any(mine))
    found[tables.fragments] = tables.fragments.c.id == func.any(mine)
    found[tables.identifiers] = and_(
        identifier.contact_id == func.any(alone), ~held_by_others(identifier.contact_id, whom.fragments)
    )
    return found


_CLAIMANTS = """
SELECT u.contact_id, v.fragment_id
FROM (
    SELECT DISTINCT contact_id FROM identity.claims
    WHERE fragment_id = ANY(%(gone)b::uuid[]) AND trust = 1 AND retracted_at IS NULL
) AS u
CROSS JOIN LATERAL (
    SELECT c.fragment_id FROM identity.claims c
    WHERE c.contact_id = u.contact_id AND c.trust = 1 AND c.retracted_at IS NULL
    LIMIT %(most)s
) AS v
"""

_RELATED = """
SELECT f.id FROM identity.fragments f
WHERE f.root_id IN (SELECT root_id FROM identity.fragments WHERE id = ANY(%(gone)b::uuid[]))
UNION SELECT e.b FROM identity.edges e WHERE e.a = ANY(%(gone)b::uuid[])
UNION SELECT e.a FROM identity.edges e WHERE e.b = ANY(%(gone)b::uuid[])
"""

_LENDERS = """
SELECT f.id FROM identity.fragments f
WHERE f.lends_to IN (SELECT root_id FROM identity.fragments WHERE id = ANY(%(gone)b::uuid[]))
UNION
SELECT c.fragment_id
FROM identity.claims h JOIN identity.claims c ON c.contact_id = h.contact_id AND c.trust = 3
WHERE h.fragment_id = ANY(%(gone)b::uuid[]) AND h.namespace = 'user_id' AND h.trust = 1
    AND c.retracted_at IS NULL
"""


def _change(gone: frozenset[FragmentId], *, work: Work, limits: Limits) -> Change:
    """Whom the erasure of `gone` can regroup: joined to them, or lending to them."""
    claimants: dict[ContactId, set[FragmentId]] = defaultdict(set)
    wanted = {"gone": list(gone), "most": limits.claims + 1 + len(gone)}
    for contact, one in run(work.session, _CLAIMANTS, wanted):
        claimants[contact].add(one)
    seeds = {one for (one,) in run(work.session, _RELATED, wanted)}
    for others in claimants.values():
        # A contact that stays a hub joined nobody before and joins nobody now.
        if len(others - gone) <= limits.claims:
            seeds |= others
    lenders = {one for (one,) in run(work.session, _LENDERS, wanted)}
    return Change(seeds=frozenset(seeds - gone), lenders=frozenset(lenders - gone))


_NAMED = """
SELECT DISTINCT i.contact_id FROM identity.identifiers i
WHERE i.contact_id = ANY(%(contacts)b::uuid[]) OR i.contact_id IN (
    SELECT contact_id FROM identity.claims WHERE fragment_id = ANY(%(gone)b::uuid[]) AND retracted_at IS NULL
)
"""


def _named(whom: Forgotten, *, work: Work) -> list[ContactId]:
    """The contacts that go unless others hold them: the given ones, and all that the erased claim now."""
    wanted = {"contacts": list(whom.contacts), "gone": list(whom.fragments)}
    return [contact for (contact,) in run(work.session, _NAMED, wanted)]


def _profiles(gone: frozenset[FragmentId], *, work: Work) -> set[ProfileId]:
    query = "SELECT DISTINCT root_id FROM identity.fragments WHERE id = ANY(%b::uuid[])"
    return {root for (root,) in run(work.session, query, (list(gone),))}


_HELD = """
SELECT DISTINCT i.namespace, i.index_version, i.index
FROM identity.claims c JOIN identity.identifiers i ON i.contact_id = c.contact_id
WHERE c.fragment_id = ANY(%(gone)b::uuid[]) AND (c.trust = 1 AND c.retracted_at IS NULL OR c.contact_id IN (
    SELECT contact_id FROM identity.fragments WHERE id = ANY(%(gone)b::uuid[])
))
"""


def _remember(whom: Forgotten, *, work: Work) -> None:
    """Note what latecomers are known by; a mere assertion of the erased may name a stranger."""
    held = run(work.session, _HELD, {"gone": list(whom.fragments)})
    contacts.remember([(contacts.BLIND, *row) for row in held], whom.watermark, work=work)
    insert_rows(
        work.session,
        tables.gone,
        work.workspace,
        {"fragment_id": list(whom.fragments), "erased_at": [work.now for _ in whom.fragments]},
        order=("fragment_id",),
        conflict=Conflict(("fragment_id",)),
    )
