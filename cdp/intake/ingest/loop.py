"""Work the inbox off: batch by batch, and one by one where a batch fails.

A request that fails by itself five times is quarantined as it came, sealed, so that it
holds up nothing and nothing is lost; what its messages refuse is heard before. A part that does
not answer, a full disk and others who change the same people are not the request's fault: no
attempt is counted then. It waits, and releases hold for it, for it may be a withdrawal that the
journal had no room for.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError

from cdp import tables
from cdp.acting import FAILED, ActNotAllowed, acting
from cdp.acts import Act
from cdp.intake.ingest.batch import Limits, Summary, process
from cdp.intake.ingest.hearing import hear
from cdp.intake.ingest.stages import Stages
from cdp.kernel.database import IN_THE_WAY, OUT_OF_SERVICE, sqlstate
from cdp.kernel.errors import Overloaded, Unavailable
from cdp.kernel.logs import log
from cdp.ports import Ports
from cdp.work import Work

Opener = Callable[[], AbstractContextManager[Work]]
ATTEMPTS = 5


def work_off(begin: Opener, *, ports: Ports, limits: Limits, stages: Stages | None = None) -> Summary:
    """Process one batch of a workspace; `rows` is 0 when nothing waits that nobody else works on.

    Raises only when the database or another part that every request needs does not answer.
    """
    stages = stages or Stages()
    try:
        with begin() as work:
            summary = process(work=work, ports=ports, limits=limits, stages=stages)
        return summary
    except Exception as error:  # Whatever it is, the requests of the batch are tried alone.
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        log().warning("batch_failed", exc_info=True)
    return _one_by_one(begin, ports=ports, limits=limits, stages=stages)


def _one_by_one(begin: Opener, *, ports: Ports, limits: Limits, stages: Stages) -> Summary:
    with begin() as work:
        oldest = list(
            work.session.scalars(
                select(tables.inbox.c.accept_seq).order_by(tables.inbox.c.accept_seq).limit(16)
            )
        )
    rows, verdicts = 0, dict[str, int]()
    away: Exception | None = None
    for number in oldest:
        try:
            with begin() as work:
                one = process(work=work, ports=ports, limits=limits, stages=stages, only=number)
        except Exception as error:  # Counted against this request, and logged without its content.
            log().warning("request_failed", accept_seq=number, exc_info=True)
            if _out_of_service(error):
                away = error
            elif not _others_in_the_way(error):
                _count_attempt(begin, number, type(error).__name__, ports)
            continue
        rows += one.rows
        for verdict, count in one.verdicts.items():
            verdicts[verdict] = verdicts.get(verdict, 0) + count
    if away is not None and not rows:
        raise away  # Whoever calls waits before the next try.
    return Summary(rows=max(rows, len(oldest)), verdicts=verdicts)


def _others_in_the_way(error: Exception) -> bool:
    """Whether the request failed only because others change the same people just now."""
    if isinstance(error, DBAPIError):
        return sqlstate(error) in IN_THE_WAY
    return isinstance(error, Overloaded)


def _out_of_service(error: Exception) -> bool:
    """Whether a part that the request needs does not answer, or has no room left."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or sqlstate(error) in OUT_OF_SERVICE
    if isinstance(error, ActNotAllowed):
        return True  # No request is at fault where the policy lets no worker work.
    return isinstance(error, Unavailable) and not isinstance(error, Overloaded)


def _count_attempt(begin: Opener, number: int, reason: str, ports: Ports) -> None:
    with begin() as work:
        row = work.session.execute(
            update(tables.inbox)
            .where(tables.inbox.c.accept_seq == number)
            .values(attempts=tables.inbox.c.attempts + 1)
            .returning(tables.inbox.c.attempts)
        ).one_or_none()
    if row is None or row.attempts < ATTEMPTS:
        return
    try:
        with begin() as work:
            heard = hear(number, work=work, ports=ports)
            _set_aside(number, reason, heard, work=work, ports=ports)
    except Exception as error:  # Whatever it is, the request must not hold up the others for ever.
        log().warning("noes_unheard", accept_seq=number, exc_info=True)
        if not (_out_of_service(error) or _others_in_the_way(error)):
            with begin() as work:
                _set_aside(number, reason, None, work=work, ports=ports)


def _set_aside(number: int, reason: str, heard: int | None, *, work: Work, ports: Ports) -> None:
    """Move a request into quarantine; `heard`: of how many messages the no is kept, None: nobody can tell."""
    row = work.session.execute(
        delete(tables.inbox).where(tables.inbox.c.accept_seq == number).returning(tables.inbox)
    ).one_or_none()
    if row is None:
        return
    with acting(Act.INBOX_QUARANTINE, work=work, ports=ports) as doing:
        work.session.execute(
            insert(tables.quarantine).values(
                workspace_id=work.workspace,
                accept_seq=row.accept_seq,
                index=-1,
                reason=reason,
                source_id=row.source_id,
                kind=row.kind,
                gpc=row.gpc,
                items=row.items,
                inbox_key_id=row.inbox_key_id,
                body=row.body,
                received_at=row.received_at,
                quarantined_at=work.now,
            )
        )
        doing.tell(object=str(number), outcome=FAILED, reason=reason, noes_heard=heard)
