"""Envelopes: personal values rest in these and nowhere else.

The fields of one row that share a class are sealed together under the fragment's data
key. An envelope is bound to its workspace, kind of row, row, fragment, class and key, so
a copy elsewhere does not open. Formats: design §4, held by `tests/vectors/envelope.json`
and `commitment.json`. Whatever is wrong, the answer is one and the same `BrokenSeal`.
"""

import os
from collections.abc import Collection, Mapping
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
from cdp.vocabulary import FieldClass, FragmentId, KeyId, WorkspaceId
from governance import bundle

VERSION = b"\x01"
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
    QUARANTINE = "cdp.quarantine"
    DEAD_LETTER = "cdp.dead_letter"
    AUDIT_DETAIL = "audit.detail"


class NotSealable(BadInput):
    """A value cannot be sealed, because it cannot be written as JSON in UTF-8."""


def _lp(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


_AAD_START = (8).to_bytes(4, "big") + _lp(b"cdp/1")
_UUID_LENGTH = (16).to_bytes(4, "big")
_AAD_CONTEXT = {context: _lp(context.value.encode()) for context in Context}
_AAD_CLASS = {cls: _lp(bytes([cls])) for cls in FieldClass}
_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


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
    _header: bytes = field(init=False, repr=False)
    _before_row: bytes = field(init=False, repr=False)
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
        put(self, "_header", VERSION + AES_256_GCM + key_id)
        put(self, "_before_row", _AAD_START + _lp(self.workspace.bytes))
        put(self, "_after_row", _lp(self.fragment.bytes))
        put(self, "_after_class", _lp(key_id) + _lp(AES_256_GCM))

    def _aad_around(self, context: Context, row: UUID) -> tuple[bytes, bytes]:
        """What an envelope of this row is bound to, before its class and after it."""
        before = self._before_row + _AAD_CONTEXT[context] + _UUID_LENGTH + row.bytes + self._after_row
        return before, self._after_class

    def _aad(self, context: Context, row: UUID, cls: FieldClass) -> bytes:
        before, after = self._aad_around(context, row)
        return before + _AAD_CLASS[cls] + after


def seal(data: bytes, *, key: DataKey, context: Context, row: UUID, cls: FieldClass) -> bytes:
    """Seal `data`: `0x01 ‖ alg ‖ key_id[16] ‖ nonce[12] ‖ ct ‖ tag[16]`, 46 bytes longer than `data`."""
    nonce = os.urandom(NONCE_BYTES)
    return key._header + nonce + key._cipher.encrypt(nonce, data, key._aad(context, row, cls))


def unseal(token: bytes, *, key: DataKey, context: Context, row: UUID, cls: FieldClass) -> bytes:
    """What was sealed there under `key`. Raises `BrokenSeal`, always the same, on anything else."""
    if len(token) < HEADER_BYTES + NONCE_BYTES + TAG_BYTES or token[:HEADER_BYTES] != key._header:
        raise BrokenSeal
    nonce = token[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES]
    try:
        return key._cipher.decrypt(nonce, token[HEADER_BYTES + NONCE_BYTES :], key._aad(context, row, cls))
    except InvalidTag:
        raise BrokenSeal from None


def key_id_of(token: bytes) -> KeyId:
    """The id of the key that an envelope names, to fetch it by. Raises `BrokenSeal`."""
    if len(token) < HEADER_BYTES + NONCE_BYTES + TAG_BYTES or token[:2] != VERSION + AES_256_GCM:
        raise BrokenSeal
    return KeyId(UUID(bytes=token[2:HEADER_BYTES]))


def seal_row(
    fields: Mapping[FieldClass, Mapping[str, object]], *, key: DataKey, context: Context, row: UUID
) -> bytes:
    """Seal one row's fields, one envelope per class, as one bundle (see `bundle`).

    `fields` is {class: {field: JSON value or msgspec.Raw}}. Raises `NotSealable`.
    """
    try:
        blobs = {cls: _encode(values) for cls, values in fields.items()}
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise NotSealable from None
    header, encrypt = key._header, key._cipher.encrypt
    before, after = key._aad_around(context, row)
    nonces = os.urandom(NONCE_BYTES * len(blobs))  # asked for once: a system call costs as much as sealing
    tokens: dict[FieldClass, bytes] = {}
    for number, (cls, blob) in enumerate(blobs.items()):
        nonce = nonces[number * NONCE_BYTES : (number + 1) * NONCE_BYTES]
        tokens[cls] = header + nonce + encrypt(nonce, blob, before + _AAD_CLASS[cls] + after)
    return bundle.pack(tokens)


def open_row(
    sealed: bytes,
    *,
    key: DataKey,
    context: Context,
    row: UUID,
    classes: Collection[FieldClass] = frozenset(FieldClass),
) -> dict[FieldClass, dict[str, Any]]:
    """The fields of one row in those of `classes` that it has; the others stay closed.

    Raises `BrokenSeal` when the framing or an envelope of `classes` is not as it was sealed.
    """
    opened: dict[FieldClass, dict[str, Any]] = {}
    for cls, token in bundle.unpack(sealed).items():
        if cls in classes:
            blob = unseal(token, key=key, context=context, row=row, cls=cls)
            try:
                opened[cls] = _decode(blob)
            except ValueError:
                raise BrokenSeal from None
    return opened
