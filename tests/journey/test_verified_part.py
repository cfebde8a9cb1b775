"""Nothing of a profile is shown but what is on verified links with whom the permission is from."""

import pytest
from sqlalchemy import text
from worlds.journeys import ANN, BOB, READING, identify, lines

from cdp.views import profile_view
from cdp.vocabulary import State


@pytest.fixture
def scored(journey):
    """Ann and Bob, two verified people whom a model holds for one; Ann has agreed; her profile."""
    bob = {"type": "identify", "anonymousId": "bobs"}
    journey.send("web", identify("ann", ANN), bob | {"traits": BOB, "messageId": "first"})
    journey.work()
    ann, neighbour = journey.profile("user_id", "ann"), journey.profile("anonymous_id", "bobs")
    with journey.begin()() as work:
        work.session.execute(
            text(
                "INSERT INTO identity.edges"
                " (workspace_id, a, b, kind, evidence, version, accept_seq, created_at)"
                " VALUES (:workspace, least(:a, :b), greatest(:a, :b), 'scored', 'model', 1, 1, now())"
            ),
            {"workspace": journey.workspace, "a": ann, "b": neighbour},
        )
    # Both say something new, so that they are grouped again; Bob's first name wins, for it is newer.
    journey.send("web", identify("ann", {"phone": "+491701234567"}, messageId="again"))
    newer = {"firstName": "Robert", "lastName": "Secret", "phone": "+491701234568"}
    journey.send("web", bob | {"traits": newer, "messageId": "newest"})
    journey.work()
    journey.say(State.GIVEN, ANN["email"], evidence="form", notice="newsletter")
    with journey.begin()() as work:
        profiles = {journey.ports.identity.resolve(one, work=work) for one in (ann, neighbour)}
    assert len(profiles) == 1
    return profiles.pop()


def test_a_release_carries_nothing_of_a_merely_scored_neighbour(journey, scored, tmp_path):
    """Ann is written to by her own name, though Bob's is newer."""
    journey.release(tmp_path / "out.ndjson")

    assert [(one["to"], one["fields"]) for one in lines(tmp_path / "out.ndjson")] == [
        (ANN["email"], {"given_name": "Ann"})
    ]


def test_a_view_shows_nothing_of_a_merely_scored_neighbour(journey, scored):
    """Neither a better value nor one that only the neighbour has."""
    with journey.begin("marketing")() as work:
        view = profile_view.read(scored, READING, fields=[], work=work, ports=journey.ports)
    known = {**view.shown, **view.masked, **view.withheld}

    assert view.shown["given_name"] == "Ann"
    assert view.contactable["email"] is not None
    assert "surname" not in known
