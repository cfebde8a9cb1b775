"""`cdp purpose`, `cdp notice`, `cdp recipient`: the register that words of consent refer to."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import time
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.text import Text
from sqlalchemy import select

from api.cli.callers import ONCE, Controller, controller_of
from api.cli.consent import SLACK
from api.cli.output import Json, emit, emit_rows
from api.cli.policy import proposed
from api.cli.running import WorkspaceName, platform, read_text, record, time_of
from api.session import Session
from cdp import consents, endpoints, policy_lines
from cdp.endpoints import Reach
from cdp.vocabulary import Action, Basis, PurposeClass, RecipientId, Resource, Role
from cdp.work import Work
from consent import controllers, purposes, register, tables
from consent import endpoints as registered

purposes_app, notices_app, recipients_app, endpoints_app = (typer.Typer() for _ in range(4))
recipients_app.add_typer(
    endpoints_app, name="endpoint", help="Where recipients are sent to.", no_args_is_help=True
)

PURPOSE = "operation"


@purposes_app.command("create")
def create_purpose(
    name: Annotated[str, typer.Argument(help="A word, as policies and mappings use it: email_marketing.")],
    basis: Annotated[Basis, typer.Option(help="The legal basis; each asks for evidence of its own.")],
    kind: Annotated[
        PurposeClass, typer.Option("--class", help="An unsubscribe stops marketing alone.")
    ] = PurposeClass.MARKETING,
    parent: Annotated[
        str | None, typer.Option(metavar="NAME", help="Refusing this one refuses the new one too.")
    ] = None,
    law: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The law that asks for it, of a legal obligation.")
    ] = None,
    needs_contact: Annotated[
        bool,
        typer.Option(
            "--at-contact/--at-person",
            help="Whether evidence is asked at the very address that is used, or of the person.",
        ),
    ] = True,
    opt_out_offered: Annotated[
        bool, typer.Option("--opt-out-offered", help="At collection and in each message (soft opt-in).")
    ] = False,
    assessed_until: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="Until when the assessment of a legitimate interest holds."),
    ] = None,
    special: Annotated[
        bool,
        typer.Option("--special", help="Uses special categories (GDPR 9): explicit consent alone counts."),
    ] = False,
    controller: Controller = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Register a purpose. Without the evidence that its basis asks for, nothing is used for it.

    An unsubscribe does not stop `service` and `legal` purposes, so those are made by a
    compliance officer's leave. What may be seen for it is proposed as policy lines, by its class,
    and in force once a compliance officer agrees: `cdp policy agree`.
    """
    until = time_of(assessed_until, "assessed_until") if assessed_until else None
    officer = () if kind is PurposeClass.MARKETING else (Role.COMPLIANCE,)
    with platform() as opened, _as_admin(opened, workspace, Resource.PURPOSE, *officer) as work:
        if officer:
            opened.allow(work, Resource.PURPOSE, Action.CHANGE_BASIS)
        made = register.add_purpose(
            name,
            basis=basis,
            purpose_class=kind,
            controller=controller_of(controller, work),
            work=work,
            parent=parent,
            law_cited=law,
            needs_contact=needs_contact,
            opt_out_offered=opt_out_offered,
            assessment_until=until,
            special=special,
        )
        record(work, opened.system.ports, "purpose", "create", purpose=made)
        lines = policy_lines.propose(name, kind, work=work, ports=opened.system.ports)
    emit(
        {"purpose": made, "name": name, "proposed": lines},
        as_json,
        Text(f"Purpose {name!r} is {made}."),
        *proposed(name, lines),
    )


@purposes_app.command("list")
def list_purposes(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name the purposes. The reserved ones are only ever said no to."""
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=PURPOSE) as work:
        opened.allow(work, Resource.PURPOSE, Action.READ)
        known = purposes.load(work).by_id
    found = [
        {
            "name": one.name,
            "basis": one.basis,
            "class": one.purpose_class,
            "parent": known[one.parent].name if one.parent else None,
            "evidence": "contact" if one.needs_contact else "person",
            "special": one.special,
            "reserved": one.name in frozenset(purposes.Reserved),
            "controller": one.controller,
            "purpose": one.id,
        }
        for one in sorted(known.values(), key=lambda one: one.name)
    ]
    emit_rows(found, ("name", "basis", "class", "parent", "evidence", "reserved"), as_json)


@notices_app.command("publish")
def publish_notice(
    name: Annotated[str, typer.Argument(help="What the notice is called; publishing again makes a version.")],
    text: Annotated[Path, typer.Option(metavar="FILE", help="What people are shown, word by word.")],
    purpose: Annotated[list[str], typer.Option(metavar="NAME", help="What it names as purposes.")],
    recipient: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Whom it names beside the controller.")
    ] = None,
    language: Annotated[str, typer.Option(metavar="CODE", help="ISO 639.")] = "en",
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Since when people are shown it, if not since now.")
    ] = None,
    controller: Controller = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Publish a version of a notice.

    Who agrees, agrees to the purposes and recipients of the version that they saw.
    """
    shown = read_text(text, "text")
    with platform() as opened, _as_admin(opened, workspace, Resource.NOTICE) as work:
        made = register.add_notice(
            name,
            text=shown,
            language=language,
            controller=controller_of(controller, work),
            purposes=purpose,
            recipients=recipient or [],
            published_at=time_of(since, "since", of_day=time.min) if since else None,
            work=work,
        )
        column = tables.notices.c
        version = work.session.scalars(select(column.version).where(column.id == made)).one()
        record(work, opened.system.ports, "notice", "publish", notice=made)
    emit(
        {"notice": made, "name": name, "version": version},
        as_json,
        Text(f"Notice {name!r} is now at version {version}."),
    )


@notices_app.command("list")
def list_notices(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name every version of every notice."""
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=PURPOSE) as work:
        opened.allow(work, Resource.NOTICE, Action.READ)
        names = {one.id: one.name for one in purposes.load(work).by_id.values()}
        column = tables.notices.c
        rows = work.session.execute(select(tables.notices).order_by(column.name, column.version.desc())).all()
        receivers = _names_of_recipients(work)
    found = [
        {
            "name": row.name,
            "version": row.version,
            "language": row.language,
            "purposes": [names[one] for one in row.purposes],
            "recipients": [receivers[one] for one in row.recipients],
            "hash": bytes(row.hash).hex(),
            "published_at": row.published_at,
            "notice": row.id,
        }
        for row in rows
    ]
    emit_rows(found, ("name", "version", "language", "purposes", "recipients", "published_at"), as_json)


@recipients_app.command("create")
def create_recipient(
    name: Annotated[str, typer.Argument(help="What it is called in releases and notices.")],
    entity: Annotated[str, typer.Option(metavar="NAME", help="The legal entity.")],
    role: Annotated[str, typer.Option(metavar="WORD", help="processor, joint, independent or entrusted.")],
    country: Annotated[str, typer.Option(metavar="CODE", help="Where it is, ISO 3166-1.")],
    contract_until: Annotated[str, typer.Option(metavar="DAY", help="Until when there is a contract.")],
    transfer_until: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="Until when a transfer tool holds, an adequacy decision included."),
    ] = None,
    sale_or_share: Annotated[
        bool, typer.Option("--sale-or-share", help="Giving to it is a sale or sharing (CPRA).")
    ] = False,
    controller: Controller = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Register who may receive data; after its contract nothing goes there any more.

    The contract is one controller's, and only data of that one's purposes goes there. A legal
    entity that has contracts with several is a recipient for each.
    """
    contract = time_of(contract_until, "contract_until")
    transfer = time_of(transfer_until, "transfer_until") if transfer_until else None
    with platform() as opened, _as_admin(opened, workspace, Resource.RECIPIENT) as work:
        made = register.add_recipient(
            name,
            controller=controller_of(controller, work),
            legal_entity=entity,
            role=role,
            country=country,
            contract_until=contract,
            work=work,
            sale_or_share=sale_or_share,
            transfer_until=transfer,
        )
        record(work, opened.system.ports, "recipient", "create", recipient=made)
    emit({"recipient": made, "name": name}, as_json, Text(f"Recipient {name!r} is {made}."))


@recipients_app.command("renew")
def renew_recipient(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    contract_until: Annotated[
        str | None, typer.Option(metavar="DAY", help="Until when there is a contract.")
    ] = None,
    transfer_until: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="Until when a transfer tool holds, an adequacy decision included."),
    ] = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Say anew until when a recipient's contract or transfer tool holds; it counts at once."""
    until = {
        field: time_of(text, field)
        for field, text in (("contract_until", contract_until), ("transfer_until", transfer_until))
        if text
    }
    with platform() as opened, _as_admin(opened, workspace, Resource.RECIPIENT) as work:
        renewed = register.renew_recipient(name, work=work, **until)
        record(work, opened.system.ports, "recipient", "renew", recipient=renewed, **until)
    emit({"recipient": renewed, **until}, as_json, Text("It counts from now on."))


@recipients_app.command("revoke")
def revoke_recipient(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    transfer_only: Annotated[
        bool,
        typer.Option("--transfer-only", help="End its transfer tool, as when an adequacy decision falls."),
    ] = False,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """End a recipient's contract at once: its clients and releases get nothing any more.

    Returns once nothing can still be sent to it. What its clients report of people's refusals is
    still heard.
    """
    ends = "transfer" if transfer_only else "contract"
    with platform() as opened:
        with _as_admin(opened, workspace, Resource.RECIPIENT) as work:
            ended = register.revoke_recipient(name, work=work, transfer_only=transfer_only)
            record(work, opened.system.ports, "recipient", "revoke", recipient=ended, ends=ends)
        _wait_for_senders(opened, work.workspace, ended)
    emit({"recipient": ended, "revoked": ends}, as_json, Text("Revoked."))


@recipients_app.command("list")
def list_recipients(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name the recipients, with whom they have contracts, and until when those hold."""
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=PURPOSE) as work:
        opened.allow(work, Resource.RECIPIENT, Action.READ)
        rows = work.session.execute(select(tables.recipients).order_by(tables.recipients.c.name)).all()
        named = {one.id: one.name for one in controllers.every(work=work)}
        # Until it is registered, the workspace itself has no other name.
        names: dict[UUID, str] = {work.workspace: "the workspace itself", **named}
    found: list[dict[str, Any]] = [
        {
            "name": row.name,
            "entity": row.legal_entity,
            "role": row.role,
            "country": row.country,
            "sale_or_share": row.sale_or_share,
            "contract_until": row.contract_until,
            "transfer_until": row.transfer_until,
            "contract_with": names.get(row.controller_id, "nobody registered"),
            "controller": row.controller_id,
            "recipient": row.id,
        }
        for row in rows
    ]
    emit_rows(
        found,
        ("name", "entity", "role", "country", "contract_with", "contract_until", "transfer_until"),
        as_json,
    )


@endpoints_app.command("add")
def add_endpoint(
    recipient: Annotated[str, typer.Argument(help="Whose it is, as registered.")],
    name: Annotated[str, typer.Argument(help="What it is called in releases.")],
    to: Annotated[
        str,
        typer.Option(
            metavar="FOLDER|URL",
            help="The whole path of a folder below the one of releases, or a webhook's URL.",
        ),
    ],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Register where a recipient is sent to; a release goes nowhere else.

    A webhook's signing secret (Standard Webhooks) is printed once, for its receiver.
    """
    with platform() as opened, _as_admin(opened, workspace, Resource.RECIPIENT) as work:
        reach = Reach.of(opened.system.settings)
        made = endpoints.create(recipient, name, to, reach=reach, work=work, ports=opened.system.ports)
    lines = [Text(f"Endpoint {name!r} is {made.id}.")]
    if made.secret is not None:
        lines += [Text(f"secret: {made.secret}"), Text(ONCE)]
    emit({"endpoint": made.id, "name": name, "kind": made.kind, "secret": made.secret}, as_json, *lines)


@endpoints_app.command("list")
def list_endpoints(
    recipient: Annotated[str, typer.Argument(help="Whose they are.")],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Name a recipient's endpoints; their secrets are kept nowhere."""
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=PURPOSE) as work:
        opened.allow(work, Resource.RECIPIENT, Action.READ)
        known = registered.every(recipient, work=work)
    emit_rows(
        [{"name": one.name, "kind": one.kind, "address": one.address, "endpoint": one.id} for one in known],
        ("name", "kind", "address", "endpoint"),
        as_json,
    )


@endpoints_app.command("revoke")
def revoke_endpoint(
    recipient: Annotated[str, typer.Argument(help="Whose it is.")],
    name: Annotated[str, typer.Argument(help="What it is called.")],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """End an endpoint. Returns once nothing can go there any more, of running releases either."""
    with platform() as opened:
        with _as_admin(opened, workspace, Resource.RECIPIENT) as work:
            ended = registered.revoke(recipient, name, work=work)
            record(work, opened.system.ports, "endpoint", "revoke", endpoint=ended)
            whose = register.recipient_id(recipient, work)
        _wait_for_senders(opened, work.workspace, whose)
    emit({"revoked": ended}, as_json, Text("Revoked."))


def _wait_for_senders(opened: Session, workspace: UUID, recipient: RecipientId) -> None:
    """Return once no batch that was begun before may still reach the recipient."""
    consents.drain(
        [],
        [],
        recipient=recipient,
        begin=opened.opener(workspace, Role.ADMIN, purpose=PURPOSE),
        ports=opened.system.ports,
        patience=opened.system.settings.send_window + SLACK,
    )


def _names_of_recipients(work: Work) -> dict[Any, str]:
    column = tables.recipients.c
    return {row.id: row.name for row in work.session.execute(select(column.id, column.name))}


@contextmanager
def _as_admin(opened: Session, workspace: str | None, resource: Resource, *roles: Role) -> Iterator[Work]:
    """The operator as admin, who may write to that part of the register."""
    with opened.work(workspace, Role.ADMIN, *roles, purpose=PURPOSE) as work:
        opened.allow(work, resource, Action.WRITE)
        yield work
