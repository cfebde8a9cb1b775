"""Requests that were made to confuse whoever reads them, or whoever reads the log of them."""

import json
import logging
import socket
from io import StringIO
from urllib.parse import urlsplit

import pytest
import structlog
from worlds.api_world import serving, standing_in

CANARY = "canary-41aa"


@pytest.fixture
def printed():
    """What is logged from level info on, as it is printed in production."""
    before = structlog.get_config()
    stream = StringIO()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    yield stream
    structlog.configure(**before)


def said(url, request):
    """What comes back for these bytes, until the server hangs up."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as line:
        line.sendall(request)
        return b"".join(iter(lambda: line.recv(65_536), b""))


HIDDEN = b"GET /v1/catalogue/traits HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n",
        b"Content-Length: %d\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nContent-Length: %d\r\n",
        b"Transfer-Encoding: xchunked\r\nContent-Length: %d\r\n",
        b"Transfer-Encoding : chunked\r\nContent-Length: %d\r\n",
        b"Content-Length: +%d\r\nConnection: close\r\n",
        b"Content-Length: %d\r\n Transfer-Encoding: chunked\r\n",
    ],
)
def test_a_request_of_two_lengths_is_one_request_or_none(api, head):
    """Smuggling: what a proxy took for a body is never served as a request of its own."""
    body = b"0\r\n\r\n" + HIDDEN
    request = (
        b"POST /v1/track HTTP/1.1\r\nHost: x\r\n" + head.replace(b"%d", b"%d" % len(body)) + b"\r\n" + body
    )
    plain = b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    answer, two = said(api.url, request), said(api.url, plain + HIDDEN)

    assert two.count(b"HTTP/1.1 ") == 2, "two requests that follow one another are two"
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert b"authenticate: Bearer" not in answer, "the hidden one would have asked for a token"


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND", "DEBUG", "SEARCH", "PURGE"])
@pytest.mark.parametrize("path", ["/v1/track", "/v1/segments", "/healthz", "/u/x", "/nowhere"])
def test_a_method_that_nobody_serves_is_refused_and_echoes_nothing(api, method, path):
    """TRACE would show a page what its browser sends beside it."""
    request = (
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {CANARY}\r\nConnection: close\r\n\r\n"
    )
    answer = said(api.url, request.encode())

    assert answer.split(b" ")[1] in (b"400", b"404", b"405", b"501")
    assert CANARY.encode() not in answer


def test_a_parameter_that_is_said_twice_is_refused(town):
    """Two readers of one address could each believe another value; the one that is at fault is named."""
    headers = town.as_("marketing", "compliance")
    profile = town.person()
    doubled = {
        f"/v1/profiles/{profile}": [("purpose", "email_marketing"), ("purpose", "profiling")],
        "/v1/audit/entries": [("limit", "1"), ("limit", "200")],
        "/v1/findings": [("limit", "1"), ("limit", "2")],
    }
    for path, query in doubled.items():
        answer = town.http.get(path, params=query, headers=headers)
        once = town.http.get(path, params=query[:1], headers=headers)

        assert once.status_code == 200
        assert answer.status_code == 422, path
        assert answer.json()["errors"] == [{"field": f"query.{query[0][0]}", "reason": "said_twice"}]


def test_no_request_writes_a_line_of_its_own_into_the_log(town, printed):
    """CR, LF, ANSI and JSON in every part of a request: each request is one line, and says none of it."""
    nasty = '"}\\r\\n{"event":"forged"}' + CANARY
    with serving(town.system) as served:
        served.http.get("/v1/verdicts/%0d%0a%7b%22event%22:%22forged%22%7d" + CANARY)
        served.http.get(
            f"/u/%1b%5b2J{CANARY}", headers={"User-Agent": nasty, "Referer": nasty, "X-Request-Id": nasty}
        )
        served.http.post("/v1/track", json={"event": nasty}, auth=(nasty, nasty))
        served.http.post("/oauth/token", data={"grant_type": nasty, "scope": nasty}, auth=("x", nasty))
        said(served.url, f"EVIL{CANARY} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    lines = [json.loads(line) for line in printed.getvalue().splitlines()]

    assert [line["event"] for line in lines if line["event"] != "library_message"] == ["http_request"] * 4
    assert len(lines) == 5, "of the last, which is no HTTP, the server's library says that there was one"
    assert CANARY not in printed.getvalue() and "forged" not in printed.getvalue()
    assert "\x1b" not in printed.getvalue()


def test_what_fails_is_in_the_log_under_the_requests_id(town, printed):
    """Where in the code, and never what was said: the caller has the id alone."""

    class Broken:
        """The clock of a machine that fails."""

        def __call__(self):
            raise ZeroDivisionError(CANARY)

    with serving(standing_in(town.system, clock=Broken())) as served:
        answer = served.http.post("/v1/segments", json={}, headers=town.as_("marketing"))
    lines = [json.loads(line) for line in printed.getvalue().splitlines()]
    (failed,) = [line for line in lines if line["event"] == "request_failed"]

    assert answer.status_code == 500
    assert (
        answer.json()["instance"]
        == f"urn:uuid:{failed['request']}"
        == f"urn:uuid:{answer.headers['x-request-id']}"
    )
    assert (failed["level"], failed["error"]) == ("error", "ZeroDivisionError")
    assert failed["places"]
    assert CANARY not in printed.getvalue() + answer.text
