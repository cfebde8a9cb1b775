"""Accounts: the people who log in here, and as what."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import Field, SecretStr, StringConstraints

from api.http import shapes
from api.http.dependencies import PortsDep, doing
from api.http.idempotency import Once
from api.http.routes.paging import EXAMPLE, EndingAsk
from api.http.shapes import Out, RevokedOut, Strict, failures, with_examples
from cdp.acts import Act
from cdp.ports.register_ports import RegisteredAccount
from cdp.registers import accounts
from cdp.vocabulary import Role
from cdp.work import Work

router = APIRouter(prefix="/v1/accounts", tags=["accounts"], responses=failures(401, 403), route_class=Once)

Login = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._@+-]{0,99}$")]
AccountPath = Annotated[UUID, Path(description="The id of an account.", examples=[str(shapes.ACCOUNT)])]


class AccountIn(Strict):
    """An account that is to be made."""

    model_config = with_examples(
        {"login": "bea", "password": "correct horse battery staple", "roles": ["compliance"]}
    )

    login: Login
    """What the person types to log in; no other has it."""
    password: Annotated[SecretStr, Field(min_length=12, max_length=1024)]
    """What they prove it with. It is kept as its argon2id hash alone."""
    roles: Annotated[list[Role], Field(min_length=1, max_length=len(Role))]
    """What they may do; with several they are held to the strictest."""


class NewAccountOut(Out):
    """An account that was just made."""

    model_config = with_examples({"id": str(shapes.ACCOUNT), "login": "bea"})

    id: UUID
    """The id of the account, by which the log names it."""
    login: str
    """What the person types to log in."""


_ACCOUNT = {
    "id": str(shapes.ACCOUNT),
    "login": "bea",
    "roles": ["compliance"],
    "created_at": "2026-01-01T12:00:00Z",
    "revoked_at": "2026-01-02T12:00:00Z",
}


class AccountOut(Out):
    """An account as it is registered."""

    id: UUID
    """The id of the account."""
    login: str
    """What the person types to log in."""
    roles: list[str]
    """What they may do."""
    created_at: datetime
    """When it was made."""
    revoked_at: datetime | None
    """Since when it is refused; null: it is good."""

    model_config = with_examples(_ACCOUNT)


class AccountsOut(Out):
    """A page of accounts, the eldest first."""

    model_config = with_examples(
        {
            "accounts": [_ACCOUNT],
            "next": EXAMPLE,
        }
    )

    accounts: list[AccountOut]
    """The accounts of this page, the revoked ones too."""
    next: str | None
    """What to send as `cursor` to get the page behind this one; null: this is the last."""


@router.get("", summary="List the accounts")
def get_accounts(
    ask: Annotated[EndingAsk, Query()], work: Annotated[Work, doing(Act.ACCOUNT_LIST)], ports: PortsDep
) -> AccountsOut:
    """Who may log in here, or might once. Every look is in the audit log."""
    found = accounts.every(ask.page(work), work=work, ports=ports)
    return AccountsOut(
        accounts=[_shape(one) for one in found],
        next=ask.next([one.id for one in found], work),
    )


@router.get("/{account}", summary="Get an account", responses=failures(404))
def get_account(
    account: AccountPath, work: Annotated[Work, doing(Act.ACCOUNT_LIST)], ports: PortsDep
) -> AccountOut:
    """Who logs in here by it, and as what; of a revoked one too. Every look is in the audit log."""
    return _shape(accounts.one(account, work=work, ports=ports))


@router.post("", summary="Make an account", status_code=201, responses=failures(409))
def post_account(
    body: AccountIn, work: Annotated[Work, doing(Act.ACCOUNT_CREATE)], ports: PortsDep
) -> NewAccountOut:
    """Make an account for a person."""
    made = accounts.create(body.login, body.password.get_secret_value(), body.roles, work=work, ports=ports)
    return NewAccountOut(id=made, login=body.login)


@router.post("/{account}/revocation", summary="End an account", responses=failures(404))
def post_account_revocation(
    account: AccountPath, work: Annotated[Work, doing(Act.ACCOUNT_REVOKE)], ports: PortsDep
) -> RevokedOut:
    """End an account, at once."""
    accounts.revoke(account, work=work, ports=ports)
    return RevokedOut(id=account, revoked_at=work.now)


def _shape(one: RegisteredAccount) -> AccountOut:
    return AccountOut(**{name: getattr(one, name) for name in AccountOut.model_fields})
