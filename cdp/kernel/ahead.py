"""Statements that nobody waits for: the database works on them while the caller goes on.

A batch writes to twenty tables and reads what became of few of those writes. They are sent in
libpq's pipeline mode, in order, and settled before anything is read and before the commit. So
nothing is committed that failed, and an error comes later than its statement but never too
late. Within a savepoint, and on a connection whose engine had no `install`, each is waited for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Error
from sqlalchemy import Connection, Engine, PoolProxiedConnection, event

_READY, _OPEN = "cdp.ahead.ready", "cdp.ahead.open"


def install(engine: Engine) -> None:
    """Let this engine's connections run ahead."""
    event.listen(engine, "connect", lambda _, record: record.info.update({_READY: True}))
    event.listen(engine, "before_execute", lambda connection, *_: settle(connection.connection))
    event.listen(engine, "commit", lambda connection: settle(connection.connection))
    event.listen(engine, "rollback", lambda connection: _drop(connection.connection))


def send(connection: Connection, query: Any, parameters: Sequence[Any] | Mapping[str, Any]) -> None:
    """Send a statement whose result nobody reads. May raise what an earlier one raised."""
    pooled = connection.connection
    driver: Any = pooled.driver_connection
    # A savepoint must be rolled back for what failed in it, and its end would be too late to know.
    if _OPEN not in pooled.info and _READY in pooled.info and not connection.in_nested_transaction():
        pooled.info[_OPEN] = driver.pipeline()
        pooled.info[_OPEN].__enter__()
    driver.cursor().execute(query, parameters)


def settle(connection: PoolProxiedConnection) -> None:
    """Wait for what was sent. Raises what the first of it raised."""
    pipeline = connection.info.pop(_OPEN, None)
    if pipeline is not None:
        pipeline.__exit__(None, None, None)


def _drop(connection: PoolProxiedConnection) -> None:
    try:
        settle(connection)
    except Error:
        # It goes with everything else that is rolled back, and whoever rolls back knows why.
        return
