"""Destinations: how a batch leaves. A sender stops at its deadline, before the first byte or after.

Each message and each line carries the intent's id, so that a receiver can drop a repetition, and
the deadline, so that it can refuse what was frozen on the way and came late.
"""

import http.client
import os
import socket
import ssl
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from io import BufferedReader, RawIOBase
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, cast

import msgspec
import standardwebhooks

from cdp.kernel import private
from cdp.kernel.errors import Unavailable
from cdp.kernel.json_values import Json
from cdp.ports import Intent
from cdp.releases.webhook_addresses import Place
from cdp.vocabulary import WorkspaceId

Record = Mapping[str, Json]
PIECE = 64 * 1024  # bytes that are handed to the kernel at once
ANSWER = 64 * 1024  # bytes of an answer, head and all, that are read


class NotSent(Unavailable):
    """Nothing of the batch was sent: it could not be handed over."""


class PastDeadline(NotSent):
    """The batch was not ready before its deadline; nothing of it was sent."""


class NotDelivered(Unavailable):
    """The receiver did not take the batch; it counts as released, for a part may have arrived."""


class Destination(Protocol):
    """Where a release sends its batches."""

    def send(self, records: Sequence[Record], intent: Intent) -> None:
        """Send a batch before `intent.deadline`.

        Raises `NotSent` if not a byte has left, `NotDelivered` if one may have.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """Whole objects in a folder of the operator's below `root`: a file a batch, one JSON object a line.

    A batch is rendered apart, however long the disk takes; then the clock is looked at, and what is
    in time gets its name by one rename. Nothing of a batch can be read under its name before.
    """

    root: Path
    names: tuple[str, ...]  # of the folders from `root` down
    whose: WorkspaceId  # whoever wrote there first keeps it
    sync: Callable[[int], None] = os.fsync
    rename: Callable[..., None] = os.rename

    def ready(self) -> None:
        """Make the folder and what lies in it its owner's alone. Raises `OSError`."""
        with private.inside(self.root, self.names, whose=str(self.whose)) as folder:
            private.close_all(folder)

    def send(self, records: Sequence[Record], intent: Intent) -> None:
        """Write the batch as `<intent>.ndjson`; every line names its intent and its deadline."""
        stamp = {"intent": str(intent.id), "send_before": intent.send_before.isoformat()}
        lines = b"".join(msgspec.json.encode(stamp | dict(record)) + b"\n" for record in records)
        part, whole = f".{intent.id}.part", f"{intent.id}.ndjson"
        try:
            with private.inside(self.root, self.names, whose=str(self.whose)) as folder:
                try:
                    private.made(part, lines, folder, sync=self.sync)
                    self._name(part, whole, folder, intent)
                finally:
                    with suppress(FileNotFoundError):
                        os.unlink(part, dir_fd=folder)
        except OSError:
            raise NotSent from None

    def _name(self, part: str, whole: str, folder: int, intent: Intent) -> None:
        if monotonic() >= intent.deadline:
            raise PastDeadline
        self.rename(part, whole, src_dir_fd=folder, dst_dir_fd=folder)
        if monotonic() >= intent.deadline:
            # The rename itself was late: taken back, but somebody may have read it meanwhile.
            with suppress(OSError):
                os.unlink(whole, dir_fd=folder)
            raise NotDelivered
        with suppress(OSError):
            os.fsync(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Posts batches to a URL, signed as Standard Webhooks do.

    Connections go to `addresses`, which were judged, whatever the host's name means by now; TLS and
    the `Host` header name the host. A redirect is an answer like any other that is no success.
    """

    place: Place
    addresses: Sequence[str]
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
        host, port = self.place.host, self.place.port
        made = http.client.HTTPSConnection if self.place.tls else http.client.HTTPConnection
        connection = made(host, port)
        connection.auto_open = 0  # it would look the name up once more
        try:
            line = self._reached(deadline)
            if self.place.tls:
                line = ssl.create_default_context().wrap_socket(line, server_hostname=host)
        except OSError:
            raise PastDeadline from None
        connection.sock = line
        return connection

    def _reached(self, deadline: float) -> socket.socket:
        """A connection to the first of the addresses that takes it. Raises `OSError`."""
        for address in self.addresses:
            limit = max(0.001, deadline - monotonic())
            try:
                return socket.create_connection((address, self.place.port), timeout=limit)
            except OSError:
                continue
        raise ConnectionError

    def _post(self, connection: http.client.HTTPConnection, body: bytes, intent: Intent) -> None:
        try:
            connection.request("POST", self.place.path, body, self._headers(body, intent))
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException):
            raise NotDelivered from None
        if answer.status >= 300:
            raise NotDelivered(status=answer.status)
        # The head has said it; a receiver may end what it has to say, within the same bounds.
        with suppress(OSError, http.client.HTTPException):
            answer.read(ANSWER)

    def _headers(self, body: bytes, intent: Intent) -> dict[str, str]:
        # The library reads the clock of whatever zone it is handed as that of UTC.
        before = intent.send_before.astimezone(UTC)
        signer = standardwebhooks.Webhook(self.secret)
        return {
            "Connection": "close",
            "Content-Type": "application/json",
            "Idempotency-Key": str(intent.id),
            "Webhook-Id": str(intent.id),
            "Webhook-Timestamp": str(int(before.timestamp())),
            "Webhook-Signature": signer.sign(str(intent.id), before, body.decode()),
            "CDP-Send-Before": intent.send_before.isoformat(),
        }


class _Line:
    """What the HTTP client needs of a socket (plain or TLS), where every operation ends at the deadline.

    A socket's own timeout is for one operation, so that a slow receiver could stretch a
    message as long as it likes; here each operation gets what is left until the deadline.
    """

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._deadline, self._read = sock, deadline, 0
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
        """Read what has come, at most as much as `buffer` takes. Raises `TimeoutError` at the deadline.

        Raises `ConnectionError` once the answer has been longer than anybody needs.
        """
        self._wind()
        if self._read >= ANSWER:
            raise ConnectionError
        got = self._sock.recv_into(buffer[: ANSWER - self._read])
        self._read += got
        return got

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
