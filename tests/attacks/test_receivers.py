"""A receiver of releases that would have more than it was sent, or hand it to somebody else."""

import io
import re
import socket
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from uuid import uuid4

import pytest
from rich.console import Console
from sqlalchemy import select
from worlds.journeys import ANN, identify

from api.cli.data_and_audiences import marketing_commands
from cdp import tables
from cdp.audiences.parts import Parts, Whom
from cdp.audiences.rules import EVERYBODY
from cdp.kernel import logs
from cdp.ports import Ask, Intent
from cdp.releases.destinations import NotDelivered, Webhook
from cdp.releases.releases import Result
from cdp.releases.releasing import Released, _about
from cdp.releases.webhook_addresses import Place
from cdp.vocabulary import Channel, State

ASK = Ask(purpose="email_marketing", channel=Channel.EMAIL, recipient="mailer")
ROUNDED = Whom(rule=EVERYBODY, ask=ASK, exact=False, exact_reasons=False)


@contextmanager
def answering(status, location=None):
    """A receiver that answers so; yields its port and what it was sent."""
    messages = []

    class Answers(BaseHTTPRequestHandler):
        """Keeps what it gets."""

        def do_POST(self):
            messages.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1], messages
    server.shutdown()
    server.server_close()
    thread.join()


def intent():
    """An intent with time enough."""
    return Intent(
        id=uuid4(), send_before=datetime.now(UTC) + timedelta(seconds=20), deadline=monotonic() + 20
    )


@pytest.fixture
def agreed(journey):
    """Ann has agreed to mail."""
    journey.send("web", identify("u1", ANN))
    journey.work()
    journey.say(State.GIVEN, "ann@example.org", evidence="form", notice="newsletter")
    return journey


def test_a_receiver_that_fails_is_not_said_to_have_been_released_to(agreed):
    """It may have kept it: the log treats it as released, a report says that nobody knows."""
    with answering(500) as (port, messages):
        result = agreed.release(f"http://127.0.0.1:{port}/hook")
    with agreed.begin()() as work:
        row = work.session.execute(select(tables.releases)).one()
    printed = printed_of(result)

    assert len(messages) == 1
    assert (result.released, result.unknown, result.failed_batches) == (0, 1, 1)
    assert (row.released, row.unknown) == (0, 1)
    assert re.search(r"not known +1\b", printed)
    assert not re.search(r"\breleased +\d", printed)


def test_a_receiver_that_takes_it_is(agreed):
    """The other ending, for comparison."""
    with answering(200) as (port, _):
        result = agreed.release(f"http://127.0.0.1:{port}/hook")

    assert (result.released, result.unknown, result.failed_batches) == (1, 0, 0)
    assert re.search(r"\breleased +1\b", printed_of(result))


@pytest.mark.parametrize(
    ("released", "unknown", "permitted", "lost", "told"),
    [(0, 90, 100, 80, (0, 100)), (90, 0, 100, 0, (100, 0)), (50, 50, 120, 60, (60, 60)),
     (20, 70, 80, 100, (0, 80))],
)  # fmt: skip
def test_rounded_counts_say_no_more_of_a_failed_delivery(released, unknown, permitted, lost, told):
    """Nobody who sees rounded counts reads as released what no receiver has confirmed."""
    failed = bool(unknown)
    result = Result(
        id=uuid4(), matched=200, whom=ROUNDED, released=released, unknown=unknown, failed_batches=failed
    )
    seen = _about(result, Parts(matched=200, permitted=permitted, withheld={}, lost=lost, rounded_to=20))

    assert (seen.released, seen.unknown) == told
    assert seen.failed is (True if failed else None)


def unused_port():
    """A port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def printed_of(result):
    """What the command line prints of a release to who may see exact counts."""
    told = Released(
        id=result.id,
        matched=result.matched,
        released=result.released,
        unknown=result.unknown,
        withheld=result.withheld,
        batches=result.batches,
        failed_batches=result.failed_batches,
        failed=result.failed_batches > 0,
        rounded_to=1,
    )
    console = Console(file=io.StringIO(), width=120)
    for part in marketing_commands._result(told):
        console.print(part)
    return console.file.getvalue()


@pytest.mark.parametrize("status", [200, 500, None])
def test_a_secret_in_a_webhooks_path_is_read_in_the_log(agreed, database, status):
    """Some receivers put one there: neither our own log nor the audit log, nor its sealed detail, has it."""
    secret = "T0CANARY-B0CANARY"
    log = io.StringIO()
    logs.configure("debug", to=log)
    try:
        with answering(status or 200) as (port, _):
            at = port if status else unused_port()
            agreed.release(f"http://127.0.0.1:{at}/services/{secret}")
    finally:
        logs.configure("error")
    with database.server.admin(database.name) as admin:
        query = "SELECT entry_id, detail, leaf FROM audit.pending WHERE workspace_id = %s"
        entries = admin.execute(query, (agreed.workspace,)).fetchall()
    details = [
        agreed.ports.vault.open_detail(agreed.workspace, entry, sealed) for entry, sealed, _ in entries
    ]

    assert any(b"endpoint" in detail for detail in details)
    assert secret not in log.getvalue() + str(entries) + str(details)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_receiver_cannot_send_a_batch_on_to_somebody_else(status):
    """A redirect is not followed: the register says where data goes, and no answer does."""
    with (
        answering(200) as (elsewhere, sent_on),
        answering(status, f"http://127.0.0.1:{elsewhere}/") as (port, messages),
    ):
        place = Place(host="127.0.0.1", port=port, path="/hook", tls=False)
        with pytest.raises(NotDelivered):
            Webhook(place=place, addresses=["127.0.0.1"], secret=b"k" * 32).send(
                [{"to": "ann@example.org"}], intent()
            )

        assert len(messages) == 1
        assert sent_on == []
