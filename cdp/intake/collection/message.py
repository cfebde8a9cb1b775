"""What a parsed message is, and what a refused one says about itself.

Both print without any value that a person may have typed.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

TYPES = frozenset({"identify", "track", "page", "screen", "group", "alias"})


class Reason(StrEnum):
    """Why an item was refused; the words that a verdict shows."""

    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING = "missing"
    WRONG_TYPE = "wrong_type"
    UNKNOWN = "unknown"
    CONTRADICTS_PATH = "contradicts_path"
    TOO_LONG = "too_long"
    TOO_MANY_KEYS = "too_many_keys"
    TOO_MANY_ITEMS = "too_many_items"
    TOO_DEEP = "too_deep"
    NUL_BYTE = "nul_byte"
    INVALID_UTF8 = "invalid_utf8"
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    TOO_LARGE = "too_large"
    REPEATED_NAME = "repeated_name"  # beside a consent, which the strict reader might have lost


class Note(StrEnum):
    """What else became of an item, whatever its verdict; the words that a verdict shows."""

    TIME_READ_LENIENTLY = "time_read_leniently"  # it was no ISO 8601, and has one meaning all the same
    TIME_OF_RECEIPT = "time_of_receipt"  # no time of it can be read, so it happened when it came
    SENT_AT_IGNORED = "sent_at_ignored"  # it cannot be read, so the client's clock is not corrected
    CONSENT_UNCLEAR = "consent_unclear"  # something in its consent was no clear yes, and counts as no
    CONSENT_MISPLACED = "consent_misplaced"  # it stands elsewhere than in the context: only its no counts
    REFUSAL_HEARD = "refusal_heard"  # it was refused, but what it says no to holds
    REFUSAL_BINDS_NOBODY = "refusal_binds_nobody"  # it says no, and names nobody who can be read


class ExternalId(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `context.externalIds`: an identifier in a namespace that the sender names."""

    id: str
    type: str
    collection: str
    encoding: str

    def __repr__(self) -> str:
        return "ExternalId(<personal>)"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted message.

    `client_time` is when it happened by the sender's word, corrected for its clock and
    clamped; it orders nothing. `consent` is None where nothing was said. `context` is
    the merged one without consent, external ids and identity proof, which have fields
    of their own here. A number sent as an id is kept as its digits.
    """

    type: str
    user_id: str | None
    anonymous_id: str | None
    previous_id: str | None
    group_id: str | None
    event: str | None
    message_id: str | None
    client_time: datetime
    properties: dict[str, Any]
    traits: dict[str, Any]
    context: dict[str, Any]
    integrations: dict[str, Any]
    consent: dict[str, bool] | None
    external_ids: tuple[ExternalId, ...]
    identity_proof: str | None
    notes: tuple[Note, ...] = ()

    def __repr__(self) -> str:
        return f"Message(type={self.type!r}, <personal>)"


class Invalid(msgspec.Struct, frozen=True, kw_only=True):
    """One refused item: a reason, our name of the field at fault, and its messageId if that is sound.

    `field` is a path of names from the specification, never a key or value of the sender's.
    `heard` is whom it names and what it says of consent, of which a no counts all the same.
    """

    reason: Reason
    field: str | None
    message_id: str | None = None
    heard: Message | None = None

    def __repr__(self) -> str:
        return f"Invalid(reason={str(self.reason)!r}, field={self.field!r})"
