"""Controllers: who decides what data is used for, and so which laws protect people."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import Field, StringConstraints

from api.http import shapes
from api.http.dependencies import PortsDep, doing
from api.http.idempotency import Once
from api.http.routes.matching import TAGGED, SeenDep, tag
from api.http.shapes import Name, Out, Strict, failures, with_examples
from cdp.acts import Act
from cdp.ports.register_ports import Controller
from cdp.registers import controllers
from cdp.work import Work

router = APIRouter(
    prefix="/v1/controllers", tags=["controllers"], responses=failures(401, 403), route_class=Once
)

ControllerPath = Annotated[
    UUID, Path(description="The id of a controller.", examples=[str(shapes.CONTROLLER)])
]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Place = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]


_CONTROLLER = {
    "id": str(shapes.CONTROLLER),
    "name": "Brand AB",
    "establishments": ["SE"],
    "offers": ["DE", "US-CA"],
}


class PlacesIn(Strict):
    """Where a controller is, and where it offers."""

    model_config = with_examples({"establishments": ["DE"], "offers": ["FR", "US-CA"]})

    establishments: Annotated[list[Country], Field(min_length=1, max_length=300)]
    """Where it is established, by countries as in ISO 3166-1."""
    offers: Annotated[list[Place], Field(max_length=300)] = Field([])
    """Where it offers, by countries or parts of them, as in ISO 3166-1 and 3166-2."""


class ControllerIn(PlacesIn):
    """A controller that is to be registered."""

    model_config = with_examples({"name": "Brand AB", "establishments": ["SE"], "offers": ["DE", "US-CA"]})

    name: Name
    """What it is called: a company, a brand; no other has the name."""
    own: bool = False
    """Whether it is the workspace itself, whose id purposes have by default."""


class NewControllerOut(Out):
    """A controller that was just registered."""

    model_config = with_examples({"id": str(shapes.CONTROLLER), "name": "Brand AB"})

    id: UUID
    """The id of the controller."""
    name: str
    """What it is called."""


class ControllerOut(Out):
    """A controller as it is registered."""

    id: UUID
    """The id of the controller."""
    name: str
    """What it is called."""
    establishments: list[str]
    """Where it is established."""
    offers: list[str]
    """Where it offers."""

    model_config = with_examples(_CONTROLLER)


class ControllersOut(Out):
    """The controllers of the workspace."""

    model_config = with_examples({"controllers": [_CONTROLLER]})

    controllers: list[ControllerOut]
    """All of them, by name."""


class MovedOut(Out):
    """Where a controller is now."""

    model_config = with_examples(
        {"id": str(shapes.CONTROLLER), "establishments": ["DE"], "offers": ["FR", "US-CA"]}
    )

    id: UUID
    """The id of the controller."""
    establishments: list[str]
    """Where it is established now."""
    offers: list[str]
    """Where it offers now."""


@router.get("", summary="List the controllers")
def get_controllers(work: Annotated[Work, doing(Act.CONTROLLER_LIST)], ports: PortsDep) -> ControllersOut:
    """Who decides, where they are established and where they offer."""
    known = controllers.every(work=work, ports=ports)
    return ControllersOut(controllers=[_shape(one) for one in known])


@router.get("/{controller}", summary="Get a controller", responses={**TAGGED, **failures(404)})
def get_controller(
    controller: ControllerPath,
    response: Response,
    work: Annotated[Work, doing(Act.CONTROLLER_LIST)],
    ports: PortsDep,
) -> ControllerOut:
    """Who decides, where they are established and where they offer."""
    found = controllers.one(controller, work=work, ports=ports)
    tag(response, found)
    return _shape(found)


@router.post("", summary="Register a controller", status_code=201, responses=failures(409))
def post_controller(
    body: ControllerIn, work: Annotated[Work, doing(Act.CONTROLLER_ADD)], ports: PortsDep
) -> NewControllerOut:
    """Register who decides. The laws of its places protect people beside those of where they live.

    One that is not registered is bound by every law that the platform knows; the workspace itself, until
    it is, by that of its region.
    """
    made = controllers.add(
        body.name,
        establishments=body.establishments,
        offers=body.offers,
        own=body.own,
        work=work,
        ports=ports,
    )
    return NewControllerOut(id=made, name=body.name)


@router.put("/{controller}/places", summary="Say anew where a controller is", responses=failures(404, 412))
def put_places(
    controller: ControllerPath,
    body: PlacesIn,
    seen: SeenDep,
    work: Annotated[Work, doing(Act.CONTROLLER_MOVE)],
    ports: PortsDep,
) -> MovedOut:
    """Say anew where a controller is established and offers; it counts at once, for every answer."""
    controllers.move(
        controller,
        establishments=body.establishments,
        offers=body.offers,
        seen=seen,
        work=work,
        ports=ports,
    )
    return MovedOut(id=controller, establishments=body.establishments, offers=body.offers)


def _shape(one: Controller) -> ControllerOut:
    return ControllerOut(
        id=one.id, name=one.name, establishments=list(one.establishments), offers=list(one.offers)
    )
