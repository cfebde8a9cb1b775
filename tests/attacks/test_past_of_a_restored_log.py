"""After a restore somebody takes, cuts or rewrites the epochs before, or says that a restore took more."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from worlds.log_world import Log

from audit.log import verifier
from audit.log.sequencer import LogRewritten
from audit.log.verifier import FAILED, INTERNAL, OK, verify_bundle

ALTER = (
    "UPDATE audit.entries SET leaf ="
    " convert_to(replace(convert_from(leaf, 'utf8'), '\"ok\"', '\"no\"'), 'utf8')"
)
HELD = 40  # entries of epoch 0 that a backup of 20 minutes before still had, of 60


@pytest.fixture
def log(begin, database, workspace):
    """A log that was restored once: epoch 0 lost its last twenty entries, epoch 1 goes on."""
    made = Log(begin, database, workspace)
    made.grow(25, 15, 20, references=[b"r" * 32])
    made.before = made.checkpoint()
    made.restore(HELD)
    made.grow(30, 5, references=[b"s" * 32])
    return made


def test_an_untouched_restored_log_is_ok_and_says_what_the_restore_lost(log):
    """The newest epoch's checkpoint vouches for the ones before through its first leaf."""
    found = log.inspect(log.checkpoint(), memory=True)

    assert log.verdict(log.checkpoint()) == OK
    assert [(one.epoch, one.size, one.lost, one.status) for one in found] == [
        (0, HELD, 20, OK),
        (1, 36, 0, OK),
    ]
    assert log.verdict(memory=True) == INTERNAL


def test_a_checkpoint_of_what_the_restore_lost_is_no_ok(log):
    """Entries that an auditor's checkpoint covers are gone; that a restore took them is no excuse."""
    saved = log.checkpoint()

    assert log.verdict(saved, log.checkpoint(epoch=0)) == OK
    assert log.verdict(saved, log.before) == FAILED


def test_the_old_epochs_checkpoints_are_missed_by_the_signers_memory(log):
    """Its entries are vouched for by the epoch after; that its checkpoints went is seen too."""
    saved = log.checkpoint()
    log.tamper("DELETE FROM audit.checkpoints WHERE epoch = 0 AND size = 25")

    assert log.verdict(saved) == OK
    assert log.verdict(saved, memory=True) == FAILED


EVERYTHING = (
    *(
        f"DELETE FROM audit.{table} WHERE epoch = 0"
        for table in ("entries", "tiles", "checkpoints", "subjects", "searchable")
    ),
    "DELETE FROM audit.details WHERE entry_id NOT IN (SELECT entry_id FROM audit.entries)",
)
PAST = {
    "all of epoch 0 is deleted": EVERYTHING,
    "only its entries are deleted": EVERYTHING[:1],
    "it is rolled back, tidily": (
        *(
            f"DELETE FROM audit.{table} WHERE epoch = 0 AND seq >= 30"
            for table in ("entries", "subjects", "searchable")
        ),
        "UPDATE audit.tiles SET hashes = substring(hashes from 1 for 30 * 32) WHERE epoch = 0",
        "DELETE FROM audit.checkpoints WHERE epoch = 0 AND size > 30",
    ),
    "its last entry is deleted": ("DELETE FROM audit.entries WHERE epoch = 0 AND seq = 39",),
    "one of its entries is changed": (f"{ALTER} WHERE epoch = 0 AND seq = 7",),
    "an entry is added to it": (
        "INSERT INTO audit.entries SELECT workspace_id, 0, 40, gen_random_uuid(), leaf"
        " FROM audit.entries WHERE epoch = 0 AND seq = 3",
    ),
    "the later epoch is deleted": tuple(statement.replace("= 0", "= 1") for statement in EVERYTHING),
}


@pytest.mark.parametrize("attack", PAST)
def test_the_past_before_a_restore_is_held_to_what_the_restore_had_left(log, attack):
    """L7: cut, changed or gone, whatever remembers of it; a checkpoint of the later epoch is enough."""
    saved = log.checkpoint()
    log.tamper(*PAST[attack])

    assert log.verdict(saved) == FAILED
    assert log.verdict(memory=True) == FAILED
    assert log.verdict() != OK


def test_the_signers_memory_misses_an_epoch_that_no_checkpoint_is_kept_of(log):
    """Where nobody has saved anything, the state directory still knows how far the log went."""
    log.tamper(*PAST["the later epoch is deleted"])

    assert log.verdict() == INTERNAL
    assert log.verdict(memory=True) == FAILED


def test_two_restores_are_followed_back_to_the_first_epoch(log):
    """An epoch that was lost as a whole may not come back, and what is unknown is said to be."""
    log.restore(HELD)
    log.grow(10)
    saved = log.checkpoint()
    found = log.inspect(saved, memory=True)

    assert [(one.epoch, one.size, one.lost, one.status) for one in found] == [
        (0, HELD, None, OK),
        (1, 0, 36, OK),
        (2, 11, 0, OK),
    ]
    log.tamper(
        "INSERT INTO audit.entries SELECT workspace_id, 1, 0, gen_random_uuid(), leaf"
        " FROM audit.entries WHERE epoch = 0 AND seq = 3"
    )
    assert log.verdict(saved) == FAILED


def test_a_rewritten_log_is_not_taken_for_a_restored_one(log):
    """Whoever changes an entry and cuts the end gets no fresh epoch to stand on."""
    log.tamper(
        f"{ALTER} WHERE epoch = 1 AND seq = 3",
        "DELETE FROM audit.entries WHERE epoch = 1 AND seq = 35",
    )
    log.write(1)
    with pytest.raises(LogRewritten):
        log.keep()


def test_a_planted_epoch_is_not_gone_on_with(log):
    """Whoever puts an entry into an epoch of the future does not make the keeper sign there."""
    log.tamper(
        "INSERT INTO audit.entries SELECT workspace_id, 900000, 0, gen_random_uuid(), leaf"
        " FROM audit.entries WHERE epoch = 0 AND seq = 3"
    )
    log.write(1)

    assert log.verdict(memory=True) == FAILED
    with pytest.raises(LogRewritten):
        log.keep()


def test_a_bundle_shows_the_epochs_before_and_one_without_them_is_not_ok(log, tmp_path):
    """The file that imports nothing of ours follows the epochs too."""
    saved, made = log.checkpoint(), log.exported()
    alone = {**made, "earlier": []}
    cut = {
        **made,
        "earlier": [{**made["earlier"][0], "leaves": made["earlier"][0]["leaves"][:30], "tiles": {}}],
    }

    assert verify_bundle(made, key=log.key, saved=[saved]).status == OK
    assert verify_bundle(made, key=log.key).status == INTERNAL
    assert verify_bundle(alone, key=log.key, saved=[saved]).status == INTERNAL
    assert verify_bundle(cut, key=log.key, saved=[saved]).status == FAILED
    (tmp_path / "bundle.json").write_text(json.dumps(made))
    (tmp_path / "saved.txt").write_text(saved)
    run = subprocess.run(
        [
            *(sys.executable, "-I", Path(verifier.__file__), tmp_path / "bundle.json"),
            *("--key", log.key, "--checkpoint", tmp_path / "saved.txt"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert "had 60 entries, lost 20" in run.stdout
