"""Getting an answer of yesterday's by its `Idempotency-Key`, without the right to what it answers."""

import pytest
from api_world import as_admin, client, token
from sqlalchemy import text

KEY = {"Idempotency-Key": "again"}
SEGMENT = {"name": "everybody", "rule": {"all": []}}


@pytest.fixture
def made(town):
    """A client that made a segment by a request with a key."""
    known = client(town.system, town.workspace, "marketing", name="one of marketing's")
    first = town.http.post("/v1/segments", json=SEGMENT, headers=bearing(town, known) | KEY)
    assert first.status_code == 201, first.text
    return known


def bearing(town, known, **form) -> dict[str, str]:
    """The headers of that client, with a new token."""
    return {"Authorization": f"Bearer {token(town.http, known, **form).json()['access_token']}"}


def changed(town, statement: str, **said: object) -> None:
    """Change something in the registers, as the operator does."""
    with as_admin(town.system, town.workspace) as work:
        assert work.session.execute(text(statement), said).rowcount == 1


def test_a_token_of_another_scope_gets_what_a_wider_one_got(town, made):
    """What a token does not allow it is not told either."""
    narrow = bearing(town, made, scope="purpose:read")

    refused = town.http.post("/v1/segments", json=SEGMENT, headers=narrow | KEY)
    again = town.http.post("/v1/segments", json=SEGMENT, headers=bearing(town, made) | KEY)

    assert (refused.status_code, again.status_code) == (403, 201)


def test_a_client_that_lost_its_role_gets_what_it_got_before(town, made):
    """A role that was taken away ends with the next request, repeated or not (A6)."""
    headers = bearing(town, made)
    changed(town, "UPDATE policies.clients SET roles = '{support}' WHERE id = :id", id=made.id)

    assert town.http.post("/v1/segments", json=SEGMENT, headers=headers | KEY).status_code == 403


def test_a_client_whose_contract_has_ended_gets_what_it_got_before(town):
    """Nothing but refusals is heard from it any more."""
    headers = town.as_("marketing")
    first = town.http.post("/v1/segments", json=SEGMENT, headers=headers | KEY)
    ended = "UPDATE consent.recipients SET contract_until = now() - interval '1 hour' WHERE name = :name"
    changed(town, ended, name="mail house")

    assert first.status_code == 201
    assert town.http.post("/v1/segments", json=SEGMENT, headers=headers | KEY).status_code == 403
