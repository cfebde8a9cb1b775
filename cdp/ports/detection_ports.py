"""What governance offers of detection: the detector itself, and what is kept of its scans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from cdp.kernel.json_values import Json, JsonObject
from cdp.vocabulary import Find, FragmentId, Label
from cdp.work import Work


class Detector(Protocol):
    """Finds personal data in texts. Slow, and in a process of its own; never within a Work."""

    def scan(
        self,
        texts: Sequence[str],
        language: str = "en",
        regions: Sequence[str] = (),
        names: Sequence[str] = (),
    ) -> Sequence[list[Find] | str]:
        """The finds of each text, whose numbers are at home in `regions`; a word: it was not scanned.

        `names` are what the field of each text is called, which may say what it is; empty: nothing.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRow:
    """A statement or an event whose texts are to be scanned."""

    id: UUID
    label: Label
    fragment: FragmentId
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A find in a row: in which trait (0: in none), in which of the row's texts."""

    field: int
    leaf: int
    find: Find


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What a scan said of one row; `failed`: why it has to stay in quarantine."""

    row: SealedRow
    finds: Sequence[Placed] = ()
    failed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A find that is kept, and the last decision on it."""

    id: UUID
    row: SealedRow
    placed: Placed
    found_at: datetime
    version: int  # of the decision; 0: nobody has decided
    decision: str | None


class Scans(Protocol):
    """What was scanned, with which detector, what it found, and what people decided on it.

    A text of which nothing is kept was not scanned, and stays withheld.
    """

    @property
    def version(self) -> str:
        """Of the detector in force; what another one scanned counts as not scanned."""
        ...

    def texts(self, fields: Mapping[str, Json]) -> list[tuple[str, str]] | None:
        """(path, text) of every text in nested fields, in an order of their own; None: too many."""
        ...

    def redacted(self, fields: Mapping[str, Json], finds: Mapping[int, Sequence[Find]]) -> JsonObject:
        """Nested fields with each find, by the number of its text, replaced by the name of its entity."""
        ...

    def claim(self, rows: Sequence[SealedRow], *, work: Work) -> list[SealedRow]:
        """Put rows into quarantine until `settle`; those that are left, for a person may be erased."""
        ...

    def settle(self, scanned: Sequence[Scanned], *, work: Work) -> dict[str, int]:
        """Keep what scans said of claimed rows; how many rows are in which state now."""
        ...

    def overdue(self, limit: int, *, work: Work, quarantined: bool = False) -> list[SealedRow]:
        """Rows that another version scanned (`quarantined`: or that no scan got through), as if waiting."""
        ...

    def withheld(self, texts: Sequence[tuple[UUID, int]], *, work: Work) -> dict[tuple[UUID, int], str]:
        """Why (statement, trait) may not be shown; what is not in the answer may."""
        ...

    def of_rows(self, rows: Sequence[tuple[Label, UUID]], *, work: Work) -> dict[tuple[Label, UUID], Scanned]:
        """What the detector in force said of rows; those that it has not scanned are not in the answer.

        Finds that somebody decided not to be personal are left out.
        """
        ...

    def findings(
        self, *, undecided: bool, after: tuple[datetime, UUID] | None, limit: int, work: Work
    ) -> list[Finding]:
        """Findings of the detector in force, oldest first."""
        ...

    def decide(self, finding: UUID, decision: str, *, work: Work) -> Finding | None:
        """Append a decision; None: there is no such finding."""
        ...
