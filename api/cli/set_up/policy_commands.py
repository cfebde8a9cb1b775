"""`cdp policy`: what may be seen for a purpose, as proposed, agreed to and in force."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from api.cli.output import Json, emit, emit_rows, facts, table
from api.cli.running import WorkspaceName, platform, read_text, settings
from api.processes.session import Session
from cdp.ports import PolicyChange
from cdp.registers import policy, policy_lines
from cdp.vocabulary import Role
from cdp.work import Work

app = typer.Typer()

PURPOSE = "operation"

File = Annotated[
    Path | None,
    typer.Argument(metavar="FILE", help="A policy file; else CDP_POLICY_FILE, or the one that ships."),
]
Purpose = Annotated[str, typer.Argument(metavar="PURPOSE", help="The purpose, by its name.")]


@app.command("list")
def list_(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name the lines of the workspace's own purposes, who proposed them, and who agreed."""
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=PURPOSE) as work:
        known = policy_lines.every(work=work, ports=opened.system.ports)
    found = [
        {
            "purpose": one.purpose,
            "line": line,
            "state": "proposed" if one.agreed_at is None else "in force",
            "proposed_at": one.proposed_at,
            "proposed_by": one.proposed_by,
            "agreed_at": one.agreed_at,
            "agreed_by": one.agreed_by,
        }
        for one in known
        for line in one.text.splitlines()
    ]
    emit_rows(found, ("purpose", "line", "state", "agreed_at"), as_json)


@app.command("propose")
def propose(name: Purpose, workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Propose a purpose's lines from the template of its class, as `cdp purpose create` does."""
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=PURPOSE) as work:
        text = policy_lines.propose(name, work=work, ports=opened.system.ports)
    emit({"purpose": name, "proposed": text}, as_json, *proposed(name, text))


@app.command("agree")
def agree(name: Purpose, workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Put a purpose's proposed lines in force, as a compliance officer; every process heeds them at once."""
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=PURPOSE) as work:
        version = policy_lines.agree(name, work=work, ports=opened.system.ports)
    emit(
        {"purpose": name, "version": version},
        as_json,
        Text(f"The lines of {name!r} are in force; the policy is version {version}."),
    )


@app.command("withdraw")
def withdraw(name: Purpose, workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Take a purpose's lines out of force; nothing is shown or sent for it until they are agreed to again."""
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=PURPOSE) as work:
        version = policy_lines.withdraw(name, work=work, ports=opened.system.ports)
    emit(
        {"purpose": name, "version": version},
        as_json,
        Text(f"The lines of {name!r} are out of force; the policy is version {version}."),
    )


@app.command("show")
def show(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Print the policy in force, line by line, and who put it in force."""
    with platform(any_policy=True) as opened, _officer(opened, workspace) as work:
        found = policy.show(work=work, ports=opened.system.ports)
    told = {"version": found.version, "adopted_at": found.adopted_at, "adopted_by": found.adopted_by}
    emit({**told, "lines": found.lines}, as_json, Text("\n".join(found.lines)), facts(told))


@app.command("matrix")
def matrix(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Say who sees which classes of fields for which purpose, and which roles can do each act.

    What is not named is withheld from that role. Consent is asked besides.
    """
    with platform(any_policy=True) as opened, _officer(opened, workspace) as work:
        found = policy.matrix(work=work, ports=opened.system.ports)
    cells = [
        {"role": one.role, "purpose": one.purpose, "shown": one.shown, "masked": one.masked}
        for one in found.sees
    ]
    rows = [(one.role, one.purpose, " ".join(one.shown), " ".join(one.masked)) for one in found.sees]
    acts = [(name, " ".join(roles)) for name, roles in found.may.items()]
    emit(
        {"version": found.version, "sees": cells, "acts": found.may},
        as_json,
        table(("role", "purpose", "shown", "masked"), rows),
        table(("act", "roles"), acts),
        facts({"version": found.version}),
    )


@app.command("diff")
def diff(file: File = None, workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Say what would change if a policy file were put in force; nothing is changed."""
    text = _proposed(file)
    with platform(any_policy=True) as opened, _officer(opened, workspace) as work:
        change = policy.diff(text, work=work, ports=opened.system.ports)
    emit(_change(change), as_json, *_changed(change))


@app.command("adopt")
def adopt(
    file: File = None,
    instead_of: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Only if this version is in force now.")
    ] = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Put a policy file in force for every process at its next request, as a compliance officer.

    The entry in the audit log says line by line what changed; every version that was ever in force is kept.
    """
    text, seen = _proposed(file), None if instead_of is None else {instead_of}
    with platform(any_policy=True) as opened, _officer(opened, workspace) as work:
        change = policy.adopt(text, seen=seen, work=work, ports=opened.system.ports)
    emit(_change(change), as_json, *_changed(change), Text(f"The policy in force is version {change.after}."))


def _officer(opened: Session, name: str | None) -> AbstractContextManager[Work]:
    return opened.work(name, Role.COMPLIANCE, purpose=PURPOSE)


def _proposed(file: Path | None) -> str | None:
    """The text of a file, else of CDP_POLICY_FILE; None: of the policy that ships with the platform."""
    named = settings().policy_file
    chosen = file or (Path(named) if named else None)
    return None if chosen is None else read_text(chosen, "file")


def _change(change: PolicyChange) -> dict[str, object]:
    return {
        "before": change.before,
        "after": change.after,
        "added": change.added,
        "removed": change.removed,
    }


def _changed(change: PolicyChange) -> list[Text]:
    lines = [f"- {line}" for line in change.removed] + [f"+ {line}" for line in change.added]
    return [Text("\n".join(lines) if lines else "Nothing changes.")]


def proposed(name: str, text: str | None) -> list[Text]:
    """What a person reads of a proposal: how many lines, and what puts them in force."""
    if text is None:
        return [Text(f"The policy file speaks of {name!r}; its lines are in force.")]
    count = len(text.splitlines())
    return [
        Text(f"{count} policy lines are proposed; a compliance officer agrees with: cdp policy agree {name}")
    ]
