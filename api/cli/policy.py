"""`cdp policy`: what may be seen for a purpose, as proposed, agreed to and in force."""

from typing import Annotated

import typer
from rich.text import Text

from api.cli.output import Json, emit, emit_rows
from api.cli.running import WorkspaceName, platform
from cdp import policy_lines, purposes
from cdp.vocabulary import Role
from consent import purposes as tree

app = typer.Typer()

PURPOSE = "operation"

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
        ports = opened.system.ports
        known = tree.load(work).by_id[purposes.used(name, work=work, ports=ports)]
        text = policy_lines.propose(name, known.purpose_class, work=work, ports=ports)
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


def proposed(name: str, text: str | None) -> list[Text]:
    """What a person reads of a proposal: how many lines, and what puts them in force."""
    if text is None:
        return [Text(f"The policy file speaks of {name!r}; its lines are in force.")]
    count = len(text.splitlines())
    return [
        Text(f"{count} policy lines are proposed; a compliance officer agrees with: cdp policy agree {name}")
    ]
