"""Cursors of a search: the place in the log where a page ended, bound to the question and the workspace."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from uuid import UUID

from cdp.kernel.errors import BadInput
from cdp.ports import TrailQuery

LONGEST = 200


class BadCursor(BadInput):
    """This cursor belongs to no such search; begin at the first page."""


def sealed(query: TrailQuery, workspace: UUID, place: tuple[int, int]) -> str:
    """A cursor: the last place shown, bound to the question and the workspace."""
    said = json.dumps([_question(query, workspace), *place], separators=(",", ":"))
    return urlsafe_b64encode(said.encode()).decode().rstrip("=")


def opened(query: TrailQuery, workspace: UUID) -> tuple[int, int] | None:
    """The place that the query's cursor names. Raises `BadCursor` for another question's, or none."""
    if query.cursor is None:
        return None
    if len(query.cursor) > LONGEST:
        raise BadCursor(field="cursor")
    try:
        text = query.cursor.encode("ascii")
        bound, epoch, seq = json.loads(urlsafe_b64decode(text + b"=" * (-len(text) % 4)))
    except (ValueError, TypeError):
        raise BadCursor(field="cursor") from None
    numbers = type(epoch) is int and type(seq) is int and 0 <= epoch < 2**31 and 0 <= seq < 2**63
    if bound != _question(query, workspace) or not numbers:
        raise BadCursor(field="cursor")
    return epoch, seq


def _question(query: TrailQuery, workspace: UUID) -> str:
    """What makes two searches the same, in a few letters."""
    references = sorted(ref.hex() for ref in query.references) if query.references is not None else None
    words = [query.actor, query.action, query.purpose, query.outcome, str(query.recipient or "")]
    times = [at.isoformat() if at else None for at in (query.since, query.until)]
    said = json.dumps([str(workspace), words, references, times])
    return sha256(said.encode()).hexdigest()[:24]
