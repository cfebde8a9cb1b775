"""A world of messages for tests of identity: built in a line, and read back by natural names.

Ids are random, so results are compared by what they stand for: a fragment is
`(source, namespace, value)`, a person the set of their fragments.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy import select
from worlds.fakes_vault import FakeVault

from cdp.ports import Claim, Evidence, Source, Statement
from cdp.vocabulary import Identifier, Position, Trust
from identity import tables
from identity.identity_erasing import IdentityErasable
from identity.identity_service import IdentityService
from identity.resolve.components import ClaimRow, Fragment, Limits, components

DAWN = datetime(2026, 3, 1, tzinfo=UTC)


def name_id(*parts):
    """A stable id for a natural name."""
    return uuid5(NAMESPACE_OID, "\0".join(map(str, parts)))


def source(name, priority=5):
    """A source of that name."""
    return Source(
        id=name_id("source", name),
        name=name,
        priority=priority,
        authoritative=True,
        obtained="subject",
        controller_id=UUID(int=1),
        categories={},
    )


def identifier(said):
    """`email:ann` is the identifier `ann` of the namespace `email`."""
    namespace, _, value = said.rpartition(":")
    return Identifier(namespace, value)


@dataclass(frozen=True)
class Message:
    """One message as a test writes it; a claim that starts with `?` is only asserted."""

    seq: int
    source: str
    own: str
    claims: tuple[str, ...] = ()
    index: int = 0
    traits: tuple[int, ...] = ()
    name: str = ""
    priority: int = 5

    @property
    def key(self):
        """The natural name of the fragment."""
        return (self.source, *self.own.removeprefix("?").rpartition(":")[::2])

    @property
    def evidence(self):
        return Evidence(
            position=Position(self.seq, self.index),
            received_at=DAWN + timedelta(seconds=self.seq),
            source=source(self.source, self.priority),
            own=identifier(self.own.removeprefix("?")),
            own_trust=_trust(self.own),
            claims=[
                Claim(identifier=identifier(said.removeprefix("?")), trust=_trust(said), evidence="test")
                for said in self.claims
            ],
        )

    def statement(self, fragment):
        return Statement(
            id=name_id("statement", self.name or (self.seq, self.index)),
            fragment=fragment,
            source=source(self.source, self.priority),
            kind="traits",
            trust=_trust(self.own),
            position=Position(self.seq, self.index),
            received_at=DAWN + timedelta(seconds=self.seq),
            traits=self.traits,
            sealed=b"sealed",
        )


def _trust(said):
    return Trust.ASSERTED if said.startswith("?") else Trust.VERIFIED


@dataclass
class World:
    """The identity service in a test's workspace."""

    begin: object
    limits: Limits = field(default_factory=lambda: Limits(claims=50, fragments=2000, contacts=20))
    vault: FakeVault = field(default_factory=FakeVault)
    heard: set = field(default_factory=set)

    @property
    def service(self):
        return IdentityService(
            vault=self.vault,
            claim_limit=self.limits.claims,
            component_limit=self.limits.fragments,
            contact_limit=self.limits.contacts,
        )

    @property
    def erasable(self):
        return IdentityErasable(
            claim_limit=self.limits.claims,
            component_limit=self.limits.fragments,
            contact_limit=self.limits.contacts,
        )

    def hear(self, *messages):
        """Place a batch and append its statements, in one Work; the placement."""
        self.heard |= {(one.source, one.own, *one.claims) for one in messages}
        with self.begin() as work:
            placement = self.service.place([one.evidence for one in messages], work=work)
            said = [
                one.statement(placed.fragment)
                for one, placed in zip(messages, placement.placed, strict=True)
                if one.traits and not placed.erased
            ]
            self.service.state(said, work=work)
        return placement

    def rows(self):
        """Rows of fragments by natural name, read back through the blind indexes."""
        names = {key[0]: source(key[0]).id for key in self.heard}
        known = {identifier(said.removeprefix("?")) for key in self.heard for said in key[1:]}
        with self.begin() as work:
            fragments = work.session.execute(select(tables.fragments)).all()
            contacts = {self.service.contact_of(one, work=work): one for one in known}
        sources = {one: name for name, one in names.items()}
        return {(sources[row.source_id], *contacts[row.contact_id]): row for row in fragments}

    def fragment(self, source_name, own):
        """The id of a fragment."""
        return self.rows()[(source_name, *own.rpartition(":")[::2])].id

    def people(self, level="root_id"):
        """The persons, as sets of natural names of fragments."""
        sets = defaultdict(set)
        for key, row in self.rows().items():
            sets[getattr(row, level)].add(key)
        return {frozenset(members) for members in sets.values()}

    def state(self):
        """Everything that grouping decides, by natural names."""
        rows = self.rows()
        by_id = {row.id: key for key, row in rows.items()}
        return {
            key: (by_id[row.core_id], by_id[row.root_id], by_id.get(row.lends_to), row.quarantined)
            for key, row in rows.items()
        }

    def golden(self):
        """The place of each winning statement, by natural name of the root, trait and rank."""
        by_id = {row.id: key for key, row in self.rows().items()}
        pointer, said = tables.golden.c, tables.statements.c
        query = select(tables.golden, said.accept_seq, said.index).join(
            tables.statements, said.id == pointer.statement_id
        )
        with self.begin() as work:
            return {
                (by_id[row.profile_id], row.trait, row.rank): (row.accept_seq, row.index)
                for row in work.session.execute(query)
            }


def expected(messages, limits, waived=()):
    """What `World.state` must be: the batch function over everything that was ever said.

    `waived`: the natural names of fragments that a steward has released.
    """
    fragments, claims = {}, {}
    for one in messages:
        at, fragment = (one.seq, one.index), name_id(*one.key)
        own = name_id(*one.key[1:])
        first = min(at, fragments[one.key].place) if one.key in fragments else at
        fragments[one.key] = Fragment(fragment, own, one.key[1], first, None, one.key in waived)
        for said in (one.own, *one.claims):
            named = identifier(said.removeprefix("?"))
            key = (fragment, name_id(*named), _trust(said))
            old = claims.get(key)
            claims[key] = ClaimRow(
                *key[:2],
                named.namespace,
                key[2],
                min(at, old.first) if old else at,
                max(at, old.last) if old else at,
            )
    by_id = {fragment.id: key for key, fragment in fragments.items()}
    found = components(fragments.values(), claims.values(), (), limits)
    return {
        by_id[one]: (
            by_id[where.core],
            by_id[where.root],
            by_id.get(where.lends_to),
            where.quarantined and str(where.quarantined),
        )
        for one, where in found.items()
    }


def expected_golden(messages, state):
    """What `World.golden` must be: each fragment's best, verified first, source priority, newest; three."""
    told = defaultdict(dict)
    for one in messages:
        if state[one.key][3] == "contact_limit":
            continue
        for trait in one.traits:
            said = (_trust(one.own), one.priority, -one.seq, -one.index), (one.seq, one.index)
            offered = told[state[one.key][1], trait]
            offered[one.key] = min(said, offered.get(one.key, said))
    return {
        (root, trait, rank): at
        for (root, trait), offered in told.items()
        for rank, (_, at) in enumerate(sorted(offered.values())[:3], start=1)
    }
