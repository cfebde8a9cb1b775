"""`Work`: one transaction, its actor, its purpose, its workspace and its time.

Nothing runs without one, and it holds the only commit. The workspace is set for the
transaction alone, so a connection that goes back to the pool can show nobody's rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from cdp.kernel.clock import Clock, now
from cdp.kernel.database import seconds_of
from cdp.vocabulary import Actor, WorkspaceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one unit of work may use: everything it writes stands or falls together."""

    session: Session = field(repr=False)
    workspace: WorkspaceId
    actor: Actor
    purpose: str  # why, in a word of the vocabulary of purposes; goes into the audit log
    now: datetime
    # The entries of the acts that were done in it: once it has committed, they are.
    done: list[UUID] = field(default_factory=list, repr=False)


_WORKSPACE = "SELECT set_config('cdp.workspace', :id, true)"
_BEGIN = text(_WORKSPACE)
_BEGIN_LIMITED = text(f"{_WORKSPACE}, set_config('statement_timeout', :limit, true)")


@contextmanager
def open_work(
    engine: Engine, *, workspace: UUID, actor: Actor, purpose: str, clock: Clock = now
) -> Iterator[Work]:
    """One transaction at READ COMMITTED. The only commit in the codebase is this `begin`.

    A statement that takes longer than the engine allows (`database.limited`) ends it.
    """
    with Session(engine, expire_on_commit=False) as session, session.begin():
        if seconds := seconds_of(engine):
            session.execute(_BEGIN_LIMITED, {"id": str(workspace), "limit": f"{seconds}s"})
        else:
            session.execute(_BEGIN, {"id": str(workspace)})
        yield Work(
            session=session,
            workspace=WorkspaceId(workspace),
            actor=actor,
            purpose=purpose,
            now=clock(),
        )
