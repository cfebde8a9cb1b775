"""A webhook's address is made to reach what is inside: by notation, by name, by redirect, by its answer."""

import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from time import monotonic
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds.certificates import certificate_for

from cdp.ports import Endpoint, Intent
from cdp.releases.destinations import ANSWER, NotDelivered, PastDeadline, Webhook
from cdp.releases.reach import Reach
from cdp.releases.webhook_addresses import HostUnknown, Outside, Place, UnsafeAddress

PUBLIC = "93.184.216.34"
METADATA = ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"]
INSIDE = [
    *METADATA,
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1"),  # noqa: S104 - refused
    *("192.168.0.1", "169.254.0.1", "100.64.0.1", "100.127.255.255", "192.0.2.1", "198.18.0.1"),
    *("198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "ff0e::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", f"::ffff:{PUBLIC}", "::127.0.0.1", "64:ff9b::7f00:1"),
    *("64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1", "2001:db8::1", "3fff::1", "5f00::1"),
]


def outside(*addresses, **more):
    """An operator's default, where each name has these addresses."""
    return Outside(look_up=lambda host, port: list(addresses), **more)


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_named(address):
    """Private, link-local, loopback, shared, reserved, mapped, translated, tunnelled, a cloud's own."""
    literal = f"[{address}]" if ":" in address else address
    with pytest.raises(UnsafeAddress):
        Outside().place(f"https://{literal}/")
    with pytest.raises(UnsafeAddress):
        outside(address).addresses(Place(host="hooks.example.org", port=443, path="/", tls=True))


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"])
def test_an_address_outside_is_taken(address):
    """The other ending: a guard that refuses everything guards nothing."""
    place = Place(host="hooks.example.org", port=443, path="/", tls=True)

    assert outside(address).addresses(place) == (address,)


@given(st.ip_addresses())
def test_no_address_is_taken_that_a_list_of_what_is_inside_knows(address):
    """What registers call private, and what carries another address within, is out."""
    taken = Outside().takes(address)
    within = [getattr(address, name, None) for name in ("ipv4_mapped", "sixtofour")]

    assert not (taken and (address.is_private or address.is_link_local or address.is_multicast))
    assert not (taken and any(within))


@pytest.mark.parametrize("others", [["127.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "::1"], ["not an address"]])
def test_one_of_a_names_addresses_is_inside(others):
    """To which of them a connection would go nobody knows: none is taken."""
    with pytest.raises(UnsafeAddress):
        outside(PUBLIC, *others).addresses(Place(host="a.example.org", port=443, path="/", tls=True))


@pytest.mark.parametrize(
    "host",
    [
        *(
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "017700000001",
            "0177.0.0.1",
            "127.1",
            "127.0.1",
            "127.0.0.01",
        ),
        *("0", "127.0.0.1.", "1.1.1.1.", "093.184.216.34", "93.184.216.0x22", "93.184.55330", "1.1.1.256"),
        *("[::ffff:127.0.0.1]", "[::1]", "[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1", "::1", "[1.1.1.1]"),
        *("localhost", "LOCALHOST", "localhost.", "intranet", "printer", "a..example.org", ".example.org"),
        *("example.org.", "-a.example.org", "a_b.example.org", "exa%6dple.org", "127.0.0.1%2f.example.org"),
        *("ｅxample.org", "①.①.①.①", "127。0。0。1", "exam\tple.org", "exam\nple.org", " example.org"),
        *("example.org\\@127.0.0.1", "example.org#@127.0.0.1", "user@example.org", "user:pass@example.org"),
        *(
            "@example.org",
            ":@example.org",
            "example.org:",
            "example.org:0",
            "example.org:65536",
            "example.org:+443",
        ),
        *("example.org:0443", "example.org:22", "example.org:6379", "example.org:8400", "a.b.0x1", ""),
    ],
)
def test_a_host_is_written_in_an_odd_way(host):
    """A host has one notation, an allowed port, and nobody's name or password before it."""
    with pytest.raises(UnsafeAddress):
        outside(PUBLIC).place(f"https://{host}/hook")


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/"),
        *("https:example.org", "https:/example.org", "https:///example.org", "//example.org/", "https://"),
        *("https://example.org/?token=1", "https://example.org/?", "https://example.org/#part"),
        *("https://example.org/#", "https://example.org/\r\nHost: inside", "https://example.org/a b"),
        *("https://example.org/" + "x" * 2000, "https://example.org/\x00", "https://example.org/é", "://"),
    ],
)
def test_a_url_says_more_than_a_host_and_a_path(url):
    """In clear, in another scheme, with what would stand in a log, or with a header smuggled in."""
    with pytest.raises(UnsafeAddress):
        outside(PUBLIC).place(url)


def endpoint(url):
    """A row of the register."""
    nobody = UUID(int=1)
    return Endpoint(
        workspace=nobody, id=nobody, recipient=nobody, name="e", kind="webhook", address=url, key_version=1
    )


def intent():
    """An intent with time enough."""
    return Intent(
        id=uuid4(), send_before=datetime.now(UTC) + timedelta(seconds=20), deadline=monotonic() + 20
    )


def test_a_name_means_something_else_a_moment_later(tmp_path):
    """DNS rebinding: a name is resolved once, and each connection of the release goes where it was judged."""
    answers = iter([[PUBLIC]])
    reach = Reach(folder=tmp_path, outside=Outside(look_up=lambda host, port: next(answers)))
    found = reach.connect(endpoint("https://hooks.example.org/"), b"k")

    assert found.addresses == (PUBLIC,)
    with pytest.raises(StopIteration):
        reach.connect(endpoint("https://hooks.example.org/"), b"k")


@pytest.mark.parametrize("error", [OSError, socket.gaierror])
def test_a_name_has_no_address(tmp_path, error):
    """It is told so before anything is read."""

    def nobody(host, port):
        raise error

    reach = Reach(folder=tmp_path, outside=Outside(look_up=nobody))
    with pytest.raises(HostUnknown):
        reach.connect(endpoint("https://hooks.example.org/"), b"k")


class Receiver:
    """A receiver on this machine: what it was asked, by which name in TLS, and what it answers."""

    def __init__(self, answer, context=None):
        self.answer, self.context, self.heads, self.names = answer, context, [], []
        if context:
            context.sni_callback = lambda line, name, of: self.names.append(name)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                line, _ = self.listener.accept()
            except OSError:
                return
            try:
                line = self.context.wrap_socket(line, server_side=True) if self.context else line
                self.heads.append(self.read(line))
                for piece in self.answer:
                    line.sendall(piece)
            except OSError:
                pass
            finally:
                line.close()

    def read(self, line):
        """The head of a request whose whole body has come: who closes before resets the line."""
        got = b""
        while True:
            head, found, body = got.partition(b"\r\n\r\n")
            if found and len(body) >= int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
                return head.decode()
            piece = line.recv(64 * 1024)
            if not piece:
                raise ConnectionError
            got += piece


@contextmanager
def receiving(answer, context=None):
    """A receiver that gives the pieces of `answer`."""
    made = Receiver(answer, context)
    yield made
    made.listener.close()


@contextmanager
def named(monkeypatch, tmp_path, host, answer):
    """A receiver with a certificate of `host`, and a webhook to it by that name."""
    path = certificate_for(tmp_path, host)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with receiving(answer, context) as receiver:
        place = Outside(loopback=True).place(f"https://hooks.example.org:{receiver.port}/in")
        yield receiver, Webhook(place=place, addresses=["127.0.0.1"], secret=b"k")


OK = [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]


def test_a_pinned_connection_says_the_hosts_name_and_holds_it_to_its_certificate(monkeypatch, tmp_path):
    """The address is pinned; TLS and the Host header go by the name all the same."""
    with named(monkeypatch, tmp_path, "hooks.example.org", OK) as (receiver, webhook):
        webhook.send([{"x": 1}], intent())

    assert receiver.names == ["hooks.example.org"]
    assert f"Host: hooks.example.org:{receiver.port}" in receiver.heads[0].splitlines()


def test_another_host_answers_at_the_pinned_address(monkeypatch, tmp_path):
    """Without the name's certificate nothing is said to it."""
    with (
        named(monkeypatch, tmp_path, "inside.example.org", OK) as (receiver, webhook),
        pytest.raises(PastDeadline),
    ):
        webhook.send([{"x": 1}], intent())

    assert receiver.heads == []


@pytest.mark.parametrize(
    ("head", "taken"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nX: ", False),
    ],
    ids=["in its body", "in its head"],
)
def test_an_answer_does_not_end(head, taken):
    """64 KiB of it are read: the head tells what became of the batch, and the rest is nobody's memory."""
    piece = b"x" * 1024

    def endless():
        yield head
        while True:
            yield piece

    started = monotonic()
    with receiving(endless()) as receiver:
        place = Place(host="127.0.0.1", port=receiver.port, path="/", tls=False)
        webhook = Webhook(place=place, addresses=["127.0.0.1"], secret=b"k")
        if taken:
            webhook.send([{"x": 1}], intent())
        else:
            with pytest.raises(NotDelivered):
                webhook.send([{"x": 1}], intent())

    assert ANSWER == 64 * 1024
    assert monotonic() - started < 15, "it ended by length, and did not wait for the deadline"


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_stays_so_where_an_operator_lets_this_machine_be_reached(address):
    """The setting of a demo opens loopback, and nothing beside it."""
    if ip_address(address).is_loopback:
        return
    with pytest.raises(UnsafeAddress):
        outside(address, loopback=True).addresses(
            Place(host="hooks.example.org", port=443, path="/", tls=True)
        )
