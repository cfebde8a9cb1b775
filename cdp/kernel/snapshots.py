"""Waiting for others without a lock: whether all who wrote before a moment have ended.

Who commits something and then sees that every transaction older than its commit has ended
knows that whoever writes from now on has seen it.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session


def horizon(session: Session) -> int:
    """The first transaction that has not begun to write yet."""
    found = session.execute(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"))
    return int(found.scalar_one())


def ended_before(session: Session, before: int) -> bool:
    """Whether every transaction that wrote before the `horizon` given has ended."""
    found = session.execute(
        text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= :before"), {"before": before}
    )
    return bool(found.scalar_one())
