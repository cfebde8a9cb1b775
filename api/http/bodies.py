"""Reading bodies: no further than a cap, no longer than a limit, and not all the memory together.

A body is read before its request takes any place that others wait for, and held until it is answered.
While memory is short, whoever has been sending longest gives way to whoever comes: slow bodies can't keep
others out. Nor can those that were read and wait for a place: one caller's have a share of the memory.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

from anyio import CancelScope, move_on_after
from starlette.datastructures import Headers
from starlette.types import Receive

from cdp.kernel.errors import Overloaded, TooLarge, Unavailable

BODY = "cdp.body"  # where a request's scope has it, once it was read
# Bytes of a body that are looked at where requests come in; more would keep others waiting.
AT_ONCE = 4096
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
    caller: str | None
    since: float
    scope: CancelScope
    chunks: list[bytes] = field(default_factory=list, repr=False)
    size: int = 0
    held: bool = True


class Bodies:
    """The bodies that are being read, or worked on, at one moment."""

    def __init__(
        self, *, most: int, together: int, each: int | None = None, seconds: float = READ_SECONDS
    ) -> None:
        """`most` bytes are one body's limit, `together` that of all at once, `each` that of one caller's."""
        self._most = most
        self._together = together
        self._each = each if each is not None else together
        self._seconds = seconds
        self._held = 0
        self._of_one: Counter[str] = Counter()
        self._coming: dict[_Body, None] = {}  # oldest first

    @property
    def held(self) -> int:
        """The bytes in memory now."""
        return self._held

    @asynccontextmanager
    async def read(
        self, headers: Headers, receive: Receive, caller: str | None = None
    ) -> AsyncIterator[bytes]:
        """The body of a request, counted until the block is left; `caller` has a share, None is held to none.

        Raises `BodyTooLarge`, `TooSlow`, `Overloaded`, `Gone`.
        """
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length) > self._most:
            raise BodyTooLarge(field="body", limit=self._most)
        body = _Body(caller, monotonic(), CancelScope())
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
                self._count(body, len(chunk))
                if body.size > self._most:
                    raise BodyTooLarge(field="body", limit=self._most)
                self._make_room(body)
                more = message.get("more_body", False)
        if late.cancelled_caught or not body.held:
            raise TooSlow

    def _make_room(self, newest: _Body) -> None:
        """End the slowest until what is held fits. Raises `Overloaded` where nobody is slow."""
        while oldest := self._in_the_way(newest):
            if oldest is newest or monotonic() - oldest.since < GRACE_SECONDS:
                raise Overloaded
            del self._coming[oldest]
            self._let_go(oldest)
            oldest.scope.cancel()

    def _in_the_way(self, newest: _Body) -> _Body | None:
        """Whose body comes longest, of all or of the caller alone, where there is no room for more of it."""
        caller = newest.caller
        if caller is not None and self._of_one[caller] > self._each:
            return next(one for one in self._coming if one.caller == caller)
        return next(iter(self._coming)) if self._held > self._together else None

    def _count(self, body: _Body, size: int) -> None:
        body.size += size
        self._held += size
        if body.caller is not None:
            self._of_one[body.caller] += size
            if not self._of_one[body.caller]:
                del self._of_one[body.caller]

    def _let_go(self, body: _Body) -> None:
        if body.held:
            body.held = False
            body.chunks.clear()
            self._count(body, -body.size)


def comes(headers: Headers) -> bool:
    """Whether a request has a body, by its headers."""
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
