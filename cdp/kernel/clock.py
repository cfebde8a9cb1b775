"""Time: UTC, aware, and injected where a rule depends on it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """The present instant in UTC."""
    return datetime.now(UTC)
