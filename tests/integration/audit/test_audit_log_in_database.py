"""The audit log on a real database: sequenced, signed, tampered with, restored."""

from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from worlds.log_world import Log

from audit.log import inspection, sequencer, storage
from audit.log.sequencer import LogRewritten
from audit.log.verifier import FAILED, INTERNAL, OK


@pytest.fixture
def log(begin, database, workspace):
    """Write entries, let the keeper take them, and inspect."""
    return Log(begin, database, workspace)


def test_a_saved_checkpoint_proves_the_log_and_its_absence_never_says_ok(log):
    """L1: without a checkpoint kept outside, whoever owns the database could have written all of it."""
    log.write(300)
    log.keep()
    saved = log.checkpoint()
    log.write(10)
    log.keep()

    assert inspection.verdict(log.inspect(saved)) == OK
    assert inspection.verdict(log.inspect()) == INTERNAL


ALTER = (
    "UPDATE audit.entries SET leaf ="
    " convert_to(replace(convert_from(leaf, 'utf8'), '\"ok\"', '\"no\"'), 'utf8') WHERE seq = 77"
)


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (ALTER, 77),
        ("DELETE FROM audit.entries WHERE seq = 150", 150),
        ("DELETE FROM audit.entries WHERE seq >= 295", None),
    ],
)
def test_an_owner_who_alters_the_log_is_found_out_at_the_entry(log, statement, index):
    """L1: the database's owner cannot rewrite it; where tiles survive the entry is named."""
    log.write(300)
    log.keep()
    saved = log.checkpoint()
    log.tamper(statement)
    found = log.inspect(saved)

    assert inspection.verdict(found) == FAILED
    if index is not None:
        assert found[-1].result.first_bad_index == index


def test_the_keeper_signs_nothing_that_does_not_extend_what_it_signed(log):
    """A rewritten past is refused, not signed over."""
    log.write(20)
    log.keep()
    log.tamper("UPDATE audit.tiles SET hashes = set_byte(hashes, 4, get_byte(hashes, 4) # 1)")
    log.write(1)

    with pytest.raises(LogRewritten):
        log.keep()


def test_a_crash_between_sequencing_and_signing_is_signed_late(log):
    """Any durable size at or above its own is signed after a crash."""
    log.write(5)
    with log.begin(engine=log.database.keeper) as work:
        log.keeper.sequence(work=work)
    log.write(5)
    log.keep()

    assert log.checkpoint().split("\n")[1] == "10"


def test_a_database_shorter_than_what_was_signed_opens_a_new_epoch(log):
    """After a restore the old history is neither lost silently nor continued over a gap."""
    log.write(30)
    log.keep()
    # As a restore of an older backup would leave it.
    log.tamper("DELETE FROM audit.entries WHERE seq >= 10")
    log.tamper("DELETE FROM audit.checkpoints")
    log.tamper("DELETE FROM audit.tiles")
    log.write(1)
    log.keep()
    with log.begin() as work:
        first = next(storage.leaves(1, 0, 1, session=work.session))

    assert b'"previous":{"epoch":0' in first and b'"size":30' in first
    assert log.checkpoint().split("\n")[0].endswith("/1")


def test_who_looked_is_found_by_reference_and_proven(log):
    """An access request shows who looked, and each entry has a proof."""
    log.write(3)
    (entry,) = log.write(1, references=[b"r" * 32])
    log.keep()
    trail = log.trail
    with log.begin() as work:
        about = trail.about([b"r" * 32], work=work)
        proof = trail.proof(entry, work=work)

    assert [one["index"] for one in about] == [3] == [proof["index"]]


def test_the_application_can_add_to_the_log_and_nothing_else(log, database):
    """Least privilege: the runtime role can neither read what waits nor touch what lies in the log."""
    log.write(3)
    log.keep()
    for statement in (
        "SELECT * FROM audit.pending",
        "DELETE FROM audit.entries",
        "UPDATE audit.entries SET seq = seq",
        "INSERT INTO audit.checkpoints SELECT * FROM audit.checkpoints",
        "UPDATE audit.tiles SET level = level",
    ):
        with pytest.raises(DBAPIError, match="permission denied"), log.begin() as work:
            work.session.execute(text(statement))
    for statement in ("UPDATE audit.entries SET seq = seq", "DELETE FROM audit.entries"):
        with pytest.raises(DBAPIError, match="permission denied"), log.begin(engine=database.keeper) as work:
            work.session.execute(text(statement))


def test_logs_have_public_names_that_tell_nothing(workspace):
    """The origin of a checkpoint is public."""
    instance = uuid4()

    assert str(workspace) not in sequencer.origin(instance, workspace, 0)
