"""The main job as one story: in, resolved, silent, consented, released, withdrawn, erased, logged."""

import json

import msgspec
import pytest
from sqlalchemy import select, text
from worlds.journeys import ANN, BOB, PATIENCE, identify, lines, ordered
from worlds.parts import alone, joined

from api import wiring
from api.processes import keeper, worker
from cdp import tables
from cdp.audiences import segments
from cdp.audiences.rules import EVERYBODY
from cdp.intake import imports
from cdp.intake.ingest.message_reading import ImportRecord
from cdp.registers import source_rows
from cdp.requests import access, erasure
from cdp.vocabulary import Identifier, State


@pytest.fixture(scope="module")
def database(server):
    """One of this file's own: whoever works all workspaces off has those of its tests alone to look at."""
    with alone(server) as made:
        yield made


@pytest.fixture(scope="module")
def system(database, tmp_path_factory):
    """The platform on it."""
    with joined(database, tmp_path_factory) as made:
        yield made


def test_from_the_first_event_to_the_erasure(journey, tmp_path):
    """The whole main path: silence refuses, consent opens, withdrawal closes, erasure leaves nothing."""
    out = tmp_path / "out.ndjson"
    journey.send(
        "web", identify("u1", ANN), identify("u2", BOB), ordered("u1", 1, 9.5), ordered("u1", 1, 9.5)
    )

    assert journey.work() == {"accepted": 3, "duplicate": 1}
    silent = journey.release(out)
    assert (silent.matched, silent.released, lines(out)) == (2, 0, [])

    given = journey.say(State.GIVEN, "ann@example.org", evidence="form", notice="newsletter")
    assert [one.counted for one in given.entries] == [True]
    assert journey.release(out).released == 1
    assert [(one["to"], one["fields"]) for one in lines(out)] == [("ann@example.org", {"given_name": "Ann"})]

    journey.say(State.WITHDRAWN, "ann@example.org", evidence="link")
    again = journey.release(tmp_path / "after.ndjson")
    assert again.released == 0 and lines(tmp_path / "after.ndjson") == []

    ann = journey.profile("user_id", "u1")
    with journey.begin("compliance", purpose="subject_access")() as work:
        package = access.package(ann, work=work, ports=journey.ports)
    assert json.loads(json.dumps(package["derived"])) == {**package["derived"], "orders": 1, "revenue": 9.5}
    assert {one["trait"]: one["value"] for one in package["golden"]}["email"] == "ann@example.org"

    done = erasure.erase(
        ann,
        ground="GDPR 17(1)(a)",
        begin=journey.begin("compliance", purpose="subject_erasure"),
        ports=journey.ports,
        patience=PATIENCE,
    )
    assert done.residue_total == 0 and sum(done.deleted.values()) > 0
    with journey.begin()() as work:
        assert journey.ports.identity.resolve(ann, work=work) is None
        assert len(work.session.scalars(segments.members(EVERYBODY, ports=journey.ports)).all()) == 1


def test_what_was_accepted_before_an_erasure_does_not_bring_the_person_back(journey, tmp_path):
    """E8, E7: late events are dropped; a new start is a new subject, still suppressed."""
    journey.send("web", identify("u1", ANN))
    journey.work()
    journey.say(State.WITHDRAWN, "ann@example.org", evidence="link")
    old = journey.profile("user_id", "u1")
    journey.send("web", ordered("u1", 7, 1.0) | {"messageId": "late"})
    erasure.erase(
        old,
        ground="GDPR 17(1)(a)",
        begin=journey.begin("compliance", purpose="subject_erasure"),
        ports=journey.ports,
        patience=PATIENCE,
    )

    assert journey.work() == {"erased": 1}
    with journey.begin()() as work:
        assert work.session.scalars(select(tables.events.c.id)).all() == []
    journey.send("web", identify("u1", ANN) | {"messageId": "new"})
    assert journey.work() == {"accepted": 1}
    assert journey.profile("user_id", "u1") != old
    refused = journey.say(
        State.GIVEN,
        "ann@example.org",
        evidence="snapshot",
        notice="newsletter",
    )
    assert [one.counted for one in refused.entries] == [False]
    assert journey.release(tmp_path / "out.ndjson").released == 0


def test_every_act_is_in_the_log_and_no_value_is(journey, database, tmp_path):
    """L3, L6: a release has one intent and one outcome entry, and leaves name nobody."""
    journey.send("web", identify("u1", ANN))
    journey.work()
    journey.say(State.GIVEN, "ann@example.org", evidence="form", notice="newsletter")
    journey.release(tmp_path / "out.ndjson")
    kept = wiring.sequencer(journey.system.state, journey.system.keys)
    keeper.keep(kept, database.keeper, journey.workspace)
    with journey.begin("compliance")() as work:
        leaves = [
            bytes(leaf).decode()
            for leaf in work.session.scalars(text("SELECT leaf FROM audit.entries ORDER BY seq"))
        ]
    actions = [msgspec.json.decode(leaf)["action"] for leaf in leaves]

    assert actions.count("tester:release:intend") == actions.count("tester:release:send") == 1
    assert "tester:inbox:ingest" in actions and "tester:consent:given" in actions
    assert not any("ann" in leaf.lower().replace("channel", "") for leaf in leaves)


def test_if_the_audit_entry_cannot_be_written_the_act_fails(journey, database, tmp_path):
    """L3: no release without its trail."""
    journey.send("web", identify("u1", ANN))
    journey.work()
    journey.say(State.GIVEN, "ann@example.org", evidence="form", notice="newsletter")
    with database.server.admin(database.name) as admin:
        admin.execute("REVOKE INSERT ON audit.pending FROM cdp_app")
        try:
            with pytest.raises(Exception, match="permission denied"):
                journey.release(tmp_path / "out.ndjson")
            with pytest.raises(Exception, match="permission denied"):
                journey.say(State.WITHDRAWN, "ann@example.org", evidence="link")
        finally:
            admin.execute("GRANT INSERT ON audit.pending TO cdp_app")

    assert lines(tmp_path / "out.ndjson") == []


def test_a_stranger_cannot_keep_an_erased_address_alive(journey):
    """E7: a browser that somebody's address is typed into holds nothing; the refusal outlives the person."""
    journey.send("web", identify("u1", ANN))
    journey.work()
    typed = {"type": "identify", "userId": "null", "messageId": "evil", "traits": {"email": ANN["email"]}}
    journey.send("web", typed, kind="public")
    journey.work()
    ann = journey.profile("email", ANN["email"])
    with journey.begin("compliance")() as work:
        plan = erasure.outlook(ann, work=work, ports=journey.ports)
    done = erasure.erase(
        ann,
        ground="GDPR 17(1)(a)",
        begin=journey.begin("compliance"),
        ports=journey.ports,
        patience=PATIENCE,
    )
    with journey.begin()() as work:
        kept = work.session.scalar(text("SELECT count(*) FROM consent.suppressions"))
        known = journey.ports.identity.contact_of(Identifier("email", ANN["email"]), work=work)

    assert plan.contacts_shared == 0
    assert done.residue_total == 0
    assert kept == 1
    assert known is None


def test_an_answer_shows_nothing_that_only_a_browser_has_said_of_others(journey):
    """Access: no words at an address that was merely typed, no behaviour that a device lends."""
    journey.send("web", identify("ann", ANN), identify("eve", BOB), ordered("ann", 1, 9.5))
    journey.work()
    journey.say(State.WITHDRAWN, ANN["email"], evidence="form")
    typed = {"type": "identify", "userId": "eve", "messageId": "q1", "traits": {"email": ANN["email"]}}
    device = {"anonymousId": "device", "type": "identify", "userId": "ann", "messageId": "q2"}
    lent = {**ordered("", 2, 777.0), "anonymousId": "device"}
    del lent["userId"]
    journey.send("web", typed, device, lent, kind="public")
    journey.work()
    ann, eve = journey.profile("user_id", "ann"), journey.profile("user_id", "eve")
    with journey.begin("compliance")() as work:
        of_ann = access.package(ann, work=work, ports=journey.ports)
        of_eve = access.package(eve, work=work, ports=journey.ports)

    assert {one["state"] for one in of_ann["consent"]} == {"withdrawn"}
    assert of_eve["consent"] == []
    assert {one["address"] for one in of_eve["contacts"]} == {"eve", BOB["email"]}
    assert of_ann["derived"]["revenue"] == 9.5
    assert of_ann["derived"]["country"] == "DE"


def test_tidying_forgets_the_erased_after_their_thirty_days_and_not_before(journey):
    """What recognises late messages of the erased is itself data, and ends."""
    journey.send("web", identify("u1", ANN))
    journey.work()
    erasure.erase(
        journey.profile("user_id", "u1"),
        ground="GDPR 17(1)(a)",
        begin=journey.begin("compliance", purpose="subject_erasure"),
        ports=journey.ports,
        patience=PATIENCE,
    )
    count = text("SELECT count(*) FROM identity.erased")
    worker.tidy(journey.system)
    with journey.begin()() as work:
        kept = work.session.scalar(count)
        work.session.execute(text("UPDATE identity.erased SET erased_at = erased_at - interval '31 days'"))
    worker.tidy(journey.system)
    with journey.begin()() as work:
        assert (kept > 0, work.session.scalar(count)) == (True, 0)


def test_what_others_say_of_an_erased_address_alone_goes_with_it(journey):
    """A list that verifies nobody knows somebody by Ann's address: no empty profile is left of it."""
    with journey.begin("admin")() as work:
        source_rows.create(
            "list", priority=5, authoritative=False, controller_id=journey.workspace, work=work
        )
    journey.send("web", identify("u1", ANN), identify("u2", BOB))
    named = [
        (ANN["email"], "+4915112345678"),
        (BOB["email"], None),
        ("cy@example.org", "+4915112345679"),
    ]
    records = [
        ImportRecord(
            key=email,
            identifiers=[("email", email), *([("phone", phone)] if phone else [])],
            traits={"email": email, "given_name": "Somebody"},
        )
        for email, phone in named
    ]
    with journey.begin("service")() as work:
        imports.accept_records(records, source_name="list", work=work, ports=journey.ports)
    journey.work()
    fragments, identifiers = (
        text(f"SELECT count(*) FROM identity.{table}") for table in ("fragments", "identifiers")
    )
    with journey.begin("compliance")() as work:
        before = work.session.scalar(fragments)
        foreseen = erasure.outlook(journey.profile("user_id", "u1"), work=work, ports=journey.ports)
    done = erasure.erase(
        journey.profile("user_id", "u1"),
        ground="GDPR 17(1)(a)",
        begin=journey.begin("compliance"),
        ports=journey.ports,
        patience=PATIENCE,
    )
    with journey.begin()() as work:
        left = work.session.scalar(fragments)
        known = work.session.scalar(identifiers)
        keys = work.session.scalar(text("SELECT count(DISTINCT fragment_id) FROM governance.keys"))

    assert (before, left, keys) == (5, 3, 3), "hers, and what the list knew by her address alone"
    assert len(foreseen.fragments) == 2
    assert done.residue_total == 0
    assert known == 4, "Bob's two and Cy's two; Ann's phone, which only the list named, went too"
