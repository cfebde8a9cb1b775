"""`cdp quarantine`: requests that could not be processed, and how they come back."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from api.cli.output import Json, emit, emit_rows
from api.cli.running import WorkspaceName, platform
from cdp.acts import Act
from cdp.intake import quarantine
from cdp.vocabulary import Role

app = typer.Typer()

PURPOSE = Act.QUARANTINE_LIST.purpose  # and that of bringing back


@app.command("list")
def list_quarantined(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name the requests that failed five times: whence, when, and with which error; never what is in them.

    They are sealed as they came, and destroyed `CDP_QUARANTINE_DAYS` after they were received.
    """
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=PURPOSE) as work:
        known = quarantine.every(work=work, ports=opened.system.ports)
    emit_rows(
        [asdict(one) | {"request": one.accept_seq} for one in known],
        ("request", "source", "kind", "items", "reason", "received_at"),
        as_json,
    )


@app.command("requeue")
def requeue(
    request: Annotated[list[int], typer.Argument(help="Numbers, as `cdp quarantine list` prints them.")],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Bring requests back into the inbox, once what they failed on is mended; all of them or none.

    They keep their place and time: who was erased since stays erased, a copy counts once, and a
    grant in them lifts no refusal that came later. Releases and reads hold until they are worked
    off. What fails five times more is quarantined again.
    """
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=PURPOSE) as work:
        messages = quarantine.requeue(request, work=work, ports=opened.system.ports)
    requests = len(set(request))
    emit(
        {"requests": requests, "messages": messages},
        as_json,
        Text(f"{requests} requests with {messages} messages wait in the inbox again, in their old place."),
    )
