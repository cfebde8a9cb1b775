"""Golden values on a real database: who wins, and that merging leaves no copy."""

import random
from dataclasses import replace

import pytest
from sqlalchemy import text
from worlds.identity_world import Message, World, expected_golden

from cdp.ports import Forgotten

NAME, CITY = 1, 2


@pytest.fixture
def world(begin):
    """An empty world."""
    return World(begin)


def winners(world, trait=NAME):
    """Places of acceptance by rank, for the one profile that there is."""
    return {rank: seq for (_, found, rank), (seq, _) in world.golden().items() if found == trait}


def test_a_verified_value_beats_a_preferred_source_and_that_beats_a_newer_one(world):
    """The order is trust, priority, recency."""
    world.hear(
        Message(1, "crm", "crm:crm:7", ("email:ann",), traits=(NAME,), priority=1),
        Message(2, "shop", "crm:shop:x", ("email:ann",), traits=(NAME,), priority=2),
        Message(3, "shop", "crm:shop:x", ("email:ann",), traits=(NAME,), priority=2),
        Message(4, "js", "?anonymous_id:a", ("user_id:u",), traits=(NAME,), priority=0),
        Message(5, "web", "user_id:u", ("email:ann",), priority=3),
    )

    assert len(world.people()) == 1
    assert winners(world) == {1: 1, 2: 3, 3: 4}


def test_a_merge_and_its_end_move_pointers_only(world):
    """What a fragment brought, it takes along."""
    world.hear(Message(1, "crm", "crm:crm:7", ("email:ann",), traits=(NAME, CITY), priority=2))
    world.hear(Message(2, "shop", "crm:shop:x", ("email:ann",), traits=(NAME,), priority=1))
    joined = winners(world)
    a, b = world.fragment("crm", "crm:crm:7"), world.fragment("shop", "crm:shop:x")
    with world.begin() as work:
        world.service.separate(b, a, work=work)

    assert joined == {1: 2, 2: 1}
    assert world.golden() == {
        (("crm", "crm:crm", "7"), NAME, 1): (1, 0),
        (("crm", "crm:crm", "7"), CITY, 1): (1, 0),
        (("shop", "crm:shop", "x"), NAME, 1): (2, 0),
    }


def test_what_is_lent_is_never_golden(world):
    """A browser's word about somebody's name does not become their name."""
    world.hear(
        Message(1, "web", "user_id:u"),
        Message(2, "js", "?anonymous_id:a", ("?user_id:u",), traits=(NAME,)),
    )

    assert world.golden() == {(("js", "anonymous_id", "a"), NAME, 1): (2, 0)}


def test_a_fragment_has_one_rank_however_often_it_speaks(world):
    """Its newest word takes the place of the one before; nobody else moves."""
    world.hear(
        Message(1, "crm", "crm:crm:7", ("email:ann",), traits=(NAME,), priority=1),
        Message(2, "shop", "crm:shop:x", ("email:ann",), traits=(NAME,), priority=2),
    )
    for seq in (3, 4, 5, 6):
        world.hear(Message(seq, "crm", "crm:crm:7", traits=(NAME,), priority=1))

    assert winners(world) == {1: 6, 2: 2}


def test_what_does_not_change_is_not_written(world):
    """A source that speaks again writes one pointer a trait; one that is beaten writes none."""
    world.hear(
        Message(1, "crm", "crm:crm:7", ("email:ann",), traits=(NAME, CITY), priority=1),
        Message(2, "shop", "crm:shop:x", ("email:ann",), traits=(NAME, CITY), priority=2),
        Message(3, "web", "user_id:u", ("email:ann",), traits=(NAME,), priority=3),
        Message(4, "news", "email:ann", traits=(CITY,), priority=4),
        Message(5, "till", "crm:till:9", ("email:ann",), traits=(NAME,), priority=5),
    )
    before = versions(world)
    world.hear(Message(6, "till", "crm:till:9", traits=(NAME,), priority=5))
    beaten = versions(world)
    world.hear(Message(7, "crm", "crm:crm:7", traits=(NAME,), priority=1))
    changed = {pointer for pointer, version in versions(world).items() if beaten[pointer] != version}

    assert beaten == before
    assert changed == {(NAME, 1)}


def versions(world):
    """The version of each pointer's row, by trait and rank; one that is rewritten has another."""
    with world.begin() as work:
        rows = work.session.execute(text("SELECT trait, rank, xmin::text FROM identity.golden")).all()
    return {(trait, rank): version for trait, rank, version in rows}


def test_a_copy_that_was_accepted_earlier_costs_a_statement_its_place(world):
    """Recency is that of the first acceptance, so one that its fragment had left behind may return."""
    said = [Message(seq, "crm", "crm:crm:7", traits=(NAME,), name=f"m{seq}") for seq in (10, 20, 30, 40)]
    for one in said:
        world.hear(one)
    before = winners(world)
    world.hear(replace(said[3], seq=5))

    assert before == {1: 40}
    assert winners(world) == {1: 30}


def test_a_copy_that_was_accepted_earlier_costs_a_fragment_its_rank(world):
    """To one that had none: there are more fragments than ranks."""
    said = [
        Message(10 * n, f"s{n}", f"crm:s{n}:x", ("email:ann",), traits=(NAME,), name=f"m{n}")
        for n in (1, 2, 3, 4)
    ]
    world.hear(*said)
    before = winners(world)
    world.hear(replace(said[3], seq=5, name="m4"))

    assert before == {1: 40, 2: 30, 3: 20}
    assert winners(world) == {1: 30, 2: 20, 3: 10}


def test_pointers_carry_their_lineage(world):
    """A reader opens the envelope and can say who said it, when, and how far it is believed."""
    world.hear(Message(1, "crm", "crm:crm:7", traits=(NAME, CITY)))
    with world.begin() as work:
        profile = world.service.resolve(world.fragment("crm", "crm:crm:7"), work=work)
        (value,) = world.service.golden([profile], [CITY], work=work)
        both = world.service.golden([profile], [], work=work)
        (kept,) = world.service.statements([value.fragment], work=work)

    assert (value.trait, value.rank, value.sealed, value.profile) == (CITY, 1, b"sealed", profile)
    assert (value.statement, value.source, value.trust) == (kept.id, kept.source, kept.trust)
    assert len(both) == 2


SPEAKERS = (
    ("crm", "crm:crm:7", 1),
    ("shop", "crm:shop:x", 2),
    ("web", "user_id:u", 2),
    ("js", "?anonymous_id:a", 0),
    ("news", "email:ann", 3),
    ("till", "crm:till:9", 3),
)


@pytest.mark.parametrize("seed", range(8))
def test_pointing_step_by_step_equals_pointing_at_once(world, seed):
    """Appending to what has a rank finds the same winners as ranking everything that was said.

    I1: whatever the order and the cut of batches, with copies accepted earlier than what they repeat.
    """
    rnd = random.Random(seed)
    messages = []
    for n in range(80):
        source, own, priority = rnd.choice(SPEAKERS)
        traits = tuple(rnd.sample((1, 2, 3), k=rnd.randint(1, 3)))
        named = ("email:ann",) if rnd.random() < 0.2 else ()
        messages.append(Message(rnd.randint(10, 40), source, own, named, n, traits, str(n), priority))
    lowered = {one.name: replace(one, seq=rnd.randint(1, 9)) for one in rnd.sample(messages, k=12)}
    told = messages + list(lowered.values())
    rnd.shuffle(told)
    while told:
        cut = rnd.randint(1, 8)
        world.hear(*told[:cut])
        told = told[cut:]
    final = [lowered.get(one.name, one) for one in messages]

    assert world.golden() == expected_golden(final, world.state())


def test_forgetting_a_fragment_gives_its_rank_to_one_that_had_none(world):
    """What is left is what would be there if it had never spoken."""
    said = [
        Message(n, f"s{n}", f"crm:s{n}:x", ("email:ann",), traits=(NAME,), priority=n) for n in (1, 2, 3, 4)
    ]
    world.hear(*said, replace(said[0], seq=9))
    before = winners(world)
    gone = world.fragment("s1", "crm:s1:x")
    with world.begin() as work:
        world.erasable.erase(Forgotten(fragments=[gone], contacts=[], watermark=0), work=work)

    assert before == {1: 9, 2: 2, 3: 3}
    assert winners(world) == {1: 2, 2: 3, 3: 4}
