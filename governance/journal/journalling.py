"""The journal and the database hold each other to account.

Every line is noted in the database with its file's length, in the transaction that it
belongs to, so a state directory that is older than the database shows.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, select

from cdp.kernel.database import write
from cdp.kernel.errors import Refused
from cdp.work import Work
from governance import tables
from governance.journal.journal import Journal, JournalLine, JournalMark, Kind, heights, read_all, trimmed


class StateOlderThanDatabase(Refused, http=False):
    """The state directory is older than the database: its journal has lost lines. Restore the newer one."""


class MarkedJournal:
    """`ports.Journal`: append, fsync, and note the length in the same Work."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def close(self) -> None:
        """Let go of the file that is being written."""
        self._journal.close()

    def write(self, kind: str, payloads: Sequence[Mapping[str, object]], *, work: Work) -> list[UUID]:
        """Append lines with one fsync; their ids. If the Work rolls back they stay: they only narrow."""
        marks = self._journal.append_all(Kind(kind), work.workspace, payloads)
        note(marks, work=work)
        return [mark.id for mark in marks]


def note(marks: Sequence[JournalMark], *, work: Work) -> None:
    """Record that these lines are done, and how long their file is now."""
    write(
        work.session,
        "INSERT INTO governance.journal_lines (id) SELECT unnest(%b::uuid[]) ON CONFLICT DO NOTHING",
        ([mark.id for mark in marks],),
    )
    for mark in marks[-1:]:
        write(
            work.session,
            "INSERT INTO governance.journal_marks (file, lines) VALUES (%s, %s)"
            " ON CONFLICT (file) DO UPDATE SET lines = greatest(journal_marks.lines, excluded.lines)",
            (mark.file, mark.line),
        )


def unknown_lines(directory: Path, connection: Connection) -> list[JournalLine]:
    """The lines that the database has not done: those of a restore, or of a crash before a commit."""
    known = set(connection.scalars(select(tables.journal_lines.c.id)))
    return [
        line
        for file in (read_all(directory) if directory.exists() else ())
        for line in file.lines
        if line.mark.id not in known
    ]


def check_marks(directory: Path, connection: Connection) -> None:
    """Raises `StateOlderThanDatabase` if a file is shorter than the database remembers.

    A file that was trimmed is as long as it was then.
    """
    # The marks first: others write meanwhile, and what is noted was on disk before.
    marks = _marks(connection)
    there = heights(directory) if directory.exists() else {}
    there |= {file: one.lines for file, one in trimmed(directory).items()}
    for file, lines in marks.items():
        if there.get(file, 0) < lines:
            raise StateOlderThanDatabase(lines=lines, found=there.get(file, 0))


def _marks(connection: Connection) -> dict[str, int]:
    rows = connection.execute(select(tables.journal_marks.c.file, tables.journal_marks.c.lines))
    return {row.file: row.lines for row in rows}
