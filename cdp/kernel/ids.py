"""Identifiers: UUIDv7 (RFC 9562), so that new rows land side by side in an index."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A fresh time-ordered UUID; it reveals when it was made, and nothing else."""
    return uuid7()


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def made_at(made: UUID) -> datetime:
    """When an id was made, to the millisecond."""
    return _EPOCH + timedelta(milliseconds=made.int >> 80)


def first_id(at: datetime) -> UUID:
    """The least id that can have been made at `at` or later; it is nobody's."""
    return UUID(int=((at - _EPOCH) // timedelta(milliseconds=1)) << 80)
