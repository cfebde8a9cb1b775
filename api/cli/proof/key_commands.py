"""`cdp keys`: the keys that everything is sealed under."""

import typer
from rich.text import Text
from sqlalchemy import select

from api.cli.output import Json, emit, waiting
from api.cli.running import WorkspaceName, platform
from api.processes import keeper
from cdp.acts import Act
from cdp.trail import trail
from cdp.vocabulary import Role
from governance import tables

app = typer.Typer()


@app.callback()
def keys() -> None:
    """The keys that everything is sealed under."""


@app.command("rotate")
def rotate(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Make a new key-encryption key now, and rewrap every data key under it.

    The keeper does this every 15 days by itself. What was killed midway is finished by
    running it again; an old key is destroyed once it wraps nothing and has had its time.
    """
    with platform() as opened, opened.keeper() as engine:
        chosen, system = opened.workspace(workspace), opened.system
        begin = opened.opener(chosen, Role.SERVICE, purpose=Act.KEY_ROTATE.purpose)

        def rotating() -> bool:
            with waiting("Rewrapping …"):
                return keeper.rotate_if_due(system.settings, engine, system.keys, chosen, at_once=True)

        rotated = trail.rotate_keys(rotating, begin=begin, ports=system.ports)
        version = tables.kek_versions.c
        with begin() as work:
            active = work.session.scalar(select(version.version).where(version.state == "active"))
    emit(
        {"rotated": rotated, "active": active},
        as_json,
        Text(f"Version {active} is active; everything is wrapped under it.")
        if rotated
        else Text("Nothing was ever sealed here, so there is no key to rotate."),
    )
