"""A steward's decisions on who is who."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api.deps import PortsDep, working
from api.routes import shapes
from api.routes.shapes import Out, Strict, failures
from cdp import unmerging
from cdp.vocabulary import FragmentId
from cdp.work import Work
from policies.words import Action, Resource

router = APIRouter(prefix="/v1/identity", tags=["identity"], responses=failures(401, 403, 404))


class SeparateIn(Strict):
    """Two fragments that are not one person."""

    model_config = Strict.model_config | {
        "json_schema_extra": {"examples": [{"a": str(shapes.PROFILE), "b": str(shapes.OTHER_PROFILE)}]}
    }

    a: UUID
    b: UUID


class SeparateOut(Out):
    """The profiles that the two belong to now."""

    model_config = Out.model_config | {
        "json_schema_extra": {"examples": [{"profiles": [str(shapes.PROFILE), str(shapes.OTHER_PROFILE)]}]}
    }

    profiles: list[UUID]


@router.post("/separate")
def post_separate(
    body: SeparateIn,
    work: Annotated[Work, working(Resource.IDENTITY, Action.UNMERGE, purpose="identity_stewardship")],
    ports: PortsDep,
) -> SeparateOut:
    """Un-merge: these two are never the same person, however often evidence says so again."""
    found = unmerging.separate(FragmentId(body.a), FragmentId(body.b), work=work, ports=ports)
    return SeparateOut(profiles=list(found))
