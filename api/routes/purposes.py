"""Purposes' policy lines: what is proposed and in force, and a compliance officer's word on it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path

from api.deps import PortsDep, doing
from api.idempotency import Once
from api.routes.shapes import Out, Word, failures, with_examples
from cdp import policy_lines
from cdp.acts import Act
from cdp.work import Work

router = APIRouter(prefix="/v1", tags=["purposes"], responses=failures(401, 403), route_class=Once)

_LINES = "p2, service, newsletter, contact_email, show\n"
_VERSION = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"

PurposePath = Annotated[Word, Path(description="The purpose, by its name.", examples=["newsletter"])]


class LinesOut(Out):
    """The policy lines of one purpose. `agreed_at` null: proposed, and not in force."""

    purpose: str
    """The purpose, by its name."""
    text: str
    """The lines, each of which says which role may see what for the purpose."""
    proposed_at: datetime
    """When they were proposed."""
    proposed_by: str
    """Who proposed them."""
    agreed_at: datetime | None
    """Since when they are in force; null: nobody has agreed to them."""
    agreed_by: str | None
    """Who agreed to them; null: nobody."""


class EveryLinesOut(Out):
    """The lines of the workspace's own purposes; those of the policy file are not among them."""

    model_config = with_examples(
        {
            "purposes": [
                {
                    "purpose": "newsletter",
                    "text": _LINES,
                    "proposed_at": "2026-01-01T12:00:00Z",
                    "proposed_by": "system:operator",
                    "agreed_at": "2026-01-02T12:00:00Z",
                    "agreed_by": "system:operator",
                }
            ]
        }
    )

    purposes: list[LinesOut]
    """The purposes of the workspace that have lines of their own."""


class InForceOut(Out):
    """The version of the whole policy that is in force now."""

    model_config = with_examples({"purpose": "newsletter", "version": _VERSION})

    purpose: str
    """The purpose, by its name."""
    version: str
    """A digest of the whole policy that is in force now; decisions name it."""


@router.get("/policy-lines", summary="List the policy lines of purposes")
def get_lines(work: Annotated[Work, doing(Act.POLICY_LINES_LIST)], ports: PortsDep) -> EveryLinesOut:
    """What may be seen for each purpose of the workspace, proposed or in force."""
    known = policy_lines.every(work=work, ports=ports)
    return EveryLinesOut(
        purposes=[LinesOut(**{name: getattr(one, name) for name in LinesOut.model_fields}) for one in known]
    )


@router.post(
    "/purposes/{purpose}/policy-lines/agreement",
    summary="Put a purpose's policy lines in force",
    responses=failures(404, 409),
)
def post_agreement(
    purpose: PurposePath, work: Annotated[Work, doing(Act.POLICY_LINES_AGREE)], ports: PortsDep
) -> InForceOut:
    """Agree to the proposed lines: they are in force at the next request of every process."""
    return InForceOut(purpose=purpose, version=policy_lines.agree(purpose, work=work, ports=ports))


@router.post(
    "/purposes/{purpose}/policy-lines/withdrawal",
    summary="Take a purpose's policy lines out of force",
    responses=failures(404, 409),
)
def post_withdrawal(
    purpose: PurposePath, work: Annotated[Work, doing(Act.POLICY_LINES_WITHDRAW)], ports: PortsDep
) -> InForceOut:
    """Take lines out of force: nothing is shown or sent for the purpose until they are agreed to again."""
    return InForceOut(purpose=purpose, version=policy_lines.withdraw(purpose, work=work, ports=ports))
