"""What a stranger with a browser's public key can do to somebody whose ids they know: nothing."""

from sqlalchemy import select, text
from worlds.journeys import ANN, identify

from cdp import tables
from cdp.requests import access

FORGED = {
    "email": "ann@example.org",
    "firstName": "Mallory",
    "birthday": "1970-01-01",
    "country": "US",
    "region": "US-NY",
}


def package(journey, profile):
    """What the person would be shown."""
    with journey.begin("compliance", purpose="subject_access")() as work:
        found = access.package(profile, work=work, ports=journey.ports)
    return {name: value for name, value in found.items() if name not in ("as_of", "who_looked")}


def test_naming_somebody_with_a_public_key_writes_nowhere_near_them(journey):
    """Design: from a public key always to the anonymous id, with or without one in the message."""
    journey.send("web", identify("victim", ANN))
    journey.work()
    ann = journey.profile("user_id", "victim")
    before = package(journey, ann)
    forged = identify("victim", FORGED, messageId="forged")
    order = {
        "type": "track",
        "event": "Order Completed",
        "userId": "victim",
        "messageId": "forged-order",
        "properties": {"revenue": 5000},
    }
    journey.send("web", forged, order, kind="public", gpc=True)
    assert journey.work() == {"accepted": 2}

    assert journey.profile("user_id", "victim") == ann
    assert package(journey, ann) == before
    with journey.begin()() as work:
        laws = work.session.execute(text("SELECT core_id, laws FROM consent.persons")).all()
    assert dict(laws)[ann] == 1


def test_what_is_typed_into_the_wrong_field_is_not_kept_in_clear(journey):
    """Only the forms of code lists stand in clear; an address in the country's place does not."""
    wrong = {
        "email": "ann lindqvist 0701234567",
        "country": "ann.secret@example.org",
        "region": "+46701234567",
        "language": "ann.secret@example.org",
    }
    journey.send("web", identify("u1", wrong), identify("u2", ANN | {"language": "de-DE"}))
    journey.work()
    with journey.begin()() as work:
        words = set(
            work.session.scalars(select(tables.derived.c.word).where(tables.derived.c.word.isnot(None)))
        )

    assert words == {"DE", "de-DE", "example.org"}
