"""What governance offers: keys and sealing, keyed hashes, the catalogue, journal, signers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol
from uuid import UUID

from cdp.kernel.errors import BrokenSeal
from cdp.kernel.json_values import Json, JsonObject
from cdp.vocabulary import (
    CONTACTS,
    ContactId,
    EndpointId,
    FieldClass,
    FragmentId,
    Identifier,
    Label,
    SourceId,
    WorkspaceId,
)
from cdp.work import Work


@dataclass(frozen=True, slots=True)
class BlindIndex:
    """A keyed hash of an identifier and the version of the key that made it."""

    version: int
    index: bytes


class KeyMissing(BrokenSeal, http=False):
    """A sealed value does not open."""

    # Told apart from other broken seals inside alone: the person may have been erased since the
    # value was read, and whoever reads again finds nothing of it (`cdp/rereading.py`).


class BodyUse(StrEnum):
    """What a body is that is sealed whole: one of one use is none of another."""

    REQUEST = "request"  # in the inbox, and in quarantine
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class BodyPlace:
    """Where a body belongs: its use, and what its row says of it. It opens there and nowhere else."""

    use: BodyUse
    said: tuple[bytes, ...] = field(repr=False)


class Keys(Protocol):
    """The unwrapped keys of some fragments; they live no longer than one Work."""

    def seal(
        self, label: Label, row: UUID, fragment: FragmentId, parts: Mapping[FieldClass, Mapping[str, Json]]
    ) -> bytes:
        """Seal a row's fields, one envelope a class, into one bundle."""
        ...

    def open(
        self, label: Label, row: UUID, fragment: FragmentId, bundle: bytes, classes: frozenset[FieldClass]
    ) -> dict[FieldClass, JsonObject]:
        """Open only the envelopes of `classes`. Raises `BrokenSeal`, or as one `KeyMissing`."""
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

    def endpoint_secret(
        self, workspace: WorkspaceId, endpoint: EndpointId, version: int | None = None
    ) -> tuple[int, bytes]:
        """(version, 32 bytes): what messages to an endpoint are signed with; None: a new endpoint's."""
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
        self, place: BodyPlace, body: bytes, *, received_at: datetime, work: Work
    ) -> tuple[UUID, bytes]:
        """Seal a body whole, compressed, for `place` under the hour's inbox key: (key id, ciphertext)."""
        ...

    def open_bodies(self, sealed: Sequence[tuple[BodyPlace, UUID, bytes]], *, work: Work) -> list[bytes]:
        """Open what `seal_body` sealed for these places: (place, key id, ciphertext). Raises `BrokenSeal`."""
        ...

    def seal_link(self, workspace: WorkspaceId, contact: ContactId, identifier: Identifier) -> bytes:
        """Seal what a contact is, for its unsubscribe links, by a root that is kept for ever."""
        ...

    def open_link(self, workspace: WorkspaceId, contact: ContactId, sealed: bytes) -> Identifier:
        """Open what `seal_link` sealed. Raises `BrokenSeal`."""
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

    @property
    def envelope(self) -> FieldClass:
        """The class that its values are sealed under: contacts are sealed together, and permitted apart."""
        return FieldClass.CONTACT if self.field_class in CONTACTS.values() else self.field_class


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """A typed fact, to segment on: from `event` (None: any) and `property`, as number or word.

    `field_class` is what the policy says of it: for a purpose it is compared by whom it is shown to.
    `values`: the only ones that it has, in order; None: any of its kind.
    """

    id: int
    name: str
    field_class: FieldClass
    event: str | None
    property: str | None
    kind: Literal["number", "word", "count"]
    values: tuple[float, ...] | None = None


class Catalogue(Protocol):
    """What is known of fields: their class, and which facts may stand in clear."""

    def trait(self, name: str) -> Trait | None:
        """The trait of that name or alias; None: unclassified."""
        ...

    def traits(self) -> Mapping[str, Trait]:
        """Every trait by its name, and by each alias."""
        ...

    def trait_by_id(self, trait: int) -> Trait:
        """The trait of that stored number. Raises `NotFound`."""
        ...

    def classify(
        self, kind: str, event: str | None, fields: Mapping[str, Json]
    ) -> dict[FieldClass, JsonObject]:
        """Divide an event's or statement's fields by class; the unknown are `UNCLASSIFIED`."""
        ...

    def holds(self, trait: Trait, value: object) -> bool:
        """Whether a stored value is of its trait's kind by what is known today."""
        ...

    def attributes(self) -> Sequence[Attribute]:
        """The reviewed facts."""
        ...

    def event_in_clear(self, name: str) -> bool:
        """Whether an event's name is one of the Segment spec's or the tracking plan's."""
        ...


class Journal(Protocol):
    """What a restore must not bring back, on storage beside the database."""

    def write(self, kind: str, payloads: Sequence[Mapping[str, object]], *, work: Work) -> list[UUID]:
        """Append lines (`negative` or `erasure`; ids and HMACs only) with one fsync; their ids.

        The database notes the journal's length in the same Work.
        """
        ...

    def close(self) -> None:
        """Let go of the file that is being written, so that it can be trimmed when it is old."""
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
