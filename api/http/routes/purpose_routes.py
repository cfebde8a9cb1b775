"""Purposes, and their policy lines: what is proposed and in force, and a compliance officer's word on it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import Field

from api.http import shapes
from api.http.dependencies import PortsDep, doing
from api.http.idempotency import Once
from api.http.routes.matching import TAGGED, SeenDep, tag
from api.http.shapes import End, Out, Strict, Word, failures, with_examples
from cdp.acts import Act
from cdp.ports.register_ports import NewPurpose, RegisteredPurpose
from cdp.registers import policy_lines, purposes
from cdp.vocabulary import Basis, PurposeClass
from cdp.work import Work

router = APIRouter(prefix="/v1", tags=["purposes"], responses=failures(401, 403), route_class=Once)

_LINES = "p2, service, newsletter, contact_email, show\n"
_VERSION = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"

PurposePath = Annotated[Word, Path(description="The purpose, by its name.", examples=["newsletter"])]


class PurposeIn(Strict):
    """A purpose that is to be registered, with what its basis asks for."""

    model_config = with_examples({"name": "product_news", "basis": "consent"})

    name: Word
    """What policies, notices and mappings call it; no other has the name."""
    basis: Basis
    """The legal basis that it rests on; each asks for evidence of its own."""
    purpose_class: PurposeClass = PurposeClass.MARKETING
    """What kind it is: an unsubscribe stops `marketing` alone. `service` and `legal` ones need the scope
    `purpose:change-basis` besides.
    """
    parent: Word | None = None
    """A purpose that it belongs to: whoever refuses that one refuses the new one too; null: none."""
    law_cited: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    """The law that asks for it, which a legal obligation needs."""
    needs_contact: bool = True
    """Whether evidence is asked at the very address that is used; false: of the person."""
    opt_out_offered: bool = False
    """Whether people can opt out at collection and in each message (soft opt-in)."""
    assessment_until: End | None = None
    """Until when the assessment of a legitimate interest holds; null: there is none."""
    special: bool = False
    """Whether it uses special categories (GDPR 9), for which explicit consent alone counts."""
    controller: UUID | None = None
    """Whose purpose it is, by the id in the register; null: the workspace's own."""


class NewPurposeOut(Out):
    """A purpose that was just registered."""

    model_config = with_examples({"id": str(shapes.PURPOSE), "name": "newsletter", "proposed": _LINES})

    id: UUID
    """The id of the purpose."""
    name: str
    """What it is called."""
    proposed: str | None
    """The policy lines that are proposed for it; null: the policy file has lines of its own for it."""


_PURPOSE = {
    "id": str(shapes.PURPOSE),
    "name": "breach_letters",
    "basis": "legal_obligation",
    "purpose_class": "legal",
    "parent": "letters",
    "law_cited": "GDPR 34",
    "needs_contact": True,
    "opt_out_offered": False,
    "assessment_until": "2027-01-01T23:59:59Z",
    "special": False,
    "reserved": False,
    "controller": str(shapes.CONTROLLER),
}


class PurposeOut(Out):
    """A purpose as it is registered."""

    id: UUID
    """The id of the purpose."""
    name: str
    """What it is called."""
    basis: Basis
    """The legal basis that it rests on."""
    purpose_class: PurposeClass
    """What kind it is: an unsubscribe stops `marketing` alone."""
    parent: str | None
    """The purpose that it belongs to; null: none."""
    law_cited: str | None
    """The law that asks for it; null: none is cited."""
    needs_contact: bool
    """Whether evidence is asked at the very address that is used; false: of the person."""
    opt_out_offered: bool
    """Whether people can opt out at collection and in each message."""
    assessment_until: datetime | None
    """Until when the assessment of a legitimate interest holds; null: there is none."""
    special: bool
    """Whether it uses special categories (GDPR 9)."""
    reserved: bool
    """Whether it is one that every workspace has, and that is only ever said no to."""
    controller: UUID
    """Whose purpose it is."""

    model_config = with_examples(_PURPOSE)


class PurposesOut(Out):
    """The purposes of the workspace."""

    model_config = with_examples({"purposes": [_PURPOSE]})

    purposes: list[PurposeOut]
    """All of them, the reserved ones too, by name."""


class BasisIn(Strict):
    """What a purpose is to rest on."""

    model_config = with_examples({"basis": "consent"})

    basis: Basis
    """The legal basis from now on."""


class BasisOut(Out):
    """What a purpose rests on now."""

    model_config = with_examples({"purpose": "newsletter", "basis": "consent"})

    purpose: str
    """The purpose, by its name."""
    basis: Basis
    """The legal basis that it rests on now."""


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


class ProposalOut(Out):
    """The policy lines of one purpose that are proposed."""

    model_config = with_examples({"purpose": "newsletter", "proposed": _LINES})

    purpose: str
    """The purpose, by its name."""
    proposed: str | None
    """The lines, as they will be in force; null: the policy itself has lines for this purpose."""


class InForceOut(Out):
    """The version of the whole policy that is in force now."""

    model_config = with_examples({"purpose": "newsletter", "version": _VERSION})

    purpose: str
    """The purpose, by its name."""
    version: str
    """A digest of the whole policy that is in force now; decisions name it."""


@router.get("/purposes", summary="List the purposes")
def get_purposes(work: Annotated[Work, doing(Act.PURPOSE_LIST)], ports: PortsDep) -> PurposesOut:
    """What the workspace's data is used for, and on which basis."""
    known = purposes.every(work=work, ports=ports)
    return PurposesOut(purposes=[_shape(one) for one in known])


@router.get("/purposes/{purpose}", summary="Get a purpose", responses={**TAGGED, **failures(404)})
def get_purpose(
    purpose: PurposePath, response: Response, work: Annotated[Work, doing(Act.PURPOSE_LIST)], ports: PortsDep
) -> PurposeOut:
    """What data is used for, and on which basis."""
    found = purposes.one(purpose, work=work, ports=ports)
    tag(response, found)
    return _shape(found)


@router.post("/purposes", summary="Register a purpose", status_code=201, responses=failures(404, 409))
def post_purpose(
    body: PurposeIn, work: Annotated[Work, doing(Act.PURPOSE_CREATE)], ports: PortsDep
) -> NewPurposeOut:
    """Register what data is used for, and propose what may be seen for it.

    Nothing is shown or sent for it until a compliance officer agrees to the policy lines.
    """
    new = NewPurpose(**{name: getattr(body, name) for name in PurposeIn.model_fields})
    made = purposes.create(new, work=work, ports=ports)
    return NewPurposeOut(id=made.id, name=body.name, proposed=made.proposed)


@router.put(
    "/purposes/{purpose}/basis",
    summary="Change what a purpose rests on",
    responses=failures(404, 409, 412),
)
def put_basis(
    purpose: PurposePath,
    body: BasisIn,
    seen: SeenDep,
    work: Annotated[Work, doing(Act.PURPOSE_CHANGE_BASIS)],
    ports: PortsDep,
) -> BasisOut:
    """Change a purpose's legal basis, as long as nobody has said no to it."""
    purposes.change_basis(purpose, body.basis, seen=seen, work=work, ports=ports)
    return BasisOut(purpose=purpose, basis=body.basis)


@router.get("/policy-lines", summary="List the policy lines of purposes")
def get_lines(work: Annotated[Work, doing(Act.POLICY_LINES_LIST)], ports: PortsDep) -> EveryLinesOut:
    """What may be seen for each purpose of the workspace, proposed or in force."""
    known = policy_lines.every(work=work, ports=ports)
    return EveryLinesOut(
        purposes=[LinesOut(**{name: getattr(one, name) for name in LinesOut.model_fields}) for one in known]
    )


@router.post(
    "/purposes/{purpose}/policy-lines/proposal",
    summary="Propose a purpose's policy lines",
    responses=failures(404, 409),
)
def post_proposal(
    purpose: PurposePath, work: Annotated[Work, doing(Act.POLICY_LINES_PROPOSE)], ports: PortsDep
) -> ProposalOut:
    """Propose the lines of the purpose's class, as registering it did. They are not in force before an
    officer's agreement.
    """
    return ProposalOut(purpose=purpose, proposed=policy_lines.propose(purpose, work=work, ports=ports))


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


def _shape(one: RegisteredPurpose) -> PurposeOut:
    return PurposeOut(**{name: getattr(one, name) for name in PurposeOut.model_fields})
