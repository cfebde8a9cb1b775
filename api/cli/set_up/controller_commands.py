"""`cdp controller`: who decides what data is used for, and so which laws protect people."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from api.cli.output import Json, emit, emit_rows
from api.cli.running import WorkspaceName, platform, uuid_of
from cdp.acts import Act
from cdp.registers import controllers
from cdp.vocabulary import Role

app = typer.Typer()

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
    act = Act.CONTROLLER_ADD
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=act.purpose) as work:
        made = controllers.add(
            name,
            establishments=established,
            offers=offers or [],
            own=own,
            work=work,
            ports=opened.system.ports,
        )
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
    act = Act.CONTROLLER_MOVE
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=act.purpose) as work:
        controllers.move(
            which,
            establishments=established,
            offers=offers or [],
            work=work,
            ports=opened.system.ports,
        )
    emit({"controller": which}, as_json, Text("It counts from now on."))


@app.command("list")
def list_controllers(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name the controllers, where they are established and where they offer."""
    act = Act.CONTROLLER_LIST
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=act.purpose) as work:
        known = controllers.every(work=work, ports=opened.system.ports)
    emit_rows(
        [asdict(one) | {"controller": one.id} for one in known],
        ("name", "establishments", "offers", "controller"),
        as_json,
    )
