"""The deadline ends a message, wherever it is: in the buffers, at a slow receiver, in the answer."""

import datetime
import socket
import ssl
import stat
import threading
from contextlib import contextmanager
from time import monotonic
from uuid import UUID, uuid4

import msgspec
import pytest
from worlds.certificates import certificate_for

from cdp.ports import Intent
from cdp.releases.destinations import Folder, NotDelivered, Webhook
from cdp.releases.webhook_addresses import Place

NOW = datetime.datetime.now(datetime.UTC)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def test_a_folder_that_somebody_opened_to_others_is_its_owners_alone_before_a_batch_is_written(tmp_path):
    """Between two batches, too; each line says until when it may be taken."""
    path = tmp_path / "out"
    path.mkdir(mode=0o777)
    path.chmod(0o777)
    sending = intent(5)
    Folder(root=tmp_path, names=("out",), whose=UUID(int=1)).send([{"to": "ann@example.org"}], sending)
    (batch,) = path.glob("*.ndjson")

    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, batch)] == [0o700, 0o600]
    assert msgspec.json.decode(batch.read_bytes()) == {
        "intent": str(sending.id),
        "send_before": sending.send_before.isoformat(),
        "to": "ann@example.org",
    }


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of 127.0.0.1 and its key, in one file."""
    return certificate_for(tmp_path_factory.mktemp("tls"), "127.0.0.1")


class Receiver:
    """A receiver that takes 64 KB per `pause` and sends each byte of its answer after `pause`."""

    def __init__(self, pause, drip, context):
        self.pause, self.drip, self.context = pause, drip, context
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        self.got, self.complete, self.clock = b"", False, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        line, _ = self.listener.accept()
        line.settimeout(10)
        try:
            if self.context:
                line = self.context.wrap_socket(line, server_side=True)
            self.take(line)
        except OSError:
            pass
        finally:
            line.close()

    def take(self, line):
        while not self.complete:
            data = line.recv(64 * 1024)
            if not data:
                return
            self.got += data
            head, found, body = self.got.partition(b"\r\n\r\n")
            if found:
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
                self.complete = len(body) >= length
            self.clock.wait(self.pause * len(data) / (64 * 1024))
        for start in range(0, len(OK), 1 if self.drip else len(OK)):
            line.sendall(OK[start : start + 1] if self.drip else OK)
            self.clock.wait(self.drip)


@pytest.fixture(params=["http", "https"])
def receiving(request, certificate, monkeypatch):
    """Start a receiver; gives it and a webhook to it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = None
    if request.param == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    @contextmanager
    def started(pause=0.0, drip=0.0):
        receiver = Receiver(pause, drip, context)
        port = receiver.listener.getsockname()[1]
        place = Place(host="127.0.0.1", port=port, path="/", tls=request.param == "https")
        yield receiver, Webhook(place=place, addresses=["127.0.0.1"], secret=b"k")
        receiver.thread.join()
        receiver.listener.close()

    return started


def intent(seconds):
    """An intent whose deadline is in so many seconds."""
    return Intent(
        id=uuid4(), send_before=NOW + datetime.timedelta(seconds=seconds), deadline=monotonic() + seconds
    )


def test_a_receiver_in_time_gets_all_of_it(receiving):
    """Nothing of a large batch is lost by sending it in pieces or by the reset at the end."""
    with receiving() as (receiver, webhook):
        webhook.send([{"x": "y" * 3_000_000}], intent(10))

    assert receiver.complete
    assert receiver.got.count(b"y") >= 3_000_000


def test_a_slow_receiver_does_not_get_the_rest_after_the_deadline(receiving):
    """What is in the buffers at the deadline is thrown away, and nobody believes that all arrived."""
    with receiving(pause=0.04) as (receiver, webhook):
        sending = intent(0.8)
        with pytest.raises(NotDelivered):
            webhook.send([{"x": "y" * 1_650_000}], sending)
        late = monotonic() - sending.deadline

    assert late < 0.3
    assert receiver.got
    assert not receiver.complete


def test_an_answer_that_drips_does_not_outlive_the_deadline(receiving):
    """Each byte is quick, all of them are not: the deadline is for the whole."""
    with receiving(drip=0.05) as (receiver, webhook):
        sending = intent(0.5)
        with pytest.raises(NotDelivered):
            webhook.send([{"x": "y"}], sending)
        late = monotonic() - sending.deadline

    assert late < 0.3
    assert receiver.complete
