"""Keyed hashes by which values are found without being stored.

One format for every use (blind indexes, suppressions, the journal's contacts, proofs of
consent, message ids), each under roots of its own: knowing the database is not enough to
test a guess. Values come in normalised. Nothing here keeps a value. Format: design §4,
held by `tests/vectors/{blind_index,suppression,journal,proof,message_id}.json`.
"""

import hmac
from collections.abc import Iterable

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cdp.vocabulary import WorkspaceId
from governance.keys.envelope import DataKey
from governance.keys.keyring import KeyVersion, Use


def _lp(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


class Blinder:
    """Keyed hashes of one use and one key version, in one workspace.

    A key per namespace is derived once and kept with its pads and prefix already hashed.
    """

    __slots__ = ("_prefixed", "_root", "_use", "_workspace", "version")

    def __init__(self, root: KeyVersion, *, use: Use, workspace: WorkspaceId) -> None:
        self._root = root.secret
        self._use = use
        self._workspace = workspace.bytes
        self.version = root.version
        self._prefixed: dict[str, hmac.HMAC] = {}

    def __repr__(self) -> str:
        return f"Blinder(use={self._use.value!r}, version={self.version})"

    def one(self, namespace: str, value: str) -> bytes:
        """`HMAC-SHA256(K[workspace, namespace, version], lp(workspace) ‖ lp(namespace) ‖ lp(value))`.

        32 bytes. `lp` is a big-endian u32 length before UTF-8 text or the 16 bytes of a UUID.
        """
        return self.many(namespace, (value,))[0]

    def many(self, namespace: str, values: Iterable[str]) -> list[bytes]:
        """`one` for each of `values`, in their order."""
        prefixed = self._prefixed.get(namespace) or self._derive(namespace)
        hashes = []
        for value in values:
            text = value.encode()
            state = prefixed.copy()
            state.update(len(text).to_bytes(4, "big") + text)
            hashes.append(state.digest())
        return hashes

    def _derive(self, namespace: str) -> hmac.HMAC:
        """`K = HKDF-SHA256(root, "cdp/1/" ‖ use ‖ lp(workspace) ‖ lp(namespace) ‖ u32 version)`."""
        prefix = _lp(self._workspace) + _lp(namespace.encode())
        info = b"cdp/1/" + self._use.value.encode() + prefix + self.version.to_bytes(4, "big")
        key = HKDF(SHA256(), 32, None, info).derive(self._root)
        self._prefixed[namespace] = hmac.new(key, prefix, "sha256")
        return self._prefixed[namespace]


def audit_reference(key: DataKey) -> bytes:
    """The audit log's reference to a fragment: `HMAC-SHA256(salt, "cdp/1/audit" ‖ workspace ‖ fragment)`.

    32 bytes. Whoever destroys the salt unlinks it; nobody can guess it. Design §3.11,
    held by `tests/vectors/audit_reference.json`.
    """
    return hmac.digest(key.salt, b"cdp/1/audit" + key.workspace.bytes + key.fragment.bytes, "sha256")
