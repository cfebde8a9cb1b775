"""A receiver of releases that would have more than it was sent, or hand it to somebody else."""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from uuid import uuid4

import pytest

from cdp.destinations import NotDelivered, Webhook
from cdp.ports import Intent


@contextmanager
def answering(status, location=None):
    """A receiver that answers so; yields its address and what it was sent."""
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
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", messages
    server.shutdown()
    server.server_close()
    thread.join()


def intent():
    """An intent with time enough."""
    return Intent(
        id=uuid4(), send_before=datetime.now(UTC) + timedelta(seconds=20), deadline=monotonic() + 20
    )


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_receiver_cannot_send_a_batch_on_to_somebody_else(status):
    """A redirect is not followed: the register says where data goes, and no answer does."""
    with answering(200) as (elsewhere, sent_on), answering(status, elsewhere) as (url, messages):
        with pytest.raises(NotDelivered):
            Webhook(url, b"k" * 32).send([{"to": "ann@example.org"}], intent())

        assert len(messages) == 1
        assert sent_on == []
