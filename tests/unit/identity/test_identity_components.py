"""Who is one person: the pure rule, against an independent library and against itself."""

from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from cdp.vocabulary import Trust
from identity.resolve.closure import Stored, walk
from identity.resolve.components import (
    Book,
    ClaimRow,
    Component,
    EdgeKind,
    EdgeRow,
    Fragment,
    Limits,
    Quarantine,
    components,
    group,
    reached,
    unique,
)

WIDE = Limits(claims=1000, fragments=1000, contacts=1000)
NARROW = Limits(claims=3, fragments=1000, contacts=2)
CROWDED = Limits(claims=3, fragments=1000, contacts=1)  # two of three histories have a placeholder
NAMESPACES = ("user_id", "crm:shop", "anonymous_id", "email", "phone", "loyalty")
FRAGMENTS, CONTACTS = 10, 4
DESK = ("phone", CONTACTS)  # a contact that joins nobody, as a mailbox of a role


def fragment(number, namespace="email", contact=None, place=None):
    """The fragment of that number; by itself it is the only one to know its own contact."""
    own = contact or UUID(int=1000 + number)
    return Fragment(UUID(int=number), own, namespace, place or (number, 0))


def claim(number, contact, *, namespace="email", trust=Trust.VERIFIED, place=None):
    """Fragment `number` goes by the contact `contact` of `namespace`."""
    place = place or (number, 0)
    one = UUID(int=100 * NAMESPACES.index(namespace) + contact)
    return ClaimRow(UUID(int=number), one, namespace, trust, place, place, (namespace, contact) != DESK)


def partition(found, level="core"):
    """The sets of fragment numbers."""
    sets = defaultdict(set)
    for one, where in found.items():
        sets[getattr(where, level)].add(one.int)
    return {frozenset(members) for members in sets.values()}


def grouped(fragments, claims, edges=(), limits=WIDE, level="core"):
    """The sets of fragment numbers that `components` finds."""
    return partition(components(fragments, claims, edges, limits), level)


def of(*numbers):
    """The fragments of those numbers."""
    return [fragment(number) for number in numbers]


def never(a, b):
    return EdgeRow(UUID(int=a), UUID(int=b), EdgeKind.NEVER)


def same(a, b):
    return EdgeRow(UUID(int=a), UUID(int=b), EdgeKind.SAME)


def scored(a, b, place=0):
    return EdgeRow(UUID(int=a), UUID(int=b), EdgeKind.SCORED, place)


numbers = st.integers(1, FRAGMENTS)
places = st.tuples(st.integers(1, 6), st.integers(0, 2))


@st.composite
def histories(draw, edges=True):
    """Fragments, claims and edges over few contacts, so that constraints bite."""
    count = draw(st.integers(2, FRAGMENTS))
    fragments, claims = [], {}
    for number in range(1, count + 1):
        own = claim(
            number,
            draw(st.integers(1, CONTACTS)),
            namespace=draw(st.sampled_from(NAMESPACES)),
            trust=draw(st.sampled_from([Trust.VERIFIED, Trust.VERIFIED, Trust.ASSERTED])),
            place=draw(places),
        )
        fragments.append(fragment(number, own.namespace, own.contact, own.first))
        made = [own] + [
            claim(
                number,
                draw(st.integers(1, CONTACTS)),
                namespace=draw(st.sampled_from(NAMESPACES)),
                trust=draw(st.sampled_from([Trust.VERIFIED, Trust.VERIFIED, Trust.ASSERTED])),
                place=draw(places),
            )
            for _ in range(draw(st.integers(0, 3)))
        ]
        for one in made:
            claims.setdefault((one.fragment, one.contact, one.trust), one)
    some = st.integers(1, count)
    pairs = st.tuples(some, some).filter(lambda pair: pair[0] < pair[1])
    decided = draw(st.lists(st.tuples(st.sampled_from([never, same, scored]), pairs), max_size=4 * edges))
    return fragments, list(claims.values()), sorted({make(*pair) for make, pair in decided})


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_given_never_changes_the_people(history, random):
    """I1: components are a function of sets, not of sequences."""
    fragments, claims, edges = history
    shuffled = [random.sample(part, k=len(part)) for part in history]

    assert components(*shuffled, NARROW) == components(fragments, claims, edges, NARROW)


@given(st.lists(st.tuples(numbers, st.integers(1, CONTACTS * 3)), max_size=30))
def test_without_constraints_people_are_connected_components(links):
    """The union is the textbook one, as scipy computes it."""
    claims = {(one, contact): claim(one, contact) for one, contact in links}
    found = grouped(of(*range(1, FRAGMENTS + 1)), claims.values())
    rows, columns = [a for a, _ in links], [FRAGMENTS + contact for _, contact in links]
    size = 1 + FRAGMENTS + CONTACTS * 3
    graph = coo_matrix((numpy.ones(len(links)), (rows, columns)), shape=(size, size))
    labels = connected_components(graph, directed=False)[1]
    expected = defaultdict(set)
    for number in range(1, FRAGMENTS + 1):
        expected[labels[number]].add(number)

    assert found == {frozenset(members) for members in expected.values()}


@given(histories())
def test_nobody_has_two_user_ids_unless_a_steward_or_one_source_said_so(history):
    """A person holds at most one contact of a unique namespace."""
    fragments, claims, edges = history
    edges = [edge for edge in edges if edge.kind is not EdgeKind.SAME]
    known_by = {(one.id, one.namespace): one.contact for one in fragments}
    said = [one for one in claims if one.trust is Trust.VERIFIED and unique(one.namespace)]
    itself = {one.fragment for one in said if known_by.get((one.fragment, one.namespace)) == one.contact}
    for level in ("core", "root"):
        for members in grouped(fragments, claims, edges, level=level):
            held = defaultdict(set)
            for one in said:
                own = known_by.get((one.fragment, one.namespace), one.contact)
                if one.fragment.int in members and (own == one.contact or one.fragment not in itself):
                    held[one.namespace].add(one.contact)

            assert len(members) == 1 or all(len(contacts) == 1 for contacts in held.values())


@given(histories())
def test_what_a_steward_keeps_apart_is_in_no_person_together(history):
    """`never` is absolute: over verified links, scored links and a steward's own `same`."""
    fragments, claims, edges = history
    found = components(fragments, claims, edges, WIDE)

    for edge in edges:
        if edge.kind is EdgeKind.NEVER:
            assert found[edge.a].root != found[edge.b].root
            assert found[edge.a].core != found[edge.b].core


@given(histories())
def test_a_profile_goes_by_its_first_fragment(history):
    """The root is the smallest (place, id), the core's likewise, and cores lie within roots."""
    fragments, claims, edges = history
    found = components(fragments, claims, edges, WIDE)
    order = {one.id: one.order for one in fragments}
    for level in ("core", "root"):
        for members in partition(found, level):
            first = min(members, key=lambda number: order[UUID(int=number)])
            assert {getattr(found[UUID(int=number)], level).int for number in members} == {first}

    assert all(any(core <= root for root in partition(found, "root")) for core in partition(found, "core"))


@dataclass
class Memory:
    """A store of claims for `walk`, with the components that were written last."""

    limits: Limits
    fragments_by_id: dict = field(default_factory=dict)
    claims: dict = field(default_factory=dict)
    standing: list = field(default_factory=list)
    written: dict = field(default_factory=dict)
    retracted: dict = field(default_factory=dict)

    def _stored(self, one):
        mine = [c for (holder, _, _), c in self.claims.items() if holder == one]
        itself = self.fragments_by_id[one]
        if self.written[one].quarantined is Quarantine.CONTACTS:
            itself = itself._replace(quarantined=Quarantine.CONTACTS)
        return Stored(itself, self.written[one], mine)

    def fragments(self, ids):
        return [self._stored(one) for one in ids if one in self.fragments_by_id]

    def claimants(self, contacts, most):
        found = set()
        for contact in contacts:
            holders = [
                holder for holder, named, trust in self.claims if named == contact and trust is Trust.VERIFIED
            ]
            found |= set(holders[:most])
        return [self._stored(one) for one in found]

    def edges(self, ids):
        return [edge for edge in self.standing if edge.a in ids or edge.b in ids]

    def hear(self, fragments, claims, edges):
        """Take in a batch and group anew what it reaches."""
        seeds, fresh = set(), defaultdict(int)
        for one in fragments:
            self.fragments_by_id[one.id] = one
            self.written.setdefault(one.id, Component(one.id, one.id, None, None))
        for one in claims:
            self.claims[one.fragment, one.contact, one.trust] = one
            seeds.add(one.fragment)  # as placing does with those who have too many asserted claims
            if one.trust is Trust.VERIFIED:
                fresh[one.contact] += 1
        self.standing += edges
        seeds |= {end for edge in edges for end in edge[:2]}
        reach = walk(seeds, fresh, store=self, limits=self.limits)
        found = group(reach.book, list(reach.edges))
        self.written |= {one: found[one] for one in reach.inside}
        crowded = reach.inside & reach.book.crowded
        self.retracted |= {key: one for key, one in self.claims.items() if key[0] in crowded}
        self.claims = {key: one for key, one in self.claims.items() if key[0] not in crowded}

    def waive(self, one):
        """A steward releases a placeholder: what it claimed is claimed again."""
        self.fragments_by_id[one] = self.fragments_by_id[one]._replace(waived=True)
        again = [claim for key, claim in self.retracted.items() if key[0] == one]
        self.retracted = {key: claim for key, claim in self.retracted.items() if key[0] != one}
        self.hear([], again, [])


def _batches(history, random):
    """The history cut into batches; what a claim or an edge needs comes with it or before."""
    fragments, claims, edges = history
    by_id = {one.id: one for one in fragments}
    told = [("claim", one) for one in claims] + [("edge", one) for one in edges]
    random.shuffle(told)
    heard = set()
    while told:
        size = random.randint(1, 4)
        part, told = told[:size], told[size:]
        ends = {one.fragment for kind, one in part if kind == "claim"}
        ends |= {end for kind, one in part if kind == "edge" for end in one[:2]}
        new = [by_id[one] for one in ends - heard]
        heard |= ends
        yield (
            new,
            [one for kind, one in part if kind == "claim"],
            [one for kind, one in part if kind == "edge"],
        )


@pytest.mark.parametrize("limits", [NARROW, CROWDED])
@given(history=histories(), random=st.randoms(use_true_random=False))
def test_grouping_what_a_change_reaches_equals_grouping_everything(limits, history, random):
    """I1, I9: the incremental path and the batch function find the same people, hubs and placeholders."""
    memory = Memory(limits)
    for batch in _batches(history, random):
        memory.hear(*batch)
    everything = components(*history, limits)

    assert {one: now[:2] for one, now in memory.written.items()} == {
        one: now[:2] for one, now in everything.items()
    }
    assert {one for one, now in memory.written.items() if now.quarantined is Quarantine.CONTACTS} == {
        one for one, now in everything.items() if now.quarantined is Quarantine.CONTACTS
    }


@given(histories(), st.randoms(use_true_random=False))
def test_what_a_steward_releases_is_grouped_as_if_it_had_never_been_counted(history, random):
    """I1, I9: released at any moment, while more is said of it and others: incremental = batch."""
    memory, waived = Memory(CROWDED), set()
    for batch in _batches(history, random):
        memory.hear(*batch)
        crowded = [one for one, now in memory.written.items() if now.quarantined is Quarantine.CONTACTS]
        if crowded and random.random() < 0.5:
            waived.add(one := random.choice(sorted(crowded)))
            memory.waive(one)
    fragments, claims, edges = history
    marked = [one._replace(waived=one.id in waived) for one in fragments]
    everything = components(marked, claims, edges, CROWDED)

    assert {one: (*now[:2], now.quarantined) for one, now in memory.written.items()} == {
        one: (*now[:2], now.quarantined) for one, now in everything.items()
    }


def test_what_goes_by_too_many_contacts_joins_nobody_and_parts_nobody():
    """I9: a placeholder named everybody; who is joined by what it names is joined without it."""
    named = [claim(1, contact) for contact in (1, 2, 3)] + [claim(1, 1, namespace="user_id")]
    others = [claim(2, 1), claim(3, 1), claim(2, 2, namespace="user_id"), claim(4, 2)]
    limits = Limits(claims=3, fragments=9, contacts=2)
    found = components(of(1, 2, 3, 4), [*named, *others], [same(1, 4)], limits)

    assert partition(found, "root") == {frozenset({1}), frozenset({2, 3}), frozenset({4})}
    assert {one.int for one, where in found.items() if where.quarantined} == {1}
    assert found[UUID(int=1)].quarantined is Quarantine.CONTACTS


def test_contacts_are_counted_by_namespace_and_once_whoever_said_them():
    """Two addresses and two numbers are one person's; a browser's 21 addresses are not."""
    limits = Limits(claims=9, fragments=9, contacts=2)
    few = [
        claim(1, n, namespace=kind, trust=trust)
        for kind in ("email", "phone")
        for n in (1, 2)
        for trust in (1, 3)
    ]
    many = [claim(1, n, trust=Trust.ASSERTED) for n in (1, 2, 3)]

    assert components(of(1), few, (), limits)[UUID(int=1)].quarantined is None
    assert components(of(1), many, (), limits)[UUID(int=1)].quarantined is Quarantine.CONTACTS


@pytest.mark.parametrize("trust", [Trust.VERIFIED, Trust.ASSERTED])
def test_one_person_has_as_many_devices_as_they_like(trust):
    """A client on a server makes up an anonymous id for each message: a person of many is one person."""
    limits = Limits(claims=9, fragments=9, contacts=2)
    devices = [claim(1, n, namespace="anonymous_id", trust=trust) for n in range(50)]
    found = components(of(1, 2), [*devices, claim(1, 99), claim(2, 99)], (), limits)

    assert found[UUID(int=1)].quarantined is None
    assert partition(found, "core") == {frozenset({1, 2})}


def test_an_identifier_that_too_many_claim_joins_nobody():
    """I6: no-reply addresses and shared devices make no blob profile."""
    claims = [claim(number, 1) for number in range(1, 5)]

    assert grouped(of(1, 2, 3), claims[:3], limits=NARROW) == {frozenset({1, 2, 3})}
    assert grouped(of(1, 2, 3, 4), claims, limits=NARROW) == {frozenset({n}) for n in (1, 2, 3, 4)}


def test_a_neighbourhood_beyond_the_limit_is_quarantined_and_joined_to_nobody():
    """I6: a person of too many fragments is no person; which of them are real, a steward says."""
    claims = [claim(number, contact) for number in range(1, 5) for contact in (number, number + 1)]
    found = components(of(1, 2, 3, 4), claims, (), Limits(claims=9, fragments=3, contacts=9))

    assert all(where.quarantined for where in found.values())
    assert partition(found) == {frozenset({n}) for n in (1, 2, 3, 4)}


def test_whoever_joins_a_quarantined_neighbourhood_is_quarantined_too():
    """A brake that the next message releases would be none."""
    stuck = fragment(1)._replace(quarantined=Quarantine.COMPONENT)
    found = components([stuck, fragment(2)], [claim(1, 1), claim(2, 1)], (), WIDE)

    assert all(where.quarantined for where in found.values())


def test_an_address_held_by_two_people_joins_nobody():
    """A family's e-mail: two CRM rows name it, so a third holder belongs to neither."""
    claims = [
        claim(1, 1, namespace="crm:shop"),
        claim(2, 2, namespace="crm:shop"),
        *(claim(number, 1) for number in (1, 2, 3)),
    ]

    assert grouped(of(1, 2, 3), claims) == {frozenset({1}), frozenset({2}), frozenset({3})}


def test_ids_of_two_systems_are_not_two_people():
    """Uniqueness is per namespace: a CRM's number and a shop's number make one person."""
    claims = [claim(1, 1, namespace="crm:shop"), claim(2, 1, namespace="user_id")]

    assert grouped(of(1, 2), [*claims, claim(1, 1), claim(2, 1)]) == {frozenset({1, 2})}


def test_a_device_that_two_user_ids_verified_belongs_to_neither():
    """And it does not part what the user ids join elsewhere."""
    claims = [
        claim(1, 1, namespace="user_id"),
        claim(2, 1, namespace="user_id"),
        claim(3, 1, namespace="user_id"),
        claim(3, 2, namespace="user_id"),
        claim(4, 2, namespace="user_id"),
    ]

    assert grouped(of(1, 2, 3, 4), claims) == {frozenset({1, 2}), frozenset({3}), frozenset({4})}


def test_a_fragment_known_by_a_user_id_is_that_user_whatever_other_ids_it_names():
    """A source that renames its user does not tear the user's own fragment."""
    renamed = fragment(1, "user_id", claim(1, 1, namespace="user_id").contact)
    claims = [
        claim(1, 1, namespace="user_id"),
        claim(1, 2, namespace="user_id"),
        claim(2, 1, namespace="user_id"),
        claim(3, 2, namespace="user_id"),
        claim(4, 2, namespace="user_id"),
    ]

    assert grouped([renamed, *of(2, 3, 4)], claims) == {frozenset({1, 2}), frozenset({3, 4})}


def test_the_stronger_link_is_taken_where_both_cannot_be():
    """A phone seen first gives way to a user id: rules come before places."""
    claims = [
        claim(1, 1, namespace="user_id", place=(9, 0)),
        claim(2, 1, namespace="user_id", place=(9, 1)),
        claim(2, 1, namespace="phone", place=(1, 0)),
        claim(3, 1, namespace="phone", place=(2, 0)),
        claim(3, 1, namespace="email", place=(3, 0)),
        claim(4, 1, namespace="email", place=(4, 0)),
        claim(4, 2, namespace="user_id", place=(5, 0)),
    ]

    assert grouped(of(1, 2, 3, 4), claims) == {frozenset({1, 2}), frozenset({3, 4})}


def test_of_two_equal_links_the_one_that_was_accepted_first_is_taken():
    """Acceptance is the only order there is."""
    claims = [
        claim(1, 1, namespace="user_id"),
        claim(2, 2, namespace="user_id"),
        claim(1, 1, place=(1, 0)),
        claim(2, 2, place=(1, 0)),
        claim(3, 2, place=(4, 0)),
        claim(3, 1, place=(5, 0)),
    ]

    assert grouped(of(1, 2, 3), claims) == {frozenset({1}), frozenset({2, 3})}


def test_a_contact_of_two_whom_a_steward_separates_joins_nobody():
    """Un-merge: repeated evidence over that contact cannot join them, nor a third to either."""
    claims = [claim(number, 1) for number in (1, 2, 3)]

    assert grouped(of(1, 2, 3), claims, [never(1, 2)]) == {frozenset({1}), frozenset({2}), frozenset({3})}


def test_a_third_fragment_between_two_separated_goes_with_its_stronger_link():
    """Joined over a third, not directly: the user id outweighs the older e-mail."""
    claims = [
        claim(1, 1, place=(1, 0)),
        claim(3, 1, place=(1, 1)),
        claim(3, 1, namespace="user_id", place=(2, 0)),
        claim(2, 1, namespace="user_id", place=(2, 1)),
    ]

    assert grouped(of(1, 2, 3), claims, [never(1, 2)]) == {frozenset({1}), frozenset({2, 3})}


def test_a_steward_joins_across_user_ids():
    """`same` yields to nothing but `never`."""
    claims = [claim(1, 1, namespace="user_id"), claim(2, 2, namespace="user_id")]

    assert grouped(of(1, 2), claims, [same(1, 2)]) == {frozenset({1, 2})}
    assert grouped(of(1, 2), claims, [same(1, 2), never(1, 2)]) == {frozenset({1}), frozenset({2})}


def test_a_scored_link_joins_the_profile_and_not_the_core():
    """I2: grants, contacts, access and erasure stop at verified links."""
    found = components(of(1, 2), [], [scored(1, 2)], WIDE)

    assert partition(found, "root") == {frozenset({1, 2})}
    assert partition(found, "core") == {frozenset({1}), frozenset({2})}


def test_an_asserted_claim_joins_nobody():
    """Naming a victim's e-mail in a browser serves the attacker nothing."""
    claims = [claim(1, 1), claim(2, 1, trust=Trust.ASSERTED)]

    assert grouped(of(1, 2), claims, level="root") == {frozenset({1}), frozenset({2})}


def lends(claims, fragments=(1, 2, 3)):
    """To whom fragment 3 lends."""
    where = components(of(*fragments), claims, (), WIDE)[UUID(int=3)].lends_to
    return where and where.int


def test_a_browser_lends_behaviour_to_the_user_id_that_it_named_last():
    """Upward only, and only to somebody who verifiably is that user."""
    users = [claim(1, 1, namespace="user_id"), claim(2, 2, namespace="user_id")]
    first = claim(3, 1, namespace="user_id", trust=Trust.ASSERTED, place=(5, 0))
    then = claim(3, 2, namespace="user_id", trust=Trust.ASSERTED, place=(6, 0))
    back = first._replace(last=(7, 0))

    assert lends([*users, first]) == 1
    assert lends([*users, first, then]) == 2
    assert lends([*users, back, then]) == 1
    assert lends([first]) is None
    assert lends([*users, claim(3, 1, trust=Trust.ASSERTED)]) is None


def test_whoever_verifiably_is_the_user_lends_nothing_to_itself():
    """A proof makes a member of a lender."""
    claims = [claim(1, 1, namespace="user_id"), claim(3, 1, namespace="user_id")]
    said = claim(3, 1, namespace="user_id", trust=Trust.ASSERTED)

    assert lends([*claims, said]) is None


def test_a_contact_of_a_role_joins_nobody_and_keeps_nobody_apart():
    """ADR-0024: who go by it are joined by what else they go by, as if it were not there."""
    desk = [claim(number, DESK[1], namespace=DESK[0]) for number in (1, 2, 3, 4)]
    claims = [*desk, claim(1, 1), claim(2, 1)]

    assert grouped(of(1, 2, 3, 4), claims) == {frozenset({1, 2}), frozenset({3}), frozenset({4})}
    assert grouped(of(1, 2, 3, 4), claims, limits=Limits(claims=1, fragments=2, contacts=9)) == {
        frozenset({1}), frozenset({2}), frozenset({3}), frozenset({4}),
    }, "the address of two is a hub where one may hold it; the desk is none"  # fmt: skip


SMALL = Limits(claims=9, fragments=3, contacts=9)


def vouched(*numbers):
    return [one._replace(vouched=True) for one in of(*numbers)]


def at_one(*numbers):
    """Claims of one address by all of them."""
    return [claim(number, 1) for number in numbers]


def test_what_a_steward_vouches_for_is_one_person_though_there_is_much_of_it():
    """It is counted no more, and what comes to it is, up to the limit."""
    unknown = grouped(of(1, 2, 3, 4), at_one(1, 2, 3, 4), limits=SMALL)
    known = grouped(vouched(1, 2, 3, 4), at_one(1, 2, 3, 4), limits=SMALL)
    grown = grouped(vouched(1, 2, 3, 4) + of(5, 6, 7), at_one(*range(1, 8)), limits=SMALL)
    blob = grouped(vouched(1, 2, 3, 4) + of(5, 6, 7, 8), at_one(*range(1, 9)), limits=SMALL)

    assert len(unknown) == 4
    assert known == {frozenset({1, 2, 3, 4})}
    assert grown == {frozenset(range(1, 8))}
    assert len(blob) == 8, "what came is too much to be one person"


def test_what_is_quarantined_still_lets_in_nobody_for_whom_a_steward_vouched():
    """A person who turns out to be linked to a blob is not released with it, but goes into quarantine."""
    stuck = [one._replace(quarantined=Quarantine.COMPONENT) for one in of(5)]

    assert len(grouped(vouched(1, 2, 3, 4) + stuck, at_one(1, 2, 3, 4, 5), limits=SMALL)) == 5


def test_what_hangs_together_is_all_that_links_join():
    """Whatever is quarantined of it, and whatever keeps some of it apart."""
    fragments = [one._replace(quarantined=Quarantine.COMPONENT) for one in of(1, 2, 3, 4)] + of(5, 6)
    claims = [*at_one(1, 2, 3), claim(3, 2), claim(4, 2), claim(5, 3), claim(6, 3)]
    book = Book(SMALL)
    for one in fragments:
        book.enter(one, [each for each in claims if each.fragment == one.id])

    assert {one.int for one in reached(book, [], UUID(int=1))} == {1, 2, 3, 4}
