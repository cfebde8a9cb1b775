"""Cursors of lists: the place where a page ended, bound to the question and good for a day.

A cursor holds nothing that its reader may not know and opens nothing, so it is neither sealed nor signed;
what is asked with it is asked of the caller's own workspace, whatever it says.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from cdp.kernel.errors import REFUSED, BadInput
from cdp.kernel.json_values import Json

GOOD_FOR = timedelta(hours=24)
LONGEST = 200  # characters


class UnknownCursor(BadInput):
    """No page of this list, asked for in this way, gave this cursor; begin again without one."""


class CursorExpired(BadInput):
    """This cursor is older than a day, and nothing was listed; begin again without one."""

    counted_as = REFUSED


def written(place: Sequence[int | str], *, of: Json, now: datetime) -> str:
    """What leads to the page behind `place`. `of`: the question that the page answers."""
    said = json.dumps([_question(of), int(now.timestamp()), *place], separators=(",", ":"))
    return urlsafe_b64encode(said.encode()).decode().rstrip("=")


def read(cursor: str, *, of: Json, now: datetime) -> list[int | str]:
    """The place that a cursor names. Raises `UnknownCursor`, also for another question's; `CursorExpired`."""
    try:
        text = cursor.encode("ascii") if len(cursor) <= LONGEST else b""
        question, since, *place = json.loads(urlsafe_b64decode(text + b"=" * (-len(text) % 4)))
    except (ValueError, TypeError, RecursionError):
        raise UnknownCursor(field="cursor") from None
    found = [one for one in place if type(one) in (int, str)]
    if question != _question(of) or type(since) is not int or len(found) != len(place):
        raise UnknownCursor(field="cursor")
    age = now.timestamp() - since
    # One from a time that lies ahead was given by nobody; a clock that is behind by a little is one of ours.
    if age < -GOOD_FOR.total_seconds():
        raise UnknownCursor(field="cursor")
    if age > GOOD_FOR.total_seconds():
        raise CursorExpired(field="cursor")
    return found


def _question(of: Json) -> str:
    """What makes two questions the same, in a few letters."""
    return sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()[:24]
