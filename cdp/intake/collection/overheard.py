"""What can be heard of an item that was refused: whom it names, and what it says of consent.

Read as leniently as can be, for nothing but a no is taken of it; and for refused items alone, so
it may be slow.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from cdp.intake.collection.body import Batch, lenient
from cdp.intake.collection.consent_part import Preferences, misplaced_consent, read_consent
from cdp.intake.collection.message import TYPES, ExternalId, Message, Note
from cdp.kernel.json_values import Json

_IDS = ("userId", "anonymousId", "previousId")


def overheard(raw: bytes, batch: Batch, *, received_at: datetime, message_id: str | None) -> Message | None:
    """A message of which only names and consent are left; None where `raw` is no object."""
    written, shared = _only(_read(raw)) or {}, bytes(batch.context)
    item = _only(_unfolded(_read(raw)))
    if item is None:
        return None
    contexts = [*objects(_unfolded(_read(shared))), *objects(item.get("context"))]
    consent = read_consent(*objects(_read(shared)), *objects(written.get("context")))
    notes: tuple[Note, ...] = ()
    if consent is None and (consent := misplaced(raw) or misplaced(shared)) is not None:
        notes = (Note.CONSENT_MISPLACED,)
    if consent is not None and not consent.clear:
        notes += (Note.CONSENT_UNCLEAR,)
    ids = {name: list(dict.fromkeys(_ids(item, name, 0))) for name in _IDS}
    user_id, anonymous_id, previous_id = (next(iter(found), None) for found in ids.values())
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
            "traits": _as_objects([traits, *(context.get("traits") for context in contexts)]),
            "externalId": [
                context.get(name) for context in contexts for name in ("externalId", "externalIds")
            ],
        },
        integrations={},
        consent=consent.categories if consent else None,
        external_ids=(*_others(ids), *(found for context in contexts for found in _external_ids(context))),
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


def _unfolded(value: object) -> object:
    """`value` with what its texts hold that are JSON themselves."""
    if isinstance(value, dict):
        return {name: _unfolded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_unfolded(inner) for inner in value]
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        return _read(value.encode("utf-8", "surrogatepass"))
    return value


def objects(value: object) -> Iterator[Mapping[str, Json]]:
    """The objects in a value that should be one: itself, or those in a list."""
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from objects(one)


def _read(raw: bytes) -> object:
    try:
        return lenient(raw) if raw else None
    except (ValueError, RecursionError):
        return None


def _only(value: object) -> Mapping[str, Json] | None:
    """The object that a value is, or alone holds; of several nobody can tell whose words are whose."""
    found = list(objects(value))
    return found[0] if len(found) == 1 else None


def _as_objects(value: object) -> list[object]:
    """The values in lists, with a text that stands where an object should as what it may plainly be."""
    if isinstance(value, list):
        return [one for inner in value for one in _as_objects(inner)]
    return [{"email": value} if isinstance(value, str) else value]


_DEPTH = 4


def _ids(item: Mapping[str, Json], name: str, depth: int) -> Iterator[str]:
    """The ids of that name, in whatever spelling and object: its own first."""
    plain = name.lower()
    yield from _each(item.get(name))
    for key, value in item.items():
        if key != name and "".join(filter(str.isalnum, key)).lower() == plain:
            yield from _each(value)
    for key, value in item.items():
        if depth < _DEPTH and key not in _ABOUT_OTHERS:
            for inner in objects(value):
                yield from _ids(inner, name, depth + 1)


# What an event is about, and what a client wants done with it: whoever is named there may be anybody.
_ABOUT_OTHERS = frozenset({"properties", "integrations"})


def _each(value: object) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if (found := _id(one)) is not None:
            yield found


def _others(ids: Mapping[str, list[str]]) -> Iterator[ExternalId]:
    """Whoever else is named by a name that is there several times: of a no, nobody may be passed over."""
    for name, space in (("userId", "user_id"), ("anonymousId", "anonymous_id"), ("previousId", "user_id")):
        for value in ids[name][1:_MOST]:
            yield ExternalId(id=value, type=space, collection="users", encoding="none")


_MOST = 10


def _id(value: object) -> str | None:
    if isinstance(value, list):
        return next((found for one in value if (found := _id(one)) is not None), None)
    if isinstance(value, dict):
        return _id(value.get("id", value.get("value")))
    # A truth value is an int to Python, and no id to anybody.
    readable = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if readable and str(value).strip() else None


def _external_ids(context: Mapping[str, Json]) -> Iterator[ExternalId]:
    for entry in objects(context.get("externalIds")):
        value, kind = _id(entry.get("id")), _id(entry.get("type"))
        if value is not None and kind is not None:
            yield ExternalId(id=value, type=kind, collection="users", encoding="none")
