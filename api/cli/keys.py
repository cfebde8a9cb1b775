"""`cdp keys`: the keys that everything is sealed under."""

import typer
from rich.text import Text
from sqlalchemy import select

from api import keeper
from api.cli.output import Json, emit, waiting
from api.cli.running import WorkspaceName, platform, record
from cdp.vocabulary import Action, Resource, Role
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
    with platform() as opened:
        chosen = opened.workspace(workspace)
        begin = opened.opener(chosen, Role.SERVICE, purpose="key_rotation")
        with begin() as work:
            opened.allow(work, Resource.KEY, Action.ROTATE)
            record(work, opened.system.ports, "key", "rotate")
        system = opened.system
        with waiting("Rewrapping …"), opened.keeper() as engine:
            rotated = keeper.rotate_if_due(system.settings, engine, system.keys, chosen, at_once=True)
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
