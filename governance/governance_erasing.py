"""How governance forgets: keys and salts are deleted, and with them all meaning; scans and findings go."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import BindParameter, ColumnElement, Table, bindparam, delete, func, select

from cdp.ports import Forgotten
from cdp.vocabulary import FragmentId
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


# Scans first: a result that comes in between goes to no row that is gone.
_DETECTION: tuple[Table, ...] = (tables.scans, tables.findings, tables.decisions)


@dataclass(frozen=True, slots=True)
class ScansErasable:
    """`Erasable` of what detection keeps. Comes after the keys: a claim under way holds those."""

    tables: frozenset[str] = frozenset(str(table) for table in _DETECTION)
    retained: Mapping[str, str] = field(default_factory=dict)

    def erase(self, whom: Forgotten, *, work: Work) -> dict[str, int]:
        """Delete scans, findings and decisions; rows deleted by table."""
        return {
            str(table): work.session.execute(delete(table).where(_of(table, whom))).rowcount  # type: ignore[attr-defined]
            for table in _DETECTION
        }

    def residue(self, whom: Forgotten, *, work: Work) -> dict[str, int]:
        """Rows still there by table."""
        return {
            str(table): work.session.scalar(select(func.count()).select_from(table).where(_of(table, whom)))
            or 0
            for table in _DETECTION
        }


def _of(table: Table, whom: Forgotten) -> ColumnElement[bool]:
    fragments: BindParameter[list[FragmentId]] = bindparam("fragments", list(whom.fragments), unique=True)
    return table.c.fragment_id == func.any(fragments)
