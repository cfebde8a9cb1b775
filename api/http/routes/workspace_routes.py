"""The caller's own workspace, and what is set of it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

from api.http import shapes
from api.http.dependencies import PortsDep, doing
from api.http.idempotency import Once
from api.http.routes.matching import TAGGED, SeenDep, tag
from api.http.shapes import Out, Strict, failures, with_examples
from cdp.acts import Act
from cdp.registers import workspace_settings
from cdp.registers.workspace_settings import Protection
from cdp.work import Work

router = APIRouter(prefix="/v1/workspace", tags=["workspace"], responses=failures(401, 403), route_class=Once)


class WorkspaceOut(Out):
    """A workspace, and what is set of it."""

    model_config = with_examples(
        {"id": str(shapes.WORKSPACE), "name": "shop", "region": "DE", "unknown_age": "child"}
    )

    id: UUID
    """The id of the workspace."""
    name: str
    """What people call it."""
    region: str
    """Where phone numbers without a country are from, as in ISO 3166-1."""
    unknown_age: Protection
    """As whom people are protected whose date of birth is not known."""


class UnknownAgeIn(Strict):
    """How people of unknown age are to be protected."""

    model_config = with_examples({"protection": "child"})

    protection: Protection
    """`child`: they are left out until a parent agrees or their age is known. `adult`: they are not; that is
    for whoever has reason to know that no child is among them.
    """


class UnknownAgeOut(Out):
    """How people of unknown age are protected now."""

    model_config = with_examples({"protection": "child"})

    protection: Protection
    """As whom they are protected now."""


@router.get("", summary="Get the workspace and its settings", responses=TAGGED)
def get_workspace(
    response: Response, work: Annotated[Work, doing(Act.WORKSPACE_READ)], ports: PortsDep
) -> WorkspaceOut:
    """The workspace that the caller's token is for."""
    found = workspace_settings.read(work=work, ports=ports)
    tag(response, found)
    return WorkspaceOut(id=found.id, name=found.name, region=found.region, unknown_age=found.unknown_age)


@router.put("/unknown-age", summary="Say how people of unknown age are protected", responses=failures(412))
def put_unknown_age(
    body: UnknownAgeIn,
    seen: SeenDep,
    work: Annotated[Work, doing(Act.WORKSPACE_UNKNOWN_AGE)],
    ports: PortsDep,
) -> UnknownAgeOut:
    """Say anew how people are protected whose date of birth is not known; it counts at once."""
    workspace_settings.protect_unknown_age(body.protection, seen=seen, work=work, ports=ports)
    return UnknownAgeOut(protection=body.protection)
