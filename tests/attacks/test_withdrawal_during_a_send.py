"""Somebody withdraws while a batch with their address is on its way, at a receiver that takes its time."""

import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest
from sqlalchemy import text
from worlds.api_world import MAILER, Town, as_admin

from cdp.permission import unsubscribe
from cdp.permission.unsubscribe import Link
from cdp.vocabulary import Channel, ContactId

HANGS = 60


@pytest.fixture
def town(api, workspace):
    """Ann, who agreed; everybody is a segment."""
    made = Town(api, workspace)
    made.person()
    made.say("given")
    body = {"name": "everyone", "rule": {"all": []}}
    made.http.post("/v1/segments", json=body, headers=made.as_("marketing"))
    return made


@pytest.fixture
def receiver():
    """A receiver that is not done with a batch before it is told to be: (url, begun, go, messages)."""
    begun, go, messages = threading.Event(), threading.Event(), []

    class Slow(BaseHTTPRequestHandler):
        """Reads a batch once it may."""

        def do_POST(self):
            begun.set()
            messages.append(self.headers["webhook-id"])
            go.wait(HANGS)
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", begun, go, messages
    go.set()
    server.shutdown()
    server.server_close()
    thread.join()


def link(town):
    """Where Ann's next message would lead her to stop them."""
    view = town.http.get(
        f"/v1/profiles/{town.profile('ann@example.org')}",
        params={"purpose": "email_marketing"},
        headers=town.as_("marketing"),
    ).json()
    with as_admin(town.system, town.workspace) as work:
        purpose = town.system.ports.ledger.purposes(work=work)["email_marketing"]
    contact = ContactId(UUID(view["contactable"]["email"]))
    made = Link(workspace=town.workspace, contact=contact, purpose=purpose, channel=Channel.EMAIL)
    return f"/u/{unsubscribe.write(made, town.system.links)}"


def release(town):
    """Everybody, to the mail house."""
    body = {
        "segment": "everyone", "purpose": "email_marketing", "channel": "email", "recipient": MAILER,
        "endpoint": "batches", "traits": ["given_name"],
    }  # fmt: skip
    return town.http.post("/v1/releases", json=body, headers=town.as_("marketing"))


def unsettled(town):
    """How many intents there are whose batch may still be sent."""
    waiting = "SELECT count(*) FROM consent.intents WHERE outcome IS NULL AND send_before > clock_timestamp()"
    with town.system.opener(town.workspace)() as work:
        return work.session.scalar(text(waiting))


def words(town):
    """How many words of a withdrawal there are."""
    with town.system.opener(town.workspace)() as work:
        return work.session.scalar(text("SELECT count(*) FROM consent.entries WHERE state = 'withdrawn'"))


def test_a_withdrawal_is_acknowledged_only_when_nothing_more_can_arrive(town, receiver):
    """C1, C6: the click waits for the batch that is under way, and is in no batch after its answer."""
    url, begun, go, messages = receiver
    town.endpoint(url)
    leave = link(town)
    with ThreadPoolExecutor(2) as pool:
        sending = pool.submit(release, town)
        assert begun.wait(HANGS)
        leaving = pool.submit(town.http.post, leave)
        # The word is kept at once; its answer is not given while the batch may still arrive.
        while not words(town) and not leaving.done():
            pass
        early = leaving.done() and unsettled(town) > 0
        go.set()
        answer = leaving.result(HANGS)
        left = unsettled(town)
        sending.result(HANGS)
    sent = len(messages)
    later = release(town)

    assert answer.status_code == 200
    assert not early
    assert left == 0
    assert sent == 1, "one batch was under way for this to mean anything"
    assert later.json()["released"] == 0 and len(messages) == sent
