"""Checkpoints: what the log commits itself to, as C2SP signed notes.

A checkpoint says origin, size and root (c2sp.org/tlog-checkpoint); the note around it
carries signatures by named keys (c2sp.org/signed-note). Lines of keys that we do not know,
such as a witness's, are ignored, as the specification demands; the pinned key's must stand
there and verify. Extension lines are refused: nobody could audit them.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.log.merkle import HASH_BYTES
from cdp.kernel.errors import BadInput, BrokenSeal
from cdp.ports import Signer

MAX_NOTE = 1 << 18  # characters: room for sixteen cosignatures of the post-quantum kind, and more
MAX_SIGNATURES = 100
MAX_SIZE = 2**63 - 1

_ED25519 = b"\x01"  # signature type in key ids and verifier keys
_KEY_ID_BYTES = 4
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")  # and what is no UTF-8
_NAME = re.compile(r"[^\s+\ud800-\udfff]+")  # no Unicode space, no plus
_SIGNATURE_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")


class BadNote(BadInput):
    """This is not a well-formed checkpoint."""


class BadVerifierKey(BadInput, http=False):
    """This is not a verifier key: name+id+key, as the log prints it."""


class NotSigned(BrokenSeal, http=False):
    """The checkpoint bears no valid signature of the pinned key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A size and a root of the log `origin` (`<instance>/<opaque log id>/<epoch>`)."""

    origin: str
    size: int
    root: bytes = field(repr=False)

    def text(self) -> str:
        """What is signed. Raises `BadNote` for what no checkpoint can say."""
        fits = self.origin and "\n" not in self.origin and not _CONTROL.search(self.origin)
        if not fits or not 0 <= self.size <= MAX_SIZE or len(self.root) != HASH_BYTES:
            raise BadNote
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """An Ed25519 public key and its name: what an auditor pins."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key)[:4], c2sp.org/signed-note."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).digest()[:_KEY_ID_BYTES]

    def encode(self) -> str:
        """The verifier key string: `name+hex(key id)+base64(0x01 ‖ key)`."""
        key = base64.b64encode(_ED25519 + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def accepts(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` is this key's over `message`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def parse_key(text: str) -> VerifierKey:
    """The key that the string `text` names; its id must be right. Raises `BadVerifierKey`."""
    name, _, rest = text.partition("+")
    material = _decoded(rest.partition("+")[2])
    if material is None or len(material) != 33 or material[:1] != _ED25519 or not _NAME.fullmatch(name):
        raise BadVerifierKey
    key = VerifierKey(name=name, public_key=material[1:])
    if key.encode() != text:
        raise BadVerifierKey
    return key


def key_of(signer: Signer) -> VerifierKey:
    """The verifier key that belongs to `signer`; raises `BadVerifierKey` for a name no note can carry."""
    if not _NAME.fullmatch(signer.name) or len(signer.public_key) != 32:
        raise BadVerifierKey
    return VerifierKey(name=signer.name, public_key=signer.public_key)


def sign(checkpoint: Checkpoint, *signers: Signer) -> str:
    """The signed note of `checkpoint`, one signature line for each of `signers`, at least one.

    Raises `NotSigned` when a signer's answer does not verify: such a note is never shown.
    """
    text, lines = checkpoint.text(), []
    for signer in signers:
        key = key_of(signer)
        signature = signer.sign(text.encode())
        if not key.accepts(text.encode(), signature):
            raise NotSigned
        lines.append(f"— {key.name} {base64.b64encode(key.key_id + signature).decode()}\n")
    if not lines:
        raise NotSigned
    return f"{text}\n{''.join(lines)}"


def open_note(note: str, key: VerifierKey) -> Checkpoint:
    """The checkpoint in `note`, once `key` is seen to have signed it.

    Raises `BadNote` for a malformed note, and `NotSigned` when no line is `key`'s, or when
    one that claims to be does not verify.
    """
    checkpoint, signatures = _parse(note)
    mine = [sig for name, key_id, sig in signatures if (name, key_id) == (key.name, key.key_id)]
    message = checkpoint.text().encode()
    if not mine or not all(key.accepts(message, signature) for signature in mine):
        raise NotSigned
    return checkpoint


def _parse(note: str) -> tuple[Checkpoint, list[tuple[str, bytes, bytes]]]:
    """The checkpoint and `(name, key id, signature)` of each line, none of them verified."""
    if len(note) > MAX_NOTE or _CONTROL.search(note):
        raise BadNote
    text, blank, below = note.rpartition("\n\n")
    lines = (text + "\n").split("\n")
    if not blank or len(lines) != 4 or not below.endswith("\n") or not _SIZE.fullmatch(lines[1]):
        raise BadNote
    root = _decoded(lines[2])
    if root is None:
        raise BadNote
    checkpoint = Checkpoint(origin=lines[0], size=int(lines[1]), root=root)
    checkpoint.text()
    rows = below[:-1].split("\n")
    if len(rows) > MAX_SIGNATURES:
        raise BadNote
    return checkpoint, [_signature(row) for row in rows]


def _signature(row: str) -> tuple[str, bytes, bytes]:
    """One signature line, taken apart."""
    found = _SIGNATURE_LINE.fullmatch(row)
    blob = _decoded(found[2]) if found else None
    if found is None or blob is None or len(blob) <= _KEY_ID_BYTES:
        raise BadNote
    return found[1], blob[:_KEY_ID_BYTES], blob[_KEY_ID_BYTES:]


def _decoded(text: str) -> bytes | None:
    """Strict base64 (RFC 4648 §4): the one way to write these bytes, or nothing."""
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return blob if base64.b64encode(blob).decode() == text else None
