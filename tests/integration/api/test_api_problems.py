"""What the API says when something is wrong, what it never says, and what it logs."""

import asyncio
import json
import logging
from io import StringIO
from types import SimpleNamespace

import pytest
import structlog
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from worlds.api_world import serving, standing_in

from api.http import problems
from api.http.bulkheads import REST, WAITING, Bulkheads, Kind
from api.http.edge import BODY_BYTES, Edge
from api.http.rates import Rates
from cdp.kernel.errors import (
    BadInput,
    BrokenSeal,
    CdpError,
    Conflict,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Overloaded,
    Refused,
    TooLarge,
    Unavailable,
)

CANARY = "canary-9d2e@example.org"
HANGS = 60  # seconds, after which a call that nobody lets in fails its test


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadInput, 422),
        (TooLarge, 413),
        (NotAuthenticated, 401),
        (NotAllowed, 403),
        (NotFound, 404),
        (Conflict, 409),
        (Overloaded, 429),
        (Unavailable, 503),
        (BrokenSeal, 500),
        (Refused, 500),
        (CdpError, 500),
    ],
)
def test_the_class_of_an_error_decides_its_status_and_its_docstring_is_the_message(error, status):
    """RFC 9457; whoever writes an error needs to know nothing of HTTP."""
    problem = problems.of(error(field="name"))
    body = json.loads(problem.body("request-1"))

    assert (problem.status, body["status"]) == (status, status)
    assert body["title"] == error().message
    assert body["instance"] == "urn:uuid:request-1"


def test_an_error_of_nobodys_says_nothing():
    """Messages of foreign exceptions can quote data."""
    body = problems.of(ValueError(CANARY)).body("request-1")

    assert CANARY.encode() not in body
    assert json.loads(body)["code"] == "failed"


def test_a_failed_validation_names_the_field_and_never_the_value(town):
    """A value, and a key that the caller made up, stay out of the answer."""
    body = {
        "contact": {"namespace": CANARY, "value": CANARY, CANARY: CANARY},
        "purpose": CANARY,
        "state": CANARY,
        "asserted_at": CANARY,
        "evidence": {CANARY: 1},
    }
    answer = town.http.post("/v1/consents", json=body, headers=town.as_("support"))
    fields = {one["field"] for one in answer.json()["errors"]}

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert CANARY not in answer.text
    assert {"body.contact.namespace", "body.contact.?", "body.purpose", "body.state"} <= fields


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"name": "x", "rule": {', "json_invalid"),
        (b"[]", "model_attributes_type"),
        (b'{"name": "a\\u0000b", "rule": {"all": []}}', "string_pattern_mismatch"),
        (b'{"name": "\\ud800", "rule": {"all": []}}', "string_unicode"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem_too(town, body, reason):
    """Broken JSON, another shape, NUL and half characters are told apart by a word."""
    headers = town.as_("marketing") | {"Content-Type": "application/json"}
    answer = town.http.post("/v1/segments", content=body, headers=headers)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["reason"] == reason


@pytest.mark.parametrize("value", ["\x00", "\ud800"])
def test_what_the_database_cannot_store_is_the_senders_mistake(town, value):
    """A NUL deep in a rule is found by the database alone; it is a 422, not a failure of ours."""
    rule = {"attribute": "country", "op": "=", "value": value}
    content = json.dumps({"name": "x", "rule": rule}).encode()
    headers = town.as_("marketing") | {"Content-Type": "application/json"}
    answer = town.http.post("/v1/segments", content=content, headers=headers)

    assert answer.status_code == 422
    assert answer.json()["code"] == "not-storable"


@pytest.mark.parametrize("value", ["1e999", "-1e999", "1" + "0" * 400])
def test_a_number_that_no_column_holds_is_named(town, value):
    """It is a rule that cannot be understood, and says where; it was told as a text with a NUL."""
    rule = f'{{"attribute": "orders", "op": ">", "value": {value}}}'
    headers = town.as_("marketing") | {"Content-Type": "application/json"}
    content = f'{{"name": "x", "rule": {rule}}}'.encode()
    answer = town.http.post("/v1/segments", content=content, headers=headers)

    assert answer.status_code == 422
    assert (answer.json()["code"], "rule.value" in answer.json()["detail"]) == ("bad-rule", True)


def test_a_long_whole_number_is_a_number(town):
    """What fits the column's range is compared with it; saved, it was an error at each use."""
    headers = town.as_("marketing")
    rule = {"attribute": "orders", "op": "<", "value": 10**30}
    made = town.http.post("/v1/segments", json={"name": "long", "rule": rule}, headers=headers)
    asked = {"segment": "long", "purpose": "email_marketing", "channel": "email"}
    seen = town.http.post("/v1/audiences/preview", json=asked, headers=headers)

    assert (made.status_code, seen.status_code) == (201, 200)


def test_a_body_over_the_cap_is_a_413(town):
    """Said in advance or not, nobody fills the memory."""
    big = b" " * (BODY_BYTES + 1)
    headers = town.as_("marketing") | {"Content-Type": "application/json"}
    said = town.http.post("/v1/segments", content=big, headers=headers)
    unsaid = town.http.post("/v1/segments", content=iter([big]), headers=headers)

    assert (said.status_code, unsaid.status_code) == (413, 413)
    assert said.json()["status"] == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("DELETE", "/v1/segments", 405),
        ("GET", "/v1/profiles/no-uuid?purpose=x", 401),
        ("GET", "/docs", 404),
        ("POST", "/v1/", 404),
    ],
)
def test_an_address_that_is_none_is_a_problem(api, method, path, status):
    """The framework's own refusals have the same shape."""
    answer = api.http.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_every_answer_has_security_headers_and_its_requests_id(town):
    """Pages, problems and JSON alike; a caller cannot choose the id."""
    answers = [
        town.http.get("/healthz", headers={"X-Request-Id": CANARY}),
        town.http.get("/nowhere"),
        town.http.get("/u/token"),
        town.http.post("/v1/track", json={}),
    ]

    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert len(answer.headers["x-request-id"]) == 36
        assert "server" not in answer.headers
        assert "set-cookie" not in answer.headers
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)


def test_an_acknowledgement_needs_a_commit(town):
    """A Work that cannot commit is answered with a failure, not with the success it had prepared."""
    headers = town.as_("marketing")
    doomed = text("SELECT count(*) FROM cdp.segments WHERE name = 'doomed'")

    def fail(connection):
        if connection.scalar(doomed):
            raise OperationalError("COMMIT", None, Exception(CANARY))

    event.listen(town.system.app, "commit", fail)
    body = {"name": "doomed", "rule": {"all": []}}
    answer = town.http.post("/v1/segments", json=body, headers=headers)
    event.remove(town.system.app, "commit", fail)
    with town.system.opener(town.workspace)() as work:
        left = work.session.scalar(doomed)

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert CANARY not in answer.text
    assert left == 0


def test_more_requests_than_may_be_inside_wait_or_are_told_when_to_come_back(system):
    """The queue is bounded; whether the process lives is answered all the same."""
    release, inside = asyncio.Event(), []

    async def app(scope, receive, send):
        inside.append(scope["path"])
        if scope["path"] != "/healthz":
            await release.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def call(edge, path):
        sent = []

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "path": path, "method": "GET", "headers": []}
        await edge(scope, receive, send)
        return sent[0]["status"], dict(sent[0]["headers"])

    async def crowd():
        places = Bulkheads(system.app, pool_size=system.settings.pool_size)
        rates = Rates(system.settings.model_copy(update={"rate_requests": 2 * WAITING}))
        edge = Edge(
            app,
            places=places,
            rates=rates,
            collection=app,
            collects=lambda path: None,
            caller=lambda headers: "",
            link=lambda path: "",
            https=False,
        )
        calls = [asyncio.create_task(call(edge, "/x")) for _ in range(REST.places + WAITING)]
        # Each asks for its place once its body is read, which takes some rounds of the loop.
        while len(inside) < REST.places and not any(one.done() for one in calls):
            await asyncio.sleep(0)
        while places.waiting(Kind.OTHER) < WAITING:
            await asyncio.sleep(0)
        turned_away, headers = await call(edge, "/x")
        alive, _ = await call(edge, "/healthz")
        entered = len(inside)
        release.set()
        answered = await asyncio.gather(*calls)
        places.dispose()
        return turned_away, headers, alive, entered, answered

    turned_away, headers, alive, entered, rest = asyncio.run(asyncio.wait_for(crowd(), HANGS))

    assert (turned_away, alive) == (429, 200)
    assert headers[b"retry-after"]
    assert entered == REST.places + 1
    assert {status for status, _ in rest} == {200}


def test_what_nobody_foresaw_is_a_500_without_a_word_of_it(api, town):
    """No stack trace, no message, no name of a class; the log has the place under the request's id."""

    class Broken:
        """Policies that fail."""

        version = "x"

        def allows(self, *_):
            raise ZeroDivisionError(CANARY)

    parts = {name: getattr(api.system.ports, name) for name in api.system.ports.__slots__}
    ports = SimpleNamespace(**parts | {"policies": Broken()})
    headers = town.as_("marketing")
    with serving(standing_in(api.system, ports=ports)) as broken:
        answers = [
            broken.http.post("/v1/segments", json={"name": "x", "rule": {}}, headers=headers),
            broken.http.post("/v1/track", json={}, auth=(town.keys.server.text, "")),
        ]

    for answer in answers:
        assert answer.status_code == 500
        assert answer.json()["code"] == "failed"
        assert "ZeroDivision" not in answer.text
        assert CANARY not in answer.text


@pytest.fixture
def printed():
    """What is logged from level info on, as it would be printed in production."""
    before = structlog.get_config()
    stream = StringIO()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    yield stream
    structlog.configure(**before)


def test_the_access_log_has_the_routes_template_and_nothing_personal(town, printed):
    """A path can hold a token or an id, a query anything; what is logged are words of ours."""
    profile = "0190f5fe-7c00-7000-8000-00000000abcd"
    # The last line is printed after the last answer, but before the server has stopped.
    with serving(town.system) as served:
        served.http.get(f"/v1/profiles/{profile}?purpose={CANARY}", headers={"User-Agent": CANARY})
        served.http.get(f"/u/{CANARY}")
        served.http.get(f"/nowhere/{CANARY}")
        served.http.get(f"/v1/projects/{CANARY}/settings")
        served.http.get(f"/v1/verdicts/{CANARY}", auth=(CANARY, CANARY))
        served.http.post(f"/v1/track?{CANARY}=1", json={"email": CANARY})
    whole = printed.getvalue()
    lines = [json.loads(line) for line in whole.splitlines()]

    assert [line["route"] for line in lines] == [
        "/v1/profiles/{profile_id}",
        "/u/{token:path}",
        "none",
        "/v1/projects/{writeKey}/settings",
        "/v1/verdicts/{message_id:path}",
        "/v1/track",
    ]
    assert [line["status"] for line in lines] == [401, 404, 404, 401, 401, 401]
    assert CANARY not in whole
    assert profile not in whole
    assert "127.0.0.1" not in whole
    assert all(len(line["request"]) == 36 for line in lines)


def test_ready_says_what_is_ready_and_alive_needs_nothing(api, system, tmp_path):
    """A process that cannot write its journal must not be given requests."""
    ready = api.http.get("/readyz")
    settings = system.settings.model_copy(update={"state_dir": tmp_path / "gone"})
    with serving(standing_in(system, settings=settings)) as broken:
        unready = broken.http.get("/readyz")
        alive = broken.http.get("/healthz")

    assert ready.status_code == 200
    assert {name for name, value in ready.json().items() if value is True} == {
        "ready",
        "database",
        "migrations",
        "state_directory",
    }
    assert unready.status_code == 503
    assert (unready.json()["ready"], unready.json()["state_directory"]) == (False, False)
    assert alive.json() == {"status": "ok"}
