"""Two batches at once, step by step: the second waits for the first and then sees it."""

import threading
import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from worlds.identity_world import Message, World, identifier

from cdp.kernel.database import run
from cdp.kernel.errors import Overloaded
from cdp.ports import Forgotten
from identity.resolve import regrouping
from identity.resolve.regrouping import Moved

WAITING = text(
    "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
    " WHERE NOT l.granted AND a.datname = current_database()"
)


@pytest.fixture
def world(begin):
    """An empty world."""
    return World(begin)


def overtaken(world, *, first, second, then=lambda work: None):
    """Run `first` in a Work; before it commits, let `second` run into it; `then` looks in the second.

    Returns whether the second had to wait.
    """
    failed = []

    def follow():
        try:
            with world.begin() as work:
                second(work)
                then(work)
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=follow)
    with world.begin() as work:
        first(work)
        thread.start()
        deadline = time.monotonic() + 120
        while not (waited := work.session.scalar(WAITING)) and thread.is_alive():
            assert time.monotonic() < deadline, "the second neither waits nor ends"
    thread.join(120)
    if failed:
        raise failed[0]
    return bool(waited)


def placing(world, *messages):
    """A step that places `messages`."""
    world.heard |= {(one.source, one.own, *one.claims) for one in messages}
    return lambda work: world.service.place([one.evidence for one in messages], work=work)


def locked(world, *own):
    """A step that says that somebody holds the row of that fragment."""
    fragment = world.fragment(*own)

    def look(_):
        query = "SELECT 1 FROM identity.fragments WHERE id = %s FOR UPDATE NOWAIT"
        with pytest.raises(OperationalError, match="could not obtain lock"), world.begin() as other:
            run(other.session, query, (fragment,))

    return look


def recognised(world, *messages, meanwhile):
    """Place `messages` by what was looked up before `meanwhile` happened; the placement."""
    world.heard |= {(one.source, one.own, *one.claims) for one in messages}
    evidence = [one.evidence for one in messages]
    with world.begin() as work:
        before = world.service.recognise(evidence, work=work)
        meanwhile()
        return world.service.place(evidence, work=work, recognised=before)


def test_a_contact_that_was_made_after_the_look_is_found_all_the_same(world):
    """What was looked up before the locks is a hint: another batch may have made what it lacks."""
    ann = Message(1, "crm", "crm:crm:7", ("email:ann",))
    placement = recognised(
        world, Message(2, "shop", "crm:shop:x", ("email:ann",)), meanwhile=lambda: world.hear(ann)
    )

    assert world.people() == {frozenset({("crm", "crm:crm", "7"), ("shop", "crm:shop", "x")})}
    assert len(placement.placed[0].new_contacts) == 1


def test_a_contact_that_went_after_the_look_is_not_written_to(world):
    """Whoever was erased in between comes back under a new contact, and nothing names the old one."""
    world.hear(Message(1, "crm", "crm:crm:7", ("email:ann",)), Message(2, "shop", "crm:shop:x"))
    with world.begin() as work:
        old = world.service.contact_of(identifier("email:ann"), work=work)
        person = world.service.resolve(world.fragment("crm", "crm:crm:7"), work=work)

    def erase():
        with world.begin() as work:
            fragments = world.service.fragments_of(person, core_only=True, work=work)
            contacts = sorted(world.service.goes_by(fragments, work=work))
            whom = Forgotten(fragments=fragments, contacts=contacts, watermark=2)
            world.erasable.erase(whom, work=work)

    late = Message(9, "shop", "crm:shop:x", ("email:ann",))
    placed = recognised(world, late, meanwhile=erase).placed[0]

    assert not placed.erased
    new = placed.contacts[identifier("email:ann")]
    assert new != old
    with world.begin() as work:
        assert world.service.knows(new, work=work)
        assert not world.service.knows(old, work=work)


def test_two_batches_that_meet_over_a_contact_nobody_holds_join_their_people(world):
    """A contact that was only asserted has no holder to lock: it is locked itself."""
    world.hear(Message(1, "js", "?anonymous_id:a", ("?email:ann",)))
    waited = overtaken(
        world,
        first=placing(world, Message(2, "crm", "crm:crm:7", ("email:ann",))),
        second=placing(world, Message(3, "shop", "crm:shop:x", ("email:ann",))),
    )

    assert waited
    assert frozenset({("crm", "crm:crm", "7"), ("shop", "crm:shop", "x")}) in world.people()


def test_two_batches_that_meet_over_a_new_contact_join_their_people(world):
    """Both would make it; one does, and the other goes on with that one."""
    waited = overtaken(
        world,
        first=placing(world, Message(2, "crm", "crm:crm:7", ("email:ann",))),
        second=placing(world, Message(3, "shop", "crm:shop:x", ("email:ann",))),
    )

    assert waited
    assert len(world.people()) == 1


def test_two_batches_that_make_one_fragment_make_it_once(world):
    """The same row of the same source in two files, of somebody whom only a browser has named."""
    world.hear(Message(1, "js", "?anonymous_id:a", ("?crm:crm:7", "?email:ann", "?phone:1")))
    waited = overtaken(
        world,
        first=placing(world, Message(3, "crm", "crm:crm:7", ("email:ann",))),
        second=placing(world, Message(2, "crm", "crm:crm:7", ("email:ann", "phone:1"))),
    )
    row = world.rows()["crm", "crm:crm", "7"]

    assert waited
    assert (row.accept_seq, row.index) == (2, 0)


def test_two_batches_that_extend_one_person_at_both_ends_see_one_another(world):
    """Different contacts, different fragments, one person: the person's rows are locked."""
    world.hear(Message(1, "old", "email:old"))
    world.hear(
        Message(2, "crm", "crm:crm:7", ("email:ann",)), Message(3, "shop", "crm:shop:x", ("email:ann",))
    )
    world.hear(Message(4, "new", "email:new"))
    waited = overtaken(
        world,
        first=placing(world, Message(5, "crm", "crm:crm:7", ("email:old",))),
        second=placing(world, Message(6, "shop", "crm:shop:x", ("email:new",))),
    )

    assert waited
    assert len(world.people()) == 1


def test_whoever_was_joined_while_a_batch_waited_is_locked_under_the_new_root(world):
    """A message that says nothing new must still hold the root that its fragment has now."""
    world.hear(Message(1, "old", "email:old"), Message(2, "crm", "crm:crm:7"))
    waited = overtaken(
        world,
        first=placing(world, Message(3, "crm", "crm:crm:7", ("email:old",))),
        second=placing(world, Message(4, "crm", "crm:crm:7")),
        then=locked(world, "old", "email:old"),
    )

    assert waited


def test_whoever_is_reached_only_after_waiting_is_locked_too(world):
    """Two people became one in between: the batch takes the locks of both before it writes."""
    world.hear(Message(1, "crm", "crm:crm:7", ("email:ann",)), Message(2, "shop", "crm:shop:x"))
    waited = overtaken(
        world,
        first=placing(world, Message(3, "shop", "crm:shop:x", ("email:ann",))),
        second=placing(world, Message(4, "web", "user_id:u", ("email:ann",))),
        then=locked(world, "shop", "crm:shop:x"),
    )

    assert waited
    assert len(world.people()) == 1


def test_a_lender_and_its_new_holder_see_one_another(world):
    """One batch asserts a user id, another verifies it: whoever is second joins the ends."""
    world.hear(Message(1, "js", "?anonymous_id:a", ("?user_id:u",)), Message(2, "js", "?anonymous_id:b"))
    waited = overtaken(
        world,
        first=placing(world, Message(3, "web", "user_id:u")),
        second=placing(world, Message(4, "js", "?anonymous_id:b", ("?user_id:u",))),
    )
    user = ("web", "user_id", "u")

    assert waited
    assert {key: lends_to for key, (_, _, lends_to, _) in world.state().items()} == {
        user: None,
        ("js", "anonymous_id", "a"): user,
        ("js", "anonymous_id", "b"): user,
    }


def test_a_message_that_an_erasure_overtakes_is_dropped(world):
    """E8: it waited for the person's row, which is gone; it starts again and recognises them."""
    world.hear(Message(1, "crm", "crm:crm:7", ("email:ann",)))
    whom = Forgotten(fragments=[world.fragment("crm", "crm:crm:7")], contacts=[], watermark=9)
    dropped = []

    def late(work):
        evidence = [
            Message(8, "crm", "crm:crm:7", ("email:ann",)).evidence,
            Message(9, "shop", "crm:shop:x", ("email:ann",)).evidence,
        ]
        dropped.extend(world.service.place(evidence, work=work).placed)

    waited = overtaken(world, first=lambda work: world.erasable.erase(whom, work=work), second=late)

    assert waited
    assert [one.erased for one in dropped] == [True, True]
    assert world.people() == set()


def test_an_erasure_that_a_message_overtakes_forgets_that_too(world):
    """What the person said a moment before is forgotten with them."""
    world.hear(Message(1, "crm", "crm:crm:7", ("email:ann",)))
    whom = Forgotten(fragments=[world.fragment("crm", "crm:crm:7")], contacts=[], watermark=9)
    waited = overtaken(
        world,
        first=placing(world, Message(2, "crm", "crm:crm:7", ("phone:1",))),
        second=lambda work: world.erasable.erase(whom, work=work),
    )
    with world.begin() as work:
        left = work.session.scalar(text("SELECT count(*) FROM identity.identifiers"))

    assert waited
    assert left == 0


def test_who_is_always_overtaken_gives_up_and_has_written_nothing(world):
    """Five attempts, then a named error: the caller sends less at once."""
    tried = []

    def attempt(also):
        tried.append(also)
        raise Moved

    with pytest.raises(Overloaded), world.begin() as work:
        regrouping.retrying(attempt, work=work)

    assert len(tried) == regrouping.ATTEMPTS
