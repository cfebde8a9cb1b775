"""Trimming the journal: what no backup that can still be opened lacks is not remembered any longer.

1. A backup opens by the key-encryption key that was active when it was made, so it was made
   after that key. What is older than the oldest key that is left, by a margin that no
   transaction lasts, is in every backup that opens.
2. A file goes whole: once every line of it is that old and done, and no process writes it.
3. It is named in `trimmed.json` first, then it goes, then the database forgets its mark and
   lines. Killed anywhere between, a file that is named counts as gone and is never replayed.
4. Whoever starts on a backup that does not open is refused: nothing says any more who must
   stay forgotten in it.

So a trimmed file is not a shorter one, and a shorter one is still found (ADR-0017).
"""

import fcntl
import os
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, delete, select, text

from cdp.kernel.errors import Refused
from cdp.kernel.ids import first_id, made_at
from cdp.vocabulary import WorkspaceId
from governance import tables
from governance.journal import journal
from governance.journal.journal import JournalFile, Trimmed
from governance.keys.keyring import Keyring

# No transaction lasts as long, so what was journalled before is committed, or never will be.
MARGIN = timedelta(days=1)


class BackupBlind(Refused, http=False):
    """This backup's keys are destroyed, and the journal does not go back to it; restore a newer one."""


def check_openable(keys: Keyring, workspaces: Iterable[WorkspaceId], connection: Connection) -> None:
    """Raise `BackupBlind` if a key that is active in this database is no longer in the keyring.

    Of a workspace that the keyring does not know at all nothing was ever trimmed.
    """
    version = tables.kek_versions.c
    for workspace in workspaces:
        connection.execute(text("SELECT set_config('cdp.workspace', :id, true)"), {"id": str(workspace)})
        active = connection.scalar(select(version.version).where(version.state == "active"))
        ring = keys.keks.get(workspace)
        if ring is not None and active is not None and active not in {key.version for key in ring}:
            raise BackupBlind


def trim(directory: Path, keys: Keyring, connection: Connection, *, margin: timedelta = MARGIN) -> int:
    """Name and remove every file that no openable backup needs; how many went.

    The caller holds the start-up lock, so that nobody reads the journal meanwhile, and goes
    on with `forget` and `let_go`, each once the one before it is committed.
    """
    horizons = _horizons(keys, margin)
    if not directory.exists() or not horizons:
        return 0
    for file in journal.trimmed(directory):
        # A crash came between naming it and removing it.
        journal.path_of(directory, file).unlink(missing_ok=True)
    known = set(connection.scalars(select(tables.journal_lines.c.id)))
    past = [one for one in journal.read_all(directory) if _past(one, horizons, known)]
    return sum(_remove(directory, one) for one in past)


def forget(directory: Path, keys: Keyring, connection: Connection, *, margin: timedelta = MARGIN) -> None:
    """Let the database forget the marks and lines of what is trimmed."""
    horizons = _horizons(keys, margin)
    named = list(journal.trimmed(directory))
    if not named or not horizons:
        return
    connection.execute(delete(tables.journal_marks).where(tables.journal_marks.c.file.in_(named)))
    # Ids are made in the order of time, so what is older than every line that is left is of no file.
    left = [line.mark.id for file in journal.read_all(directory) for line in file.lines]
    first = min([first_id(min(horizons.values())), *left])
    connection.execute(delete(tables.journal_lines).where(tables.journal_lines.c.id < first))


def let_go(directory: Path, keys: Keyring, *, now: datetime, margin: timedelta = MARGIN) -> None:
    """Note when the database forgot, and drop what no openable backup remembers any longer."""
    horizons, named = _horizons(keys, margin), journal.trimmed(directory)
    kept = {
        file: one if one.forgotten else Trimmed(lines=one.lines, forgotten=now)
        for file, one in named.items()
        if one.forgotten is None or not horizons or one.forgotten >= min(horizons.values())
    }
    if kept != named:
        journal.note_trimmed(directory, kept)


def _horizons(keys: Keyring, margin: timedelta) -> dict[WorkspaceId, datetime]:
    """Until when everything of a workspace is in each of its backups that opens."""
    return {workspace: ring[0].created_at - margin for workspace, ring in keys.keks.items()}


def _past(file: JournalFile, horizons: Mapping[WorkspaceId, datetime], known: set[UUID]) -> bool:
    """Whether every line is done and in all backups that open; of an empty file, whether it is that old."""
    if made_at(UUID(file.file)) >= min(horizons.values()):
        return False
    return all(
        line.workspace in horizons
        and made_at(line.mark.id) < horizons[line.workspace]
        and line.mark.id in known
        for line in file.lines
    )


def _remove(directory: Path, file: JournalFile) -> bool:
    """Name a file as trimmed and remove it, unless a process still holds it to write to."""
    path = journal.path_of(directory, file.file)
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        named = journal.trimmed(directory)
        named[file.file] = Trimmed(lines=len(file.lines), forgotten=None)
        journal.note_trimmed(directory, named)
        path.unlink()
        return True
    finally:
        os.close(handle)
