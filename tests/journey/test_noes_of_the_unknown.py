"""A no about somebody who is becoming known at this very moment is missed by nobody."""

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace

from journeys import ANN, identify

from cdp.intake.ingest import Limits, work_off
from cdp.vocabulary import State

AT_ONCE = 0.3  # seconds in which an answer that does not wait would be there


def test_a_no_that_comes_while_its_contact_is_being_made_binds_it(journey):
    """C16: ingest looked for suppressions before there was one, and commits after it."""
    journey.send("web", identify("ann", ANN))
    ledger = journey.ports.ledger
    with ThreadPoolExecutor(1) as pool:
        answers = []

        class Interrupted:
            """A ledger that lets somebody say no between ingest's look and its commit."""

            def __getattr__(self, name):
                return getattr(ledger, name)

            def suppress(self, contacts, *, work):
                ledger.suppress(contacts, work=work)
                answers.append(pool.submit(journey.say, State.WITHDRAWN, "ann@example.org", evidence="form"))
                assert not wait(answers, timeout=AT_ONCE).done, "it waits for who may have missed it"

        ports = replace(journey.ports, ledger=Interrupted())
        work_off(journey.begin(), ports=ports, limits=Limits())
        done = answers[0].result()

    assert not done.suppressed
    assert {one.counted for one in done.entries} == {True}
    assert len(done.entries) == 2, "at the contact, and at its sole holder"
