"""Filling a process with heads that do not end, bodies that go on, and answers that nobody reads."""

import socket
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from api.http.guard import Guarded
from api.processes.server import running

PATIENT = 60  # seconds, after which a connection that is not closed fails its test


class Hasty(Guarded):
    """The guard, with as little patience as a test has."""

    head_seconds = 0.3
    rest_seconds = 0.3
    look_seconds = 0.3


@pytest.fixture(scope="module")
def api(system):
    """The platform, served without patience: its host and port."""
    with running(system, protocol=Hasty) as url:
        yield urlsplit(url).hostname, urlsplit(url).port


@contextmanager
def connected(api, *, reads: int | None = None):
    """A connection; one that `reads` little has room for that many bytes."""
    with socket.socket() as made:
        if reads is not None:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, reads)
        made.settimeout(PATIENT)
        made.connect(api)
        yield made


def rest(made: socket.socket) -> bytes:
    """All that comes until the other side closes; a reset closes too."""
    found = b""
    try:
        while part := made.recv(65536):
            found += part
    except ConnectionError:
        pass
    return found


def status(answer: bytes) -> int:
    """The status of an answer."""
    return int(answer.split(b" ", 2)[1])


def flooded(made: socket.socket, part: bytes, most: int) -> bytes:
    """Send `part` again and again, up to `most` bytes, and read what comes until the end."""
    try:
        for _ in range(most // len(part)):
            made.sendall(part)
    except ConnectionError:
        return b""
    return rest(made)


def test_a_connection_that_asks_nothing_is_closed(api):
    """It gets no word, for it asked nothing."""
    with connected(api) as made:
        assert rest(made) == b""


def test_a_head_that_does_not_end_is_a_408(api):
    """Headers have seconds, counted from the first byte: a byte now and then does not help."""
    with connected(api) as made:
        made.sendall(b"GET /healthz HTTP/1.1\r\nHost: cdp\r\nX-Slow: ")
        answer = rest(made)

    assert status(answer) == 408
    assert b"application/problem+json" in answer


def test_a_second_head_that_does_not_end_is_a_408_too(api):
    """A connection that was once good has no more time than a new one."""
    with connected(api) as made:
        made.sendall(b"GET /healthz HTTP/1.1\r\nHost: cdp\r\n\r\nGET /healthz HTTP/1.1\r\nHo")
        answers = rest(made).split(b"HTTP/1.1 ")

    assert [one[:3] for one in answers[1:]] == [b"200", b"408"]


def test_half_a_head_behind_a_request_does_not_cost_it_its_answer(api, database):
    """Whoever is still being answered is, and then their next head has its seconds."""
    with database.owner.connect() as holder, connected(api) as made:
        holder.execute(text("LOCK TABLE cdp.workspaces IN ACCESS EXCLUSIVE MODE"))
        made.sendall(b"GET /readyz HTTP/1.1\r\nHost: cdp\r\n\r\nGET /he")
        made.settimeout(3 * Hasty.head_seconds)
        with pytest.raises(TimeoutError):
            made.recv(1)
        holder.rollback()
        made.settimeout(PATIENT)
        answers = rest(made).split(b"HTTP/1.1 ")

    assert [one[:3] for one in answers[1:]] == [b"200", b"408"]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /%s HTTP/1.1\r\nHost: cdp\r\n\r\n" % (b"x" * Guarded.head_bytes),
        b"GET /healthz HTTP/1.1\r\nX: %s\r\n\r\n" % (b"x" * Guarded.head_bytes),
        b"GET /healthz HTTP/1.1\r\n%s\r\n" % (b"X: y\r\n" * (Guarded.headers_most + 1)),
    ],
    ids=["a long address", "a long header", "many headers"],
)
def test_a_head_beyond_the_limit_is_a_431(api, head):
    """Bytes and headers are counted; nothing of it reaches a route."""
    with connected(api) as made:
        made.sendall(head)
        answer = rest(made)

    assert status(answer) == 431


@pytest.mark.parametrize("part", [b"x" * 4096, b"\r\n" * 2048], ids=["one header", "empty lines"])
def test_an_endless_head_is_cut_off(api, part):
    """No parser keeps what is not counted."""
    begin = b"" if part.startswith(b"\r") else b"GET /healthz HTTP/1.1\r\nX: "
    with connected(api) as made:
        made.sendall(begin)
        answer = flooded(made, part, 64 * Guarded.head_bytes)

    assert answer == b"" or status(answer) in (408, 431)


@pytest.mark.parametrize("path", ["/v1/segments", "/v1/batch", "/u/x", "/nowhere"])
def test_the_rest_of_a_body_that_was_answered_has_seconds(api, path):
    """Whoever was refused before the end of their body does not keep the connection by sending on."""
    with connected(api) as made:
        made.sendall(f"POST {path} HTTP/1.1\r\nHost: cdp\r\nContent-Length: 900000000\r\n\r\nx".encode())
        answer = rest(made)

    assert status(answer) in (401, 404, 413)


def test_trailers_are_headers_too(api):
    """What comes behind a chunked body is no way around the limit, and reaches no route either."""
    head = b"POST /v1/segments HTTP/1.1\r\nHost: cdp\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    with connected(api) as made:
        made.sendall(head + b"X: y\r\n" * (Guarded.headers_most + 1))
        assert rest(made) == b""


def test_an_endless_chunked_body_is_cut_off(api):
    """A byte in each chunk is counted with what is around it."""
    with connected(api) as made:
        made.sendall(b"POST /u/x HTTP/1.1\r\nHost: cdp\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer = flooded(made, b"1\r\nx\r\n" * 1024, 4 * Guarded.message_bytes)

    assert answer == b"" or status(answer) == 404


def test_an_answer_that_nobody_reads_is_dropped(api):
    """It fills a buffer of the server's; the connection is reset, not kept until somebody reads."""
    with connected(api, reads=2048) as made:
        made.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: cdp\r\nConnection: close\r\n\r\n")
        # Whether the server let go shows without reading: a reset ends sending, too.
        with pytest.raises(ConnectionError):
            for _ in range(PATIENT * 20):
                made.sendall(b"x")
                time.sleep(0.05)


def test_an_answer_that_is_read_slowly_but_read_arrives(api):
    """The guard looks at progress, not at the clock alone: a thin line gets its answer whole."""
    with connected(api, reads=16384) as made:
        made.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: cdp\r\nConnection: close\r\n\r\n")
        found = b""
        while part := made.recv(8192):
            found += part
            time.sleep(Hasty.look_seconds / 20)
    head, _, body = found.partition(b"\r\n\r\n")
    length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))

    assert len(body) == int(length.split(b":")[1])
