"""A row as it leaves the reader: what it says, what of it could not be used, and why it was rejected.

Values of people stand in `ImportRow` and `Rejected.no` only; both are safe to print.
"""

from collections.abc import Mapping as Values
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec


class NoObject:
    """What a row has where an object should hold the column: no value, and no clear yes either."""


NO_OBJECT = NoObject()


class Reason(StrEnum):
    """Why a row was rejected; the words of the file of rejects."""

    MALFORMED = "malformed"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    WRONG_NUMBER_OF_FIELDS = "wrong_number_of_fields"
    LINE_TOO_LONG = "line_too_long"
    INVALID_UTF8 = "invalid_utf8"
    NUL_BYTE = "nul_byte"
    WRONG_TYPE = "wrong_type"
    TOO_LONG = "too_long"
    MISSING = "missing"
    TOTAL_ROW = "total_row"
    FOOTNOTE = "footnote"
    SPREADSHEET_DAMAGE = "spreadsheet_damage"


class Loss(StrEnum):
    """What became of a value that could not be used while its row was taken, or its no heard."""

    UNKNOWN_WORD = "unknown_consent_word"  # counted as a no
    NO_CONTACT = "unusable_contact"
    NO_KEY = "no_key"
    SHARED = "shared_contact"  # `info@`: it is kept and may be written to, and joins nobody
    NO_NOTICE = "no_notice_seen"  # a yes from before any version was shown, or of nobody knows when
    NO_DATE = "no_date"
    NO_COUNTRY = "no_country"
    NO_NUMBER = "no_number"
    NO_VALUE = "no_single_value"  # a list or an object, where one value belongs
    DAMAGED = "spreadsheet_damage"  # 4.67E+10, where a long number was; #N/A


Losses = tuple[tuple[Loss, str], ...]  # each with its column


class Choice(msgspec.Struct, frozen=True):
    """What one consent column of the mapping (by its place there) says."""

    place: int
    given: bool
    agreed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Whom a rejected row names, as far as it can be read, and what it refuses; as in `ImportRow`."""

    identifiers: tuple[tuple[str, str], ...] = field(repr=False)
    choices: tuple[Choice, ...]
    beside: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not taken: its line (a Parquet file's row), the column at fault, and why.

    `no` is what it refuses all the same.
    """

    line: int
    field: str | None
    reason: Reason
    no: Refusal | None = None
    losses: Losses = ()


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as the file has it; only columns that the mapping names.

    `near` holds, of a row whose cells do not fit its header, all that may be a column's.
    `flaw` is why the row cannot be taken.
    """

    line: int
    values: Values[str, object] = field(repr=False)
    near: Values[str, Sequence[object]] | None = field(default=None, repr=False)
    flaw: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """A row by its mapping.

    `key` is the source's own id, the same in every export. `identifiers` are
    (namespace, raw value), the record's own first; they are not normalised yet. `columns`
    are those that they stand in. `beside` are contacts that stand in the wrong column: a no binds
    them, and nobody goes by them.
    """

    line: int
    key: str = field(repr=False)
    identifiers: tuple[tuple[str, str], ...] = field(repr=False)
    columns: tuple[str, ...]
    traits: dict[str, str] = field(repr=False)
    choices: tuple[Choice, ...] = ()
    served: bool = False  # the mapping's notice was served
    losses: Losses = ()
    beside: tuple[tuple[str, str], ...] = field(default=(), repr=False)
