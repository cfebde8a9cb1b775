"""Wrapping: how data keys rest in the database.

A wrapped key opens only for its own workspace, fragment and key id, under the version of
the key-encryption key (KEK) that wrapped it, and only to the key that its commitment names.
Formats: design §4, held by `tests/vectors/wrap.json`. One `BrokenSeal` for every failure.
"""

import os
from hmac import compare_digest

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from cdp.kernel.errors import BrokenSeal
from cdp.kernel.ids import new_id
from cdp.vocabulary import FragmentId, KeyId, WorkspaceId
from governance.keys.envelope import SECRET_BYTES, DataKey

WRAPPED_BYTES = 2 * SECRET_BYTES + 8


def new_data_key(fragment: FragmentId, *, workspace: WorkspaceId) -> DataKey:
    """A fragment's first data key: key and salt random, never derived."""
    return _random_key(fragment, workspace=workspace, salt=os.urandom(SECRET_BYTES))


def successor(key: DataKey) -> DataKey:
    """The key that follows `key` when its envelopes run out: the fragment keeps its one salt."""
    return _random_key(key.fragment, workspace=key.workspace, salt=key.salt)


def _random_key(fragment: FragmentId, *, workspace: WorkspaceId, salt: bytes) -> DataKey:
    return DataKey(
        workspace=workspace,
        fragment=fragment,
        key_id=KeyId(new_id()),
        dek=os.urandom(SECRET_BYTES),
        salt=salt,
    )


def wrap(key: DataKey, *, kek: bytes) -> bytes:
    """`AES-KW(WK, DEK ‖ salt)`, 72 bytes. Store it with the KEK's version and `key.commitment`."""
    return aes_key_wrap(_wrapping_key(kek, key.workspace, key.fragment, key.key_id), key.dek + key.salt)


def unwrap(
    wrapped: bytes,
    *,
    kek: bytes,
    workspace: WorkspaceId,
    fragment: FragmentId,
    key_id: KeyId,
    commitment: bytes,
) -> DataKey:
    """The data key that `wrap` closed, if it is the one that `commitment` names; else `BrokenSeal`."""
    if len(wrapped) != WRAPPED_BYTES:
        raise BrokenSeal
    try:
        both = aes_key_unwrap(_wrapping_key(kek, workspace, fragment, key_id), wrapped)
    except InvalidUnwrap:
        raise BrokenSeal from None
    key = DataKey(
        workspace=workspace,
        fragment=fragment,
        key_id=key_id,
        dek=both[:SECRET_BYTES],
        salt=both[SECRET_BYTES:],
    )
    if not compare_digest(key.commitment, commitment):
        raise BrokenSeal
    return key


def _wrapping_key(kek: bytes, workspace: WorkspaceId, fragment: FragmentId, key_id: KeyId) -> bytes:
    """`WK = HKDF-SHA256(KEK, "cdp/1/wrap" ‖ workspace ‖ fragment ‖ key_id)`, without a salt."""
    info = b"cdp/1/wrap" + workspace.bytes + fragment.bytes + key_id.bytes
    return HKDF(SHA256(), 32, None, info).derive(kek)
