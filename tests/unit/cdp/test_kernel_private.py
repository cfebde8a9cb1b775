"""Files of personal data are their owner's alone, whatever was there before."""

import os
import stat

import pytest

from cdp.kernel import private


@pytest.fixture(autouse=True)
def _permissive_umask():
    """The operator's umask takes no right away: what holds is held by the code."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path):
    """The rights of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("before", [None, 0o644, 0o666, 0o777])
def test_a_file_is_its_owners_alone_also_if_it_was_there_with_wider_rights(tmp_path, before):
    """Written whole, and nothing of what stood there is left."""
    path = tmp_path / "access.json"
    if before is not None:
        path.write_text("longer than what comes")
        path.chmod(before)
    private.write(path, "short")

    assert (path.read_text(), mode(path)) == ("short", 0o600)


def test_its_rights_are_narrowed_before_anything_of_a_person_stands_in_it(tmp_path):
    """Also where it is added to, and what stood there stays."""
    path = tmp_path / "out.ndjson"
    path.write_text("first\n")
    path.chmod(0o644)
    with private.opened(path, append=True) as file:
        while_open = mode(path), path.read_text()
        file.write(b"second\n")

    assert while_open == (0o600, "first\n")
    assert path.read_text() == "first\nsecond\n"


def test_a_pipe_can_be_written_to(tmp_path):
    """It has no rights that could outlast it."""
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o622)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    private.write(path, "line")
    read = os.read(reader, 10)
    os.close(reader)

    assert read == b"line"
    assert mode(path) == 0o622


def test_folders_that_are_made_are_their_owners_alone_and_others_stay_as_they_are(tmp_path):
    """All that is made on the way, too; what is there is the operator's to open or close."""
    tmp_path.chmod(0o755)
    made = private.folder(tmp_path / "a" / "b")
    private.folder(tmp_path)

    assert (mode(made), mode(made.parent), mode(tmp_path)) == (0o700, 0o700, 0o755)


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path):
    """Nothing is written beside it instead."""
    (tmp_path / "out").write_text("")

    with pytest.raises(NotADirectoryError):
        private.folder(tmp_path / "out")
