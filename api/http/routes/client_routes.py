"""Clients: the programs that call this API, what they may do, and whose they are."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from api.http import shapes
from api.http.dependencies import PortsDep, doing
from api.http.idempotency import SHOWN_ONCE, Once
from api.http.routes.matching import TAGGED, SeenDep, tag
from api.http.routes.paging import EXAMPLE, EndingAsk, NamedAsk
from api.http.shapes import Name, Out, RevokedOut, Strict, Word, failures, with_examples
from cdp.acts import Act
from cdp.ports.register_ports import RegisteredClient
from cdp.registers import clients
from cdp.vocabulary import Role
from cdp.work import Work

router = APIRouter(prefix="/v1/clients", tags=["clients"], responses=failures(401, 403), route_class=Once)

ClientPath = Annotated[UUID, Path(description="The id of a client.", examples=[str(shapes.CLIENT)])]
Roles = Annotated[list[Role], Field(min_length=1, max_length=len(Role))]
Purposes = Annotated[list[Word], Field(max_length=200)]


_CLIENT = {
    "id": str(shapes.CLIENT),
    "name": "campaign tool",
    "roles": ["marketing"],
    "purposes": ["email_marketing"],
    "recipient": "mail house",
    "created_at": "2026-01-01T12:00:00Z",
    "revoked_at": "2026-01-02T12:00:00Z",
}


class ClientIn(Strict):
    """A client that is to be made."""

    model_config = with_examples(
        {
            "name": "campaign tool",
            "roles": ["marketing"],
            "purposes": ["email_marketing"],
            "recipient": "mail house",
        }
    )

    name: Name
    """What it is called; no other has the name."""
    roles: Roles
    """What it may do; with several it is held to the strictest."""
    purposes: Purposes = Field([])
    """What it may act for, by the names of purposes."""
    recipient: Name | None = None
    """Whose it is, by the name in the register; null: the controller's own, which reads nothing for purposes
    whose notice names recipients.
    """


class NewClientOut(Out):
    """A client that was just made."""

    model_config = with_examples(
        {"id": str(shapes.CLIENT), "name": "campaign tool", "secret": "client_AZD1…"}
    )

    id: UUID
    """The id of the client, by which it logs in."""
    name: str
    """What it is called."""
    secret: str
    """What it logs in with. Keep it now: it is shown this once, and kept nowhere."""


class ClientOut(Out):
    """A client as it is registered."""

    id: UUID
    """The id of the client."""
    name: str
    """What it is called."""
    roles: list[str]
    """What it may do."""
    purposes: list[str]
    """What it may act for."""
    recipient: str | None
    """Whose it is; null: the controller's own."""
    created_at: datetime
    """When it was made."""
    revoked_at: datetime | None
    """Since when it is refused; null: it may call."""

    model_config = with_examples(_CLIENT)


class ClientsAsk(EndingAsk, NamedAsk):
    """Which part of the clients is wanted."""


class ClientsOut(Out):
    """A page of clients, the eldest first."""

    model_config = with_examples(
        {
            "clients": [_CLIENT],
            "next": EXAMPLE,
        }
    )

    clients: list[ClientOut]
    """The clients of this page, the revoked ones too."""
    next: str | None
    """What to send as `cursor` to get the page behind this one; null: this is the last."""


class ChangeIn(Strict):
    """What a client may do and act for from now on, and nothing else."""

    model_config = with_examples({"roles": ["reader"], "purposes": []})

    roles: Roles
    """What it may do; with several it is held to the strictest."""
    purposes: Purposes
    """What it may act for, by the names of purposes."""


class ChangedOut(Out):
    """A client with its new roles and purposes."""

    model_config = with_examples({"id": str(shapes.CLIENT), "roles": ["reader"], "purposes": []})

    id: UUID
    """The id of the client."""
    roles: list[Role]
    """What it may do now."""
    purposes: list[str]
    """What it may act for now."""


class BindingIn(Strict):
    """Whose a client is to be."""

    model_config = with_examples({"recipient": "mail house"})

    recipient: Name
    """Whose it is from now on, by the name in the register."""


class BindingOut(Out):
    """Whose a client is now."""

    model_config = with_examples({"id": str(shapes.CLIENT), "recipient": "mail house"})

    id: UUID
    """The id of the client."""
    recipient: str
    """Whose it is now."""


@router.get("", summary="List the clients")
def get_clients(
    ask: Annotated[ClientsAsk, Query()], work: Annotated[Work, doing(Act.CLIENT_LIST)], ports: PortsDep
) -> ClientsOut:
    """The programs that may call, or might once; their secrets are kept nowhere."""
    found = clients.every(ask.page(work), work=work, ports=ports)
    return ClientsOut(
        clients=[_shape(one) for one in found],
        next=ask.next([one.id for one in found], work),
    )


@router.get("/{client}", summary="Get a client", responses={**TAGGED, **failures(404)})
def get_client(
    client: ClientPath, response: Response, work: Annotated[Work, doing(Act.CLIENT_LIST)], ports: PortsDep
) -> ClientOut:
    """What a program may do and act for, and whose it is; of a revoked one too."""
    found = clients.one(client, work=work, ports=ports)
    tag(response, found)
    return _shape(found)


@router.post(
    "",
    summary="Make a client",
    status_code=201,
    responses=failures(404, 409),
    openapi_extra=SHOWN_ONCE,
)
def post_client(
    body: ClientIn, work: Annotated[Work, doing(Act.CLIENT_CREATE)], ports: PortsDep
) -> NewClientOut:
    """Make a program that may call. Its secret is in this answer alone."""
    made = clients.create(
        body.name,
        roles=body.roles,
        purposes=body.purposes,
        recipient=body.recipient,
        work=work,
        ports=ports,
    )
    return NewClientOut(id=made.id, name=body.name, secret=made.secret)


@router.put("/{client}", summary="Give a client other roles and purposes", responses=failures(404, 412))
def put_client(
    client: ClientPath,
    body: ChangeIn,
    seen: SeenDep,
    work: Annotated[Work, doing(Act.CLIENT_CHANGE)],
    ports: PortsDep,
) -> ChangedOut:
    """Say anew what a client may do and act for; it counts with its next request."""
    clients.change(client, roles=body.roles, purposes=body.purposes, seen=seen, work=work, ports=ports)
    return ChangedOut(id=client, roles=body.roles, purposes=body.purposes)


@router.post("/{client}/binding", summary="Say anew whose a client is", responses=failures(404, 412))
def post_binding(
    client: ClientPath,
    body: BindingIn,
    seen: SeenDep,
    work: Annotated[Work, doing(Act.CLIENT_BIND)],
    ports: PortsDep,
) -> BindingOut:
    """Make a client a recipient's, with its next request. No client becomes the controller's own again."""
    clients.bind(client, body.recipient, seen=seen, work=work, ports=ports)
    return BindingOut(id=client, recipient=body.recipient)


@router.post("/{client}/revocation", summary="End a client", responses=failures(404, 412))
def post_client_revocation(
    client: ClientPath, seen: SeenDep, work: Annotated[Work, doing(Act.CLIENT_REVOKE)], ports: PortsDep
) -> RevokedOut:
    """End a client and all its tokens, at once."""
    clients.revoke(client, seen=seen, work=work, ports=ports)
    return RevokedOut(id=client, revoked_at=work.now)


def _shape(one: RegisteredClient) -> ClientOut:
    return ClientOut(**{name: getattr(one, name) for name in ClientOut.model_fields})
