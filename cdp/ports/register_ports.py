"""The registers by which a workspace is set up, each a small port of whoever keeps it.

Whether somebody may read or change one is decided before, by the act (`cdp.registers`).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from cdp.kernel.errors import NotFound
from cdp.ports.consent_ports import Endpoint
from cdp.vocabulary import Basis, KeyKind, NoticeId, PurposeClass, PurposeId, RecipientId, SourceId
from cdp.work import Work


class NoSuchRecipient(NotFound):
    """There is no such recipient in the register."""


class NoSuchController(NotFound):
    """There is no such controller in the register."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a register, in the order in which its rows were made."""

    after: UUID | None = None  # the last row of the page before
    limit: int | None = None  # None: all that follow
    name: str | None = None  # of that name alone; None: of any
    ended: bool | None = None  # what has ended alone, or what has not; None: both


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

    def every(self, page: Page, *, source: SourceId | None, work: Work) -> Sequence[RegisteredKey]:
        """Write keys of a source, or of any."""
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

    def one(self, client: UUID, *, work: Work) -> RegisteredClient:
        """A client, also a revoked one. Raises `NotFound`."""
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

    def one(self, account: UUID, *, work: Work) -> RegisteredAccount:
        """An account, also a revoked one. Raises `NotFound`."""
        ...

    def create(self, login: str, password: str, roles: Collection[str], *, work: Work) -> UUID:
        """Make an account. Raises `BadInput` for an unfit password, `Conflict` for a log-in that is taken."""
        ...

    def revoke(self, account: UUID, *, work: Work) -> None:
        """End an account, at once. Raises `NotFound` if it is over already."""
        ...

    def named(self, login: str, *, work: Work) -> RegisteredAccount | None:
        """The account of that log-in, also a revoked one."""
        ...

    def every(self, page: Page, *, work: Work) -> Sequence[RegisteredAccount]:
        """Accounts, the revoked ones too."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """Who decides what data is used for: where they are established, and where they offer."""

    id: UUID
    name: str
    establishments: Sequence[str]
    offers: Sequence[str]


class ControllerRegister(Protocol):
    """Controllers: whose places say which laws protect people beside those of where they live."""

    def known(self, controller: UUID | None, *, work: Work) -> UUID:
        """That controller, or the workspace itself where none is named. Raises `NotFound`."""
        ...

    def add(self, controller: Controller, *, work: Work) -> None:
        """Register a controller. Raises `BadInput` for places that are none, `Conflict`."""
        ...

    def move(
        self, controller: UUID, *, establishments: Iterable[str], offers: Iterable[str], work: Work
    ) -> None:
        """Say anew where a controller is established and offers. Raises `BadInput`, `NotFound`."""
        ...

    def every(self, *, work: Work) -> Sequence[Controller]:
        """All controllers, by name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPurpose:
    """A purpose that is to be registered, with what its basis asks for.

    `parent` is a name; `controller` None: the workspace itself. `needs_contact`: evidence is asked at the
    very contact that is used. `special`: it uses special categories (GDPR 9).
    """

    name: str
    basis: Basis
    purpose_class: PurposeClass = PurposeClass.MARKETING
    parent: str | None = None
    controller: UUID | None = None
    law_cited: str | None = None
    needs_contact: bool = True
    opt_out_offered: bool = False
    assessment_until: datetime | None = None
    special: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredPurpose:
    """A purpose as it is registered. A `reserved` one is only ever said no to."""

    id: PurposeId
    name: str
    basis: Basis
    purpose_class: PurposeClass
    parent: str | None
    controller: UUID
    law_cited: str | None
    needs_contact: bool
    opt_out_offered: bool
    assessment_until: datetime | None
    special: bool
    reserved: bool


class PurposeRegister(Protocol):
    """Purposes: what data is used for, and on which basis."""

    def seed(self, *, work: Work) -> None:
        """Make the reserved purposes; once made, nothing happens."""
        ...

    def add(self, new: NewPurpose, *, work: Work) -> PurposeId:
        """Register a purpose. Raises `BadInput`, `Conflict`, `NotFound` for an unknown controller."""
        ...

    def change_basis(self, name: str, basis: Basis, *, work: Work) -> PurposeId:
        """Change a purpose's basis. Raises `BadInput`, and `Conflict` once somebody has said no."""
        ...

    def every(self, *, work: Work) -> Sequence[RegisteredPurpose]:
        """All purposes, the reserved ones too, by name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotice:
    """A version of a notice that is to be published; `published_at` None: people are shown it from now on.

    `purposes` and `recipients` are names. `controller` None: the workspace itself.
    """

    name: str
    text: str
    purposes: Sequence[str]
    recipients: Sequence[str] = ()
    language: str = "en"
    published_at: datetime | None = None
    controller: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredNotice:
    """A version of a notice: what it names, by name, and the SHA-256 of its text."""

    id: NoticeId
    name: str
    version: int
    language: str
    purposes: Sequence[str]
    recipients: Sequence[str]
    hash: str
    controller: UUID
    published_at: datetime


class NoticeRegister(Protocol):
    """Notices: what people were shown. A version is never changed."""

    def add(self, new: NewNotice, *, work: Work) -> tuple[NoticeId, int]:
        """Publish a version; its id and number. Raises `BadInput`, `NotFound`."""
        ...

    def every(self, page: Page, *, work: Work) -> Sequence[RegisteredNotice]:
        """Every version of every notice."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecipient:
    """A recipient that is to be registered by its contract with `controller`; None: the workspace itself.

    `transfer_until`: until when a transfer tool holds; None: there is none.
    """

    name: str
    legal_entity: str
    role: str
    country: str
    contract_until: datetime
    transfer_until: datetime | None = None
    sale_or_share: bool = False
    controller: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredRecipient:
    """A recipient as it is registered; `contract_with` is its controller's name, None: not registered."""

    id: RecipientId
    name: str
    legal_entity: str
    role: str
    country: str
    sale_or_share: bool
    contract_until: datetime
    transfer_until: datetime | None
    controller: UUID
    contract_with: str | None


class RecipientRegister(Protocol):
    """Recipients, by id or by name."""

    def add(self, new: NewRecipient, *, work: Work) -> RecipientId:
        """Register a recipient. Raises `BadInput`, `Conflict`, `NotFound` for an unknown controller."""
        ...

    def renew(
        self,
        recipient: UUID | str,
        *,
        contract_until: datetime | None,
        transfer_until: datetime | None,
        work: Work,
    ) -> RecipientId:
        """Say anew until when its contract, its transfer tool or both hold. Raises `BadInput`, `NotFound`."""
        ...

    def revoke(self, recipient: UUID | str, *, transfer_only: bool, work: Work) -> RecipientId:
        """End its contract, or its transfer tool alone, at once. Raises `NotFound`, `Conflict`."""
        ...

    def every(self, *, work: Work) -> Sequence[RegisteredRecipient]:
        """All recipients, by name."""
        ...


class EndpointRegister(Protocol):
    """Endpoints: the only places to which a recipient is sent."""

    def add(self, endpoint: Endpoint, *, work: Work) -> None:
        """Register an endpoint. Raises `Conflict` if its recipient has one of that name."""
        ...

    def owner(self, recipient: UUID | str, *, work: Work) -> RecipientId:
        """A recipient, by id or by name. Raises `NotFound`."""
        ...

    def revoke(self, endpoint: UUID | tuple[str, str], *, work: Work) -> Endpoint:
        """End an endpoint, by its id, or by its recipient's name and its own; which. Raises `NotFound`."""
        ...

    def every(self, recipient: UUID | str, *, work: Work) -> Sequence[Endpoint]:
        """The endpoints of a recipient that stand, by name. Raises `NotFound`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """Every register that another package keeps."""

    keys: KeyRegister
    clients: ClientRegister
    accounts: AccountRegister
    purposes: PurposeRegister
    notices: NoticeRegister
    recipients: RecipientRegister
    endpoints: EndpointRegister
    controllers: ControllerRegister
