"""No send after the acknowledgement (C1), with real parts failing in between."""

import tempfile
import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from test_restore import Instance
from worlds.journeys import BOB, PATIENCE, Journey, identify, ready

from api.demo.race import receive
from cdp.audiences import segments
from cdp.kernel import embedded
from cdp.permission import consents
from cdp.permission.binding import About
from cdp.permission.consents import NotYetEffective, Saying
from cdp.ports import Ask
from cdp.releases import releases
from cdp.releases.destinations import PastDeadline, Webhook
from cdp.releases.webhook_addresses import Place
from cdp.vocabulary import Channel, Identifier, State

PEOPLE = 12
ASK = Ask(purpose="email_marketing", channel=Channel.EMAIL, recipient="mailer")


@pytest.fixture
def receiver():
    """A webhook that stamps what it gets on this process's clock."""
    running = receive()
    yield running
    running.stop()


@dataclass(frozen=True)
class Meanwhile:
    """A destination during whose assembly something happens."""

    inner: object
    happens: object

    def send(self, records, intent):
        self.happens()
        self.inner.send(records, intent)


def agreeing(journey, count):
    """People who have agreed, by number."""
    journey.send(
        "web",
        *(identify(f"u{n}", BOB | {"email": f"p{n}@r{n}.example.org"}) for n in range(count)),
    )
    journey.work()
    for n in range(count):
        journey.say(State.GIVEN, f"p{n}@r{n}.example.org", evidence="form", notice="newsletter")


def release(journey, url, happens=None, segment="everyone", connect=None):
    """Release to an endpoint at `url`; `happens` during the assembly of each batch."""

    def way(endpoint, secret):
        found = (connect or journey.reach.connect)(endpoint, secret)
        return Meanwhile(found, happens) if happens else found

    return releases.run(
        releases.Plan(
            segment=segment,
            ask=ASK,
            traits=[],
            endpoint=journey.endpoint(url),
            public_url="https://cdp.example.org",
        ),
        begin=journey.begin("marketing", purpose="email_marketing"),
        ports=journey.ports,
        limits=releases.Limits(batch=3),
        connect=way,
    )


def withdraw(journey, number, patience=PATIENCE):
    return consents.say(
        Saying(purpose="email_marketing", channel=Channel.EMAIL, state=State.WITHDRAWN, evidence="link"),
        About(identifier=Identifier("email", f"p{number}@r{number}.example.org")),
        begin=journey.begin("support"),
        ports=journey.ports,
        patience=patience,
    )


@pytest.fixture
def durable(tmp_path):
    """An instance on a server of its own that does not lie about the disk and may be restarted.

    Its data lie outside pytest's folder: another run of pytest by root takes that from the server's user.
    """
    with tempfile.TemporaryDirectory(prefix="cdp-race-") as folder:
        server = embedded.start(Path(folder) / "pg")
        made = Instance(server, tmp_path)
        yield made
        made.system.app.dispose()
        server.stop()


def test_none_late_while_the_database_restarts(durable, receiver):
    """C1: releases run, the database crashes and recovers; what was acknowledged holds."""
    journey = ready(durable.system, durable.workspace)
    agreeing(journey, PEOPLE)
    profiles = {n: str(journey.profile("user_id", f"u{n}")) for n in range(PEOPLE)}
    random, acknowledged, stop = Random(11), {}, threading.Event()

    def exporting():
        while not stop.is_set():
            try:
                release(journey, receiver.url, lambda: sleep(0.01))
            except DBAPIError:
                sleep(0.05)

    exporters = [threading.Thread(target=exporting, daemon=True) for _ in range(2)]
    for one in exporters:
        one.start()
    for number in range(PEOPLE):
        sleep(random.uniform(0.05, 0.3))
        if number == PEOPLE // 2:
            durable.server.restart(immediate=True)
        while number not in acknowledged:
            try:
                withdraw(journey, number)
                acknowledged[number] = monotonic()
            except (DBAPIError, NotYetEffective):
                sleep(0.05)  # Not acknowledged, so the person asks again.
    sleep(0.3)
    stop.set()
    for one in exporters:
        one.join()
    late = [n for n in range(PEOPLE) if receiver.stamps.get(profiles[n], 0.0) > acknowledged[n]]

    assert receiver.stamps, "something must have been sent for this to mean anything"
    assert late == []


def test_a_sender_that_was_frozen_past_its_deadline_sends_nothing(journey, receiver):
    """C1: the clock is read right before the first byte; what wakes up late stays silent."""
    agreeing(journey, 1)
    short = replace(journey.ports, intents=replace(journey.ports.intents, window=timedelta(milliseconds=80)))
    frozen = Journey(replace(journey.system, ports=short), journey.workspace)
    result = release(frozen, receiver.url, lambda: sleep(0.2))

    assert (result.released, result.withheld["not_sent"], receiver.stamps) == (0, 1, {})


def test_a_batch_that_was_too_slow_is_sent_in_parts_that_are_not(journey, receiver):
    """C1: what missed its deadline has not left, so it is read and tried anew; nobody gets it twice."""
    agreeing(journey, 3)
    sizes = []

    class Slow:
        """A way on which no more than one person is ready in time."""

        def __init__(self, inner):
            self.inner = inner

        def send(self, records, intent):
            sizes.append(len(records))
            if len(records) > 1:
                raise PastDeadline
            self.inner.send(records, intent)

    result = release(
        journey, receiver.url, connect=lambda endpoint, secret: Slow(journey.reach.connect(endpoint, secret))
    )

    assert (result.released, result.withheld["not_sent"], len(receiver.stamps)) == (3, 0, 3)
    assert sizes == [3, 2, 1, 1, 1]
    assert result.failed_batches == 0


def test_who_says_no_between_two_attempts_is_in_none_of_them(journey, receiver):
    """C1: what is tried again is read anew behind an intent of its own, as if it were the first time."""
    agreeing(journey, 3)
    profiles = [str(journey.profile("user_id", f"u{n}")) for n in range(3)]
    intents = []

    class Interrupted:
        """A way on which the first attempt comes too late, while somebody says no."""

        def __init__(self, inner):
            self.inner = inner

        def send(self, records, intent):
            intents.append(intent.id)
            if len(intents) == 1:
                with pytest.raises(NotYetEffective):
                    withdraw(journey, 0, patience=timedelta(0))
                raise PastDeadline
            self.inner.send(records, intent)

    result = release(
        journey,
        receiver.url,
        connect=lambda endpoint, secret: Interrupted(journey.reach.connect(endpoint, secret)),
    )

    assert (result.released, result.withheld["no_longer_permitted"], result.withheld["not_sent"]) == (2, 1, 0)
    assert sorted(receiver.stamps) == sorted(profiles[1:])
    assert len(intents) == len(set(intents)) >= 2, "each attempt has an intent of its own"


def test_a_withdrawal_waits_for_a_killed_sender_until_its_deadline_and_the_sweeper_counts_it_as_sent(journey):
    """C1: nobody settles a dead sender's intent; its deadline does, and nobody believes it was not sent."""
    agreeing(journey, 1)

    class Killed(BaseException):
        """The sender dies with its batch assembled."""

    def die():
        raise Killed

    long = replace(journey.ports, intents=replace(journey.ports.intents, window=timedelta(minutes=5)))
    dying = Journey(replace(journey.system, ports=long), journey.workspace)
    with pytest.raises(Killed):
        release(dying, "http://127.0.0.1:9/", die)
    with pytest.raises(NotYetEffective):
        withdraw(journey, 0, patience=timedelta(0))
    with journey.begin()() as work:
        work.session.execute(
            text("UPDATE consent.intents SET send_before = clock_timestamp() + interval '300 milliseconds'")
        )
    withdraw(journey, 0)

    with journey.begin()() as work:
        assert work.session.scalar(text("SELECT clock_timestamp() >= send_before FROM consent.intents"))
        work.session.execute(
            text("UPDATE consent.intents SET send_before = send_before - interval '2 seconds'")
        )
        assert len(journey.ports.intents.sweep(work=work)) == 1
        outcome = work.session.scalar(text("SELECT outcome FROM consent.intents"))
    assert outcome == "unknown_treated_as_released"


def test_a_merge_between_intent_and_reading_brings_the_refusal_along(journey, receiver):
    """C1: the withdrawn address joins the person after the intent; nothing goes to them."""
    agreeing(journey, 1)
    with journey.begin("marketing")() as work:
        segments.create(
            "one",
            {"attribute": "country", "op": "=", "value": "DE"},
            work=work,
            ports=journey.ports,
        )
    # Somebody else said no; the merge shows that they are the same person.
    journey.send(
        "web",
        identify("anon", {}, userId=None, anonymousId="a-1") | {"traits": {"email": "other@example.org"}},
    )
    journey.work()
    withdrawn = consents.say(
        Saying(purpose="email_marketing", channel=Channel.EMAIL, state=State.WITHDRAWN, evidence="link"),
        About(identifier=Identifier("email", "other@example.org")),
        begin=journey.begin("support"),
        ports=journey.ports,
        patience=PATIENCE,
    )
    intents = journey.ports.intents

    class MergingIntents:
        """Declares, and lets the merge commit before anybody reads."""

        def __getattr__(self, name):
            return getattr(intents, name)

        def declare(self, **asked):
            made = intents.declare(**asked)
            journey.send(
                "web",
                identify("u0", {"email": "p0@r0.example.org"}, anonymousId="a-1") | {"messageId": "join"},
            )
            assert journey.work() == {"accepted": 1}
            return made

    merging = Journey(
        replace(journey.system, ports=replace(journey.ports, intents=MergingIntents())), journey.workspace
    )
    result = release(merging, receiver.url, segment="one")

    assert withdrawn.entries and result.released == 0 and receiver.stamps == {}


def test_past_its_deadline_a_webhook_does_not_even_connect(receiver):
    """The deadline covers the connection too."""
    place = Place(host="127.0.0.1", port=9, path="/", tls=False)
    journey_intent = type("Late", (), {"deadline": monotonic() - 1, "id": "x"})

    with pytest.raises(PastDeadline):
        Webhook(place=place, addresses=["127.0.0.1"], secret=b"s").send([{"profile": "x"}], journey_intent)
