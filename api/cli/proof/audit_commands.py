"""`cdp audit`: the log of who did what: search, save a checkpoint, verify, hand it to an auditor."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec
import typer
from rich.console import RenderableType
from rich.text import Text
from sqlalchemy import URL, Connection, create_engine, make_url, select, text
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import NullPool

from api import wiring
from api.cli import keeping
from api.cli.exits import Exit
from api.cli.output import Json, emit, facts, table, waiting
from api.cli.proof import trail_commands
from api.cli.running import WorkspaceName, platform, read_text, settings, until, write_private
from api.processes import session
from audit import tables
from audit.log import inspection, verifier
from audit.log.checkpoint import key_of
from audit.log.entry import MAX_EPOCH
from audit.log.inspection import Inspected, Means
from audit.log.sequencer import Signed
from cdp.kernel.clock import now
from cdp.kernel.errors import BadInput, NotFound, Refused, Unavailable
from cdp.kernel.settings import Settings
from cdp.trail import trail as handed
from cdp.vocabulary import WorkspaceId
from governance.keys.keyfile import KeyFile
from governance.keys.keyring import KeyringUnusable
from governance.keys.statedir import StateUnusable
from governance.keys.vault import LocalVault

app = typer.Typer()
for _command in (
    trail_commands.search,
    trail_commands.prove,
    trail_commands.reconcile,
    trail_commands.rebuild,
    trail_commands.retry,
):
    app.command()(_command)

STORED_WITHIN = 2.0  # seconds until the database has what the signer remembers
LISTED = 1000  # findings beside the log that are named; the rest is counted
EXITS = {verifier.OK: Exit.OK, verifier.FAILED: Exit.FAILED, verifier.INTERNAL: Exit.INTERNAL_ONLY}


class MalformedCheckpoint(BadInput, http=False):
    """A saved checkpoint is not a signed note of origin, size and root; keep the file as it was written."""


class MalformedKey(BadInput, http=False):
    """This is not a verifier key: name+id+key, as `cdp audit checkpoint` prints it."""


class BadDatabase(BadInput, http=False):
    """A database is the name of one on the same server, or a URL: postgresql+psycopg://role@host/name."""


class DatabaseUnreachable(Unavailable, http=False):
    """That database does not answer, is not there, or does not let this role in."""


class PassesRowSecurity(Refused, http=False):
    """This role sees all workspaces' rows at once and would mix their logs; use the role cdp_app."""


class NoLogThere(NotFound, http=False):
    """There is no audit log in that database."""


@app.command("checkpoint")
def checkpoint(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to save it; keep it away from the database.")
    ] = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Print the newest signed checkpoint, and the key to pin.

    Whoever keeps a checkpoint outside the database can prove later that nothing that was
    in the log at this time was changed.
    """
    with platform() as opened:
        keeping.keep_signed(opened, opened.workspace(workspace))
        with trail_commands.reading(opened, workspace) as work:
            head = handed.checkpoint(work=work, ports=opened.system.ports)
        key = _own_key(opened.system.keys)
    if out is not None:
        write_private(out, head.note, "out")
    origin = head.note.split("\n", 1)[0]
    emit(
        {
            "origin": origin,
            "epoch": head.epoch,
            "size": head.size,
            "root": head.root.hex(),
            "checkpoint": head.note,
            "key": key,
            "file": str(out) if out else None,
        },
        as_json,
        *([facts({"saved": out, "size": head.size})] if out else [Text(head.note)]),
        Text(f"key: {key}"),
    )


def _own_key(keys: KeyFile) -> str:
    return key_of(wiring.checkpoint_signer(keys)).encode()


@app.command("verify")
def verify(
    database: Annotated[
        str | None,
        typer.Option(metavar="NAME|URL", help="Another database on the same server, or a URL of one."),
    ] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A checkpoint that was saved elsewhere.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="VKEY", help="The key to trust [dim](this instance's own)[/dim].")
    ] = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Verify the log where it lies, entry by entry, and what searches read beside it.

    0: it is whole and extends a saved checkpoint. 1: it was altered; the entry is named.
    3: it agrees with itself, but without a key and a saved checkpoint that is no proof.
    Entries that a restore lost are counted. It changes nothing, and works where the platform refuses to
    start; where it would start, an entry says that somebody looked.
    """
    chosen = settings()
    saved = [_saved(path) for path in checkpoint or []]
    keys = _keys(chosen)
    pinned = _pinned(key, keys)
    with _located(chosen, database) as url:
        # A copy may be older than what the signer remembers of the database that is at work.
        remembered = _remembered(chosen, url, workspace) if database is None else None
        means = Means(
            key=pinned,
            saved=saved,
            remembered=remembered,
            opener=LocalVault(keys, kek_days=chosen.kek_days).open_detail if keys and key is None else None,
        )
        with _reading(url) as connection:
            target = _target(connection, workspace)
            with waiting("Verifying …"):
                found = inspection.inspect(connection, workspace=target, means=means, now=now())
            entries = {one.epoch: _entry(connection, one) for one in found}
        verdict = inspection.verdict(found)
        noted = database is None and keeping.note_verified(verdict, chosen=chosen, url=url, workspace=target)
    emit(
        {
            "verdict": verdict,
            "workspace": target,
            "checkpoints": len(saved),
            "key": pinned,
            "memory": means.remembered is not None,
            "details": means.opener is not None,
            "noted": noted,
            "epochs": [_document(one, entries[one.epoch]) for one in found],
        },
        as_json,
        *(part for one in found for part in _told(one, entries[one.epoch])),
        Text(f"the signer's memory: {'held against it' if means.remembered else 'not used'}"),
        Text(f"sealed detail: {'held against it' if means.opener else 'not opened'}"),
        Text(verdict),
    )
    raise typer.Exit(EXITS[verdict])


def _saved(path: Path) -> str:
    """A saved checkpoint's text. Raises `MalformedCheckpoint`, `UnreadableFile`."""
    note = read_text(path, "checkpoint")
    try:
        verifier.read_note(note, None)
        epoch = int(note.split("\n", 1)[0].rpartition("/")[2])
    except ValueError:
        raise MalformedCheckpoint(field="checkpoint", file=path.name) from None
    if not 0 <= epoch <= MAX_EPOCH:
        raise MalformedCheckpoint(field="checkpoint", file=path.name)
    return note


def _keys(chosen: Settings) -> KeyFile | None:
    """The keyring of this instance, if it can be read."""
    try:
        return KeyFile.load(chosen.state_dir / "keyring.json")
    except (KeyringUnusable, FileNotFoundError):
        return None


def _pinned(given: str | None, keys: KeyFile | None) -> str | None:
    """The key to trust: the one that was given, else that of the keyring in the state directory.

    Raises `MalformedKey`.
    """
    if given is not None:
        try:
            verifier.read_key(given)
        except ValueError:
            raise MalformedKey(field="key") from None
        return given
    return _own_key(keys) if keys is not None else None


def _remembered(chosen: Settings, url: URL | str, workspace: str | None) -> Signed | None:
    """What the signer remembers of the log; None: there is no memory that can be read.

    It is remembered a moment before the database has it, which is waited for.
    """
    with _reading(url) as connection:
        target = _target(connection, workspace)
    try:
        known = Signed.remembered(wiring.log_memory(chosen.state_dir), target)
    except (StateUnusable, LookupError, TypeError, ValueError):
        return None
    if known is None:
        return None

    def there(signed: Signed = known) -> bool:
        with _reading(url) as connection:
            return inspection.has(connection, workspace=target, signed=signed)

    until(there, seconds=STORED_WITHIN)
    return known


@contextmanager
def _located(chosen: Settings, database: str | None) -> Iterator[URL | str]:
    """Where that database is, for which nothing else must be in order."""
    if database is not None and "://" in database:
        yield database
        return
    if not chosen.database_url and not (chosen.data_dir / "pg").exists():
        raise NoLogThere
    with session.database(chosen) as urls:
        url = make_url(urls.app)
        yield url.set(database=database) if database else url


@contextmanager
def _reading(url: URL | str) -> Iterator[Connection]:
    """A read-only connection. Raises `BadDatabase`, `DatabaseUnreachable`."""
    try:
        engine = create_engine(
            url,
            poolclass=NullPool,
            hide_parameters=True,
            execution_options={"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"},
        )
    except (ArgumentError, ImportError):
        raise BadDatabase(field="database") from None
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        try:
            connection = stack.enter_context(engine.begin())
        except OperationalError:
            raise DatabaseUnreachable from None
        yield connection


def _target(connection: Connection, workspace: str | None) -> WorkspaceId:
    """Whose log. Raises `NoLogThere`, `PassesRowSecurity`, and what `session.choose` does."""
    if connection.scalar(text("SELECT to_regclass('audit.entries')")) is None:
        raise NoLogThere
    known = session.workspaces(connection)
    mighty = connection.scalar(
        text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    )
    if mighty and len(known) > 1:
        raise PassesRowSecurity
    return session.choose(known, workspace).id


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """The entry at the first bad index, as far as it can still be read."""

    id: UUID
    said: str


def _entry(connection: Connection, one: Inspected) -> _Entry | None:
    index, column = one.result.first_bad_index, tables.entries.c
    if index is None:
        return None
    row = connection.execute(
        select(column.entry_id, column.leaf).where(column.epoch == one.epoch, column.seq == index)
    ).one_or_none()
    if row is None:
        return None
    try:
        leaf = msgspec.json.decode(row.leaf)
        said = f"{leaf['action']} at {leaf['at']}"
    except (msgspec.MsgspecError, LookupError, TypeError):
        said = "unreadable"
    return _Entry(id=row.entry_id, said=said)


def _document(one: Inspected, entry: _Entry | None) -> dict[str, object]:
    result = one.result
    return {
        "epoch": one.epoch,
        "size": one.size,
        "verdict": one.status,
        "lost": one.lost,
        "first_bad_index": result.first_bad_index,
        "interval": list(result.interval) if result.interval else None,
        "entry": entry.id if entry else None,
        "entry_says": entry.said if entry else None,
        "steps": [
            {"step": number, "name": name, "outcome": outcome, "why": why}
            for number, name, outcome, why in result.steps
        ],
        "beside": len(one.beside),
        "findings": [{"kind": found.kind, "index": found.index} for found in one.beside[:LISTED]],
    }


def _told(one: Inspected, entry: _Entry | None) -> list[RenderableType]:
    result = one.result
    parts: list[RenderableType] = [
        Text(f"epoch {one.epoch}: {one.size:,} entries, {one.status}"),
        table(("", "step", "outcome", "why"), result.steps),
    ]
    if one.lost != 0:
        count = "an unknown number of" if one.lost is None else f"{one.lost:,}"
        parts.append(Text(f"lost by a restore: {count} entries of this epoch"))
    if one.beside:
        rows = [(found.kind, found.index) for found in one.beside[:LISTED]]
        parts.append(table(("beside the log", "entry"), rows))
        if len(one.beside) > LISTED:
            parts.append(Text(f"and {len(one.beside) - LISTED:,} more"))
    if result.first_bad_index is not None:
        parts.append(Text(f"first bad entry: {result.first_bad_index:,}"))
    if entry is not None:
        parts.append(Text(f"  {entry.id}, now saying {entry.said}"))
    if result.interval is not None:
        first, behind = result.interval
        parts.append(Text(f"altered between entries {first:,} and {behind - 1:,}"))
    return parts


@app.command("export")
def export(
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the bundle (JSON).")],
    epoch: Annotated[int | None, typer.Option(min=0, help="Which epoch [dim](the newest)[/dim].")] = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Write the log as a bundle, with the epochs before a restore, for an auditor to verify offline.

    `python audit/log/verifier.py BUNDLE --checkpoint SAVED --key VKEY` needs nothing else of ours.
    """
    with platform() as opened:
        keeping.keep_signed(opened, opened.workspace(workspace))
        with trail_commands.reading(opened, workspace) as work:
            size, made = handed.export(epoch, work=work, ports=opened.system.ports)
        key = _own_key(opened.system.keys)
    write_private(out, json.dumps(made), "out")
    emit(
        {"file": str(out), "entries": size, "key": key},
        as_json,
        facts({"written": out, "entries": size, "key": key}),
    )
