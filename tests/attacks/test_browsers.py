"""What a browser could be made to do: run, frame, forge, follow. It has nobody's authority here."""

from dataclasses import dataclass

import pytest
from sqlalchemy import text
from worlds.api_world import ADMIN, serving, standing_in

from api.http import client_paths
from cdp.kernel.database import metadata
from cdp.work import open_work

ELSEWHERE = "https://evil.example"
COLLECTS = frozenset(one.name for one in client_paths.every())
CSP = {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"}


@pytest.fixture
def behind_tls(system):
    """The platform under a public address that is https, as in production."""
    settings = system.settings.model_copy(update={"public_url": "https://cdp.example.org"})
    with serving(standing_in(system, settings=settings)) as served:
        yield served


@dataclass(frozen=True)
class Door:
    """An operation of the document, with something in the place of each name in its path."""

    method: str
    path: str
    collects: bool


@pytest.fixture(scope="module")
def doors(api):
    """Every operation of the document."""
    document = api.http.get("/openapi.json").json()
    return [
        Door(method.upper(), path.replace("{", "").replace("}", ""), path in COLLECTS)
        for path, methods in document["paths"].items()
        for method in methods
    ]


def test_every_answer_keeps_a_browser_in_its_place(behind_tls, doors):
    """Whatever is asked, known or not: no sniffing, framing, caching, referrer, cookie; https from now on."""
    asked = [(one.method, one.path) for one in doors]
    asked += [("GET", "/nowhere"), ("POST", "/v1/track"), ("OPTIONS", "/v1/t"), ("HEAD", "/u/x")]
    answers = [behind_tls.http.request(method, path, follow_redirects=False) for method, path in asked]

    assert len(answers) > 40
    for answer in answers:
        headers = answer.headers
        policy = {one.strip() for one in headers["content-security-policy"].split(";")}
        assert policy >= CSP, answer.url
        assert "unsafe" not in headers["content-security-policy"]
        assert "script-src" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store", answer.url
        assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        assert "set-cookie" not in headers
        assert not answer.content or headers["content-type"], answer.url


def test_another_page_reads_nothing_but_what_collection_answers(town, doors):
    """Only addresses at which a browser sends events may be read from any page, and they tell of nobody."""
    token = town.as_("marketing", "compliance", "support", "steward")
    origin = {"Origin": ELSEWHERE}
    open_ones, closed = set(), set()
    for door in doors:
        answer = town.http.request(door.method, door.path, headers=origin | token)
        preflight = town.http.options(door.path, headers=origin | {"Access-Control-Request-Method": "POST"})
        allowed = {one.headers.get("access-control-allow-origin") for one in (answer, preflight)}
        assert "access-control-allow-credentials" not in {*answer.headers, *preflight.headers}
        (open_ones if allowed == {"*"} else closed).add(door)
        assert allowed in ({"*"}, {None}), door

    assert {door.collects for door in open_ones} == {True}
    assert {door.path for door in closed} > {"/v1/segments", "/v1/profiles/query", "/oauth/token", "/u/token"}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_another_page_has_nobodys_authority(town, doors, kind):
    """What a form or a script can send without a preflight carries no token, and there is no cookie."""
    headers = {
        "Origin": ELSEWHERE,
        "Content-Type": kind,
        "Cookie": "session=1",
        "Sec-Fetch-Site": "cross-site",
    }
    with town.system.opener(town.workspace)() as work:
        before = work.session.scalar(text("SELECT count(*) FROM cdp.segments"))
    closed = [one for one in doors if one.path.startswith("/v1/") and not one.collects]
    answers = [
        town.http.request(one.method, one.path, content=b'{"name":"x","rule":{"all":[]}}', headers=headers)
        for one in closed
    ]
    with town.system.opener(town.workspace)() as work:
        after = work.session.scalar(text("SELECT count(*) FROM cdp.segments"))

    assert len(answers) > 20
    assert {answer.status_code for answer in answers} == {401}
    assert before == after


def test_looking_writes_nothing_whatever_the_address(town, doors):
    """GET and HEAD need no preflight: without a token they change no row of any table."""
    names = [str(table) for table in metadata.tables.values() if "workspace_id" in table.c]

    def rows():
        with open_work(town.system.app, workspace=town.workspace, actor=ADMIN, purpose="test") as work:
            may = text("SELECT has_table_privilege(CAST(:name AS text), 'SELECT')")
            read = [name for name in names if work.session.scalar(may, {"name": name})]
            return {name: work.session.scalar(text(f"SELECT count(*) FROM {name}")) for name in read}

    before = rows()
    for door in doors:
        for method in ("GET", "HEAD"):
            town.http.request(method, door.path, follow_redirects=False)

    assert len(before) > 30
    assert rows() == before


def test_headers_of_proxies_are_not_believed(api):
    """Whoever calls could write them: nothing of what they say comes back or is acted on."""
    forged = {
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "Forwarded": "for=203.0.113.7;host=evil.example;proto=http",
        "X-Real-IP": "203.0.113.7",
        "X-Request-Id": "chosen",
        "X-Original-URL": "/healthz",
        "X-HTTP-Method-Override": "DELETE",
    }
    for path in ("/openapi.json", "/v1/segments", "/u/x", "/.well-known/jwks.json", "/readyz"):
        plain, told = api.http.get(path), api.http.get(path, headers=forged)

        assert told.status_code == plain.status_code
        assert "evil" not in told.text and "203.0.113" not in told.text
        assert not any("evil" in value or value == "chosen" for value in told.headers.values())
