"""Segment's and RudderStack's clients, unmodified, against a started platform: all that they send arrives.

The programs are those that docs/clients.md shows. Clients that try again at once are refused at
first, as by a platform that is overloaded. What each sends and what arrives is written to
`var/clients/arrived.txt`, and shown at the end of the run.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field

import building
import pytest
from platform_started import PATIENCE, serving_pages, started, wait
from playwright.sync_api import sync_playwright
from sqlalchemy import text
from worlds import arrived
from worlds.api_world import as_admin
from worlds.documents import ROOT, fences

from cdp.registers import source_keys, source_rows
from cdp.vocabulary import Basis, Identifier, KeyKind, PurposeClass
from consent.register import register

TRACKS = 25
ONCE_EACH = ("identify", "page", "screen", "group", "alias")
CHROMIUM_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


@dataclass(frozen=True)
class Client:
    """One client as the tests run it: by a command, or in a page."""

    name: str
    package: str
    paths: str
    command: tuple[str, ...] = ()
    page: str = ""
    strategy: dict = field(default_factory=dict)
    once: tuple[str, ...] = ONCE_EACH
    packed: bool = False
    insists: bool = True  # whether it tries again within seconds

    @property
    def sends(self) -> Counter:
        """How many messages of each type its program sends."""
        return Counter({"track": TRACKS}) + Counter(self.once)


def _java(program):
    target = building.BUILT / "java" / "target"
    return ("java", "-cp", f"{target / 'classes'}:{target / 'dependency'}/*", program)


PYTHON, NODE, GO = building.HERE / "python", building.BUILT / "javascript", building.BUILT / "go"
SERVERS = [
    Client(
        "Segment, Python",
        "segment-analytics-python",
        "/v1/batch",
        (sys.executable, str(PYTHON / "segment_client.py")),
        packed=True,
    ),
    Client(
        "RudderStack, Python",
        "rudder-sdk-python",
        "/v1/batch",
        (sys.executable, str(PYTHON / "rudderstack_client.py")),
        packed=True,
    ),
    Client("Segment, Node", "@segment/analytics-node", "/v1/batch", ("node", str(NODE / "node_segment.js"))),
    Client(
        "RudderStack, Node",
        "@rudderstack/rudder-sdk-node",
        "/v1/batch",
        ("node", str(NODE / "node_rudderstack.js")),
        packed=True,
    ),
    Client(
        "Segment, Go",
        "github.com/segmentio/analytics-go/v3",
        "/v1/batch",
        (str(GO / "segment"),),
        insists=False,
    ),
    Client(
        "RudderStack, Go",
        "github.com/rudderlabs/analytics-go/v4",
        "/v1/batch",
        (str(GO / "rudderstack"),),
        packed=True,
        insists=False,
    ),
    Client(
        "Segment, Java",
        "com.segment.analytics.java",
        "/v1/import/",
        _java("Segment"),
        insists=False,
    ),
    Client(
        "RudderStack, Java",
        "com.rudderstack.sdk.java.analytics",
        "/v1/batch",
        _java("Rudderstack"),
        packed=True,
        insists=False,
    ),
]
SEGMENT = {"package": "@segment/analytics-next", "page": "browser_segment"}
RUDDERSTACK = {
    "package": "@rudderstack/analytics-js",
    "page": "browser_rudderstack",
    "once": ("identify", "page", "group", "alias"),
}
SINGLY = "/v1/alias /v1/group /v1/identify /v1/page /v1/track"
BATCHES = {"queueOptions": {"batch": {"enabled": True, "maxItems": 10, "flushInterval": 1000}}}
BEACONS = {"useBeacon": True, "beaconQueueOptions": {"maxItems": 10, "flushQueueInterval": 1000}}
BROWSERS = [
    Client("Segment, browser", paths="/v1/a /v1/g /v1/i /v1/p /v1/s /v1/t", **SEGMENT),
    Client("Segment, browser, batches", paths="/v1/b", strategy={"strategy": "batching"}, **SEGMENT),
    Client("RudderStack, browser", paths=SINGLY, **RUDDERSTACK),
    Client("RudderStack, browser, batches", paths="/v1/batch", strategy=BATCHES, **RUDDERSTACK),
    # A page that is left hears no answer, so nothing can be sent again.
    Client(
        "RudderStack, browser, beacon",
        paths="/beacon/v1/batch",
        strategy=BEACONS,
        insists=False,
        **RUDDERSTACK,
    ),
]


def pinned():
    """The version of each client's package, as the lock files pin it."""
    found = dict(json.loads((building.HERE / "javascript" / "package.json").read_text())["dependencies"])
    places = [
        (building.HERE / "go" / "go.mod", r"^\t(\S+analytics-go/v\d) v(\S+)$"),
        (ROOT / "locks" / "all.txt", r"^(segment-analytics-python|rudder-sdk-python)==(\S+)"),
        (
            building.HERE / "java" / "pom.xml",
            r"<groupId>(com\S+)</groupId>\s*<artifactId>analytics</artifactId>\s*<version>(\S+)</version>",
        ),
    ]
    for path, pattern in places:
        for name, version in re.findall(pattern, path.read_text(), re.MULTILINE):
            found[name] = version
    return found


def named(client):
    return client.name.replace(", ", "-").lower()


@pytest.fixture(scope="module")
def relay(database, system):
    """The way to a started platform; the clients are built."""
    building.ensure()
    with started(database, system.settings) as relay:
        yield relay


@pytest.fixture
def key(system, workspace):
    """The text of a write key of a kind; its source's consent category has a meaning."""
    with as_admin(system, workspace) as work:
        register.seed(work)
        register.add_purpose(
            "newsletter",
            basis=Basis.CONSENT,
            purpose_class=PurposeClass.MARKETING,
            controller=workspace,
            work=work,
        )
        source = source_rows.create(
            "shop",
            priority=1,
            authoritative=True,
            controller_id=workspace,
            categories={"marketing": ("newsletter", "email")},
            work=work,
        )

    def make(kind):
        with as_admin(system, workspace) as work:
            return source_keys.create(source.name, kind, work=work, ports=system.ports).text

    return make


@pytest.fixture
def look(begin):
    """Rows of a query in the test's workspace."""

    def rows(query):
        with begin() as work:
            return work.session.execute(text(query)).all()

    return rows


def delivered(relay):
    """How many messages of each type were answered with 200."""
    return Counter(message["type"] for one in relay.seen if one.status == 200 for message in one.messages)


def refused_before(relay):
    """The previous ids of aliases that say something of consent."""
    return {
        message["previousId"]
        for one in relay.seen
        for message in one.messages
        if message["type"] == "alias" and message.get("context", {}).keys() & {"consent", "consentManagement"}
    }


def run_command(client, relay, key):
    done = subprocess.run(
        client.command,
        env={**os.environ, "ENDPOINT": relay.url, "WRITE_KEY": key},
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def run_page(client, relay, key):
    """Open a page that runs the client, and leave once all was delivered."""
    known = {"ENDPOINT": relay.url, "WRITE_KEY": key, "STRATEGY": client.strategy}
    told = []
    with serving_pages(NODE / "bundles") as pages, sync_playwright() as playwright:
        chromium = shutil.which(building.CHROMIUM)
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        page = browser.new_page()
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.add_init_script(f"Object.assign(window, {json.dumps(known)})")
        page.goto(f"{pages}/{client.page}")
        wait(
            lambda: delivered(relay).total() >= client.sends.total(),
            lambda: (told, delivered(relay)),
            pause=lambda seconds: page.wait_for_timeout(seconds * 1000),
        )
        browser.close()


def judged(look, total):
    """The verdicts of this workspace, once there are as many as messages were sent."""

    def verdicts():
        return dict(look("SELECT verdict, sum(n)::int FROM cdp.verdict_counts GROUP BY verdict"))

    wait(lambda: sum(verdicts().values()) >= total and look("SELECT FROM cdp.inbox") == [], verdicts)
    return verdicts()


def people(system, workspace):
    """Who verifiably goes by the address that every program names."""
    with system.opener(workspace)() as work:
        ports, ann = system.ports, Identifier("email", "ann@example.org")
        return list(ports.identity.profiles_of(ports.identity.contact_of(ann, work=work), work=work))


def row_of(client, relay, verdicts):
    posts = [one for one in relay.seen if one.method == "POST"]
    refused = sum(one.status == 503 for one in posts)
    return (
        client.name,
        pinned()[client.package],
        ("beacon" if client.paths.startswith("/beacon") else "fetch or XHR") if client.page else "HTTP",
        client.paths,
        "yes" if client.packed else "no",
        str(client.sends.total()),
        str(verdicts["accepted"]),
        f"{len(posts)} requests" + (f", {refused} refused at first and sent again" if refused else ""),
    )


@pytest.mark.parametrize("client", SERVERS + BROWSERS, ids=named)
def test_all_that_a_client_sends_arrives_once(relay, system, workspace, key, look, client):
    """Each type of message, in batches and by flush; the person is known, and the no in them is heard."""
    relay.seen.clear()
    relay.refusals = int(client.insists)
    run, kind = (run_page, KeyKind.PUBLIC) if client.page else (run_command, KeyKind.SERVER)
    run(client, relay, key(kind))
    verdicts = judged(look, client.sends.total())
    posts = [one for one in relay.seen if one.method == "POST"]
    arrived.note(row_of(client, relay, verdicts))

    assert verdicts == {"accepted": client.sends.total()}
    assert delivered(relay) == client.sends
    assert dict(look("SELECT type, count(*) FROM cdp.events GROUP BY type")) == dict(client.sends)
    assert " ".join(sorted({one.path for one in posts})) == client.paths
    assert {one.gzipped for one in posts} == {client.packed}
    assert sorted({one.status for one in relay.seen if one.status > 204}) == [503] * client.insists
    assert [state for (state,) in look("SELECT DISTINCT state FROM consent.entries")] == ["refused"]
    assert look("SELECT count(DISTINCT fragment_id) FROM cdp.events") == [(1,)]
    # An alias that says no has it heard for the previous id too, which is joined to nobody by that.
    assert look("SELECT count(*) FROM identity.fragments") == [(1 + len(refused_before(relay)),)]
    known = people(system, workspace)
    assert len(known) == (0 if client.page else 1), "a page's word about who somebody is joins nobody"


def test_what_the_page_shows_is_what_the_tests_run():
    """A snippet that was changed in one place alone misleads."""
    shown = [
        (info, content)
        for _, info, content in fences((ROOT / "docs" / "clients.md").read_text())
        if info.startswith("tests/clients/")
    ]
    different = [info for info, content in shown if content not in (ROOT / info).read_text()]

    assert len(shown) == 10
    assert different == []


def test_the_clients_are_named_with_the_versions_that_are_run():
    """The page, the lock files and what is installed agree."""
    page = (ROOT / "docs" / "clients.md").read_text()
    versions = pinned()

    assert versions.keys() == {client.package for client in SERVERS + BROWSERS}
    assert [one for one, version in versions.items() if f"`{one}` {version}" not in page] == []
