"""Ed25519 signatures, one key for each use, so that no signature passes for another kind.

A document (a certificate, say) is signed over its canonical form (RFC 8785), which is kept
verbatim beside the signature.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Self

import msgspec
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from cdp.kernel.errors import BadInput, BrokenSeal
from cdp.kernel.json_values import Json, JsonObject
from governance.keys.keyring import Keyring, Signing


class BadSignature(BrokenSeal, http=False):
    """A signature does not belong to this message and key."""


class NotCanonical(BadInput, http=False):
    """A document has no canonical form: it may hold only JSON, and integers up to 2^53."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDocument:
    """A document's canonical bytes and the 64-byte signature over exactly those."""

    body: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signer:
    """Signs for one use. `public_key` is the 32 raw bytes; printing it is safe."""

    use: Signing
    public_key: bytes
    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, keyring: Keyring, use: Signing) -> Self:
        """The signer for `use`, from its seed in the keyring."""
        private = Ed25519PrivateKey.from_private_bytes(keyring.seeds[use])
        return cls(use=use, public_key=private.public_key().public_bytes_raw(), _private=private)

    @property
    def name(self) -> str:
        """The key's id in signatures: its use and the beginning of its public key's hash."""
        return f"{self.use.value}-{sha256(self.public_key).hexdigest()[:8]}"

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over `message` (RFC 8032)."""
        return self._private.sign(message)

    def verify(self, message: bytes, signature: bytes) -> None:
        """Raises `BadSignature` unless this signer made `signature` over `message`."""
        verify(message, signature=signature, public_key=self.public_key)

    def sign_document(self, document: Mapping[str, Json]) -> SignedDocument:
        """Sign the canonical form of `document`. Raises `NotCanonical`."""
        try:
            body = rfc8785.dumps(dict(document))
        except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError):
            raise NotCanonical from None
        return SignedDocument(body=body, signature=self.sign(body))


def verify(message: bytes, *, signature: bytes, public_key: bytes) -> None:
    """Raises `BadSignature` unless the holder of `public_key` (32 raw bytes) signed `message`."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise BadSignature from None


def open_document(signed: SignedDocument, *, public_key: bytes) -> JsonObject:
    """The document, if its signature holds and its bytes are canonical; else `BadSignature`."""
    verify(signed.body, signature=signed.signature, public_key=public_key)
    try:
        document: JsonObject = msgspec.json.decode(signed.body, type=dict[str, Any])
        if rfc8785.dumps(document) == signed.body:
            return document
    except (ValueError, rfc8785.CanonicalizationError):
        pass
    raise BadSignature
