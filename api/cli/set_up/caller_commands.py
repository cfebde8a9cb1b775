"""`cdp source`, `cdp client`, `cdp account`: who may put data in, and who may ask for it.

A key or secret is printed once, when it is made; nothing can show it again.
"""

import sys
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer
from rich.text import Text

from api.cli.output import Json, emit, emit_rows, facts
from api.cli.running import WorkspaceName, platform, uuid_of
from cdp.acts import Act
from cdp.kernel.errors import BadInput
from cdp.ports import Category
from cdp.registers import accounts, clients, source_keys, sources
from cdp.vocabulary import Channel, KeyKind, Role

sources_app, keys_app, clients_app, accounts_app = (typer.Typer() for _ in range(4))
sources_app.add_typer(keys_app, name="key", help="Write keys of sources.", no_args_is_help=True)

Controller = Annotated[
    str | None, typer.Option(metavar="ID", help="The controller's id [dim](the workspace's own)[/dim].")
]
ONCE = "Keep it now: it is shown this once, and kept nowhere."
VERIFIES_NOBODY = (
    "It is not authoritative: it verifies nobody, so whoever comes through it alone is left out"
    " (no_contact), and can give no grant at an address. Make one with --authoritative if you vouch"
    " for who people are in it."
)


class BadCategory(BadInput, http=False):
    """A category is written WORD=PURPOSE[:CHANNEL][@NOTICE], with a purpose that is registered."""


def named(controller: str | None) -> UUID | None:
    """The id of the controller that is named, if one is. Raises `NotAnId`."""
    return uuid_of(controller, "controller") if controller is not None else None


@sources_app.command("create")
def create_source(
    name: Annotated[str, typer.Argument(help="What it is called, as in mappings.")],
    priority: Annotated[int, typer.Option(min=1, max=1000, help="Smaller wins where two disagree.")] = 10,
    authoritative: Annotated[
        bool,
        typer.Option(
            "--authoritative",
            help="Its server key and imports verify who somebody is; without, nobody is reached through it.",
        ),
    ] = False,
    obtained: Annotated[str, typer.Option(metavar="FROM", help="subject or third_party.")] = "subject",
    category: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORD=PURPOSE[:CHANNEL][@NOTICE]",
            help="What a consent category of it means; a yes is a grant only of what its notice names.",
        ),
    ] = None,
    key: Annotated[list[KeyKind] | None, typer.Option(help="Make a write key too.")] = None,
    controller: Controller = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Register a source, and make its write keys.

    A `server` key stays on servers and may speak for named people; a `public` one is seen
    by everybody, and speaks for its own device. Only an `--authoritative` source's server key and
    imports verify contacts: whoever is known by others alone is left out as `no_contact`.
    """
    act = Act.SOURCE_CREATE
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        ports = opened.system.ports
        source = sources.create(
            name,
            priority=priority,
            authoritative=authoritative,
            controller=named(controller),
            obtained=obtained,
            categories=_categories(category or []),
            work=work,
            ports=ports,
        )
        made = [(kind, source_keys.create(name, kind, work=work, ports=ports)) for kind in key or []]
    emit(
        {
            "source": source.id,
            "name": name,
            "keys": [{"key": one.id, "kind": kind, "text": one.text} for kind, one in made],
        },
        as_json,
        Text(f"Source {name!r} is {source.id}."),
        *(Text(f"{kind} key: {one.text}") for kind, one in made),
        *([Text(ONCE)] if made else []),
        *([] if authoritative else [Text(VERIFIES_NOBODY)]),
    )


@sources_app.command("list")
def list_sources(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name the sources."""
    act = Act.SOURCE_LIST
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        known = sources.every(work=work, ports=opened.system.ports)
    emit_rows(
        [
            {
                "name": one.name,
                "priority": one.priority,
                "authoritative": one.authoritative,
                "obtained": one.obtained,
                "categories": {word: list(meaning) for word, meaning in one.categories.items()},
                "source": one.id,
            }
            for one in known
        ],
        ("name", "priority", "authoritative", "obtained", "source"),
        as_json,
    )


@keys_app.command("create")
def create_key(
    source: Annotated[str, typer.Argument(help="The source's name.")],
    kind: Annotated[KeyKind, typer.Argument(help="Whose hands it will be in.")],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Make another write key, for instance before the old one is revoked."""
    act = Act.WRITE_KEY_CREATE
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        made = source_keys.create(source, kind, work=work, ports=opened.system.ports)
    emit(
        {"key": made.id, "kind": kind, "text": made.text},
        as_json,
        Text(f"{kind} key: {made.text}"),
        Text(ONCE),
    )


@keys_app.command("list")
def list_keys(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name the write keys; their texts are kept nowhere."""
    act = Act.WRITE_KEY_LIST
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        known = source_keys.every(work=work, ports=opened.system.ports)
    emit_rows(
        [asdict(one) | {"key": one.id} for one in known],
        ("source", "kind", "created_at", "revoked_at", "key"),
        as_json,
    )


@keys_app.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(help="The key's id, as `cdp source key list` prints it.")],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """End a write key; every process refuses it within a second."""
    act = Act.WRITE_KEY_REVOKE
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        source_keys.revoke(uuid_of(key, "key"), work=work, ports=opened.system.ports)
    emit({"revoked": key}, as_json, Text("Revoked."))


@clients_app.command("create")
def create_client(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    role: Annotated[list[Role], typer.Option(help="What it may do; several are held to the strictest.")],
    purpose: Annotated[list[str] | None, typer.Option(metavar="NAME", help="What it may act for.")] = None,
    recipient: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Whose it is, as registered [dim](the controller's own)[/dim]."),
    ] = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Register a program that calls the API, and print its secret once.

    One without a recipient reads nothing for purposes whose notice names recipients.
    """
    act = Act.CLIENT_CREATE
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        made = clients.create(
            name,
            roles=role,
            purposes=purpose or [],
            recipient=recipient,
            work=work,
            ports=opened.system.ports,
        )
    emit(
        {"client": made.id, "name": name, "secret": made.secret},
        as_json,
        Text(f"Client {name!r} is {made.id}."),
        Text(f"secret: {made.secret}"),
        Text(ONCE),
    )


@clients_app.command("change")
def change_client(
    client: Annotated[str, typer.Argument(help="The client's id, as `cdp client list` prints it.")],
    role: Annotated[list[Role], typer.Option(help="What it may do from now on, and nothing else.")],
    purpose: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="What it may act for from now on.")
    ] = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Give a client other roles and purposes; they count with its next request."""
    act = Act.CLIENT_CHANGE
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        clients.change(
            uuid_of(client, "client"),
            roles=role,
            purposes=purpose or [],
            work=work,
            ports=opened.system.ports,
        )
    emit(
        {"client": client, "roles": role, "purposes": purpose or []}, as_json, Text("It counts from now on.")
    )


@clients_app.command("bind")
def bind_client(
    client: Annotated[str, typer.Argument(help="The client's id, as `cdp client list` prints it.")],
    recipient: Annotated[str, typer.Argument(help="Whose it is from now on, as registered.")],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Say anew whose a client is; its next request is that recipient's.

    No client becomes the controller's own again: that is a new client, with a new secret.
    """
    act = Act.CLIENT_BIND
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        clients.bind(uuid_of(client, "client"), recipient, work=work, ports=opened.system.ports)
    emit({"client": client, "recipient": recipient}, as_json, Text(f"It is {recipient!r}'s from now on."))


@clients_app.command("list")
def list_clients(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name the clients, with their roles and purposes, and whose they are."""
    act = Act.CLIENT_LIST
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        known = clients.every(work=work, ports=opened.system.ports)
    emit_rows(
        [asdict(one) | {"client": one.id} for one in sorted(known, key=lambda one: one.name)],
        ("name", "roles", "purposes", "recipient", "revoked_at", "client"),
        as_json,
    )


@clients_app.command("revoke")
def revoke_client(
    client: Annotated[str, typer.Argument(help="The client's id, as `cdp client list` prints it.")],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """End a client and all its tokens, at once."""
    act = Act.CLIENT_REVOKE
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        clients.revoke(uuid_of(client, "client"), work=work, ports=opened.system.ports)
    emit({"revoked": client}, as_json, Text("Revoked."))


@accounts_app.command("create")
def create_account(
    login: Annotated[str, typer.Argument(help="What the person types to log in.")],
    role: Annotated[list[Role], typer.Option(help="What they may do; several are held to the strictest.")],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Make an account for a person; the password is asked for, or read from standard input."""
    password = _password()
    act = Act.ACCOUNT_CREATE
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        made = accounts.create(login, password, role, work=work, ports=opened.system.ports)
    emit({"account": made, "login": login}, as_json, facts({"account": made, "login": login}))


@accounts_app.command("list")
def list_accounts(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name the accounts."""
    act = Act.ACCOUNT_LIST
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        known = accounts.every(work=work, ports=opened.system.ports)
    emit_rows(
        [asdict(one) | {"account": one.id} for one in sorted(known, key=lambda one: one.login)],
        ("login", "roles", "revoked_at", "account"),
        as_json,
    )


@accounts_app.command("revoke")
def revoke_account(
    account: Annotated[str, typer.Argument(help="The account's id, as `cdp account list` prints it.")],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """End an account, at once."""
    act = Act.ACCOUNT_REVOKE
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        accounts.revoke(uuid_of(account, "account"), work=work, ports=opened.system.ports)
    emit({"revoked": account}, as_json, Text("Revoked."))


def _categories(texts: list[str]) -> dict[str, Category]:
    """Consent categories of a source by word. Raises `BadCategory`."""
    found: dict[str, Category] = {}
    for text in texts:
        word, _, meaning = text.partition("=")
        # A notice may name its version, as in `monthly@2`; what stands before has no `@`.
        meant, at, notice = meaning.partition("@")
        purpose, _, channel = meant.partition(":")
        unknown = channel and channel not in frozenset(Channel)
        if not word or not purpose or unknown or (at and not notice):
            raise BadCategory(field="category")
        found[word] = Category(purpose, channel or None, notice or None)
    return found


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\n")
