"""The journal: on disk before it is acknowledged, numbered, chained, and without any value."""

import json
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.kernel.ids import new_id
from cdp.vocabulary import Channel, State
from governance.journal import journal
from governance.journal.journal import (
    Journal,
    JournalDamaged,
    JournalMark,
    JournalUnavailable,
    Kind,
    NotForTheJournal,
    heights,
    read_all,
)

WORKSPACE = new_id()
MAC = "ab" * 32
PAYLOAD = {"contact": MAC, "state": "withdrawn", "channel": "email", "version": 1}


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def written(directory):
    """The one file of a journal of five lines."""
    Journal(directory).append_all(Kind.NEGATIVE, WORKSPACE, [PAYLOAD | {"n": n} for n in range(5)])
    return next(directory.iterdir())


def lines(directory):
    return [line for file in read_all(directory) for line in file.lines]


def test_a_line_is_read_as_it_was_written(directory):
    """What was journalled comes back with its mark, in order."""
    pen = Journal(directory)
    payload = {
        "fragments": [new_id(), str(new_id())],
        "contact": {"mac": MAC, "state": State.OBJECTED},
        "seq": 7,
    }
    marks = [pen.append(Kind.NEGATIVE, WORKSPACE, PAYLOAD), pen.append(Kind.ERASURE, WORKSPACE, payload)]
    first, second = lines(directory)

    assert [first.mark, second.mark] == marks
    assert (first.kind, first.workspace, first.payload) == (Kind.NEGATIVE, WORKSPACE, PAYLOAD)
    assert second.payload == payload | {"fragments": [str(found) for found in payload["fragments"]]}
    assert [mark.line for mark in marks] == [1, 2]


def test_a_batch_is_one_line_each(directory):
    """Many words are many lines, whatever they cost to write."""
    pen = Journal(directory)
    marks = pen.append_all(Kind.NEGATIVE, WORKSPACE, [PAYLOAD] * 100)

    assert [mark.line for mark in marks] == list(range(1, 101))
    assert heights(directory) == {marks[0].file: 100}


def test_each_process_writes_its_own_file(directory):
    """No two writers share a file, so none has to wait for or trust another."""
    marks = [Journal(directory).append(Kind.NEGATIVE, WORKSPACE, PAYLOAD) for _ in range(3)]

    assert heights(directory) == {mark.file: 1 for mark in marks}
    assert len({mark.file for mark in marks}) == 3


def test_threads_write_whole_lines(directory):
    """Given eight threads on one journal, then every word is there once and the chain holds."""
    pen = Journal(directory)
    with ThreadPoolExecutor(8) as pool:
        marks = list(pool.map(lambda _: pen.append(Kind.NEGATIVE, WORKSPACE, PAYLOAD), range(80)))

    assert sorted(marks) == [line.mark for line in lines(directory)]


def test_a_forked_child_takes_a_file_of_its_own(directory):
    """Given a process that forks, then parent and child never write to the same file."""
    script = """if True:
        import os, sys
        from pathlib import Path
        from uuid import uuid4
        from governance.journal.journal import Journal, Kind
        pen = Journal(Path(sys.argv[1]))
        pen.append(Kind.NEGATIVE, uuid4(), {"n": 0})
        child = os.fork()
        for n in range(20):
            pen.append(Kind.NEGATIVE, uuid4(), {"n": n})
        child and os.waitpid(child, 0)
    """
    subprocess.run([sys.executable, "-c", script, str(directory)], check=True)

    assert sorted(heights(directory).values()) == [20, 21]


def test_a_long_file_is_followed_by_another(directory, monkeypatch):
    """Files stay small enough to be read and trimmed whole."""
    monkeypatch.setattr(journal, "LINES_PER_FILE", 3)
    pen = Journal(directory)
    marks = [pen.append(Kind.NEGATIVE, WORKSPACE, PAYLOAD) for _ in range(7)]

    assert [mark.line for mark in marks] == [1, 2, 3, 1, 2, 3, 1]
    assert [line.mark for line in lines(directory)] == marks


@pytest.mark.parametrize(
    "value",
    [
        "anna@example.com",
        "Anna",
        "4930901820",
        "+4930901820",
        "deadbeef",
        MAC.upper(),
        MAC + "\n",
        "",
        -1,
        2**63,
        1.5,
        True,
        None,
        b"\xab" * 32,
        ["given", "anna"],
        {"email": "anna@example.com"},
        {"anna@example.com": 1},
    ],
    ids=repr,
)
def test_what_could_be_a_value_is_refused(directory, value):
    """Only ids, whole hashes, numbers and words of the vocabulary get in; the error shows nothing."""
    pen = Journal(directory)

    with pytest.raises(NotForTheJournal) as caught:
        pen.append(Kind.NEGATIVE, WORKSPACE, {"field": value})
    assert "anna" not in str(caught.value).lower()
    assert lines(directory) == []


@pytest.mark.parametrize("name", ["anna@example.com", "Anna", "4930901820", "", "a" * 33])
def test_a_name_that_is_no_name_is_refused(directory, name):
    """A value cannot hide in a payload's key."""
    with pytest.raises(NotForTheJournal):
        Journal(directory).append(Kind.NEGATIVE, WORKSPACE, {name: 1})


def test_one_bad_payload_refuses_the_batch(directory):
    """A batch is written whole or not at all."""
    with pytest.raises(NotForTheJournal):
        Journal(directory).append_all(Kind.NEGATIVE, WORKSPACE, [PAYLOAD, {"name": "anna"}])

    assert lines(directory) == []


def test_words_of_the_vocabulary_are_taken(directory):
    """Whatever the vocabulary names may be journalled."""
    Journal(directory).append(Kind.NEGATIVE, WORKSPACE, {"all": [*State, *Channel]})

    assert lines(directory)[0].payload["all"] == [*State, *Channel]


def test_any_flipped_bit_is_damage(written):
    """Given any flipped bit before the last newline, then the journal is refused."""
    whole = written.read_bytes()

    @given(st.integers(0, (len(whole) - 1) * 8 - 1))
    def flip(bit):
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << bit % 8
        written.write_bytes(broken)
        with pytest.raises(JournalDamaged):
            heights(written.parent)

    flip()
    written.write_bytes(whole)

    assert list(heights(written.parent).values()) == [5]


@pytest.mark.parametrize(
    "damage",
    [
        lambda rows: rows[1:],
        lambda rows: rows[:2] + rows[3:],
        lambda rows: [rows[1], rows[0], *rows[2:]],
        lambda rows: [*rows, rows[-1]],
        lambda rows: [*rows[:2], b"\n", *rows[2:]],
        lambda rows: [*rows, b"\0" * 40 + b"\n"],
        lambda rows: [row.replace(b'{"chain"', b'{ "chain"') for row in rows],
    ],
    ids=["first dropped", "one dropped", "swapped", "repeated", "empty line", "zeros", "spaces"],
)
def test_lines_dropped_swapped_or_added_are_damage(written, damage):
    """Given lines that are not those that were written, then the journal is refused."""
    rows = written.read_bytes().splitlines(keepends=True)
    written.write_bytes(b"".join(damage(rows)))

    with pytest.raises(JournalDamaged):
        heights(written.parent)


def test_a_file_is_read_by_its_format_alone(directory):
    """Given a file written by hand as documented, then it is read; numbered wrongly, it is damage."""
    directory.mkdir()
    for number, numbers in enumerate([(1, 2), (2, 3), (1, 3), (1, 1)]):
        file, rows = UUID(int=number), b""
        chain = sha256(b"cdp/1/journal" + file.bytes).digest()
        for n in numbers:
            entry = json.dumps(
                {
                    "n": n,
                    "id": str(UUID(int=n)),
                    "kind": "erasure",
                    "workspace": str(WORKSPACE),
                    "payload": {},
                },
                separators=(",", ":"),
            )
            chain = sha256(chain + entry.encode()).digest()
            rows += f'{{"chain":"{chain.hex()}","entry":{entry}}}\n'.encode()
        path = directory / f"{file}.jsonl"
        path.write_bytes(rows)
        if numbers == (1, 2):
            assert heights(directory) == {str(file): 2}
        else:
            with pytest.raises(JournalDamaged):
                heights(directory)
            path.unlink()


def test_a_file_under_another_name_is_damage(written):
    """Given files that were renamed or swapped, then the journal is refused."""
    written.rename(written.with_name(f"{new_id()}.jsonl"))

    with pytest.raises(JournalDamaged):
        heights(written.parent)


@pytest.mark.parametrize("name", ["copy.jsonl", "01900000-0000-7000-8000-00000000000G.jsonl"])
def test_a_foreign_file_is_damage(written, name):
    """A file that no journal would have named is not ignored."""
    written.with_name(name).write_bytes(b"")

    with pytest.raises(JournalDamaged):
        heights(written.parent)


def test_a_torn_last_line_is_reported_and_the_rest_is_read(written):
    """Given a last line cut anywhere, then it is told, and the four lines before it stand."""
    whole = written.read_bytes()
    *_, last = whole.splitlines(keepends=True)
    for cut in range(1, len(last)):
        written.write_bytes(whole[:-cut])
        (found,) = read_all(written.parent)

        assert (len(found.lines), found.torn) == (4, True)


def test_a_missing_tail_shows_in_the_heights(written):
    """A file cut at a line's end is whole but shorter: the database's record tells."""
    written.write_bytes(b"".join(written.read_bytes().splitlines(keepends=True)[:3]))
    (found,) = read_all(written.parent)

    assert not found.torn
    assert heights(written.parent) == {written.stem: 3}


def test_a_full_disk_is_not_acknowledged_and_nothing_follows_a_torn_line(directory):
    """Given a disk that fills, then the word is refused, and later ones go to another file."""
    pen = Journal(directory)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    acknowledged = []
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
    try:
        with pytest.raises(JournalUnavailable):
            while True:
                acknowledged.append(pen.append(Kind.NEGATIVE, WORKSPACE, PAYLOAD))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    acknowledged.append(pen.append(Kind.NEGATIVE, WORKSPACE, PAYLOAD))
    files = list(read_all(directory))

    assert [line.mark for file in files for line in file.lines] == acknowledged
    assert [file.torn for file in files] == [True, False]


def test_an_acknowledged_line_survives_kill_9(directory):
    """Given kill -9 at any moment, then every mark that was handed out is in the journal."""
    script = """if True:
        import sys
        from pathlib import Path
        from uuid import UUID
        from governance.journal.journal import Journal, Kind
        pen = Journal(Path(sys.argv[1]))
        while True:
            mark = pen.append(Kind.NEGATIVE, UUID(int=1), {"n": 1})
            print(mark.file, mark.line, mark.id, flush=True)
    """
    acknowledged = []
    for wanted in (1, 10, 50):
        child = subprocess.Popen([sys.executable, "-c", script, str(directory)], stdout=subprocess.PIPE)
        printed = b"".join(child.stdout.readline() for _ in range(wanted))
        child.kill()
        # The last line printed may itself be cut; what was read of it was not yet said.
        printed = (printed + child.communicate()[0]).rpartition(b"\n")[0].decode()
        acknowledged += [row.split() for row in printed.splitlines()]
    found = {line.mark for line in lines(directory)}

    assert len(acknowledged) >= 61
    assert found >= {
        JournalMark(file=file, line=int(line), id=UUID(found)) for file, line, found in acknowledged
    }


def test_an_empty_or_absent_journal_has_no_lines(tmp_path):
    """A new instance has nothing to replay."""
    assert heights(tmp_path / "none") == {}
    Journal(tmp_path / "journal")

    assert heights(tmp_path / "journal") == {}


def test_files_are_for_their_owner_alone(directory):
    """The journal says who said no to what, if only by hashes."""
    Journal(directory).append(Kind.NEGATIVE, WORKSPACE, PAYLOAD)

    assert directory.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in directory.iterdir()} == {0o600}
