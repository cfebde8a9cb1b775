"""The journal and the database hold each other to account.

Every line is noted in the database with its file's length, in the transaction that it
belongs to, so a state directory that is older than the database shows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from cdp.kernel.database import run
from cdp.kernel.errors import Refused
from cdp.work import Work
from governance import tables
from governance.journal import Journal, Kind, heights


class StateOlderThanDatabase(Refused):
    """The state directory is older than the database: its journal has lost lines. Restore the newer one."""


class MarkedJournal:
    """`ports.Journal`: append, fsync, and note the length in the same Work."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def write(self, kind: str, payload: Mapping[str, Any], *, work: Work) -> UUID:
        """Append and fsync one line; its id. If the Work rolls back, the line stays: it only narrows."""
        mark = self._journal.append(Kind(kind), work.workspace, payload)
        run(
            work.session,
            "INSERT INTO governance.journal_marks (file, lines) VALUES (%s, %s)"
            " ON CONFLICT (file) DO UPDATE SET lines = greatest(journal_marks.lines, excluded.lines)",
            (mark.file, mark.line),
        )
        return mark.id


def check_marks(directory: Path, connection: Connection) -> None:
    """Raises `StateOlderThanDatabase` if a file is shorter than the database remembers."""
    there = heights(directory) if directory.exists() else {}
    for file, lines in connection.execute(select(tables.journal_marks.c.file, tables.journal_marks.c.lines)):
        if there.get(file, 0) < lines:
            raise StateOlderThanDatabase(lines=lines, found=there.get(file, 0))
