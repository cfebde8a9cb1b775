"""Jobs: procrastinate, on the same database, deferred in the business transaction.

A job takes ids only, never a personal value; it may run twice, so its body asks first what
is still to do. Hot loops (inbox, sequencer) are not jobs.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from cdp.kernel.database import raw

Task = Callable[..., None]


def conninfo(url: str) -> str:
    """A SQLAlchemy URL as libpq reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class JobQueue:
    """Defers jobs; they exist if, and only if, the transaction commits."""

    def __init__(self) -> None:
        # The connector is never opened: every job goes in by the connection of its transaction.
        self._app = App(connector=SyncPsycopgConnector())

    def defer(
        self, name: str, *, session: Session, after: timedelta = timedelta(0), **ids: UUID | int
    ) -> None:
        """Defer the job `name` with `ids`, to run once `after` has passed."""
        job = self._app.configure_task(
            name,
            allow_unknown=True,
            schedule_in={"seconds": int(after.total_seconds())},
            connection=raw(session),
        )
        job.defer(**{key: str(value) for key, value in ids.items()})


def worker_app(url: str, tasks: Mapping[str, Task], periodic: Mapping[str, tuple[str, Task]]) -> App:
    """The worker's side: `tasks` by name, and `periodic` ones by name with their cron line."""
    app = App(connector=PsycopgConnector(conninfo=conninfo(url), min_size=1, max_size=2))
    for name, body in tasks.items():
        app.task(name=name, retry=5)(body)
    for name, (cron, body) in periodic.items():
        app.periodic(cron=cron)(app.task(name=name, queueing_lock=name)(body))
    return app
