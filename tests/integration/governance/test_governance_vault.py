"""The vault on a real database: keys, successors, inbox keys, rotation, the journal's marks."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import event, text

from api.migrations import upgrade
from cdp.kernel import embedded
from cdp.kernel.clock import now
from cdp.kernel.database import APP, OWNER, make_engine
from cdp.kernel.errors import BrokenSeal
from cdp.ports import BodyPlace, BodyUse
from cdp.vocabulary import Actor, ContactId, FieldClass, FragmentId, Identifier, Label, WorkspaceId
from cdp.work import open_work
from governance.journal.journal import Journal, Kind
from governance.journal.journalling import (
    MarkedJournal,
    StateOlderThanDatabase,
    check_marks,
    unknown_lines,
)
from governance.keys import fragment_keys, rotation, statedir
from governance.keys.keyfile import KeyFile
from governance.keys.keyring import Use
from governance.keys.vault import LocalVault

ANN = {FieldClass.IDENTITY: {"given_name": "Ann"}, FieldClass.CONTACT: {"email": "ann@example.org"}}
ALL = frozenset(FieldClass)
PLACE = BodyPlace(BodyUse.REQUEST, (b"web", b"server"))
TESTER = Actor(ref="test", roles=frozenset({"service"}), kind="system")


@pytest.fixture
def file(tmp_path):
    """A fresh keyring."""
    state = statedir.open_state(tmp_path / "state")
    return KeyFile.create(state.keyring, now=now())


@pytest.fixture
def vault(file):
    """A vault over it."""
    return LocalVault(file, kek_days=15)


def sealed_row(vault, work, fragment, row):
    """One sealed statement of `fragment`."""
    keys = vault.keys([fragment], work=work, sealing={fragment: 2})
    return keys.seal(Label.STATEMENT, row, fragment, ANN)


def test_what_one_work_seals_another_opens_class_by_class(vault, begin):
    """Keys are fetched anew by each Work, and only the asked classes are opened."""
    fragment, row = FragmentId(uuid4()), uuid4()
    with begin() as work:
        sealed = sealed_row(vault, work, fragment, row)
    with begin() as work:
        keys = vault.keys([fragment], work=work)
        opened = keys.open(Label.STATEMENT, row, fragment, sealed, frozenset({FieldClass.CONTACT}))

    assert opened == {FieldClass.CONTACT: ANN[FieldClass.CONTACT]}


def test_a_wrapped_key_moved_to_another_fragment_does_not_open(vault, begin):
    """K2: a copied key row gives its thief nothing."""
    ann, eve, row = FragmentId(uuid4()), FragmentId(uuid4()), uuid4()
    with begin() as work:
        sealed = sealed_row(vault, work, ann, row)
        work.session.execute(
            text("UPDATE governance.keys SET fragment_id = :eve WHERE fragment_id = :ann"),
            {"eve": eve, "ann": ann},
        )
    with begin() as work, pytest.raises(BrokenSeal):
        vault.keys([eve], work=work).open(Label.STATEMENT, row, eve, sealed, ALL)


def test_a_full_key_gets_a_successor_and_the_old_one_still_opens(vault, begin):
    """K4: no key seals more than its limit, and nothing sealed before becomes unreadable."""
    fragment, first, second = FragmentId(uuid4()), uuid4(), uuid4()
    with begin() as work:
        old = sealed_row(vault, work, fragment, first)
        reference = vault.keys([fragment], work=work).reference(fragment)
        work.session.execute(
            text("UPDATE governance.keys SET envelopes = :n WHERE fragment_id = :f"),
            {"n": fragment_keys.MAX_ENVELOPES - 1, "f": fragment},
        )
    with begin() as work:
        new = sealed_row(vault, work, fragment, second)
    with begin() as work:
        keys = vault.keys([fragment], work=work)

        assert keys.open(Label.STATEMENT, first, fragment, old, ALL) == ANN
        assert keys.open(Label.STATEMENT, second, fragment, new, ALL) == ANN
        assert keys.reference(fragment) == reference
        assert len(vault.fingerprints([fragment], work=work)) == 2


def test_rotation_killed_midway_leaves_everything_readable_and_a_rerun_finishes(vault, file, begin):
    """K5: rewrapping half, then dying, loses nothing."""
    fragments = [FragmentId(uuid4()) for _ in range(5)]
    rows = {fragment: uuid4() for fragment in fragments}
    with begin() as work:
        sealed = {fragment: sealed_row(vault, work, fragment, rows[fragment]) for fragment in fragments}
    # Killed after the keyring was rotated and before the database heard of it.
    file.rotate_kek(work.workspace, now=now())
    with begin() as work:
        sealed_late = sealed_row(vault, work, fragments[0], rows[fragments[0]])
        version = rotation.activate(work=work, file=file)
    with begin() as work:
        assert rotation.rewrap(work=work, file=file) == 5
    with begin() as work:
        assert rotation.rewrap(work=work, file=file) == 0
        assert rotation.destroy_retired(days=0, work=work, file=file) == [1]
    with begin() as work:
        keys = vault.keys(fragments, work=work)

        assert version == 2
        for fragment in fragments:
            assert keys.open(Label.STATEMENT, rows[fragment], fragment, sealed[fragment], ALL) == ANN
        assert keys.open(Label.STATEMENT, rows[fragments[0]], fragments[0], sealed_late, ALL) == ANN


def test_what_is_accepted_after_a_rollback_can_be_opened(vault, begin):
    """A body sealed under a key whose row never was would be lost, however often the first Work sealed."""

    class Stop(Exception):
        """Roll back."""

    moment = now()
    with pytest.raises(Stop), begin() as work:
        for body in (b"one", b"again"):
            vault.seal_body(PLACE, body, received_at=moment, work=work)
        raise Stop
    with begin() as work:
        second = vault.seal_body(PLACE, b"two", received_at=moment, work=work)
    with begin() as work:
        assert vault.open_bodies([(PLACE, *second)], work=work) == [b"two"]


def test_destroying_an_inbox_key_destroys_its_bodies(vault, begin):
    """Quarantined letters end with the key they lie under."""
    moment = now()
    with begin() as work:
        sealed = vault.seal_body(PLACE, b"one", received_at=moment, work=work)
    with begin() as work:
        assert vault.destroy_inbox_keys(moment + timedelta(hours=1), work=work) == 1
    with begin() as work, pytest.raises(BrokenSeal):
        vault.open_bodies([(PLACE, *sealed)], work=work)


def test_detail_opens_for_its_own_entry_alone(vault, workspace):
    """A detail copied to another entry proves nothing."""
    entry = uuid4()
    sealed = vault.seal_detail(workspace, entry, b"{}")

    assert vault.open_detail(workspace, entry, sealed) == b"{}"
    with pytest.raises(BrokenSeal):
        vault.open_detail(workspace, uuid4(), sealed)


def test_indexes_keep_the_order_of_identifiers_across_namespaces(vault, workspace):
    """The answer belongs to the question, whatever the namespaces."""
    asked = [
        Identifier("email", "a@example.org"),
        Identifier("phone", "+49301"),
        Identifier("email", "b@example.org"),
    ]
    together = vault.indexes(workspace, asked)

    assert together == [vault.indexes(workspace, [one])[0] for one in asked]
    assert [row[0] for row in vault.every_index(workspace, asked)] == together


class _Undone(Exception):
    """Ends a Work without leaving anything behind."""


def test_a_state_directory_older_than_the_database_is_refused(server, tmp_path):
    """E2: a journal that lost lines could bring a withdrawn consent back."""
    name = f"marks_{uuid4().hex[:8]}"
    embedded.create_database(server, name)
    upgrade(server.url(OWNER, name))
    engine = make_engine(server.url(APP, name), pool_size=1)
    journal = Journal(tmp_path / "journal")
    for _ in range(2):
        with open_work(engine, workspace=uuid4(), actor=TESTER, purpose="test") as work:
            MarkedJournal(journal).write("negative", [{"entry": uuid4()}], work=work)
    lines = next((tmp_path / "journal").glob("*.jsonl"))
    with engine.connect() as connection:
        check_marks(tmp_path / "journal", connection)
        lines.write_bytes(lines.read_bytes().splitlines(keepends=True)[0])

        with pytest.raises(StateOlderThanDatabase):
            check_marks(tmp_path / "journal", connection)
    engine.dispose()


def test_a_word_that_comes_during_the_check_refuses_nobody(server, tmp_path):
    """E2: other processes write while one starts; what they write then is no line that was lost."""
    name = f"during_{uuid4().hex[:8]}"
    embedded.create_database(server, name)
    upgrade(server.url(OWNER, name))
    engine = make_engine(server.url(APP, name), pool_size=2)
    journal = MarkedJournal(Journal(tmp_path / "journal"))
    written = []

    def say(*_):
        with open_work(engine, workspace=uuid4(), actor=TESTER, purpose="test") as work:
            written.extend(journal.write("negative", [{"entry": uuid4()}], work=work))

    say()
    with engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", say)
        check_marks(tmp_path / "journal", connection)
    engine.dispose()

    assert len(written) == 2


def test_a_line_that_commits_late_is_known_only_by_itself(server, tmp_path):
    """E2: a later line's commit must not hide an earlier one that a backup does not hold yet."""
    name = f"late_{uuid4().hex[:8]}"
    embedded.create_database(server, name)
    upgrade(server.url(OWNER, name))
    engine = make_engine(server.url(APP, name), pool_size=1)
    journal = Journal(tmp_path / "journal")
    # Written by a transaction that has not committed when the backup is made.
    early = journal.append(Kind.NEGATIVE, WorkspaceId(uuid4()), {"entry": uuid4()}).id
    with open_work(engine, workspace=uuid4(), actor=TESTER, purpose="test") as work:
        MarkedJournal(journal).write("negative", [{"entry": uuid4()}], work=work)
    with engine.connect() as connection:
        unknown = [line.mark.id for line in unknown_lines(tmp_path / "journal", connection)]
    engine.dispose()

    assert unknown == [early]


def test_what_a_link_says_of_its_contact_opens_there_alone_and_with_every_root(vault, file):
    """Links work for ever: a new root seals new ones, and the old one is never destroyed."""
    workspace, contact = WorkspaceId(uuid4()), ContactId(uuid4())
    ann = Identifier("email", "ann@example.org")
    first, again = (vault.seal_link(workspace, contact, ann) for _ in range(2))
    file.rotate_root(Use.SUPPRESSION, now=now())
    later = LocalVault(file, kek_days=15)
    second = later.seal_link(workspace, contact, ann)

    assert [later.open_link(workspace, contact, one) for one in (first, again, second)] == [ann] * 3
    assert len({first, again, second}) == 3 and first[:18] != second[:18]
    assert b"example" not in first
    for wrong in (
        (workspace, ContactId(uuid4()), first),
        (WorkspaceId(uuid4()), contact, first),
        (workspace, contact, first[:-1] + bytes([first[-1] ^ 1])),
        (workspace, contact, first[:20]),
        (workspace, contact, b""),
        (workspace, contact, first[:2] + b"\xff" * 16 + first[18:]),
    ):
        with pytest.raises(BrokenSeal):
            later.open_link(*wrong)
