"""One entry of the audit log: who did what, to how many, for which purpose, with what outcome.

A leaf is public to every auditor and can never be taken back, so it holds opaque ids, words
and numbers only: people stand in it as one Merkle root over references that die with the
salt of their fragment, and everything readable stands in the detail, of which the leaf
knows a salted hash. The shape is `entry.schema.json`; `check` is the same rule, fast, and
`tests/unit/audit/test_audit_entry.py` holds the two equal.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NotRequired, TypedDict
from uuid import UUID

import rfc8785

from audit.log.merkle import leaf_hash, root
from cdp.kernel.errors import BadInput
from cdp.kernel.json_values import JsonObject

MAX_SIZE = 2**53 - 1  # the largest integer that RFC 8785 writes exactly
MAX_EPOCH = 999_999
MAX_SUBJECTS = 999_999_999
MIN_SALT = 16  # bytes

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_HASH = r"[0-9a-f]{64}"
# Seven digits in a row can be a telephone number and four short groups an IPv4 address,
# whatever stands between them; no word of ours needs either.
_NO_CONTACT = r"(?![a-z0-9_:-]*[0-9](?:[_-]?[0-9]){6})(?![a-z0-9_:-]*[0-9]{1,3}(?:[_-][0-9]{1,3}){3})"
_WORD = r"(?=[a-z0-9_-]{1,63}(?![a-z0-9_-]))[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*"
_OPAQUE = rf"{_UUID}|{_HASH}|[0-9a-f]{{32}}"

_TEXTS: dict[str, re.Pattern[str]] = {
    "entry_id": re.compile(_UUID),
    "at": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"),
    "workspace": re.compile(_UUID),
    "actor": re.compile(rf"(?:account|client|source|subject):(?:{_OPAQUE})|{_NO_CONTACT}system:{_WORD}"),
    "action": re.compile(rf"{_NO_CONTACT}{_WORD}:{_WORD}:{_WORD}"),
    "purpose": re.compile(rf"{_OPAQUE}|{_NO_CONTACT}{_WORD}"),
    "outcome": re.compile(rf"{_NO_CONTACT}{_WORD}"),
    "detail_hash": re.compile(_HASH),
}
_VERSIONS = ("policy_version", "consent_version", "notice_version")
_VERSION = re.compile(rf"{_OPAQUE}|[0-9]{{1,6}}|{_NO_CONTACT}{_WORD}")
_DIGEST = re.compile(_HASH)
_FIELDS = frozenset({*_TEXTS, *_VERSIONS, "subjects_count", "subjects_root", "previous"})
_ABSENT = object()


class UnfitEntry(BadInput):
    """An audit entry may hold opaque ids, words and numbers only; this one was not written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """What a restore had left of the log: its last epoch, how many entries of it, and their root."""

    epoch: int
    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """The last checkpoint known of the epoch before: what the first leaf of an epoch embeds.

    `stood` is what the database still held when the epoch began; what is missing in between was lost.
    A leaf of the older form (`None`) does not say it.
    """

    epoch: int
    size: int
    root: bytes
    stood: Stood | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one leaf says. Nothing in it is personal, so printing it is safe.

    `actor` is `account:…`, `client:…`, `source:…` or `subject:…` with an opaque id (a UUID,
    or 32 or 64 hex digits), or `system:<word>`. `action` is `source:subject:action`, three
    words. A purpose is a word or an opaque id; a version may also be a number of up to six
    digits. Words are lower case, may hold `_` and `-`, and are at most 63 characters long.
    """

    entry_id: UUID
    at: datetime
    workspace: UUID
    actor: str
    action: str
    purpose: str
    outcome: str
    detail_hash: bytes
    policy_version: str | None = None
    consent_version: str | None = None
    notice_version: str | None = None
    subjects_count: int = 0
    subjects_root: bytes | None = None
    previous: Previous | None = None


class End(TypedDict):
    """Where a log ended, in a leaf: an epoch, how many entries, and their root."""

    epoch: int
    size: int
    root: str


class Before(End):
    """The epoch before, in a leaf, and what stood of it after a restore."""

    stood: NotRequired[End]


class Leaf(TypedDict):
    """A leaf as JSON reads it, of which the verifier or the tree has said that it is one."""

    entry_id: str
    at: str
    workspace: str
    actor: str
    action: str
    purpose: str
    outcome: str
    policy_version: str | None
    consent_version: str | None
    notice_version: str | None
    subjects_count: int
    subjects_root: str | None
    detail_hash: str
    previous: Before | None


def encode(entry: Entry) -> bytes:
    """The canonical bytes (RFC 8785) of `entry`, as they are stored and hashed for ever.

    Raises `UnfitEntry`, naming the field, for anything that is not opaque.
    """
    document = _document(entry)
    check(document)
    return rfc8785.dumps(document)


def check(document: Mapping[str, object]) -> None:
    """Raise `UnfitEntry` unless `document` is what `entry.schema.json` allows."""
    for field, shape in _TEXTS.items():
        value = document.get(field)
        if not _is_text(value, shape):
            raise UnfitEntry(field=field)
    for field in _VERSIONS:
        value = document.get(field, _ABSENT)
        if value is not None and not _is_text(value, _VERSION):
            raise UnfitEntry(field=field)
    count = document.get("subjects_count")
    if not _is_number(count, MAX_SUBJECTS):
        raise UnfitEntry(field="subjects_count")
    people = document.get("subjects_root", _ABSENT)
    if not (people is None if count == 0 else _is_text(people, _DIGEST)):
        raise UnfitEntry(field="subjects_root")
    if not _is_previous(document.get("previous", _ABSENT)):
        raise UnfitEntry(field="previous")
    if len(document) != len(_FIELDS):
        raise UnfitEntry(field="a field that no entry has")


def is_word(field: str, value: str) -> bool:
    """Whether an entry's `field` (actor, action, purpose, outcome) can be `value`."""
    return _is_text(value, _TEXTS[field])


def detail_hash(salt: bytes, detail: bytes) -> bytes:
    """SHA-256(salt ‖ detail): 32 bytes that say nothing once the salt is gone.

    Raises `UnfitEntry` for a salt so short that the detail could be guessed.
    """
    if len(salt) < MIN_SALT:
        raise UnfitEntry(field="salt")
    return hashlib.sha256(salt + detail).digest()


def subjects(references: Iterable[bytes]) -> tuple[int, bytes | None]:
    """`(subjects_count, subjects_root)` of one batch: the Merkle root over the sorted distinct references."""
    ordered = sorted(set(references))
    return len(ordered), root([leaf_hash(ref) for ref in ordered]) if ordered else None


def _is_number(value: object, most: int) -> bool:
    """A JSON integer from 0 to `most`; a boolean is none."""
    return type(value) is int and 0 <= value <= most


def _is_text(value: object, shape: re.Pattern[str]) -> bool:
    """A string that is `shape` from its first character to its last."""
    return type(value) is str and shape.fullmatch(value) is not None


def _is_previous(value: object) -> bool:
    """Null, or an epoch, a size and a root, and what stood."""
    if value is None:
        return True
    return (
        type(value) is dict
        and _is_end({name: part for name, part in value.items() if name != "stood"})
        and ("stood" not in value or _is_end(value["stood"]))
    )


def _is_end(value: object) -> bool:
    """An epoch, a size and a root."""
    return (
        type(value) is dict
        and len(value) == 3
        and _is_number(value.get("epoch"), MAX_EPOCH)
        and _is_number(value.get("size"), MAX_SIZE)
        and _is_text(value.get("root"), _DIGEST)
    )


def _document(entry: Entry) -> JsonObject:
    """The JSON object that `entry` stands for."""
    before = entry.previous
    return {
        "entry_id": str(entry.entry_id),
        "at": instant(entry.at),
        "workspace": str(entry.workspace),
        "actor": entry.actor,
        "action": entry.action,
        "purpose": entry.purpose,
        "outcome": entry.outcome,
        "policy_version": entry.policy_version,
        "consent_version": entry.consent_version,
        "notice_version": entry.notice_version,
        "subjects_count": entry.subjects_count,
        "subjects_root": entry.subjects_root.hex() if entry.subjects_root is not None else None,
        "detail_hash": entry.detail_hash.hex(),
        "previous": None
        if before is None
        else {**_end(before), **({"stood": _end(before.stood)} if before.stood else {})},
    }


def _end(at: Previous | Stood) -> JsonObject:
    return {"epoch": at.epoch, "size": at.size, "root": at.root.hex()}


def instant(at: datetime) -> str:
    """`at` in UTC to the microsecond, always 27 characters."""
    if at.utcoffset() is None:
        raise UnfitEntry(field="at")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
