"""`cdp identity`: who is one person: separate two, draw one, measure all against a truth."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from api.cli.output import Json, emit, facts, table
from api.cli.running import SLACK, WorkspaceName, platform, uuid_of, write_private
from api.pages import pictures
from api.pages.pictures import Node
from cdp.acts import Act
from cdp.stewardship import evaluation, merging
from cdp.stewardship import graph as graphs
from cdp.stewardship.evaluation import Score
from cdp.stewardship.graph import Graph
from cdp.stewardship.merging import Affected, Evidence, OnePerson, Reason
from cdp.vocabulary import FragmentId, Role

app = typer.Typer()

PURPOSE = Act.IDENTITY_SEPARATE.purpose  # and that of the others
MERGES_SHOWN = 20  # in a terminal; JSON has them all


@app.command("separate")
def separate(
    a: Annotated[str, typer.Argument(metavar="A", help="A fragment of one person.")],
    b: Annotated[str, typer.Argument(metavar="B", help="A fragment of the other.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say who would be affected.")] = False,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Un-merge: these two are never the same person, however often evidence says so again.

    Returns once no release that names either can still be sent.
    """
    first, second = FragmentId(uuid_of(a, "a")), FragmentId(uuid_of(b, "b"))
    with platform() as opened:
        ports = opened.system.ports
        begin = opened.opener(opened.workspace(workspace), Role.COMPLIANCE, purpose=PURPOSE)
        if dry_run:
            with begin() as work:
                found = merging.affected(first, second, work=work, ports=ports)
            emit(_affected(found) | {"dry_run": True}, as_json, _described(found), Text("Nothing was done."))
            return
        patience = opened.system.settings.send_window + SLACK
        done = merging.separate(first, second, begin=begin, ports=ports, patience=patience)
    emit(
        _affected(done.before) | {"dry_run": False, "now": list(done.profiles), "at": done.at},
        as_json,
        _described(done.before),
        Text(
            f"Apart since {done.at.isoformat(timespec='milliseconds')}: {', '.join(map(str, done.profiles))}"
        ),
    )


@app.command("join")
def join(
    a: Annotated[str, typer.Argument(metavar="A", help="A fragment of the person.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another of the same person.")],
    reason: Annotated[
        Evidence, typer.Option(help="duplicate: a source has the person twice; proof: both were proved.")
    ],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Say that two are one person, such as two records of one source. `separate` undoes it.

    The stricter word of the two holds for both; returns once no release that names either can
    still be sent.
    """
    first, second = FragmentId(uuid_of(a, "a")), FragmentId(uuid_of(b, "b"))
    with platform() as opened:
        done = merging.join(
            first,
            second,
            reason=reason,
            begin=opened.opener(opened.workspace(workspace), Role.STEWARD, purpose=PURPOSE),
            ports=opened.system.ports,
            patience=opened.system.settings.send_window + SLACK,
        )
    emit(
        _affected(done.before) | {"now": list(done.profiles), "at": done.at},
        as_json,
        _described(done.before),
        Text(f"Now: {', '.join(map(str, done.profiles))}"),
    )


@app.command("rejoin")
def rejoin(
    a: Annotated[str, typer.Argument(metavar="A", help="The one fragment of the separation.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other.")],
    reason: Annotated[Reason, typer.Option(help="mistake: the separation was one; proof: both were proved.")],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Take a separation back: evidence decides again whether the two are one person.

    What an erasure keeps apart stays apart. Where they become one, the stricter word of the two
    holds for both; returns once no release that names either can still be sent.
    """
    first, second = FragmentId(uuid_of(a, "a")), FragmentId(uuid_of(b, "b"))
    with platform() as opened:
        begin = opened.opener(opened.workspace(workspace), Role.STEWARD, purpose=PURPOSE)
        done = merging.rejoin(
            first,
            second,
            reason=reason,
            begin=begin,
            ports=opened.system.ports,
            patience=opened.system.settings.send_window + SLACK,
        )
    emit(
        _affected(done.before) | {"now": list(done.profiles), "at": done.at},
        as_json,
        _described(done.before),
        Text(f"Now: {', '.join(map(str, done.profiles))}"),
    )


def _affected(found: Affected) -> dict[str, object]:
    return {
        "together": found.together,
        "profiles": list(found.profiles),
        "fragments": len(found.fragments),
        "contacts": len(found.contacts),
        "shared_contacts": found.shared,
    }


def _described(found: Affected) -> RenderableType:
    return facts(
        {
            "one profile until now": found.together,
            "profiles": found.profiles,
            "fragments": len(found.fragments),
            "contacts": len(found.contacts),
            "contacts that both go by": found.shared,
        }
    )


@app.command("quarantined")
def quarantined(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """List what is nobody's: identifiers with more contacts, or more joined to them, than one person has.

    Nothing of them is joined, shown or released. `cdp subject erase --quarantined` erases one whole,
    `cdp identity waive` releases one that is a person's.
    """
    with platform() as opened, opened.work(workspace, Role.STEWARD, purpose=PURPOSE) as work:
        found = merging.quarantined(work=work, ports=opened.system.ports)
    columns = ("fragment", "source", "namespace", "why", "contacts")
    rows = [(str(one.fragment), one.source, one.namespace, one.why, one.contacts) for one in found]
    emit(
        {"quarantined": [dict(zip(columns, row, strict=True)) for row in rows]}, as_json, table(columns, rows)
    )


@app.command("waive")
def waive(
    fragment: Annotated[str, typer.Argument(metavar="FRAGMENT", help="What is quarantined.")],
    reason: Annotated[
        OnePerson, typer.Option(help="checked: the source was asked; proof: the person proved it.")
    ],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Release from quarantine what is one person's, however many contacts or fragments it has.

    Of `contact_limit` its contacts join again; of `component_limit` all that hangs together with it
    is released with it. It is not counted any more. The stricter word of those who become one holds
    for all; returns once no release that names any of them can still be sent.
    """
    one = FragmentId(uuid_of(fragment, "fragment"))
    with platform() as opened:
        done = merging.waive(
            one,
            reason=reason,
            begin=opened.opener(opened.workspace(workspace), Role.STEWARD, purpose=PURPOSE),
            ports=opened.system.ports,
            patience=opened.system.settings.send_window + SLACK,
        )
    emit(
        {
            "now": list(done.profiles),
            "fragments": len(done.before.fragments),
            "contacts": len(done.before.contacts),
            "at": done.at,
        },
        as_json,
        Text(f"One person: {', '.join(map(str, done.profiles))}"),
    )


@app.command("graph")
def graph(
    profile: Annotated[str, typer.Argument(help="The profile's id, or that of any of its fragments.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to draw it (SVG).")],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Draw what makes one person: the fragments, and the contacts that join them, without a value."""
    person = uuid_of(profile, "profile")
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=PURPOSE) as work:
        found = graphs.draw(person, work=work, ports=opened.system.ports)
    nodes, links = _drawn(found)
    write_private(out, pictures.graph(nodes, links, f"profile {_short(found.profile)}"), "out")
    counts = {
        "fragments": sum(node.kind == "fragment" for node in nodes),
        "contacts": sum(node.kind == "contact" for node in nodes),
        "links": len(links),
    }
    emit({"profile": found.profile, "file": str(out), **counts}, as_json, facts({"drawn": out, **counts}))


def _drawn(graph: Graph) -> tuple[list[Node], list[tuple[str, str]]]:
    """Nodes and links of one profile; contacts stand there by their kind and a number alone.

    A colour is one verified person; what only lends its behaviour has none of its links.
    """
    nodes = [
        Node(
            id=str(one.fragment),
            label=f"{one.source} {number} ({_short(one.fragment)})",
            kind="fragment",
            group=0 if one.core else 1,
        )
        for number, one in enumerate(graph.parts, start=1)
    ]
    contacts: dict[str, Node] = {}
    for claim in graph.claims:
        key = str(claim.contact)
        label = f"{claim.namespace} {len(contacts) + 1}"
        contacts.setdefault(key, Node(id=key, label=label, kind="contact", group=0))
    links = [(str(claim.fragment), str(claim.contact)) for claim in graph.claims]
    return [*nodes, *contacts.values()], links


def _short(identifier: object) -> str:
    return f"…{str(identifier)[-6:]}"


@app.command("evaluate")
def evaluate(
    truth: Annotated[
        Path, typer.Option(metavar="FILE", help="CSV with a header: source record id, person id.")
    ],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Measure profiles against a known truth: who was put together rightly, and who wrongly.

    Pairwise, and B-cubed, which averages over records. A record that was never imported
    counts as alone.
    """
    people = evaluation.read(truth)
    with platform() as opened, opened.work(workspace, Role.STEWARD, purpose=PURPOSE) as work:
        score = evaluation.evaluate(people, work=work, ports=opened.system.ports)
    emit(_document(score), as_json, *_scored(score))


def _document(score: Score) -> dict[str, Any]:
    both = score.bcubed_precision + score.bcubed_recall
    return {
        "pairs": {"precision": score.precision, "recall": score.recall, "f1": score.f1},
        "bcubed": {
            "precision": score.bcubed_precision,
            "recall": score.bcubed_recall,
            "f1": 2 * score.bcubed_precision * score.bcubed_recall / both if both else 0.0,
        },
        "profiles": score.profiles,
        "records": score.records,
        "false_merges": [list(pair) for pair in score.false_merges],
    }


def _scored(score: Score) -> list[RenderableType]:
    document = _document(score)
    return [
        table(
            ("", "precision", "recall", "F1"),
            [(name, *document[key].values()) for name, key in (("pairs", "pairs"), ("B-cubed", "bcubed"))],
        ),
        facts({"records": score.records, "profiles": score.profiles}),
        table(("wrongly joined", "with"), score.false_merges[:MERGES_SHOWN]),
    ]
