"""The database: one metadata, tables that carry their workspace, engines, bulk writes.

Tables are declared in their package through `workspace_table`, which puts `workspace_id`
first in the primary key; migrations force row-level security on all of them. Bulk writes
are `INSERT … SELECT FROM unnest(typed binary arrays)`: COPY into a table with row-level
security is refused by PostgreSQL, and array binding is as fast.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg import sql as pg
from psycopg.abc import Params, QueryNoTemplate
from psycopg.rows import TupleRow
from sqlalchemy import (
    ARRAY,
    URL,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Engine,
    Float,
    FromClause,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Row,
    SmallInteger,
    Table,
    Text,
    Uuid,
    create_engine,
    event,
    select,
)
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.schema import SchemaItem
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.elements import KeyedColumnElement

from cdp.kernel import ahead, arrays

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

# Of a query with more columns than names are given to here: each is read by its own name.
StoredRow: TypeAlias = Row[*tuple[object, ...]]
# The columns of a subquery by name, which SQLAlchemy types one as the other.
Columns: TypeAlias = ReadOnlyColumnCollection[str, KeyedColumnElement[Any]]

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]

OWNER, APP, KEEPER, READER = "cdp_owner", "cdp_app", "cdp_keeper", "cdp_reader"
# Codes of PostgreSQL (its manual, appendix A): deadlock_detected and serialization_failure come of
# what others do at the same moment, lock_not_available of NOWAIT.
IN_THE_WAY = frozenset({"40P01", "40001"})
LOCK_NOT_AVAILABLE = "55P03"
# disk_full, too_many_connections, read_only_sql_transaction (a standby), admin_shutdown,
# crash_shutdown, cannot_connect_now.
TOO_LONG = "57014"  # query_canceled: by a statement's time limit, for nobody else cancels ours
_SECONDS = "cdp_seconds"
OUT_OF_SERVICE = frozenset({"53100", "53300", "25006", "57P01", "57P02", "57P03"})

READ, APPEND, WRITE = "SELECT", "SELECT, INSERT, DELETE", "SELECT, INSERT, UPDATE, DELETE"
# Evidence: what was said stays said; and registers, whose rows end and do not vanish.
GROW, KEEP = "SELECT, INSERT", "SELECT, INSERT, UPDATE"

# The policy of every table: without a workspace set, `NULL = …` lets no row through.
WORKSPACE_PREDICATE = "workspace_id = NULLIF((SELECT current_setting('cdp.workspace', true)), '')::uuid"


def workspace_table(
    name: str,
    schema: str,
    *items: SchemaItem,
    key: Sequence[str],
    app: str = WRITE,
    keeper: str = "",
    reader: str = "",
    postgresql_with: Mapping[str, int] | None = None,
    postgresql_partition_by: str | None = None,
) -> Table:
    """A table of one workspace's rows: `workspace_id` leads its primary key.

    `app`, `keeper` and `reader` are the privileges of those roles, as in GRANT; migrations
    are generated from them. `key` names the columns that follow in the primary key.
    """
    columns = {item.name: item for item in items if isinstance(item, Column)}
    for part in key:
        columns[part].primary_key = True
        columns[part].nullable = False
    first = Column("workspace_id", Uuid, primary_key=True, nullable=False)
    grants = {role: rights for role, rights in ((APP, app), (KEEPER, keeper), (READER, reader)) if rights}
    return Table(
        name,
        metadata,
        first,
        *items,
        schema=schema,
        info={"grants": grants},
        postgresql_with=postgresql_with or {},
        postgresql_partition_by=postgresql_partition_by,
    )


def instant(name: str, *, null: bool = False) -> Column[datetime]:
    """A column of timestamptz."""
    return Column(name, DateTime(timezone=True), nullable=null)


def overflow_of(pool_size: int) -> int:
    """How many connections more than it keeps a pool opens while there is need."""
    return pool_size


def make_engine(url: str | URL, *, pool_size: int, overflow: int | None = None) -> Engine:
    """An engine that checks connections on checkout and never prints parameters.

    It keeps `pool_size` connections and opens up to `overflow` more (None: `overflow_of` it).
    """
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=overflow_of(pool_size) if overflow is None else overflow,
        pool_pre_ping=True,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare)
    ahead.install(engine)
    return engine


def limited(engine: Engine, seconds: int) -> Engine:
    """`engine` and its connections, for Works none of whose statements may take longer."""
    return engine.execution_options(**{_SECONDS: seconds})


def seconds_of(engine: Engine) -> int:
    """How long a statement may take in a Work of this engine's; 0: as long as it needs."""
    seconds: int = engine.get_execution_options().get(_SECONDS, 0)
    return seconds


def _prepare(connection: Connection, _: object) -> None:
    arrays.register(connection.adapters)


class Conflict(NamedTuple):
    """What a bulk insert does on a duplicate: `columns` and the `DO …` behind them."""

    columns: tuple[str, ...]
    action: str = "NOTHING"


_POSTGRES_NAMES: tuple[tuple[type, str], ...] = (
    (Uuid, "uuid"),
    (LargeBinary, "bytea"),
    (BigInteger, "int8"),
    (SmallInteger, "int2"),
    (Integer, "int4"),
    (Boolean, "bool"),
    (DateTime, "timestamptz"),
    (Date, "date"),
    (Float, "float8"),
    (Numeric, "numeric"),
    (Text, "text"),
)


def _postgres_name(column: Column[Any]) -> str:
    within = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    for kind, name in _POSTGRES_NAMES:
        if isinstance(within, kind):
            return name
    raise TypeError(f"{column.table.name}.{column.name} has no array type for bulk writes")


def _sent_as(column: Column[Any]) -> str:
    # `unnest` flattens arrays within an array, so each comes as text, as PostgreSQL writes it.
    return "text" if isinstance(column.type, ARRAY) else _postgres_name(column)


def _taken_as(column: Column[Any]) -> str:
    return f"{{}}::{_postgres_name(column)}[]" if isinstance(column.type, ARRAY) else "{}"


def insert_rows(
    session: Session,
    table: Table,
    workspace: UUID,
    columns: Mapping[str, Sequence[object]],
    *,
    order: Sequence[str] = (),
    conflict: Conflict | None = None,
    returning: Sequence[str] = (),
) -> list[TupleRow]:
    """Insert rows given column by column, in one statement; return the `returning` columns.

    `columns` maps column names to sequences of equal length (None is NULL; a value of an array column
    is its text, such as `{1,2}`). `order` names
    columns by which to insert, so that concurrent writers meet their duplicates in the same
    order and cannot deadlock.
    """
    names = tuple(columns)
    if not names or not columns[names[0]]:
        return []
    query = _insertion(table, names, tuple(order), conflict, tuple(returning))
    parameters = (workspace, *(list(columns[name]) for name in names))
    if returning:
        return run(session, query, parameters).fetchall()
    write(session, query, parameters)
    return []


@lru_cache(maxsize=512)
def _insertion(
    table: Table,
    names: tuple[str, ...],
    order: tuple[str, ...],
    conflict: Conflict | None,
    returning: tuple[str, ...],
) -> bytes:
    """The statement of `insert_rows`: each caller's is the same at each call."""
    ident = pg.Identifier
    columns = pg.SQL(", ").join(pg.SQL("%b::{}[]").format(pg.SQL(_sent_as(table.c[name]))) for name in names)
    into = pg.SQL(", ").join(map(ident, names))
    values = pg.SQL(", ").join(pg.SQL(_taken_as(table.c[name])).format(ident(name)) for name in names)
    query = pg.SQL("INSERT INTO {} (workspace_id, {}) SELECT %s::uuid, {} FROM unnest({}) AS u({})").format(
        ident(table.schema or "public", table.name), into, values, columns, into
    )
    if order:
        query += pg.SQL(" ORDER BY ") + pg.SQL(", ").join(map(ident, order))
    if conflict:
        target = pg.SQL(", ").join(map(ident, ("workspace_id", *conflict.columns)))
        query += pg.SQL(" ON CONFLICT ({}) DO {}").format(target, pg.SQL(conflict.action))
    if returning:
        query += pg.SQL(" RETURNING ") + pg.SQL(", ").join(map(ident, returning))
    return query.as_bytes()


@lru_cache(maxsize=64)
def rendered(selectable: FromClause) -> str:
    """A selectable of another package, without parameters, as SQL in brackets for a query of `run`."""
    return f"({select(selectable).compile(dialect=_DIALECT)})"


def run(session: Session, query: QueryNoTemplate, parameters: Params = ()) -> Cursor[TupleRow]:
    """Run a psycopg query in the session's transaction and return its cursor.

    For the set-based statements whose typed binary arrays SQLAlchemy cannot express.
    """
    driver = raw(session)
    with ahead.translated(session.connection()):
        return driver.cursor().execute(query, parameters)


def raw(session: Session) -> Connection[TupleRow]:
    """The driver's connection in the session's transaction, once what was sent ahead is settled.

    Raises what is wrong with that, as SQLAlchemy does: a library would make its own error of it.
    """
    connection = session.connection()
    ahead.settle(connection)
    driver: Connection[TupleRow] | None = connection.connection.driver_connection
    assert driver is not None, "a connection that is in use"
    return driver


def sqlstate(error: DBAPIError) -> str | None:
    """PostgreSQL's code of an error; None: it did not come from PostgreSQL."""
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state


def write(session: Session, query: QueryNoTemplate, parameters: Params = ()) -> None:
    """Run a psycopg query whose result nobody reads, without waiting for it (see `ahead`).

    What is wrong with it is raised by the next statement that is read, or by the commit.
    """
    ahead.send(session.connection(), query, parameters)
