"""Findings of the detector: who may sees where personal data stood, masked, and decides on it."""

import base64
import binascii
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query

from api.deps import PortsDep, working
from api.routes import shapes
from api.routes.shapes import Out, Strict, failures, with_examples
from cdp import findings
from cdp.findings import Decision
from cdp.kernel.errors import BadInput
from cdp.work import Work
from policies.words import Action, Resource

router = APIRouter(prefix="/v1/findings", tags=["findings"], responses=failures(401, 403))

PURPOSE = "data_protection"


class UnknownCursor(BadInput):
    """This is not a cursor that an earlier page gave; begin again without one."""


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


class FindingOut(Out):
    """One find. `trait` is null for a field that nobody declared; `version` counts decisions."""

    id: UUID
    entity: str
    score: float
    layer: str
    trait: str | None
    path: str
    context: str
    found_at: datetime
    version: int
    decision: Decision | None


class FindingsOut(Out):
    """A page, oldest first; `next` is the cursor of the page behind it, null on the last."""

    model_config = with_examples(
        {
            "findings": [_FINDING],
            "next": "MjAyNi0wMS0wMVQxMjowMDowMCswMDowMCAwMTkwZjVmZS03YzAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDg=",
        }
    )

    findings: list[FindingOut]
    next: str | None


class DecisionIn(Strict):
    """What somebody says: it is personal (`accept`), or it is not."""

    model_config = with_examples({"decision": "not_personal"})

    decision: Decision


class DecisionOut(Out):
    """The decision that counts now."""

    model_config = with_examples({"id": str(shapes.FINDING), "version": 1, "decision": "not_personal"})

    id: UUID
    version: int
    decision: Decision


@router.get("")
def get_findings(
    work: Annotated[Work, working(Resource.FINDING, Action.READ, purpose=PURPOSE)],
    ports: PortsDep,
    undecided: bool = True,
    after: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=findings.MOST)] = 50,
) -> FindingsOut:
    """Findings of the detector in force, what was found masked. Every look is in the audit log."""
    found = findings.listed(
        undecided=undecided, after=_read(after) if after else None, limit=limit, work=work, ports=ports
    )
    more = found[-1].finding if len(found) == limit else None
    return FindingsOut(
        findings=[_out(one) for one in found], next=_write(more.found_at, more.id) if more else None
    )


@router.post("/{finding_id}/decisions", responses=failures(404))
def post_decision(
    finding_id: Annotated[UUID, Path(examples=[str(shapes.FINDING)])],
    body: DecisionIn,
    work: Annotated[Work, working(Resource.FINDING, Action.DECIDE, purpose=PURPOSE)],
    ports: PortsDep,
) -> DecisionOut:
    """Decide on a finding. Each decision is a version more; the last one counts."""
    decided = findings.decide(finding_id, body.decision, work=work, ports=ports)
    return DecisionOut(id=finding_id, version=decided.version, decision=body.decision)


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


def _write(at: datetime, finding: UUID) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()} {finding}".encode()).decode()


def _read(cursor: str) -> tuple[datetime, UUID]:
    try:
        at, _, finding = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        moment = datetime.fromisoformat(at)
        found = moment, UUID(finding)
    except (ValueError, binascii.Error):
        raise UnknownCursor(field="after") from None
    if moment.tzinfo is None:
        raise UnknownCursor(field="after")
    return found
