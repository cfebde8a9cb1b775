"""Golden values on a real database: who wins, and that merging leaves no copy."""

import random
from dataclasses import replace

import pytest
from identity_world import Message, World, expected_golden

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
    assert winners(world) == {1: 1, 2: 3, 3: 2}


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


def test_a_copy_that_was_accepted_earlier_costs_a_value_its_rank(world):
    """Recency is that of the first acceptance, so one who has no rank yet may gain it."""
    said = [Message(seq, "crm", "crm:crm:7", traits=(NAME,), name=f"m{seq}") for seq in (10, 20, 30, 40)]
    for one in said:
        world.hear(one)
    before = winners(world)
    world.hear(replace(said[3], seq=5))

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


@pytest.mark.parametrize("seed", range(4))
def test_pointing_step_by_step_equals_pointing_at_once(world, seed):
    """Appending to three ranks finds the same winners as ranking everything that was said."""
    rnd = random.Random(seed)
    messages = []
    for n in range(60):
        source, own = rnd.choice([("crm", "crm:crm:7"), ("shop", "crm:shop:x"), ("web", "user_id:u")])
        traits = tuple(rnd.sample((1, 2, 3), k=rnd.randint(1, 3)))
        named = ("email:ann",) if rnd.random() < 0.1 else ()
        priority = {"crm": 1, "shop": 2, "web": 2}[source]
        messages.append(
            Message(
                rnd.randint(1, 30), source, own, named, index=n, traits=traits, name=str(n), priority=priority
            )
        )
    told = list(messages)
    while told:
        cut = rnd.randint(1, 8)
        world.hear(*told[:cut])
        told = told[cut:]

    assert world.golden() == expected_golden(messages, world.state())
