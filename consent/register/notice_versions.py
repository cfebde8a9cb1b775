"""The versions of notices: what people were shown, since when, and what it names.

A word names a version, or the one in force when it was said; never the newest, which might name
whom nobody had heard of by then.
"""

from collections import defaultdict

from sqlalchemy import select

from cdp.ports import Notices, NoticeVersion
from cdp.vocabulary import NoticeId
from cdp.work import Work
from consent import tables

_VERSIONS = "consent.notices"  # where a Work's session keeps what it has read


def load(work: Work) -> Notices:
    """Every version of every notice, read once a Work; a workspace has dozens."""
    known: Notices | None = work.session.info.get(_VERSIONS)
    if known is None:
        known = work.session.info[_VERSIONS] = _read(work)
    return known


def changed(work: Work) -> None:
    """To be called by whoever writes a notice: the next `load` reads anew."""
    work.session.info.pop(_VERSIONS, None)


def _read(work: Work) -> Notices:
    column = tables.notices.c
    rows = work.session.execute(
        select(
            column.id,
            column.name,
            column.version,
            column.published_at,
            column.controller_id,
            column.purposes,
        ).order_by(column.name, column.version)
    )
    versions: dict[str, list[NoticeVersion]] = defaultdict(list)
    for row in rows:
        versions[row.name].append(
            NoticeVersion(
                id=NoticeId(row.id),
                name=row.name,
                number=row.version,
                published_at=row.published_at,
                controller_id=row.controller_id,
                purposes=frozenset(row.purposes),
            )
        )
    return Notices(dict(versions))
