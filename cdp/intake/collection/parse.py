"""From raw items to messages: every item gets a verdict, and nothing raises.

What is refused is kept as a verdict (`docs/wire.md`), so a flaw is a value here.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from cdp.intake.collection.body import EVENT_BYTES, Batch, lenient
from cdp.intake.collection.checks import Flaw, flaw, suspicious
from cdp.intake.collection.consent_part import DIALECTS, read_consent
from cdp.intake.collection.event_times import instant, iso
from cdp.intake.collection.message import TYPES, ExternalId, Invalid, Message, Note, Reason
from cdp.intake.collection.overheard import misplaced, overheard
from cdp.kernel.json_values import JsonObject
from cdp.kernel.repeated_names import repeats

ID_LENGTH = 255
MESSAGE_ID_LENGTH = 100
NAME_LENGTH = 255
PROOF_LENGTH = 255
TRAITS = 300
EXTERNAL_IDS = 100
OLDEST = timedelta(days=3652)  # ten years


class _Wire(msgspec.Struct, rename="camel"):
    """An item as the specification types it; unknown keys are passed over."""

    type: str | None = None
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    previous_id: str | int | None = None
    group_id: str | int | None = None
    message_id: str | int | None = None
    timestamp: Any = None
    original_timestamp: Any = None
    sent_at: Any = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    integrations: dict[str, Any] | None = None


class _Shared(msgspec.Struct):
    """What the request said for all its items."""

    context: dict[str, Any]
    integrations: dict[str, Any]
    sent_at: Any


T = TypeVar("T")
_wire = msgspec.json.Decoder(_Wire)
_objects = msgspec.json.Decoder(dict[str, Any] | None)
_FIELD = re.compile(r"`\$\.(\w+)")
# A time is read or passed over, and kept in no other form, so no flaw of one matters.
_TIMES = frozenset({"timestamp", "originalTimestamp", "sentAt"})
_NAMES = {
    field.encode_name: field.name
    for field in msgspec.structs.fields(_Wire)
    if field.encode_name not in _TIMES
}
# These leave the context: they are evidence and credentials, with fields of their own.
_LIFTED = ("consent", "consentManagement", "externalIds", "identityProof")


def parse(batch: Batch, *, received_at: datetime) -> list[Message | Invalid]:
    """A verdict for each item of `batch`, in order; `received_at` is the server's, aware.

    Never raises: any JSON gives a `Message` or an `Invalid` that names the field.
    """
    try:
        shared = _read_shared(batch)
    except Flaw as found:
        return [_invalid(found, bytes(item), batch, received_at) for item in batch.items]
    return [_parse_item(bytes(item), batch, shared, received_at) for item in batch.items]


def _parse_item(raw: bytes, batch: Batch, shared: _Shared, received_at: datetime) -> Message | Invalid:
    try:
        if len(raw) > EVENT_BYTES:
            raise Flaw(Reason.TOO_LARGE, None)
        if _speaks_twice(raw):
            raise Flaw(Reason.REPEATED_NAME, None)
        wire = _read_item(raw)
        return _message(wire, raw, batch.path_type, shared, received_at)
    except Flaw as found:
        return _invalid(found, raw, batch, received_at)


def _speaks_twice(raw: bytes) -> bool:
    """Whether JSON that may hold a consent has a name twice, so that the strict reader could lose a no."""
    return b"onsent" in raw and repeats(raw.decode("utf-8", "surrogateescape"))


def _message(
    wire: _Wire, raw: bytes, path_type: str | None, shared: _Shared, received_at: datetime
) -> Message:
    kind = _type(wire, path_type)
    user_id = _id(wire.user_id, "userId")
    anonymous_id = _id(wire.anonymous_id, "anonymousId")
    previous_id = _id(wire.previous_id, "previousId")
    group_id = _id(wire.group_id, "groupId")
    if kind == "alias":
        _need(user_id, "userId")
        _need(previous_id, "previousId")
    else:
        _need(user_id or anonymous_id, "userId")
    if kind == "group":
        _need(group_id, "groupId")
    context = {**shared.context, **(wire.context or {})}
    consent = read_consent(shared.context, wire.context or {})
    external_ids = _external_ids(context.get("externalIds"))
    proof = _proof(context.get("identityProof"))
    for name in _LIFTED:
        context.pop(name, None)
    _check_context_traits(context)
    traits = wire.traits or {}
    if kind == "identify" and not traits and "traits" in (wire.context or {}):
        # RudderStack's clients write an identify's traits there. The item's own alone: what a
        # batch says for all of its items describes nobody in particular.
        traits = context.pop("traits") or {}
    client_time, notes = _client_time(wire, shared, received_at)
    if consent is None and (consent := misplaced(raw)) is not None:
        notes += (Note.CONSENT_MISPLACED,)
    if consent is not None and not consent.clear:
        notes += (Note.CONSENT_UNCLEAR,)
    return Message(
        type=kind,
        user_id=user_id,
        anonymous_id=anonymous_id,
        previous_id=previous_id,
        group_id=group_id,
        event=_event(wire, kind),
        message_id=_id(wire.message_id, "messageId", MESSAGE_ID_LENGTH),
        client_time=client_time,
        properties=_properties(wire),
        traits=_limited(traits, "traits"),
        context=context,
        integrations={**shared.integrations, **(wire.integrations or {})},
        consent=consent.categories if consent else None,
        external_ids=external_ids,
        identity_proof=proof,
        notes=notes,
    )


def _read_item(raw: bytes) -> _Wire:
    try:
        wire = _wire.decode(raw)
    except msgspec.ValidationError as error:
        raise _diagnosed(raw, error) from None
    except (ValueError, RecursionError):
        return _mended(raw)
    if suspicious(raw):
        _raise_flaws({name: getattr(wire, attribute) for name, attribute in _NAMES.items()})
    return wire


def _mended(raw: bytes) -> _Wire:
    """What `raw` says where only its times or its consent are no strict JSON; else raises `Flaw`."""
    flawed = _diagnosed(raw, None)
    if flawed.reason is not Reason.NOT_JSON:
        raise flawed
    try:
        return msgspec.convert(lenient(raw), _Wire)
    except (msgspec.ValidationError, ValueError, RecursionError):
        raise flawed from None


def _read_shared(batch: Batch) -> _Shared:
    if _speaks_twice(bytes(batch.context)):
        raise Flaw(Reason.REPEATED_NAME, "context")
    return _Shared(
        context=_read(_objects, batch.context, "context") or {},
        integrations=_read(_objects, batch.integrations, "integrations") or {},
        sent_at=_any(bytes(batch.sent_at)),
    )


def _read(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw, field: str) -> T | None:
    data = bytes(raw)
    if not data:
        return None
    try:
        value = decoder.decode(data)
    except msgspec.ValidationError:
        raise Flaw(Reason.WRONG_TYPE, field) from None
    except ValueError:
        value = _lenient(decoder, data, field)
    if found := flaw(_without_consent(value) if field == "context" else value):
        raise Flaw(found, field)
    return value


def _lenient(decoder: msgspec.json.Decoder[T], data: bytes, field: str) -> T:
    """What strict JSON refuses, for `flaw` to say why: it may be in the consent, which refuses nothing."""
    try:
        return msgspec.convert(lenient(data), decoder.type)
    except msgspec.ValidationError:
        raise Flaw(Reason.WRONG_TYPE, field) from None
    except (ValueError, RecursionError):
        raise Flaw(Reason.NOT_JSON, field) from None


def _any(raw: bytes) -> object:
    try:
        return lenient(raw) if raw else None
    except (ValueError, RecursionError):
        return ""  # Something is there, and no time.


def _without_consent(context: object) -> object:
    """What of a context can have a flaw; its consent is read apart, and refuses nothing."""
    if not isinstance(context, dict):
        return context
    return {name: value for name, value in context.items() if name not in DIALECTS}


def _diagnosed(raw: bytes, error: msgspec.ValidationError | None) -> Flaw:
    """Why `raw` did not decode, with the field at fault."""
    try:
        value = lenient(raw)
    except (ValueError, RecursionError):
        return Flaw(Reason.NOT_JSON, None)
    if not isinstance(value, dict):
        return Flaw(Reason.NOT_AN_OBJECT, None)
    try:
        _raise_flaws(value)
    except Flaw as found:
        return found
    # msgspec's message holds names of ours and of types, never a value.
    found_field = _FIELD.search(str(error)) if error else None
    return Flaw(Reason.WRONG_TYPE, found_field[1]) if found_field else Flaw(Reason.NOT_JSON, None)


def _raise_flaws(item: Mapping[str, object]) -> None:
    for name in _NAMES:
        value = item.get(name)
        if found := flaw(_without_consent(value) if name == "context" else value):
            raise Flaw(found, name)


def _invalid(found: Flaw, raw: bytes, batch: Batch, received_at: datetime) -> Invalid:
    message_id = _sound_message_id(raw)
    heard = overheard(raw, batch, received_at=received_at, message_id=message_id)
    return Invalid(reason=found.reason, field=found.field, message_id=message_id, heard=heard)


def _sound_message_id(raw: bytes) -> str | None:
    """The messageId of a refused item, so that its sender can find the verdict."""
    try:
        value = lenient(raw)
        message_id = value.get("messageId") if isinstance(value, dict) else None
        if isinstance(message_id, bool) or not isinstance(message_id, str | int) or flaw(message_id):
            return None
        return _id(message_id, "messageId", MESSAGE_ID_LENGTH)
    except (ValueError, RecursionError, Flaw):
        return None


def _type(wire: _Wire, path_type: str | None) -> str:
    kind = wire.type or path_type
    if kind is None:
        raise Flaw(Reason.MISSING, "type")
    if path_type is not None and kind != path_type:
        raise Flaw(Reason.CONTRADICTS_PATH, "type")
    if kind not in TYPES:
        raise Flaw(Reason.UNKNOWN, "type")
    return kind


def _id(value: str | int | None, field: str, length: int = ID_LENGTH) -> str | None:
    """An id as text; a blank one is none."""
    if value is None:
        return None
    text = str(value)
    if not text.strip():
        return None
    if len(text) > length:
        raise Flaw(Reason.TOO_LONG, field)
    return text


def _need(value: str | None, field: str) -> None:
    if value is None:
        raise Flaw(Reason.MISSING, field)


def _event(wire: _Wire, kind: str) -> str | None:
    if kind == "track":
        name = _id(wire.event, "event", NAME_LENGTH)
        _need(name, "event")
        return name
    if kind in ("page", "screen"):
        return _id(wire.name, "name", NAME_LENGTH)
    return None


def _properties(wire: _Wire) -> JsonObject:
    properties = wire.properties or {}
    if wire.category is not None:
        properties.setdefault("category", wire.category)
    return properties


def _limited(traits: JsonObject, field: str) -> JsonObject:
    if len(traits) > TRAITS:
        raise Flaw(Reason.TOO_MANY_KEYS, field)
    return traits


def _check_context_traits(context: JsonObject) -> None:
    traits = context.get("traits")
    if traits is None:
        return
    if not isinstance(traits, dict):
        raise Flaw(Reason.WRONG_TYPE, "context.traits")
    _limited(traits, "context.traits")


def _proof(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Flaw(Reason.WRONG_TYPE, "context.identityProof")
    return _id(value, "context.identityProof", PROOF_LENGTH)


def _external_ids(value: object) -> tuple[ExternalId, ...]:
    field = "context.externalIds"
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Flaw(Reason.WRONG_TYPE, field)
    if len(value) > EXTERNAL_IDS:
        raise Flaw(Reason.TOO_MANY_ITEMS, field)
    return tuple(_external_id(entry, field) for entry in value)


def _external_id(entry: object, field: str) -> ExternalId:
    if not isinstance(entry, dict):
        raise Flaw(Reason.WRONG_TYPE, field)
    texts: dict[str, str | None] = {}
    for name in ("id", "type", "collection", "encoding"):
        value = entry.get(name)
        # A truth value is an int to Python, and no id to anybody.
        if isinstance(value, bool) or not isinstance(value, str | int | None):
            raise Flaw(Reason.WRONG_TYPE, f"{field}.{name}")
        texts[name] = _id(value, f"{field}.{name}")
    if texts["id"] is None or texts["type"] is None:
        raise Flaw(Reason.MISSING, f"{field}.{'id' if texts['id'] is None else 'type'}")
    return ExternalId(
        id=texts["id"],
        type=texts["type"],
        collection=texts["collection"] or "users",
        encoding=texts["encoding"] or "none",
    )


def _client_time(wire: _Wire, shared: _Shared, received_at: datetime) -> tuple[datetime, tuple[Note, ...]]:
    """`received_at − (sentAt − originalTimestamp)`, within the ten years before `received_at`.

    The difference cancels an error of the client's clock. Without `sentAt` its word is
    taken as it is; without a time that can be read it happened when it was received.
    """
    notes: dict[Note, None] = {}
    original = _first_time((wire.original_timestamp, wire.timestamp), notes, Note.TIME_OF_RECEIPT)
    sent = _first_time((wire.sent_at, shared.sent_at), notes, Note.SENT_AT_IGNORED)
    if original is None:
        return received_at, tuple(notes)
    age = (sent or received_at) - original
    return received_at - min(max(age, timedelta(0)), OLDEST), tuple(notes)


def _first_time(values: tuple[object, ...], notes: dict[Note, None], unread: Note) -> datetime | None:
    """The first of `values` that can be read; `notes` gets `unread` if none can, and how it was read."""
    missed = False
    for value in values:
        if value is None:
            continue
        moment = iso(value)
        if moment is None:
            moment, missed = instant(value), True
        if moment is not None:
            if missed:
                notes[Note.TIME_READ_LENIENTLY] = None
            return moment
    if missed:
        notes[unread] = None
    return None
