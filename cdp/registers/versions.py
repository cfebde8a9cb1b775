"""Versions of what stands in a register: a change can insist on the one that its author has seen.

A version is a digest of what a row says, so two rows that say the same have the same one. Whoever changes
a row takes the lock of the workspace's registers first: of two who have seen the same version, the second
one is told.
"""

import hashlib
from collections.abc import Collection

import msgspec
from sqlalchemy import text

from cdp.kernel.errors import Stale
from cdp.work import Work

# The versions that somebody has seen; None: whichever stands there may be changed.
Seen = Collection[str] | None

_LOCK = text("SELECT cdp.hold_registers()")


class ChangedMeanwhile(Stale):
    """It was changed since you read it, and nothing was done; read it again, and decide anew."""


def version(row: object) -> str:
    """The version of a row (a dataclass of what is registered): 32 hexadecimal digits."""
    return hashlib.sha256(msgspec.json.encode(row, order="deterministic")).hexdigest()[:32]


def lock(*, work: Work) -> None:
    """Let nobody else change a register of the workspace before the Work ends.

    It is a row's lock, of a table that reports cannot lock; anybody can take an advisory one.
    """
    work.session.execute(_LOCK)


def hold_to(seen: Seen, row: object) -> None:
    """Raise `ChangedMeanwhile` for a row of which another version was seen."""
    if seen is not None and version(row) not in seen:
        raise ChangedMeanwhile(field="If-Match")
