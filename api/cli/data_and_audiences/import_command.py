"""`cdp import`: a file of records, whole or not at all, and then into the profiles."""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Mapping as Values
from pathlib import Path
from time import sleep
from typing import Annotated

import typer
from rich.console import RenderableType
from sqlalchemy import func, select

from api.cli.output import Json, emit, facts, progress, table
from api.cli.running import POLL, UnwritableFile, WorkspaceName, platform, read_text
from api.processes.session import Opener, Session
from cdp import tables
from cdp.acts import Act
from cdp.intake import imports, inbox, verdicts
from cdp.intake.importing import Loss, load_mapping
from cdp.intake.imports import Imported
from cdp.intake.ingest import Limits, work_off
from cdp.kernel import private
from cdp.kernel.errors import BadInput
from cdp.vocabulary import Role, WorkspaceId

_LOSSES = {
    Loss.UNKNOWN_WORD: "unknown word of consent: taken as a no",
    Loss.NO_CONTACT: "unusable contact",
    Loss.NO_KEY: "no identity key",
    Loss.SHARED: "shared contact: it is reached, and joins nobody",
    Loss.NO_NOTICE: "a yes from before the notice was shown, or nobody knows when: it counts for nothing",
    Loss.NO_DATE: "no date",
    Loss.NO_COUNTRY: "no country",
    Loss.NO_NUMBER: "no number",
    Loss.NO_VALUE: "a list or an object: map what is in it",
    Loss.DAMAGED: "a number that a spreadsheet damaged",
}


class RejectsOverInput(BadInput, http=False):
    """Rejects would be written over the file or the mapping that they are about; name another file."""


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, JSON, NDJSON or Parquet, each also as gzip.")],
    source: Annotated[str, typer.Option(metavar="NAME", help="Whose records they are.")],
    mapping: Annotated[Path, typer.Option(metavar="FILE", help="What its columns mean (YAML).")],
    rejects: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where rejected rows are named [dim](FILE.rejects.ndjson)[/dim]."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of the rows, and store nothing.")
    ] = False,
    wait: Annotated[
        bool,
        typer.Option("--wait/--no-wait", help="Return when the rows are in the profiles, or once stored."),
    ] = True,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Import a file of records, whole or not at all.

    A row that cannot be used is named in the file of rejects by line, column and reason,
    never by value; its no is heard all the same. Values that became no contact, no day or no
    country, and words of consent that nobody knows, are counted by column. The same file again
    changes nothing. While it waits the command works the inbox off itself, beside any worker.
    """
    left = rejects or file.with_name(f"{file.name}.rejects.ndjson")
    _try(left, apart_from=(file, mapping))
    with platform() as opened:
        chosen = opened.workspace(workspace)
        begin = opened.opener(chosen, Role.STEWARD, purpose=Act.FILE_IMPORT.purpose)
        before = _verdicts(begin, source)
        taken = _load(opened, begin, file, source, mapping, left, dry_run=dry_run, as_json=as_json)
        wait = wait and not dry_run
        after = _process(opened, begin, chosen, source, as_json=as_json) if wait else None
    counted = after - before if after is not None else None
    emit(
        {
            "rows": taken.rows,
            "accepted": taken.accepted,
            "rejected": taken.rejected,
            "noes_heard": taken.noes_heard,
            "noes_of_nobody": taken.noes_of_nobody,
            "reasons": dict(taken.reasons),
            "losses": {loss: dict(columns) for loss, columns in taken.losses.items()},
            "rejects": str(left) if taken.rejected else None,
            "stored": not dry_run,
            "processed": wait,
            "verdicts": dict(counted) if counted is not None else None,
        },
        as_json,
        *_told(taken, left, counted, dry_run=dry_run),
    )


def _try(left: Path, *, apart_from: Iterable[Path]) -> None:
    """Find out before the file is read whether rejects can be written down, and over nothing that is read."""
    before = left.exists()
    if before and any(other.exists() and left.samefile(other) for other in apart_from):
        raise RejectsOverInput(field="rejects", file=left.name)
    try:
        private.opened(left, append=True).close()
        if not before:
            left.unlink()
    except OSError:
        raise UnwritableFile(field="rejects", file=left.name) from None


def _load(
    opened: Session,
    begin: Opener,
    file: Path,
    source: str,
    mapping: Path,
    left: Path,
    *,
    dry_run: bool,
    as_json: bool,
) -> Imported:
    ports = opened.system.ports
    read = load_mapping(read_text(mapping, "mapping"), traits=ports.catalogue.traits())
    with progress("reading", total=None, as_json=as_json) as advance, begin() as work:
        return imports.load(
            file,
            source_name=source,
            mapping=read,
            rejects=left,
            work=work,
            ports=ports,
            progress=advance,
            dry_run=dry_run,
        )


def _process(
    opened: Session, begin: Opener, workspace: WorkspaceId, source: str, *, as_json: bool
) -> Counter[str]:
    """Work the inbox off until it has passed what was just stored; the source's verdicts then."""
    system = opened.system
    with begin() as work:
        point = inbox.mark(work=work)
    total = waiting = _waiting(begin, point[0])
    with progress("processing", total=total, as_json=as_json) as advance:
        while not _passed(begin, point):
            limits = Limits(messages=system.settings.ingest_batch)
            done = work_off(system.opener(workspace, purpose="ingest"), ports=system.ports, limits=limits)
            now = _waiting(begin, point[0])
            advance(waiting - now)
            waiting = now
            if not done.rows:
                sleep(POLL)
    return _verdicts(begin, source)


def _passed(begin: Opener, point: tuple[int, int]) -> bool:
    with begin() as work:
        return inbox.passed(point, work=work)


def _waiting(begin: Opener, newest: int) -> int:
    """How many messages wait that were accepted up to `newest`."""
    column = tables.inbox.c
    with begin() as work:
        query = select(func.coalesce(func.sum(column["items"]), 0)).where(column.accept_seq <= newest)
        return int(work.session.execute(query).scalar_one())


def _verdicts(begin: Opener, source: str) -> Counter[str]:
    with begin() as work:
        return Counter(verdicts.counts(work=work).get(source, {}))


def _told(
    taken: Imported, left: Path, counted: Values[str, int] | None, *, dry_run: bool
) -> list[RenderableType]:
    said: dict[str, object] = {"accepted": taken.accepted, "rejected": taken.rejected}
    if taken.rejected:
        said["noes heard"] = taken.noes_heard
        if taken.noes_of_nobody:
            said["noes of nobody who can be read"] = taken.noes_of_nobody
        said["rejects"] = left
    if dry_run:
        said["stored"] = "nothing: this was a dry run"
    elif counted is None:
        said["processed"] = "not yet: the worker will"
    parts: list[RenderableType] = [facts(said)]
    if taken.reasons:
        parts.append(table(("rejected because", "rows"), taken.reasons.most_common()))
    if taken.losses:
        rows = [
            (_LOSSES[loss], column, n) for loss, of in taken.losses.items() for column, n in of.most_common()
        ]
        parts.append(table(("values not used", "column", "rows"), rows))
    if counted:
        parts.append(table(("verdict", "rows"), sorted(counted.items())))
    return parts
