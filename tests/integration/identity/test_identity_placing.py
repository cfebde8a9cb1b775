"""The batch path on a real database: order, duplicates, workers, hubs, locks."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from worlds.fakes_vault import FakeVault
from worlds.identity_world import Message, World, expected, expected_golden, identifier

from cdp.kernel.errors import Conflict
from identity.resolve.components import Limits


@pytest.fixture
def world(begin):
    """An empty world."""
    return World(begin)


CRM = ("crm", "crm:crm", "7")
SHOP = ("shop", "crm:shop", "x")


def test_two_sources_that_name_one_address_know_one_person(world):
    """The ordinary case: a CRM row and a shop row with the same e-mail."""
    first = world.hear(Message(1, "crm", "crm:crm:7", ("email:ann",)))
    second = world.hear(Message(2, "shop", "crm:shop:x", ("email:ann", "phone:1")))

    assert world.people() == {frozenset({CRM, SHOP})}
    assert first.regrouped == frozenset()
    assert second.regrouped == {first.placed[0].fragment, second.placed[0].fragment}


def test_a_contact_is_new_once(world):
    """Suppressions are looked up for new contacts only, so each must be told exactly once."""
    first = world.hear(Message(1, "crm", "crm:crm:7", ("email:ann",))).placed[0]
    second = world.hear(Message(2, "shop", "crm:shop:x", ("email:ann",))).placed[0]
    email = identifier("email:ann")

    assert first.new_contacts == set(first.contacts.values())
    assert second.contacts[email] == first.contacts[email]
    assert second.new_contacts == set(second.contacts.values()) - {first.contacts[email]}


def test_a_contact_is_found_by_an_older_version_of_its_index(world):
    """Rotation of the index key makes nobody a stranger."""
    world.hear(Message(1, "crm", "crm:crm:7", ("email:ann",)))
    world.vault = FakeVault(versions=(2, 1))
    placed = world.hear(Message(2, "shop", "crm:shop:x", ("email:ann", "phone:1"))).placed[0]

    assert len(world.people()) == 1
    assert placed.contacts[identifier("email:ann")] not in placed.new_contacts


def test_a_browser_lends_and_never_joins(world):
    """A public key asserts: behaviour goes to the user it names, and nothing comes back."""
    world.hear(Message(1, "web", "user_id:u", ("email:ann",)))
    world.hear(Message(2, "js", "?anonymous_id:a", ("?user_id:u", "?email:ann")))
    user, browser = ("web", "user_id", "u"), ("js", "anonymous_id", "a")

    assert world.people() == {frozenset({user}), frozenset({browser})}
    assert world.state()[browser][2] == user


def test_a_lender_follows_its_user_into_a_merge(world):
    """`lends_to` names a root, so it moves when the root does."""
    world.hear(Message(2, "web", "user_id:u", ("email:ann",)))
    world.hear(Message(3, "js", "?anonymous_id:a", ("?user_id:u",)))
    placement = world.hear(Message(1, "crm", "crm:crm:7", ("email:ann",)))

    assert world.state()["js", "anonymous_id", "a"][2] == CRM
    assert placement.regrouped == {world.fragment("crm", "crm:crm:7"), world.fragment("web", "user_id:u")}


def test_a_browser_may_lend_before_its_user_is_known(world):
    """Whoever verifies the user id later borrows what was asserted before."""
    world.hear(Message(1, "js", "?anonymous_id:a", ("?user_id:u",)))
    world.hear(Message(2, "web", "user_id:u"))

    assert world.state()["js", "anonymous_id", "a"][2] == ("web", "user_id", "u")


def test_the_steady_state_writes_nothing(world):
    """Messages that say nothing new cost no row version: only locks are taken."""
    batch = [Message(n, "crm", f"crm:crm:{n}", (f"email:{n}",)) for n in range(1, 20)]
    world.hear(*batch)
    before = world.rows()
    placement = world.hear(*(replace(one, seq=one.seq + 100) for one in batch))

    assert world.rows() == before
    assert placement.regrouped == frozenset()


def test_hubs_and_crowds_are_left_alone(world):
    """I6: a no-reply address joins nobody; a crowd beyond the limit is quarantined and unreachable."""
    world.limits = Limits(claims=5, fragments=6, contacts=20)
    for n in range(8):
        world.hear(Message(n + 1, "crm", f"crm:crm:{n}", ("email:noreply",)))
    for n in range(8):
        world.hear(Message(n + 20, f"s{n}", f"email:{n}", (f"email:{n + 1}",)))
    with world.begin() as work:
        reachable = work.session.execute(world.service.contacts().select()).all()
    crowd = {key for key, (*_, why) in world.state().items() if why == "component_limit"}

    assert all(len(members) == 1 for members in world.people())
    assert crowd == {(f"s{n}", "email", str(n)) for n in range(8)}
    assert {row.fragment_id for row in reachable} == {
        world.rows()["crm", "crm:crm", str(n)].id for n in range(8)
    }


def test_a_user_id_with_too_many_addresses_is_nobodys(world):
    """I9: it is quarantined at the address after the last, lets go of whom it joined, and stays so."""
    world.limits = Limits(claims=50, fragments=2000, contacts=3)
    world.hear(
        Message(1, "crm", "crm:crm:7", ("email:0", "phone:1")), Message(2, "shop", "crm:shop:x", ("email:0",))
    )
    for n in range(3):
        world.hear(Message(n + 3, "web", "user_id:none", (f"email:{n}",), traits=(1,)))
    before, web = world.people(), ("web", "user_id", "none")
    world.hear(Message(7, "web", "user_id:none", ("email:3",), traits=(1, 2)))
    world.hear(Message(8, "web", "user_id:none", ("email:4", "phone:1"), traits=(1, 2)))
    world.hear(Message(9, "news", "email:4"), Message(10, "app", "crm:app:9", ("email:4", "phone:1")))
    with world.begin() as work:
        reachable = {row.fragment_id for row in work.session.execute(world.service.contacts().select())}
        listed = world.service.quarantined(work=work)

    assert before == {frozenset({CRM, SHOP, web})}
    assert world.state()[web] == (web, web, None, "contact_limit")
    assert frozenset({CRM, SHOP, ("app", "crm:app", "9"), ("news", "email", "4")}) in world.people()
    assert world.rows()[web].id not in reachable
    assert not any(root == web for root, _, _ in world.golden())
    assert [(one[0], *one[2:]) for one in listed] == [(world.rows()[web].id, "user_id", "contact_limit", 7)]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_device_whose_browser_names_too_many_is_nobodys(world, at_once):
    """I9: a kiosk lends nothing to whom it named last."""
    world.limits = Limits(claims=50, fragments=2000, contacts=3)
    world.hear(Message(1, "web", "user_id:u0"))
    told = [Message(n + 2, "js", "?anonymous_id:kiosk", (f"?user_id:u{n}",)) for n in (3, 2, 1, 0)]
    for batch in [told] if at_once else [[one] for one in told]:
        world.hear(*batch)
    kiosk = ("js", "anonymous_id", "kiosk")

    assert world.state()[kiosk] == (kiosk, kiosk, None, "contact_limit")


SOURCES = ("crm", "shop", "web", "news")


def a_person(number, rnd):
    """Messages about one person from several sources, with typing errors and a family's address."""
    emails = [f"email:p{number}", f"email:home{number // 3}"]
    user = f"user_id:u{number}"
    yield "crm", f"crm:crm:{number}", [rnd.choice(emails), f"phone:{number}"]
    yield "shop", f"crm:shop:s{number}", [rnd.choice([*emails, f"email:p{rnd.randrange(60)}"]), user]
    yield "web", user, [f"anonymous_id:a{rnd.randrange(60)}", emails[0]]
    yield "js", f"?anonymous_id:a{rnd.randrange(60)}", ["?" + user, f"?email:p{rnd.randrange(60)}"]
    yield "news", emails[0], ["email:noreply"] if rnd.random() < 0.5 else []


def a_history(rnd, size):
    """Messages with fixed places; some said twice, the second copy accepted later."""
    told = [one for number in range(60) for one in a_person(number, rnd)]
    messages = []
    for n in range(size):
        source, own, claims = rnd.choice(told)
        named = tuple(rnd.sample(claims, k=rnd.randint(0, len(claims))))
        traits = tuple(rnd.sample(range(1, 6), k=rnd.randint(0, 3)))
        priority = 1 + SOURCES.index(source) if source in SOURCES else 9
        messages.append(
            Message(
                1 + n // 7, source, own, named, index=n % 7, traits=traits, name=str(n), priority=priority
            )
        )
    # A browser's copies are left out: which user id it named last may tell them apart (ADR-0004, price).
    copies = [replace(one, seq=one.seq + rnd.randint(1, 40), index=one.index + 10) for one in messages]
    return messages, [one for one in copies if one.source != "js" and rnd.random() < 0.15]


class Inbox:
    """Hands messages out as the collector does: a copy only if it was accepted earlier."""

    def __init__(self):
        self._first = {}
        self._lock = threading.Lock()

    def live(self, batch):
        with self._lock:
            kept = []
            for one in batch:
                if one.name not in self._first or (one.seq, one.index) < self._first[one.name]:
                    self._first[one.name] = (one.seq, one.index)
                    kept.append(one)
            return kept


@pytest.mark.parametrize(("seed", "contacts"), [(1, 20), (2, 20), (3, 2), (4, 3)])
def test_any_order_any_workers_and_duplicates_make_the_same_people(world, seed, contacts):
    """I1: 1,000 messages, shuffled, repeated, over two workers = the batch function over them all."""
    world.limits = replace(world.limits, contacts=contacts)
    rnd = random.Random(seed)
    messages, copies = a_history(rnd, 1000)
    told = messages + copies
    rnd.shuffle(told)
    batches = []
    while told:
        cut = rnd.randint(1, 80)
        batches.append(told[:cut])
        told = told[cut:]
    inbox = Inbox()
    with ThreadPoolExecutor(2) as workers:
        list(workers.map(lambda batch: world.hear(*inbox.live(batch)), batches))
    state = world.state()

    assert state == expected(messages, world.limits)
    assert world.golden() == expected_golden(messages, state)
    assert (contacts < 20) == any(why == "contact_limit" for *_, why in state.values())


@pytest.mark.parametrize("seed", [5, 6])
def test_what_a_steward_releases_in_between_is_as_if_it_had_never_been_counted(world, seed):
    """I1, I9: incremental = batch over what was said before and after, lending and golden values too."""
    world.limits = replace(world.limits, contacts=1)
    rnd = random.Random(seed)
    messages, _ = a_history(rnd, 700)
    told = rnd.sample(messages, k=len(messages))
    for at in range(0, 400, 50):
        world.hear(*told[at : at + 50])
    crowded = sorted(key for key, (*_, why) in world.state().items() if why == "contact_limit")
    waived = frozenset(rnd.sample(crowded, k=min(4, len(crowded))))
    for key in waived:
        with world.begin() as work:
            world.service.waive(world.rows()[key].id, work=work)
    for at in range(400, 700, 50):
        world.hear(*told[at : at + 50])
    state = world.state()

    assert waived
    assert state == expected(messages, world.limits, waived)
    assert world.golden() == expected_golden(messages, state)


def test_merges_both_ways_at_once_neither_cycle_nor_deadlock(world):
    """I7: A→B in one worker and B→A in the other, again and again; no client sees an error."""
    rounds = 12
    for n in range(rounds):
        for side in "ab":
            world.hear(Message(1, side, f"user_id:{side}{n}", (f"email:{side}{n}",)))
    barrier = threading.Barrier(2)

    def merge(side, other):
        for n in range(rounds):
            barrier.wait()
            numbers = range(rounds) if side == "a" else reversed(range(rounds))
            world.hear(
                Message(10 + n, side, f"email:{side}{n}", (f"email:{other}{n}",)),
                *(Message(10 + n, f"{side}{n}", f"user_id:{side}{m}", index=m + 1) for m in numbers),
            )

    with ThreadPoolExecutor(2) as workers:
        for done in [workers.submit(merge, "a", "b"), workers.submit(merge, "b", "a")]:
            done.result(timeout=60)
    roots = {row.id: row.root_id for row in world.rows().values()}

    assert all(roots[root] == root for root in roots.values())


def blob(world, size, claim="email:all", first=1):
    """So many fragments of one source, all of which go by one contact."""
    world.hear(
        *(Message(first + n, f"s{first + n}", f"crm:s{first + n}:x{n}", (claim,)) for n in range(size))
    )


def waive(world, key):
    with world.begin() as work:
        return world.service.waive(world.rows()[key].id, work=work)


def test_what_is_too_much_to_be_one_person_is_released_whole(world):
    """`component_limit`: a steward's word on one is on all that hangs together; what comes is counted."""
    world.limits = Limits(claims=50, fragments=6, contacts=20)
    blob(world, 7)
    before = {why for *_, why in world.state().values()}
    apart = len(world.people())
    some = sorted(world.rows())[3]
    moved = waive(world, some)
    whole = world.people()
    blob(world, 6, first=20)
    grown = world.people()
    blob(world, 1, first=40)

    assert (before, apart) == ({"component_limit"}, 7)
    assert len(whole) == 1 and len(moved) == 7
    assert [len(one) for one in grown] == [13]
    assert {why for *_, why in world.state().values()} == {"component_limit"}, (
        "seven more came than are known"
    )
    waive(world, some)
    assert [len(one) for one in world.people()] == [14]
    with pytest.raises(Conflict):
        waive(world, some)


def test_a_persons_release_lets_in_no_blob(world):
    """Two that are quarantined and turn out to hang together are looked at together."""
    world.limits = Limits(claims=50, fragments=6, contacts=20)
    blob(world, 7)
    blob(world, 7, claim="email:others", first=20)
    ours, theirs = ("s1", "crm:s1", "x0"), ("s20", "crm:s20", "x0")
    waive(world, ours)
    before = world.state()[theirs][3], len(world.people())
    world.hear(Message(50, "s50", "crm:s50:y", ("email:all", "email:others")))

    assert before == ("component_limit", 8)
    assert {why for *_, why in world.state().values()} == {"component_limit"}
    waive(world, theirs)
    assert [len(one) for one in world.people()] == [15]


def test_a_contact_of_a_role_joins_nobody_and_is_gone_by(world):
    """ADR-0024: it is held by each of them, whichever way round they come."""
    told = [Message(n, f"s{n}", f"crm:s{n}:x", ("email:desk",)) for n in (1, 2)]
    roles = [
        one.evidence._replace(claims=[claim._replace(joins=False) for claim in one.evidence.claims])
        for one in told
    ]
    world.heard |= {(one.source, one.own, *one.claims) for one in told}
    for one in roles:
        with world.begin() as work:
            world.service.place([one], work=work)
    with world.begin() as work:
        contact = world.service.contact_of(identifier("email:desk"), work=work)
        holding = world.service.profiles_of(contact, work=work)

    assert len(world.people()) == 2
    assert len(holding) == 2
