"""The OpenAPI document is true: each documented example is sent and answered as documented."""

import json
from datetime import UTC, time, timedelta

import pytest
from jsonschema import Draft202012Validator
from worlds.api_world import MAILER, serving, standing_in
from worlds.documented import examples, operations, requests, resolved, send, taking, world_of

from api.http import client_paths, problems
from api.http.routes import ROUTERS, trail_routes
from cdp.audiences import rules


@pytest.fixture(scope="module")
def api(system):
    """The platform, served; reads do not hold for the messages of examples, which nobody works off."""
    settings = system.settings.model_copy(update={"inbox_lag_limit": timedelta(hours=1)})
    with serving(standing_in(system, settings=settings)) as served:
        yield served


@pytest.fixture(scope="module")
def document(api):
    """The document as it is served."""
    return api.http.get("/openapi.json").json()


@pytest.fixture
def world(api, workspace, database):
    """What the document's examples speak of."""
    with taking() as hook:
        yield world_of(api, workspace, database, hook)


def test_every_documented_example_is_answered_as_documented(document, world):
    """Status, media type and shape are the documented ones, and an example answer has the same fields."""
    sent = 0
    for path, method, operation in operations(document):
        for request in requests(document, path, operation, world):
            answer = send(world, method, operation, request)
            success = next(status for status in operation["responses"] if status.startswith("2"))
            assert str(answer.status_code) == success, f"{method} {path}: {answer.text}"
            shape(document, operation["responses"][success], answer, path)
            sent += 1

    assert sent >= len(document["paths"])


def shape(document, documented, answer, path):
    """Hold an answer to its documented shape."""
    content = documented.get("content", {}).get("application/json")
    if content is None or "application/json" not in answer.headers["content-type"]:
        return
    schema = {**content["schema"], "components": document["components"]}
    Draft202012Validator(schema).validate(answer.json())
    for example in examples(document, content):
        Draft202012Validator(schema).validate(example)
        assert set(example) == set(answer.json()), path


def test_the_document_is_openapi_31_and_names_every_failure(document):
    """Whoever calls knows what may go wrong; every operation has an id of its own."""
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    protected = [
        operation
        for path, _, operation in operations(document)
        # What Segment's library says of itself is passed over, whoever says it.
        if path.startswith("/v1/") and not path.startswith("/v1/projects") and path != "/v1/m"
    ]

    assert document["openapi"].startswith("3.1")
    assert len(ids) == len(set(ids))
    assert all({"401", "429", "503"} <= set(operation["responses"]) for operation in protected)
    assert all(operation["security"] for operation in protected)
    Draft202012Validator.check_schema({"components": document["components"]})


def test_scopes_in_the_document_are_the_policys_words(document):
    """A scope that is documented can be asked for."""
    flow = document["components"]["securitySchemes"]["client"]["flows"]["clientCredentials"]

    assert "profile:read" in flow["scopes"]
    assert flow["tokenUrl"] == "/oauth/token"


def parts(document, kind):
    """(place, part) of every property or parameter anywhere in the document, but for its examples."""

    def walk(node, place):
        if isinstance(node, list):
            for number, one in enumerate(node):
                yield from walk(one, f"{place}/{number}")
        if not isinstance(node, dict):
            return
        found = node.get(kind)
        # A field may be called `properties`; what a schema has under the word is a table of schemas.
        if isinstance(found, dict) and not place.endswith("/properties"):
            yield from ((f"{place}: {name}", one) for name, one in found.items())
        if isinstance(found, list):
            yield from ((f"{place}: {one['name']}", one) for one in found)
        for name, one in node.items():
            if name not in ("example", "examples"):
                yield from walk(one, f"{place}/{name}")

    return list(walk(document, ""))


@pytest.mark.parametrize("kind", ["properties", "parameters"])
def test_every_property_and_parameter_says_in_a_sentence_what_it_is(document, kind):
    """A newcomer need not guess: more than the name, and a whole sentence."""
    found = parts(document, kind)
    silent = [
        place
        for place, part in found
        if len(part.get("description", "").split()) < 3 or part["description"].rstrip()[-1] not in ".?"
    ]

    assert len(found) > 10
    assert silent == []


def test_every_failure_is_the_one_problem(document):
    """RFC 9457, in one schema; OAuth has words of its own (RFC 6749 5.2), and people get pages."""
    own = {
        ("/oauth/token", "400"): {"application/json"},
        ("/oauth/token", "401"): {"application/json"},
        ("/readyz", "503"): {"application/json"},
        ("/u/{token}", "404"): {"text/html"},
        ("/u/{token}", "503"): {"text/html", problems.MEDIA_TYPE},
    }
    for path, _, operation in operations(document):
        for status, response in operation["responses"].items():
            if status < "400":
                continue
            assert set(response["content"]) == own.get((path, status), {problems.MEDIA_TYPE}), (path, status)
            if problems.MEDIA_TYPE in response["content"]:
                schema = response["content"][problems.MEDIA_TYPE]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}


def test_problems_have_the_documented_shape(api, document):
    """The framework's refusals, ours and collection's alike; nothing is in them that isn't documented."""
    schema = {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    answers = [
        api.http.get("/nowhere"),
        api.http.delete("/v1/segments"),
        api.http.get("/v1/findings"),
        api.http.get("/audit/x/checkpoint"),
        api.http.post("/v1/track", json={}),
    ]

    assert [answer.status_code for answer in answers] == [404, 405, 401, 422, 401]
    for answer in answers:
        Draft202012Validator(schema).validate(answer.json())
        assert set(answer.json()) <= set(document["components"]["schemas"]["Problem"]["properties"])


def test_a_405_names_every_method_of_the_address(api, document):
    """RFC 9110 15.5.6: what the document has at an address is in `Allow`, whichever route takes it."""
    for path, methods in document["paths"].items():
        address = path.replace("{log}", "0" * 32).replace("{epoch}", "0")
        answer = api.http.request("PATCH", address.replace("{", "").replace("}", ""))
        allowed = answer.headers.get("allow", "").split(", ")

        assert answer.status_code == 405, path
        assert {method.upper() for method in methods} <= set(allowed), path
    assert set(api.http.put("/u/token").headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_a_parameter_that_is_not_documented_is_refused_by_its_name(api, document, world):
    """Whoever misspells `cursor` would get page one for ever; collection and OAuth take what comes."""
    lenient = {"/oauth/token", "/u/{token}"} | {one.name for one in client_paths.every()}
    asked = 0
    for path, method, operation in operations(document):
        if path in lenient:
            continue
        address, query, kind, body = next(requests(document, path, operation, world))
        answer = send(world, method, operation, (address, {**query, "cursr": "x"}, kind, body))
        assert (answer.status_code, answer.json()["code"]) == (422, "not-well-formed"), path
        assert {"field": "query.cursr", "reason": "extra_forbidden"} in answer.json()["errors"], path
        asked += 1

    assert asked > 20


def test_a_cursor_has_one_name(document):
    """A page says `next`; the request for it says `cursor`, on every list."""
    pages = [
        {one["name"] for one in operation["parameters"]}
        for _, _, operation in operations(document)
        if "next" in answered(document, operation)
    ]

    assert len(pages) >= 2
    assert all({"cursor", "limit"} <= names for names in pages)


def answered(document, operation):
    """The names of the fields in a successful answer."""
    content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
    return resolved(document, content.get("schema", {})).get("properties", {})


def test_the_addresses_that_clients_have_built_in_are_documented(document):
    """docs/clients.md lists them; whoever puts a proxy before them reads the document."""
    assert {one.name for one in client_paths.every()} <= set(document["paths"])
    assert {"/sourceConfig", "/v1/import", "/v1/m", "/beacon/v1/batch"} <= set(document["paths"])


@pytest.mark.parametrize("since", ["2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00:00+01:00"])
def test_a_time_is_taken_as_the_command_line_takes_it(world, since):
    """ISO 8601: a day, an instant, with a zone or in UTC."""
    answer = world["town"].http.get("/v1/audit/entries", params={"since": since}, headers=world["bearer"])

    assert answer.status_code == 200


@pytest.mark.parametrize("since", ["1769817600", "31.01.2026", "yesterday", "2026-13-01"])
def test_what_is_no_iso_8601_is_no_time(world, since):
    """Seconds since 1970 were taken once; a number that was meant as a year is not one of them."""
    answer = world["town"].http.get("/v1/audit/entries", params={"since": since}, headers=world["bearer"])

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "query.since", "reason": "not_a_time"}]


def test_of_an_end_the_whole_day_counts():
    """`until` a day holds what happened on it, as on the command line."""
    ask = trail_routes.TrailAsk.model_validate({"since": "2026-01-31", "until": "2026-01-31"})

    assert (ask.since.time(), ask.until.time()) == (time.min, time.max)
    assert ask.since.tzinfo is ask.until.tzinfo is UTC


def test_an_attribute_is_typed_and_so_is_what_it_is_compared_with(document, api):
    """A rule is no longer anything at all: what the document takes is what a segment takes."""
    rule = {"$ref": "#/components/schemas/Rule", "components": document["components"]}
    fits = Draft202012Validator(rule).is_valid
    within = document["components"]["schemas"]["SegmentIn"]["properties"]["rule"]
    known = api.system.ports.catalogue.attributes()

    assert within["$ref"] == "#/components/schemas/Rule"
    for attribute in known:
        word = attribute.kind == "word"
        comparison = {"attribute": attribute.name, "op": "=", "value": "x" if word else 1}
        nested = {"not": {"any": [comparison, {"all": []}]}}
        for one, taken in (
            (comparison, True),
            (nested, True),
            (comparison | {"value": 1 if word else "x"}, False),
            (comparison | {"op": "<"}, not word),
            (comparison | {"op": "like"}, False),
            (comparison | {"attribute": "shoe_size"}, False),
            (comparison | {"more": 1}, False),
        ):
            assert fits(one) is taken, one
            assert understood(one, api) is taken, one


def understood(rule, api):
    """Whether a segment can have a rule."""
    try:
        rules.read(rule, catalogue=api.system.ports.catalogue)
    except rules.BadRule:
        return False
    return True


def test_traits_are_typed_by_the_catalogue(document, api):
    """Whoever generates a client from the document gets the names with it."""
    schemas = document["components"]["schemas"]
    ask = schemas["ReleaseIn"]["properties"]["traits"]["items"]

    assert ask == {"$ref": "#/components/schemas/TraitName"}
    assert set(schemas["TraitName"]["enum"]) == set(api.system.ports.catalogue.traits())
    assert "x-named" not in json.dumps(document)


def test_who_gets_a_name_of_the_catalogue_wrong_is_told_all_of_them(world):
    """The names are the platform's own; what was sent is not repeated."""
    town = world["town"]
    rule = {"any": [{"attribute": "shoe_size", "op": "=", "value": 1}]}
    send_to = {"purpose": "email_marketing", "channel": "email", "recipient": MAILER, "endpoint": "batches"}
    asked = {"segment": "any", "traits": ["email", "shoe_size"], **send_to}
    segment = town.http.post("/v1/segments", json={"name": "x", "rule": rule}, headers=world["bearer"])
    release = town.http.post("/v1/releases", json=asked, headers=world["bearer"])

    assert (segment.status_code, segment.json()["code"]) == (422, "unknown-attribute")
    assert segment.json()["errors"][0]["field"] == "rule.any[0].attribute"
    assert "orders" in segment.json()["detail"]
    assert (release.status_code, release.json()["code"]) == (422, "unknown-trait")
    assert release.json()["errors"][0]["field"] == "traits[1]"
    assert "given_name" in release.json()["detail"]
    assert "shoe_size" not in segment.text + release.text


def test_every_summary_is_what_a_person_would_call_it(document):
    """`Post Holder Change` is a function's name; a list of operations is read by people."""
    names = {route.name.replace("_", " ").casefold() for router in ROUTERS for route in router.routes}
    found = {f"{method} {path}": one["summary"] for path, method, one in operations(document)}

    assert len(names) > 30
    for name, summary in found.items():
        assert summary.casefold() not in names, (name, summary)
        assert summary[:1].isupper() and not summary.endswith("."), (name, summary)
        assert len(summary.split()) > 1 and len(summary) <= 80, (name, summary)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_document_takes_no_query(api, method):
    """As everywhere: what is not documented is refused by its name, and not passed over."""
    answer = api.http.request(method, "/openapi.json", params={"canary": "x"})

    assert answer.status_code == 422
    if method == "GET":
        assert answer.json()["errors"] == [{"field": "query.canary", "reason": "extra_forbidden"}]
    assert api.http.request(method, "/openapi.json").status_code == 200
    assert api.http.post("/openapi.json").status_code == 405


def test_every_operation_that_takes_a_body_says_that_it_can_be_too_long(town):
    """The edge refuses such a one before any route sees it."""
    paths = town.http.get("/openapi.json").json()["paths"]
    taking = [one for path in paths.values() for one in path.values() if "requestBody" in one]

    assert len(taking) > 20
    assert [one["operationId"] for one in taking if "413" not in one["responses"]] == []
