"""Pages of a register by HTTP: how a list is asked for by parts, and what leads from one to the next."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.http.shapes import Name, Strict
from cdp.kernel import cursors
from cdp.kernel.cursors import LONGEST, UnknownCursor
from cdp.kernel.json_values import JsonObject
from cdp.ports.register_ports import Page
from cdp.work import Work

MOST = 200
EXAMPLE = "WyI1ZTg4NDg5OGRhMjgwNDcxNTFkMGU1NmYiLDE3NjcyNjg4MDAsIjEiXQ"


class ListAsk(Strict):
    """Which part of a list is wanted, and from where on."""

    cursor: Annotated[str, Field(max_length=LONGEST)] | None = None
    """`next` of the page before, within a day, with the other parameters as they were; left out: the
    first page."""

    def place(self, work: Work) -> list[int | str]:
        """Where the page before ended; empty: there was none. Raises `UnknownCursor`, `CursorExpired`."""
        if self.cursor is None:
            return []
        return cursors.read(self.cursor, of=self._question(work), now=work.now)

    def leading_on(self, place: Sequence[int | str], work: Work) -> str:
        """What leads to the page behind that place."""
        return cursors.written(place, of=self._question(work), now=work.now)

    def _question(self, work: Work) -> JsonObject:
        """All but how much of the list is wanted, and from where on."""
        asked = self.model_dump(mode="json", exclude={"cursor", "limit"})
        return {"list": type(self).__name__, "workspace": str(work.workspace), **asked}


class PageAsk(ListAsk):
    """Which part of a register is wanted."""

    limit: int = Field(50, ge=1, le=MOST)
    """At most so many on a page."""

    def page(self, work: Work) -> Page:
        """The page that is meant. Raises `UnknownCursor`, `CursorExpired`."""
        name, ended = getattr(self, "name", None), getattr(self, "ended", None)
        return Page(after=_row(self.place(work)), limit=self.limit, name=name, ended=ended)

    def next(self, found: list[UUID], work: Work) -> str | None:
        """What leads to the page behind one of these rows; None: there is none."""
        return self.leading_on([str(found[-1])], work) if len(found) == self.limit else None


class EndingAsk(PageAsk):
    """Which part of a register is wanted, of what can end."""

    ended: bool | None = None
    """`true`: what has ended alone. `false`: what has not. Left out: both."""


class NamedAsk(PageAsk):
    """Which part of a register is wanted, by name."""

    name: Name | None = None
    """What has that name alone."""


def _row(place: list[int | str]) -> UUID | None:
    try:
        return UUID(str(place[0])) if place else None
    except ValueError:
        raise UnknownCursor(field="cursor") from None
