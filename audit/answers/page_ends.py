"""The place in the log where a page of a search ended, bound to the question and the workspace."""

from cdp.kernel import cursors
from cdp.kernel.cursors import UnknownCursor
from cdp.kernel.json_values import JsonObject
from cdp.ports import TrailQuery
from cdp.work import Work


def leading_on(query: TrailQuery, place: tuple[int, int], *, work: Work) -> str:
    """A cursor: the last place shown, as epoch and sequence number."""
    return cursors.written(place, of=_question(query, work), now=work.now)


def place(query: TrailQuery, *, work: Work) -> tuple[int, int] | None:
    """The place that the query's cursor names. Raises `UnknownCursor`, `CursorExpired`."""
    if query.cursor is None:
        return None
    match cursors.read(query.cursor, of=_question(query, work), now=work.now):
        case [int(epoch), int(seq)] if 0 <= epoch < 2**31 and 0 <= seq < 2**63:
            return epoch, seq
    raise UnknownCursor(field="cursor")


def _question(query: TrailQuery, work: Work) -> JsonObject:
    """What makes two searches the same."""
    return {
        "workspace": str(work.workspace),
        "references": None if query.references is None else sorted(ref.hex() for ref in query.references),
        "words": [query.actor, query.action, query.purpose, query.outcome, str(query.recipient or "")],
        "times": [at.isoformat() if at else None for at in (query.since, query.until)],
    }
