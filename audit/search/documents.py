"""Entries as documents of OCSF, for a search engine: what a reader of the log may see, no more.

Derived from the leaf, the recipient and the references of those who were shown or sent, which
are noise once their salt is gone. No name, address, number or IP, and nothing of the sealed
detail. The shape is strict: what the mapping does not name is refused (ADR-0012).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Literal
from uuid import UUID

import msgspec

from audit.log.entry import Leaf
from audit.log.merkle import leaf_hash
from cdp.kernel.json_values import Json, JsonObject

FORMAT = 2  # of the documents; another one is another generation of indices
OCSF = "1.3.0"  # tests/unit/audit/test_audit_documents.py validates each kind against its schema

# OCSF's classes, category × 1000 and more, and their activities by the verb of an action.
_DATASTORE, _API, _ENTITY = 6005, 6003, 3004
_OTHER = 99
_CLASSES: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(
            ("profile", "subject", "release", "audience", "inbox", "file", "consent", "identity"), _DATASTORE
        ),
        **dict.fromkeys(
            (
                *("workspace", "source", "write-key", "client", "account", "purpose", "notice"),
                *("recipient", "segment", "key"),
            ),
            _ENTITY,
        ),
    }
)
_ACTIVITIES: Mapping[int, Mapping[str, int]] = MappingProxyType(
    {
        _DATASTORE: {
            **dict.fromkeys(("read", "access", "send"), 1),
            **dict.fromkeys(("separate", "merge", "given", "refused", "withdrawn", "objected"), 2),
            **dict.fromkeys(("preview", "search", "draw"), 4),
            **dict.fromkeys(("ingest", "import", "record-forms"), 5),
            "erase": 7,
        },
        _API: {"create": 1, "search": 2, "read": 2, "update": 3, "delete": 4},
        _ENTITY: {
            **dict.fromkeys(("create", "publish"), 1),
            "read": 2,
            **dict.fromkeys(("update", "rotate"), 3),
            **dict.fromkeys(("delete", "revoke", "deactivate"), 4),
        },
    }
)
_SUCCESS, _FAILURE = 1, 2
_STATUS: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("ok", "sent", "nothing_to_send"), _SUCCESS),
        **dict.fromkeys(("refused", "failed", "not_sent"), _FAILURE),
    }
)
_SEVERITY: Mapping[str, int] = MappingProxyType(
    {"refused": 2, "failed": 3, "unknown_treated_as_released": 3, "partial": 2}
)
_INFORMATIONAL = 1
_RELATIONAL, _DATABASE = 1, 1  # OCSF's types of a database, and of what holds data
_TOLD: tuple[
    Literal["actor", "action", "purpose", "outcome", "policy_version", "consent_version", "notice_version"],
    ...,
] = ("actor", "action", "purpose", "outcome", "policy_version", "consent_version", "notice_version")

_WORD: JsonObject = {"type": "keyword"}
_KEPT: JsonObject = {"type": "keyword", "index": False, "doc_values": False}
_NUMBER: JsonObject = {"type": "integer"}

MAPPING: Mapping[str, Json] = MappingProxyType(
    {
        "dynamic": "strict",
        "_meta": {"format": FORMAT},
        "properties": {
            "activity_id": _NUMBER,
            "actor": {
                "properties": {
                    "authorizations": {
                        "properties": {
                            "decision": _WORD,
                            "policy": {"properties": {"uid": _KEPT, "version": _KEPT}},
                        }
                    },
                    "user": {"properties": {"uid": _WORD, "type": _WORD, "type_id": _NUMBER}},
                }
            },
            "api": {"properties": {"operation": _WORD}},
            "category_uid": _NUMBER,
            "class_uid": _NUMBER,
            "database": {"properties": {"name": _KEPT, "type_id": _NUMBER}},
            "entity": {"properties": {"name": _WORD, "type": _KEPT, "type_id": _NUMBER}},
            "metadata": {
                "properties": {
                    "product": {"properties": {"name": _KEPT, "vendor_name": _KEPT}},
                    "sequence": {"type": "long"},
                    "uid": _WORD,
                    "version": _KEPT,
                }
            },
            "severity_id": _NUMBER,
            "src_endpoint": {"properties": {"name": _WORD}},
            "status_id": _NUMBER,
            "time": {"type": "date", "format": "epoch_millis"},
            "type_id": _NUMBER,
            "type_uid": _NUMBER,
            "unmapped": {
                "properties": {
                    "action": _WORD,
                    "actor": _WORD,
                    "consent_version": _KEPT,
                    "epoch": _NUMBER,
                    "leaf": _KEPT,
                    "micros": {"type": "long"},
                    "notice_version": _KEPT,
                    "outcome": _WORD,
                    "policy_version": _KEPT,
                    "purpose": _WORD,
                    "recipient": _WORD,
                    "references": _WORD,
                    "subjects_count": _NUMBER,
                    "subjects_root": _KEPT,
                }
            },
        },
    }
)

# By which field of a document the words of a search are found, and counted. No class of OCSF has all of
# them, so each document has each word of ours in one place, whatever its class.
FIELDS: Mapping[str, str] = MappingProxyType(
    {word: f"unmapped.{word}" for word in ("actor", "action", "purpose", "outcome", "recipient")}
)
SUBJECT, TIME, EPOCH, SEQUENCE = (
    "unmapped.references",
    "unmapped.micros",
    "unmapped.epoch",
    "metadata.sequence",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An entry as the database keeps it."""

    epoch: int
    seq: int
    leaf: bytes
    recipient: UUID | None
    references: Sequence[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An entry as a document: where it belongs, and its canonical JSON."""

    id: str
    month: str
    source: bytes = field(repr=False)

    @property
    def digest(self) -> bytes:
        """What two documents of the same content share."""
        return sha256(self.source).digest()


def document_id(log: str, epoch: int, seq: int) -> str:
    """The id of an entry's document: `log:epoch:seq`; the same at each delivery."""
    return f"{log}:{epoch}:{seq}"


def parse_id(log: str, text: str) -> tuple[int, int] | None:
    """(epoch, seq) of a document's id; None: no document of this log has it."""
    head, _, seq = text.rpartition(":")
    owner, _, epoch = head.rpartition(":")
    if owner != log or not (epoch.isascii() and epoch.isdigit() and seq.isascii() and seq.isdigit()):
        return None
    found = int(epoch), int(seq)
    return found if document_id(log, *found) == text else None


def document(log: str, kept: Kept) -> Document:
    """The document of one entry."""
    leaf: Leaf = msgspec.json.decode(kept.leaf)
    return Document(
        id=document_id(log, kept.epoch, kept.seq),
        month=month(leaf["at"]),
        source=canonical(_content(kept, leaf)),
    )


def canonical(content: Mapping[str, Json]) -> bytes:
    """JSON with sorted keys, so that equal contents are equal bytes."""
    return msgspec.json.encode(content, order="sorted")


def month(at: str) -> str:
    """`2026-11` of an instant in ISO 8601, in UTC."""
    return at[:7]


def micros(at: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _content(kept: Kept, leaf: Leaf) -> JsonObject:
    source, subject, verb = leaf["action"].split(":")
    cls = _CLASSES.get(subject, _API)
    activity = _ACTIVITIES[cls].get(verb, _OTHER)
    outcome = leaf["outcome"]
    # OCSF's time has milliseconds, and the log's has more: a search must cut where the log does.
    at = micros(datetime.fromisoformat(leaf["at"]))
    unmapped: JsonObject = {
        **{word: leaf[word] for word in _TOLD},
        "epoch": kept.epoch,
        "leaf": leaf_hash(kept.leaf).hex(),
        "micros": at,
        "recipient": str(kept.recipient) if kept.recipient else None,
        "references": [ref.hex() for ref in sorted(kept.references)] or None,
        "subjects_count": leaf["subjects_count"],
        "subjects_root": leaf["subjects_root"],
    }
    return {
        "activity_id": activity,
        "category_uid": cls // 1000,
        "class_uid": cls,
        "metadata": {
            "product": {"name": "cdp", "vendor_name": "cdp"},
            "sequence": kept.seq,
            "uid": leaf["entry_id"],
            "version": OCSF,
        },
        "severity_id": _SEVERITY.get(outcome, _INFORMATIONAL),
        # OCSF asks where a call came from; no address is kept here, only which door it was.
        "src_endpoint": {"name": source},
        "status_id": _STATUS.get(outcome, _OTHER),
        "time": at // 1000,
        "type_uid": cls * 100 + activity,
        "unmapped": {name: value for name, value in unmapped.items() if value is not None},
        **_of_class(cls, subject, leaf),
    }


def _of_class(cls: int, subject: str, leaf: Leaf) -> JsonObject:
    """What OCSF demands of the class, and has no place for in the others."""
    if cls == _ENTITY:
        return {"entity": {"name": subject, "type": subject, "type_id": _OTHER}}
    kind = leaf["actor"].partition(":")[0]
    authorization: JsonObject = {"decision": "denied" if leaf["outcome"] == "refused" else "allowed"}
    if leaf["policy_version"] is not None:
        authorization["policy"] = {"uid": leaf["policy_version"], "version": leaf["policy_version"]}
    user: JsonObject = {"type": kind, "type_id": _OTHER, "uid": leaf["actor"]}
    actor: JsonObject = {"actor": {"authorizations": [authorization], "user": user}}
    if cls == _API:
        return {**actor, "api": {"operation": leaf["action"]}}
    return {**actor, "database": {"name": "cdp", "type_id": _RELATIONAL}, "type_id": _DATABASE}
