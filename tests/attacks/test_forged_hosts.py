"""Sending people elsewhere by the name of a host that a request claims."""

import socket
from urllib.parse import urlsplit

import pytest
from worlds.api_world import Town

EVIL = "evil.example"
CLAIMS = {"Host": EVIL, "X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "ftp", "Forwarded": f"host={EVIL}"}
PATHS = (
    "/v1/segments",
    "/v1/catalogue/traits",
    "/v1/profiles/query",
    "/oauth/token",
    "/openapi.json",
    "/.well-known/gpc.json",
    "/.well-known/jwks.json",
    "/u/x",
    "/u/page.css",
    "/healthz",
    "/nowhere",
)
SPELLINGS = ("{}", "{}/", "/{}", "{}//", "{}%2f", "{}/..", "{}?next=x")


def answered(answer) -> str:
    """All that an answer says."""
    return f"{answer.headers!r}{answer.text}"


@pytest.mark.parametrize("path", PATHS)
def test_no_answer_leads_to_a_host_that_the_request_named(api, path):
    """However an address is spelled, nothing redirects, and no word of the claim comes back."""
    answers = [
        api.http.request(method, spelling.format(path), headers=CLAIMS, follow_redirects=False)
        for spelling in SPELLINGS
        for method in ("GET", "POST")
    ]

    assert [answer.status_code for answer in answers if 300 <= answer.status_code < 400] == []
    assert [answer.url.path for answer in answers if EVIL in answered(answer)] == []


def test_settings_of_libraries_name_the_public_url(api, workspace):
    """What a page's library is told to send to is the operator's word."""
    key = Town(api, workspace).keys.public.text
    told = api.http.get(f"/v1/projects/{key}/settings", headers=CLAIMS)
    source = api.http.get("/sourceConfig", params={"writeKey": key}, headers=CLAIMS)

    assert (told.status_code, source.status_code) == (200, 200)
    assert urlsplit(api.system.settings.public_url).netloc in told.text
    assert EVIL not in answered(told) + answered(source)


def test_a_request_for_another_hosts_address_is_one_for_ours(api):
    """The absolute form that proxies send names a host as well."""
    parts = urlsplit(api.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=60) as made:
        made.sendall(
            f"GET http://{EVIL}/v1/segments/ HTTP/1.1\r\nHost: {EVIL}\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b""
        while part := made.recv(65536):
            answer += part

    assert answer.startswith(b"HTTP/1.1 404")
    assert EVIL.encode() not in answer
