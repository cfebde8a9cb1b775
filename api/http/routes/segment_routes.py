"""Segments: rules that say whom a marketer means."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api.http import shapes
from api.http.dependencies import PortsDep, doing
from api.http.idempotency import Once
from api.http.shapes import Name, Out, Rule, Strict, failures, with_examples
from cdp.acts import Act
from cdp.audiences import segments
from cdp.work import Work

router = APIRouter(prefix="/v1", tags=["segments"], responses=failures(401, 403), route_class=Once)

RULE = {"all": [{"attribute": "orders", "op": ">=", "value": 1}]}


class SegmentIn(Strict):
    """A name and a rule: `all`, `any`, `not`, or a comparison of one attribute."""

    model_config = with_examples({"name": "Bought something", "rule": RULE})

    name: Name
    """What the segment is called; no other has the name."""
    rule: Rule
    """Whom it means."""


class SegmentOut(Out):
    """The segment that was saved."""

    model_config = with_examples({"id": str(shapes.SEGMENT), "name": "Bought something"})

    id: UUID
    """The id of the segment."""
    name: str
    """What it is called."""


@router.post("/segments", summary="Save a segment", status_code=201, responses=failures(401, 403, 409))
def post_segment(
    body: SegmentIn,
    work: Annotated[Work, doing(Act.SEGMENT_CREATE)],
    ports: PortsDep,
) -> SegmentOut:
    """Save a segment. The rule is compiled first, so a bad one is a 422, not a later surprise."""
    return SegmentOut(id=segments.create(body.name, body.rule, work=work, ports=ports), name=body.name)
