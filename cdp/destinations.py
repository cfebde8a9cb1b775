"""Destinations: how a batch leaves. A sender stops at its deadline, before the first byte or after.

Each message carries the intent's id, so that a receiver can drop a repetition, and the
deadline, so that it can refuse what was frozen on the way and came late.
"""

import hashlib
import hmac
import http.client
import socket
import ssl
import struct
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BufferedReader, RawIOBase
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import msgspec

from cdp.kernel import private
from cdp.kernel.errors import Unavailable
from cdp.ports import Intent

Record = Mapping[str, Any]
PIECE = 64 * 1024  # bytes that are handed to the kernel at once


class PastDeadline(Unavailable):
    """The batch was not ready before its deadline; nothing of it was sent."""


class NotDelivered(Unavailable):
    """The receiver did not take the batch; it counts as released, for a part may have arrived."""


class Destination(Protocol):
    """Where a release sends its batches."""

    def send(self, records: Sequence[Record], intent: Intent) -> None:
        """Send a batch before `intent.deadline`.

        Raises `PastDeadline` if not a byte has left, `NotDelivered` if one may have.
        """
        ...


@dataclass(frozen=True, slots=True)
class NdjsonFile:
    """Appends records to a file of the operator's, its owner's alone, one JSON object a line."""

    path: Path

    def send(self, records: Sequence[Record], intent: Intent) -> None:
        """Write the batch in one piece; every line names its intent."""
        lines = b"".join(
            msgspec.json.encode({"intent": str(intent.id), **record}) + b"\n" for record in records
        )
        with private.opened(self.path, append=True) as file:
            if monotonic() >= intent.deadline:
                raise PastDeadline
            file.write(lines)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts batches to a URL, signed as Standard Webhooks do: HMAC-SHA256 over id, time and body."""

    url: str
    secret: bytes = field(repr=False)

    def send(self, records: Sequence[Record], intent: Intent) -> None:
        """Connect first, look at the clock last; at the deadline the connection is reset."""
        body = msgspec.json.encode({"intent": str(intent.id), "records": list(records)})
        connection = self._connect(intent.deadline)
        assert connection.sock is not None, "connected above"
        line = _Line(connection.sock, intent.deadline)
        connection.sock = cast(socket.socket, line)
        try:
            if monotonic() >= intent.deadline:
                raise PastDeadline
            self._post(connection, body, intent)
        finally:
            # Also after an answer: one that came early leaves a part of the body in the buffers.
            line.reset()
            connection.close()

    def _connect(self, deadline: float) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port
        limit = max(0.001, deadline - monotonic())
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(
                host, port, timeout=limit, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=limit)
        try:
            connection.connect()
        except OSError:
            raise PastDeadline from None
        return connection

    def _post(self, connection: http.client.HTTPConnection, body: bytes, intent: Intent) -> None:
        parts = urlsplit(self.url)
        try:
            connection.request("POST", parts.path or "/", body, self._headers(body, intent))
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            raise NotDelivered from None
        if answer.status >= 300:
            raise NotDelivered(status=answer.status)

    def _headers(self, body: bytes, intent: Intent) -> dict[str, str]:
        stamp = str(int(intent.send_before.timestamp()))
        signed = f"{intent.id}.{stamp}.".encode() + body
        signature = b64encode(hmac.digest(self.secret, signed, hashlib.sha256)).decode()
        return {
            "Connection": "close",
            "Content-Type": "application/json",
            "Idempotency-Key": str(intent.id),
            "Webhook-Id": str(intent.id),
            "Webhook-Timestamp": stamp,
            "Webhook-Signature": f"v1,{signature}",
            "CDP-Send-Before": intent.send_before.isoformat(),
        }


class _Line:
    """What the HTTP client needs of a socket (plain or TLS), where every operation ends at the deadline.

    A socket's own timeout is for one operation, so that a slow receiver could stretch a
    message as long as it likes; here each operation gets what is left until the deadline.
    """

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline = sock, deadline
        # The kernel sends what it holds even while this process is frozen, so it holds little.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)

    def sendall(self, data: bytes) -> None:
        """Send in pieces. Raises `TimeoutError` at the deadline."""
        view = memoryview(data)
        while view:
            self._wind()
            view = view[self._sock.send(view[:PIECE]) :]

    def makefile(self, mode: str) -> BufferedReader:
        """A reader of the answer; its reads raise `TimeoutError` at the deadline."""
        assert mode == "rb", "the HTTP client reads bytes"
        return BufferedReader(_Answer(self))

    def receive(self, buffer: memoryview) -> int:
        """Read what has come, at most as much as `buffer` takes. Raises `TimeoutError` at the deadline."""
        self._wind()
        return self._sock.recv_into(buffer)

    def reset(self) -> None:
        """Close with RST, so that what is still in the buffers is not delivered any more."""
        if self._sock.fileno() >= 0:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._sock.close()

    def close(self) -> None:
        """The HTTP client closes once it has seen the head of an answer; `reset` is what ends the line."""

    def _wind(self) -> None:
        left = self._deadline - monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)


class _Answer(RawIOBase):
    """The bytes of an answer as a file."""

    def __init__(self, line: _Line) -> None:
        self._line = line

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read what has come; 0 is the end."""
        return self._line.receive(memoryview(buffer))
