"""The keyring: rotation and destruction, on disk through crashes, and closed to others."""

import subprocess
import sys
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.kernel.ids import new_id
from governance.keys import keyfile, keyring
from governance.keys.keyfile import KeyFile, KeyringExists
from governance.keys.keyring import (
    KeyringUnusable,
    KeyState,
    KeyStillActive,
    KeyVersionGone,
    Signing,
    Use,
    UseIsPermanent,
)

NOW = datetime(2026, 1, 15, tzinfo=UTC)
LATER = datetime(2026, 1, 30, tzinfo=UTC)
WORKSPACE = new_id()
SAMPLE = keyring.rotated_kek(
    keyring.with_workspace(keyring.fresh(NOW), WORKSPACE, now=NOW), WORKSPACE, now=LATER
)
ENCODED = keyfile.encode(SAMPLE)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keyring.json"


@pytest.fixture
def keys(path):
    created = KeyFile.create(path, now=NOW)
    created.ensure_workspace(WORKSPACE, now=NOW)
    return created


def test_every_root_seed_and_kek_is_drawn_for_itself():
    """No key of one use opens, finds or signs anything of another."""
    secrets = [key.secret for ring in (*SAMPLE.keks.values(), *SAMPLE.roots.values()) for key in ring]
    secrets += SAMPLE.seeds.values()

    assert len(secrets) == len(set(secrets)) == 2 + len(Use) + len(Signing)
    assert {len(secret) for secret in secrets} == {32}


def test_rotation_activates_a_new_version_and_retires_the_old(keys):
    """A retired version still opens; only the active one is offered for wrapping."""
    old = keys.kek(WORKSPACE)
    new = keys.rotate_kek(WORKSPACE, now=LATER)

    assert (old.version, new.version, new.created_at) == (1, 2, LATER)
    assert keys.kek(WORKSPACE) == new
    assert keys.kek(WORKSPACE, 1).secret == old.secret
    assert keys.kek(WORKSPACE, 1).state is KeyState.RETIRED


def test_roots_rotate_and_every_version_is_looked_up_newest_first(keys):
    """Rotating the blind index adds a second version beside the first."""
    keys.rotate_root(Use.BLIND, now=LATER)

    assert [key.version for key in keys.current().versions(Use.BLIND)] == [2, 1]
    assert keys.root(Use.BLIND).version == 2
    assert keys.root(Use.INBOX).version == 1


def test_a_destroyed_version_is_gone_and_its_number_is_never_used_again(keys):
    """A destroyed KEK opens nothing; rotating goes on counting."""
    keys.rotate_kek(WORKSPACE, now=LATER)
    keys.destroy_kek(WORKSPACE, 1)

    with pytest.raises(KeyVersionGone):
        keys.kek(WORKSPACE, 1)
    assert keys.rotate_kek(WORKSPACE, now=LATER).version == 3


def test_the_active_version_cannot_be_destroyed(keys):
    """Destroying what still wraps would lose data that nobody asked to forget."""
    with pytest.raises(KeyStillActive):
        keys.destroy_kek(WORKSPACE, 1)


@pytest.mark.parametrize("use", [Use.SUPPRESSION, Use.PROOF])
def test_roots_whose_hashes_outlive_their_values_cannot_be_destroyed(keys, use):
    """A suppression that nobody can find any more would let mail go out again."""
    keys.rotate_root(use, now=LATER)

    with pytest.raises(UseIsPermanent):
        keys.destroy_root(use, 1)


def test_an_inbox_root_can_be_destroyed(keys):
    """Backups forget what the inbox held, too."""
    keys.rotate_root(Use.INBOX, now=LATER)
    keys.destroy_root(Use.INBOX, 1)

    assert [key.version for key in keys.current().versions(Use.INBOX)] == [2]


@pytest.mark.parametrize(
    "asked", [(new_id(), None), (WORKSPACE, 2), (WORKSPACE, 0)], ids=["workspace", "2", "0"]
)
def test_an_unknown_version_is_an_error(keys, asked):
    """Nothing is ever sealed or opened under a key that is not there."""
    with pytest.raises(KeyVersionGone):
        keys.kek(*asked)


def test_a_destroyed_key_leaves_no_bytes_in_the_directory(keys, path):
    """What the file said before is overwritten, even for who still holds it open."""
    secret = b64encode(keys.kek(WORKSPACE).secret)
    with path.open("rb") as before:
        assert secret in before.read()
        keys.rotate_kek(WORKSPACE, now=LATER)
        with path.open("rb") as between:
            keys.destroy_kek(WORKSPACE, 1)
            held = [(file.seek(0), file.read())[1] for file in (before, between)]
    left = [file.read_bytes() for file in path.parent.iterdir()]

    assert not any(secret in content for content in [*held, *left])


def test_another_process_sees_a_rotation(keys, path):
    """A reader that asks for the active version gets the newest, without being told."""
    reader = KeyFile.load(path)
    new = keys.rotate_kek(WORKSPACE, now=LATER)

    assert reader.kek(WORKSPACE) == new


def test_a_version_is_looked_for_on_disk_before_it_is_called_unknown(keys, path):
    """Given a file whose stamp did not change, then a version that was not seen yet is still found."""
    reader = KeyFile.load(path)
    new = keys.rotate_kek(WORKSPACE, now=LATER)
    reader._seen = (keys._seen[0], reader._seen[1])

    assert reader.kek(WORKSPACE, 2) == new


def test_an_unchanged_file_is_not_read_again(keys):
    """Asking for a key costs one look at the file's stamp."""
    assert keys.current() is keys.current()


def test_writers_at_once_lose_no_version(path):
    """Given eight writers at once, then each rotation is a version, and the workspace one ring."""
    KeyFile.create(path, now=NOW)

    def rotate(_):
        mine = KeyFile.load(path)
        mine.ensure_workspace(WORKSPACE, now=NOW)
        return [mine.rotate_kek(WORKSPACE, now=LATER).version for _ in range(5)]

    with ThreadPoolExecutor(8) as pool:
        versions = [version for found in pool.map(rotate, range(8)) for version in found]

    assert sorted(versions) == list(range(2, 42))
    assert len(KeyFile.load(path).current().keks[WORKSPACE]) == 41


def test_a_second_keyring_is_refused(keys, path):
    """Creating over a keyring would make everything sealed unreadable."""
    before = path.read_bytes()

    with pytest.raises(KeyringExists):
        KeyFile.create(path, now=NOW)
    assert path.read_bytes() == before


def test_the_file_is_for_its_owner_alone(keys, path):
    """The file and its lock are 0600, through rotations."""
    keys.rotate_kek(WORKSPACE, now=LATER)

    assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o700, 0o610, 0o4600])
def test_a_file_wider_than_0600_is_refused(keys, path, mode):
    """Given a keyring that others can read or write, then refused until somebody looks."""
    path.chmod(mode)

    with pytest.raises(KeyringUnusable, match="permissions"):
        KeyFile.load(path)


def test_a_narrower_file_is_taken(keys, path):
    """A read-only keyring is as good."""
    path.chmod(0o400)

    assert KeyFile.load(path).kek(WORKSPACE) == keys.kek(WORKSPACE)


def test_a_link_in_its_place_is_refused(keys, path):
    """The keyring is where it is said to be, not where a link leads."""
    path.rename(path.with_name("elsewhere.json"))
    path.symlink_to("elsewhere.json")

    with pytest.raises(KeyringUnusable):
        KeyFile.load(path)


def test_a_keyring_that_vanished_is_an_error(keys, path):
    """A reader does not go on with keys that were taken away."""
    path.unlink()

    with pytest.raises(KeyringUnusable, match="missing"):
        keys.current()
    with pytest.raises(KeyringUnusable, match="missing"):
        KeyFile.load(path)


@given(st.integers(0, len(ENCODED) * 8 - 1))
def test_every_flipped_bit_of_the_file_is_refused(bit):
    """A damaged key would seal data that no backup of the keyring opens."""
    broken = bytearray(ENCODED)
    broken[bit // 8] ^= 1 << bit % 8

    with pytest.raises(KeyringUnusable):
        keyfile.decode(bytes(broken))


@given(st.integers(0, len(ENCODED) - 1))
def test_every_cut_of_the_file_is_refused(length):
    """Half a keyring is none."""
    with pytest.raises(KeyringUnusable):
        keyfile.decode(ENCODED[:length])


def test_the_file_says_what_the_keyring_holds():
    """Writing and reading loses nothing, and one keyring has one form."""
    found = keyfile.decode(ENCODED)

    assert found == SAMPLE
    assert keyfile.encode(found) == ENCODED


OLDEST, NEWEST = SAMPLE.keks[WORKSPACE]
UNSOUND = {
    "empty": (),
    "no active version": (OLDEST,),
    "wrong order": (NEWEST, OLDEST),
    "the same twice": (NEWEST, NEWEST),
}


@pytest.mark.parametrize("why", UNSOUND)
def test_an_unsound_ring_is_refused(why):
    """Exactly the newest version is active, and versions ascend."""
    with pytest.raises(KeyringUnusable):
        keyring.Keyring(keks={WORKSPACE: UNSOUND[why]}, roots=SAMPLE.roots, seeds=SAMPLE.seeds)


def test_a_keyring_without_one_of_its_uses_is_refused():
    """A missing root is found at the start, not at the first withdrawal."""
    roots = {use: ring for use, ring in SAMPLE.roots.items() if use is not Use.JOURNAL}

    with pytest.raises(KeyringUnusable):
        keyring.Keyring(keks={}, roots=roots, seeds=SAMPLE.seeds)


def test_a_snapshot_cannot_be_changed():
    """Who holds a snapshot holds it as it was."""
    with pytest.raises(TypeError):
        SAMPLE.keks[WORKSPACE] = ()


def test_printing_a_keyring_shows_no_key(keys):
    """Versions, states and dates may be printed; bytes may not."""
    shown = repr(SAMPLE) + repr(keys) + repr(SAMPLE.kek(WORKSPACE))
    secrets = [key.secret for ring in (*SAMPLE.keks.values(), *SAMPLE.roots.values()) for key in ring]

    assert "retired" in shown
    for secret in [*secrets, *SAMPLE.seeds.values()]:
        assert repr(secret)[2:-1] not in shown
        assert b64encode(secret).decode() not in shown


ROTATE_FOR_EVER = """if True:
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    from uuid import UUID
    from governance.keys.keyfile import KeyFile
    keys, workspace = KeyFile.load(Path(sys.argv[1])), UUID(sys.argv[2])
    while True:
        version = keys.rotate_kek(workspace, now=datetime.now(UTC)).version
        print(version, flush=True)
        keys.destroy_kek(workspace, version - 1)
"""


def test_a_killed_writer_leaves_the_old_or_the_new_keyring(keys, path):
    """Given kill -9 amid rotations, then no acknowledged version is lost and no litter stays."""
    for wanted in (1, 3, 8, 13, 21):
        child = subprocess.Popen(
            [sys.executable, "-c", ROTATE_FOR_EVER, str(path), str(WORKSPACE)], stdout=subprocess.PIPE
        )
        acknowledged = [int(child.stdout.readline()) for _ in range(wanted)]
        child.kill()
        acknowledged += map(int, child.communicate()[0].split())

        assert KeyFile.load(path).kek(WORKSPACE).version >= acknowledged[-1]
    (path.parent / f".{path.name}.{new_id()}.new").write_bytes(ENCODED)
    keys.rotate_kek(WORKSPACE, now=LATER)

    assert {file.name for file in path.parent.iterdir()} == {"keyring.json", "keyring.json.lock"}
