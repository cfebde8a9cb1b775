"""Who may call, for those who administer it: clients, write keys, and local accounts of people.

Secrets and passwords are made and checked elsewhere; nothing here can show one. How clients
and write keys are made and revoked stands in `api/auth/`, beside their protocols.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Table, insert, select, update

from cdp.kernel.errors import BadInput, Conflict, NotAllowed, NotFound
from cdp.kernel.ids import new_id
from cdp.ports import AuditEntry, Ports
from cdp.ports.registers import KeyRow, NewKey, Page
from cdp.vocabulary import Action, KeyKind, Resource, Role, SourceId
from cdp.work import Work
from policies import secrets, tables
from policies.secrets import SecretKind

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}\Z", re.ASCII)


class AdministrationNotAllowed(NotAllowed):
    """The policy does not let this caller administer clients, keys or accounts."""


class NoSuchKey(NotFound):
    """There is no such write key, or it is revoked already."""


class AccountExists(Conflict):
    """There is an account of that name already."""


class NoSuchAccount(NotFound):
    """There is no such account, or it is revoked."""


class UnknownRole(BadInput):
    """A role is not one of the policy's words."""


class UnfitLogin(BadInput):
    """A log-in has up to 100 small letters, digits and . _ @ + -, and begins with a letter or digit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientEntry:
    """A client as it is registered; `revoked_at` None: it may call."""

    id: UUID
    name: str
    roles: tuple[str, ...]
    purposes: tuple[str, ...]
    recipient: str | None
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEntry:
    """A local account."""

    id: UUID
    login: str
    roles: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


class WriteKeys:
    """`ports.registers.KeyRegister`: the digests of write keys."""

    def create(self, source: SourceId, kind: KeyKind, *, work: Work) -> NewKey:
        """Make a key for a source that there is."""
        made = new_id()
        text, digest = secrets.new_secret(SecretKind(kind.value), workspace=work.workspace, id=made)
        work.session.execute(
            insert(tables.write_keys).values(
                workspace_id=work.workspace,
                id=made,
                source_id=source,
                kind=kind.value,
                digest=digest,
                created_at=work.now,
            )
        )
        return NewKey(made, text)

    def revoke(self, key: UUID, *, work: Work) -> None:
        """End a key. Raises `NoSuchKey`."""
        if not _end(tables.write_keys, key, work):
            raise NoSuchKey

    def every(self, page: Page, *, work: Work) -> Sequence[KeyRow]:
        """Write keys, the revoked ones too."""
        return [
            KeyRow(
                id=row.id,
                source=SourceId(row.source_id),
                kind=KeyKind(row.kind),
                created_at=row.created_at,
                revoked_at=row.revoked_at,
            )
            for row in work.session.execute(_page(tables.write_keys, page))
        ]


def _page(table: Table, page: Page) -> Select[Any]:
    """Rows of a register in the order in which they were made, which their ids tell."""
    rows = select(table).order_by(table.c.id).limit(page.limit)
    return rows if page.after is None else rows.where(table.c.id > page.after)


def _end(table: Table, row: UUID, work: Work) -> bool:
    """Revoke a row that stands; whether there is one."""
    done = work.session.execute(
        update(table)
        .where(table.c.id == row, table.c.revoked_at.is_(None))
        .values(revoked_at=work.now)
        .returning(table.c.id)
    )
    return done.one_or_none() is not None


def clients(*, work: Work, ports: Ports) -> list[ClientEntry]:
    """Every client by name, the revoked ones too. Raises `AdministrationNotAllowed`."""
    _allow(Resource.CLIENT, Action.READ, work, ports)
    column = tables.clients.c
    rows = work.session.execute(select(tables.clients).order_by(column.name))
    return [
        ClientEntry(
            id=row.id,
            name=row.name,
            roles=tuple(row.roles),
            purposes=tuple(row.purposes),
            recipient=row.recipient,
            created_at=row.created_at,
            revoked_at=row.revoked_at,
        )
        for row in rows
    ]


def accounts(*, work: Work, ports: Ports) -> list[AccountEntry]:
    """Every local account by log-in, the revoked ones too. Raises `AdministrationNotAllowed`."""
    _allow(Resource.ACCOUNT, Action.READ, work, ports)
    column = tables.accounts.c
    rows = work.session.execute(
        select(column.id, column.login, column.roles, column.created_at, column.revoked_at).order_by(
            column.login
        )
    )
    return [
        AccountEntry(
            id=row.id,
            login=row.login,
            roles=tuple(row.roles),
            created_at=row.created_at,
            revoked_at=row.revoked_at,
        )
        for row in rows
    ]


def create_account(login: str, password: str, roles: Collection[str], *, work: Work, ports: Ports) -> UUID:
    """Make a local account; its id. The password is kept as its argon2id hash alone.

    Raises `AdministrationNotAllowed`, `UnknownRole`, `UnfitLogin`, `UnfitPassword`, `AccountExists`.
    """
    _allow(Resource.ACCOUNT, Action.WRITE, work, ports)
    if not roles or not set(roles) <= set(Role):
        raise UnknownRole(field="roles")
    if not _LOGIN.match(login):
        raise UnfitLogin(field="login")
    hashed = secrets.hash_password(password)
    column = tables.accounts.c
    if work.session.scalar(select(column.id).where(column.login == login)) is not None:
        raise AccountExists(field="login")
    made = new_id()
    work.session.execute(
        insert(tables.accounts).values(
            workspace_id=work.workspace,
            id=made,
            login=login,
            roles=sorted(roles),
            password=hashed,
            created_at=work.now,
        )
    )
    _record("create", made, work, ports)
    return made


def revoke_account(account: UUID, *, work: Work, ports: Ports) -> None:
    """End an account, at once. Raises `AdministrationNotAllowed`, `NoSuchAccount`."""
    _allow(Resource.ACCOUNT, Action.WRITE, work, ports)
    column = tables.accounts.c
    done = work.session.execute(
        update(tables.accounts)
        .where(column.id == account, column.revoked_at.is_(None))
        .values(revoked_at=work.now)
        .returning(column.id)
    )
    if done.one_or_none() is None:
        raise NoSuchAccount
    _record("revoke", account, work, ports)


def _allow(resource: Resource, action: Action, work: Work, ports: Ports) -> None:
    if not ports.policies.allows(work.actor, resource, action):
        raise AdministrationNotAllowed


def _record(action: str, account: UUID, work: Work, ports: Ports) -> None:
    # Only the id: a log-in is a person's name.
    ports.audit.record(
        AuditEntry(
            action=f"{work.actor.kind}:account:{action}", outcome="ok", detail={"account": str(account)}
        ),
        work=work,
    )
