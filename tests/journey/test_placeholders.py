"""An identifier with many people's contacts is nobody's: never shown, sent or erased as one person's."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from worlds.journeys import identify, lines

from cdp import tables as cdp_tables
from cdp.audiences import audiences, segments
from cdp.audiences.rules import EVERYBODY
from cdp.ports import Ask
from cdp.requests import access, erasure
from cdp.requests.requested import NotOnePerson
from cdp.views import profile_view
from cdp.views.profile_view import Asking, NoSuchProfile
from cdp.vocabulary import Channel, Identifier, State
from consent import tables as consent_tables
from consent.ledger.kept_words import NO
from identity import tables

PATIENCE = timedelta(0)


def messages(count):
    """`identify` calls under one user id, each with an address of its own; the second says no."""
    said = [{"email": f"p{n}@mail.example", "country": "DE", "firstName": f"P{n}"} for n in range(count)]
    calls = [identify("signup-form", traits, messageId=f"m{n}") for n, traits in enumerate(said)]
    calls[1]["context"] = {"consent": {"categoryPreferences": {"news": False}}}
    return calls


@pytest.fixture
def placeholder(journey):
    """The fragment of a user id with 120 addresses, come in two batches."""
    with journey.begin("admin")() as work:
        work.session.execute(
            update(cdp_tables.sources).values(categories={"news": ["email_marketing", "email"]})
        )
    calls = messages(120)
    journey.send("web", *calls[:15])
    assert journey.work() == {"accepted": 15}
    journey.send("web", *calls[15:])
    assert journey.work() == {"accepted": 105}
    with journey.begin()() as work:
        row = work.session.execute(select(tables.fragments)).one()
    assert row.quarantined == "contact_limit"
    return row.id


def test_nothing_of_a_placeholder_is_shown_or_sent(journey, placeholder):
    """I9: no package, no view, no golden value, no audience, no count of it."""
    ask = Ask(purpose="email_marketing", channel=Channel.EMAIL, recipient="mailer")
    with journey.begin("compliance", purpose="subject_access")() as work, pytest.raises(NotOnePerson):
        access.package(placeholder, work=work, ports=journey.ports)
    asking = Asking(purpose="customer_support", recipient=None, inbox_lag=timedelta(days=1))
    with journey.begin("support", "admin")() as work, pytest.raises((NoSuchProfile, profile_view.NotAllowed)):
        profile_view.read(placeholder, asking, fields=["firstName"], work=work, ports=journey.ports)
    with journey.begin("marketing")() as work:
        golden = journey.ports.identity.golden([placeholder], [], work=work)
        matched = work.session.scalars(segments.members(EVERYBODY, ports=journey.ports)).all()
        funnel, _ = audiences.preview(EVERYBODY, ask, work=work, ports=journey.ports)

    assert (golden, matched, funnel.matched) == ([], [], 0)


def test_who_is_named_by_a_placeholder_is_a_person_of_their_own_and_their_no_holds(journey, placeholder):
    """I9: the source knows p1 by a real id later; a no that came under the placeholder binds."""
    journey.send(
        "web", identify("u1", {"email": "p1@mail.example"}), identify("u2", {"email": "p2@mail.example"})
    )
    journey.work()
    with journey.begin()() as work:
        address = journey.ports.identity.contact_of(Identifier("email", "p1@mail.example"), work=work)
        word = consent_tables.current.c
        noes = work.session.scalars(select(word.contact_id).where(word.polarity == NO)).all()

    assert address in noes
    for number in (1, 2):
        with journey.begin("compliance", purpose="subject_access")() as work:
            person = journey.profile("email", f"p{number}@mail.example")
            found = access.package(person, work=work, ports=journey.ports)

            assert [one["address"] for one in found["contacts"] if one["kind"] == "email"] == [
                f"p{number}@mail.example"
            ]
            assert person != placeholder


def test_nothing_is_sent_to_who_said_no_under_a_placeholder(journey, tmp_path):
    """I9, C15: two people agreed; the no that came for one of them under a shared user id binds."""
    with journey.begin("admin")() as work:
        work.session.execute(
            update(cdp_tables.sources).values(categories={"news": ["email_marketing", "email"]})
        )
    for number in (1, 2):
        grown = {"birthday": "1980-02-03", "address": {"country": "DE"}}
        journey.send("web", identify(f"u{number}", {"email": f"p{number}@mail.example", **grown}))
        journey.work()
        journey.say(State.GIVEN, f"p{number}@mail.example", evidence="form", notice="newsletter")
    before = journey.release(tmp_path / "before.ndjson")
    journey.send("web", *messages(60))
    journey.work()
    journey.release(tmp_path / "after.ndjson")

    assert before.released == 2
    assert [one["to"] for one in lines(tmp_path / "after.ndjson")] == ["p2@mail.example"]


@pytest.mark.parametrize("size", [1, 7, 40])
def test_a_person_whose_client_makes_up_a_device_for_each_message_stays_a_person(journey, size):
    """RudderStack's Go client does: after 21 messages its people were gone, whatever the batches."""
    said = [identify("u1", {"email": "ann@mail.example"}, messageId="identify")]
    for n in range(39):
        track = {"type": "track", "event": "Looked", "userId": "u1", "anonymousId": f"9c2f-{n}-d3"}
        said.append(track | {"messageId": f"t{n}"})
    for at in range(0, len(said), size):
        journey.send("web", *said[at : at + size])
        journey.work()
    with journey.begin()() as work:
        [row] = work.session.execute(select(tables.fragments)).all()
        devices = journey.ports.identity.goes_by([row.id], work=work)

    assert row.quarantined is None
    assert journey.profile("email", "ann@mail.example") == row.id
    assert sum(namespace == "anonymous_id" for namespace, _ in devices.values()) == 39


def test_a_placeholder_is_erased_only_whole_and_takes_nobody_with_it(journey, placeholder):
    """I9: by name; the person that it named too stays, and what comes of them later is heard."""
    journey.send("web", identify("u1", {"email": "p1@mail.example"}, messageId="u1"))
    journey.work()
    begin = journey.begin("compliance", purpose="subject_erasure")
    how = {"ground": "GDPR 17(1)(d)", "begin": begin, "ports": journey.ports, "patience": PATIENCE}
    with pytest.raises(NotOnePerson):
        erasure.erase(placeholder, **how)
    done = erasure.erase(placeholder, quarantined=True, **how)
    journey.send("web", identify("u1", {"email": "p1@mail.example"}, messageId="again"))

    assert done.residue_total == 0
    assert journey.work() == {"accepted": 1}
    assert journey.profile("email", "p1@mail.example") != placeholder
