"""The OpenAPI document is true: each documented example is sent and answered as documented."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest
from api_world import MAILER, PURPOSES, Town, as_admin, client, serving, source_with_keys, token
from jsonschema import Draft202012Validator

from api import keeper, wiring
from api.routes import shapes
from audit.checkpoint import key_of, open_note
from audit.sequencer import log_id
from cdp import policy_lines, scanning, unsubscribe
from cdp.unsubscribe import Link
from cdp.vocabulary import Channel, ContactId, Find, PurposeClass

ROLES = ("marketing", "compliance", "support", "steward")
# What has to happen before something else can.
FIRST = ("/v1/identify", "/v1/track", "/v1/segments")


@pytest.fixture(scope="module")
def api(system):
    """The platform, served."""
    with serving(system) as served:
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
    with as_admin(town.system, workspace) as work:
        policy_lines.propose("newsletter", PurposeClass.MARKETING, work=work, ports=ports)
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
        "path": {
            "purpose": "newsletter",
            "message_id": "identify-ann",
            "token": unsubscribe.write(link, town.system.links),
            "log": log,
            "epoch": "0",
            "rest": f"0/000.p/{size}",
            "writeKey": town.keys.public.text,
        },
        "instead": {
            str(shapes.PROFILE): profile,
            str(shapes.OTHER_PROFILE): str(second),
            str(shapes.FINDING): finding,
            str(shapes.PLACEHOLDER): placeholder,
            "profile:read segment:write": "profile:read segment:write",
        },
    }


class Finder:
    """A detector that finds one card in everything."""

    def scan(self, texts, language="en", regions=()):
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
        elif example is not None:
            query[name] = example
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
    extra = {"headers": world["bearer"]} if "client" in schemes else {}
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
        if path.startswith("/v1/") and not path.startswith("/v1/projects")
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
