"""What failed comes back as it came: nothing is lost, nothing is there twice, nobody is resurrected."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from worlds.journeys import ANN, BOB, PATIENCE, Journey, identify, lines, ordered
from worlds.parts import alone, joined

from api.processes import worker
from cdp import tables
from cdp.acting import ActNotAllowed
from cdp.intake import inbox, quarantine
from cdp.intake.inbox import Accepted
from cdp.intake.ingest import Limits, work_off
from cdp.intake.quarantine import NotQuarantined
from cdp.registers import source_rows
from cdp.requests import erasure
from cdp.vocabulary import State
from cdp.work import open_work


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


def fail(journey, attempts=6):
    """The inbox is worked off while identity is broken: what waits is quarantined."""
    fail_in(journey, "place", attempts)


def fail_in(journey, method, attempts=6):
    """As `fail`, with a fault in one method of identity's, which fails where it is given anything."""
    identity = journey.ports.identity

    class Broken:
        """Identity with a fault in it."""

        def __getattr__(self, name):
            return fails if name == method else getattr(identity, name)

    def fails(given, **more):
        if given:
            raise ValueError
        return getattr(identity, method)(given, **more)

    broken = Journey(
        replace(journey.system, ports=replace(journey.ports, identity=Broken())), journey.workspace
    )
    for _ in range(attempts):
        work_off(broken.begin(), ports=broken.ports, limits=Limits())


def listed(journey):
    with journey.begin("admin")() as work:
        return quarantine.every(work=work, ports=journey.ports)


def requeue(journey, *numbers):
    with journey.begin("admin")() as work:
        return quarantine.requeue(numbers, work=work, ports=journey.ports)


def count(journey, table):
    with journey.begin()() as work:
        return work.session.scalar(select(func.count()).select_from(table))


def test_a_request_comes_back_whole_and_at_its_own_place(journey):
    """Number, time, source and content are as they were; it is worked off like any other."""
    journey.send("web", identify("u1", ANN), ordered("u1", 1, 5.0))
    with journey.begin()() as work:
        before = work.session.execute(select(tables.inbox)).one()
    fail(journey)
    (one,) = listed(journey)
    messages = requeue(journey, one.accept_seq)
    with journey.begin()() as work:
        after = work.session.execute(select(tables.inbox)).one()
    worked = journey.work()

    assert (one.reason, one.kind, one.items) == ("ValueError", "server", 2)
    assert messages == 2
    assert after == before
    assert worked == {"accepted": 2}
    assert listed(journey) == []
    assert journey.profile("user_id", "u1")


OLD = {"key": "1", "identifiers": [["crm:web", "1"], ["email", ANN["email"]]], "traits": {}, "opt_in": False}


def stored_by_another(journey, *records):
    """Rows in the inbox that this version did not write."""
    body = json.dumps({"records": records}).encode()
    with journey.begin()() as work:
        web = source_rows.named("web", work=work)
        request = Accepted(source=web.id, kind="import", body=body, items=len(records), gpc=False)
        inbox.accept([request], vault=journey.ports.vault, work=work)


NAMED = {"key": "1", "identifiers": [["crm:web", "1"], ["email", ANN["email"]]], "traits": {}}
ABOUT = {"purpose": "email_marketing", "channel": "email", "notice": None}


@pytest.mark.parametrize(
    ("row", "left"),
    [
        (NAMED | {"opt_in": False, "consent": ["email_marketing", "email", "newsletter"]}, 1),
        (NAMED | {"opt_in": False}, 1),
        (NAMED | {"opt_in": "no", "consent": "email_marketing"}, 1),
        (NAMED | {"choices": [ABOUT | {"given": False}], "new": 1}, 1),
        (NAMED | {"choices": [ABOUT | {"given": "no"}], "new": 1}, 1),
        (NAMED | {"choices": ["no"], "new": 1}, 1),
        (NAMED | {"choices": {"given": False}, "identifiers": [["email", ANN["email"]], 7], "new": 1}, 1),
        (NAMED | {"mentions": [["email", ANN["email"]]], "identifiers": 7, "opt_in": False}, 1),
        (NAMED | {"opt_in": True, "consent": ["email_marketing", "email", "newsletter"]}, 2),
        (NAMED | {"choices": [ABOUT | {"given": True}], "new": 1}, 2),
        (NAMED | {"new": 1}, 2),
    ],
)
def test_the_no_of_a_row_that_another_version_stored_is_heard_when_it_is_set_aside(
    journey, tmp_path, row, left
):
    """C14: of a format that nobody can read whole, the no alone; a no to nothing in particular is to all."""
    journey.send("web", identify("ann", ANN), identify("bob", BOB))
    journey.work()
    for person in (ANN, BOB):
        journey.say(State.GIVEN, person["email"], evidence="form", notice="newsletter")
    before = journey.release(tmp_path / "before.ndjson").released
    stored_by_another(journey, NAMED | {"key": "0", "identifiers": [], "new": 1}, row)
    journey.work()

    assert [one.reason for one in listed(journey)] == ["ImportOfAnotherVersion"]
    assert (before, journey.release(tmp_path / "after.ndjson").released) == (2, left)


def test_what_is_set_aside_says_all_of_it_when_it_comes_back(journey, tmp_path):
    """What was heard of it before made it no copy of itself, and is said once more."""
    journey.send("web", identify("ann", ANN))
    journey.work()
    journey.say(State.GIVEN, ANN["email"], evidence="form", notice="newsletter")
    no = {"consent": {"categoryPreferences": {"marketing": False}}}
    with journey.begin("admin")() as work:
        source_rows.create(
            "app", priority=3, authoritative=True, controller_id=journey.workspace, work=work,
            categories={"marketing": ("email_marketing", "email")},
        )  # fmt: skip
    journey.send("app", identify("ann", ANN, messageId="1", context=no), ordered("ann", 2, 5.0))
    fail_in(journey, "state")
    (one,) = listed(journey)
    heard = journey.release(tmp_path / "heard.ndjson").released
    requeue(journey, one.accept_seq)

    assert heard == 0, "its no holds while it waits"
    assert journey.work() == {"accepted": 2}


def test_rows_that_another_version_stored_are_set_aside_and_named_and_never_guessed(journey):
    """A field that this version does not know may be a no: the rows wait, and their reason says for what."""
    stored_by_another(journey, OLD)
    journey.send("web", identify("u2", BOB))
    done = journey.work()
    (one,) = listed(journey)
    requeue(journey, one.accept_seq)
    back = count(journey, tables.inbox)
    journey.work()
    (again,) = listed(journey)

    assert done == {"accepted": 1}, "whoever came with it does not wait"
    assert (one.reason, one.kind, one.items) == ("ImportOfAnotherVersion", "import", 1)
    assert back == 1
    assert again.accept_seq == one.accept_seq, "it comes back at its place, for the version that reads it"
    assert journey.profile("user_id", "u2")


def test_all_of_the_named_come_back_or_none_and_nothing_twice(journey):
    """An unknown number, one that is back already and a number named twice."""
    journey.send("web", identify("u1", ANN))
    fail(journey)
    (one,) = listed(journey)
    with pytest.raises(NotQuarantined):
        requeue(journey, one.accept_seq, one.accept_seq + 1)
    with pytest.raises(NotQuarantined):
        requeue(journey)
    left = count(journey, tables.inbox)
    requeue(journey, one.accept_seq, one.accept_seq)
    with pytest.raises(NotQuarantined):
        requeue(journey, one.accept_seq)

    assert left == 0
    assert count(journey, tables.inbox) == 1
    assert journey.work() == {"accepted": 1}


def test_only_who_runs_the_house_looks_into_quarantine(journey):
    """A marketer neither lists nor brings back."""
    with journey.begin("marketing")() as work:
        with pytest.raises(ActNotAllowed):
            quarantine.every(work=work, ports=journey.ports)
        with pytest.raises(ActNotAllowed):
            quarantine.requeue([1], work=work, ports=journey.ports)


def test_a_copy_that_was_processed_meanwhile_is_the_same_message(journey):
    """The sender repeated itself while the first copy lay in quarantine; it counts once."""
    order = ordered("u1", 1, 5.0)
    journey.send("web", identify("u1", ANN))
    journey.work()
    journey.send("web", order)
    fail(journey)
    (one,) = listed(journey)
    journey.send("web", order)
    journey.work()
    requeue(journey, one.accept_seq)
    worked = journey.work()
    with journey.begin()() as work:
        place = work.session.scalar(select(func.max(tables.seen.c.accept_seq)))
        revenue = work.session.scalars(select(tables.facts.c.number).where(tables.facts.c.number == 5)).all()

    assert sum(worked.values()) == 1
    assert len(revenue) == 1
    assert place == one.accept_seq, "the place of the earlier copy"


def test_an_erasure_that_came_meanwhile_holds(journey):
    """E8: accepted before, brought back after; the person stays forgotten."""
    journey.send("web", identify("u1", ANN))
    journey.work()
    journey.send("web", identify("u1", ANN) | {"messageId": "again"}, ordered("u1", 1, 5.0))
    fail(journey)
    (one,) = listed(journey)
    erasure.erase(
        journey.profile("user_id", "u1"),
        ground="GDPR 17(1)(a)",
        begin=journey.begin("compliance", purpose="subject_erasure"),
        ports=journey.ports,
        patience=PATIENCE,
    )
    requeue(journey, one.accept_seq)

    assert journey.work() == {"erased": 2}
    assert count(journey, tables.events) == 0


def test_a_withdrawal_in_quarantine_acts_from_its_receipt_once_it_is_back(journey, tmp_path):
    """Releases hold while it waits; a grant that was given since is newer, an older one is not."""
    journey.send("web", identify("u1", ANN), identify("u2", BOB))
    journey.work()
    with journey.begin()() as work:
        work.session.execute(
            text(
                "UPDATE cdp.sources SET categories ="
                """ '{"news": ["email_marketing", "email"]}'::jsonb"""
            )
        )
    journey.say(State.GIVEN, ANN["email"], evidence="form", notice="newsletter")
    said = {"consent": {"categoryPreferences": {"news": False}}}
    journey.send("web", identify("u1", {"firstName": "Ann"}, context=said) | {"messageId": "no"})
    journey.send("web", identify("u2", {"firstName": "Bob"}, context=said) | {"messageId": "no-2"})
    fail(journey)
    before = journey.release(tmp_path / "before.ndjson").released
    journey.say(State.GIVEN, BOB["email"], evidence="form", notice="newsletter")
    requeue(journey, *(one.accept_seq for one in listed(journey)))
    with journey.begin()() as work:
        work.session.execute(text("UPDATE cdp.inbox SET received_at = received_at - interval '10 s'"))
        with pytest.raises(inbox.InboxLags):
            inbox.hold(timedelta(seconds=5), work=work)
        work.session.execute(text("UPDATE cdp.inbox SET received_at = received_at + interval '10 s'"))
    journey.work()
    out = tmp_path / "after.ndjson"
    journey.release(out)

    assert before == 1
    assert [one["to"] for one in lines(out)] == [BOB["email"]]


def test_after_its_time_it_is_destroyed_and_not_before(journey, database):
    """A request that waits in the inbox keeps its key, however old; one in quarantine does not."""
    journey.send("web", identify("u1", ANN))
    fail(journey)
    worker.tidy(journey.system)
    kept = len(listed(journey))
    journey.send("web", identify("u2", BOB))
    with journey.begin()() as work:
        work.session.execute(text("UPDATE cdp.inbox SET received_at = received_at - interval '31 days'"))
    with open_work(database.owner, workspace=journey.workspace, actor=work.actor, purpose="test") as owner:
        owner.session.execute(text("UPDATE governance.inbox_keys SET hour = now() - interval '31 days'"))
        owner.session.execute(text("UPDATE cdp.quarantine SET received_at = now() - interval '32 days'"))
    worker.tidy(journey.system)
    with journey.begin()() as work:
        work.session.execute(text("UPDATE cdp.inbox SET received_at = received_at + interval '31 days'"))
    gone, worked = listed(journey), journey.work()
    worker.tidy(journey.system)
    with journey.begin()() as work:
        keys = work.session.scalar(text("SELECT count(*) FROM governance.inbox_keys"))

    assert (kept, gone) == (1, [])
    assert worked == {"accepted": 1}
    assert keys == 0
