"""A release that breaks off says so, and a message that others held up is not blamed for it."""

from contextlib import suppress
from dataclasses import replace

import msgspec
import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from test_race import agreeing, release
from worlds.journeys import ANN, Journey, identify, ordered

from api import wiring
from api.processes import keeper
from cdp import tables
from cdp.intake.inbox import InboxLags
from cdp.intake.ingest import Limits, work_off
from cdp.kernel.errors import Overloaded, Unavailable
from governance.journal.journal import JournalUnavailable

URL = "https://mailer.example.org/batches"


class Kept:
    """A destination that takes everything, and after whose first batch something happens."""

    def __init__(self, happens):
        self.happens = happens

    def send(self, records, intent):
        self.happens()


def ended(journey, database):
    """State and counts of the only release, and the outcomes of its closing audit entries."""
    kept = wiring.sequencer(journey.system.state, journey.system.keys)
    keeper.keep(kept, database.keeper, journey.workspace)
    with journey.begin("compliance")() as work:
        row = work.session.execute(select(tables.releases)).one()
        leaves = work.session.scalars(text("SELECT leaf FROM audit.entries ORDER BY seq")).all()
    entries = [msgspec.json.decode(bytes(leaf)) for leaf in leaves]
    return row, [one["outcome"] for one in entries if one["action"] == "tester:release:finish"]


def test_a_release_that_holds_for_the_inbox_is_closed_as_aborted(journey, database):
    """What is out is counted; row and audit entry say that the rest never ran."""
    agreeing(journey, 5)

    def fall_behind():
        journey.send("web", ordered("u0", 1, 1.0))
        with journey.begin()() as work:
            work.session.execute(text("UPDATE cdp.inbox SET received_at = received_at - interval '1 hour'"))

    with pytest.raises(InboxLags):
        release(journey, URL, connect=lambda *_: Kept(fall_behind))
    row, finish = ended(journey, database)

    assert (row.state, row.matched, row.released) == ("aborted", 5, 3)
    assert row.finished_at is not None
    assert finish == ["failed"]


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ("UPDATE consent.endpoints SET revoked_at = now()", "endpoint_revoked"),
        ("UPDATE consent.recipients SET contract_until = now()", None),
    ],
)
def test_what_is_ended_during_a_release_gets_none_of_its_further_batches(journey, ending, reason):
    """An endpoint that is revoked, a contract that runs out: asked anew behind each intent."""
    agreeing(journey, 5)

    def end():
        with journey.begin()() as work:
            work.session.execute(text(ending))

    result = release(journey, URL, connect=lambda *_: Kept(end))

    assert (result.matched, result.released) == (5, 3)
    assert reason is None or result.withheld[reason] == 2


def test_a_release_that_ran_to_its_end_is_done(journey, database):
    """The other ending, for comparison."""
    agreeing(journey, 2)
    release(journey, URL, connect=lambda *_: Kept(lambda: None))
    row, finish = ended(journey, database)

    assert (row.state, row.released, finish) == ("done", 2, ["ok"])


DEADLOCK = OperationalError("", {}, psycopg.errors.DeadlockDetected())
OVERTAKEN = OperationalError("", {}, psycopg.errors.SerializationFailure())


@pytest.mark.parametrize(
    ("error", "waiting", "quarantined"),
    [
        (Overloaded(), 1, 0),
        (DEADLOCK, 1, 0),
        (OVERTAKEN, 1, 0),
        (OperationalError("", {}, psycopg.errors.DiskFull()), 1, 0),
        (OperationalError("", {}, psycopg.errors.AdminShutdown(), connection_invalidated=True), 1, 0),
        (JournalUnavailable(), 1, 0),
        (OperationalError("", {}, psycopg.errors.QueryCanceled()), 0, 1),
        (ValueError(), 0, 1),
    ],
)
def test_only_its_own_fault_counts_against_a_request(journey, error, waiting, quarantined):
    """A deadlock, a crowd or a full disk is retried for as long as it takes; what fails by itself is not."""
    journey.send("web", identify("u1", ANN))
    identity = journey.ports.identity

    class Busy:
        """Identity, in which somebody else is always in the way."""

        def __getattr__(self, name):
            return getattr(identity, name)

        def place(self, *_, **__):
            raise error

    busy = Journey(replace(journey.system, ports=replace(journey.ports, identity=Busy())), journey.workspace)
    for _ in range(6):
        with suppress(OperationalError, Unavailable):
            work_off(busy.begin(), ports=busy.ports, limits=Limits())
    with journey.begin()() as work:
        counts = [
            work.session.scalar(select(func.count()).select_from(table))
            for table in (tables.inbox, tables.quarantine)
        ]

    assert counts == [waiting, quarantined]
    assert journey.work() == ({"accepted": 1} if waiting else {})


def test_a_withdrawal_that_the_journal_has_no_room_for_holds_releases(journey):
    """It is neither dropped nor quarantined, others go on; with the journal back it is heard."""
    agreeing(journey, 3)
    journal = journey.system.state.journal
    aside = journal.with_name("aside")
    with journey.begin()() as work:
        news = """UPDATE cdp.sources SET categories = '{"news": ["email_marketing", "email"]}'::jsonb"""
        work.session.execute(text(news))
    said = {"consent": {"categoryPreferences": {"news": False}}}
    journey.send("web", identify("u0", {"firstName": "Bob"}, context=said) | {"messageId": "no"})
    journey.send("web", ordered("u1", 1, 1.0))
    journey.ports.journal.close()
    journal.rename(aside)
    for _ in range(6):
        with suppress(Unavailable):
            work_off(journey.begin(), ports=journey.ports, limits=Limits())
    with journey.begin()() as work:
        waiting = work.session.scalar(select(func.count()).select_from(tables.inbox))
        work.session.execute(text("UPDATE cdp.inbox SET received_at = received_at - interval '1 hour'"))
    with pytest.raises(InboxLags):
        release(journey, URL, connect=lambda *_: Kept(lambda: None))
    with journey.begin()() as work:
        work.session.execute(text("UPDATE cdp.inbox SET received_at = received_at + interval '1 hour'"))
    aside.rename(journal)

    assert waiting == 1
    assert journey.work() == {"accepted": 1}
    assert release(journey, URL, connect=lambda *_: Kept(lambda: None)).released == 2
