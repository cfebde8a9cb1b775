"""What tests of acts share: who acts, and what the log says and will say of it."""

import json

from sqlalchemy import select
from worlds.cli_world import caller

from api import wiring
from api.processes import keeper
from audit.tables import details, entries
from cdp.kernel.database import APP, KEEPER, OWNER
from cdp.registers import workspaces
from cdp.vocabulary import Actor

ISSUED = ":token:issue"  # each client's first request needs one


def acting(*roles, scopes=None):
    """An operator in these roles."""
    return Actor(ref="operator", roles=frozenset(roles), kind="system", scopes=scopes)


def as_(town, *roles, purpose="segmentation"):
    """A Work of an operator's in these roles."""
    return town.system.opener(town.workspace, actor=acting(*roles), purpose=purpose)()


def log(town, database):
    """Every entry of the log, as said and with its detail, in order."""
    system = town.system
    sequencer = wiring.sequencer(system.state, system.keys)
    while keeper.keep(sequencer, database.keeper, town.workspace):
        pass
    with system.opener(town.workspace)() as work:
        rows = work.session.execute(
            select(entries.c.entry_id, entries.c.leaf, details.c.detail)
            .join(details, details.c.entry_id == entries.c.entry_id)
            .order_by(entries.c.seq)
        ).all()
    opened = system.ports.vault.open_detail
    return [
        (json.loads(leaf), json.loads(opened(town.workspace, entry, bytes(sealed))))
        for entry, leaf, sealed in rows
    ]


def counted(town, database, *, tokens=False):
    """What was counted and is no entry yet: (actor, action, outcome) each; `tokens`: those issued, too."""
    with database.server.admin(database.name) as admin:
        rows = admin.execute(
            "SELECT actor, action, outcome FROM audit.counted WHERE workspace_id = %s ORDER BY id",
            (town.workspace,),
        ).fetchall()
    return [row for row in rows if tokens or not row[1].endswith(ISSUED)]


def gathered(town, database, *, tokens=False):
    """The log, once the minutes of all that was counted are over; `tokens`: those issued, too."""
    system = town.system
    sequencer = wiring.sequencer(system.state, system.keys)
    with database.server.admin(database.name) as admin:
        admin.execute(
            "UPDATE audit.counted SET at = at - interval '2 minutes' WHERE workspace_id = %s",
            (town.workspace,),
        )
    keeper.keep(sequencer, database.keeper, town.workspace)
    return [one for one in log(town, database) if tokens or not one[0]["action"].endswith(ISSUED)]


def beside(town, database, capsys, **settings):
    """What calls `cdp` in the town's own workspace, on the same database, with more settings if need be."""
    system = town.system
    urls = {"DATABASE": APP, "OWNER": OWNER, "KEEPER": KEEPER}
    run = caller(
        capsys,
        {
            **{f"CDP_{key}_URL": database.server.url(role, database.name) for key, role in urls.items()},
            "CDP_STATE_DIR": str(system.state.path),
            "CDP_DATA_DIR": str(system.settings.data_dir),
            "CDP_RELEASE_DIR": str(system.settings.release_dir),
            **settings,
        },
    )
    with system.opener(town.workspace)() as work:
        name = workspaces.name(work=work)

    def here(*arguments, stdin=""):
        return run(*arguments, "--workspace", name, stdin=stdin)

    return here
