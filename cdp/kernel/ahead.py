"""Statements that nobody waits for: the database works on them while the caller goes on.

A batch writes to twenty tables and reads what became of few of those writes. They are sent in
libpq's pipeline mode, in order, and settled before anything is read and before the commit. So
nothing is committed that failed, and an error comes later than its statement but never too
late. Within a savepoint, and on a connection whose engine had no `install`, each is waited for.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection as Driver
from psycopg import Error
from psycopg.abc import Params, QueryNoTemplate
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

_READY, _OPEN = "cdp.ahead.ready", "cdp.ahead.open"


def install(engine: Engine) -> None:
    """Let this engine's connections run ahead."""
    event.listen(engine, "connect", lambda _, record: record.info.update({_READY: True}))
    event.listen(engine, "before_execute", lambda connection, *_: settle(connection))
    event.listen(engine, "commit", settle)
    event.listen(engine, "rollback", _drop)


@contextmanager
def translated(connection: Connection) -> Iterator[None]:
    """Raise what the driver raises as SQLAlchemy does, so that everybody has one kind to catch.

    A connection that was lost is invalidated, and the error says so.
    """
    try:
        yield
    except Error as error:
        lost = bool(connection.connection.driver_connection.closed)  # type: ignore[union-attr]
        raised = DBAPIError.instance(
            "",
            None,
            error,
            Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=connection.dialect,
        )
        if lost:
            connection.invalidate(error)
        raise raised from error


def send(connection: Connection, query: QueryNoTemplate, parameters: Params) -> None:
    """Send a statement whose result nobody reads. May raise what an earlier one raised."""
    pooled = connection.connection
    driver: Driver | None = pooled.driver_connection
    assert driver is not None, "a connection that is in use"
    with translated(connection):
        # A savepoint must be rolled back for what failed in it, and its end would be too late to know.
        if _OPEN not in pooled.info and _READY in pooled.info and not connection.in_nested_transaction():
            pipeline = driver.pipeline()
            pipeline.__enter__()
            pooled.info[_OPEN] = pipeline
        driver.cursor().execute(query, parameters)


def settle(connection: Connection) -> None:
    """Wait for what was sent. Raises what the first of it raised."""
    if connection.invalidated:
        return
    pipeline = connection.connection.info.pop(_OPEN, None)
    if pipeline is not None:
        with translated(connection):
            pipeline.__exit__(None, None, None)


def _drop(connection: Connection) -> None:
    try:
        settle(connection)
    except DBAPIError:
        # It goes with everything else that is rolled back, and whoever rolls back knows why.
        return
