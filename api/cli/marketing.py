"""`cdp segment`, `cdp audience`, `cdp release`: whom a marketer means, may reach, and reaches."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

import typer
from rich.console import RenderableType
from rich.text import Text
from sqlalchemy import select

from api.cli.exits import Exit
from api.cli.output import Json, emit, emit_rows, facts, progress, table
from api.cli.running import UnwritableFile, WorkspaceName, platform, read_text, record
from cdp import audiences, releases, segments, tables
from cdp.audiences import Funnel, Withheld
from cdp.consents import UnknownPurpose
from cdp.destinations import Destination, NdjsonFile, Webhook
from cdp.kernel.errors import BadInput
from cdp.ports import Ask, AuditEntry, Ports
from cdp.releases import Limits, Plan, Result
from cdp.vocabulary import Channel, FragmentId
from cdp.work import Work
from consent import reasons
from policies.words import Action, Resource, Role

segments_app, audiences_app, releases_app = (typer.Typer() for _ in range(3))

SECRET_LENGTH = 16
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SHOWN = 20  # people who are left out, in a terminal; JSON has them all

Segment = Annotated[str, typer.Option(metavar="NAME", help="A saved segment.")]
Purpose = Annotated[str, typer.Option(metavar="NAME", help="What the data is used for.")]
Via = Annotated[Channel, typer.Option("--channel", help="Over which channel.")]


class UnknownTrait(BadInput):
    """A trait that was asked for is not in the catalogue."""


class UnsafeDestination(BadInput):
    """Personal data goes to a file, or over https; plain http stays on this machine."""


class SecretMissing(BadInput):
    """A webhook needs a secret of 16 characters or more: name its environment variable by --secret-env."""


@segments_app.command("create")
def create_segment(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    rule: Annotated[
        str,
        typer.Argument(
            help='As JSON, or @FILE: {"attribute": "orders", "op": ">=", "value": 1}, "all", "any", "not".'
        ),
    ],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Save a segment. The rule is compiled first, so a bad one is refused now."""
    text = read_text(Path(rule[1:]), "rule") if rule.startswith("@") else rule
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        raise segments.BadRule(field="rule") from None
    with platform() as opened, opened.work(workspace, Role.MARKETING, purpose="segmentation") as work:
        opened.allow(work, Resource.SEGMENT, Action.WRITE)
        ports = opened.system.ports
        made = segments.save(name, parsed, work=work, ports=ports)
        matched = audiences.matched(parsed, work=work, ports=ports)
        record(work, ports, "segment", "create", segment=made)
    emit(
        {"segment": made, "name": name, "matched": matched},
        as_json,
        Text(f"Segment {name!r} is {made}; it matches {matched:,} people now."),
    )


@segments_app.command("list")
def list_segments(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name the segments and their rules."""
    with platform() as opened, opened.work(workspace, Role.MARKETING, purpose="segmentation") as work:
        opened.allow(work, Resource.SEGMENT, Action.READ)
        rows = work.session.execute(select(tables.segments).order_by(tables.segments.c.name)).all()
    found = [{"name": row.name, "rule": row.rule, "segment": row.id} for row in rows]
    emit_rows(found, ("name", "rule", "segment"), as_json)


@audiences_app.command("preview")
def preview(
    segment: Segment,
    purpose: Purpose,
    channel: Via,
    recipient: Annotated[str | None, typer.Option(metavar="NAME", help="Who would receive it.")] = None,
    each: Annotated[bool, typer.Option("--each", help="Name everybody who is left out, by id.")] = False,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Count who matches and who may be reached, with a reason for each who is left out.

    The exact reasons are personal data, so looking leaves an audit entry.
    """
    ask = Ask(purpose=purpose, channel=channel, recipient=recipient)
    roles = (Role.MARKETING, Role.COMPLIANCE)
    with platform() as opened, opened.work(workspace, *roles, purpose="audience_preview") as work:
        opened.allow(work, Resource.AUDIENCE, Action.PREVIEW)
        opened.allow(work, Resource.CONSENT, Action.READ_EXACT)
        ports = opened.system.ports
        rule = segments.rule_of(segment_id(segment), work=work)[1]
        funnel, left_out = audiences.preview(rule, ask, work=work, ports=ports)
        _record_preview(left_out, purpose, work=work, ports=ports)
    emit(
        {
            "matched": funnel.matched,
            "permitted": funnel.permitted,
            "withheld": dict(funnel.withheld),
            "left_out": [
                {
                    "profile": one.profile,
                    "reason": one.reason,
                    "article": _article(one.reason),
                    "entry": one.entry,
                }
                for one in left_out
            ],
        },
        as_json,
        *_funnel(funnel, left_out, each=each),
    )


def segment_id(text: str) -> UUID | str:
    """A segment by its id if the text is one, else by its name."""
    try:
        return UUID(text)
    except ValueError:
        return text


def _record_preview(left_out: list[Withheld] | Any, purpose: str, *, work: Work, ports: Ports) -> None:
    roots = [FragmentId(one.profile) for one in left_out]
    keys = ports.vault.keys(roots, work=work)
    ports.audit.record(
        AuditEntry(
            action="system:audience:preview",
            outcome="ok",
            purpose=purpose,
            references=[keys.reference(one) for one in roots],
            policy_version=ports.policies.version,
            detail={"left_out": len(roots)},
        ),
        work=work,
    )


def _article(reason: str) -> str:
    try:
        return reasons.article(reason)
    except ValueError:
        return ""


def _funnel(funnel: Funnel, left_out: list[Withheld] | Any, *, each: bool) -> list[RenderableType]:
    parts: list[RenderableType] = [
        facts({"matched": funnel.matched, "permitted": funnel.permitted}),
        table(
            ("left out because", "people", "law"),
            [(reason, count, _article(reason)) for reason, count in funnel.withheld.items()],
        ),
    ]
    if each:
        parts.append(
            table(("profile", "reason", "entry"), [(one.profile, one.reason, one.entry) for one in left_out])
        )
    return parts


@releases_app.command("run")
def run(
    segment: Segment,
    purpose: Purpose,
    channel: Via,
    recipient: Annotated[str, typer.Option(metavar="NAME", help="Who receives it, as registered.")],
    to: Annotated[str, typer.Option(metavar="FILE|URL", help="An NDJSON file to append to, or a webhook.")],
    secret_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The environment variable with the webhook's secret."),
    ] = None,
    trait: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A field to send along.")] = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Release to a file or a webhook those who may be reached at the moment of sending.

    Exits 1 if a batch was not delivered for certain, 7 while the inbox lags behind: a
    withdrawal may be in it.
    """
    destination = destination_of(to, secret_env)
    with platform() as opened:
        ports = opened.system.ports
        traits = _traits(trait or [], ports)
        begin = opened.opener(opened.workspace(workspace), Role.MARKETING, purpose=purpose)
        with begin() as work:
            if purpose not in ports.ledger.purposes(work=work):
                raise UnknownPurpose(field="purpose")
            receiver = ports.ledger.recipient(recipient, work=work)
        plan = Plan(
            segment=segment_id(segment),
            ask=Ask(purpose=purpose, channel=channel, recipient=recipient),
            traits=traits,
            destination=destination,
            public_url=opened.system.settings.public_url,
        )
        settings = opened.system.settings
        with progress("releasing", total=None, as_json=as_json) as advance:
            result = releases.run(
                plan,
                recipient=receiver,
                begin=begin,
                ports=ports,
                limits=Limits(batch=settings.release_batch, inbox_lag=settings.inbox_lag_limit),
                progress=advance,
            )
    emit(_document(result), as_json, *_result(result))
    raise typer.Exit(Exit.FAILED if result.failed_batches else Exit.OK)


def destination_of(to: str, secret_env: str | None) -> Destination:
    """A file of the operator's alone, or a signed webhook.

    Raises `UnsafeDestination`, `SecretMissing`, `UnwritableFile`.
    """
    if "://" not in to:
        path = Path(to)
        try:
            path.touch(mode=0o600)
        except OSError:
            raise UnwritableFile(field="to", file=path.name) from None
        return NdjsonFile(path)
    try:
        parts = urlsplit(to)
        sound = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise UnsafeDestination(field="to") from None
    # A user, a query or a fragment would stand in somebody's log.
    if not sound or parts.username or parts.query or parts.fragment:
        raise UnsafeDestination(field="to")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise UnsafeDestination(field="to")
    secret = os.environ.get(secret_env or "", "")
    if len(secret) < SECRET_LENGTH:
        raise SecretMissing(field="secret_env")
    return Webhook(to, secret.encode())


def _traits(names: list[str], ports: Ports) -> list[int]:
    found = [ports.catalogue.trait(name) for name in names]
    if None in found:
        raise UnknownTrait(field="trait")
    return sorted({trait.id for trait in found if trait is not None})


def _document(result: Result) -> Mapping[str, Any]:
    return {
        "release": result.id,
        "matched": result.matched,
        "released": result.released,
        "withheld": dict(result.withheld),
        "batches": result.batches,
        "failed_batches": result.failed_batches,
    }


def _result(result: Result) -> list[RenderableType]:
    parts: list[RenderableType] = [
        facts({"release": result.id, "matched": result.matched, "released": result.released}),
        table(
            ("left out because", "people", "law"),
            [(reason, count, _article(reason)) for reason, count in result.withheld.most_common()],
        ),
    ]
    if result.failed_batches:
        parts.append(Text(f"{result.failed_batches} batches were not delivered for certain."))
    return parts
