"""The keyring: every root key of this instance, as one immutable snapshot.

Per workspace, versions of its key-encryption key (KEK); per use, versions of a root for
keyed hashes and inbox keys; per signature, one Ed25519 seed. All are random and independent.
In each ring the newest version is active and works; older ones are retired and only open.
Pure: changing a keyring makes another one. `keyfile` keeps it on disk.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from msgspec import Meta

from cdp.kernel.errors import BrokenSeal, Conflict, Refused
from cdp.vocabulary import WorkspaceId

ROOT_BYTES = 32


class Use(StrEnum):
    """What a root is for. Bound into what is derived from it: never renamed."""

    INBOX = "inbox"  # wraps inbox keys
    BLIND = "blind"  # blind indexes
    SUPPRESSION = "suppression"
    JOURNAL = "journal"
    PROOF = "proof"  # proofs of consent and objection
    MESSAGE = "message"  # message ids
    DETAIL = "detail"  # seals the detail of audit entries


class Signing(StrEnum):
    """What is signed; one key each."""

    CHECKPOINT = "checkpoint"
    RECEIPT = "receipt"
    TOKEN = "token"  # noqa: S105
    CERTIFICATE = "certificate"


class KeyState(StrEnum):
    """An active version seals and opens, a retired one only opens."""

    ACTIVE = "active"
    RETIRED = "retired"


class KeyringUnusable(Refused):
    """The keyring's file is missing, damaged, or open to others; nothing can be opened or sealed."""


class KeyVersionGone(BrokenSeal):
    """A version of a key is not in the keyring: it was destroyed, or was never here."""


class KeyStillActive(Conflict, http=False):
    """The active version of a key cannot be destroyed; rotate first, and rewrap what it holds."""


class UseIsPermanent(Conflict, http=False):
    """Hashes under this root are never recomputed, so none of its versions can be destroyed."""


# Suppressions and proofs outlive the values they were made of: nobody could make them anew.
PERMANENT = frozenset({Use.SUPPRESSION, Use.PROOF})

Secret = Annotated[bytes, Meta(min_length=ROOT_BYTES, max_length=ROOT_BYTES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVersion:
    """One version of a root or KEK. `created_at` is also when the version before it retired."""

    version: Annotated[int, Meta(ge=1, lt=2**31)]
    state: KeyState
    created_at: Annotated[datetime, Meta(tz=True)]
    secret: Secret = field(repr=False)


Ring = tuple[KeyVersion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """A snapshot of all rings. Printing it shows no key."""

    keks: Mapping[WorkspaceId, Ring]
    roots: Mapping[Use, Ring]
    seeds: Mapping[Signing, Secret] = field(repr=False)

    def __post_init__(self) -> None:
        """Raises `KeyringUnusable` unless every use has a sound ring and every signature a seed."""
        rings = [*self.keks.values(), *self.roots.values()]
        whole = set(self.roots) == set(Use) and set(self.seeds) == set(Signing)
        if not whole or not all(_is_sound(ring) for ring in rings):
            raise KeyringUnusable(reason="malformed")
        for name in ("keks", "roots", "seeds"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def kek(self, workspace: WorkspaceId, version: int | None = None) -> KeyVersion:
        """A workspace's KEK, by default the active one. Raises `KeyVersionGone`."""
        return _pick(self.keks.get(workspace, ()), version)

    def root(self, use: Use, version: int | None = None) -> KeyVersion:
        """The root for `use`, by default the active one. Raises `KeyVersionGone`."""
        return _pick(self.roots[use], version)

    def versions(self, use: Use) -> Ring:
        """Every version for `use`, newest first: look-ups try them all."""
        return self.roots[use][::-1]


def fresh(now: datetime) -> Keyring:
    """A keyring for a new instance: first roots and seeds, no workspace yet."""
    return Keyring(
        keks={},
        roots={use: (_new_version(1, now),) for use in Use},
        seeds={signing: os.urandom(ROOT_BYTES) for signing in Signing},
    )


def with_workspace(keyring: Keyring, workspace: WorkspaceId, *, now: datetime) -> Keyring:
    """The same with a first KEK for `workspace`, or the very same if it has one."""
    if workspace in keyring.keks:
        return keyring
    return replace(keyring, keks={**keyring.keks, workspace: (_new_version(1, now),)})


def rotated_kek(keyring: Keyring, workspace: WorkspaceId, *, now: datetime) -> Keyring:
    """The same with a new active KEK for `workspace`; the old one retires. Raises `KeyVersionGone`."""
    return replace(keyring, keks={**keyring.keks, workspace: _rotated(keyring.keks.get(workspace, ()), now)})


def rotated_root(keyring: Keyring, use: Use, *, now: datetime) -> Keyring:
    """The same with a new active root for `use`; the old one retires."""
    return replace(keyring, roots={**keyring.roots, use: _rotated(keyring.roots[use], now)})


def without_kek(keyring: Keyring, workspace: WorkspaceId, version: int) -> Keyring:
    """The same without a retired KEK. Raises `KeyStillActive`, `KeyVersionGone`."""
    return replace(
        keyring, keks={**keyring.keks, workspace: _without(keyring.keks.get(workspace, ()), version)}
    )


def without_root(keyring: Keyring, use: Use, version: int) -> Keyring:
    """The same without a retired root. Raises `KeyStillActive`, `KeyVersionGone`, `UseIsPermanent`."""
    if use in PERMANENT:
        raise UseIsPermanent(use=use.value)
    return replace(keyring, roots={**keyring.roots, use: _without(keyring.roots[use], version)})


def _new_version(version: int, now: datetime) -> KeyVersion:
    return KeyVersion(version=version, state=KeyState.ACTIVE, created_at=now, secret=os.urandom(ROOT_BYTES))


def _is_sound(ring: Ring) -> bool:
    """Versions ascend, the newest alone is active, and no secret is there twice."""
    versions = [key.version for key in ring]
    states = [key.state for key in ring]
    return (
        bool(ring)
        and versions == sorted(set(versions))
        and states == [KeyState.RETIRED] * (len(ring) - 1) + [KeyState.ACTIVE]
        and len({key.secret for key in ring}) == len(ring)
    )


def _pick(ring: Ring, version: int | None) -> KeyVersion:
    # The active version is always the last, and the most asked for.
    for key in reversed(ring):
        if version is None or key.version == version:
            return key
    raise KeyVersionGone


def _rotated(ring: Ring, now: datetime) -> Ring:
    active = _pick(ring, None)
    retired = replace(active, state=KeyState.RETIRED)
    return (*ring[:-1], retired, _new_version(active.version + 1, now))


def _without(ring: Ring, version: int) -> Ring:
    if _pick(ring, version).state is KeyState.ACTIVE:
        raise KeyStillActive(version=version)
    return tuple(key for key in ring if key.version != version)
