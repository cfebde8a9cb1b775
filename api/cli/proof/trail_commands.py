"""`cdp audit search` and `prove`, and what keeps the search engine saying what the log says."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import time
from pathlib import Path
from threading import Event
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text
from sqlalchemy import Engine

from api import wiring
from api.cli.exits import Exit
from api.cli.output import Json, emit, facts, progress, table, waiting
from api.cli.running import WorkspaceName, platform, time_of, uuid_of, write_private
from api.processes.session import Opener, Session
from audit.search import reconciling
from audit.search.engine import Engine as SearchEngine
from audit.search.feeding import Feeder
from audit.search.feeds import Feed
from audit.search.reconciling import Difference, Report
from cdp.acts import Act
from cdp.kernel.errors import Unavailable
from cdp.ports import TrailPage, TrailQuery
from cdp.trail import trail, trail_search
from cdp.vocabulary import Role, WorkspaceId
from cdp.work import Work

COLUMNS = ("index", "at", "actor", "action", "purpose", "outcome", "recipient", "subjects")
LISTED = 1000  # differences that are named; the rest is counted

Word = Annotated[str | None, typer.Option(metavar="WORD", help="Exactly this one.")]


class NoEngine(Unavailable, http=False):
    """There is no search engine: set CDP_SEARCH_URL, or let `cdp run` start one on this machine."""


def search(
    actor: Annotated[
        str | None, typer.Option(metavar="KIND:ID", help="Who acted: client:…, account:…, system:word.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(metavar="PROFILE", help="About whom: a profile's id, or a reference.")
    ] = None,
    purpose: Word = None,
    recipient: Annotated[
        str | None, typer.Option(metavar="ID", help="Who received, by the register's id.")
    ] = None,
    action: Annotated[
        str | None, typer.Option(metavar="A:B:C", help="What was done, such as client:profile:read.")
    ] = None,
    outcome: Word = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="A day or an instant.")] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Up to, and without; of a day, its end.")
    ] = None,
    facet: Annotated[
        list[str] | None, typer.Option(metavar="FIELD", help="Count by it; may be given several times.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Entries of a page.")] = 50,
    cursor: Annotated[str | None, typer.Option(metavar="CURSOR", help="Where the page before ended.")] = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Search the log: who did what, to whom, why; newest first.

    OpenSearch finds the entries; where it is stopped, behind or differs, PostgreSQL does, and the
    answer says so. The search itself becomes an entry.
    """
    query = TrailQuery(
        actor=actor,
        action=action,
        purpose=purpose,
        outcome=outcome,
        recipient=uuid_of(recipient, "recipient") if recipient else None,
        since=time_of(since, "since", of_day=time.min) if since else None,
        until=time_of(until, "until") if until else None,
        facets=tuple(dict.fromkeys(facet or ())),
        limit=limit,
        cursor=cursor,
    )
    with platform() as opened, reading(opened, workspace) as work:
        page = trail_search.search(query, subject=subject, work=work, ports=opened.system.ports)
    emit(_document(page), as_json, *_told(page))


def _document(page: TrailPage) -> dict[str, object]:
    return {
        "entries": [{name: getattr(one, name) for name in one.__dataclass_fields__} for one in page.entries],
        "total": page.total,
        "facets": page.facets,
        "next": page.cursor,
        "engine": page.engine,
        "because": page.because,
        "indexed_to": page.indexed_to,
        "behind": page.behind,
        "proved_from": page.proved_from,
    }


def _told(page: TrailPage) -> Iterator[RenderableType]:
    yield table(COLUMNS, [[getattr(one, name) for name in COLUMNS] for one in page.entries])
    for name, counts in page.facets.items():
        yield table((name, "entries"), list(counts.items()))
    told: Mapping[str, object] = {"found": page.total, "engine": page.engine}
    if page.because:
        told = {**told, "because": page.because, "not indexed yet": page.behind}
    if page.proved_from != (0, 0):
        older = "nothing" if page.proved_from is None else f"entries from {page.proved_from} on"
        told = {**told, "proved to be complete": f"{older}; of the rest, cdp audit verify says it"}
    yield facts(told)
    if page.cursor:
        yield Text(f"next page: --cursor {page.cursor}")


def prove(
    entry: Annotated[str, typer.Argument(metavar="ENTRY", help="An entry, by its id.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the bundle (JSON).")],
    since: Annotated[
        int | None,
        typer.Option(min=1, metavar="SIZE", help="The size of a checkpoint that you saved of its epoch."),
    ] = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Write one entry with its proof, and the proof that the log extends a checkpoint that you saved.

    `python audit/log/verifier.py BUNDLE --checkpoint SAVED --key VKEY` verifies it offline.
    """
    with platform() as opened, reading(opened, workspace) as work:
        wanted = uuid_of(entry, "entry")
        made = trail.prove(wanted, since=since, work=work, ports=opened.system.ports)
    write_private(out, json.dumps(made), "out")
    index = made["entries"][0]["index"]
    emit({"file": str(out), "index": index}, as_json, facts({"written": out, "index": index}))


def reconcile(
    repair: Annotated[bool, typer.Option("--repair", help="Feed and delete until it agrees.")] = False,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Compare what searches read with the log: rows in PostgreSQL, and documents of the search engine.

    Finds what was edited, is missing or was added, by making each anew. Documents can be repaired; a row
    beside the log that somebody changed cannot, and a search does not believe it. Exits 1 and lists what
    differs, unless it was repaired. Without a search engine, rows are compared alone.
    """
    with (
        _keeping(workspace) as (database, opened, chosen),
        progress("Comparing", total=None, as_json=as_json) as advance,
    ):
        engine = wiring.search_engine(opened.system.settings)()
        feeder = _feeder(opened, engine, database) if engine is not None else None
        opener = opened.system.ports.vault.open_detail

        def compared() -> tuple[Sequence[Difference], Report | None]:
            rows = reconciling.beside(wiring.keeping(database), chosen, opener=opener, progress=advance)
            if feeder is None:
                return rows, None
            return rows, reconciling.reconcile(feeder, chosen, repair=repair, progress=advance)

        act = trail.repair if repair else trail.compare
        rows, found = act(compared, begin=_begin(opened, chosen), ports=opened.system.ports)
    differences = [*rows, *(found.differences if found else ())]
    repaired = found.repaired if found else 0
    figures = {
        "entries": found.entries if found else None,
        "documents": found.documents if found else None,
        "refused": found.refused if found else None,
        "rows": len(rows),
        "different": len(differences),
        "repaired": repaired,
    }
    agree = len(differences) == repaired
    said = "What is searched is what the log says." if agree else "They differ."
    emit(
        {**figures, "differences": [_different(one) for one in differences[:LISTED]]},
        as_json,
        *_listed(differences),
        facts({name: value for name, value in figures.items() if value is not None}),
        Text(said if found else f"No search engine: rows were compared alone. {said}"),
    )
    raise typer.Exit(Exit.OK if agree else Exit.FAILED)


def _different(one: Difference) -> dict[str, object]:
    epoch, index = one.place or (None, None)
    return {"kind": one.kind, "epoch": epoch, "index": index, "document": one.id, "where": one.index}


def _listed(found: Sequence[Difference]) -> list[RenderableType]:
    if not found:
        return []
    rows = [list(_different(one).values()) for one in found[:LISTED]]
    more = [Text(f"and {len(found) - LISTED:,} more")] if len(found) > LISTED else []
    return [table(("what", "epoch", "index", "document", "where"), rows), *more]


def rebuild(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Feed the search engine anew, from the first entry on, then switch to the new indices.

    The ones before answer meanwhile, and are deleted at the end.
    """
    with _feeding(workspace) as (feeder, opened, chosen):

        def fed() -> Feed:
            with waiting("Looking for the search engine …"):
                cluster = feeder.engine.cluster()
                feeder.engine.prepare()
            with progress("Feeding", total=None, as_json=as_json) as advance:
                return reconciling.rebuild(feeder, chosen, cluster=cluster, progress=advance)

        feed = trail.rebuild(fed, begin=_begin(opened, chosen), ports=opened.system.ports)
    emit(
        {"generation": feed.generation, "documents": feed.documents},
        as_json,
        facts({"documents": feed.documents, "generation": feed.generation}),
    )


def retry(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Send again what the search engine refused for its shape; exits 1 if it still refuses some."""
    with _feeding(workspace) as (feeder, opened, chosen):
        done, left = trail.retry(
            lambda: reconciling.retry(feeder, chosen),
            begin=_begin(opened, chosen),
            ports=opened.system.ports,
        )
    rows = [{"epoch": epoch, "index": index, "reason": reason} for epoch, index, reason in left]
    emit(
        {"taken": done, "refused": rows},
        as_json,
        *([table(("epoch", "index", "reason"), [list(one.values()) for one in rows])] if rows else []),
        facts({"taken": done, "still refused": len(rows)}),
    )
    raise typer.Exit(Exit.OK if not rows else Exit.FAILED)


@contextmanager
def _keeping(name: str | None) -> Iterator[tuple[Engine, Session, WorkspaceId]]:
    """The keeper's connections; the keeper may run beside."""
    with platform() as opened, opened.keeper() as database:
        yield database, opened, opened.workspace(name)


@contextmanager
def _feeding(name: str | None) -> Iterator[tuple[Feeder, Session, WorkspaceId]]:
    """What feeds, as the keeper does; it may run beside. Raises `NoEngine`."""
    with _keeping(name) as (database, opened, workspace):
        found = wiring.search_engine(opened.system.settings)()
        if found is None:
            raise NoEngine
        yield _feeder(opened, found, database), opened, workspace


def _feeder(opened: Session, found: SearchEngine, database: Engine) -> Feeder:
    system = opened.system
    return wiring.feeder(found, system.settings, state=system.state, engine=database, wait=Event().wait)


def _begin(opened: Session, workspace: WorkspaceId) -> Opener:
    return opened.opener(workspace, Role.COMPLIANCE, purpose=Act.TRAIL_SEARCH.purpose)


def reading(opened: Session, name: str | None) -> AbstractContextManager[Work]:
    """A Work of whoever reads the log."""
    return _begin(opened, opened.workspace(name))()
