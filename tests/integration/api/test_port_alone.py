"""`CDP_PORT` and nothing else moves every address that the platform tells."""

import base64
import json
import os
import subprocess
import sys
from socket import socket

import httpx
import pytest
from worlds.cli_world import CRM, caller, make_place

from api.cli.exits import Exit

ANN = "ann@example.org"
ROWS = f"id,mail,phone,first,last,country,born\n1,{ANN},,Ann,Archer,DE,1980-01-15\n"


@pytest.fixture
def port():
    """A port that nobody else has."""
    with socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def settings(server, tmp_path, port):
    """An operator's settings, without a public URL."""
    place = make_place(server, tmp_path, "cli_port")
    return {**place.settings, "CDP_PORT": str(port), "CDP_RELEASE_DIR": str(tmp_path)}


def prepared(cdp, tmp_path):
    """Somebody who agreed, a recipient's file, and a program that may release to it; its id and secret."""
    (tmp_path / "notice.txt").write_text("We write to you.")
    (tmp_path / "crm.csv").write_text(ROWS)
    (tmp_path / "crm.yaml").write_text(CRM)
    said = ("--purpose", "letters", "--channel", "email")
    for arguments in (
        ("migrate",),
        ("workspace", "create", "only"),
        ("purpose", "create", "letters", "--basis", "consent"),
        ("policy", "agree", "letters"),
        ("recipient", "create", "printer", "--entity", "P", "--role", "processor", "--country", "DE",
         "--contract-until", "2199-12-31"),
        ("recipient", "endpoint", "add", "printer", "out", "--to", str(tmp_path / "out")),
        ("notice", "publish", "monthly", "--text", str(tmp_path / "notice.txt"), "--purpose", "letters",
         "--recipient", "printer"),
        ("source", "create", "crm", "--authoritative"),
        ("segment", "create", "everyone", '{"all": []}'),
        ("import", str(tmp_path / "crm.csv"), "--source", "crm", "--mapping", str(tmp_path / "crm.yaml")),
        ("consent", "grant", *said, "--contact", ANN, "--evidence", "form", "--notice", "monthly"),
    ):  # fmt: skip
        done = cdp(*arguments)
        assert done.code == Exit.OK, done.err
    made = cdp("client", "create", "tool", "--role", "marketing", "--role", "service", "--purpose", "letters",
               "--json").document  # fmt: skip
    return made["client"], made["secret"]


def test_the_port_alone_moves_every_address(settings, port, capsys, tmp_path):
    """Banner, issuer, documentation and the links in what is sent lead to where the API listens."""
    login = prepared(caller(capsys, settings), tmp_path)
    environment = {name: word for name, word in os.environ.items() if not name.startswith("CDP_")}
    url = f"http://127.0.0.1:{port}"
    running = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "api"],
        env=environment | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        banner = running.stdout.readline().strip()
        retrying = httpx.HTTPTransport(retries=10)  # it says where it listens, and then listens
        with httpx.Client(base_url=url, timeout=60, transport=retrying) as http:
            token = http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=login).json()
            http.headers["Authorization"] = f"Bearer {token['access_token']}"
            document = http.get("/openapi.json").json()
            released = http.post(
                "/v1/releases",
                json={
                    "segment": "everyone",
                    "purpose": "letters",
                    "channel": "email",
                    "recipient": "printer",
                    "endpoint": "out",
                },
            )
            (sent,) = (tmp_path / "out").glob("*.ndjson")
            link = json.loads(sent.read_text())["unsubscribe"]
            heard = httpx.post(link, data={"List-Unsubscribe": "One-Click"}, timeout=60)
    finally:
        running.terminate()
        running.wait(timeout=60)
        running.stdout.close()
    claims = token["access_token"].split(".")[1]
    issuer = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iss"]

    assert banner.endswith(url), banner
    assert issuer == url
    assert [one["url"] for one in document["servers"]] == [url]
    assert released.status_code == 200, released.text
    assert link.startswith(f"{url}/u/")
    assert heard.status_code == 200
