"""Writes that nobody waits for fail no later than the next read or the commit."""

from uuid import uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from cdp import tables
from cdp.kernel.database import insert_rows, run, write
from cdp.kernel.jobs import JobQueue

BROKEN = "SELECT 1 / 0"


def remember(work, *words):
    """Insert a fact for each of `words`."""
    insert_rows(
        work.session,
        tables.facts,
        work.workspace,
        {
            "event_id": [uuid4() for _ in words],
            "attribute_id": [1 for _ in words],
            "fragment_id": [uuid4() for _ in words],
            "received_at": [work.now for _ in words],
            "word": list(words),
        },
    )


def remembered(work):
    """The words that are there, as the Work sees them."""
    return sorted(work.session.scalars(select(tables.facts.c.word)))


def test_what_is_read_sees_what_was_written_before_it(begin):
    """Order is kept, by either way of reading."""
    with begin() as work:
        remember(work, "a", "b")
        assert remembered(work) == ["a", "b"]
        remember(work, "c")

        assert run(work.session, "SELECT count(*) FROM cdp.facts").fetchone() == (3,)


def test_a_write_that_fails_fails_the_commit(begin):
    """Nothing of the Work stays, although nobody looked at the write's result."""
    with pytest.raises(DataError, match="division by zero"), begin() as work:
        remember(work, "a")
        write(work.session, BROKEN)

    with begin() as work:
        assert remembered(work) == []


@pytest.mark.parametrize(
    "read",
    [
        remembered,
        lambda work: run(work.session, "SELECT 1"),
        lambda work: work.session.begin_nested(),
        lambda work: JobQueue().defer("erasure", session=work.session),
    ],
)
def test_a_write_that_failed_fails_what_is_read_next(begin, read):
    """Whatever waits for the database learns of it, a savepoint and a job included."""
    with pytest.raises(DataError, match="division by zero"), begin() as work:
        write(work.session, BROKEN)
        read(work)


def test_a_savepoint_takes_back_what_failed_within_it(begin):
    """Within one every write is waited for, so it is known in time; what stood before stands."""
    with begin() as work:
        remember(work, "before")
        with pytest.raises(DataError, match="division by zero"), work.session.begin_nested():
            remember(work, "within")
            write(work.session, BROKEN)
        remember(work, "after")

    with begin() as work:
        assert remembered(work) == ["after", "before"]


def test_a_rollback_is_not_hindered_by_a_write_that_failed(begin):
    """The first error is the one that is told, and the connection serves the next Work."""
    with pytest.raises(LookupError), begin() as work:
        write(work.session, BROKEN)
        raise LookupError

    with begin() as work:
        remember(work, "next")
        assert remembered(work) == ["next"]


def test_writes_after_one_that_failed_do_nothing(begin):
    """A broken transaction takes no more, as without running ahead."""
    twice = {
        "event_id": [uuid4()] * 2,
        "attribute_id": [1] * 2,
        "fragment_id": [uuid4()] * 2,
        "word": ["x"] * 2,
    }
    with pytest.raises(IntegrityError), begin() as work:
        insert_rows(work.session, tables.facts, work.workspace, twice | {"received_at": [work.now] * 2})
        remember(work, "a")
        remember(work, "b")
        work.session.execute(text("SELECT 1"))

    with begin() as work:
        assert work.session.scalar(select(func.count()).select_from(tables.facts)) == 0


@pytest.mark.parametrize("ask", [run, write])
def test_a_lost_connection_is_told_as_one_and_not_used_again(begin, ask):
    """Whoever waits for a database to come back knows it by this, and gets a fresh connection."""
    with pytest.raises(DBAPIError) as caught, begin() as work:
        ask(work.session, "SELECT pg_terminate_backend(pg_backend_pid())")
        run(work.session, "SELECT 1")

    assert caught.value.connection_invalidated
    with begin() as work:
        assert run(work.session, "SELECT 1").fetchone() == (1,)
