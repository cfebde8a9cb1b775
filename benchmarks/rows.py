"""Every row that a round left behind, and a bare COPY of all of them: the other reading of "the same rows".

An event leaves more than itself: message ids, claims, statements, pointers, words, sums. They
are found by the transaction that wrote them, so nothing is forgotten and nothing is counted twice.
"""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.place import Place

_MARK = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
# The transactions of a new cluster have not come round, so a larger id is a later one.
_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('cdp', 'identity', 'consent', 'governance', 'audit')
ORDER BY 1, 2
"""
_WRITTEN = "COPY (SELECT * FROM {} WHERE xmin::text::bigint >= {}) TO STDOUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """Rows of every table, and the seconds that a bare COPY of them took."""

    rows: int
    seconds: float


def mark(place: Place) -> int:
    """What is written from now on."""
    with place.admin() as admin:
        row = admin.execute(_MARK).fetchone()
    assert row is not None, "a SELECT without FROM has one row"
    return int(row[0])


def copy_all(place: Place, since: int, *, commit_rows: int) -> Copied:
    """Copy all rows written since `since` into bare tables with the same indexes, table by table."""
    rows, seconds = 0, 0.0
    with place.admin() as admin:
        for schema, name in admin.execute(_TABLES).fetchall():
            table = sql.Identifier(schema, name)
            with admin.cursor().copy(sql.SQL(_WRITTEN).format(table, sql.Literal(since))) as written:
                lines = [bytes(line) for line in written]
            if lines:
                rows += len(lines)
                seconds += _copy(
                    admin, table, sql.Identifier("benchmark", f"{schema}_{name}"), lines, commit_rows
                )
    return Copied(rows=rows, seconds=seconds)


def _copy(
    admin: psycopg.Connection[Any],
    table: sql.Identifier,
    bare: sql.Identifier,
    lines: list[bytes],
    commit_rows: int,
) -> float:
    admin.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING INDEXES)").format(bare, table))
    commits = [b"".join(lines[start : start + commit_rows]) for start in range(0, len(lines), commit_rows)]
    begun = perf_counter()
    for commit in commits:
        with admin.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(bare)) as copy:
            copy.write(commit)
    return perf_counter() - begun
