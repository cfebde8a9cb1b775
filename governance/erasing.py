"""How governance forgets: the fragments' keys and salts are deleted, and with them all meaning."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, bindparam, delete, func, select

from cdp.ports import Forgotten
from cdp.work import Work
from governance import tables


@dataclass(frozen=True, slots=True)
class KeysErasable:
    """`Erasable` of the fragment keys."""

    tables: frozenset[str] = frozenset({str(tables.keys)})
    retained: Mapping[str, str] = field(default_factory=dict)

    def erase(self, whom: Forgotten, *, work: Work) -> dict[str, int]:
        """Delete keys and salts; rows deleted by table."""
        gone = work.session.execute(delete(tables.keys).where(_theirs(whom)).returning(tables.keys.c.id))
        return {str(tables.keys): len(gone.all())}

    def residue(self, whom: Forgotten, *, work: Work) -> dict[str, int]:
        """Keys still there."""
        count = select(func.count()).select_from(tables.keys).where(_theirs(whom))
        return {str(tables.keys): work.session.scalar(count) or 0}


def _theirs(whom: Forgotten) -> ColumnElement[bool]:
    return tables.keys.c.fragment_id == func.any(bindparam("fragments", list(whom.fragments), unique=True))
