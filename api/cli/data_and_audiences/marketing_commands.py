"""`cdp segment`, `cdp audience`, `cdp release`: whom a marketer means, may reach, and reaches."""

import json
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import RenderableType
from rich.text import Text

from api import why
from api.cli.exits import Exit
from api.cli.output import Json, emit, emit_rows, facts, progress, table
from api.cli.running import WorkspaceName, platform, read_text
from cdp.acts import Act
from cdp.audiences import previews, segments
from cdp.audiences.previews import Preview
from cdp.audiences.rules import BadRule
from cdp.ports import Ask
from cdp.registers import catalogue_lists
from cdp.releases import releasing
from cdp.releases.reach import Reach
from cdp.releases.releases import Limits, Plan
from cdp.releases.releasing import Released
from cdp.vocabulary import Channel, Role

segments_app, audiences_app, releases_app = (typer.Typer() for _ in range(3))

# Whoever counts here acts for the operator: what the policy lets them see exactly is shown so.
COUNTING = (Role.MARKETING, Role.COMPLIANCE)
SHOWN = 20  # people who are left out, in a terminal; JSON has them all

Segment = Annotated[str, typer.Option(metavar="NAME", help="A saved segment.")]
Purpose = Annotated[str, typer.Option(metavar="NAME", help="What the data is used for.")]
Via = Annotated[Channel, typer.Option("--channel", help="Over which channel.")]


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
        raise BadRule(field="rule") from None
    act = Act.SEGMENT_CREATE
    with platform() as opened, opened.work(workspace, Role.MARKETING, purpose=act.purpose) as work:
        made = segments.create(name, parsed, work=work, ports=opened.system.ports)
    emit({"segment": made, "name": name}, as_json, Text(f"Segment {name!r} is {made}."))


@segments_app.command("list")
def list_segments(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Name the segments and their rules."""
    act = Act.SEGMENT_LIST
    with platform() as opened, opened.work(workspace, Role.MARKETING, purpose=act.purpose) as work:
        known = segments.every(work=work, ports=opened.system.ports)
    found = [{"name": one.name, "rule": one.rule, "segment": one.id} for one in known]
    emit_rows(found, ("name", "rule", "segment"), as_json)


@segments_app.command("attributes")
def attributes(as_json: Json = False) -> None:
    """Name the attributes that a rule can compare, and what they are computed from."""
    with platform() as opened:
        found = catalogue_lists.attributes(ports=opened.system.ports)
    columns = ("name", "kind", "class", "event", "property")
    rows = [
        {
            "name": one.name,
            "kind": one.kind,
            "class": one.field_class.name.lower(),
            "event": one.event,
            "property": one.property,
        }
        for one in found
    ]
    emit_rows(rows, columns, as_json)


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
    act = Act.AUDIENCE_PREVIEW
    with platform() as opened, opened.work(workspace, *COUNTING, purpose=act.purpose) as work:
        found = previews.preview(segment_id(segment), ask, each=True, work=work, ports=opened.system.ports)
    emit(
        {
            "matched": found.matched,
            "permitted": found.permitted,
            "withheld": dict(found.withheld),
            "cures": why.cures(found.withheld, policy=_policy_cure(found)),
            "left_out": [
                {
                    "profile": one.profile,
                    "reason": one.reason,
                    "article": why.law(one.reason),
                    "entry": one.entry,
                }
                for one in found.left_out
            ],
        },
        as_json,
        *_funnel(found, each=each),
    )


def segment_id(text: str) -> UUID | str:
    """A segment by its id if the text is one, else by its name."""
    try:
        return UUID(text)
    except ValueError:
        return text


def _policy_cure(found: Preview) -> str | None:
    return None if found.cure is None else found.cure.for_command


def _funnel(found: Preview, *, each: bool) -> list[RenderableType]:
    parts: list[RenderableType] = [
        facts({"matched": found.matched, "permitted": found.permitted}),
        *_left_out(list(found.withheld.items()), policy=_policy_cure(found)),
    ]
    if each:
        rows = [(one.profile, one.reason, one.entry) for one in found.left_out]
        parts.append(table(("profile", "reason", "entry"), rows))
    return parts


@releases_app.command("run")
def run(
    segment: Segment,
    purpose: Purpose,
    channel: Via,
    recipient: Annotated[str, typer.Option(metavar="NAME", help="Who receives it, as registered.")],
    endpoint: Annotated[
        str,
        typer.Option(metavar="NAME", help="Which of its registered endpoints."),
    ],
    trait: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A field to send along.")] = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Release to an endpoint of a recipient those who may be reached at the moment of sending.

    Exits 1 if a batch was not delivered for certain, 7 while the inbox lags behind: a
    withdrawal may be in it.
    """
    with platform() as opened:
        ports = opened.system.ports
        traits = sorted({one.id for one in catalogue_lists.named(trait or [], field="trait", ports=ports)})
        plan = Plan(
            segment=segment_id(segment),
            ask=Ask(purpose=purpose, channel=channel, recipient=recipient),
            traits=traits,
            endpoint=endpoint,
            public_url=opened.system.settings.public_url,
        )
        settings = opened.system.settings
        begin = opened.opener(opened.workspace(workspace), *COUNTING, purpose=purpose)
        with progress("releasing", total=None, as_json=as_json) as advance:
            made = releasing.release(
                plan,
                begin=begin,
                ports=ports,
                connect=Reach.of(settings).connect,
                limits=Limits(batch=settings.release_batch, inbox_lag=settings.inbox_lag_limit),
                progress=advance,
            )
    emit(_document(made), as_json, *_result(made))
    raise typer.Exit(Exit.FAILED if made.failed else Exit.OK)


def _document(result: Released) -> Mapping[str, object]:
    return {
        "release": result.id,
        "matched": result.matched,
        "released": result.released,
        "unknown": result.unknown,
        "withheld": dict(result.withheld),
        "cures": why.cures(result.withheld),
        "batches": result.batches,
        "failed_batches": result.failed_batches,
        "failed": result.failed,
    }


def _left_out(withheld: Sequence[tuple[str, int]], *, policy: str | None = None) -> list[RenderableType]:
    """Why people are left out, with the law, and what mends it; nothing where nobody is."""
    if not withheld:
        return []
    rows = [(reason, count, why.law(reason)) for reason, count in withheld]
    cures = why.cures([reason for reason, _ in withheld], policy=policy)
    return [
        table(("left out because", "people", "law"), rows),
        *(Text(f"{reason}: {cure}") for reason, cure in cures.items()),
    ]


def _sent(result: Released) -> dict[str, int]:
    """How many it reached; where nobody knows, nothing is said to be released."""
    if not result.unknown:
        return {"released": result.released}
    return {"confirmed": result.released, "not known": result.unknown}


def _result(result: Released) -> list[RenderableType]:
    parts: list[RenderableType] = [
        facts({"release": result.id, "matched": result.matched, **_sent(result)}),
        *_left_out(sorted(result.withheld.items(), key=itemgetter(1), reverse=True)),
    ]
    if result.failed:
        batches = "Some" if result.failed_batches is None else result.failed_batches
        parts.append(Text(f"{batches} batches were not delivered for certain."))
    return parts
