"""The words that every package shares: ids, classes of data, states, trust, channels.

Nothing here touches a database or a library of others. The numbers of `FieldClass`
and `Trust` are stored: they are never renumbered, only added to.
"""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Literal, NamedTuple, NewType
from uuid import UUID

WorkspaceId = NewType("WorkspaceId", UUID)
FragmentId = NewType("FragmentId", UUID)  # (source, one identifier); owns a key
ProfileId = NewType("ProfileId", UUID)  # the id of a root fragment
ContactId = NewType("ContactId", UUID)  # stands for an address, never is one
KeyId = NewType("KeyId", UUID)
SourceId = NewType("SourceId", UUID)
PurposeId = NewType("PurposeId", UUID)
RecipientId = NewType("RecipientId", UUID)
EndpointId = NewType("EndpointId", UUID)  # where a recipient may be sent to
NoticeId = NewType("NoticeId", UUID)
IntentId = NewType("IntentId", UUID)


class FieldClass(IntEnum):
    """Classes by which fields are sealed, minimised and permitted (stored numbers)."""

    CONTACT = 1  # how every contact is sealed; what may be seen of them is said by the last two classes
    IDENTITY = 2  # names, date of birth, ids of other systems
    ADDRESS = 3
    DEMOGRAPHIC = 4  # language, region, age band
    BEHAVIOUR = 5  # what was viewed and done
    PURCHASE = 6
    NATIONAL_ID = 7
    SENSITIVE = 8  # special categories, GDPR 9
    TECHNICAL = 9  # device, IP address, user agent
    THIRD_PARTY = 10  # about somebody else; has no purpose
    UNCLASSIFIED = 11  # nobody has said what it is; never released
    FREE_TEXT = 12  # what somebody wrote, of a declared field; shown once a scan has found it clean
    CONTACT_EMAIL = 13
    CONTACT_PHONE = 14


# The ages at which a law, or a marketer, draws a line; of somebody's birth no more stands in clear.
AGE_BANDS = (0, 13, 14, 16, 18, 25, 35, 45, 55, 65, 75)


class Label(StrEnum):
    """Kinds of row that hold sealed values; bound into each envelope, so never renamed."""

    STATEMENT = "identity.statement"
    ADDRESS = "identity.address"
    EVENT = "cdp.event"


class Trust(IntEnum):
    """How far a claim about identity is believed; smaller is stronger (stored numbers)."""

    VERIFIED = 1
    SCORED = 2
    ASSERTED = 3


class KeyKind(StrEnum):
    """Whose hands a write key is in."""

    SERVER = "server"
    PUBLIC = "public"


class Channel(StrEnum):
    """The ways to reach a person."""

    EMAIL = "email"
    SMS = "sms"
    PHONE = "phone"
    POST = "post"
    PUSH = "push"


class Namespace(StrEnum):
    """Namespaces of identifiers that are ours; sources add `crm:<source name>`."""

    EMAIL = "email"
    PHONE = "phone"
    USER_ID = "user_id"
    ANONYMOUS_ID = "anonymous_id"


# Which namespace of contact a channel sends to. A channel that is not here reaches nobody.
REACHES: dict[Channel, str] = {
    Channel.EMAIL: Namespace.EMAIL,
    Channel.SMS: Namespace.PHONE,
    Channel.PHONE: Namespace.PHONE,
}
# What a policy says of the contacts of a namespace; those of one that is not here are used for nothing.
CONTACTS: dict[str, FieldClass] = {
    Namespace.EMAIL: FieldClass.CONTACT_EMAIL,
    Namespace.PHONE: FieldClass.CONTACT_PHONE,
}


class Scope(StrEnum):
    """What a word of consent binds."""

    PERSON = "person"
    CONTACT = "contact"
    DEVICE = "device"


class State(StrEnum):
    """States of a word of consent (W3C DPV terms where there is one)."""

    REQUESTED = "requested"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    OBJECTED = "objected"
    RESTRICTED = "restricted"


NEGATIVE: frozenset[State] = frozenset({State.REFUSED, State.WITHDRAWN, State.OBJECTED, State.RESTRICTED})


class Basis(StrEnum):
    """Legal bases, each with evidence of its own that the gate demands."""

    CONSENT = "consent"  # GDPR 6(1)(a)
    CONTRACT = "contract"  # 6(1)(b)
    LEGAL_OBLIGATION = "legal_obligation"  # 6(1)(c)
    LEGITIMATE_INTEREST = "legitimate_interest"  # 6(1)(f)
    SOFT_OPT_IN = "soft_opt_in"  # ePrivacy 13(2)
    OPT_OUT = "opt_out"  # CAN-SPAM


class PurposeClass(StrEnum):
    """Unsubscribe, caps and quiet hours bind marketing alone."""

    MARKETING = "marketing"
    SERVICE = "service"
    LEGAL = "legal"


class Show(StrEnum):
    """What a policy lets a caller see of a class of fields."""

    SHOW = "show"
    MASK = "mask"
    WITHHOLD = "withhold"


@dataclass(frozen=True, slots=True, order=True)
class Find:
    """Personal data found in a text: where (characters, as given), what, how surely, by which layer."""

    start: int
    end: int
    entity: str
    score: float
    layer: str


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """The place of one message in the order of acceptance: the only order there is."""

    accept_seq: int
    index: int


class Identifier(NamedTuple):
    """A normalised identifier. Its `repr` never shows the value."""

    namespace: str
    value: str

    def __repr__(self) -> str:
        return f"Identifier(namespace={self.namespace!r}, value=<personal>)"


class Role(StrEnum):
    """What an actor may be; one actor may hold several roles, and the strictest word wins."""

    ADMIN = "admin"  # runs the house, reads no personal data, whatever other role they hold
    COMPLIANCE = "compliance"
    STEWARD = "steward"  # edits identity
    MARKETING = "marketing"
    SUPPORT = "support"
    SERVICE = "service"  # the platform's own jobs: worker, keeper
    SUBJECT = "subject"  # a person, about themselves
    SOURCE = "source"  # a write key of a browser or an app
    SERVER_SOURCE = "server_source"  # a write key in a server's hands
    READER = "reader"  # sees how the house is set up; the base of the staff's roles


class Resource(StrEnum):
    """What can be acted on."""

    PROFILE = "profile"
    SEGMENT = "segment"
    AUDIENCE = "audience"
    RELEASE = "release"
    INSIGHT = "insight"
    CONSENT = "consent"
    IDENTITY = "identity"
    SUBJECT = "subject"
    REQUEST = "request"
    AUDIT = "audit"
    CHANGE = "change"
    EVENT = "event"
    VERDICT = "verdict"
    QUARANTINE = "quarantine"
    IMPORT = "import"
    SOURCE = "source"
    CLIENT = "client"
    ACCOUNT = "account"
    NOTICE = "notice"
    PURPOSE = "purpose"
    CONTROLLER = "controller"
    RECIPIENT = "recipient"
    POLICY = "policy"
    JOB = "job"
    KEY = "key"
    LOG = "log"
    FINDING = "finding"


class Action(StrEnum):
    """What can be done to a resource."""

    READ = "read"
    READ_EXACT = "read-exact"
    READ_AS_CONTROLLER = "read-as-controller"  # for the house itself, not for a recipient
    WRITE = "write"
    RUN = "run"
    PREVIEW = "preview"
    MERGE = "merge"
    UNMERGE = "unmerge"
    ACCESS = "access"
    RECTIFY = "rectify"
    RESTRICT = "restrict"
    ERASE = "erase"
    CHANGE_BASIS = "change-basis"
    ROTATE = "rotate"
    SIGN = "sign"
    DECIDE = "decide"
    AGREE = "agree"  # puts lines of a purpose in force


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: an opaque reference, never a name; `roles` are words of the policy.

    `scopes` are those of the token that they came with, which only narrow; None: they came with none.
    `login` is who typed the command, as the machine knows them: it stands in the sealed detail of entries
    and nowhere else. Empty: nobody typed one.
    """

    ref: str
    roles: frozenset[str]
    kind: Literal["account", "client", "source", "system", "subject"]
    scopes: frozenset[str] | None = None
    login: str = field(default="", repr=False)
