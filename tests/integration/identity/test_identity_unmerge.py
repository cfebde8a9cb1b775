"""Un-merge on a real database: as if the two had never been joined, and for good."""

import random
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import select
from worlds.identity_world import Message, World

from cdp.kernel.errors import NotFound
from cdp.ports import Forgotten, OneFragment
from cdp.registers import workspaces
from cdp.vocabulary import Actor, FragmentId
from cdp.work import open_work
from identity import tables
from identity.resolve.unmerge import Crowded, KeptApart, NotSeparated

TESTER = Actor(ref="test", roles=frozenset({"service"}), kind="system")


@pytest.fixture
def world(begin):
    """An empty world."""
    return World(begin)


@pytest.fixture
def elsewhere(database):
    """An empty world in a workspace of its own."""
    other = workspaces.create(database.owner, name=f"other {uuid4()}", region="DE")
    return World(lambda: open_work(database.app, workspace=other, actor=TESTER, purpose="test"))


def separate(world, a, b):
    """Un-merge by (source, own identifier); the regrouped profiles."""
    a, b = world.fragment(*a), world.fragment(*b)
    with world.begin() as work:
        return world.service.separate(a, b, work=work)


def test_the_same_row_imported_again_does_not_join_them(world):
    """The mistyped e-mail comes with every export."""
    mistyped = Message(2, "crm", "crm:crm:7", ("email:ben",))
    world.hear(Message(1, "shop", "crm:shop:b", ("email:ben",)), mistyped)
    joined = world.people()
    regrouped = separate(world, ("crm", "crm:crm:7"), ("shop", "crm:shop:b"))
    world.hear(Message(3, "crm", "crm:crm:7", ("email:ben",)))
    roots = {row.root_id for row in world.rows().values()}

    assert len(joined) == 1
    assert len(world.people()) == 2
    assert regrouped == roots


def test_a_third_holder_of_the_address_belongs_to_neither(world):
    """Two people hold it now; a guess would show one of them to the other."""
    world.hear(
        Message(1, "shop", "crm:shop:b", ("email:ben",)), Message(2, "crm", "crm:crm:7", ("email:ben",))
    )
    separate(world, ("crm", "crm:crm:7"), ("shop", "crm:shop:b"))
    world.hear(Message(3, "news", "email:ben"))

    assert len(world.people()) == 3


def test_separating_what_a_third_joins_leaves_it_with_its_stronger_link(world):
    """The two have no contact in common: the rule decides, and keeps the user id's link."""
    world.hear(
        Message(1, "crm", "crm:crm:7", ("email:ann",)),
        Message(2, "web", "user_id:u", ("email:ann",)),
        Message(3, "shop", "crm:shop:b", ("user_id:u",)),
    )
    separate(world, ("crm", "crm:crm:7"), ("shop", "crm:shop:b"))

    assert world.people() == {
        frozenset({("crm", "crm:crm", "7")}),
        frozenset({("web", "user_id", "u"), ("shop", "crm:shop", "b")}),
    }


def test_separating_strangers_keeps_them_strangers(world):
    """A steward may say so before any evidence does."""
    world.hear(Message(1, "crm", "crm:crm:7"), Message(2, "shop", "crm:shop:b"))
    separate(world, ("crm", "crm:crm:7"), ("shop", "crm:shop:b"))
    world.hear(Message(3, "crm", "crm:crm:7", ("email:x",)), Message(4, "shop", "crm:shop:b", ("email:x",)))

    assert len(world.people()) == 2


def test_an_unknown_fragment_cannot_be_separated(world):
    """Nor one from itself."""
    world.hear(Message(1, "crm", "crm:crm:7"))
    known = world.fragment("crm", "crm:crm:7")
    with pytest.raises(NotFound), world.begin() as work:
        world.service.separate(known, FragmentId(uuid4()), work=work)
    with pytest.raises(OneFragment), world.begin() as work:
        world.service.separate(known, known, work=work)


CONTACTS = [f"{namespace}:{n}" for n in range(3) for namespace in ("email", "phone", "anonymous_id")]


def a_group(rnd, name):
    """A person's fragments, each known by its own source."""
    return [(f"{name}{n}", f"crm:{name}{n}:x") for n in range(rnd.randint(1, 5))]


def told(rnd, fragments, seqs, contacts):
    """A message of one of `fragments` that names some of `contacts`, which are that person's."""
    claims = tuple(rnd.sample(contacts, k=rnd.randint(0, 2)))
    traits = tuple(rnd.sample((1, 2, 3), k=rnd.randint(0, 2)))
    return Message(next(seqs), *rnd.choice(fragments), claims, traits=traits)


@pytest.mark.parametrize("seed", range(12))
def test_merge_and_unmerge_leave_what_never_merging_would_have_left(world, elsewhere, seed):
    """I3: two people, a mistyped e-mail, an un-merge, then news of both: all as if it had not been."""
    rnd = random.Random(seed)
    seqs = iter(rnd.sample(range(1, 200), k=100))
    ours, theirs = a_group(rnd, "a"), a_group(rnd, "b")
    contacts = {name: [f"{one}{name}" for one in CONTACTS] for name in "ab"}
    history = [told(rnd, ours, seqs, contacts["a"]) for _ in range(rnd.randint(1, 14))]
    history += [told(rnd, theirs, seqs, contacts["b"]) for _ in range(rnd.randint(1, 14))]
    wrong, victim = rnd.choice(ours), rnd.choice(theirs)
    history.append(Message(next(seqs), *victim, ("email:0b",)))
    rnd.shuffle(history)
    mistyped = Message(next(seqs), *wrong, ("email:0b",), traits=(1, 2))
    # Nobody new is joined over the address that two people hold now: there the two worlds differ.
    rest = [one for one in contacts["b"] if one != "email:0b"]
    later = [told(rnd, ours, seqs, contacts["a"]) for _ in range(5)]
    later += [told(rnd, theirs, seqs, rest) for _ in range(5)]

    world.hear(*history)
    world.hear(mistyped)
    merged = world.people()
    separate(world, wrong, victim)
    elsewhere.hear(*history, replace(mistyped, claims=()))
    split = world.people(), world.golden()
    never = elsewhere.people(), elsewhere.golden()
    for one in (world, elsewhere):
        one.hear(*later)

    assert len(merged) == len(never[0]) - 1
    assert split == never
    assert (world.people(), world.golden()) == (elsewhere.people(), elsewhere.golden())


# --- taking it back -----------------------------------------------------------------------------

CRM, SHOP = ("crm", "crm:crm:7"), ("shop", "crm:shop:b")


def rejoin(world, a, b):
    """Take a separation back; the regrouped profiles."""
    a, b = world.fragment(*a), world.fragment(*b)
    with world.begin() as work:
        return world.service.rejoin(a, b, work=work)


def test_a_separation_that_is_taken_back_leaves_no_trace_in_who_is_who(world, elsewhere):
    """Evidence decides again, of what came before, between and after."""
    heard = [
        Message(1, *SHOP, ("email:ben",), traits=(1,)),
        Message(2, *CRM, ("email:ben", "phone:1"), traits=(1, 2)),
        Message(3, "news", "email:ben"),
    ]
    for one in (world, elsewhere):
        one.hear(*heard)
    separate(world, CRM, SHOP)
    later = Message(4, "till", "crm:till:1", ("phone:1", "email:ben"))
    for one in (world, elsewhere):
        one.hear(later)
    apart = world.people()
    rejoin(world, CRM, SHOP)

    assert len(apart) > 1
    assert world.people() == elsewhere.people()


def test_only_what_a_steward_separated_is_taken_back_and_once(world):
    """Two who were never separated, and two who are joined again already."""
    world.hear(Message(1, *SHOP, ("email:ben",)), Message(2, *CRM, ("email:ben",)))
    with pytest.raises(NotSeparated):
        rejoin(world, CRM, SHOP)
    separate(world, CRM, SHOP)
    rejoin(world, SHOP, CRM)
    with pytest.raises(NotSeparated):
        rejoin(world, CRM, SHOP)
    with world.begin() as work, pytest.raises(NotFound):
        world.service.rejoin(world.fragment(*CRM), FragmentId(uuid4()), work=work)
    separate(world, CRM, SHOP)

    assert len(world.people()) == 2, "a separation can be decided again"


def test_what_an_erasure_keeps_apart_stays_apart_even_where_a_steward_had_decided_before(world):
    """The erased stood between them, and nothing is left of them to ask."""
    ann, shop, app = ("crm", "crm:crm:1"), ("shop", "crm:shop:2"), ("app", "crm:app:3")
    world.hear(*(Message(n, *one, ("email:x",)) for n, one in enumerate((ann, shop, app), 1)))
    # Decided and taken back: the row of these two is there, and ended.
    separate(world, shop, app)
    rejoin(world, shop, app)
    separate(world, ann, shop)
    late = ("late", "crm:late:4")
    world.hear(Message(4, *late, ("email:x",)))
    with world.begin() as work:
        world.erasable.erase(
            Forgotten(fragments=[world.fragment(*ann)], contacts=[], watermark=100), work=work
        )
        edge = tables.edges.c
        apart = work.session.execute(
            select(edge.a, edge.b).where(edge.kind == "never", edge.retracted_at.is_(None))
        ).all()
    before = world.people()

    assert len(apart) > 0
    for a, b in apart:
        with world.begin() as work, pytest.raises(NotSeparated):
            world.service.rejoin(a, b, work=work)
    assert world.people() == before


# --- a steward's same ---------------------------------------------------------------------------


def join(world, a, b):
    """Say that two are one person; the regrouped profiles."""
    a, b = world.fragment(*a), world.fragment(*b)
    with world.begin() as work:
        return world.service.join(a, b, work=work)


TWIN = ("crm", "crm:crm:8")


def test_two_records_of_one_source_are_one_person_when_a_steward_says_so(world):
    """Two ids of one CRM stop every guess, and a steward knows; separating undoes it exactly."""
    world.hear(Message(1, *CRM, ("email:a",), traits=(1,)), Message(2, *TWIN, ("email:b",), traits=(1, 2)))
    before = world.people("core_id"), world.golden()
    regrouped = join(world, TWIN, CRM)
    world.hear(Message(3, *TWIN, ("email:b",)))
    joined = world.people("core_id")
    separate(world, CRM, TWIN)

    assert len(joined) == 1
    assert regrouped == {world.fragment(*CRM), world.fragment(*TWIN)}
    assert (world.people("core_id"), world.golden()) == before


def test_what_is_kept_apart_or_quarantined_or_unknown_is_not_joined(world):
    """`never` is absolute, a placeholder is nobody, and a fragment is one already."""
    world.limits = replace(world.limits, contacts=2)
    many = ("web", "user_id:none")
    world.hear(Message(1, *CRM), Message(2, *TWIN), Message(3, *many, ("email:1", "email:2", "email:3")))
    separate(world, CRM, TWIN)
    for other, refusal in ((TWIN, KeptApart), (many, Crowded), (CRM, OneFragment)):
        with pytest.raises(refusal):
            join(world, CRM, other)
    with world.begin() as work, pytest.raises(NotFound):
        world.service.join(world.fragment(*CRM), FragmentId(uuid4()), work=work)
    rejoin(world, CRM, TWIN)
    join(world, CRM, TWIN)

    assert len(world.people()) == 2
