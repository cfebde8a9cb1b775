"""ADR-0024: `info@` is a contact that may be written to, at which a no stands, and that joins nobody."""

import pytest
from test_import_noes import load
from worlds.journeys import ANN, identify

from cdp.intake.importing import Loss
from cdp.registers import source_rows
from cdp.vocabulary import Identifier, State

__all__ = ["load"]
DESK = "info@smallshop.example"


def holders(journey, value=DESK, namespace="email"):
    """Who goes by a contact."""
    with journey.begin()() as work:
        contact = journey.ports.identity.contact_of(Identifier(namespace, value), work=work)
        return journey.ports.identity.profiles_of(contact, work=work) if contact else None


def test_two_who_write_from_a_role_are_two_people_and_may_be_written_to(journey, tmp_path):
    """One of them agrees, as somebody at that desk; what the other did is not shown to them."""
    journey.send("web", identify("ann", {**ANN, "email": DESK}))
    journey.work()
    journey.say(State.GIVEN, DESK, evidence="form", notice="newsletter")
    alone = journey.release(tmp_path / "alone.ndjson").released
    with journey.begin("admin")() as work:
        source_rows.create("shop", priority=2, authoritative=True, controller_id=journey.workspace, work=work)
    other = {"type": "identify", "anonymousId": "x-9", "traits": {"email": DESK}, "messageId": "2"}
    journey.send("shop", other)
    journey.work()

    assert alone == 1
    assert len(holders(journey)) == 2
    assert journey.profile("user_id", "ann") != journey.profile("anonymous_id", "x-9")
    assert journey.release(tmp_path / "both.ndjson").released == 1


@pytest.mark.parametrize("before", [True, False])
def test_a_no_at_a_role_binds_whoever_goes_by_it(journey, tmp_path, before):
    """C12, C16: kept as a suppression where nobody goes by it yet."""
    if before:
        journey.say(State.WITHDRAWN, DESK, evidence="form")
    journey.send("web", identify("ann", {**ANN, "email": DESK}))
    journey.work()
    journey.say(State.GIVEN, DESK, evidence="snapshot", notice="newsletter")
    if not before:
        journey.say(State.WITHDRAWN, DESK, evidence="form")

    assert journey.release(tmp_path / "out.ndjson").released == 0


def test_a_message_from_a_role_is_heard_in_its_no(journey, tmp_path):
    """C15: by whatever it is said; `customer@` is a mailbox as well."""
    journey.send("web", identify("ann", {**ANN, "email": "customer@smallshop.example"}))
    journey.work()
    journey.say(State.GIVEN, "customer@smallshop.example", evidence="form", notice="newsletter")
    before = journey.release(tmp_path / "before.ndjson").released
    journey.say(State.OBJECTED, "customer@smallshop.example", evidence="form")

    assert (before, journey.release(tmp_path / "after.ndjson").released) == (1, 0)


def test_an_import_counts_the_contacts_that_join_nobody(journey, load):
    """They are kept, and the result says that nobody is recognised by them."""
    result = load(
        f"1,A,{DESK},070-174 06 05,1984-02-11,SE,yes",
        "2,B,guest@smallshop.example; b@example.org,+46 8 222 22 22,1984-02-11,SE,yes",
        "3,C,sales@smallshop.example,+46 8 0000000,1984-02-11,SE,yes",
        "admin,D,d@example.org,,1984-02-11,SE,yes",
    )

    assert {loss: dict(columns) for loss, columns in result.losses.items()} == {
        Loss.SHARED: {"mail": 2, "phone": 1},
        Loss.NO_CONTACT: {"phone": 1},
        Loss.NO_KEY: {"id": 1},
    }
    assert len(holders(journey)) == 1
    assert holders(journey, "b@example.org") == holders(journey, "guest@smallshop.example")
