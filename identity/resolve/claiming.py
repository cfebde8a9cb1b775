"""What a batch says, each claim once, and how it gets into the tables.

Identifiers, fragments and claims go by small numbers until their ids are known: hashing
ids was a third of the time of a batch.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cdp.kernel.database import Conflict, insert_rows, run
from cdp.kernel.ids import new_id
from cdp.ports import Evidence
from cdp.vocabulary import ContactId, FragmentId, Identifier, Namespace, SourceId, Trust
from cdp.work import Work
from identity import tables
from identity.resolve.components import Place
from identity.resolve.regrouping import Moved

RULE_VERSION = 1  # of the rules by which messages become claims

VERIFIED, ASSERTED = int(Trust.VERIFIED), int(Trust.ASSERTED)


class Key(NamedTuple):
    """One claim: the number of the fragment, the number of the identifier, how far believed."""

    whose: int
    name: int
    trust: int


@dataclass(slots=True)
class Said:
    """What a batch says of one claim."""

    namespace: str
    evidence: str
    first: Place
    last: Place
    joins: bool = True

    def lends(self, trust: int) -> bool:
        """Whether behaviour may be lent by it."""
        return trust == ASSERTED and self.namespace == Namespace.USER_ID


@dataclass(slots=True, kw_only=True)
class Told:
    """A batch by numbers: `names` and `fragments` (source, name) are counted from 0."""

    names: list[Identifier] = field(default_factory=list)
    fragments: list[tuple[SourceId, int]] = field(default_factory=list)
    firsts: list[Place] = field(default_factory=list)  # of each fragment
    claims: dict[Key, Said] = field(default_factory=dict)
    whose: list[int] = field(default_factory=list)  # of each message
    named: list[list[int]] = field(default_factory=list)  # of each message


def gather(batch: Iterable[Evidence]) -> Told:
    """What a batch says, each identifier, fragment and claim once."""
    told = Told()
    names: dict[Identifier, int] = {}
    fragments: dict[tuple[SourceId, int], int] = {}
    for one in batch:
        at = (one.position.accept_seq, one.position.index)
        own = names.setdefault(one.own, len(names))
        fragment = (one.source.id, own)
        whose = fragments.setdefault(fragment, len(fragments))
        if whose == len(told.firsts):
            told.firsts.append(at)
        elif at < told.firsts[whose]:
            told.firsts[whose] = at
        _claim(told, Key(whose, own, int(one.own_trust)), one.own.namespace, "own", at, one.own_joins)
        named = [own]
        for claim in one.claims:
            name = names.setdefault(claim.identifier, len(names))
            named.append(name)
            key = Key(whose, name, int(claim.trust))
            _claim(told, key, claim.identifier.namespace, claim.evidence, at, claim.joins)
        named += [names.setdefault(mention, len(names)) for mention in one.mentions]
        told.whose.append(whose)
        told.named.append(named)
    told.names, told.fragments = list(names), list(fragments)
    return told


def _claim(told: Told, key: Key, namespace: str, evidence: str, at: Place, joins: bool) -> None:
    old = told.claims.get(key)
    if old is None:
        told.claims[key] = Said(namespace, evidence, at, at, joins)
    elif at < old.first:
        old.first, old.evidence = at, evidence
    elif at > old.last:
        old.last = at


@dataclass(slots=True, kw_only=True)
class Known:
    """What is in the tables of a batch: contacts by name, fragments by number, claims by key."""

    contacts: Mapping[int, ContactId]
    new_contacts: frozenset[int]
    ids: dict[int, FragmentId] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)  # of fragments that were there
    claims: dict[Key, tuple[Place, Place]] = field(default_factory=dict)  # that were there: first, last
    roots: set[FragmentId] = field(default_factory=set)  # of fragments, and who they lend to
    made: set[int] = field(default_factory=set)  # fragments


# `OFFSET 0`: one index probe a row, whatever the planner believes (see `contacts.py`).
_READ = """
SELECT u.n, f.id, f.accept_seq, f.index, f.root_id, f.lends_to,
    c.accept_seq, c.index, c.last_seq, c.last_index
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::int2[], %b::int4[])
    AS u(source_id, own_id, contact_id, trust, n)
CROSS JOIN LATERAL (
    SELECT * FROM identity.fragments f
    WHERE f.source_id = u.source_id AND f.contact_id = u.own_id
    OFFSET 0
) AS f
LEFT JOIN LATERAL (
    SELECT * FROM identity.claims c
    WHERE c.fragment_id = f.id AND c.contact_id = u.contact_id AND c.trust = u.trust
    OFFSET 0
) AS c ON true
"""


def read(told: Told, known: Known, *, work: Work) -> None:
    """Note the fragments and claims that are there; those of a contact of our own making cannot be."""
    asked = [key for key in told.claims if told.fragments[key.whose][1] not in known.new_contacts]
    if not asked:
        return
    contacts = known.contacts
    columns = (
        [told.fragments[key.whose][0] for key in asked],
        [contacts[told.fragments[key.whose][1]] for key in asked],
        [contacts[key.name] for key in asked],
        [key.trust for key in asked],
        list(range(len(asked))),
    )
    for n, one, accept_seq, index, root, lends_to, *claim in run(work.session, _READ, columns):
        key = asked[n]
        if key.whose not in known.ids:
            known.ids[key.whose] = one
            known.places[key.whose] = (accept_seq, index)
            known.roots.add(root)
            if lends_to is not None:
                known.roots.add(lends_to)
        if claim[0] is not None:
            known.claims[key] = ((claim[0], claim[1]), (claim[2], claim[3]))


def make_fragments(told: Told, known: Known, *, work: Work) -> None:
    """Insert the fragments that are not there. Raises `Moved` if one is being erased."""
    missing = [number for number in range(len(told.fragments)) if number not in known.ids]
    ids = [FragmentId(new_id()) for _ in missing]
    names = [told.fragments[number][1] for number in missing]
    made = insert_rows(
        work.session,
        tables.fragments,
        work.workspace,
        {
            "id": ids,
            "source_id": [told.fragments[number][0] for number in missing],
            "contact_id": [known.contacts[name] for name in names],
            "namespace": [told.names[name].namespace for name in names],
            "accept_seq": [told.firsts[number][0] for number in missing],
            "index": [told.firsts[number][1] for number in missing],
            "core_id": ids,
            "root_id": ids,
        },
        order=("source_id", "contact_id"),
        conflict=Conflict(("source_id", "contact_id")),
        returning=("id",),
    )
    inserted = {one for (one,) in made}
    ours = {number: one for number, one in zip(missing, ids, strict=True) if one in inserted}
    known.ids.update(ours)
    known.made.update(ours)
    if len(ours) < len(missing):
        # Somebody else made the others in the meantime; only a new statement sees them.
        read(told, known, work=work)
    if len(known.ids) < len(told.fragments):
        raise Moved


def make_claims(told: Told, known: Known, *, work: Work) -> list[Key]:
    """Insert the claims that are not there; which. Raises `Moved` if one is being erased."""
    fresh = [key for key in told.claims if key not in known.claims]
    rows = [(key, told.claims[key]) for key in fresh]
    made = insert_rows(
        work.session,
        tables.claims,
        work.workspace,
        {
            "fragment_id": [known.ids[key.whose] for key, _ in rows],
            "contact_id": [known.contacts[key.name] for key, _ in rows],
            "trust": [key.trust for key, _ in rows],
            "namespace": [one.namespace for _, one in rows],
            "evidence": [one.evidence for _, one in rows],
            "rule_version": [RULE_VERSION for _ in rows],
            "accept_seq": [one.first[0] for _, one in rows],
            "index": [one.first[1] for _, one in rows],
            "last_seq": [one.last[0] for _, one in rows],
            "last_index": [one.last[1] for _, one in rows],
            "joins": [one.joins for _, one in rows],
        },
        order=("fragment_id", "contact_id", "trust"),
        conflict=Conflict(("fragment_id", "contact_id", "trust")),
        returning=("fragment_id", "contact_id", "trust"),
    )
    if len(made) < len(rows):
        inserted = set(made)
        fresh = [key for key in fresh if _row(key, known) in inserted]
        read(told, known, work=work)
        if len(known.claims.keys() | set(fresh)) < len(told.claims):
            raise Moved
    return fresh


_EARLIER_FRAGMENTS = """
UPDATE identity.fragments f SET accept_seq = u.accept_seq, index = u.index
FROM unnest(%b::uuid[], %b::int8[], %b::int4[]) AS u(id, accept_seq, index)
WHERE f.id = u.id AND (u.accept_seq, u.index) < (f.accept_seq, f.index)
"""

_EARLIER_CLAIMS = """
UPDATE identity.claims c SET accept_seq = u.accept_seq, index = u.index, evidence = u.evidence
FROM unnest(%b::uuid[], %b::uuid[], %b::int2[], %b::int8[], %b::int4[], %b::text[])
    AS u(fragment_id, contact_id, trust, accept_seq, index, evidence)
WHERE c.fragment_id = u.fragment_id AND c.contact_id = u.contact_id AND c.trust = u.trust
    AND (u.accept_seq, u.index) < (c.accept_seq, c.index)
"""

_LATER_CLAIMS = """
UPDATE identity.claims c SET last_seq = u.last_seq, last_index = u.last_index
FROM unnest(%b::uuid[], %b::uuid[], %b::int2[], %b::int8[], %b::int4[])
    AS u(fragment_id, contact_id, trust, last_seq, last_index)
WHERE c.fragment_id = u.fragment_id AND c.contact_id = u.contact_id AND c.trust = u.trust
    AND (u.last_seq, u.last_index) > (c.last_seq, c.last_index)
"""


def earlier_fragments(told: Told, known: Known) -> list[int]:
    """The fragments that were there and are now known to have been heard of before."""
    return [number for number, place in known.places.items() if told.firsts[number] < place]


def move(told: Told, known: Known, *, work: Work) -> None:
    """Give fragments and claims an earlier first place, and asserted user ids a later last one.

    Nobody reads the last place of other claims, so it is not kept for them.
    """
    fragments: list[Sequence[object]] = [
        (known.ids[number], *told.firsts[number]) for number in earlier_fragments(told, known)
    ]
    earlier: list[Sequence[object]] = []
    later: list[Sequence[object]] = []
    for key, (first, last) in known.claims.items():
        one = told.claims[key]
        if one.first < first:
            earlier.append((*_row(key, known), *one.first, one.evidence))
        if one.last > last and one.lends(key.trust):
            later.append((*_row(key, known), *one.last))
    for query, rows in (
        (_EARLIER_FRAGMENTS, fragments),
        (_EARLIER_CLAIMS, earlier),
        (_LATER_CLAIMS, later),
    ):
        if rows:
            run(work.session, query, tuple(map(list, zip(*rows, strict=True))))


def _row(key: Key, known: Known) -> tuple[FragmentId, ContactId, int]:
    return known.ids[key.whose], known.contacts[key.name], key.trust
