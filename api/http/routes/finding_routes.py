"""Findings of the detector: who may sees where personal data stood, masked, and decides on it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import Field

from api.http import shapes
from api.http.dependencies import Client, PortsDep, calling, doing
from api.http.idempotency import Once
from api.http.routes.paging import EXAMPLE, ListAsk
from api.http.shapes import Out, Strict, failures, with_examples
from cdp.acts import Act
from cdp.kernel.cursors import UnknownCursor
from cdp.scanning import findings
from cdp.scanning.findings import Decision
from cdp.work import Work

router = APIRouter(prefix="/v1/findings", tags=["findings"], responses=failures(401, 403), route_class=Once)


_FINDING = {
    "id": str(shapes.FINDING),
    "entity": "CREDIT_CARD",
    "score": 1.0,
    "layer": "patterns",
    "trait": "support_note",
    "path": "support_note",
    "context": "Please charge ••••••••••••••••••• instead.",
    "found_at": "2026-01-01T12:00:00Z",
    "version": 1,
    "decision": "accept",
}


class FindingsAsk(ListAsk):
    """Which findings are wanted."""

    undecided: bool = True
    """True: only those that nobody has decided on. False: all."""
    limit: int = Field(50, ge=1, le=findings.MOST)
    """At most so many on a page."""


class FindingOut(Out):
    """One find. `trait` is null for a field that nobody declared; `version` counts decisions."""

    id: UUID
    """The id of the finding, to decide on it."""
    entity: str
    """What kind of personal data it looks like."""
    score: float
    """How sure the detector is, from 0 to 1."""
    layer: str
    """Which part of the detector found it, such as `patterns` or `model`."""
    trait: str | None
    """The trait whose text it stands in; null: a field that the catalogue does not have."""
    path: str
    """Where in the record the text stands."""
    context: str
    """The text around it, with everything that was found masked."""
    found_at: datetime
    """When it was found."""
    version: int
    """How many decisions there have been on it."""
    decision: Decision | None
    """The decision that counts; null: nobody has decided."""


class FindingsOut(Out):
    """A page, oldest first; `next` is the cursor of the page behind it, null on the last."""

    model_config = with_examples(
        {
            "findings": [_FINDING],
            "next": EXAMPLE,
        }
    )

    findings: list[FindingOut]
    """The findings of this page, oldest first."""
    next: str | None
    """What to send as `cursor` to get the page behind this one; null: this is the last."""


class DecisionIn(Strict):
    """What somebody says: it is personal (`accept`), or it is not."""

    model_config = with_examples({"decision": "not_personal"})

    decision: Decision
    """`accept`: it is personal, and its text stays withheld. `not_personal`: it may be shown."""


class DecisionOut(Out):
    """The decision that counts now."""

    model_config = with_examples({"id": str(shapes.FINDING), "version": 1, "decision": "not_personal"})

    id: UUID
    """The finding that was decided on."""
    version: int
    """How many decisions there have been on it, with this one."""
    decision: Decision
    """The decision that counts now."""


@router.get("", summary="List personal data that nobody declared")
def get_findings(
    ask: Annotated[FindingsAsk, Query()],
    work: Annotated[Work, doing(Act.FINDING_LIST)],
    ports: PortsDep,
) -> FindingsOut:
    """Findings of the detector in force, what was found masked. Every look is in the audit log."""
    found = findings.listed(
        undecided=ask.undecided,
        after=_after(ask.place(work)),
        limit=ask.limit,
        work=work,
        ports=ports,
    )
    more = found[-1].finding if len(found) == ask.limit else None
    return FindingsOut(
        findings=[_out(one) for one in found],
        next=ask.leading_on([more.found_at.isoformat(), str(more.id)], work) if more else None,
    )


@router.post("/{finding_id}/decisions", summary="Decide on a finding", responses=failures(404))
def post_decision(
    finding_id: Annotated[UUID, Path(description="The finding's id.", examples=[str(shapes.FINDING)])],
    body: DecisionIn,
    work: Annotated[Work, doing(Act.FINDING_DECIDE)],
    ports: PortsDep,
) -> DecisionOut:
    """Decide on a finding. Each decision is a version more; the last one counts."""
    decided = findings.decide(finding_id, body.decision, work=work, ports=ports)
    return DecisionOut(id=finding_id, version=decided.version, decision=body.decision)


class RescanOut(Out):
    """What waits for the detector once more."""

    model_config = with_examples({"waiting": 12})

    waiting: int
    """How many rows wait until the worker has scanned them again."""


@router.post("/rescan", summary="Let the detector look once more at what it failed on")
def post_rescan(client: Annotated[Client, calling(Act.TEXT_RESCAN)], ports: PortsDep) -> RescanOut:
    """Let the texts that could not be scanned wait for the detector once more; the worker scans them."""
    begin = client.opener(Act.TEXT_RESCAN.purpose)
    return RescanOut(waiting=findings.rescan(begin=begin, ports=ports))


def _out(view: findings.View) -> FindingOut:
    finding, find = view.finding, view.finding.placed.find
    return FindingOut(
        id=finding.id,
        entity=find.entity,
        score=find.score,
        layer=find.layer,
        trait=view.trait,
        path=view.path,
        context=view.context,
        found_at=finding.found_at,
        version=finding.version,
        decision=Decision(finding.decision) if finding.decision else None,
    )


def _after(place: list[int | str]) -> tuple[datetime, UUID] | None:
    if not place:
        return None
    try:
        at, finding = place
        moment = datetime.fromisoformat(str(at))
        found = moment, UUID(str(finding))
    except ValueError:
        raise UnknownCursor(field="cursor") from None
    if moment.tzinfo is None:
        raise UnknownCursor(field="cursor")
    return found
