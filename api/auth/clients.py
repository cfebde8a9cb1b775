"""API clients: programs that hold a secret and get access tokens for it.

A client's roles and purposes stand in its row alone and are read at every request, so what
is revoked ends with the next one (A6).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update

from api.auth import guesses
from cdp.kernel.errors import BadInput, Conflict, NotAllowed, NotFound
from cdp.kernel.ids import new_id
from cdp.ports import AuditEntry, Ports
from cdp.vocabulary import Actor, Role
from cdp.work import Work
from policies import secrets, tables
from policies.secrets import SecretKind, SecretRef


class ClientExists(Conflict):
    """There is a client of that name already."""


class NoSuchClient(NotFound):
    """There is no such client, or it is revoked."""


class UnknownRole(BadInput):
    """A role is not one of the policy's words."""


class SubjectClient(BadInput):
    """No client can have the role `subject`: nothing would hold it to one person's own profile."""


class ClientsNotAllowed(NotAllowed):
    """The policy does not let this caller make or change clients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRow:
    """A client as it stands now: its roles, the purposes that it may act for, and as whom.

    `recipient` is a name in the register; None: a program of the controller's own. Until
    `refused_until` only refusals of people's are heard from it (`api/auth/guesses.py`). `scopes` are those
    of the token that it shows; None: it shows none.
    """

    id: UUID
    roles: frozenset[str]
    purposes: frozenset[str]
    recipient: str | None
    refused_until: datetime | None
    scopes: frozenset[str] | None = None

    @property
    def actor(self) -> Actor:
        """The client as it acts."""
        return Actor(ref=str(self.id), roles=self.roles, kind="client", scopes=self.scopes)


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client that was just made. Its secret is shown once and kept nowhere."""

    id: UUID
    secret: str

    def __repr__(self) -> str:
        return f"NewClient(id={self.id!r})"


def create(
    name: str,
    *,
    roles: Collection[str],
    purposes: Collection[str],
    work: Work,
    ports: Ports,
    recipient: str | None = None,
) -> NewClient:
    """Make a client of a recipient's, or the controller's own.

    Raises `ClientExists`, `UnknownRole`, `SubjectClient`, `ClientsNotAllowed`; `NotFound` for a
    recipient that is not registered.
    """
    _check(roles, work, ports)
    if recipient is not None:
        ports.ledger.recipient(recipient, work=work)
    column = tables.clients.c
    if work.session.scalar(select(column.id).where(column.name == name)) is not None:
        raise ClientExists(field="name")
    made = new_id()
    text, digest = secrets.new_secret(SecretKind.CLIENT, workspace=work.workspace, id=made)
    work.session.execute(
        insert(tables.clients).values(
            workspace_id=work.workspace,
            id=made,
            name=name,
            roles=sorted(roles),
            purposes=sorted(purposes),
            recipient=recipient,
            digest=digest,
            created_at=work.now,
        )
    )
    _record("create", made, work, ports)
    return NewClient(made, text)


def change(
    client: UUID, *, roles: Collection[str], purposes: Collection[str], work: Work, ports: Ports
) -> None:
    """Give a client other roles and purposes, at once; whose it is stays (see `bind`).

    Raises as `create`, and `NoSuchClient`.
    """
    _check(roles, work, ports)
    _update(client, work, roles=sorted(roles), purposes=sorted(purposes))
    _record("change", client, work, ports)


def bind(client: UUID, recipient: str, *, work: Work, ports: Ports) -> None:
    """Make a client a recipient's, at once: its next request is that one's.

    Raises `NoSuchClient`, `ClientsNotAllowed`; `NotFound` for a recipient that is not registered.
    """
    _check((), work, ports)
    receiver = ports.ledger.recipient(recipient, work=work)
    _update(client, work, recipient=recipient)
    _record("bind", client, work, ports, recipient=str(receiver))


def revoke(client: UUID, *, work: Work, ports: Ports) -> None:
    """End a client and all its tokens, at once. Raises `NoSuchClient`, `ClientsNotAllowed`."""
    _check((), work, ports)
    _update(client, work, revoked_at=work.now)
    _record("revoke", client, work, ports)


def current(client: UUID, *, work: Work) -> ClientRow | None:
    """The client as it stands now; None: unknown or revoked."""
    return _find(client, work)[0]


def registered(client: UUID, *, work: Work) -> bool:
    """Whether there is, or was, such a client."""
    return work.session.scalar(select(tables.clients.c.id).where(tables.clients.c.id == client)) is not None


def authenticate(shown: SecretRef, *, work: Work, ports: Ports) -> ClientRow | None:
    """The client whose secret was shown; None: it is not, which is counted and has to be committed."""
    found, digest = _find(shown.id, work)
    same = secrets.matches(shown, digest)
    if found is None or shown.kind is not SecretKind.CLIENT:
        return None
    if not same:
        guesses.wrong(found.id, work=work, ports=ports)
        return None
    guesses.right(found.id, work=work)
    return found


def _find(client: UUID, work: Work) -> tuple[ClientRow | None, bytes | None]:
    """A client that is not revoked, and the digest of its secret."""
    column, wrong = tables.clients.c, tables.wrong_secrets
    row = work.session.execute(
        select(column.roles, column.purposes, column.recipient, column.digest, wrong.c.refused_until)
        .outerjoin_from(tables.clients, wrong, wrong.c.client_id == column.id)
        .where(column.id == client, column.revoked_at.is_(None))
    ).one_or_none()
    if row is None:
        return None, None
    found = ClientRow(
        id=client,
        roles=frozenset(row.roles),
        purposes=frozenset(row.purposes),
        recipient=row.recipient,
        refused_until=row.refused_until,
    )
    return found, bytes(row.digest)


def _update(client: UUID, work: Work, **values: object) -> None:
    column = tables.clients.c
    done = work.session.execute(
        update(tables.clients)
        .where(column.id == client, column.revoked_at.is_(None))
        .values(**values)
        .returning(column.id)
    )
    if done.one_or_none() is None:
        raise NoSuchClient


def _check(roles: Collection[str], work: Work, ports: Ports) -> None:
    if not ports.policies.allows(work.actor, "client", "write"):
        raise ClientsNotAllowed
    if not set(roles) <= set(Role):
        raise UnknownRole(field="roles")
    if Role.SUBJECT in roles:
        raise SubjectClient(field="roles")


def _record(action: str, client: UUID, work: Work, ports: Ports, **detail: str) -> None:
    ports.audit.record(
        AuditEntry(
            action=f"{work.actor.kind}:client:{action}",
            outcome="ok",
            detail={"client": str(client), **detail},
        ),
        work=work,
    )
