"""The OpenAPI document is true: each documented example is sent and answered as documented."""

import json
import re
import threading
from datetime import UTC, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest
from api_world import MAILER, PURPOSES, Town, as_admin, client, serving, source_with_keys, standing_in, token
from jsonschema import Draft202012Validator

from api import client_paths, keeper, openapi, problems, wiring
from api.routes import ROUTERS, shapes, trail
from audit.checkpoint import key_of, open_note
from audit.sequencer import log_id
from cdp import scanning, segments, unsubscribe
from cdp.endpoints import Reach
from cdp.kernel.ids import new_id
from cdp.ports.registers import Controller, NewPurpose, NewRecipient
from cdp.registers import accounts, endpoints, purposes, recipients
from cdp.unsubscribe import Link
from cdp.vocabulary import Basis, Channel, ContactId, Find

ROLES = ("marketing", "compliance", "support", "steward")
# What has to happen before something else can.
FIRST = (
    "/v1/identify",
    "/v1/track",
    "/v1/segments",
    "/v1/purposes/{purpose}/basis",
    "/v1/identity/join",
    "/v1/identity/separate",
)
# What administrators do, who may do nothing with people's data.
BY_ADMIN = re.compile(
    r"/v1/(sources|write-keys|clients|accounts|recipients|endpoints)\b|/v1/(purposes|notices)\Z"
)


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
def hook():
    """A webhook that takes everything."""

    class Takes(BaseHTTPRequestHandler):
        """Answers 200."""

        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Takes)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/cdp"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def world(api, workspace, database, hook):
    """What the document's examples speak of: Ann, who agreed; a second record of hers; a log; a link."""
    town = Town(api, workspace)
    profile = town.person()
    other = source_with_keys(town.system, workspace, "till")
    message = {"type": "identify", "userId": "user-ann", "traits": {"firstName": "Ann"}, "messageId": "till"}
    town.send(message, key=other.server.text)
    town.say("given")
    town.endpoint(hook)
    ports = town.system.ports
    with as_admin(town.system, workspace) as work:
        (_, second) = ports.identity.fragments_of(UUID(profile), core_only=True, work=work)
        purpose = ports.ledger.purposes(work=work)["email_marketing"]
    finding = found(town)
    placeholder = crowded(town)
    view = town.http.get(
        f"/v1/profiles/{profile}", params={"purpose": "email_marketing"}, headers=town.as_("marketing")
    ).json()
    link = Link(
        workspace=workspace,
        contact=ContactId(UUID(view["contactable"]["email"])),
        purpose=purpose,
        channel=Channel.EMAIL,
    )
    keeper.keep(wiring.sequencer(town.system.state, town.system.keys), database.keeper, workspace)
    log = log_id(town.system.state.instance, workspace)
    note = town.http.get(f"/audit/{log}/checkpoint").text
    size = open_note(note, key_of(wiring.checkpoint_signer(town.system.keys))).size
    made = client(town.system, workspace, *ROLES, purposes=PURPOSES, name="everything", recipient=MAILER)
    return {
        "town": town,
        "basic": {
            "client_secret": (str(made.id), made.secret),
            "write_key": (town.keys.server.text, ""),
        },
        "bearer": {"Authorization": f"Bearer {token(town.http, made).json()['access_token']}"},
        "admin": town.as_("admin"),
        "path": {
            "purpose": "newsletter",
            "source": "shop",
            "message_id": "identify-ann",
            "token": unsubscribe.write(link, town.system.links),
            "log": log,
            "epoch": "0",
            "rest": f"0/000.p/{size}",
        },
        "instead": {
            openapi.WRITE_KEY: town.keys.public.text,
            str(shapes.PROFILE): profile,
            str(shapes.OTHER_PROFILE): str(second),
            str(shapes.FINDING): finding,
            str(shapes.PLACEHOLDER): placeholder,
            str(shapes.LOG_ENTRY): signed(town),
            str(shapes.WRITE_KEY): str(other.server.id),
            str(shapes.CLIENT): str(client(town.system, workspace, "reader", name="an old tool").id),
            str(shapes.ACCOUNT): str(account(town)),
            **registered(town),
            "profile:read segment:write": "profile:read segment:write",
        },
    }


def signed(town):
    """An entry of the signed log."""
    found = town.http.get("/v1/audit/entries", headers=town.as_("compliance")).json()
    return found["entries"][0]["id"]


def registered(town):
    """Rows of registers that can end or change without anybody else of this world: ids by documented ones."""
    ports = town.system.ports
    house = NewRecipient(
        name="old house",
        legal_entity="Old House Ltd",
        role="processor",
        country="GB",
        contract_until=datetime.now(UTC) + timedelta(days=30),
        transfer_until=datetime.now(UTC) + timedelta(days=30),
    )
    with as_admin(town.system, town.workspace) as work:
        purposes.create(NewPurpose(name="newsletter", basis=Basis.CONSENT), work=work, ports=ports)
        recipient = recipients.create(house, work=work, ports=ports)
        reach = Reach.of(town.system.settings)
        endpoint = endpoints.create(
            recipient, "old", "https://hooks.example.net/", reach=reach, work=work, ports=ports
        )
        controller = Controller(id=new_id(), name="Shop AG", establishments=["CH"], offers=[])
        ports.registers.controllers.add(controller, work=work)
    return {
        str(shapes.RECIPIENT): str(recipient),
        str(shapes.ENDPOINT): str(endpoint.id),
        str(shapes.CONTROLLER): str(controller.id),
    }


def account(town):
    """Somebody who logs in."""
    with as_admin(town.system, town.workspace) as work:
        return accounts.create(
            "ann", "correct horse battery staple", ["reader"], work=work, ports=town.system.ports
        )


class Finder:
    """A detector that finds one card in everything."""

    def scan(self, texts, language="en", regions=(), names=()):
        return [[Find(0, 4, "CREDIT_CARD", 1.0, "patterns")] for _ in texts]


def found(town):
    """A finding in something that Ann wrote."""
    traits = {"support_note": "4111 …"}
    town.send({"type": "identify", "userId": "user-ann", "traits": traits, "messageId": "note"})
    begin = town.system.opener(town.workspace)
    while scanning.step(begin, ports=town.system.ports, detector=Finder()):
        pass
    listed = town.http.get("/v1/findings", headers=town.as_("compliance")).json()
    return listed["findings"][0]["id"]


def crowded(town):
    """A user id under which more addresses come than one person has."""
    calls = [
        {"type": "identify", "userId": "many", "traits": {"email": f"p{n}@mail.example"}} for n in range(21)
    ]
    town.send(*(call | {"messageId": f"many-{n}"} for n, call in enumerate(calls)))
    listed = town.http.get("/v1/identity/quarantined", headers=town.as_("steward")).json()
    return listed["quarantined"][0]["fragment"]


def real(value, instead):
    """An example with the ids of this world in the place of the documented ones."""
    if isinstance(value, dict):
        return {name: real(one, instead) for name, one in value.items()}
    if isinstance(value, list):
        return [real(one, instead) for one in value]
    return instead.get(value, value) if isinstance(value, str) else value


def resolved(document, schema):
    """A schema, followed to where it is defined."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def examples(document, content):
    """The documented examples of a body."""
    if "example" in content:
        return [content["example"]]
    return resolved(document, content["schema"]).get("examples", [])


def operations(document):
    """(path, method, operation), those first that others stand on."""
    found = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return sorted(found, key=lambda one: (one[0] not in FIRST, one[0]))


def requests(document, path, operation, world):
    """The requests that an operation documents: (path, query, kind of body, body)."""
    query = {}
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        example = next(iter(parameter["schema"].get("examples", parameter.get("examples", []))), None)
        if parameter["in"] == "path":
            value = world["path"].get(name) or world["instead"][example]
            path = path.replace(f"{{{name}}}", value)
        # A key is for one request alone, and there may be several of an operation.
        elif example is not None and parameter["in"] != "header":
            query[name] = world["instead"].get(example, example)
    bodies = operation.get("requestBody", {}).get("content", {})
    if not bodies:
        yield path, query, None, None
    for kind, content in bodies.items():
        made = examples(document, content)
        assert made, f"{path} has no example"
        for body in made:
            yield path, query, kind, real(body, world["instead"])


def send(world, method, operation, request):
    """Send a documented request with the credentials that its operation asks for."""
    path, query, kind, body = request
    schemes = {name for one in operation.get("security", []) for name in one}
    who = "admin" if BY_ADMIN.match(path) else "bearer"
    extra = {"headers": world[who]} if "client" in schemes else {}
    for scheme, pair in world["basic"].items():
        if scheme in schemes:
            extra["auth"] = pair
    if body is not None:
        extra["json" if kind == "application/json" else "data"] = body
    return world["town"].http.request(method.upper(), path, params=query, **extra)


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
    ask = trail.TrailAsk.model_validate({"since": "2026-01-31", "until": "2026-01-31"})

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
        segments.members(rule, ports=api.system.ports)
    except segments.BadRule:
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
