"""What can be heard of an item that was refused: whom it names, and what it says of consent.

Read as leniently as can be, for nothing but a no is taken of it; and for refused items alone, so
it may be slow.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from cdp.collection.body import Batch, lenient
from cdp.collection.consent import Preferences, misplaced_consent, read_consent
from cdp.collection.message import TYPES, ExternalId, Message, Note

_IDS = ("userId", "anonymousId", "previousId")


def overheard(raw: bytes, batch: Batch, *, received_at: datetime, message_id: str | None) -> Message | None:
    """A message of which only names and consent are left; None where `raw` is no object."""
    item = _read(raw)
    if not isinstance(item, dict):
        return None
    contexts = [*objects(_read(bytes(batch.context))), *objects(item.get("context"))]
    consent = read_consent(*contexts)
    notes: tuple[Note, ...] = ()
    if consent is None and (consent := misplaced(raw)) is not None:
        notes = (Note.CONSENT_MISPLACED,)
    if consent is not None and not consent.clear:
        notes += (Note.CONSENT_UNCLEAR,)
    user_id, anonymous_id, previous_id = (_id(item.get(name)) for name in _IDS)
    kind = item.get("type")
    traits = item.get("traits")
    return Message(
        type=kind if isinstance(kind, str) and kind in TYPES else batch.path_type or "track",
        user_id=user_id,
        anonymous_id=anonymous_id,
        previous_id=previous_id,
        group_id=None,
        event=None,
        message_id=message_id,
        client_time=received_at,
        properties={},
        traits=traits if isinstance(traits, dict) else {},
        # Where a list stands for an object, whoever reads the names looks into it.
        context={
            "traits": [traits, *(context.get("traits") for context in contexts)],
            "externalId": [context.get("externalId") for context in contexts],
        },
        integrations={},
        consent=consent.categories if consent else None,
        external_ids=tuple(found for context in contexts for found in _external_ids(context)),
        identity_proof=None,
        notes=notes,
    )


def misplaced(raw: bytes) -> Preferences | None:
    """What a consent object says that stands where none belongs: beside the context, or in a text."""
    if _LIKE_CONSENT.search(raw) is None:
        return None
    try:
        return misplaced_consent(_unfolded(_read(raw)))
    except RecursionError:  # texts in texts may nest deeper than any body
        return Preferences({}, clear=False)


_LIKE_CONSENT = re.compile(rb"category_?preferences|(?:allowed|denied)_?consent_?ids", re.IGNORECASE)


def _unfolded(value: Any) -> Any:
    """`value` with what its texts hold that are JSON themselves."""
    if isinstance(value, dict):
        return {name: _unfolded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_unfolded(inner) for inner in value]
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        return _read(value.encode("utf-8", "surrogatepass"))
    return value


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects in a value that should be one: itself, or those in a list."""
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from objects(one)


def _read(raw: bytes) -> Any:
    try:
        return lenient(raw) if raw else None
    except (ValueError, RecursionError):
        return None


def _id(value: Any) -> str | None:
    if isinstance(value, list):  # such as of a name that is there twice
        return next((found for one in value if (found := _id(one)) is not None), None)
    # A truth value is an int to Python, and no id to anybody.
    readable = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if readable and str(value).strip() else None


def _external_ids(context: Mapping[str, Any]) -> Iterator[ExternalId]:
    for entry in objects(context.get("externalIds")):
        value, kind = _id(entry.get("id")), _id(entry.get("type"))
        if value is not None and kind is not None:
            yield ExternalId(id=value, type=kind, collection="users", encoding="none")
