"""What happens too often for an entry each: counted, and told by one entry for each actor and minute.

Who is refused, or looks at the platform's own set-up, may do so a thousand times a minute: the log must
neither be silent on it nor be filled by it. The application adds a row each time and can take none back;
the keeper makes entries of them once their minute is over.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, timedelta

from sqlalchemy import delete, select

from audit import tables
from audit.log.entry import UnfitEntry, instant, is_word
from audit.log.pending import Said, SealDetail, actor_of, pend
from cdp.kernel.database import insert_rows
from cdp.work import Work

# A row may be committed a little after the minute in which its Work began.
SETTLED = timedelta(seconds=15)
BATCH = 10_000  # rows that are taken at once


def count(action: str, outcome: str, *, work: Work) -> None:
    """Count an act of the Work's actor. Raises `UnfitEntry` for what no entry could say."""
    said = {
        "actor": actor_of(work.actor),
        "action": action,
        "purpose": work.purpose,
        "outcome": outcome,
    }
    for field, word in said.items():
        if not is_word(field, word):
            raise UnfitEntry(field=field)
    row: dict[str, Sequence[object]] = {"at": [work.now], **{field: [word] for field, word in said.items()}}
    insert_rows(work.session, tables.counted, work.workspace, row)


def gather(*, seal: SealDetail, work: Work) -> int:
    """Make entries of what was counted in minutes that are over; how many rows were taken."""
    row = tables.counted.c
    over = (work.now - SETTLED).replace(second=0, microsecond=0)
    # The keeper asks many times a second: most times the oldest row alone says that nothing is over.
    oldest = work.session.scalar(select(row.at).order_by(row.id).limit(1))
    if oldest is None or oldest >= over:
        return 0
    some = select(row.id).where(row.at < over).order_by(row.id).limit(BATCH)
    taken = work.session.execute(
        delete(tables.counted)
        .where(row.id.in_(some))
        .returning(row.at, row.actor, row.action, row.purpose, row.outcome)
    ).all()
    times = Counter((one.at.astimezone(UTC).replace(second=0, microsecond=0), *one[1:]) for one in taken)
    for (minute, actor, action, purpose, outcome), number in sorted(times.items()):
        said = Said(
            actor=actor,
            action=action,
            purpose=purpose,
            outcome=outcome,
            detail={"times": number, "minute": instant(minute)},
        )
        pend(said, seal=seal, work=work)
    return len(taken)
