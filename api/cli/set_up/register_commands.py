"""`cdp purpose`, `cdp notice`, `cdp recipient`: the register that words of consent refer to."""

from datetime import time
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.text import Text

from api.cli.output import Json, emit, emit_rows
from api.cli.running import SLACK, WorkspaceName, platform, read_text, time_of
from api.cli.set_up.caller_commands import ONCE, Controller, named
from api.cli.set_up.policy_commands import proposed
from cdp.acts import Act
from cdp.ports.register_ports import NewNotice, NewPurpose, NewRecipient
from cdp.recipients import endpoints, recipients
from cdp.registers import notices, purposes
from cdp.releases.reach import Reach
from cdp.vocabulary import Basis, PurposeClass, Role

purposes_app, notices_app, recipients_app, endpoints_app = (typer.Typer() for _ in range(4))
recipients_app.add_typer(
    endpoints_app, name="endpoint", help="Where recipients are sent to.", no_args_is_help=True
)


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
    new = NewPurpose(
        name=name,
        basis=basis,
        purpose_class=kind,
        parent=parent,
        controller=named(controller),
        law_cited=law,
        needs_contact=needs_contact,
        opt_out_offered=opt_out_offered,
        assessment_until=time_of(assessed_until, "assessed_until") if assessed_until else None,
        special=special,
    )
    act = Act.PURPOSE_CREATE
    officer = () if kind is PurposeClass.MARKETING else (Role.COMPLIANCE,)
    with platform() as opened, opened.work(workspace, Role.ADMIN, *officer, purpose=act.purpose) as work:
        made = purposes.create(new, work=work, ports=opened.system.ports)
    emit(
        {"purpose": made.id, "name": name, "proposed": made.proposed},
        as_json,
        Text(f"Purpose {name!r} is {made.id}."),
        *proposed(name, made.proposed),
    )


@purposes_app.command("change-basis")
def change_basis(
    name: Annotated[str, typer.Argument(help="The purpose, by its name.")],
    basis: Annotated[Basis, typer.Argument(help="The legal basis that it rests on from now on.")],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Let a purpose rest on another basis, as a compliance officer, as long as nobody has said no to it."""
    act = Act.PURPOSE_CHANGE_BASIS
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=act.purpose) as work:
        purposes.change_basis(name, basis, work=work, ports=opened.system.ports)
    emit({"purpose": name, "basis": basis}, as_json, Text(f"{name!r} rests on {basis} from now on."))


@purposes_app.command("list")
def list_purposes(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name the purposes. The reserved ones are only ever said no to."""
    act = Act.PURPOSE_LIST
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        known = purposes.every(work=work, ports=opened.system.ports)
    found = [
        {
            "name": one.name,
            "basis": one.basis,
            "class": one.purpose_class,
            "parent": one.parent,
            "evidence": "contact" if one.needs_contact else "person",
            "special": one.special,
            "reserved": one.reserved,
            "controller": one.controller,
            "purpose": one.id,
        }
        for one in known
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
    new = NewNotice(
        name=name,
        text=read_text(text, "text"),
        language=language,
        controller=named(controller),
        purposes=purpose,
        recipients=recipient or [],
        published_at=time_of(since, "since", of_day=time.min) if since else None,
    )
    act = Act.NOTICE_PUBLISH
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        made = notices.publish(new, work=work, ports=opened.system.ports)
    emit(
        {"notice": made.id, "name": name, "version": made.version},
        as_json,
        Text(f"Notice {name!r} is now at version {made.version}."),
    )


@notices_app.command("list")
def list_notices(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name every version of every notice."""
    act = Act.NOTICE_LIST
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        known = notices.every(work=work, ports=opened.system.ports)
    found = [
        {
            "name": one.name,
            "version": one.version,
            "language": one.language,
            "purposes": one.purposes,
            "recipients": one.recipients,
            "hash": one.hash,
            "published_at": one.published_at,
            "notice": one.id,
        }
        for one in sorted(known, key=lambda one: (one.name, -one.version))
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
    new = NewRecipient(
        name=name,
        legal_entity=entity,
        role=role,
        country=country,
        contract_until=time_of(contract_until, "contract_until"),
        transfer_until=time_of(transfer_until, "transfer_until") if transfer_until else None,
        sale_or_share=sale_or_share,
        controller=named(controller),
    )
    act = Act.RECIPIENT_CREATE
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        made = recipients.create(new, work=work, ports=opened.system.ports)
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
    act = Act.RECIPIENT_RENEW
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        renewed = recipients.renew(
            name,
            contract_until=until.get("contract_until"),
            transfer_until=until.get("transfer_until"),
            work=work,
            ports=opened.system.ports,
        )
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
    act = Act.RECIPIENT_REVOKE
    with platform() as opened:
        ended = recipients.revoke(
            name,
            transfer_only=transfer_only,
            begin=opened.opener(opened.workspace(workspace), Role.ADMIN, purpose=act.purpose),
            ports=opened.system.ports,
            patience=opened.system.settings.send_window + SLACK,
        )
    emit({"recipient": ended, "revoked": ends}, as_json, Text("Revoked."))


@recipients_app.command("list")
def list_recipients(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name the recipients, with whom they have contracts, and until when those hold."""
    act = Act.RECIPIENT_LIST
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        known = recipients.every(work=work, ports=opened.system.ports)
        # Until it is registered, the workspace itself has no other name.
        names: dict[UUID, str] = {work.workspace: "the workspace itself"}
    found: list[dict[str, object]] = [
        {
            "name": one.name,
            "entity": one.legal_entity,
            "role": one.role,
            "country": one.country,
            "sale_or_share": one.sale_or_share,
            "contract_until": one.contract_until,
            "transfer_until": one.transfer_until,
            "contract_with": one.contract_with or names.get(one.controller, "nobody registered"),
            "controller": one.controller,
            "recipient": one.id,
        }
        for one in known
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
    act = Act.ENDPOINT_CREATE
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
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
    act = Act.ENDPOINT_LIST
    with platform() as opened, opened.work(workspace, Role.ADMIN, purpose=act.purpose) as work:
        known = endpoints.every(recipient, work=work, ports=opened.system.ports)
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
    act = Act.ENDPOINT_REVOKE
    with platform() as opened:
        ended = endpoints.revoke(
            (recipient, name),
            begin=opened.opener(opened.workspace(workspace), Role.ADMIN, purpose=act.purpose),
            ports=opened.system.ports,
            patience=opened.system.settings.send_window + SLACK,
        )
    emit({"revoked": ended}, as_json, Text("Revoked."))
