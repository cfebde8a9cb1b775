"""Days and instants as files have them, by the formats that the mapping states.

Without a format only ISO 8601 and what is written with the year first is read: of `03/04/2026`
nobody can say which day it is, so the file is refused until somebody says it.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime

from cdp.kernel.errors import BadInput

_AMBIGUOUS = re.compile(r"\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})(?:[ T,].*)?")
# With the year first nobody can mistake the month for the day, with one digit or two.
_YEAR_FIRST = re.compile(r"(\d{4})(?:(\d\d)(\d\d)|([./-])(\d\d?)\4(\d\d?))(?:[ T]\d\d?:\d\d.*)?")
# Seconds since 1970 and thousandths of them, from 2001 on: neither is a day in any other way of writing.
_EPOCH = re.compile(r"([1-9]\d{9})(?:\d{3}|\.\d+)?", re.ASCII)
_ZONE = re.compile(r"\s*(?:UTC|GMT)$", re.IGNORECASE)


class DateFormatNeeded(BadInput, http=False):
    """Dates of this column can be read in two ways: say which, as `dates: {column: "%d/%m/%Y"}`."""


def day(value: object, text: str, formats: Sequence[str], column: str) -> str | None:
    """A day as ISO 8601; None if it is none. Raises `DateFormatNeeded`."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    for form in formats:
        try:
            return datetime.strptime(text, form).date().isoformat()  # noqa: DTZ007 - a day has no zone.
        except ValueError:
            continue
    if formats:
        return None
    _ask(text, column)
    found = _YEAR_FIRST.fullmatch(text)
    try:
        if found is None:
            return None
        return date(int(found[1]), int(found[2] or found[5]), int(found[3] or found[6])).isoformat()
    except ValueError:
        return None


def instant(value: object, formats: Sequence[str], column: str) -> datetime | None:
    """When something was; without a zone it is UTC. None: it cannot be read. Raises `DateFormatNeeded`."""
    if isinstance(value, datetime):
        return _with_zone(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    text = str(value).strip()
    for form in formats:
        try:
            return _with_zone(datetime.strptime(text, form))  # noqa: DTZ007 - it gets one.
        except ValueError:
            continue
    if formats:
        return None
    _ask(text, column)
    if found := _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(found[1]), UTC)
    try:
        return _with_zone(datetime.fromisoformat(_ZONE.sub("+00:00", text)))
    except ValueError:
        return None


def _with_zone(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _ask(text: str, column: str) -> None:
    if _AMBIGUOUS.fullmatch(text):
        raise DateFormatNeeded(field=column)
