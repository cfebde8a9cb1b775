"""Recipients and their endpoints: who may receive data, by which contract, and where they are sent to."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import Field, StringConstraints

from api.http import shapes
from api.http.dependencies import Client, PortsDep, SystemDep, calling, doing
from api.http.idempotency import SHOWN_ONCE, Once
from api.http.routes.consent_routes import patience
from api.http.routes.matching import TAGGED, SeenDep, tag
from api.http.shapes import End, Name, Out, Strict, failures, with_examples
from cdp.acts import Act
from cdp.ports.register_ports import NewRecipient, RegisteredRecipient
from cdp.recipients import endpoints, recipients
from cdp.releases.reach import Reach
from cdp.work import Work

router = APIRouter(prefix="/v1", tags=["recipients"], responses=failures(401, 403), route_class=Once)

RecipientPath = Annotated[UUID, Path(description="The id of a recipient.", examples=[str(shapes.RECIPIENT)])]
EndpointPath = Annotated[UUID, Path(description="The id of an endpoint.", examples=[str(shapes.ENDPOINT)])]

_UNTIL = "2099-12-31T23:59:59Z"


class RecipientIn(Strict):
    """A recipient that is to be registered, by its contract with one controller."""

    model_config = with_examples(
        {
            "name": "print shop",
            "legal_entity": "Print Shop GmbH",
            "role": "processor",
            "country": "DE",
            "contract_until": "2099-12-31",
        }
    )

    name: Name
    """What it is called in releases and notices; no other has the name."""
    legal_entity: Name
    """The legal entity that the contract is with."""
    role: Literal["processor", "joint", "independent", "entrusted"]
    """What it is to the controller."""
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    """Where it is, as in ISO 3166-1."""
    contract_until: End
    """Until when there is a contract; after it nothing goes there any more."""
    transfer_until: End | None = None
    """Until when a transfer tool holds, an adequacy decision included; null: there is none."""
    sale_or_share: bool = False
    """Whether giving data to it is a sale or sharing (CPRA)."""
    controller: UUID | None = None
    """Whose contract it is, by the id in the register; null: the workspace's own."""


class NewRecipientOut(Out):
    """A recipient that was just registered."""

    model_config = with_examples({"id": str(shapes.RECIPIENT), "name": "print shop"})

    id: UUID
    """The id of the recipient."""
    name: str
    """What it is called."""


_RECIPIENT = {
    "id": str(shapes.RECIPIENT),
    "name": "print shop",
    "legal_entity": "Print Shop GmbH",
    "role": "processor",
    "country": "DE",
    "contract_until": _UNTIL,
    "transfer_until": _UNTIL,
    "sale_or_share": False,
    "controller": str(shapes.CONTROLLER),
    "contract_with": "Shop AG",
}


class RecipientOut(Out):
    """A recipient as it is registered."""

    id: UUID
    """The id of the recipient."""
    name: str
    """What it is called in releases and notices."""
    legal_entity: str
    """The legal entity that the contract is with."""
    role: str
    """What it is to the controller."""
    country: str
    """Where it is, as in ISO 3166-1."""
    contract_until: datetime
    """Until when there is a contract."""
    transfer_until: datetime | None
    """Until when a transfer tool holds; null: there is none."""
    sale_or_share: bool
    """Whether giving data to it is a sale or sharing (CPRA)."""
    controller: UUID
    """Whose contract it is."""
    contract_with: str | None
    """The name of the controller whose contract it is; null: it is not in the register."""

    model_config = with_examples(_RECIPIENT)


class RecipientsOut(Out):
    """The recipients of the workspace."""

    model_config = with_examples({"recipients": [_RECIPIENT]})

    recipients: list[RecipientOut]
    """All of them, by name."""


class RenewalIn(Strict):
    """Until when a contract, a transfer tool or both hold; at least one is said."""

    model_config = with_examples({"contract_until": "2099-12-31"})

    contract_until: End | None = None
    """Until when there is a contract; null: as before."""
    transfer_until: End | None = None
    """Until when a transfer tool holds, an adequacy decision included; null: as before."""


class RenewalOut(Out):
    """What was said anew."""

    model_config = with_examples(
        {"id": str(shapes.RECIPIENT), "contract_until": _UNTIL, "transfer_until": _UNTIL}
    )

    id: UUID
    """The id of the recipient."""
    contract_until: datetime | None
    """Until when there is a contract now; null: as before."""
    transfer_until: datetime | None
    """Until when a transfer tool holds now; null: as before."""


class EndIn(Strict):
    """What of a recipient ends."""

    model_config = with_examples({"ends": "transfer"}, {"ends": "contract"})

    ends: Literal["contract", "transfer"] = "contract"
    """`contract`: it gets nothing any more. `transfer`: its transfer tool alone ends, as when an adequacy
    decision falls.
    """


class EndOut(Out):
    """What has ended: nothing that was under way can still be sent against it."""

    model_config = with_examples({"id": str(shapes.RECIPIENT), "ends": "contract"})

    id: UUID
    """The id of the recipient."""
    ends: Literal["contract", "transfer"]
    """What of it has ended."""


class EndpointIn(Strict):
    """An endpoint that is to be registered."""

    model_config = with_examples({"name": "nightly", "to": "https://hooks.example.org/cdp"})

    name: Name
    """What it is called in releases; the recipient has no other of the name."""
    to: Annotated[str, Field(min_length=1, max_length=2000)]
    """Where it is: a webhook's URL, or the whole path of a folder below the operator's one of releases."""


class NewEndpointOut(Out):
    """An endpoint that was just registered."""

    model_config = with_examples(
        {"id": str(shapes.ENDPOINT), "name": "nightly", "kind": "webhook", "secret": "whsec_AZD1…"}
    )

    id: UUID
    """The id of the endpoint."""
    name: str
    """What it is called in releases."""
    kind: str
    """What it is: `webhook`, or `ndjson` for files in a folder."""
    secret: str | None
    """What a webhook's deliveries are signed with (Standard Webhooks). Keep it now: it is shown this once;
    null: it is a folder.
    """


class EndpointOut(Out):
    """An endpoint as it is registered; its secret is kept nowhere."""

    id: UUID
    """The id of the endpoint."""
    name: str
    """What it is called in releases."""
    kind: str
    """What it is: `webhook`, or `ndjson` for files in a folder."""
    address: str
    """Where it is: a URL, or the path of a folder."""


class EndpointsOut(Out):
    """The endpoints of a recipient."""

    model_config = with_examples(
        {
            "endpoints": [
                {
                    "id": str(shapes.ENDPOINT),
                    "name": "nightly",
                    "kind": "webhook",
                    "address": "https://hooks.example.org/cdp",
                }
            ]
        }
    )

    endpoints: list[EndpointOut]
    """Those that stand, by name."""


class EndedOut(Out):
    """An endpoint that has ended: nothing can go there any more, of running releases either."""

    model_config = with_examples({"id": str(shapes.ENDPOINT)})

    id: UUID
    """The id of the endpoint."""


@router.get("/recipients", summary="List the recipients")
def get_recipients(work: Annotated[Work, doing(Act.RECIPIENT_LIST)], ports: PortsDep) -> RecipientsOut:
    """Who may receive data, with whom they have contracts, and until when those hold."""
    known = recipients.every(work=work, ports=ports)
    return RecipientsOut(recipients=[_shape(one) for one in known])


@router.get("/recipients/{recipient}", summary="Get a recipient", responses={**TAGGED, **failures(404)})
def get_recipient(
    recipient: RecipientPath,
    response: Response,
    work: Annotated[Work, doing(Act.RECIPIENT_LIST)],
    ports: PortsDep,
) -> RecipientOut:
    """Who may receive data, with whom they have a contract, and until when it holds."""
    found = recipients.one(recipient, work=work, ports=ports)
    tag(response, found)
    return _shape(found)


@router.post("/recipients", summary="Register a recipient", status_code=201, responses=failures(404, 409))
def post_recipient(
    body: RecipientIn, work: Annotated[Work, doing(Act.RECIPIENT_CREATE)], ports: PortsDep
) -> NewRecipientOut:
    """Register who may receive data. Only data of its controller's purposes goes there."""
    new = NewRecipient(**{name: getattr(body, name) for name in RecipientIn.model_fields})
    return NewRecipientOut(id=recipients.create(new, work=work, ports=ports), name=body.name)


@router.post(
    "/recipients/{recipient}/renewal",
    summary="Renew a recipient's contract",
    responses=failures(404, 412),
)
def post_renewal(
    recipient: RecipientPath,
    body: RenewalIn,
    seen: SeenDep,
    work: Annotated[Work, doing(Act.RECIPIENT_RENEW)],
    ports: PortsDep,
) -> RenewalOut:
    """Say anew until when the contract or the transfer tool holds; it counts at once."""
    until = {"contract_until": body.contract_until, "transfer_until": body.transfer_until}
    return RenewalOut(id=recipients.renew(recipient, **until, seen=seen, work=work, ports=ports), **until)


@router.post(
    "/recipients/{recipient}/revocation",
    summary="End a recipient's contract",
    responses=failures(404, 409, 412),
)
def post_recipient_revocation(
    recipient: RecipientPath,
    body: EndIn,
    seen: SeenDep,
    client: Annotated[Client, calling(Act.RECIPIENT_REVOKE)],
    system: SystemDep,
) -> EndOut:
    """End a contract, or a transfer tool alone, at once; answered when nothing can still be sent against it.

    What the recipient's clients report of people's refusals is still heard.
    """
    ended = recipients.revoke(
        recipient,
        transfer_only=body.ends == "transfer",
        seen=seen,
        begin=client.opener(Act.RECIPIENT_REVOKE.purpose),
        ports=system.ports,
        patience=patience(system.settings),
    )
    return EndOut(id=ended, ends=body.ends)


@router.get(
    "/recipients/{recipient}/endpoints", summary="List a recipient's endpoints", responses=failures(404)
)
def get_endpoints(
    recipient: RecipientPath, work: Annotated[Work, doing(Act.ENDPOINT_LIST)], ports: PortsDep
) -> EndpointsOut:
    """Where a recipient may be sent to."""
    known = endpoints.every(recipient, work=work, ports=ports)
    return EndpointsOut(
        endpoints=[
            EndpointOut(**{name: getattr(one, name) for name in EndpointOut.model_fields}) for one in known
        ]
    )


@router.post(
    "/recipients/{recipient}/endpoints",
    summary="Register an endpoint of a recipient",
    status_code=201,
    responses=failures(404, 409),
    openapi_extra=SHOWN_ONCE,
)
def post_endpoint(
    recipient: RecipientPath,
    body: EndpointIn,
    work: Annotated[Work, doing(Act.ENDPOINT_CREATE)],
    system: SystemDep,
) -> NewEndpointOut:
    """Register where a recipient is sent to; a release goes nowhere else. Another address is another one."""
    reach = Reach.of(system.settings)
    made = endpoints.create(recipient, body.name, body.to, reach=reach, work=work, ports=system.ports)
    return NewEndpointOut(id=made.id, name=body.name, kind=made.kind, secret=made.secret)


@router.post("/endpoints/{endpoint}/revocation", summary="End an endpoint", responses=failures(404))
def post_endpoint_revocation(
    endpoint: EndpointPath, client: Annotated[Client, calling(Act.ENDPOINT_REVOKE)], system: SystemDep
) -> EndedOut:
    """End an endpoint; answered when nothing can go there any more, of running releases either."""
    ended = endpoints.revoke(
        endpoint,
        begin=client.opener(Act.ENDPOINT_REVOKE.purpose),
        ports=system.ports,
        patience=patience(system.settings),
    )
    return EndedOut(id=ended)


def _shape(one: RegisteredRecipient) -> RecipientOut:
    return RecipientOut(**{name: getattr(one, name) for name in RecipientOut.model_fields})
