"""Every route does exactly one act of the register, asks for what stands there, and leaves that entry.

The requests that the OpenAPI document shows are sent to a platform whose policies and audit trail are
listened to: what was asked of them and told to them is held against `cdp.acts`.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from worlds.api_world import serving, standing_in
from worlds.documented import operations, requests, send, taking, world_of
from worlds.listening import Heard, listened_to, wrong_with

from api.cli.manual import acts

ROOT = Path(__file__).parents[3]

# What asks for nobody's leave and shows nothing of anybody, each with its reason.
PUBLIC = {
    "/healthz": "Whether the process lives.",
    "/readyz": "Whether it can serve.",
    "/.well-known/gpc.json": "Public by its specification.",
    "/.well-known/oauth-authorization-server": "Public by its specification.",
    "/.well-known/jwks.json": "Public keys.",
    "/v1/catalogue/traits": "Names of the platform's own, the same in every workspace.",
    "/v1/catalogue/attributes": "Names of the platform's own, the same in every workspace.",
    "/audit/{log}/checkpoint": "Public, so that anybody can witness the log.",
    "/audit/{log}/{epoch}/checkpoint": "Public, so that anybody can witness the log.",
    "/audit/{log}/{epoch}/tile/{rest}": "Public hashes, so that anybody can witness the log.",
    "/u/{token}": "A person's own link: the page shows a button, and the word is told as theirs.",
}
# A token's scopes are what the policy allows of all that there is.
ASKS_FOR_ALL = "/oauth/token"
COLLECTION = "collection"  # what messages mean is told by the worker, batch by batch


@pytest.fixture(scope="module")
def heard():
    """What is heard."""
    return Heard()


@pytest.fixture(scope="module")
def api(system, heard):
    """The platform, served and listened to."""
    ports = listened_to(system.ports, heard)
    settings = system.settings.model_copy(update={"inbox_lag_limit": timedelta(hours=1)})
    with serving(standing_in(system, settings=settings, ports=ports)) as served:
        yield served


@pytest.fixture
def world(api, workspace, database):
    """What the document's examples speak of."""
    with taking() as hook:
        yield world_of(api, workspace, database, hook)


def test_every_route_is_one_act_of_the_register(api, world, heard):
    """It asks the policy for exactly that act's permissions, and leaves exactly that act's entry."""
    document = api.http.get("/openapi.json").json()
    wrong = {}
    seen = set()
    for path, method, operation in operations(document):
        if COLLECTION in operation.get("tags", []) or path in PUBLIC:
            continue
        for request in requests(document, path, operation, world):
            heard.clear()
            answer = send(world, method, operation, request)
            assert answer.status_code < 400, f"{method} {path}: {answer.text}"
            if path == ASKS_FOR_ALL:
                heard.past_acts.clear()
            if found := wrong_with(heard):
                wrong[f"{method} {path}"] = found
            seen.add(path)

    assert wrong == {}
    assert len(seen) > 20


def test_the_register_is_printed_as_it_is():
    """`docs/acts.md` is read by officers; it says what the code does."""
    assert (ROOT / "docs" / "acts.md").read_text() == acts()
