"""Sources: where data comes from, how much it is believed, and what its consent categories mean."""

import re
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from cdp import tables
from cdp.kernel.errors import BadInput, Conflict, NotFound, listed
from cdp.kernel.ids import new_id
from cdp.ports import Category, Source
from cdp.vocabulary import SourceId
from cdp.work import Work

_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,62}\Z", re.ASCII)


class SourceExists(Conflict):
    """There is a source of that name already."""


class UnfitSourceName(BadInput):
    """A source is named by up to 63 small letters, digits, _ . and -, and begins with a letter.

    So mappings and consent categories can name it.
    """


class NoSuchSource(NotFound):
    """There is no source of that name."""


def create(
    name: str,
    *,
    priority: int,
    authoritative: bool,
    controller_id: UUID,
    work: Work,
    obtained: str = "subject",
    categories: Mapping[str, Category] | None = None,
) -> Source:
    """Register a source. `categories` says what its consent categories mean.

    Smaller `priority` wins when two sources disagree on a value. An `authoritative` source's
    server key and imports verify identity. Raises `UnfitSourceName`, `SourceExists`.
    """
    if not _NAME.match(name):
        raise UnfitSourceName(field="name")
    source = Source(
        id=SourceId(new_id()),
        name=name,
        priority=priority,
        authoritative=authoritative,
        obtained=obtained,
        controller_id=controller_id,
        categories={word: Category(*meaning) for word, meaning in (categories or {}).items()},
    )
    # One statement: of two who take a name at the same moment, one is told.
    saved = work.session.scalar(
        insert(tables.sources)
        .values(
            workspace_id=work.workspace,
            id=source.id,
            name=name,
            priority=priority,
            authoritative=authoritative,
            obtained=obtained,
            controller_id=controller_id,
            categories={category: list(meaning) for category, meaning in source.categories.items()},
            created_at=work.now,
        )
        .on_conflict_do_nothing(index_elements=["workspace_id", "name"])
        .returning(tables.sources.c.id)
    )
    if saved is None:
        raise SourceExists(field="name")
    return source


def every(*, work: Work) -> dict[SourceId, Source]:
    """All sources of the workspace by id."""
    rows = work.session.execute(select(tables.sources).order_by(tables.sources.c.name))
    return {
        SourceId(row.id): Source(
            id=SourceId(row.id),
            name=row.name,
            priority=row.priority,
            authoritative=row.authoritative,
            obtained=row.obtained,
            controller_id=row.controller_id,
            categories={word: Category(*meaning) for word, meaning in row.categories.items()},
        )
        for row in rows
    }


def named(name: str, *, work: Work) -> Source:
    """The source of that name. Raises `NoSuchSource`."""
    there = {source.name: source for source in every(work=work).values()}
    if name not in there:
        raise NoSuchSource(field="source", known=listed(there))
    return there[name]
