"""`cdp profile`: the consented, minimised view of one person, for one stated purpose."""

from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from api import why
from api.cli.output import Json, emit, emit_rows, facts, table
from api.cli.running import Contact, ContactKind, WorkspaceName, identifier, platform, read_contact, uuid_of
from api.processes.session import Session
from cdp.acts import Act
from cdp.registers import catalogue_lists
from cdp.views import profile_view
from cdp.views.deciding import Asking
from cdp.views.profile_view import NoSuchProfile, View
from cdp.vocabulary import Role

app = typer.Typer()

PURPOSE = Act.PROFILE_READ.purpose

Purpose = Annotated[str, typer.Option(metavar="NAME", help="What the data is used for.")]
Fields = Annotated[
    list[str] | None, typer.Option("--field", metavar="NAME", help="A field; left out: all there are.")
]
Receiver = Annotated[
    str | None,
    typer.Option("--recipient", metavar="NAME", help="Who receives it [dim](the controller itself)[/dim]."),
]
As = Annotated[Role, typer.Option("--role", help="In which role to look; it decides what is shown.")]


@app.command("show")
def show(
    profile: Annotated[str, typer.Argument(help="The profile's id, or that of any of its fragments.")],
    purpose: Purpose,
    recipient: Receiver = None,
    field: Fields = None,
    role: As = Role.MARKETING,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Show what may be seen of a person for a purpose, and why not the rest.

    A refusal shows nothing and says why. The decision is signed and logged. Without a recipient
    it is read as the controller itself: the policy says which roles may, the log that it was so.
    With one, a role that may see nothing of the person and no exact reasons finds nobody.
    Exits 7 while the inbox lags behind: a withdrawal may be in it.
    """
    person = uuid_of(profile, "profile")
    with platform() as opened, opened.work(workspace, role, purpose=PURPOSE) as work:
        ports = opened.system.ports
        asking = _asking(purpose, recipient, opened)
        view = profile_view.read(person, asking, fields=field or [], work=work, ports=ports)
    if view is None:
        raise NoSuchProfile
    _print(view, as_json=as_json)


@app.command("query")
def query(
    purpose: Purpose,
    contact: Contact = None,
    namespace: ContactKind = None,
    recipient: Receiver = None,
    field: Fields = None,
    role: As = Role.MARKETING,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Show the person whom a contact leads to; one that nobody has, or several share, leads nowhere."""
    value = read_contact(contact)
    with platform() as opened, opened.work(workspace, role, purpose=PURPOSE) as work:
        ports = opened.system.ports
        named = identifier(value, namespace, work=work, ports=ports)
        asking = _asking(purpose, recipient, opened)
        view = profile_view.read(named, asking, fields=field or [], work=work, ports=ports)
    if view is None:
        raise NoSuchProfile
    _print(view, as_json=as_json)


@app.command("traits")
def traits(as_json: Json = False) -> None:
    """Name the traits that profiles, releases and mappings know, with their other names."""
    with platform() as opened:
        found = catalogue_lists.traits(ports=opened.system.ports)
    rows = [
        {
            "name": one.trait.name,
            "field_class": one.trait.field_class.name.lower(),
            "namespace": one.trait.namespace,
            "also": list(one.aliases),
        }
        for one in found
    ]
    emit_rows(rows, ("name", "field_class", "namespace", "also"), as_json)


def _asking(purpose: str, recipient: str | None, opened: Session) -> Asking:
    limit = opened.system.settings.inbox_lag_limit
    return Asking(purpose=purpose, recipient=recipient, inbox_lag=limit)


def _print(view: View, *, as_json: bool) -> None:
    policy = None if view.cure is None else view.cure.for_command
    cures = why.cures({*view.withheld.values(), *view.reasons.values()}, policy=policy)
    document = {
        "profile": view.profile,
        "purpose": view.purpose,
        "shown": dict(view.shown),
        "masked": dict(view.masked),
        "withheld": dict(view.withheld),
        "contactable": dict(view.contactable),
        "reasons": dict(view.reasons),
        "cures": cures,
        "receipt": view.receipt,
    }
    emit(document, as_json, *_told(view, cures))


def _told(view: View, cures: dict[str, str]) -> list[RenderableType]:
    rows: list[tuple[str, str, object]] = [(name, "shown", value) for name, value in view.shown.items()]
    rows += [(name, "masked", value) for name, value in view.masked.items()]
    rows += [(name, "withheld", reason) for name, reason in view.withheld.items()]
    channels = [
        (channel, contact or f"no: {view.reasons.get(channel, '')}")
        for channel, contact in view.contactable.items()
    ]
    return [
        facts({"profile": view.profile, "purpose": view.purpose}),
        table(("field", "", "value or reason"), sorted(rows)),
        table(("channel", "contact to use"), channels),
        *(Text(f"{reason}: {cure}") for reason, cure in sorted(cures.items())),
        Text(f"receipt: {view.receipt}"),
    ]
