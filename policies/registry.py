"""Who may call, as it is kept: write keys, clients, and local accounts of people.

`cdp.registers` decides who may make and end them. Secrets and passwords are kept as digests and hashes;
nothing here can show one. Who shows a key or a secret is found out in `api/http/auth/`.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, select, update
from sqlalchemy.dialects.postgresql import insert

from cdp.kernel.database import StoredRow
from cdp.kernel.errors import Conflict, NotFound
from cdp.kernel.ids import new_id
from cdp.ports.register_ports import (
    NewClient,
    NewKey,
    Page,
    RegisteredAccount,
    RegisteredClient,
    RegisteredKey,
)
from cdp.vocabulary import KeyKind, SourceId
from cdp.work import Work
from policies import secrets, tables
from policies.secrets import SecretKind


class NoSuchKey(NotFound):
    """There is no such write key, or it is revoked already."""


class ClientExists(Conflict):
    """There is a client of that name already."""


class NoSuchClient(NotFound):
    """There is no such client, or it is revoked."""


class AccountExists(Conflict):
    """There is an account of that name already."""


class NoSuchAccount(NotFound):
    """There is no such account, or it is revoked."""


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
        if not _update(tables.write_keys, key, work, revoked_at=work.now):
            raise NoSuchKey

    def every(self, page: Page, *, source: SourceId | None, work: Work) -> Sequence[RegisteredKey]:
        """Write keys of a source, or of any."""
        rows = _page(tables.write_keys, page)
        if source is not None:
            rows = rows.where(tables.write_keys.c.source_id == source)
        return [
            RegisteredKey(
                id=row.id,
                source=SourceId(row.source_id),
                kind=KeyKind(row.kind),
                created_at=row.created_at,
                revoked_at=row.revoked_at,
            )
            for row in work.session.execute(rows)
        ]


class Clients:
    """`ports.registers.ClientRegister`: their roles and purposes, and the digests of their secrets."""

    def create(
        self,
        name: str,
        *,
        roles: Collection[str],
        purposes: Collection[str],
        recipient: str | None,
        work: Work,
    ) -> NewClient:
        """Make a client. Raises `ClientExists`."""
        made = new_id()
        text, digest = secrets.new_secret(SecretKind.CLIENT, workspace=work.workspace, id=made)
        values = {
            "id": made,
            "name": name,
            "roles": sorted(roles),
            "purposes": sorted(purposes),
            "recipient": recipient,
            "digest": digest,
        }
        if not _add(tables.clients, "name", values, work):
            raise ClientExists(field="name")
        return NewClient(made, text)

    def change(self, client: UUID, *, roles: Collection[str], purposes: Collection[str], work: Work) -> None:
        """Give a client other roles and purposes, at once. Raises `NoSuchClient`."""
        if not _update(tables.clients, client, work, roles=sorted(roles), purposes=sorted(purposes)):
            raise NoSuchClient

    def bind(self, client: UUID, recipient: str, *, work: Work) -> None:
        """Make a client a recipient's, at once. Raises `NoSuchClient`."""
        if not _update(tables.clients, client, work, recipient=recipient):
            raise NoSuchClient

    def revoke(self, client: UUID, *, work: Work) -> None:
        """End a client and all its tokens, at once. Raises `NoSuchClient`."""
        if not _update(tables.clients, client, work, revoked_at=work.now):
            raise NoSuchClient

    def one(self, client: UUID, *, work: Work) -> RegisteredClient:
        """A client, also a revoked one. Raises `NoSuchClient`."""
        asked = select(tables.clients).where(tables.clients.c.id == client)
        row = work.session.execute(asked).one_or_none()
        if row is None:
            raise NoSuchClient
        return _client(row)

    def every(self, page: Page, *, work: Work) -> Sequence[RegisteredClient]:
        """Clients, the revoked ones too."""
        return [
            _client(row)
            for row in work.session.execute(_page(tables.clients, page, named=tables.clients.c.name))
        ]


def _client(row: StoredRow) -> RegisteredClient:
    return RegisteredClient(
        id=row.id,
        name=row.name,
        roles=tuple(row.roles),
        purposes=tuple(row.purposes),
        recipient=row.recipient,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )


class Accounts:
    """`ports.registers.AccountRegister`: people who log in here, by the hashes of their passwords."""

    def create(self, login: str, password: str, roles: Collection[str], *, work: Work) -> UUID:
        """Make an account, of whose password the argon2id hash alone is kept.

        Raises `UnfitPassword`, `AccountExists`.
        """
        made = new_id()
        hashed = secrets.hash_password(password)
        values = {"id": made, "login": login, "roles": sorted(roles), "password": hashed}
        if not _add(tables.accounts, "login", values, work):
            raise AccountExists(field="login")
        return made

    def revoke(self, account: UUID, *, work: Work) -> None:
        """End an account, at once. Raises `NoSuchAccount`."""
        if not _update(tables.accounts, account, work, revoked_at=work.now):
            raise NoSuchAccount

    def one(self, account: UUID, *, work: Work) -> RegisteredAccount:
        """An account, also a revoked one. Raises `NoSuchAccount`."""
        asked = select(tables.accounts).where(tables.accounts.c.id == account)
        row = work.session.execute(asked).one_or_none()
        if row is None:
            raise NoSuchAccount
        return _account(row)

    def named(self, login: str, *, work: Work) -> RegisteredAccount | None:
        """The account of that log-in, also a revoked one."""
        asked = select(tables.accounts).where(tables.accounts.c.login == login)
        row = work.session.execute(asked).one_or_none()
        return _account(row) if row is not None else None

    def every(self, page: Page, *, work: Work) -> Sequence[RegisteredAccount]:
        """Accounts, the revoked ones too."""
        return [_account(row) for row in work.session.execute(_page(tables.accounts, page))]


def _account(row: StoredRow) -> RegisteredAccount:
    return RegisteredAccount(
        id=row.id,
        login=row.login,
        roles=tuple(row.roles),
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )


def _page(
    table: Table, page: Page, *, named: ColumnElement[str] | None = None
) -> Select[*tuple[object, ...]]:
    """Rows of a register in the order in which they were made, which their ids tell.

    `named` is what the page's name is compared with.
    """
    rows = select(table).order_by(table.c.id).limit(page.limit)
    if page.after is not None:
        rows = rows.where(table.c.id > page.after)
    if page.name is not None:
        assert named is not None, "rows of this register have no names to ask for"
        rows = rows.where(named == page.name)
    if page.ended is not None:
        over = table.c.revoked_at.is_not(None)
        rows = rows.where(over if page.ended else ~over)
    return rows


def _add(table: Table, unique: str, values: Mapping[str, object], work: Work) -> bool:
    """Add a row; whether no other has what is `unique` of it. Of two at the same moment, one is told."""
    added = work.session.scalar(
        insert(table)
        .values(workspace_id=work.workspace, created_at=work.now, **values)
        .on_conflict_do_nothing(index_elements=["workspace_id", unique])
        .returning(table.c.id)
    )
    return added is not None


def _update(table: Table, row: UUID, work: Work, **values: object) -> bool:
    """Change a row that is not revoked; whether there is one."""
    done = work.session.execute(
        update(table)
        .where(table.c.id == row, table.c.revoked_at.is_(None))
        .values(**values)
        .returning(table.c.id)
    )
    return done.one_or_none() is not None
