"""Times as callers give them, by HTTP and on the command line: ISO 8601, read in one way."""

from datetime import UTC, date, datetime, time

_DAY = len("2026-01-31")


def read(text: str, *, of_day: time) -> datetime:
    """An instant; of a day alone `of_day`; without a zone in UTC. Raises `ValueError`."""
    if len(text) == _DAY:
        return datetime.combine(date.fromisoformat(text), of_day, UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
