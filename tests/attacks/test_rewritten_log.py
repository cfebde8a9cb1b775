"""The database's owner rewrites the log, a row here and a row there, and hopes that nobody sees it."""

import random

import pytest
from sqlalchemy import text
from worlds.log_world import Log, LogSigner, Memory

from audit.log import inspection
from audit.log.sequencer import Sequencer
from audit.log.verifier import FAILED, OK

SIZE = 300
TRIES = 60


@pytest.fixture
def log(begin, database, workspace):
    """A log of three hundred entries, each about somebody."""
    made = Log(begin, database, workspace)
    made.grow(120, 130, 50, references=[b"r" * 32])
    return made


def rewriting(chance):
    """One statement of somebody who may do anything in the database."""
    at, other = chance.sample(range(SIZE), 2)
    byte = chance.randrange(20)
    word = chance.choice(("actor", "action", "purpose", "outcome"))
    return chance.choice(
        (
            f"UPDATE audit.entries SET leaf = set_byte(leaf, {byte}, get_byte(leaf, {byte}) # 1)"
            f" WHERE seq = {at}",
            f"UPDATE audit.entries SET leaf = leaf || ' '::bytea WHERE seq = {at}",
            f"DELETE FROM audit.entries WHERE seq = {at}",
            f"DELETE FROM audit.entries WHERE seq >= {at}",
            "UPDATE audit.entries a SET leaf = b.leaf FROM audit.entries b"
            f" WHERE a.seq = {at} AND b.seq = {other}",
            f"UPDATE audit.searchable SET {word} = 'nobody' WHERE seq = {at}",
            f"DELETE FROM audit.searchable WHERE seq = {at}",
            f"DELETE FROM audit.subjects WHERE seq = {at}",
            f"UPDATE audit.subjects SET ref = set_byte(ref, 3, 7) WHERE seq = {at}",
            "UPDATE audit.tiles SET hashes = set_byte(hashes, 9, get_byte(hashes, 9) # 4)"
            " WHERE level = 0 AND index = 0",
        )
    )


def test_every_rewriting_is_found_by_who_kept_a_checkpoint(log):
    """L1: whatever row is changed, dropped or swapped; and without a checkpoint it is never whole."""
    saved, chance = log.checkpoint(), random.Random(1001)
    missed, whole = [], []
    for _ in range(TRIES):
        statement = rewriting(chance)
        with log.tampered(statement) as work:
            if inspection.verdict(log.inspect(saved, session=work.session)) != FAILED:
                missed.append(statement)
            if inspection.verdict(log.inspect(session=work.session)) == OK:
                whole.append(statement)

    assert log.verdict(saved) == OK, "what nobody touched passes"
    assert missed == []
    assert whole == []


def test_tiles_of_an_epoch_that_never_was_are_found(log):
    """They are of no entry; and nobody takes the verdict from who kept a checkpoint by putting them there."""
    saved = log.checkpoint()
    planted = (
        "INSERT INTO audit.tiles (workspace_id, epoch, level, index, hashes)"
        " SELECT workspace_id, epoch + 1, level, index, hashes FROM audit.tiles WHERE level = 0 AND index = 0"
    )
    with log.tampered(planted) as work:
        found = log.inspect(saved, session=work.session)

    assert inspection.verdict(found) == FAILED
    assert [(one.epoch, bool(one.beside)) for one in found] == [(0, False), (1, True)]


def test_a_log_that_was_made_anew_is_not_the_one_that_was_signed(log, begin, database, workspace):
    """Leaves, tiles, checkpoints and signatures by somebody with all the database and a key of their own."""
    saved = log.checkpoint()
    with begin(engine=database.owner) as work:
        for table in ("entries", "tiles", "checkpoints", "subjects", "details", "searchable"):
            work.session.execute(text(f"DELETE FROM audit.{table}"))
    theirs = Sequencer(instance=log.keeper.instance, signer=LogSigner(), memory=Memory(), seal=lambda *_: b"")
    forger = Log(begin, database, workspace, keeper=theirs)
    forger.grow(SIZE, 10)

    assert log.verdict(saved) == FAILED
    assert forger.verdict(saved) == FAILED, "by the forger's own key, too"
    assert forger.verdict() != OK
