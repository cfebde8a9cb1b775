"""The local keyring's file: one JSON file, mode 0600, in the state directory.

Writers take a lock, read anew, and replace the file whole; what it said before is
overwritten, so that a destroyed version lies nowhere in this directory. Readers notice a
replaced file by its stamp. A file that others may read, or that differs in one byte from
what was written, is refused.
"""

import os
import stat
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Self

import msgspec

from cdp.kernel.errors import BrokenSeal, Conflict
from cdp.kernel.locking import locked
from cdp.vocabulary import WorkspaceId
from governance.keys import keyring, statedir
from governance.keys.keyring import Keyring, KeyringUnusable, KeyVersion, KeyVersionGone, Use

FORMAT = "cdp/1/keyring"
_Stamp = tuple[int, int, int]  # inode, modification time in ns, bytes


class KeyringExists(Conflict, http=False):
    """There is a keyring here already; a second one would make the first one's data unreadable."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """The file's content; `digest` is SHA-256 over the canonical keyring."""

    format: str
    digest: str
    keyring: Keyring


class KeyFile:
    """The keyring on disk. Any number of processes and threads may hold one for the same path."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = path.with_name(f"{path.name}.lock")
        self._seen: tuple[_Stamp, Keyring] = self._load()

    @classmethod
    def create(cls, path: Path, *, now: datetime) -> Self:
        """Make a fresh keyring at `path`. Raises `KeyringExists`."""
        with locked(path.with_name(f"{path.name}.lock")):
            if path.exists():
                raise KeyringExists
            statedir.write_atomic(path, encode(keyring.fresh(now)))
        return cls(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Open the keyring at `path`. Raises `KeyringUnusable`: missing, malformed or wider than 0600."""
        return cls(path)

    def __repr__(self) -> str:
        return "KeyFile(<keys>)"

    def current(self) -> Keyring:
        """The keyring as it is on disk now; read again only if the file was replaced."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            raise KeyringUnusable(reason="missing") from None
        if _stamp(found) != self._seen[0]:
            self._seen = self._load()
        return self._seen[1]

    def kek(self, workspace: WorkspaceId, version: int | None = None) -> KeyVersion:
        """A workspace's KEK, by default the active one; unknown ones are looked for on disk first.

        Raises `KeyVersionGone` when it was destroyed or never existed.
        """
        try:
            return self.current().kek(workspace, version)
        except KeyVersionGone:
            self._seen = self._load()
            return self._seen[1].kek(workspace, version)

    def root(self, use: Use, version: int | None = None) -> KeyVersion:
        """The root for `use`; otherwise as `kek`."""
        try:
            return self.current().root(use, version)
        except KeyVersionGone:
            self._seen = self._load()
            return self._seen[1].root(use, version)

    def opening_kek(self, workspace: WorkspaceId, version: int) -> bytes:
        """The secret that a stored value names the version of. Raises `BrokenSeal`: the version is a
        part of what was sealed, and a wrong one is answered like any other wrong part.
        """
        try:
            return self.kek(workspace, version).secret
        except KeyVersionGone:
            raise BrokenSeal from None

    def opening_root(self, use: Use, version: int) -> KeyVersion:
        """The root that a stored value names the version of; otherwise as `opening_kek`."""
        try:
            return self.root(use, version)
        except KeyVersionGone:
            raise BrokenSeal from None

    def ensure_workspace(self, workspace: WorkspaceId, *, now: datetime) -> KeyVersion:
        """The active KEK of `workspace`, made if it has none."""
        return self._change(partial(keyring.with_workspace, workspace=workspace, now=now)).kek(workspace)

    def rotate_kek(self, workspace: WorkspaceId, *, now: datetime) -> KeyVersion:
        """Make a new KEK version active and retire the old one; the new one is returned."""
        return self._change(partial(keyring.rotated_kek, workspace=workspace, now=now)).kek(workspace)

    def destroy_kek(self, workspace: WorkspaceId, version: int) -> None:
        """Destroy a retired KEK version: what is wrapped under it, here or in a backup, is blind."""
        self._change(partial(keyring.without_kek, workspace=workspace, version=version))

    def rotate_root(self, use: Use, *, now: datetime) -> KeyVersion:
        """Make a new root version active and retire the old one; the new one is returned."""
        return self._change(partial(keyring.rotated_root, use=use, now=now)).root(use)

    def destroy_root(self, use: Use, version: int) -> None:
        """Destroy a retired root version. Raises `UseIsPermanent` for suppressions and proofs."""
        self._change(partial(keyring.without_root, use=use, version=version))

    def _change(self, step: Callable[[Keyring], Keyring]) -> Keyring:
        with locked(self._lock):
            statedir.sweep(self._path)
            old = _read(self._path)
            new = step(old[1])
            if new is not old[1]:
                _replace(self._path, encode(new))
            self._seen = _read(self._path)
            return self._seen[1]

    def _load(self) -> tuple[_Stamp, Keyring]:
        # The lock is shared: a writer overwrites the old file's bytes while a reader may hold it open.
        with locked(self._lock, shared=True):
            return _read(self._path)


def _read(path: Path) -> tuple[_Stamp, Keyring]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        raise KeyringUnusable(reason="missing") from None
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) & ~statedir.OWNER_ONLY:
            raise KeyringUnusable(reason="permissions")
        return _stamp(found), decode(file.read())


def _replace(path: Path, data: bytes) -> None:
    with path.open("r+b") as old:
        statedir.write_atomic(path, data)
        # The name is gone; the bytes go too, as far as the file system overwrites in place.
        old.write(bytes(os.fstat(old.fileno()).st_size))
        old.flush()
        os.fsync(old.fileno())


def _stamp(found: os.stat_result) -> _Stamp:
    return found.st_ino, found.st_mtime_ns, found.st_size


def encode(keys: Keyring) -> bytes:
    """The file's bytes: canonical, so that one keyring has one form."""
    content = {
        "keks": {str(workspace): ring for workspace, ring in keys.keks.items()},
        "roots": dict(keys.roots),
        "seeds": {signing: b64encode(seed).decode() for signing, seed in keys.seeds.items()},
    }
    blob = msgspec.json.encode(content, order="deterministic")
    whole = {"format": FORMAT, "digest": sha256(blob).hexdigest(), "keyring": msgspec.Raw(blob)}
    return msgspec.json.encode(whole, order="deterministic") + b"\n"


def decode(data: bytes) -> Keyring:
    """The keyring in the file's bytes. Raises `KeyringUnusable` unless they are what `encode` writes."""
    try:
        found = msgspec.json.decode(data, type=_Stored).keyring
    except (msgspec.MsgspecError, ValueError):
        raise KeyringUnusable(reason="malformed") from None
    if encode(found) != data:
        raise KeyringUnusable(reason="malformed")
    return found
