"""Erasure on a real database: nothing left, nobody else touched, no way back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import NAMESPACE_OID, uuid5

import pytest
from sqlalchemy import func, insert, select
from worlds.identity_world import Message, World, identifier

from cdp.ports import Forgotten
from cdp.vocabulary import FragmentId
from identity import tables
from identity.resolve.contacts import forget_erased, remember_erased

ANN, BEN = ("crm", "crm:crm:ann"), ("crm", "crm:crm:ben")


@pytest.fixture
def world(begin):
    """An empty world."""
    return World(begin)


def whom(world, key, *, work, watermark=100):
    """The verified part of a person's profile, with the contacts that nobody else holds."""
    root = world.service.resolve(world.fragment(*key), work=work)
    fragments = world.service.fragments_of(root, core_only=True, work=work)
    contacts = world.service.goes_by(fragments, work=work)
    sole = sorted(contact for contact, (_, alone) in contacts.items() if alone)
    return Forgotten(fragments=fragments, contacts=sole, watermark=watermark)


def erase(world, key, **more):
    """Erase a person; who that was, rows deleted and left."""
    with world.begin() as work:
        forgotten = whom(world, key, work=work, **more)
        deleted = world.erasable.erase(forgotten, work=work)
        return forgotten, deleted, world.erasable.residue(forgotten, work=work)


def a_family(world):
    """Ann and Ben share an address; Ann is known to two sources and lends from a browser."""
    world.hear(
        Message(1, *ANN, ("email:home", "email:ann", "phone:1"), traits=(1, 2)),
        Message(2, *BEN, ("email:home", "email:ben"), traits=(1,)),
        Message(3, "web", "user_id:ann", ("email:ann",), traits=(1,)),
        Message(4, "js", "?anonymous_id:a", ("?user_id:ann", "?email:ben")),
    )
    with world.begin() as work:
        fragment = world.fragment(*ANN)
        contact = world.service.contact_of(identifier("email:ann"), work=work)
        world.service.keep_addresses({(fragment, contact): b"sealed"}, work=work)


def test_an_erasure_leaves_nothing_of_the_person(world):
    """E1: every table is empty of them, and their ids resolve to nobody."""
    a_family(world)
    forgotten, deleted, left = erase(world, ANN)
    with world.begin() as work:
        gone = [world.service.resolve(one, work=work) for one in forgotten.fragments]
        known = [
            world.service.contact_of(identifier(said), work=work)
            for said in ("email:ann", "phone:1", "user_id:ann", "crm:crm:ann")
        ]
        kept = set(work.session.scalars(select(tables.gone.c.fragment_id)))

    assert len(forgotten.fragments) == 2
    assert set(left) == world.erasable.tables
    assert not any(left.values())
    assert deleted["identity.fragments"] == 2
    assert deleted["identity.addresses"] == 1
    assert gone == [None, None]
    assert known == [None] * 4
    assert kept == set(forgotten.fragments)


def test_the_other_holder_of_a_shared_address_keeps_everything(world):
    """E4: a shared contact loses only this person's link."""
    a_family(world)
    ben = world.fragment(*BEN)

    def seen(work):
        contacts = world.service.goes_by([ben], work=work)
        values = world.service.golden([world.service.resolve(ben, work=work)], [], work=work)
        return set(contacts), values

    with world.begin() as work:
        before = seen(work)
    erase(world, ANN)
    with world.begin() as work:
        after = seen(work)
        home = world.service.contact_of(identifier("email:home"), work=work)
        holders = world.service.profiles_of(home, work=work)

    assert after == before
    assert holders == [ben]


def test_a_device_that_lent_to_the_erased_lends_to_nobody(world):
    """Erasure cuts it, and forgets which user it had named."""
    a_family(world)
    erase(world, ANN)
    browser = ("js", "anonymous_id", "a")
    with world.begin() as work:
        asserted = work.session.scalars(
            select(tables.claims.c.namespace).where(tables.claims.c.fragment_id == world.rows()[browser].id)
        ).all()

    assert world.state()[browser][2] is None
    assert sorted(asserted) == ["anonymous_id", "email"]


def test_an_erasure_joins_nobody_over_an_address_that_three_held(world):
    """Whom the erased kept apart stay apart, or one would be shown what is the other's."""
    a_family(world)
    world.hear(Message(5, "news", "email:home"))
    before = world.people()
    ann = next(people for people in before if ("crm", "crm:crm", "ann") in people)
    with world.begin() as work:
        beside = world.service.beside(whom(world, ANN, work=work).fragments, work=work)
    erase(world, ANN)

    assert world.people() == before - {ann}
    assert {world.fragment(*BEN), world.fragment("news", "email:home")} <= set(beside)

    world.hear(Message(101, "shop", "crm:shop:x", ("email:home",)))

    assert world.people() == before - {ann} | {frozenset({("shop", "crm:shop", "x")})}


def test_a_stewards_word_outlives_one_of_the_two_whom_it_parted(world):
    """The address of an un-merged pair still joins nobody when one of the pair is erased, or the next."""
    shop, app, late = (("shop", "crm:shop:1"), ("app", "crm:app:9"), ("late", "crm:late:4"))
    world.hear(Message(1, *ANN, ("email:x",)), Message(2, *shop, ("email:x",)))
    with world.begin() as work:
        world.service.separate(world.fragment(*ANN), world.fragment(*shop), work=work)
    world.hear(Message(3, *app, ("email:x",)), Message(4, *late, ("email:x",)))
    apart = len(world.people())
    erase(world, ANN)
    after_ann = len(world.people())
    erase(world, shop)

    assert (apart, after_ann, len(world.people())) == (4, 3, 2)


def test_an_erasure_leaves_together_who_was_one_person(world):
    """What other contacts join stays joined, beside a shared address that joins nobody."""
    a_family(world)
    world.hear(Message(5, "news", "email:home", ("phone:7",)), Message(6, "shop", "crm:shop:x", ("phone:7",)))
    before = world.people()
    erase(world, ANN)
    pair = frozenset({("news", "email", "home"), ("shop", "crm:shop", "x")})

    assert pair in before
    assert pair in world.people()


def test_a_scored_neighbour_stays_and_becomes_its_own_profile(world):
    """E4: what was only probable waits for a review, with pointers of its own."""
    a_family(world)
    world.hear(Message(5, "shop", "crm:shop:x", traits=(1,)))
    ann, shop = sorted((world.fragment(*ANN), world.fragment("shop", "crm:shop:x")))
    with world.begin() as work:
        work.session.execute(
            insert(tables.edges).values(
                workspace_id=work.workspace,
                a=ann,
                b=shop,
                kind="scored",
                evidence="model",
                version=1,
                accept_seq=1,
                created_at=work.now,
            )
        )
    world.hear(Message(6, *ANN, ("phone:2",)))
    together = world.people()
    erase(world, ANN)

    neighbour = ("shop", "crm:shop", "x")
    assert frozenset({("crm", "crm:crm", "ann"), ("web", "user_id", "ann"), neighbour}) in together
    assert world.golden() == {(neighbour, 1, 1): (5, 0), (("crm", "crm:crm", "ben"), 1, 1): (2, 0)}


def test_nothing_accepted_before_an_erasure_brings_the_person_back(world):
    """E8: late messages that name them, alone or beside others, are dropped whole."""
    a_family(world)
    erase(world, ANN, watermark=100)
    placement = world.hear(
        Message(90, *ANN, ("phone:9",)),
        Message(91, *BEN, ("email:ben",)),
        Message(92, "shop", "crm:shop:x", ("email:ann",)),
        Message(93, "js", "?anonymous_id:z", ("?user_id:ann",)),
        Message(100, "web", "user_id:ann"),
    )

    assert [one.erased for one in placement.placed] == [True, False, True, True, True]
    assert all(not one.contacts for one in placement.placed if one.erased)
    assert world.people() == {
        frozenset({("crm", "crm:crm", "ben")}),
        frozenset({("js", "anonymous_id", "a")}),
    }
    with world.begin() as work:
        assert world.service.contact_of(identifier("phone:9"), work=work) is None


def test_the_same_address_later_is_a_stranger(world):
    """E7: a new subject with no old link."""
    a_family(world)
    forgotten, _, _ = erase(world, ANN)
    placed = world.hear(Message(101, *ANN, ("email:ann",))).placed[0]

    assert not placed.erased
    assert placed.fragment not in forgotten.fragments
    assert set(placed.contacts.values()) == placed.new_contacts
    assert not placed.new_contacts & set(forgotten.contacts)


def test_after_a_restore_the_journal_still_recognises_the_erased(world):
    """E2: the restored database has no watermark; the journal's HMACs do."""
    with world.begin() as work:
        ann = identifier("email:ann")
        mac = world.vault.lasting_macs(work.workspace, [ann])[0]["journal"]
        remember_erased([mac], 50, work=work)
    placement = world.hear(Message(50, *ANN, ("email:ann",)), Message(51, *BEN, ("email:ben",)))
    later = world.hear(Message(52, *ANN, ("email:ann",)))

    assert [one.erased for one in placement.placed] == [True, False]
    assert not later.placed[0].erased


def test_a_repeated_erasure_changes_nothing(world):
    """A job that finishes what a crash left may run twice."""
    a_family(world)
    forgotten, _, _ = erase(world, ANN)
    before = world.state()
    with world.begin() as work:
        again = world.erasable.erase(forgotten, work=work)

    assert not any(again.values())
    assert world.state() == before


def test_an_identifier_that_somebody_has_come_to_hold_stays(world):
    """Whom to forget was read before; another person may have claimed the address since."""
    a_family(world)
    with world.begin() as work:
        forgotten = whom(world, ANN, work=work)
    world.hear(Message(7, *BEN, ("email:ann",)))
    with world.begin() as work:
        world.erasable.erase(forgotten, work=work)
        left = world.erasable.residue(forgotten, work=work)
        kept = world.service.contact_of(identifier("email:ann"), work=work)

    assert kept is not None
    assert not any(left.values())


def test_what_recognises_latecomers_goes_after_its_time(world):
    """It is personal too: thirty days, not for ever."""
    a_family(world)
    erase(world, ANN)
    with world.begin() as work:
        early = forget_erased(work.now - timedelta(days=30), work=work)
        count = work.session.scalar(select(func.count()).select_from(tables.erased))
        late = forget_erased(work.now + timedelta(seconds=1), work=work)

    assert (early, late) == (0, count)
    assert count == 5


def test_erasing_and_hearing_at_once_leave_nobody_half_there(world):
    """The erasure and late messages race; whoever comes second sees the first."""
    for n in range(8):
        world.hear(Message(n + 1, "crm", f"crm:crm:{n}", (f"email:{n}",)))
    barrier = threading.Barrier(2)
    left = []

    def forget():
        for n in range(8):
            barrier.wait()
            left.append(erase(world, ("crm", f"crm:crm:{n}"))[2])

    def hear():
        for n in range(8):
            barrier.wait()
            world.hear(
                Message(50 + n, "crm", f"crm:crm:{n}", (f"email:{n}", f"phone:{n}")),
                Message(50 + n, "shop", f"crm:shop:{n}", (f"email:{n}",), index=1),
            )

    with ThreadPoolExecutor(2) as workers:
        for done in [workers.submit(forget), workers.submit(hear)]:
            done.result(timeout=60)
    with world.begin() as work:
        held = set(work.session.scalars(select(tables.claims.c.contact_id)))
        known = set(work.session.scalars(select(tables.identifiers.c.contact_id)))

    assert not any(count for one in left for count in one.values())
    assert held == known


def test_an_unknown_fragment_is_erased_without_ado(world):
    """After a restore the journal may name somebody whom the backup never knew."""
    nobody = FragmentId(uuid5(NAMESPACE_OID, "nobody"))
    with world.begin() as work:
        deleted = world.erasable.erase(Forgotten(fragments=[nobody], contacts=[], watermark=1), work=work)

    assert not any(deleted.values())
