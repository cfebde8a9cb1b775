"""The endpoints of recipients: the only places to which a release may send.

An endpoint belongs to one recipient and is never changed: another address is another
endpoint, so that what was sent under a name went where the name still says. Its signing
secret stands in no table. Who may write here is decided before (an admin's act).
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, insert, select, update

from cdp.kernel.errors import Conflict, NotFound, listed
from cdp.ports import Endpoint
from cdp.vocabulary import EndpointId, RecipientId, WorkspaceId
from cdp.work import Work
from consent import tables
from consent.register import register


class EndpointTaken(Conflict):
    """The recipient has an endpoint of that name; another address is another endpoint."""


class NoSuchEndpoint(NotFound):
    """The recipient has no endpoint of that name in the register, or it is revoked."""


def add(endpoint: Endpoint, *, work: Work) -> None:
    """Register an endpoint. Raises `EndpointTaken`."""
    column = tables.endpoints.c
    taken = select(column.id).where(
        column.recipient_id == endpoint.recipient, column.name == endpoint.name, column.revoked_at.is_(None)
    )
    if work.session.scalar(taken) is not None:
        raise EndpointTaken(field="name")
    work.session.execute(
        insert(tables.endpoints).values(
            workspace_id=work.workspace,
            id=endpoint.id,
            recipient_id=endpoint.recipient,
            name=endpoint.name,
            kind=endpoint.kind,
            address=endpoint.address,
            key_version=endpoint.key_version,
            created_at=work.now,
        )
    )


def find(recipient: str, name: str, *, work: Work) -> Endpoint:
    """A recipient's endpoint by both names. Raises `NoSuchRecipient`, `NoSuchEndpoint`."""
    column = tables.endpoints.c
    owner = register.recipient_id(recipient, work)
    found = _read(_open().where(column.recipient_id == owner, column.name == name), work)
    if not found:
        there = (one.name for one in every(recipient, work=work))
        raise NoSuchEndpoint(field="endpoint", known=listed(there))
    return found[0]


def stands(endpoint: EndpointId, *, work: Work) -> bool:
    """Whether an endpoint is still registered; a release asks again for each batch."""
    return bool(_read(_open().where(tables.endpoints.c.id == endpoint), work))


def every(recipient: str, *, work: Work) -> Sequence[Endpoint]:
    """A recipient's endpoints by name. Raises `NoSuchRecipient`."""
    owner = register.recipient_id(recipient, work)
    return _read(_open().where(tables.endpoints.c.recipient_id == owner), work)


def revoke(endpoint: UUID | tuple[str, str], *, work: Work) -> Endpoint:
    """End an endpoint, by its id or both its names: the next batch does not go there. Raises as `find`."""
    column = tables.endpoints.c
    if isinstance(endpoint, UUID):
        there = _read(_open().where(column.id == endpoint), work)
        if not there:
            raise NoSuchEndpoint(field="endpoint")
        found = there[0]
    else:
        found = find(*endpoint, work=work)
    work.session.execute(update(tables.endpoints).where(column.id == found.id).values(revoked_at=work.now))
    return found


def _open() -> Select[tuple[object, ...]]:
    column = tables.endpoints.c
    return select(tables.endpoints).where(column.revoked_at.is_(None)).order_by(column.name)


def _read(query: Select[tuple[object, ...]], work: Work) -> list[Endpoint]:
    return [
        Endpoint(
            workspace=WorkspaceId(row.workspace_id),
            id=EndpointId(row.id),
            recipient=RecipientId(row.recipient_id),
            name=row.name,
            kind=row.kind,
            address=row.address,
            key_version=row.key_version,
        )
        for row in work.session.execute(query)
    ]
