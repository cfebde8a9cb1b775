"""Pages of a register by HTTP: how a list is asked for by parts, and what leads from one to the next."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.http.shapes import Name, Strict
from cdp.kernel.errors import BadInput
from cdp.ports.register_ports import Page

MOST = 200
EXAMPLE = "AZD1_nwAcACAAAAAAAAAAQ"


class UnknownCursor(BadInput):
    """This is not a cursor that an earlier page gave; begin again without one."""


class PageAsk(Strict):
    """Which part of a list is wanted."""

    limit: int = Field(50, ge=1, le=MOST)
    """At most so many on a page."""
    cursor: Annotated[str, Field(max_length=200)] | None = None
    """`next` of the page before; left out: the first page."""

    def page(self) -> Page:
        """The page that is meant. Raises `UnknownCursor`."""
        after = _read(self.cursor) if self.cursor else None
        name, ended = getattr(self, "name", None), getattr(self, "ended", None)
        return Page(after=after, limit=self.limit, name=name, ended=ended)

    def next(self, found: list[UUID]) -> str | None:
        """What leads to the page behind one of these rows; None: there is none."""
        return urlsafe_b64encode(found[-1].bytes).decode().rstrip("=") if len(found) == self.limit else None


class EndingAsk(PageAsk):
    """Which part of a list is wanted, of what can end."""

    ended: bool | None = None
    """`true`: what has ended alone. `false`: what has not. Left out: both."""


class NamedAsk(PageAsk):
    """Which part of a list is wanted, by name."""

    name: Name | None = None
    """What has that name alone."""


def _read(cursor: str) -> UUID:
    try:
        return UUID(bytes=urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except ValueError:
        raise UnknownCursor(field="cursor") from None
