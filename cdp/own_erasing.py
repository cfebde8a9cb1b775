"""How `cdp` forgets: events, facts, sums, derived values; what it keeps, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import BindParameter, ColumnElement, Table, bindparam, delete, func, select

from cdp import tables
from cdp.ports import Forgotten
from cdp.vocabulary import FragmentId
from cdp.work import Work

_BY_FRAGMENT = (tables.events, tables.facts, tables.fragment_attributes)


@dataclass(frozen=True, slots=True)
class Business:
    """`Erasable` of the business's own tables."""

    tables: frozenset[str] = frozenset(str(table) for table in (*_BY_FRAGMENT, tables.derived))
    retained: Mapping[str, str] = field(
        default_factory=lambda: {
            "cdp.requests": "the request's file: 11 CCR 7101, 24 months; opaque ids of what was erased"
        }
    )

    def erase(self, whom: Forgotten, *, work: Work) -> dict[str, int]:
        """Delete; rows deleted by table."""
        return {
            str(table): work.session.execute(delete(table).where(condition)).rowcount  # type: ignore[attr-defined]
            for table, condition in _conditions(whom)
        }

    def residue(self, whom: Forgotten, *, work: Work) -> dict[str, int]:
        """Rows still there by table."""
        return {
            str(table): work.session.scalar(select(func.count()).select_from(table).where(condition)) or 0
            for table, condition in _conditions(whom)
        }


def _conditions(whom: Forgotten) -> list[tuple[Table, ColumnElement[bool]]]:
    fragments: BindParameter[list[FragmentId]] = bindparam("fragments", list(whom.fragments), unique=True)
    made = [(table, table.c.fragment_id == func.any(fragments)) for table in _BY_FRAGMENT]
    # A profile's id is a fragment's, so what was derived of the person goes by the same ids.
    return [*made, (tables.derived, tables.derived.c.profile_id == func.any(fragments))]
