"""`cdp controller`: who decides what data is used for, and so which laws protect people."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from api.cli.output import Json, emit, emit_rows
from api.cli.running import WorkspaceName, platform, record, uuid_of
from cdp.kernel.ids import new_id
from cdp.vocabulary import Action, Resource, Role
from consent import controllers
from consent.controllers import Controller

app = typer.Typer()

PURPOSE = "operation"

Established = Annotated[
    list[str], typer.Option(metavar="COUNTRY", help="Where it is established, ISO 3166-1; repeat it.")
]
Offers = Annotated[
    list[str] | None,
    typer.Option(metavar="PLACE", help="Where it offers, ISO 3166-1 or 3166-2 (US-CA); repeat it."),
]


@app.command("add")
def add_controller(
    name: Annotated[str, typer.Argument(help="What it is called: a company, a brand.")],
    established: Established,
    offers: Offers = None,
    own: Annotated[
        bool, typer.Option("--own", help="It is the workspace itself, whose id purposes have by default.")
    ] = False,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Register a controller. The laws of its places protect people beside those of where they live.

    One that is not registered is bound by every law that the platform knows; the workspace
    itself, until it is, by that of its region.
    """
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=PURPOSE) as work:
        opened.allow(work, Resource.CONTROLLER, Action.WRITE)
        made = work.workspace if own else new_id()
        controllers.add(
            Controller(id=made, name=name, establishments=established, offers=offers or []), work=work
        )
        record(work, opened.system.ports, "controller", "add", controller=made)
    emit({"controller": made, "name": name}, as_json, Text(f"Controller {name!r} is {made}."))


@app.command("move")
def move_controller(
    controller: Annotated[str, typer.Argument(help="Its id, as `cdp controller list` prints it.")],
    established: Established,
    offers: Offers = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Say anew where a controller is established and offers; it counts at once, for every answer."""
    which = uuid_of(controller, "controller")
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=PURPOSE) as work:
        opened.allow(work, Resource.CONTROLLER, Action.WRITE)
        controllers.move(which, establishments=established, offers=offers or [], work=work)
        record(work, opened.system.ports, "controller", "move", controller=which)
    emit({"controller": which}, as_json, Text("It counts from now on."))


@app.command("list")
def list_controllers(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name the controllers, where they are established and where they offer."""
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=PURPOSE) as work:
        opened.allow(work, Resource.CONTROLLER, Action.READ)
        known = controllers.every(work=work)
    emit_rows(
        [asdict(one) | {"controller": one.id} for one in known],
        ("name", "establishments", "offers", "controller"),
        as_json,
    )
