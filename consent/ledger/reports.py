"""What the ledger tells: a person their own words, a compliance officer the refused re-grants."""

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from cdp.kernel.database import StoredRow, run
from cdp.kernel.json_values import JsonObject
from cdp.ports import SaidBefore, Word
from cdp.ports.consent_ports import RefusedGrants
from cdp.vocabulary import NEGATIVE, ContactId, FragmentId, Scope, State
from cdp.work import Work
from consent import tables


def history(
    fragments: Sequence[FragmentId], contacts: Sequence[ContactId], *, work: Work
) -> list[JsonObject]:
    """Words that these fragments said or that bind these contacts, oldest first, ready for JSON.

    A negative word at a contact has no author in the ledger, so what another holder of a
    shared contact said shows as a refusal of the contact and no more; grants and requests of
    others do not show at all.
    """
    entry, purpose, notice = tables.entries.c, tables.purposes.c, tables.notices.c
    said = entry.fragment_id == func.any(bindparam("fragments", list(fragments), unique=True))
    binds = and_(
        entry.contact_id == func.any(bindparam("contacts", list(contacts), unique=True)),
        entry.fragment_id.is_(None),
    )
    rows = work.session.execute(
        select(
            tables.entries,
            purpose.name.label("purpose"),
            (notice.name + " v" + func.cast(notice.version, entry.scope.type)).label("notice"),
        )
        .join(tables.purposes, purpose.id == entry.purpose_id, isouter=True)
        .join(tables.notices, notice.id == entry.notice_id, isouter=True)
        .where(or_(said, binds))
        .order_by(entry.received_at, entry.seq)
    )
    return [_shown(row) for row in rows]


# A refusal at a contact has no author in the ledger, a grant has: so what counts is what this very
# record of the source has granted, and what the source has refused there.
_SAID_BEFORE = """
SELECT u.n, (array_agg(said.state ORDER BY said.seq DESC))[1], bool_or(said.state = ANY(%b::text[]))
FROM unnest(%b::int4[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[], %b::text[])
    AS u(n, source_id, fragment_id, contact_id, purpose_id, channel)
CROSS JOIN LATERAL (
    SELECT e.seq, e.state FROM consent.entries e
    WHERE e.contact_id = u.contact_id AND e.purpose_id = u.purpose_id AND e.source_id = u.source_id
        AND e.channel IS NOT DISTINCT FROM u.channel
        AND (e.fragment_id = u.fragment_id OR e.fragment_id IS NULL)
    UNION ALL
    SELECT e.seq, e.state FROM consent.entries e
    WHERE u.contact_id IS NULL AND e.contact_id IS NULL AND e.fragment_id = u.fragment_id
        AND e.purpose_id = u.purpose_id AND e.source_id = u.source_id
        AND e.channel IS NOT DISTINCT FROM u.channel
) AS said
GROUP BY u.n
"""


def said_before(words: Sequence[Word], *, work: Work) -> list[SaidBefore]:
    """For each of `words`, what its source has said about the same to whom it binds."""
    columns = (
        list(range(len(words))),
        [word.source for word in words],
        [word.fragment for word in words],
        [word.contact for word in words],
        [word.purpose for word in words],
        [word.channel.value if word.channel else None for word in words],
    )
    rows = run(work.session, _SAID_BEFORE, (sorted(NEGATIVE), *columns)) if words else ()
    found = {n: SaidBefore(State(last), refused) for n, last, refused in rows}
    return [found.get(n, SaidBefore(None, refused=False)) for n in range(len(words))]


def _shown(row: StoredRow) -> JsonObject:
    shown: JsonObject = {
        "entry": str(row.id),
        "scope": row.scope,
        "purpose": row.purpose or str(row.purpose_id),
        "channel": row.channel,
        "state": row.state,
        "received_at": row.received_at.isoformat(),
    }
    if row.contact_id is not None:
        shown["contact"] = str(row.contact_id)
    if row.scope == Scope.CONTACT and row.fragment_id is None:
        return shown
    return shown | {
        "evidence": row.evidence,
        "asserted_at": row.asserted_at.isoformat(),
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
        "notice": row.notice,
        "guardian": row.guardian,
        "counted": row.counted,
        "not_counted": row.not_counted,
        "refused_by": str(row.covered_by) if row.covered_by else None,
    }


def refused_grants(*, work: Work) -> list[RefusedGrants]:
    """Re-grants that a negative word refused, per source: count, newest entry, what refused it.

    Keys: `source` (id, null: said live), `count`, `entry`, `refused_by`, `received_at`.
    """
    entry = tables.entries.c
    of_source = func.count().over(partition_by=entry.source_id)
    rows = work.session.execute(
        select(entry.source_id, of_source.label("grants"), entry.id, entry.covered_by, entry.received_at)
        .ext(distinct_on(entry.source_id))
        .where(entry.covered_by.is_not(None), entry.state == State.GIVEN)
        .order_by(entry.source_id, entry.seq.desc())
    )
    return [
        {
            "source": str(row.source_id) if row.source_id else None,
            "count": row.grants,
            "entry": str(row.id),
            "refused_by": str(row.covered_by),
            "received_at": row.received_at.isoformat(),
        }
        for row in rows
    ]
