"""The state directory: what must not go back in time when the database does.

It lies on storage of its own and holds the instance's id, the keyring, the journal and
the signer's last word. Only its owner may enter it. Everything small in it is written
whole to a second file and renamed, so that a crash leaves the old or the new, never a mix.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from cdp.kernel.errors import Refused
from cdp.kernel.ids import new_id
from cdp.kernel.locking import locked

OWNER_ONLY = 0o600
FORMAT = "cdp/1/instance"


class StateUnusable(Refused, http=False):
    """The state directory cannot be trusted: missing parts, damaged parts, or open to others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDirectory:
    """An opened state directory, and where its parts lie."""

    path: Path
    instance: UUID

    @property
    def keyring(self) -> Path:
        """The keyring's file."""
        return self.path / "keyring.json"

    @property
    def journal(self) -> Path:
        """The journal's directory."""
        return self.path / "journal"


def open_state(path: Path) -> StateDirectory:
    """Open the state directory at `path`; make it, with a fresh instance id, if there is none.

    Raises `StateUnusable` when others may enter it, or when it holds keys or a journal but
    has lost its instance id: giving it a new one would hide that it is not the same.
    """
    if not path.exists():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_directory(path.parent)
    found = path.stat()
    if not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077:
        raise StateUnusable(reason="permissions")
    with locked(path / "state.lock"):
        return StateDirectory(path=path, instance=_instance(path))


def _instance(path: Path) -> UUID:
    file = path / "instance.json"
    if not file.exists():
        if (path / "keyring.json").exists() or (path / "journal").exists():
            raise StateUnusable(reason="no instance id")
        write_json(file, {"format": FORMAT, "instance": new_id()})
    found = read_json(file)
    try:
        if found["format"] == FORMAT:
            return UUID(found["instance"])
    except (TypeError, KeyError, ValueError, AttributeError):
        pass
    raise StateUnusable(reason="malformed instance id")


def write_json(path: Path, value: object) -> None:
    """Write a small JSON file whole and durably, mode 0600. The caller holds a lock if others write too."""
    write_atomic(path, msgspec.json.encode(value, order="deterministic") + b"\n")


def read_json(path: Path) -> Any:
    """What `write_json` wrote. Raises `StateUnusable` when it is missing or not JSON."""
    try:
        return msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        raise StateUnusable(reason="missing", file=path.name) from None
    except ValueError:
        raise StateUnusable(reason="malformed", file=path.name) from None


def write_atomic(path: Path, data: bytes) -> None:
    """Replace the file at `path` by `data`, mode 0600: after a crash it is the old or the new."""
    fresh = path.with_name(f".{path.name}.{new_id()}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    try:
        try:
            write_fully(handle, data)
            os.fsync(handle)
        finally:
            os.close(handle)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sweep(path: Path) -> None:
    """Remove the unfinished copies of the file at `path` that a crash left. The caller holds its lock."""
    for left in path.parent.glob(f".{path.name}.*.new"):
        left.unlink(missing_ok=True)


def write_fully(handle: int, data: bytes) -> None:
    """Write all of `data`; the operating system may take it in parts."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable (a rename or a new file is not, before this)."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
