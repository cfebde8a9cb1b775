"""`cdp findings`: where personal data stood that nobody declared, and what people decide on it."""

from typing import Annotated

import typer
from rich.text import Text

from api.cli.output import Json, emit, emit_rows
from api.cli.running import WorkspaceName, platform, uuid_of
from cdp.acts import Act
from cdp.scanning import findings
from cdp.scanning.findings import Decision
from cdp.vocabulary import Role

app = typer.Typer()

PURPOSE = Act.FINDING_LIST.purpose  # and that of the others


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also those that somebody has decided on.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=findings.MOST, help="At most so many.")] = 50,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """List what was found, oldest first, masked. The look is in the audit log."""
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=PURPOSE) as work:
        found = findings.listed(
            undecided=not every, after=None, limit=limit, work=work, ports=opened.system.ports
        )
    emit_rows(
        [_document(one) for one in found],
        ("id", "entity", "score", "layer", "trait", "context", "decision"),
        as_json,
        Text("Decide on one with: cdp findings decide ID accept|not_personal") if found else Text(""),
    )


def _document(view: findings.View) -> dict[str, object]:
    finding, find = view.finding, view.finding.placed.find
    return {
        "id": finding.id,
        "entity": find.entity,
        "score": find.score,
        "layer": find.layer,
        "trait": view.trait,
        "path": view.path,
        "context": view.context,
        "found_at": finding.found_at,
        "version": finding.version,
        "decision": finding.decision,
    }


@app.command("decide")
def decide(
    finding: Annotated[
        str, typer.Argument(metavar="ID", help="The finding, as `cdp findings list` names it.")
    ],
    decision: Annotated[Decision, typer.Argument(help="It is personal, or it is not.")],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Decide on a finding: accept it, and its text stays withheld, or say that it is not personal.

    Each decision is a version more, and in the audit log; the last one counts.
    """
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=PURPOSE) as work:
        done = findings.decide(uuid_of(finding, "finding"), decision, work=work, ports=opened.system.ports)
    emit(
        {"id": done.id, "version": done.version, "decision": decision.value},
        as_json,
        Text(f"Version {done.version}: {decision.value}."),
    )


@app.command("rescan")
def rescan(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Let what is in quarantine wait for the detector once more; the worker scans it."""
    with platform() as opened:
        begin = opened.opener(opened.workspace(workspace), Role.COMPLIANCE, purpose=PURPOSE)
        total = findings.rescan(begin=begin, ports=opened.system.ports)
    emit({"waiting": total}, as_json, Text(f"{total} rows wait for the worker."))
