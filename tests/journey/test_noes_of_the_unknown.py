"""A no about somebody who is becoming known at this very moment is missed by nobody."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random
from time import monotonic

import pytest
from sqlalchemy import text
from worlds.journeys import ANN, BOB, PATIENCE, identify

from cdp.intake.ingest import Limits, work_off
from cdp.permission import consents, suppressions
from cdp.permission.binding import About
from cdp.permission.consents import NotYetEffective, Saying
from cdp.permission.suppressions import Row
from cdp.ports import NoAt
from cdp.requests import erasure
from cdp.vocabulary import Channel, Identifier, Scope, State

HANGS = 60  # seconds, after which a call that neither waits nor ends fails its test
EMAIL = Identifier("email", "ann@example.org")
WAITING = text(
    "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
    " WHERE NOT l.granted AND a.datname = current_database()"
)
# Where in a batch the no comes: (port, call, before or after it), and whether it has to wait for the batch.
MOMENTS = {
    "before the contact is looked up": ("identity", "recognise", "before", False),
    "before the contact is made": ("identity", "place", "before", False),
    "before the look for noes": ("ledger", "suppress", "before", True),
    "after the look for noes": ("ledger", "suppress", "after", True),
    "at the end of the batch": ("identity", "keep_addresses", "after", True),
}


class Aborted(Exception):
    """What a batch ends with that is undone."""


class Meanwhile:
    """A port during one of whose calls something happens, once."""

    def __init__(self, inner, call, when, happens):
        self._inner, self._call, self._when, self._happens = inner, call, when, happens

    def __getattr__(self, name):
        found = getattr(self._inner, name)
        if name != self._call:
            return found

        def called(*args, **named):
            if self._when == "before":
                self._happens()
            done = found(*args, **named)
            if self._when == "after":
                self._happens()
            return done

        return called


def ends_or_waits(asked, journey):
    """Return whether the no waits for somebody; if not, it is answered."""
    end = monotonic() + HANGS
    with journey.begin()() as work:
        while not asked.done():
            if work.session.scalar(WAITING):
                return True
            assert monotonic() < end, "it neither waits nor ends"
            threading.Event().wait(0.01)
    return False


def refused(journey, identifier=EMAIL):
    """The states of the words at a contact."""
    with journey.begin()() as work:
        contact = journey.ports.identity.contact_of(identifier, work=work)
        assert contact is not None
        states = text("SELECT state FROM consent.entries WHERE contact_id = :contact")
        return set(work.session.scalars(states, {"contact": contact}))


@pytest.mark.parametrize("ending", ["commits", "is undone and done again"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_no_that_comes_while_its_contact_is_being_made_binds_it(journey, moment, ending):
    """C16: at whichever step of the batch, and whichever of the two commits first."""
    port, call, when, waits = MOMENTS[moment]
    journey.send("web", identify("ann", ANN))
    waited, answers = [], []
    with ThreadPoolExecutor(1) as pool:

        def say_no():
            if not answers:
                answers.append(pool.submit(journey.say, State.WITHDRAWN, EMAIL.value, evidence="form"))
                waited.append(ends_or_waits(answers[0], journey))
                if ending != "commits":
                    raise Aborted

        ports = replace(journey.ports, **{port: Meanwhile(getattr(journey.ports, port), call, when, say_no)})
        work_off(journey.begin(), ports=ports, limits=Limits())
        done = answers[0].result(HANGS)
    journey.work()

    assert waited == [waits]
    assert refused(journey) == {"withdrawn"}
    if waits and ending == "commits":
        assert not done.suppressed
        assert len(done.entries) == 2, "at the contact, and at its sole holder"
    elif not waits:
        assert done.suppressed, "nobody was there yet"


def test_a_no_at_an_old_link_that_comes_while_who_was_erased_comes_back_binds_them(journey):
    """C18: the link has the contact's old id alone, so nobody can ask for the address."""
    journey.send("web", identify("ann", ANN))
    journey.work()
    with journey.begin()() as work:
        old = journey.ports.identity.contact_of(EMAIL, work=work)
    erasure.erase(
        journey.profile("email", EMAIL.value),
        ground="GDPR 17(1)(a)",
        begin=journey.begin("compliance"),
        ports=journey.ports,
        patience=PATIENCE,
        wait_for_log=lambda _: None,
    )
    journey.send("web", identify("ann", ANN, messageId="again"))
    about = About(contact=old)
    saying = Saying(purpose="email_marketing", channel=Channel.EMAIL, state=State.WITHDRAWN, evidence="link")
    waited, answers = [], []
    with ThreadPoolExecutor(1) as pool:

        def say_no():
            if not answers:
                answers.append(
                    pool.submit(
                        consents.say, saying, about,
                        begin=journey.begin("support"), ports=journey.ports, patience=PATIENCE,
                    )
                )  # fmt: skip
                waited.append(ends_or_waits(answers[0], journey))

        ports = replace(journey.ports, ledger=Meanwhile(journey.ports.ledger, "suppress", "after", say_no))
        work_off(journey.begin(), ports=ports, limits=Limits())
        done = answers[0].result(HANGS)

    assert waited == [True]
    assert not done.suppressed
    assert "withdrawn" in refused(journey)


def test_a_no_gives_up_on_a_batch_that_does_not_end_and_says_so(journey):
    """It is kept, and acknowledged once it is said again."""
    journey.send("web", identify("ann", ANN))
    told = []

    def say_no():
        saying = Saying(
            purpose="email_marketing", channel=Channel.EMAIL, state=State.WITHDRAWN, evidence="form"
        )
        with pytest.raises(NotYetEffective):
            consents.say(
                saying, About(identifier=EMAIL),
                begin=journey.begin("support"), ports=journey.ports, patience=PATIENCE / 100,
            )  # fmt: skip
        told.append(True)

    ports = replace(journey.ports, ledger=Meanwhile(journey.ports.ledger, "suppress", "after", say_no))
    work_off(journey.begin(), ports=ports, limits=Limits())
    again = journey.say(State.WITHDRAWN, EMAIL.value, evidence="form")

    assert told == [True]
    assert again.entries
    assert refused(journey) == {"withdrawn"}


def test_a_batch_that_took_long_binds_what_it_missed_and_nobody_said_again(journey):
    """It looks again before it commits, for whoever said no has given up waiting by then."""
    journey.send("web", identify("ann", ANN))
    given_up = []

    def say_no():
        if not given_up:
            saying = Saying(
                purpose="email_marketing", channel=Channel.EMAIL, state=State.WITHDRAWN, evidence="form"
            )
            with pytest.raises(NotYetEffective) as raised:
                consents.say(
                    saying, About(identifier=EMAIL),
                    begin=journey.begin("support"), ports=journey.ports, patience=PATIENCE / 100,
                )  # fmt: skip
            given_up.append(raised.value)

    ports = replace(journey.ports, ledger=Meanwhile(journey.ports.ledger, "suppress", "after", say_no))
    work_off(journey.begin(), ports=ports, limits=Limits(look_again=timedelta(0)))

    assert given_up
    assert refused(journey) == {"withdrawn"}


def by_whom(journey):
    """Bob, who is known: somebody may say a no about an address of which nobody knows yet."""
    journey.send("web", identify("bob", BOB))
    journey.work()
    return About(identifier=EMAIL, profile=journey.profile("email", BOB["email"]))


def say_it(journey, about, patience):
    """A withdrawal."""
    saying = Saying(purpose="email_marketing", channel=Channel.EMAIL, state=State.WITHDRAWN, evidence="form")
    return consents.say(saying, about, begin=journey.begin("support"), ports=journey.ports, patience=patience)


def list_it(journey, date, patience):
    """A list of one row."""
    row = Row(line=1, contact=EMAIL.value, date=date, purpose="email_marketing", channel="email")
    return suppressions.suppress(
        [row], begin=journey.begin("support"), ports=journey.ports, patience=patience
    )


WAYS = {
    "by itself": lambda journey: partial(say_it, journey, About(identifier=EMAIL)),
    "with somebody's profile": lambda journey: partial(say_it, journey, by_whom(journey)),
    "in a list": lambda journey: partial(list_it, journey, ""),
    "in a list with a date": lambda journey: partial(list_it, journey, "2024-01-31"),
}


@pytest.mark.parametrize("before", ["it comes first", "it was said and gave up"])
@pytest.mark.parametrize("way", WAYS)
def test_a_no_waits_for_who_makes_its_contact_however_it_comes_and_however_often(journey, way, before):
    """C16: whoever else it names, and whether or not it is kept already; what is answered is in force."""
    say = WAYS[way](journey)
    journey.send("web", identify("ann", ANN))
    waited, answers = [], []
    with ThreadPoolExecutor(1) as pool:

        def say_no():
            if before != "it comes first":
                with pytest.raises(NotYetEffective):
                    say(PATIENCE / 100)
            answers.append(pool.submit(say, PATIENCE))
            waited.append(ends_or_waits(answers[0], journey))

        ports = replace(journey.ports, ledger=Meanwhile(journey.ports.ledger, "suppress", "after", say_no))
        work_off(journey.begin(), ports=ports, limits=Limits(look_again=timedelta(days=1)))
        answers[0].result(HANGS)
    again = say(PATIENCE)

    assert waited == [True]
    assert refused(journey) == {"withdrawn"}
    assert getattr(again, "rejected", []) == []


def test_a_no_that_names_who_speaks_says_once_what_it_says_of_them(journey):
    """Who has come meanwhile is bound beside them; while nobody has, the no is told to be kept for later."""
    about = by_whom(journey)
    alone = say_it(journey, about, PATIENCE)
    journey.send("web", identify("ann", ANN))
    answers = []
    with ThreadPoolExecutor(1) as pool:

        def say_no():
            answers.append(pool.submit(say_it, journey, about, PATIENCE))
            ends_or_waits(answers[0], journey)

        ports = replace(journey.ports, ledger=Meanwhile(journey.ports.ledger, "suppress", "after", say_no))
        work_off(journey.begin(), ports=ports, limits=Limits())
        done = answers[0].result(HANGS)

    assert (alone.suppressed, [one.scope for one in alone.entries]) == (True, [Scope.PERSON])
    assert (done.suppressed, [one.scope for one in done.entries]) == (False, [Scope.CONTACT, Scope.PERSON])


def test_who_looks_again_gives_a_contact_each_no_once(journey):
    """What was found at the first look is not said twice, over one channel or over every one."""
    with journey.begin()() as work:
        purpose = journey.ports.ledger.purposes(work=work)["email_marketing"]
        noes = [NoAt(EMAIL, purpose, channel, State.WITHDRAWN) for channel in (Channel.EMAIL, None)]
        journey.ports.ledger.refuse(noes, work=work)
    journey.send("web", identify("ann", ANN))
    work_off(journey.begin(), ports=journey.ports, limits=Limits(look_again=timedelta(0)))
    with journey.begin()() as work:
        said = text("SELECT channel FROM consent.entries WHERE contact_id IS NOT NULL")
        channels = work.session.scalars(said).all()

    assert sorted(str(one) for one in channels) == ["None", "email"]


@pytest.mark.parametrize("seed", range(3))
def test_of_many_noes_beside_many_batches_none_is_missed(journey, seed):
    """Two lanes make contacts in small batches while their noes come in, one by one and in lists."""
    random, people = Random(seed), [f"p{number}" for number in range(40)]
    for name in random.sample(people, len(people)):
        journey.send("web", identify(name, ANN | {"email": f"{name}@example.org"}))

    def lane():
        while work_off(journey.begin(), ports=journey.ports, limits=Limits(messages=3)).rows:
            pass

    with ThreadPoolExecutor(6) as pool:
        order = random.sample(people, len(people))
        lanes = [pool.submit(lane) for _ in range(2)]
        said = [
            pool.submit(journey.say, State.WITHDRAWN, f"{name}@example.org", evidence="form")
            for name in order
        ]
        for one in (*lanes, *said):
            one.result(HANGS)
    journey.work()

    said_of = {name: refused(journey, Identifier("email", f"{name}@example.org")) for name in people}
    assert {name for name, states in said_of.items() if "withdrawn" not in states} == set()
