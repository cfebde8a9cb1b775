"""The inbox: what was accepted, sealed whole and durable before the answer.

`accept` is all that the HTTP path does to the database: one row a request, one statement for
those that came together. `lag` and
`passed` tell whether everything accepted up to some point has been processed, which a
release must know before it believes the ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, text

from cdp import tables
from cdp.kernel import snapshots
from cdp.kernel.database import run
from cdp.kernel.errors import Unavailable
from cdp.ports import BodyPlace, BodyUse, Vault
from cdp.vocabulary import SourceId
from cdp.work import Work


class InboxLags(Unavailable):
    """Messages wait, and one may be a withdrawal, so this holds. Try again soon."""

    by_command = "cdp worker, if none is running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A request as it came; `kind` is server, public or import."""

    source: SourceId
    kind: str
    body: bytes
    items: int
    gpc: bool = False


# A number of acceptance is drawn only once the transaction has an id: a transaction that
# held a number but no id yet could commit a row behind the back of `passed`.
_ACCEPT = """
INSERT INTO cdp.inbox (workspace_id, accept_seq, received_at, source_id, kind, gpc, items, inbox_key_id, body)
SELECT %s::uuid, CASE WHEN pg_current_xact_id() IS NOT NULL THEN nextval('cdp.accept_seq') END, %s, u.*
FROM unnest(%b::uuid[], %b::text[], %b::bool[], %b::int4[], %b::uuid[], %b::bytea[]) AS u
"""


def accept(requests: Sequence[Accepted], *, vault: Vault, work: Work) -> None:
    """Store requests whole, sealed under the hour's inbox key; durable when the Work commits."""
    if not requests:
        return
    sealed = [
        vault.seal_body(_place_of(one, work.now), one.body, received_at=work.now, work=work)
        for one in requests
    ]
    run(
        work.session,
        _ACCEPT,
        (
            work.workspace,
            work.now,
            [one.source for one in requests],
            [one.kind for one in requests],
            [one.gpc for one in requests],
            [one.items for one in requests],
            [key_id for key_id, _ in sealed],
            [body for _, body in sealed],
        ),
    )


def place(source: UUID, kind: str, gpc: bool, items: int, received_at: datetime) -> BodyPlace:
    """Where a request belongs: to whom sent it with which trust, and when. Its row has no number yet when
    it is sealed; requests that came at one moment, with all of this alike, have no order among them.
    """
    return BodyPlace(
        BodyUse.REQUEST,
        (
            source.bytes,
            kind.encode(),
            bytes([gpc]),
            str(items).encode(),
            received_at.astimezone(UTC).isoformat(timespec="microseconds").encode(),
        ),
    )


def _place_of(request: Accepted, received_at: datetime) -> BodyPlace:
    return place(request.source, request.kind, request.gpc, request.items, received_at)


def newest(*, work: Work) -> int:
    """The highest number of acceptance given out so far, whether or not its row is committed."""
    value = work.session.scalar(text("SELECT last_value FROM cdp.accept_seq"))
    return int(value or 0)


def oldest(*, work: Work) -> datetime | None:
    """When the oldest message that waits was received; None: none waits."""
    found: datetime | None = work.session.scalar(select(func.min(tables.inbox.c.received_at)))
    return found


def lag(*, work: Work) -> timedelta:
    """The age of the oldest message that waits; zero if none does."""
    since = oldest(work=work)
    if since is None:
        return timedelta(0)
    present: datetime = work.session.execute(select(func.clock_timestamp())).scalar_one()
    return max(timedelta(0), present - since)


def hold(limit: timedelta, *, work: Work) -> None:
    """Raise `InboxLags` while a message has waited for longer than `limit`: the ledger may be behind."""
    if lag(work=work) > limit:
        raise InboxLags


def waiting(*, work: Work) -> int:
    """How many messages wait."""
    return work.session.scalar(select(func.coalesce(func.sum(tables.inbox.c["items"]), 0))) or 0


def mark(*, work: Work) -> tuple[int, int]:
    """(W, horizon): W is the newest number given out, horizon the first transaction not yet begun."""
    # The number first, then the snapshot in a statement of its own: whoever drew a number up to
    # this one had begun before that snapshot.
    number = newest(work=work)
    return number, snapshots.horizon(work.session)


def passed(point: tuple[int, int], *, work: Work) -> bool:
    """Whether the inbox has passed `point` of `mark`.

    No row up to W waits, and no transaction runs that began before the mark: sequences
    commit out of order, so an empty inbox alone would not tell.
    """
    number, horizon = point
    if not snapshots.ended_before(work.session, horizon):
        return False
    left = select(tables.inbox.c.accept_seq).where(tables.inbox.c.accept_seq <= number).limit(1)
    return work.session.scalar(left) is None
