"""The journal goes back to the oldest backup that can still be opened, and no further."""

from datetime import timedelta

import pytest
from test_restore import Instance
from worlds.journeys import ANN, BOB, Journey, identify, lines, ready

from api.processes import keeper
from cdp.kernel.clock import now
from cdp.kernel.database import KEEPER, make_engine
from cdp.vocabulary import State
from cdp.work import open_work
from governance.journal import journal
from governance.journal.journal import JournalDamaged, heights
from governance.journal.journalling import StateOlderThanDatabase
from governance.journal.trimming import BackupBlind
from governance.keys import rotation

NONE = timedelta(0)


class World:
    """An instance in which two people have agreed, and what its operator does."""

    def __init__(self, instance):
        self.instance, self.directory = instance, instance.settings.state_dir / "journal"
        self.engine = make_engine(instance.server.url(KEEPER, instance.name), pool_size=1)
        self.journey = ready(instance.system, instance.workspace)
        self.journey.send("web", identify("u1", ANN), identify("u2", BOB))
        self.journey.work()
        for who in (ANN, BOB):
            self.journey.say(State.GIVEN, who["email"], evidence="form", notice="newsletter")

    def withdraw(self, who):
        """A negative word, in a file of its own."""
        before = set(heights(self.directory))
        self.journey.say(State.WITHDRAWN, who["email"], evidence="link")
        self.instance.system.ports.journal.close()
        (file,) = set(heights(self.directory)) - before
        return file

    def rotate(self):
        keys = self.instance.system.keys
        keeper.rotate_if_due(self.instance.settings, self.engine, keys, self.instance.workspace, at_once=True)

    def destroy(self):
        """What the keeper does with a retired key after its time."""
        workspace, actor = self.instance.workspace, self.journey.begin("service")
        with actor() as work:
            actor = work.actor
        with open_work(self.engine, workspace=workspace, actor=actor, purpose="key_rotation") as work:
            return rotation.destroy_retired(days=0, work=work, file=self.instance.system.keys)

    def trim(self, margin=NONE):
        state = self.instance.system.state
        return keeper.trim_journal(self.engine, self.instance.system.keys, state, margin=margin)

    def restart(self):
        self.instance.system.app.dispose()
        self.instance.start()
        self.journey = Journey(self.instance.system, self.instance.workspace)

    def restore(self, name):
        self.engine.dispose()
        self.instance.restore(name)
        self.restart()


@pytest.fixture
def world(server, tmp_path):
    instance = Instance(server, tmp_path)
    made = World(instance)
    yield made
    made.engine.dispose()
    instance.system.app.dispose()
    with server.admin() as admin:
        admin.execute(f"DROP DATABASE {instance.name} WITH (FORCE)")


@pytest.fixture
def trimmed(world):
    """Ann's no is before the oldest key that is left, Bob's behind it; a backup before each."""
    world.instance.backup("blind")
    world.ann = world.withdraw(ANN)
    world.rotate()
    world.instance.backup("oldest")
    world.bob = world.withdraw(BOB)
    assert world.trim() == 0, "the first key is still there, and so may a backup that lacks Ann's no be"
    assert world.destroy() == [1]
    assert world.trim() == 1
    return world


def test_what_every_openable_backup_has_is_trimmed_and_nothing_else(trimmed):
    """Whole files, oldest first; what was trimmed once is not counted again."""
    assert set(heights(trimmed.directory)) == {trimmed.bob}
    assert set(journal.trimmed(trimmed.directory)) == {trimmed.ann}
    assert trimmed.trim() == 0


def test_the_oldest_backup_that_opens_brings_no_withdrawn_consent_back(trimmed, tmp_path):
    """E2 after trimming: Ann's no is in the backup, Bob's is replayed."""
    trimmed.restore("oldest")
    trimmed.journey.release(tmp_path / "out.ndjson")

    assert trimmed.instance.replayed >= 1
    assert lines(tmp_path / "out.ndjson") == []


def test_an_older_backup_does_not_start(trimmed):
    """It lacks Ann's no, nobody remembers it, and nothing in it opens."""
    with pytest.raises(BackupBlind):
        trimmed.restore("blind")


def test_a_trimmed_file_is_not_a_shorter_one_and_a_shorter_one_is_still_found(trimmed):
    """The database still starts; a file that somebody else removed does not pass for trimmed."""
    trimmed.restart()
    (trimmed.directory / f"{trimmed.bob}.jsonl").unlink()

    assert trimmed.instance.replayed == 0
    with pytest.raises(StateOlderThanDatabase):
        trimmed.restart()


def test_a_backup_that_remembers_a_trimmed_file_starts_after_the_database_has_forgotten_it(trimmed):
    """`trimmed.json` keeps the length for as long as such a backup opens, and no longer."""
    kept = journal.trimmed(trimmed.directory)
    trimmed.rotate()
    trimmed.destroy()
    trimmed.trim()
    trimmed.rotate()
    trimmed.destroy()
    trimmed.trim()

    assert kept[trimmed.ann].lines >= 1
    assert kept[trimmed.ann].forgotten is not None
    assert trimmed.ann not in journal.trimmed(trimmed.directory)
    trimmed.restart()
    assert trimmed.instance.replayed == 0


def test_killed_between_naming_and_removing_a_file_is_gone_all_the_same(trimmed):
    """It is not replayed, and the next trimming removes what is left of it."""
    left = trimmed.directory / f"{trimmed.ann}.jsonl"
    left.write_bytes((trimmed.directory / f"{trimmed.bob}.jsonl").read_bytes())
    trimmed.restart()
    replayed = trimmed.instance.replayed
    trimmed.trim()

    assert replayed == 0
    assert not left.exists()


def test_a_file_that_a_process_still_writes_stays(world):
    """However old its lines are: the next word would be lost with it."""
    world.journey.say(State.WITHDRAWN, ANN["email"], evidence="link")
    world.rotate()
    world.destroy()
    held = world.trim()
    world.instance.system.ports.journal.close()

    assert held == 0
    assert world.trim() == 1


def test_a_margin_covers_what_was_being_committed(world):
    """A word that was journalled shortly before the key was made may not be in the first backup behind it."""
    world.withdraw(ANN)
    world.rotate()
    world.destroy()

    assert world.trim(timedelta(days=1)) == 0


def test_a_damaged_record_of_trimmed_files_refuses(trimmed):
    """Nobody could say any more what may be missing."""
    (trimmed.directory / journal.TRIMMED).write_text("{")

    with pytest.raises(JournalDamaged):
        trimmed.restart()


def test_a_file_takes_words_for_a_day(world, monkeypatch):
    """Else that of a long-lived process could never be trimmed."""
    first = Journey(world.instance.system, world.instance.workspace)
    first.say(State.WITHDRAWN, ANN["email"], evidence="link")
    before = set(heights(world.directory))
    monkeypatch.setattr(journal, "now", lambda: now() + timedelta(days=1, seconds=1))
    first.say(State.WITHDRAWN, BOB["email"], evidence="link")

    assert len(set(heights(world.directory)) - before) == 1
