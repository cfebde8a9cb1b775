"""A row as it leaves the reader, and how a file's values become one.

Values of people stand in `ImportRow` only; it and `Rejected` are safe to print.
"""

import hashlib
import math
from collections.abc import Mapping as Values
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from cdp.importing.mapping import VALUE_LENGTH, Mapping

_YES = frozenset({"true", "1", "yes", "y"})
_NO = frozenset({"false", "0", "no", "n"})


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
    BAD_DATE = "bad_date"
    NOT_A_BOOLEAN = "not_a_boolean"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not taken: its line (a Parquet file's row), the column at fault, and why."""

    line: int
    field: str | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as the file has it; only columns that the mapping names."""

    line: int
    values: Values[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """A row by its mapping.

    `key` is the source's own id, the same in every export. `identifiers` are
    (namespace, raw value), the record's own first; they are not normalised yet.
    `opt_in` is None where the row or the mapping says nothing.
    """

    line: int
    key: str = field(repr=False)
    identifiers: tuple[tuple[str, str], ...] = field(repr=False)
    traits: dict[str, str] = field(repr=False)
    opt_in: bool | None = None

    def digest(self) -> bytes:
        """SHA-256 of all that the row says, the same for the same content.

        It can be guessed from the content: keep an HMAC of it, never the digest itself.
        """
        said = (self.identifiers, sorted(self.traits.items()), self.opt_in)
        return hashlib.sha256(msgspec.json.encode(said)).digest()


class _Unfit(Exception):
    """A value on its way to becoming `Rejected`."""

    def __init__(self, column: str, reason: Reason) -> None:
        super().__init__(column, reason)
        self.column = column
        self.reason = reason


def convert(row: RawRow, mapping: Mapping) -> ImportRow | Rejected:
    """`row` by `mapping`. Empty values are absent; one unfit value rejects the row."""
    try:
        texts = {column: _text(row.values.get(column), column) for column in mapping.columns}
        for column, form in mapping.dates.items():
            texts[column] = _day(row.values.get(column), texts[column], form, column)
        key = texts[mapping.identifier.column]
        if key is None:
            raise _Unfit(mapping.identifier.column, Reason.MISSING)
        opt_in = _opt_in(texts[mapping.opt_in.column], mapping.opt_in.column) if mapping.opt_in else None
    except _Unfit as unfit:
        return Rejected(row.line, unfit.column, unfit.reason)
    found = ((space, texts[column]) for column, space in mapping.identifiers.items())
    return ImportRow(
        line=row.line,
        key=key,
        identifiers=((mapping.identifier.namespace, key), *((space, text) for space, text in found if text)),
        traits={
            **mapping.constants,
            **{trait: text for column, trait in mapping.traits.items() if (text := texts[column])},
        },
        opt_in=opt_in,
    )


def _text(value: object, column: str) -> str | None:
    if isinstance(value, str):
        text = value.strip()
    elif value is None:
        return None
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, date):
        text = value.isoformat()
    elif isinstance(value, int | float | Decimal) and math.isfinite(value):
        text = str(value)
    else:
        raise _Unfit(column, Reason.WRONG_TYPE)
    if "\0" in text:
        raise _Unfit(column, Reason.NUL_BYTE)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise _Unfit(column, Reason.INVALID_UTF8)
    if len(text) > VALUE_LENGTH:
        raise _Unfit(column, Reason.TOO_LONG)
    return text or None


def _day(value: object, text: str | None, form: str, column: str) -> str | None:
    """A day as ISO 8601; a Parquet file may hold it as one already."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if text is None or isinstance(value, date):
        return text
    try:
        return datetime.strptime(text, form).date().isoformat()  # noqa: DTZ007 - a day has no zone.
    except ValueError:
        raise _Unfit(column, Reason.BAD_DATE) from None


def _opt_in(text: str | None, column: str) -> bool | None:
    if text is None:
        return None
    word = text.lower()
    if word in _YES or word in _NO:
        return word in _YES
    raise _Unfit(column, Reason.NOT_A_BOOLEAN)
