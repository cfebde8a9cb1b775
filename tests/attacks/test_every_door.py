"""Every operation of the document, knocked at by who may not come in."""

import pytest
from worlds.api_world import MAILER, client, token

from api.http import client_paths

ROLES = ("marketing", "compliance", "support", "steward")
NOBODY = "0190f5fe-7c00-7000-8000-00000000ffff"
OPEN = frozenset(
    {
        *("/healthz", "/readyz", "/.well-known/jwks.json", "/.well-known/gpc.json", "/u/{token}"),
        *("/audit/{log}/checkpoint", "/audit/{log}/{epoch}/checkpoint", "/audit/{log}/{epoch}/tile/{rest}"),
    }
)
COLLECTS = frozenset(one.name for one in client_paths.every())
FOR_EVERY_CLIENT = {("GET", "/v1/catalogue/traits"), ("GET", "/v1/catalogue/attributes")}


@pytest.fixture(scope="module")
def closed(api):
    """(method, path with an id for each name) of every operation that asks for a client's token."""
    document = api.http.get("/openapi.json").json()
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            schemes = {name for one in operation.get("security", ()) for name in one}
            if schemes == {"client"}:
                parts = [NOBODY if part.startswith("{") else part for part in path.split("/")]
                found.append((method.upper(), "/".join(parts)))
            else:
                assert path in OPEN | COLLECTS or schemes & {"write_key", "client_secret"}, path
    return found


def test_no_door_opens_without_a_token(api, closed):
    """Nor by one that nobody issued, by a write key, or by a client's secret itself."""
    shown = [{}, {"Authorization": "Bearer nothing"}, {"Authorization": "Basic bm9ib2R5Og=="}]
    answers = [api.http.request(method, path, headers=one) for method, path in closed for one in shown]

    assert len(closed) > 20
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json()["detail"] for answer in answers}) == 1


def test_no_door_opens_by_a_token_that_allows_nothing(town, closed):
    """A token whose scope is another act's opens that act and no other: every other door names its scope."""
    headers = {"Authorization": f"Bearer {only(town, 'segment:write')}"}
    answers = {(method, path): town.http.request(method, path, headers=headers) for method, path in closed}
    opened = {door for door, answer in answers.items() if answer.status_code != 403}

    # Without a body that is one, the door that is open says so; `catalogue` is public to every client.
    assert opened == {("POST", "/v1/segments"), *FOR_EVERY_CLIENT}
    for door, answer in answers.items():
        assert door in opened or answer.json()["code"] == "act-not-allowed", door


def only(town, scope):
    """A token of a client with every role that one can have, for one scope."""
    made = client(town.system, town.workspace, *ROLES, name="everything", recipient=MAILER)
    said = token(town.http, made, scope=scope).json()
    assert said["scope"] == scope
    return said["access_token"]
