"""Reading bodies: no further than a cap, no longer than a limit, and not all the memory together.

A body is read before its request takes any place that others wait for. While memory is short, whoever
has been sending longest gives way to whoever comes: slow bodies can't keep others out.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

from anyio import CancelScope, move_on_after
from starlette.datastructures import Headers
from starlette.types import Receive

from cdp.kernel.errors import Overloaded, TooLarge, Unavailable

BODY = "cdp.body"  # where a request's scope has it, once it was read
READ_SECONDS = 20.0
# So long a body may come in peace; then it gives way to others when memory is short.
GRACE_SECONDS = 1.0


class BodyTooLarge(TooLarge):
    """What was sent is larger than the limit."""


class TooSlow(Unavailable):
    """The body did not arrive in time; nothing was done with what had come."""


class Gone(Exception):
    """The client went away; there is nobody to answer."""


@dataclass(eq=False)
class _Body:
    since: float
    scope: CancelScope
    chunks: list[bytes] = field(default_factory=list, repr=False)
    size: int = 0
    held: bool = True


class Bodies:
    """The bodies that are being read, or worked on, at one moment."""

    def __init__(self, *, most: int, together: int, seconds: float = READ_SECONDS) -> None:
        """`most` bytes are one body's limit, `together` that of all at once."""
        self._most = most
        self._together = together
        self._seconds = seconds
        self._held = 0
        self._coming: dict[_Body, None] = {}  # oldest first

    @property
    def held(self) -> int:
        """The bytes in memory now."""
        return self._held

    @asynccontextmanager
    async def read(self, headers: Headers, receive: Receive) -> AsyncIterator[bytes]:
        """The body of a request, counted until the block is left.

        Raises `BodyTooLarge`, `TooSlow`, `Overloaded`, `Gone`.
        """
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length) > self._most:
            raise BodyTooLarge(field="body", limit=self._most)
        body = _Body(monotonic(), CancelScope())
        self._coming[body] = None
        try:
            try:
                await self._fill(body, receive)
            finally:
                self._coming.pop(body, None)
            yield b"".join(body.chunks)
        finally:
            self._let_go(body)

    async def _fill(self, body: _Body, receive: Receive) -> None:
        with move_on_after(self._seconds) as late:
            body.scope = late
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                if not body.held:
                    break
                chunk = message.get("body", b"")
                body.chunks.append(chunk)
                body.size += len(chunk)
                self._held += len(chunk)
                if body.size > self._most:
                    raise BodyTooLarge(field="body", limit=self._most)
                self._make_room(body)
                more = message.get("more_body", False)
        if late.cancelled_caught or not body.held:
            raise TooSlow

    def _make_room(self, newest: _Body) -> None:
        """End the slowest until what is held fits. Raises `Overloaded` where nobody is slow."""
        while self._held > self._together:
            oldest = next(iter(self._coming))
            if oldest is newest or monotonic() - oldest.since < GRACE_SECONDS:
                raise Overloaded
            del self._coming[oldest]
            self._let_go(oldest)
            oldest.scope.cancel()

    def _let_go(self, body: _Body) -> None:
        if body.held:
            body.held = False
            self._held -= body.size
            body.chunks.clear()
