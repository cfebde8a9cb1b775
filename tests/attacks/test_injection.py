"""What is sent as a name, a value or a word stays one: in SQL, in addresses, in headers."""

import gzip
import json
import socket
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

SQL = (
    "'; DROP TABLE cdp.segments; --",
    "x' OR '1'='1",
    '"; SELECT pg_sleep(30); --',
    "$$; DELETE FROM consent.entries; $$",
    "%s %(x)s :name {0} {members} %b",
    "\\'; TRUNCATE cdp.events; --",
    "*/ UNION SELECT secret FROM policies.clients /*",
)


def counts(town):
    """Rows of the tables that are aimed at."""
    names = ("cdp.segments", "consent.entries", "cdp.events", "policies.clients", "identity.fragments")
    with town.system.opener(town.workspace)() as work:
        return {name: work.session.scalar(text(f"SELECT count(*) FROM {name}")) for name in names}


@pytest.mark.parametrize("name", SQL)
def test_a_name_that_is_sql_is_a_name(town, name):
    """Kept letter by letter, found by itself alone; where a word has a form, refused for it."""
    headers = town.as_("marketing", "compliance")
    town.person()
    rule = {"attribute": "country", "op": "=", "value": name}
    before = counts(town)
    made = town.http.post("/v1/segments", json={"name": name, "rule": rule}, headers=headers)
    ask = {"segment": name, "purpose": "email_marketing", "channel": "email"}
    seen = town.http.post("/v1/audiences/preview", json=ask, headers=headers)
    aimed = [
        town.http.post("/v1/audiences/preview", json=ask | {"purpose": name}, headers=headers),
        town.http.post("/v1/audiences/preview", json=ask | {"recipient": name}, headers=headers),
        town.http.post("/v1/audiences/preview", json=ask | {"segment": name + "x"}, headers=headers),
        town.http.get("/v1/audit/entries", params={"purpose": name}, headers=headers),
        town.http.get("/v1/audit/entries", params={"actor": name, "facets": name}, headers=headers),
        town.http.get(f"/v1/profiles/{town.workspace}", params={"purpose": name}, headers=headers),
        town.http.post(
            "/v1/profiles/query",
            json={"namespace": f"crm:{name}", "value": name, "purpose": "email_marketing"},
            headers=headers,
        ),
    ]
    after = counts(town)

    assert (made.status_code, made.json()["name"]) == (201, name)
    assert (seen.status_code, seen.json()["matched"]) == (200, 0)
    assert {answer.status_code for answer in aimed} <= {403, 404, 422}, [one.text for one in aimed]
    assert after == before | {"cdp.segments": before["cdp.segments"] + 1}


@pytest.mark.parametrize("value", SQL)
def test_a_field_of_a_message_that_is_sql_is_a_value(town, value):
    """As an id, an event, a trait, a property and their names; what comes of it is told apart by nothing."""
    body = {"userId": value, "traits": {"email": value, value: value, "firstName": value}}
    town.send(
        {"type": "identify", "messageId": f"a{value}", **body},
        {"type": "track", "event": value, "userId": value, "properties": {value: value}, "messageId": "b"},
        {"type": "group", "groupId": value, "userId": value, "messageId": "c"},
    )
    auth = (town.keys.server.text, "")
    verdict = town.http.get("/v1/verdicts/b", auth=auth)
    with town.system.opener(town.workspace)() as work:
        left = work.session.scalar(text("SELECT count(*) FROM cdp.inbox"))
        failed = work.session.scalar(text("SELECT count(*) FROM cdp.quarantine"))

    assert verdict.json()["verdict"] == "accepted"
    assert (left, failed) == (0, 0)
    assert counts(town)["cdp.events"] >= 1


def test_what_is_encoded_twice_is_decoded_once(town):
    """A path is percent-decoded once, a body unpacked once: what is below is a value, or refused."""
    auth = (town.keys.server.text, "")
    track = {"type": "track", "event": "x", "userId": "u"}
    town.send(track | {"messageId": "a%2Fb"})
    once = town.http.get("/v1/verdicts/a%252Fb", auth=auth)
    twice = town.http.get("/v1/verdicts/a%25252Fb", auth=auth)
    never = town.http.get("/v1/verdicts/a%2Fb", auth=auth)
    packed = gzip.compress(gzip.compress(json.dumps(track).encode()))
    answer = town.http.post("/v1/track", content=packed, auth=auth, headers={"Content-Encoding": "gzip"})

    assert [one.status_code for one in (once, twice, never)] == [200, 404, 404]
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "target",
    [
        "/u/x%0d%0aSet-Cookie:%20evil=1",
        "/v1/verdicts/%0d%0aSet-Cookie:%20evil=1",
        "/v1/segments%0d%0aSet-Cookie:%20evil=1",
        "/v1/projects/%0d%0aSet-Cookie:%20evil=1/settings",
        "/sourceConfig/?writeKey=%0d%0aSet-Cookie:%20evil=1",
        "/audit/%0d%0aSet-Cookie:%20evil=1/checkpoint",
        "//evil.example/%0d%0aSet-Cookie:%20evil=1",
    ],
)
def test_no_value_makes_a_header_of_its_own(api, target):
    """CR and LF of an address or a header stand in no header of the answer; and it is one answer."""
    parts = urlsplit(api.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as line:
        line.sendall(
            f"GET {target} HTTP/1.1\r\nHost: x\r\nX-Request-Id: %0d%0aevil: 1\r\n"
            "Origin: https://e.example/%0d%0aevil: 1\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: line.recv(65_536), b""))
    head = answer.partition(b"\r\n\r\n")[0].lower()

    assert answer.startswith(b"HTTP/1.1 ") and answer.count(b"HTTP/1.1 ") == 1
    assert b"\r\nset-cookie" not in head
    assert b"\r\nevil" not in head
