"""Secrets that callers hold: client secrets, write keys, passwords. Only digests are kept.

A key's text is `<kind>_<base64url(workspace 16 bytes, row id 16 bytes, 24 random bytes)>`: it
names its workspace and its row, so that the look-up runs under row-level security like every
other, and no table is exempt. Its 192 random bits cannot be guessed or searched for, so one
SHA-256 is enough; passwords are chosen by people, so they get argon2id.
"""

import base64
import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cdp.kernel.errors import BadInput, NotAuthenticated
from cdp.vocabulary import KeyKind, WorkspaceId

_RANDOM_BYTES = 24
_BYTES = 16 + 16 + _RANDOM_BYTES

MIN_PASSWORD = 12
MAX_PASSWORD = 1_024  # Hashing is made to be slow: what may be hashed has a limit.

_HASHER = PasswordHasher()  # argon2id with the low-memory parameters of RFC 9106: 64 MiB, 3 passes.


class SecretKind(StrEnum):
    """Whose secret it is: an API client's, or a write key's by whose hands it is in."""

    CLIENT = "client"
    SERVER = KeyKind.SERVER.value
    PUBLIC = KeyKind.PUBLIC.value


class UnfitPassword(BadInput):
    """A password has 12 to 1,024 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """What a secret's text says, without the secret: safe to keep and to print."""

    kind: SecretKind
    workspace: WorkspaceId
    id: UUID
    digest: bytes = field(repr=False)  # SHA-256 of the whole text, 32 bytes


def new_secret(kind: SecretKind, *, workspace: UUID, id: UUID) -> tuple[str, bytes]:
    """A fresh secret for row `id`: its text, to be shown once, and the digest to keep."""
    body = workspace.bytes + id.bytes + secrets.token_bytes(_RANDOM_BYTES)
    text = f"{kind}_{_encode(body)}"
    return text, _digest(text)


def parse(text: str) -> SecretRef:
    """The workspace and row that a presented secret names, and its digest.

    It proves nothing yet: look the row up and ask `matches`. Raises `NotAuthenticated` for
    any text that `new_secret` could not have made.
    """
    try:
        word, _, encoded = text.partition("_")
        kind = SecretKind(word)
        body = base64.b64decode(encoded.encode("ascii") + b"=" * (-len(encoded) % 4), b"-_", validate=True)
    except ValueError:
        raise NotAuthenticated from None
    # Base64 has several spellings for some bytes; only ours may name a row.
    if len(body) != _BYTES or _encode(body) != encoded:
        raise NotAuthenticated
    return SecretRef(
        kind=kind,
        workspace=WorkspaceId(UUID(bytes=body[:16])),
        id=UUID(bytes=body[16:32]),
        digest=_digest(text),
    )


def matches(presented: SecretRef, kept: bytes | None) -> bool:
    """Whether `presented` is the secret whose digest was kept, in constant time.

    None stands for a row that does not exist, and takes as long: no text is known to have the
    digest of zeros that it is compared with.
    """
    return hmac.compare_digest(presented.digest, kept or bytes(32))


def hash_password(password: str) -> str:
    """The argon2id hash to keep, its parameters and salt included. Raises `UnfitPassword`."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise UnfitPassword
    return _HASHER.hash(_normal(password))


def verify_password(password: str, kept: str | None) -> bool:
    """Whether `password` made the hash that was kept.

    None stands for an account that does not exist, and takes as long as a wrong password. A
    hash that cannot be read is a no.
    """
    if len(password) > MAX_PASSWORD:
        return False
    try:
        return _HASHER.verify(kept or _nobody(), _normal(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe())


def _normal(password: str) -> str:
    # The same keys pressed on two systems may arrive composed differently (NIST SP 800-63B, 5.1.1.2).
    return unicodedata.normalize("NFKC", password)


def _encode(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode("ascii")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8")).digest()
