"""`cdp migrate` and `cdp workspace`: the acts of whoever owns the database."""

import re
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer
from rich.text import Text
from sqlalchemy.exc import IntegrityError

from api import migrations
from api.cli.output import Json, emit, emit_rows, facts
from api.cli.running import WorkspaceName, platform
from api.processes import session
from api.processes.session import Session, operator
from cdp.acts import Act
from cdp.kernel.errors import BadInput, Conflict
from cdp.registers import policy, workspace_settings, workspaces
from cdp.registers.workspace_settings import Protection
from cdp.vocabulary import Role

app = typer.Typer()

_COUNTRY = re.compile(r"[A-Z]{2}\Z")


class NotACountry(BadInput, http=False):
    """A country is two capital letters, as in ISO 3166-1: DE, US, CN."""


class WorkspaceExists(Conflict, http=False):
    """There is a workspace of that name already."""


def migrate(as_json: Json = False) -> None:
    """Bring the database to this version.

    Makes keys where there are none, and does again what a restored backup has forgotten.
    With a database of your own this needs CDP_OWNER_URL; nothing else does, but making
    workspaces.
    """
    with platform(migrate=True) as opened:
        version, instance = migrations.newest(), opened.system.state.instance
    emit(
        {"version": version, "instance": instance},
        as_json,
        Text(f"The database is at version {version} of instance {instance}."),
    )


@app.command("create")
def create_workspace(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    region: Annotated[
        str, typer.Option(metavar="COUNTRY", help="Where phone numbers without a country are from.")
    ] = "DE",
    unknown_age_is_child: Annotated[
        bool,
        typer.Option(
            "--unknown-age-is-child/--unknown-age-is-adult", help="How people of unknown age are protected."
        ),
    ] = True,
    as_json: Json = False,
) -> None:
    """Make a workspace.

    Until it is known where people live, all laws that the platform knows protect them.
    """
    if not _COUNTRY.match(region):
        raise NotACountry(field="region")
    with platform(migrate=True) as opened:
        made = _create(opened, name, region, unknown_age_is_child=unknown_age_is_child)
    emit({"workspace": made, "name": name}, as_json, Text(f"Workspace {name!r} is {made}."))


def _create(opened: Session, name: str, region: str, *, unknown_age_is_child: bool) -> UUID:
    with opened.owner() as owner:
        try:
            made = workspaces.create(
                owner, name=name, region=region, unknown_age_is_child=unknown_age_is_child
            )
        except IntegrityError:
            raise WorkspaceExists(field="name") from None
    act = Act.WORKSPACE_CREATE
    # Nobody has an account there yet.
    with opened.system.opener(made, actor=operator(Role.ADMIN), purpose=act.purpose)() as work:
        workspace_settings.furnish(work=work, ports=opened.system.ports)
        policy.begin(work=work, ports=opened.system.ports)
    return made


@app.command("show")
def show_workspace(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Show a workspace and what is set of it."""
    act = Act.WORKSPACE_READ
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=act.purpose) as work:
        found = asdict(workspace_settings.read(work=work, ports=opened.system.ports))
    shown = {"workspace": found.pop("id"), **found}
    emit(shown, as_json, facts(shown))


@app.command("unknown-age")
def protect_unknown_age(
    protection: Annotated[Protection, typer.Argument(help="As whom people of unknown age are protected.")],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Say anew how people are protected whose date of birth is not known; it counts at once.

    As a `child` they are left out as `age_unknown` until a parent agrees or their age is known. As an
    `adult` they are not: that is for whoever has reason to know that no child is among them.
    """
    act = Act.WORKSPACE_UNKNOWN_AGE
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=act.purpose) as work:
        workspace_settings.protect_unknown_age(protection, work=work, ports=opened.system.ports)
    emit({"unknown_age": protection}, as_json, Text("It counts from now on."))


@app.command("list")
def list_workspaces(as_json: Json = False) -> None:
    """Name the workspaces."""
    with platform() as opened, opened.system.app.connect() as connection:
        known = session.workspaces(connection)
    emit_rows(
        [{"name": one.name, "region": one.region, "workspace": one.id} for one in known],
        ("name", "region", "workspace"),
        as_json,
    )
