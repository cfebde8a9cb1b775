"""An erasure that was killed after its commit is certified by its job."""

import asyncio

import pytest
from sqlalchemy import select, text
from worlds.journeys import ANN, PATIENCE, Journey, identify

from api.processes import scheduled_jobs
from cdp import tables
from cdp.kernel.database import APP
from cdp.requests import erasure


class Killed(BaseException):
    """Stands for the death of the process."""


def killed(_entry):
    """Die where the erasure has committed and nothing is certified."""
    raise Killed


@pytest.fixture
def erased(journey: Journey):
    """A person whose erasure committed and whose process died."""
    journey.send("web", identify("u1", ANN))
    journey.work()
    profile = journey.profile("user_id", "u1")
    with pytest.raises(Killed):
        erasure.erase(
            profile,
            ground="GDPR 17(1)(a)",
            begin=journey.begin("compliance"),
            ports=journey.ports,
            patience=PATIENCE,
            wait_for_log=killed,
        )
    return journey


def states(journey):
    """State and certificate of the workspace's requests."""
    with journey.begin()() as work:
        return work.session.execute(select(tables.requests.c.state, tables.requests.c.certificate)).all()


def test_the_job_certifies_what_a_crash_left(erased, database):
    """The job was deferred by the erasing transaction itself and names ids alone."""
    with database.app.begin() as connection:
        rows = connection.execute(
            text(
                "SELECT args FROM procrastinate_jobs"
                " WHERE task_name = 'finish_erasure' AND args->>'workspace' = :w"
            ),
            {"w": str(erased.workspace)},
        ).all()
        connection.execute(text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'"))

    assert [state for state, _ in states(erased)] == ["erased"]
    assert [sorted(row.args) for row in rows] == [["request", "workspace"]]

    async def work_off():
        application = scheduled_jobs.app(erased.system, database.server.url(APP, database.name))
        async with application.open_async():
            await application.run_worker_async(wait=False, install_signal_handlers=False)

    asyncio.run(work_off())

    assert [(state, certificate is not None) for state, certificate in states(erased)] == [("done", True)]


def test_a_job_that_runs_twice_does_its_work_once(erased):
    """The library delivers at least once."""
    with erased.begin()() as work:
        request = work.session.scalars(select(tables.requests.c.id)).one()
    run = [
        erasure.finish(request, begin=erased.begin(), ports=erased.ports, patience=PATIENCE) for _ in range(2)
    ]

    assert run == [True, False]


def test_a_job_exists_only_if_its_transaction_commits(journey, database):
    """Rolled back, the erasure never was and neither was its job."""
    with pytest.raises(Killed), journey.begin()() as work:
        journey.ports.jobs.defer("finish_erasure", session=work.session, workspace=journey.workspace)
        raise Killed
    with database.app.connect() as connection:
        count = connection.scalar(
            text("SELECT count(*) FROM procrastinate_jobs WHERE args->>'workspace' = :w"),
            {"w": str(journey.workspace)},
        )

    assert count == 0
