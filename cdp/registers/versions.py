"""Versions of what stands in a register: a change can insist on the one that its author has seen.

A version is a digest of what a row says, so two rows that say the same have the same one. Whoever changes
a row takes its register's lock first: of two who have seen the same version, the second one is told.
"""

import hashlib
from collections.abc import Collection

import msgspec
from sqlalchemy import text

from cdp.kernel.errors import Stale
from cdp.work import Work

# The versions that somebody has seen; None: whichever stands there may be changed.
Seen = Collection[str] | None

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")


class ChangedMeanwhile(Stale):
    """It was changed since you read it, and nothing was done; read it again, and decide anew."""


def version(row: object) -> str:
    """The version of a row (a dataclass of what is registered): 32 hexadecimal digits."""
    return hashlib.sha256(msgspec.json.encode(row, order="deterministic")).hexdigest()[:32]


def lock(register: str, *, work: Work) -> None:
    """Let nobody else change this register of the workspace before the Work ends."""
    work.session.execute(_LOCK, {"what": f"{work.workspace}:{register}"})


def hold_to(seen: Seen, row: object) -> None:
    """Raise `ChangedMeanwhile` for a row of which another version was seen."""
    if seen is not None and version(row) not in seen:
        raise ChangedMeanwhile(field="If-Match")
