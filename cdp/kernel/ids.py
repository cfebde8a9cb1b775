"""Identifiers: UUIDv7 (RFC 9562), so that new rows land side by side in an index."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A fresh time-ordered UUID; it reveals when it was made, and nothing else."""
    return uuid7()
