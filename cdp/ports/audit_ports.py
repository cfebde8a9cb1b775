"""What the audit log offers: the only way in, and the way back for whom it concerns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypedDict
from uuid import UUID

from cdp.kernel.json_values import Json, JsonObject
from cdp.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What happened. No value of a person in it: words, opaque ids, numbers."""

    action: str  # source:subject:action
    outcome: str  # ok | refused | partial | unknown_treated_as_released | failed
    purpose: str = ""  # empty: that of the Work
    references: Sequence[bytes] = ()  # of the fragments that were shown or sent
    recipient: UUID | None = None  # of the register; who received what was sent
    policy_version: str = ""
    consent_version: str = ""
    notice_version: str = ""
    detail: Mapping[str, Json] = field(default_factory=dict)  # sealed, with a retention of its own


class EpochBundle(TypedDict):
    """An epoch of the log up to a checkpoint: its leaves and tiles in base64, its earlier checkpoints."""

    format: str
    checkpoint: str
    history: list[str]
    leaves: list[str]
    tiles: dict[str, str]


class LogBundle(EpochBundle):
    """An epoch, and those before it that its first leaf speaks of."""

    earlier: list[EpochBundle]


class ProvenEntry(TypedDict):
    """An entry's place in the log, its leaf in base64, and the hashes that lead from it to the root."""

    index: int
    leaf: str
    path: list[str]


# How a log extends a smaller one of itself; `from` is how many entries that had.
Consistency = TypedDict("Consistency", {"from": int, "path": list[str]})


class EntryBundle(TypedDict):
    """Single entries under a checkpoint, and that it extends an earlier one."""

    format: str
    checkpoint: str
    entries: list[ProvenEntry]
    consistency: Consistency


class AuditTrail(Protocol):
    """The only way into the audit log."""

    def record(self, entry: AuditEntry, *, work: Work) -> UUID:
        """Write an entry in the same transaction; if this fails, the action fails."""
        ...

    def count(self, action: str, outcome: str, *, work: Work) -> None:
        """Count what happens too often for an entry each; soon an entry says of each actor and minute
        how often. In the same transaction; if this fails, the action fails.
        """
        ...

    def proof(self, entry: UUID, *, work: Work) -> JsonObject | None:
        """Index, inclusion proof and signed checkpoint of an entry; None: not in the log yet."""
        ...

    def about(self, references: Sequence[bytes], *, work: Work) -> list[JsonObject]:
        """All entries of the signed log that name any of `references`, oldest first (for access requests)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What the signer last signed of an epoch of the log: a C2SP note of origin, size and root."""

    epoch: int
    size: int
    root: bytes
    note: str


class SignedLog(Protocol):
    """The signed log itself, for whoever proves elsewhere what it says."""

    def newest(self, *, work: Work) -> Checkpoint:
        """The newest checkpoint of the epoch that is being written. Raises `NotFound`: nothing is signed."""
        ...

    def bundle(self, epoch: int, *, most: int | None, work: Work) -> LogBundle:
        """An epoch, and those before it that its first leaf speaks of, as `audit/log/verifier.py` reads them.

        Raises `NotFound` where nothing of it is signed, `BadInput` if it has more than `most` entries.
        """
        ...

    def proof(self, entry: UUID, *, since: int | None, work: Work) -> EntryBundle:
        """One entry with its proof, and that the log extends the checkpoint of size `since` (None: the
        newest), as `audit/log/verifier.py` reads them. Raises `NotFound` where no checkpoint covers it yet,
        `BadInput` where none is of that size.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailQuery:
    """Which entries somebody looks for: all that is given must fit."""

    actor: str | None = None
    action: str | None = None
    purpose: str | None = None
    outcome: str | None = None
    recipient: UUID | None = None
    references: Sequence[bytes] | None = None  # of fragments, one of which an entry must name
    since: datetime | None = None
    until: datetime | None = None  # not itself
    facets: Sequence[str] = ()  # fields to count by
    limit: int = 50
    cursor: str | None = None  # where the page before ended


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailEntry:
    """One entry of the log, by its leaf's own words."""

    id: UUID
    epoch: int
    index: int
    at: datetime
    actor: str
    action: str
    purpose: str
    outcome: str
    recipient: UUID | None
    subjects: int
    policy_version: str | None
    consent_version: str | None
    notice_version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailPage:
    """Entries newest first, how many fit in all, and who found them.

    `engine` is `opensearch` or `postgresql`; `because` says why it was PostgreSQL. Entries up to
    `indexed_to` (epoch, index) are in OpenSearch; `behind` is how many are not there yet. Each entry
    is in the signed log. From `proved_from` on it is proved that none that fits is missing or counted too
    much: (0, 0) is the whole log, None no part of it; of what is older, `cdp audit verify` says it.
    """

    entries: Sequence[TrailEntry]
    total: int
    facets: Mapping[str, Mapping[str, int]]
    cursor: str | None  # of the next page; None: this was the last
    engine: str
    because: str | None
    indexed_to: tuple[int, int] | None
    behind: int
    proved_from: tuple[int, int] | None


class AuditSearch(Protocol):
    """Finding entries of the log."""

    def find(self, query: TrailQuery, *, work: Work) -> TrailPage:
        """A page of entries. Raises `BadInput`, naming the field, for what cannot be looked for."""
        ...
