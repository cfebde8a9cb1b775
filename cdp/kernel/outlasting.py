"""Waiting for whoever holds a row or a key of a unique index, no longer than somebody has patience for.

The wait costs those who hold it nothing: they take no lock for it, and nothing of it stays.
"""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from cdp.kernel.database import IN_THE_WAY, LOCK_NOT_AVAILABLE, sqlstate

_LEAST = 1  # millisecond; PostgreSQL takes none for a wait without end
_LIMIT = text("SELECT set_config('lock_timeout', :most, true)")


def outlasts(session: Session, hold: Callable[[], object], *, patience: timedelta) -> bool:
    """Whether all who hold what `hold` asks for have ended in time; what it writes is taken back.

    False: somebody still holds it, or waits for this transaction itself.
    """
    most = max(_LEAST, int(patience.total_seconds() * 1000))
    within = session.begin_nested()
    try:
        session.execute(_LIMIT, {"most": f"{most}ms"})
        hold()
    except DBAPIError as error:
        if sqlstate(error) != LOCK_NOT_AVAILABLE and sqlstate(error) not in IN_THE_WAY:
            raise
        return False
    finally:
        within.rollback()
    return True
