"""Envelopes: personal values rest in these and nowhere else.

The fields of one row that share a class are sealed together under the fragment's data
key. An envelope is bound to its workspace, kind of row, row, fragment, class and key, so
a copy elsewhere does not open; those of one row to all the row's classes too, so that none can
be taken away (ADR-0033). Formats: design §4, held by `tests/vectors/envelope.json`, `row.json`
and `commitment.json`. Whatever is wrong, the answer is one and the same `BrokenSeal`.
"""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from cdp.kernel.errors import BadInput, BrokenSeal
from cdp.kernel.json_values import JsonObject
from cdp.vocabulary import FieldClass, FragmentId, KeyId, WorkspaceId
from governance.keys import row_bundle

VERSION = b"\x01"
ROW_VERSION = b"\x02"  # of an envelope that is bound to its row's classes as well
AES_256_GCM = b"\x01"
SECRET_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
HEADER_BYTES = 1 + 1 + 16
MAX_ENVELOPES = 2**20  # per key: random 96-bit nonces must not meet (design §4)


class Context(StrEnum):
    """The kinds of row that hold envelopes. Bound into each: never renamed, only added to."""

    STATEMENT = "identity.statement"
    ADDRESS = "identity.address"
    EVENT = "cdp.event"
    INBOX = "cdp.inbox"
    ANSWER = "cdp.answer"
    QUARANTINE = "cdp.quarantine"
    DEAD_LETTER = "cdp.dead_letter"
    AUDIT_DETAIL = "audit.detail"
    LINK = "link"


class NotSealable(BadInput):
    """A value cannot be sealed, because it cannot be written as JSON in UTF-8."""


def _lp(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


_AAD_START = {
    version: count.to_bytes(4, "big") + _lp(b"cdp/1") for version, count in ((VERSION, 8), (ROW_VERSION, 9))
}
_UUID_LENGTH = (16).to_bytes(4, "big")
_AAD_CONTEXT = {context: _lp(context.value.encode()) for context in Context}
_AAD_CLASS = {cls: _lp(bytes([cls])) for cls in FieldClass}
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode: Callable[[bytes], JsonObject] = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DataKey:
    """An unwrapped data key; it lives no longer than one `Work`.

    What sealing needs is derived once, here. `salt` belongs to the fragment and unlinks its
    audit references when destroyed; `commitment` (Kcom) is stored beside the wrapped key.
    """

    workspace: WorkspaceId
    fragment: FragmentId
    key_id: KeyId
    dek: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    commitment: bytes = field(init=False, repr=False)
    _cipher: AESGCM = field(init=False, repr=False)
    _headers: Mapping[bytes, bytes] = field(init=False, repr=False)  # by version
    _workspace: bytes = field(init=False, repr=False)
    _after_row: bytes = field(init=False, repr=False)
    _after_class: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """`Kenc ‖ Kcom = HKDF-Expand(DEK, "cdp/1/field" ‖ key_id, 64)`."""
        if len(self.dek) != SECRET_BYTES or len(self.salt) != SECRET_BYTES:
            raise BrokenSeal
        key_id = self.key_id.bytes
        derived = HKDFExpand(SHA256(), 64, b"cdp/1/field" + key_id).derive(self.dek)
        put = object.__setattr__
        put(self, "commitment", derived[32:])
        put(self, "_cipher", AESGCM(derived[:32]))
        put(self, "_headers", {one: one + AES_256_GCM + key_id for one in _AAD_START})
        put(self, "_workspace", _lp(self.workspace.bytes))
        put(self, "_after_row", _lp(self.fragment.bytes))
        put(self, "_after_class", _lp(key_id) + _lp(AES_256_GCM))

    def _aad_around(self, version: bytes, context: Context, row: UUID) -> tuple[bytes, bytes]:
        """What an envelope of this row is bound to, before its class and after it."""
        place = _AAD_CONTEXT[context] + _UUID_LENGTH + row.bytes + self._after_row
        return _AAD_START[version] + self._workspace + place, self._after_class

    def _aad(self, context: Context, row: UUID, cls: FieldClass) -> bytes:
        before, after = self._aad_around(VERSION, context, row)
        return before + _AAD_CLASS[cls] + after

    def _row_aads(
        self, context: Context, row: UUID, classes: Collection[FieldClass]
    ) -> dict[FieldClass, bytes]:
        """The same for each envelope of a row that has these classes, which all of them are bound to."""
        before, after = self._aad_around(ROW_VERSION, context, row)
        after += _lp(bytes(sorted(classes)))
        return {cls: before + _AAD_CLASS[cls] + after for cls in classes}


def seal(data: bytes, *, key: DataKey, context: Context, row: UUID, cls: FieldClass) -> bytes:
    """Seal `data`: `0x01 ‖ alg ‖ key_id[16] ‖ nonce[12] ‖ ct ‖ tag[16]`, 46 bytes longer than `data`."""
    nonce = os.urandom(NONCE_BYTES)
    return key._headers[VERSION] + nonce + key._cipher.encrypt(nonce, data, key._aad(context, row, cls))


def unseal(token: bytes, *, key: DataKey, context: Context, row: UUID, cls: FieldClass) -> bytes:
    """What was sealed there under `key`. Raises `BrokenSeal`, always the same, on anything else."""
    return _decrypted(token, VERSION, key, key._aad(context, row, cls))


def _decrypted(token: bytes, version: bytes, key: DataKey, aad: bytes) -> bytes:
    if len(token) < HEADER_BYTES + NONCE_BYTES + TAG_BYTES or token[:HEADER_BYTES] != key._headers[version]:
        raise BrokenSeal
    nonce = token[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES]
    try:
        return key._cipher.decrypt(nonce, token[HEADER_BYTES + NONCE_BYTES :], aad)
    except InvalidTag:
        raise BrokenSeal from None


def key_id_of(token: bytes) -> KeyId:
    """The id of the key that an envelope names, to fetch it by. Raises `BrokenSeal`."""
    whole = len(token) >= HEADER_BYTES + NONCE_BYTES + TAG_BYTES
    if not whole or token[:1] not in _AAD_START or token[1:2] != AES_256_GCM:
        raise BrokenSeal
    return KeyId(UUID(bytes=token[2:HEADER_BYTES]))


def seal_row(
    fields: Mapping[FieldClass, Mapping[str, object]], *, key: DataKey, context: Context, row: UUID
) -> bytes:
    """Seal one row's fields, one envelope per class, as one bundle (see `bundle`); a row has some.

    `fields` is {class: {field: JSON value or msgspec.Raw}}. Each envelope is as `seal` makes them, but
    begins with `0x02`, and its AAD ends with the row's classes. Raises `NotSealable`.
    """
    assert fields, "a row without envelopes could not be told from one that was emptied"
    try:
        blobs = {cls: _encode(values) for cls, values in fields.items()}
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise NotSealable from None
    header, encrypt = key._headers[ROW_VERSION], key._cipher.encrypt
    aads = key._row_aads(context, row, fields.keys())
    nonces = os.urandom(NONCE_BYTES * len(blobs))  # asked for once: a system call costs as much as sealing
    tokens: dict[FieldClass, bytes] = {}
    for number, (cls, blob) in enumerate(blobs.items()):
        nonce = nonces[number * NONCE_BYTES : (number + 1) * NONCE_BYTES]
        tokens[cls] = header + nonce + encrypt(nonce, blob, aads[cls])
    return row_bundle.pack(tokens)


def open_row(
    sealed: bytes,
    *,
    key: DataKey,
    context: Context,
    row: UUID,
    classes: Collection[FieldClass] = frozenset(FieldClass),
) -> dict[FieldClass, JsonObject]:
    """The fields of one row in those of `classes` that it has; the others stay closed.

    Raises `BrokenSeal` when the framing or an envelope of `classes` is not as it was sealed, and when
    an envelope is gone, whichever it was.
    """
    tokens = row_bundle.unpack(sealed)
    if not tokens:
        raise BrokenSeal
    wanted = [cls for cls in tokens if cls in classes]
    aads = key._row_aads(context, row, tokens.keys())
    opened: dict[FieldClass, JsonObject] = {}
    # Where none is asked for, one of the others says whether one that is asked for was taken away.
    for cls in wanted or list(tokens)[:1]:
        blob = (
            unseal(tokens[cls], key=key, context=context, row=row, cls=cls)
            if tokens[cls][:1] == VERSION  # sealed before rows had a version of their own
            else _decrypted(tokens[cls], ROW_VERSION, key, aads[cls])
        )
        try:
            opened[cls] = _decode(blob)
        except ValueError:
            raise BrokenSeal from None
    return opened if wanted else {}
