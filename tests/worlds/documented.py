"""The world that the OpenAPI document's examples speak of, and how they are sent to it."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

from sqlalchemy import select
from worlds.api_world import MAILER, PURPOSES, Town, as_admin, client, source_with_keys, token

from api import wiring
from api.http import openapi, shapes
from api.http.routes import policy_routes, quarantine_routes
from api.processes import keeper
from audit.log.checkpoint import key_of, open_note
from audit.log.sequencer import log_id
from cdp import tables
from cdp.intake.ingest import Limits, work_off
from cdp.kernel.ids import new_id
from cdp.permission import unsubscribe
from cdp.permission.unsubscribe import Link
from cdp.ports.register_ports import Controller, NewPurpose, NewRecipient
from cdp.recipients import endpoints, recipients
from cdp.registers import accounts, purposes
from cdp.releases.reach import Reach
from cdp.scanning import scanning
from cdp.vocabulary import Basis, Channel, ContactId, Find
from policies.loader import load_default

ROLES = ("marketing", "compliance", "support", "steward")
# What has to happen before something else can.
FIRST = (
    "/v1/identify",
    "/v1/track",
    "/v1/segments",
    "/v1/purposes/{purpose}/basis",
    "/v1/purposes/{purpose}/policy-lines/proposal",
    "/v1/identity/join",
    "/v1/identity/separate",
)
# What administrators do, who may do nothing with people's data.
BY_ADMIN = re.compile(
    r"/v1/(sources|write-keys|clients|accounts|recipients|endpoints|quarantine)\b|/v1/(purposes|notices)\Z"
    r"|/v1/purposes/[^/]+/policy-lines/proposal\Z"
)


@contextmanager
def taking() -> Iterator[str]:
    """The URL of a webhook that takes everything."""

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


def world_of(api, workspace, database, hook):
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
            quarantine_routes.REQUEST: quarantined(town),
            str(shapes.PLACEHOLDER): placeholder,
            str(shapes.LOG_ENTRY): signed(town),
            policy_routes.POLICY: f"{load_default().text}p, support, verdict, read, allow\n",
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


def quarantined(town):
    """The number of a request that could not be worked off, though that was tried again and again."""

    class Broken:
        """Identity with a fault in it."""

        def __getattr__(self, name):
            raise ValueError

    message = {"type": "track", "event": "Seen", "userId": "user-ann", "messageId": "failing"}
    town.http.post("/v1/batch", json={"batch": [message]}, auth=(town.keys.server.text, ""))
    ports = replace(town.system.ports, identity=Broken())
    for _ in range(6):
        work_off(town.system.opener(town.workspace), ports=ports, limits=Limits())
    with as_admin(town.system, town.workspace) as work:
        return work.session.scalars(select(tables.quarantine.c.accept_seq)).one()


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
    return instead.get(value, value) if isinstance(value, str | int) else value


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
