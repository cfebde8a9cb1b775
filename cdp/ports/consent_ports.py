"""What consent offers of words: the ledger, and what it says of purposes, notices and recipients."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple, Protocol, TypedDict
from uuid import UUID

from cdp.kernel.errors import BadInput, listed
from cdp.kernel.json_values import JsonObject
from cdp.vocabulary import (
    Channel,
    ContactId,
    EndpointId,
    FragmentId,
    Identifier,
    NoticeId,
    ProfileId,
    PurposeId,
    RecipientId,
    Scope,
    SourceId,
    State,
    Trust,
    WorkspaceId,
)
from cdp.work import Work

EndpointKind = Literal["ndjson", "webhook"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a recipient may be sent to, as registered. Its secret is derived, and stands nowhere."""

    workspace: WorkspaceId
    id: EndpointId
    recipient: RecipientId
    name: str
    kind: EndpointKind
    address: str  # a path or a URL
    key_version: int


class ControllerTold(TypedDict):
    """A controller as a person is told of it."""

    name: str | None
    establishments: list[str]
    registered: bool


PurposeTold = TypedDict(
    "PurposeTold",
    {
        "name": str,
        "basis": str,
        "class": str,
        "controller": str,  # its id
        "law_cited": str | None,
        "special": bool,
    },
)


class RecipientTold(TypedDict):
    """A recipient as a person is told of it."""

    name: str
    legal_entity: str
    role: str
    country: str
    in_eea: bool
    controller: str  # its id
    sale_or_share: bool
    transfer_until: str | None


class Processing(TypedDict):
    """The registers as somebody reads them whose data is used, ready for JSON."""

    controllers: dict[str, ControllerTold]
    purposes: list[PurposeTold]
    recipients: list[RecipientTold]
    authority: str | None


class RefusedGrants(TypedDict):
    """The agreements of a source that a standing refusal did not let count, and the newest of them."""

    source: str | None
    count: int
    entry: str
    refused_by: str
    received_at: str


class NoticeVersion(NamedTuple):
    """One version of a notice: since when people are shown it, and what it names."""

    id: NoticeId
    name: str
    number: int
    published_at: datetime
    controller_id: UUID
    purposes: frozenset[PurposeId]


class AssertedInFuture(BadInput):
    """A word asserts a time later than its receipt; clocks of others never order the ledger."""


class UnknownPurpose(BadInput):
    """There is no purpose of that name in the register."""

    by_command = "cdp purpose create NAME, to make one"
    by_request = "POST /v1/purposes, to make one, as a client with the role admin"


class UnknownNotice(BadInput):
    """There is no such notice, or no such version of it."""


class NoticeNotShownYet(BadInput):
    """That version of the notice was published later, so nobody had seen it by then."""


@dataclass(frozen=True, slots=True)
class Notices:
    """The versions of every notice by name, oldest first.

    A notice is named `name@2`; without a number it is the version in force at the time of the word.
    """

    versions: Mapping[str, Sequence[NoticeVersion]]

    def __contains__(self, named: object) -> bool:
        """Whether there is such a notice, or such a version if one is named."""
        return isinstance(named, str) and bool(self._meant(named))

    def seen(self, named: str, at: datetime) -> NoticeVersion:
        """The version that somebody saw who spoke at `at`. Raises `UnknownNotice`, `NoticeNotShownYet`."""
        meant = self._meant(named)
        if not meant:
            raise UnknownNotice(field="notice", known=listed(self.names))
        shown = [one for one in meant if one.published_at <= at]
        if not shown:
            raise NoticeNotShownYet(field="notice")
        return shown[-1]

    @property
    def names(self) -> list[str]:
        """Every version, as words name it."""
        return [f"{one.name}@{one.number}" for versions in self.versions.values() for one in versions]

    def find(self, named: str, at: datetime) -> NoticeVersion | None:
        """As `seen`; None where it raises."""
        try:
            return self.seen(named, at)
        except BadInput:
            return None

    def _meant(self, named: str) -> Sequence[NoticeVersion]:
        name, _, number = named.partition("@")
        known = self.versions.get(name, ())
        if not number:
            return known if name == named else ()
        return [one for one in known if str(one.number) == number]


class Word(NamedTuple):
    """One entry of the ledger to be. Times are the server's but for `asserted_at`.

    A word that is recorded as it is said leaves both times None: the database's clock, read
    after the caller has locked the person's root, orders it.
    """

    scope: Scope
    fragment: FragmentId | None
    contact: ContactId | None
    purpose: PurposeId
    channel: Channel | None
    state: State
    evidence: (
        str  # form | double_opt_in | call | paper | snapshot | signal | link | login | steward | suppression
    )
    trust: Trust
    received_at: datetime | None
    asserted_at: datetime | None
    notice: NoticeId | None = None
    source: SourceId | None = None
    explicit: bool = False
    guardian: bool = False
    expires_at: datetime | None = None


class SaidBefore(NamedTuple):
    """What a source has said about something: its last word (None: nothing), and if it ever refused."""

    last: State | None
    refused: bool


class Recorded(NamedTuple):
    """What became of a word: whether it can count; if not why, in a stable word, and what refuses it."""

    entry: UUID
    scope: Scope  # whom it binds: the person, their device, or whoever goes by the contact
    counted: bool
    covered_by: UUID | None = None
    not_counted: str | None = None


class NoAt(NamedTuple):
    """A no at an identifier, whether or not anybody is known by it. Without a time it is received now."""

    identifier: Identifier
    purpose: PurposeId
    channel: Channel | None  # None: every channel
    state: State
    received_at: datetime | None = None
    reason: str | None = None  # of a list of suppressions, in its words
    source: str | None = None


class Met(NamedTuple):
    """What a no meets at a contact: when the same was received there, and the yeses that count and that it
    would end, by the time from which each speaks (a snapshot's, from ever)."""

    since: datetime | None
    yeses: Sequence[datetime]


class Remembered(NamedTuple):
    """An erased contact whose identifier is remembered, and the contact that it is now, if it came back."""

    successor: ContactId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFacts:
    """What the gate must know of a person in clear; None is the strictest."""

    core: ProfileId
    country: str | None  # ISO 3166-1 alpha-2 of residence
    region: str | None  # ISO 3166-2 subdivision, e.g. US-CA
    born: date | None


GroundKind = Literal["order", "account", "sale", "notice", "third_party"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Evidence of a basis other than consent."""

    fragment: FragmentId
    kind: GroundKind
    controller_id: UUID
    since: datetime
    until: datetime | None = None
    notice: NoticeId | None = None


class Ledger(Protocol):
    """Words of consent."""

    def ground(self, grounds: Sequence[Ground], *, work: Work) -> None:
        """Keep evidence of bases other than consent."""
        ...

    def record(
        self,
        words: Sequence[Word],
        *,
        work: Work,
        identifiers: Mapping[ContactId, Identifier] | None = None,
    ) -> list[Recorded]:
        """Append words in order and fold them; journalled first where a word is negative.

        `identifiers`, where the caller has them open, let the journal find a contact that is
        younger than the backup that is restored; they are kept as HMACs only.
        """
        ...

    def standing(self, entries: Collection[UUID], *, work: Work) -> list[Recorded]:
        """What became of those of `entries` that are there, as it would be told now; an erased one is not."""
        ...

    def said_before(self, words: Sequence[Word], *, work: Work) -> list[SaidBefore]:
        """For each of `words`, what its source has said about the same to whom it binds."""
        ...

    def describe(self, persons: Sequence[PersonFacts], *, work: Work) -> None:
        """Derive laws and age band and keep them for the gate."""
        ...

    def history(
        self, fragments: Sequence[FragmentId], contacts: Sequence[ContactId], *, work: Work
    ) -> list[JsonObject]:
        """Words that these fragments said or that bind these contacts, oldest first.

        For the person: what another holder of a shared contact said is there as a refusal
        of the contact, without who said it.
        """
        ...

    def processing(
        self, received: Collection[str], country: str | None, region: str | None, *, work: Work
    ) -> Processing:
        """What a person is told beside their data: controllers by id, purposes with their basis,
        those of the recipients named `received`, the supervisory authority of the residence."""
        ...

    def refused_grants(self, *, work: Work) -> list[RefusedGrants]:
        """Re-grants that a negative word refused, counted per source, with the newest entry."""
        ...

    def recipient(self, name: str, *, work: Work) -> RecipientId:
        """The id of a recipient. Raises `NotFound`."""
        ...

    def contracted(self, recipient: str, *, work: Work) -> bool:
        """Whether a recipient is registered and its contract in force now."""
        ...

    def endpoint(self, recipient: str, name: str, *, work: Work) -> Endpoint:
        """A recipient's endpoint, by both names. Raises `NotFound`."""
        ...

    def endpoint_stands(self, endpoint: EndpointId, *, work: Work) -> bool:
        """Whether an endpoint is still registered."""
        ...

    def names_recipients(self, purpose: str, *, work: Work) -> bool:
        """Whether a notice of this purpose names recipients, so that who receives matters."""
        ...

    def suppress(
        self, contacts: Sequence[tuple[ContactId, Identifier]], *, work: Work, again: bool = False
    ) -> None:
        """Give new contacts the noes that were kept before they were there; `again`: what came since."""
        ...

    def refuse(self, noes: Sequence[NoAt], *, work: Work) -> None:
        """Keep noes at identifiers, journalled first: they hold for the contact when it comes."""
        ...

    def refused_since(self, noes: Sequence[NoAt], *, work: Work) -> list[datetime | None]:
        """When each of `noes` was received that is kept already for the same identifier."""
        ...

    def met(self, places: Sequence[tuple[ContactId, PurposeId, Channel | None]], *, work: Work) -> list[Met]:
        """What a no about each of `places` would meet there now."""
        ...

    def remembered(self, contact: ContactId, *, work: Work) -> Remembered | None:
        """What became of a contact that was erased; None: it was not, or nothing was kept of it."""
        ...

    def refuse_former(
        self, contact: ContactId, purpose: PurposeId, channel: Channel | None, state: State, *, work: Work
    ) -> None:
        """Keep a no at a contact that was erased, journalled first."""
        ...

    def come_back_by_now(self, contact: ContactId, *, patience: timedelta, work: Work) -> bool:
        """Whether nobody who is noting what an erased contact has become is still at it, after `patience`."""
        ...

    def purposes(self, *, work: Work) -> Mapping[str, PurposeId]:
        """The workspace's purposes by name, the reserved ones included."""
        ...

    def usable(self, *, work: Work) -> frozenset[str]:
        """The names of the purposes that data can be used for: all but the reserved ones."""
        ...

    def needs_contact(self, *, work: Work) -> frozenset[PurposeId]:
        """The purposes whose evidence is asked at the very contact that is used."""
        ...

    def consented_at_contact(self, *, work: Work) -> frozenset[PurposeId]:
        """The purposes that rest on consent given at the very contact that is used."""
        ...

    def special(self, *, work: Work) -> frozenset[str]:
        """The names of the purposes that may use special categories, on explicit consent."""
        ...

    def is_marketing(self, purpose: str, *, work: Work) -> bool:
        """Whether a purpose is marketing; one that nobody has registered counts as such."""
        ...

    def notices(self, *, work: Work) -> Notices:
        """Every version of every notice; read once a Work."""
        ...
