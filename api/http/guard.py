"""What a connection may cost before it is a request and after it was answered: bytes, headers, seconds.

uvicorn bounds neither the head of a request nor how slowly an answer is read, and neither it nor its
parser counts headers. So a connection that sends half a head, or reads nothing, would stay for
ever, and with it what it fills. Bodies are bounded where they are read (`api/http/bodies.py`).
"""

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.http import problems
from cdp.kernel.ids import new_id


class HeadTooLarge(Exception):
    """The head of a request has too many bytes or headers; only this module sees it."""


class Guarded(HttpToolsProtocol):
    """uvicorn's protocol with these limits. Who breaks one is told so where it can be, and closed."""

    head_seconds = 10.0  # from the first byte, or from the connection, to the end of the headers
    head_bytes = 32 * 1024
    headers_most = 100
    # No body that is taken is as long, however its client cuts it into chunks.
    message_bytes = 8 * 1024 * 1024
    rest_seconds = 5.0  # for the rest of a body that was answered already
    look_seconds = 10.0  # between two looks at an answer that is being read
    read_bytes = 10 * 1024  # of it, at least, between the two

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection has until `head_seconds` to ask for something."""
        self._between = True  # two requests: the one before has come whole
        self._taken = self._head = self._count = self._left = 0
        self._status = 400
        self._heading: asyncio.TimerHandle | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._look: asyncio.TimerHandle | None = None
        super().connection_made(transport)  # type: ignore[arg-type]
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        for timer in (self._heading, self._rest, self._look):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    # --- what is sent to us ---------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Count what comes, of a head and of a message."""
        if self._between:
            self._await_head()
        self._taken += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._heading is not None and self._taken > self.head_bytes:
            self._refuse(431)
        elif self._taken > self.message_bytes:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._between = False
        self._taken = self._head = self._count = 0
        self._await_head()

    def on_url(self, url: bytes) -> None:
        """An address counts as a header does."""
        super().on_url(url)
        self._measure(len(url), 0)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One more header; those behind a body (trailers) count too."""
        self._measure(len(name) + len(value), 1)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._heading = _stop(self._heading)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is there."""
        self._between = True
        self._rest = _stop(self._rest)
        super().on_message_complete()

    def _measure(self, size: int, count: int) -> None:
        self._head += size
        self._count += count
        if self._head > self.head_bytes or self._count > self.headers_most:
            # The parser stops at it, and uvicorn answers what stops the parser.
            self._status = 431
            raise HeadTooLarge

    def _await_head(self) -> None:
        if self._heading is None:
            self._taken = 0
            self._heading = self.loop.call_later(self.head_seconds, self._late)

    def _late(self) -> None:
        self._heading = None
        if self.cycle is not None and not self.cycle.response_complete:
            # Whoever asks before they have their answer waits for it, and nobody for them.
            self._await_head()
        elif not self._between:
            self._refuse(408)
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """What uvicorn answers to what is no HTTP, as a problem."""
        self._refuse(self._status)

    def _refuse(self, status: int) -> None:
        """Answer and close. While an answer is under way, nothing can be put in its place."""
        self._heading = _stop(self._heading)
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()
            return
        body = problems.of_status(status, {}).body(str(new_id()))
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: {problems.MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()
        self._watch()

    # --- what we send ---------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        """Answered: what is left of the body has some seconds, and the answer is watched as it is read."""
        super().on_response_complete()
        self._watch()
        if not self._between and not self.pipeline and self._rest is None:
            self._rest = self.loop.call_later(self.rest_seconds, self.transport.close)

    def pause_writing(self) -> None:
        """An answer waits for its reader."""
        super().pause_writing()
        self._watch()

    def _watch(self) -> None:
        """Look later how much has been read of what was written until now."""
        self._look = _stop(self._look)
        self._left = self.transport.get_write_buffer_size()
        if self._left:
            self._look = self.loop.call_later(self.look_seconds, self._look_again)

    def _look_again(self) -> None:
        if self.transport.get_write_buffer_size() > max(0, self._left - self.read_bytes):
            self.transport.abort()
        else:
            self._watch()


def _stop(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """End a timer; None, so that its place is empty."""
    if timer is not None:
        timer.cancel()
    return None
