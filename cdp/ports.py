"""What the packages offer each other: the only way in which they know of one another.

`cdp` runs the business over these protocols; `identity`, `consent`, `governance`, `audit`
and `policies` implement them; `api/wiring.py` alone joins the two. Whatever composes in SQL
is offered as a selectable with labelled columns, so that nobody reads another package's
tables by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import FromClause
from sqlalchemy.orm import Session

from cdp.vocabulary import (
    Actor,
    Channel,
    ContactId,
    FieldClass,
    FragmentId,
    Identifier,
    IntentId,
    Label,
    NoticeId,
    Position,
    ProfileId,
    PurposeId,
    RecipientId,
    Scope,
    Show,
    SourceId,
    State,
    Trust,
    WorkspaceId,
)
from cdp.work import Work

# --- governance: keys, sealing, blind indexes, the catalogue --------------------------------


@dataclass(frozen=True, slots=True)
class BlindIndex:
    """A keyed hash of an identifier and the version of the key that made it."""

    version: int
    index: bytes


class Keys(Protocol):
    """The unwrapped keys of some fragments; they live no longer than one Work."""

    def seal(
        self, label: Label, row: UUID, fragment: FragmentId, parts: Mapping[FieldClass, Mapping[str, Any]]
    ) -> bytes:
        """Seal a row's fields, one envelope a class, into one bundle."""
        ...

    def open(
        self, label: Label, row: UUID, fragment: FragmentId, bundle: bytes, classes: frozenset[FieldClass]
    ) -> dict[FieldClass, dict[str, Any]]:
        """Open only the envelopes of `classes`. Raises `BrokenSeal`."""
        ...

    def reference(self, fragment: FragmentId) -> bytes:
        """The fragment's reference in the audit log; without its salt nobody can make it again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFingerprint:
    """A fragment key, told apart without being shown."""

    key: UUID
    fragment: FragmentId
    kek_version: int
    commitment: bytes


class Vault(Protocol):
    """Sealing and keyed hashing. Only key-encryption keys are cached."""

    def normalise(self, namespace: str, value: object, *, region: str | None) -> str | None:
        """The form in which an identifier is compared; None: it identifies nobody."""
        ...

    def message_macs(self, workspace: WorkspaceId, message_ids: Sequence[str]) -> list[bytes]:
        """HMACs under which message ids are remembered."""
        ...

    def source_secret(self, workspace: WorkspaceId, source: SourceId) -> bytes:
        """The secret under which a source proves its users' ids to browsers (`identityProof`)."""
        ...

    def indexes(self, workspace: WorkspaceId, identifiers: Sequence[Identifier]) -> list[BlindIndex]:
        """Blind indexes by the current key."""
        ...

    def every_index(
        self, workspace: WorkspaceId, identifiers: Sequence[Identifier]
    ) -> list[list[BlindIndex]]:
        """Blind indexes by every key that is still in use, the current one first."""
        ...

    def lasting_macs(
        self, workspace: WorkspaceId, identifiers: Sequence[Identifier]
    ) -> list[dict[str, bytes]]:
        """HMACs that outlive an erasure, by label: `suppression`, `journal`."""
        ...

    def keys(
        self,
        fragments: Sequence[FragmentId],
        *,
        work: Work,
        sealing: Mapping[FragmentId, int] | None = None,
    ) -> Keys:
        """Unwrap the keys of `fragments` in one query.

        `sealing` says how many envelopes will be sealed for each: those without a key get
        one, and full keys get successors. The caller holds the fragments' roots locked.
        """
        ...

    def fingerprints(self, fragments: Sequence[FragmentId], *, work: Work) -> list[KeyFingerprint]:
        """Every key of `fragments`, by what may be printed of it."""
        ...

    def blind_from(self, versions: Sequence[int], *, work: Work) -> datetime:
        """When the last of these key-encryption keys will have been destroyed: older backups are blind."""
        ...

    def seal_body(
        self, workspace: WorkspaceId, body: bytes, *, received_at: datetime, work: Work
    ) -> tuple[UUID, bytes]:
        """Seal a request whole under the hour's inbox key: (key id, ciphertext)."""
        ...

    def open_bodies(self, sealed: Sequence[tuple[UUID, bytes]], *, work: Work) -> list[bytes]:
        """Open what `seal_body` sealed. Raises `BrokenSeal`."""
        ...

    def seal_detail(self, workspace: WorkspaceId, entry: UUID, detail: bytes) -> bytes:
        """Seal the detail of an audit entry under the workspace's own detail key."""
        ...

    def open_detail(self, workspace: WorkspaceId, entry: UUID, sealed: bytes) -> bytes:
        """Open what `seal_detail` sealed. Raises `BrokenSeal`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """A field of a person that somebody has classified. `id` is stored and never reused."""

    id: int
    name: str
    field_class: FieldClass
    namespace: str | None = None  # set where the value is also an identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A typed fact, to segment on: from `event` (None: any) and `property`, as number or word."""

    id: int
    name: str
    event: str | None
    property: str | None
    kind: str  # number | word | count


class Catalogue(Protocol):
    """What is known of fields: their class, and which facts may stand in clear."""

    def trait(self, name: str) -> Trait | None:
        """The trait of that name or alias; None: unclassified."""
        ...

    def trait_by_id(self, trait: int) -> Trait:
        """The trait of that stored number. Raises `NotFound`."""
        ...

    def classify(
        self, kind: str, event: str | None, fields: Mapping[str, Any]
    ) -> dict[FieldClass, dict[str, Any]]:
        """Divide an event's or statement's fields by class; the unknown are `UNCLASSIFIED`."""
        ...

    def attributes(self) -> Sequence[Attribute]:
        """The reviewed facts."""
        ...

    def event_in_clear(self, name: str) -> bool:
        """Whether an event's name is one of the Segment spec's or the tracking plan's."""
        ...


class Journal(Protocol):
    """What a restore must not bring back, on storage beside the database."""

    def write(self, kind: str, payloads: Sequence[Mapping[str, Any]], *, work: Work) -> list[UUID]:
        """Append lines (`negative` or `erasure`; ids and HMACs only) with one fsync; their ids.

        The database notes the journal's length in the same Work.
        """
        ...


class Jobs(Protocol):
    """Work for later, deferred in the transaction that makes it necessary."""

    def defer(
        self, name: str, *, session: Session, after: timedelta = timedelta(0), **ids: UUID | int
    ) -> None:
        """Defer the job `name` with `ids`, to run once `after` has passed."""
        ...


class Signer(Protocol):
    """An Ed25519 key of one use."""

    @property
    def name(self) -> str:
        """The key's id in what it signs."""
        ...

    @property
    def public_key(self) -> bytes:
        """32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        ...


# --- audit ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What happened. No value of a person in it: words, opaque ids, numbers."""

    action: str  # source:subject:action
    outcome: str  # ok | refused | partial | unknown_treated_as_released | failed
    purpose: str = ""  # empty: that of the Work
    references: Sequence[bytes] = ()  # of the fragments that were shown or sent
    policy_version: str = ""
    consent_version: str = ""
    notice_version: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)  # sealed, with a retention of its own


class AuditTrail(Protocol):
    """The only way into the audit log."""

    def record(self, entry: AuditEntry, *, work: Work) -> UUID:
        """Write an entry in the same transaction; if this fails, the action fails."""
        ...

    def proof(self, entry: UUID, *, work: Work) -> dict[str, Any] | None:
        """Index, inclusion proof and signed checkpoint of an entry; None: not in the log yet."""
        ...

    def about(self, references: Sequence[bytes], *, work: Work) -> list[dict[str, Any]]:
        """The entries that name any of `references`, oldest first (for access requests)."""
        ...


# --- identity -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where data comes from."""

    id: SourceId
    name: str
    priority: int
    authoritative: bool
    obtained: str
    controller_id: UUID
    categories: Mapping[str, tuple[str, str | None]]  # consent category -> (purpose name, channel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """That a fragment goes by an identifier, and how far that is believed."""

    identifier: Identifier
    trust: Trust
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One accepted message, for identity: whose it is and what else it names."""

    position: Position
    received_at: datetime
    source: Source
    own: Identifier  # the fragment it belongs to is (source, own)
    own_trust: Trust  # VERIFIED, or ASSERTED from a public key
    claims: Sequence[Claim] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a message landed. `contacts` maps each identifier of the evidence to its contact."""

    fragment: FragmentId
    contacts: Mapping[Identifier, ContactId]
    erased: bool = False  # it names somebody who was erased after it was accepted: drop it
    new_contacts: frozenset[ContactId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a source says of a person: sealed already, with the traits that it holds."""

    id: UUID
    fragment: FragmentId
    source: Source
    kind: str  # record | traits
    trust: Trust
    position: Position
    received_at: datetime
    traits: Sequence[int]
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenValue:
    """A pointer to the statement whose value wins for a trait, with its lineage."""

    profile: ProfileId
    trait: int
    rank: int
    statement: UUID
    fragment: FragmentId
    source: SourceId
    received_at: datetime
    trust: Trust
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a batch landed: one `Placed` for each evidence, in its order."""

    placed: Sequence[Placed]
    regrouped: frozenset[ProfileId]  # roots, old and new, of every fragment whose component changed


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStatement:
    """A statement as it is kept."""

    id: UUID
    fragment: FragmentId
    source: SourceId
    kind: str
    trust: Trust
    received_at: datetime
    sealed: bytes = field(repr=False)


class Identity(Protocol):
    """Fragments, contacts, components, golden pointers."""

    def place(self, evidence: Sequence[Evidence], *, work: Work) -> Placement:
        """Record the claims of a batch, lock the touched roots, join components anew.

        Golden pointers of regrouped profiles are made anew too. Locks are kept until the
        Work ends.
        """
        ...

    def state(self, statements: Sequence[Statement], *, work: Work) -> None:
        """Append statements and point the touched profiles' golden values anew."""
        ...

    def addresses(
        self, pairs: Sequence[tuple[FragmentId, ContactId]], *, work: Work
    ) -> dict[tuple[FragmentId, ContactId], bytes]:
        """The sealed addresses (bundles labelled `address`) of those pairs that have one."""
        ...

    def keep_addresses(self, sealed: Mapping[tuple[FragmentId, ContactId], bytes], *, work: Work) -> None:
        """Keep addresses that are not kept yet."""
        ...

    def touched(self, fragments: Sequence[FragmentId], *, work: Work) -> list[ProfileId]:
        """The profiles of `fragments`, those they lend behaviour to included."""
        ...

    def contacts(self) -> FromClause:
        """(workspace_id, profile_id, core_id, contact_id, namespace, fragment_id), verified only."""
        ...

    def members(self) -> FromClause:
        """(workspace_id, fragment_id, core_id, profile_id, lends_to)."""
        ...

    def contact_of(self, identifier: Identifier, *, work: Work) -> ContactId | None:
        """The contact of a normalised identifier, by every version of the index."""
        ...

    def contacts_of(self, identifiers: Sequence[Identifier], *, work: Work) -> Mapping[Identifier, ContactId]:
        """The contacts of those normalised identifiers that are known, in one query."""
        ...

    def known_as(self, contacts: Sequence[ContactId], *, work: Work) -> Mapping[ContactId, ProfileId]:
        """The profiles of the fragments that some source knows under one of these identifiers."""
        ...

    def namespaces(self, *, work: Work) -> Sequence[str]:
        """The namespaces of the identifiers by which sources know people."""
        ...

    def profiles_of(self, contact: ContactId, *, work: Work) -> list[ProfileId]:
        """Who goes by a contact on verified evidence."""
        ...

    def resolve(self, fragment: UUID, *, work: Work) -> ProfileId | None:
        """The profile that a fragment id belongs to now; None: unknown or erased."""
        ...

    def fragments_of(self, profile: ProfileId, *, core_only: bool, work: Work) -> list[FragmentId]:
        """The fragments of a profile, by id; `core_only`: those on verified links."""
        ...

    def lock(self, profiles: Sequence[ProfileId], *, work: Work) -> None:
        """Lock the root rows FOR UPDATE in id order until the Work ends."""
        ...

    def golden(
        self, profiles: Sequence[ProfileId], traits: Sequence[int], *, work: Work
    ) -> list[GoldenValue]:
        """The winning statements of `traits` (all if empty) for `profiles`."""
        ...

    def statements(self, fragments: Sequence[FragmentId], *, work: Work) -> list[StoredStatement]:
        """All statements of `fragments`, oldest first (for access requests)."""
        ...

    def goes_by(self, fragments: Sequence[FragmentId], *, work: Work) -> dict[ContactId, tuple[str, bool]]:
        """The contacts that `fragments` claim: namespace, and whether nobody else claims it."""
        ...

    def separate(self, a: FragmentId, b: FragmentId, *, work: Work) -> frozenset[ProfileId]:
        """Un-merge: these two fragments are never the same person; the regrouped profiles.

        Raises `NotFound` for an unknown fragment.
        """
        ...


# --- consent --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody wants to do."""

    purpose: str  # name
    channel: Channel | None  # None: use of traits, no sending
    recipient: str | None  # name; None: the controller itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a word: whether it counts, and the entry that refused it if not."""

    entry: UUID
    counted: bool
    covered_by: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFacts:
    """What the gate must know of a person in clear; None is the strictest."""

    core: ProfileId
    country: str | None  # ISO 3166-1 alpha-2 of residence
    region: str | None  # ISO 3166-2 subdivision, e.g. US-CA
    born: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Evidence of a basis other than consent."""

    fragment: FragmentId
    kind: str  # order | account | sale | notice
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

    def describe(self, persons: Sequence[PersonFacts], *, work: Work) -> None:
        """Derive laws and age band and keep them for the gate."""
        ...

    def history(
        self, fragments: Sequence[FragmentId], contacts: Sequence[ContactId], *, work: Work
    ) -> list[dict[str, Any]]:
        """Words that these fragments said or that bind these contacts, oldest first.

        For the person: what another holder of a shared contact said is there as a refusal
        of the contact, without who said it.
        """
        ...

    def refused_grants(self, *, work: Work) -> list[dict[str, Any]]:
        """Re-grants that a negative word refused, counted per source, with the newest entry."""
        ...

    def recipient(self, name: str, *, work: Work) -> RecipientId:
        """The id of a recipient. Raises `NotFound`."""
        ...

    def suppress(self, contacts: Sequence[tuple[ContactId, Identifier]], *, work: Work) -> None:
        """Give new contacts the negative words that outlived an erasure or a restore."""
        ...

    def purposes(self, *, work: Work) -> Mapping[str, PurposeId]:
        """The workspace's purposes by name, the reserved ones included."""
        ...

    def needs_contact(self, *, work: Work) -> frozenset[PurposeId]:
        """The purposes whose evidence is asked at the very contact that is used."""
        ...

    def notices(self, *, work: Work) -> Mapping[str, NoticeId]:
        """The newest version of each notice by name."""
        ...


class Gate(Protocol):
    """The only way a contact enters an audience."""

    def permitted(self, ask: Ask, *, at: datetime | None, contacts: FromClause, work: Work) -> Any:
        """`Select(profile_id, contact_id)` of those of `contacts` that `ask` may reach.

        `contacts` has the columns of `Identity.contacts()`. `at` None: `clock_timestamp()`.
        """
        ...

    def explained(self, ask: Ask, *, at: datetime | None, contacts: FromClause, work: Work) -> Any:
        """`Select(profile_id, contact_id, reason, entry_id)`; reason null: permitted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """That a batch is about to be sent; committed before anybody reads the gate."""

    id: IntentId
    send_before: datetime
    deadline: float  # of the sender's monotonic clock, taken before the intent was written


class Intents(Protocol):
    """Intent before reading, drain before acknowledging (each in a Work of its own)."""

    def declare(
        self,
        *,
        release: UUID,
        ask: Ask,
        recipient: RecipientId,
        purpose: PurposeId,
        fragments: Sequence[FragmentId],
        contacts: Sequence[ContactId],
        traits: Sequence[int],
        work: Work,
    ) -> Intent:
        """Write the intent; the caller commits before it reads membership or the gate."""
        ...

    def settle(self, intent: IntentId, *, outcome: str, sent: int, work: Work) -> bool:
        """Write the outcome once; false if somebody (the sweeper) already had."""
        ...

    def waiting(self, *, fragments: Sequence[FragmentId], contacts: Sequence[ContactId], work: Work) -> bool:
        """Whether an intent that names any of them may still send."""
        ...

    def naming(self, fragments: Sequence[FragmentId], *, work: Work) -> list[dict[str, Any]]:
        """What was sent of these fragments: recipient, purpose, channel, traits, time, outcome."""
        ...

    def sweep(self, *, work: Work) -> list[IntentId]:
        """Settle what is past its deadline as `unknown_treated_as_released`."""
        ...


# --- policies -------------------------------------------------------------------------------


class Policies(Protocol):
    """Who may do what, decided once a request."""

    @property
    def version(self) -> str:
        """Of the policy in force."""
        ...

    def allows(self, actor: Actor, resource: str, action: str) -> bool:
        """Whether a role of the actor may; unknown words may not."""
        ...

    def column_plan(self, actor: Actor, purpose: str) -> Mapping[FieldClass, Show]:
        """What the actor sees of each class for that purpose; total, default WITHHOLD."""
        ...

    def mask(self, field_class: FieldClass, name: str, value: Any) -> str:
        """The masked form of a value."""
        ...


# --- erasure --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Whom to forget: fragments with everything they own, and contacts that nobody else holds."""

    fragments: Sequence[FragmentId]
    contacts: Sequence[ContactId]  # held by these fragments alone
    watermark: int  # the newest accept_seq at the time of erasure
    # Opened for this Work alone, so that suppressions can be kept as HMACs; never printed.
    identifiers: Mapping[ContactId, Identifier] = field(default_factory=dict, repr=False)


class Erasable(Protocol):
    """How one package forgets, and proves it.

    `tables` (`schema.name`) are emptied of the person; `retained` name somebody by id only
    and stay, each with its ground. A test finds every table with a fragment, contact or
    profile column in exactly one of them.
    """

    @property
    def tables(self) -> frozenset[str]:
        """The tables that are emptied of the person."""
        ...

    @property
    def retained(self) -> Mapping[str, str]:
        """The tables that stay, each with its ground."""
        ...

    def erase(self, whom: Forgotten, *, work: Work) -> dict[str, int]:
        """Delete; rows deleted by table."""
        ...

    def residue(self, whom: Forgotten, *, work: Work) -> dict[str, int]:
        """Rows still there by table: all zero after `erase`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that the business runs on, joined in `api/wiring.py`."""

    vault: Vault
    catalogue: Catalogue
    journal: Journal
    jobs: Jobs
    receipts: Signer
    certificates: Signer
    audit: AuditTrail
    identity: Identity
    ledger: Ledger
    gate: Gate
    intents: Intents
    policies: Policies
    erasables: Sequence[Erasable]
