"""The register of controllers: who decides, where they are established, and where they offer.

Which law protects a person follows from it beside their residence, so who writes here is a
compliance officer. A controller that is not registered is bound by every law of the workspace.
"""

import re
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import insert, select, update

from cdp.kernel.errors import BadInput, Conflict, listed
from cdp.ports.register_ports import Controller, NoSuchController
from cdp.work import Work
from consent import tables

_COUNTRY = re.compile(r"[A-Z]{2}")
_PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


class NotAPlace(BadInput):
    """A country is two capital letters (ISO 3166-1: DE), a part of one is written US-CA (ISO 3166-2)."""


class NotEstablished(BadInput):
    """A controller is established somewhere: name one country or more."""


class ControllerExists(Conflict):
    """There is a controller of that name or id already."""


def add(controller: Controller, *, work: Work) -> None:
    """Register a controller. Raises `ControllerExists`, `NotAPlace`, `NotEstablished`."""
    establishments, offers = _places(controller.establishments, controller.offers)
    column = tables.controllers.c
    taken = select(column.id).where((column.id == controller.id) | (column.name == controller.name))
    if work.session.execute(taken).first() is not None:
        raise ControllerExists(field="name")
    work.session.execute(
        insert(tables.controllers).values(
            workspace_id=work.workspace,
            id=controller.id,
            name=controller.name,
            establishments=establishments,
            offers=offers,
            created_at=work.now,
        )
    )


def move(controller: UUID, *, establishments: Iterable[str], offers: Iterable[str], work: Work) -> None:
    """Say anew where a controller is established and offers; it counts from the next question on.

    Raises `NoSuchController`, `NotAPlace`, `NotEstablished`.
    """
    seats, places = _places(establishments, offers)
    done = work.session.execute(
        update(tables.controllers)
        .where(tables.controllers.c.id == controller)
        .values(establishments=seats, offers=places)
        .returning(tables.controllers.c.id)
    )
    if done.one_or_none() is None:
        there = (f"{one.name} {one.id}" for one in every(work=work))
        raise NoSuchController(field="controller", known=listed(there))


def every(*, work: Work) -> list[Controller]:
    """The controllers of the register, by name."""
    return [
        Controller(id=row.id, name=row.name, establishments=row.establishments, offers=row.offers)
        for row in work.session.execute(select(tables.controllers).order_by(tables.controllers.c.name))
    ]


def known(controller: UUID | None, *, work: Work) -> UUID:
    """That controller, or the workspace itself where none is named. Raises `NoSuchController`."""
    if controller is None or controller == work.workspace:
        return work.workspace
    there = every(work=work)
    if controller not in {one.id for one in there}:
        raise NoSuchController(field="controller", known=listed(f"{one.name} {one.id}" for one in there))
    return controller


def _places(establishments: Iterable[str], offers: Iterable[str]) -> tuple[list[str], list[str]]:
    seats, places = sorted(set(establishments)), sorted(set(offers))
    if not seats:
        raise NotEstablished(field="established")
    if not all(map(_COUNTRY.fullmatch, seats)):
        raise NotAPlace(field="established")
    if not all(map(_PLACE.fullmatch, places)):
        raise NotAPlace(field="offers")
    return seats, places
