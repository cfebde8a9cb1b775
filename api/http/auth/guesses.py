"""Wrong secrets of a client: counted over all processes, and an alarm after twenty.

For a while after the alarm the client's tokens are refused, for longer each time; but what people say
no to is heard through it all the same, or whoever knows a client's id could silence it (ADR-0041).
A secret has 192 random bits: nobody guesses one, and somebody who tries is worth looking at.
"""

from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from sqlalchemy import case, literal, or_, update
from sqlalchemy.dialects.postgresql import insert

from cdp.acting import acting
from cdp.acts import Act
from cdp.kernel.errors import REFUSED, TooOften
from cdp.kernel.logs import log
from cdp.ports import Ports
from cdp.work import Work
from policies import tables

MOST = 20
FIRST, LONGEST = timedelta(minutes=1), timedelta(hours=1)
FORGOTTEN = timedelta(days=1)  # without a wrong secret, after which all is as if there had been none

_KEPT = tables.wrong_secrets
_ROW = _KEPT.c


class ClientRefused(TooOften):
    """Wrong secrets of this client were tried; until the wait is over only refusals of people's are heard."""


def wrong(client: UUID, *, work: Work, ports: Ports) -> None:
    """Count a wrong secret of a client that there is; the twentieth is an alarm."""
    fresh = _ROW.last_at < literal(work.now) - FORGOTTEN
    counted = work.session.execute(
        insert(_KEPT)
        .values(workspace_id=work.workspace, client_id=client, wrong=1, alarms=0, last_at=work.now)
        .on_conflict_do_update(
            index_elements=["workspace_id", "client_id"],
            set_={
                "wrong": case((fresh, 1), else_=_ROW.wrong + 1),
                "alarms": case((fresh, 0), else_=_ROW.alarms),
                "last_at": work.now,
            },
            # While the client is refused, one more tells nothing, and must not lengthen it.
            where=or_(_ROW.refused_until.is_(None), _ROW.refused_until <= work.now),
        )
        .returning(_ROW.wrong, _ROW.alarms)
    ).one_or_none()
    if counted is not None and counted.wrong >= MOST:
        _alarm(client, counted.alarms, work, ports)


def _alarm(client: UUID, before: int, work: Work, ports: Ports) -> None:
    wait = min(LONGEST, FIRST * 2 ** min(before, 10))
    mine = _ROW.client_id == client
    changed = {"wrong": 0, "alarms": before + 1, "refused_until": work.now + wait}
    work.session.execute(update(_KEPT).where(mine).values(changed))
    log().warning("client_secret_guessed", workspace=str(work.workspace), count=MOST)
    with acting(Act.SECRET_GUESS, work=work, ports=ports) as doing:
        doing.tell(object=client, outcome=REFUSED, wrong=MOST, refused_seconds=int(wait.total_seconds()))


def right(client: UUID, *, work: Work) -> None:
    """Forget wrong secrets since the last alarm, for a right one has been shown."""
    ours = (_ROW.client_id == client, _ROW.wrong > 0)
    work.session.execute(update(_KEPT).where(*ours).values(wrong=0))


def check(until: datetime | None, *, now: datetime) -> None:
    """Raise `ClientRefused` until then."""
    if until is not None and until > now:
        raise ClientRefused(seconds=ceil((until - now).total_seconds()))
