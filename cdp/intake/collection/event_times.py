"""Times as clients write them: the one instant that a value plainly means, or none.

ISO 8601 is what the specification asks for. What else has one meaning is read too; what has
several (`11/12/2026`) or none is not guessed at.
"""

import re
from datetime import UTC, datetime, timedelta

# Seconds from 2000 to 2100; milli-, micro- and nanoseconds of these years never meet them.
_SINCE, _UNTIL = 946_684_800, 4_102_444_800
_SCALES = (1, 10**3, 10**6, 10**9)
_NUMBER = re.compile(r"\d{9,}(\.\d+)?", re.ASCII)
_ZONE = re.compile(r"(?<=\d)\s*(?:UTC|GMT|Z)$", re.IGNORECASE)
_LEAP = re.compile(r"(?<=\d\d:\d\d):60(?!\d)", re.ASCII)
_TIME = r"(\d\d:\d\d)(:\d\d)?"
_RFC_1123 = re.compile(
    rf"(?:[a-z]{{3}},\s*)?(\d{{1,2}})[ -]([a-z]{{3}})[ -](\d{{4}}) {_TIME} (?:GMT|UTC|Z|([+-]\d{{4}}))",
    re.ASCII | re.IGNORECASE,
)
_JAVASCRIPT = re.compile(
    rf"[a-z]{{3}} ([a-z]{{3}}) (\d{{1,2}}) (\d{{4}}) {_TIME} GMT([+-]\d{{4}})(?: \(.*\))?",
    re.ASCII | re.IGNORECASE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def iso(text: object) -> datetime | None:
    """The instant that ISO 8601 text means (UTC where no zone stands), or None."""
    # Digits alone are a number since 1970; Python would take some of them for a day and an hour.
    if not isinstance(text, str) or (len(text) > 8 and text.isdigit()):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def instant(value: object) -> datetime | None:
    """The one instant that `value` plainly means, or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _since_1970(value)
    if not isinstance(value, str) or len(value) > 100:
        return None
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return _since_1970(float(text))
    try:
        return _in_words(text) or _nearly_iso(text)
    except (ValueError, OverflowError):
        return None


def _since_1970(number: float) -> datetime | None:
    for scale in _SCALES:
        if _SINCE * scale <= number < _UNTIL * scale:
            return datetime.fromtimestamp(number / scale, UTC)
    return None


def _nearly_iso(text: str) -> datetime | None:
    plain, leaps = _LEAP.subn(":59", _ZONE.sub("", text))
    moment = iso(plain)
    return moment + timedelta(seconds=leaps) if moment else None


def _in_words(text: str) -> datetime | None:
    """RFC 1123 (`Fri, 20 Nov 2026 10:11:12 GMT`), and what JavaScript makes of a date as text."""
    if found := _RFC_1123.fullmatch(text):
        day, month, year, clock, seconds, offset = found.groups()
    elif found := _JAVASCRIPT.fullmatch(text):
        month, day, year, clock, seconds, offset = found.groups()
    else:
        return None
    number = _MONTHS.index(month.lower()) + 1
    return _nearly_iso(f"{year}-{number:02}-{int(day):02}T{clock}{seconds or ''}{offset or 'Z'}")
