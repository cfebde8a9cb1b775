"""Whether the process lives, and whether it can serve."""

from fastapi import APIRouter, Request, Response

from api.http.readiness import Looks
from api.http.shapes import Out, failures, with_examples

router = APIRouter(tags=["operation"])


class Health(Out):
    """The process is alive."""

    model_config = with_examples({"status": "ok"})

    status: str = "ok"
    """Always `ok`: a process that is not alive does not answer."""


class Readiness(Out):
    """What was looked at. A lagging inbox is the worker's trouble and does not close the API."""

    model_config = with_examples(
        {
            "ready": True,
            "database": True,
            "migrations": True,
            "state_directory": True,
            "inbox_lag_seconds": 0.1,
        }
    )

    ready: bool
    """Whether this process can serve requests."""
    database: bool
    """Whether the database answers."""
    migrations: bool
    """Whether the database has the tables of this version."""
    state_directory: bool
    """Whether the directory of keys and journals can be written."""
    inbox_lag_seconds: float | None
    """How long the oldest message has been waiting to be processed, in seconds, of as many workspaces as
    could be asked in one; null: none could.
    """


@router.get("/healthz", summary="Ask whether the process answers", responses={422: failures()[422]})
async def healthz() -> Health:
    """The process is alive: answered without a thread or a connection."""
    return Health()


@router.get(
    "/readyz",
    summary="Ask whether every part answers",
    responses={**failures(), 503: {"model": Readiness, "description": "Not ready"}},
)
async def readyz(request: Request, response: Response) -> Readiness:
    """Whether the database answers, is migrated, and the state directory can be written.

    Looked at once a second, however often it is asked; what does not answer in four counts as not there.
    """
    looks: Looks = request.app.state.looks
    found = await looks.found()
    if not found.ready:
        response.status_code = 503
    return Readiness(
        ready=found.ready,
        database=found.database,
        migrations=found.migrations,
        state_directory=found.state_directory,
        inbox_lag_seconds=found.inbox_lag.total_seconds() if found.inbox_lag is not None else None,
    )
