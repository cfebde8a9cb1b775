"""The state directory: its owner's alone, one id for ever, and no half-written file."""

import threading

import pytest

from cdp.kernel.locking import LockHeld, locked
from governance.keys import statedir
from governance.keys.statedir import StateUnusable, open_state


def test_a_fresh_directory_is_for_its_owner_alone(tmp_path):
    """Nobody else may list or enter it."""
    state = open_state(tmp_path / "deep" / "state")

    assert state.path.stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in state.path.iterdir())


def test_the_instance_keeps_its_id(tmp_path):
    """Opening again gives the same id; another directory has another."""
    first = open_state(tmp_path / "a")

    assert open_state(tmp_path / "a") == first
    assert open_state(tmp_path / "b").instance != first.instance


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o701, 0o777])
def test_a_directory_that_others_may_enter_is_refused(tmp_path, mode):
    """Keys in a place that others can reach are no keys."""
    open_state(tmp_path / "state").path.chmod(mode)

    with pytest.raises(StateUnusable, match="permissions"):
        open_state(tmp_path / "state")


def test_a_file_in_its_place_is_refused(tmp_path):
    """A state directory is a directory."""
    (tmp_path / "state").write_text("")

    with pytest.raises(StateUnusable):
        open_state(tmp_path / "state")


@pytest.mark.parametrize("left", ["keyring.json", "journal"])
def test_a_directory_that_lost_its_id_gets_no_new_one(tmp_path, left):
    """Given keys or a journal without an instance id, then refused: it may be another's."""
    state = open_state(tmp_path / "state")
    (state.path / left).mkdir()
    (state.path / "instance.json").unlink()

    with pytest.raises(StateUnusable, match="no instance id"):
        open_state(tmp_path / "state")


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"format":"cdp/1/instance"}', '{"format":"cdp/9/instance","instance":"x"}'],
)
def test_a_damaged_instance_id_is_refused(tmp_path, content):
    """A damaged id is neither guessed nor replaced."""
    state = open_state(tmp_path / "state")
    (state.path / "instance.json").write_text(content)

    with pytest.raises(StateUnusable, match="malformed"):
        open_state(tmp_path / "state")


def test_many_openers_at_once_agree_on_the_id(tmp_path):
    """Processes that start together make one instance, not several."""
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(open_state(tmp_path / "state"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_json_file_is_read_as_it_was_written(tmp_path):
    """Small durable values survive, with the mode of a secret."""
    statedir.write_json(tmp_path / "head.json", {"size": 3, "root": "ab"})
    statedir.write_json(tmp_path / "head.json", {"size": 4, "root": "cd"})

    assert statedir.read_json(tmp_path / "head.json") == {"size": 4, "root": "cd"}
    assert (tmp_path / "head.json").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["head.json"]


def test_a_missing_json_file_is_named(tmp_path):
    """The operator reads which file is gone."""
    with pytest.raises(StateUnusable, match=r"missing.*head\.json"):
        statedir.read_json(tmp_path / "head.json")


def test_a_write_that_fails_leaves_the_old_content_and_no_litter(tmp_path):
    """Given a replacement that cannot happen, then what was there stays, alone."""
    target = tmp_path / "head.json"
    target.mkdir()

    with pytest.raises(OSError, match="directory"):
        statedir.write_atomic(target, b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["head.json"]


def test_a_lock_lets_nobody_else_in(tmp_path):
    """One keeper an instance: the second one is told at once."""
    with (
        locked(tmp_path / "keeper.lock", wait=False),
        pytest.raises(LockHeld),
        locked(tmp_path / "keeper.lock", wait=False),
    ):
        pass


def test_a_lock_is_free_again_after_an_error(tmp_path):
    """A failure inside does not lock the next one out."""
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "a.lock"):
        raise ZeroDivisionError

    with locked(tmp_path / "a.lock", wait=False):
        pass


def test_readers_share_a_lock_and_a_writer_does_not(tmp_path):
    """Any number may read at once; nobody writes meanwhile."""
    with (
        locked(tmp_path / "a.lock", shared=True),
        locked(tmp_path / "a.lock", shared=True, wait=False),
        pytest.raises(LockHeld),
        locked(tmp_path / "a.lock", wait=False),
    ):
        pass
