"""The registers by which a workspace is set up, each a small port of whoever keeps it.

Whether somebody may read or change one is decided before, by the act (`cdp.registers`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from cdp.vocabulary import KeyKind, SourceId
from cdp.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a register, in the order in which its rows were made."""

    after: UUID | None = None  # the last row of the page before
    limit: int | None = None  # None: all that follow


ALL = Page()


@dataclass(frozen=True, slots=True)
class NewKey:
    """A write key that was just made. Its text is shown once and kept nowhere."""

    id: UUID
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredKey:
    """A write key as it is registered; `revoked_at` None: it is good."""

    id: UUID
    source: SourceId
    kind: KeyKind
    created_at: datetime
    revoked_at: datetime | None


class KeyRegister(Protocol):
    """Write keys: what a source shows when it sends."""

    def create(self, source: SourceId, kind: KeyKind, *, work: Work) -> NewKey:
        """Make a key for a source that there is."""
        ...

    def revoke(self, key: UUID, *, work: Work) -> None:
        """End a key. Raises `NotFound` if it is unknown or revoked already."""
        ...

    def every(self, page: Page, *, work: Work) -> Sequence[RegisteredKey]:
        """Write keys, the revoked ones too."""
        ...


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client that was just made. Its secret is shown once and kept nowhere."""

    id: UUID
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredClient:
    """A program that calls: what it may be and act for; `revoked_at` None: it may call.

    `recipient` is whose it is, by its name in the register; None: the controller's own.
    """

    id: UUID
    name: str
    roles: tuple[str, ...]
    purposes: tuple[str, ...]
    recipient: str | None
    created_at: datetime
    revoked_at: datetime | None


class ClientRegister(Protocol):
    """Clients: programs that hold a secret."""

    def create(
        self,
        name: str,
        *,
        roles: Collection[str],
        purposes: Collection[str],
        recipient: str | None,
        work: Work,
    ) -> NewClient:
        """Make a client. Raises `Conflict` if there is one of that name."""
        ...

    def change(self, client: UUID, *, roles: Collection[str], purposes: Collection[str], work: Work) -> None:
        """Give a client other roles and purposes, at once. Raises `NotFound`."""
        ...

    def bind(self, client: UUID, recipient: str, *, work: Work) -> None:
        """Make a client a recipient's, at once. Raises `NotFound`."""
        ...

    def revoke(self, client: UUID, *, work: Work) -> None:
        """End a client and all its tokens, at once. Raises `NotFound` if it is over already."""
        ...

    def every(self, page: Page, *, work: Work) -> Sequence[RegisteredClient]:
        """Clients, the revoked ones too."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredAccount:
    """A person who logs in here; `revoked_at` None: they may. `login` is a name of theirs."""

    id: UUID
    login: str = field(repr=False)
    roles: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None


class AccountRegister(Protocol):
    """Local accounts of people."""

    def create(self, login: str, password: str, roles: Collection[str], *, work: Work) -> UUID:
        """Make an account. Raises `BadInput` for an unfit password, `Conflict` for a log-in that is taken."""
        ...

    def revoke(self, account: UUID, *, work: Work) -> None:
        """End an account, at once. Raises `NotFound` if it is over already."""
        ...

    def every(self, page: Page, *, work: Work) -> Sequence[RegisteredAccount]:
        """Accounts, the revoked ones too."""
        ...


class ControllerRegister(Protocol):
    """Controllers: who decides what data is used for."""

    def known(self, controller: UUID | None, *, work: Work) -> UUID:
        """That controller, or the workspace itself where none is named. Raises `NotFound`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """Every register that another package keeps."""

    keys: KeyRegister
    clients: ClientRegister
    accounts: AccountRegister
    controllers: ControllerRegister
