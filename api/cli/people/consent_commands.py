"""`cdp consent`: what people said.

A refusal is acknowledged once nothing that contradicts it can still be sent. A grant needs
an act as evidence, and lifts no refusal that is newer.
"""

from collections.abc import Callable, Mapping
from datetime import time
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from api.cli.exits import Exit
from api.cli.output import Json, emit, emit_rows
from api.cli.people.consent_typed import (
    Evidence,
    Named,
    No,
    NotBoth,
    about_of,
    as_requested,
    identified,
    word_of,
)
from api.cli.running import (
    SLACK,
    Contact,
    ContactKind,
    WorkspaceName,
    identifier,
    platform,
    read_contact,
    time_of,
    uuid_of,
)
from cdp.acts import Act
from cdp.kernel.errors import BadInput
from cdp.permission import consents, history, holder_change, noes_in_refusals, serving, suppressions
from cdp.permission.binding import About
from cdp.permission.consents import Acknowledged, Saying
from cdp.vocabulary import Channel, Role, State
from consent.ledger import counting

app = typer.Typer()

PURPOSE = Act.CONSENT_SAY.purpose  # and that of the others

Profile = Annotated[
    str | None,
    typer.Option(metavar="ID", help="The person; beside a contact that several hold, who says it."),
]
Person = Annotated[
    str | None,
    typer.Option(metavar="NAMESPACE=VALUE", help="The same, as a source knows them: crm:shop=17."),
]
ForPurpose = Annotated[str, typer.Option("--purpose", metavar="NAME", help="What it is about.")]
OverChannel = Annotated[Channel | None, typer.Option("--channel", help="Over which channel; left out: any.")]
AssertedAt = Annotated[
    str | None, typer.Option(metavar="TIME", help="When they said it, if not now; it can only weaken a yes.")
]


@app.command("grant")
def grant(
    purpose: ForPurpose,
    evidence: Annotated[Evidence, typer.Option(help="The act by which they agreed.")],
    notice: Annotated[
        str,
        typer.Option(metavar="NAME", help="The notice that they saw: NAME@2, or the version in force then."),
    ],
    contact: Contact = None,
    namespace: ContactKind = None,
    profile: Profile = None,
    person: Person = None,
    channel: OverChannel = None,
    asserted_at: AssertedAt = None,
    explicit: Annotated[bool, typer.Option("--explicit", help="In so many words (GDPR 9).")] = False,
    guardian: Annotated[bool, typer.Option("--guardian", help="A parent or guardian said it.")] = False,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Keep a yes. Exits 1 if a newer refusal stands against it."""
    saying = Saying(
        purpose=purpose,
        channel=channel,
        state=State.GIVEN,
        evidence=evidence,
        notice=notice,
        asserted_at=time_of(asserted_at, "asserted_at", of_day=time.min) if asserted_at else None,
        explicit=explicit,
        guardian=guardian,
    )
    _say(lambda: saying, Named(contact, namespace, profile, person), workspace, as_json=as_json)


@app.command("withdraw")
def withdraw(
    purpose: ForPurpose,
    contact: Contact = None,
    namespace: ContactKind = None,
    profile: Profile = None,
    person: Person = None,
    channel: Annotated[
        str | None, typer.Option(metavar="|".join(Channel), help="Over which channel; left out: any.")
    ] = None,
    state: Annotated[str, typer.Option(metavar="|".join(No), help="How they say no.")] = No.WITHDRAWN.value,
    evidence: Annotated[
        str, typer.Option(metavar="|".join(Evidence), help="How it reached us.")
    ] = Evidence.FORM.value,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Keep a no. Returns once nothing against it can still be sent.

    What is mistyped is an error, and the no is heard all the same, for what can be read of it.
    """

    def said() -> Saying:
        return Saying(
            purpose=purpose,
            channel=Channel(word_of(channel, Channel, "channel")) if channel is not None else None,
            state=State(word_of(state, No, "state")),
            evidence=word_of(evidence, Evidence, "evidence"),
        )

    typed = {"purpose": purpose, "channel": channel, "state": state, "evidence": evidence}
    _say(said, Named(contact, namespace, profile, person), workspace, as_json=as_json, no=typed)


@app.command("holder-changed")
def holder_changed(
    contact: Contact = None,
    namespace: ContactKind = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """A phone was recycled, a mailbox returned: end every grant at that contact, for every purpose.

    Who holds it now may agree anew. Returns once nothing that rests on an old grant can be sent.
    """
    value = read_contact(contact)
    with platform() as opened:
        begin = opened.opener(opened.workspace(workspace), Role.SUPPORT, purpose=PURPOSE)
        ports = opened.system.ports
        done = holder_change.end_grants(
            identified(value, namespace, begin, ports),
            begin=begin,
            ports=ports,
            patience=opened.system.settings.send_window + SLACK,
        )
    ended = len(done.entries)
    emit(
        _document(done, counted=True),
        as_json,
        Text(f"Grants ended: {ended}, since {done.at.isoformat(timespec='milliseconds')}."),
    )


@app.command("suppress")
def suppress(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV: contact, reason, source, date, purpose, channel.")
    ],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Keep a list of suppressions: a no for each contact, whether or not anybody goes by it yet.

    Without a purpose a row is about all direct marketing, without a channel about every one. A row with a
    date was received on that day: the same again changes nothing, and a newer yes goes on counting. A row
    without one is a no of now each time the file is read: a yes that was given since ends. Both are
    counted. Exits 1 if a contact identifies nobody.
    """
    with platform() as opened:
        done = suppressions.suppress(
            suppressions.rows_of(file),
            begin=opened.opener(opened.workspace(workspace), Role.SUPPORT, purpose=PURPOSE),
            ports=opened.system.ports,
            patience=opened.system.settings.send_window + SLACK,
        )
    emit(
        {
            "read": done.read,
            "kept": done.kept,
            "known_already": done.known_already,
            "bound_at_once": done.bound_at_once,
            "ended_a_yes": done.ended_a_yes,
            "older_than_a_yes": done.older_than_a_yes,
            "noted": dict(done.noted),
            "rejected": [{"line": line, "reason": reason} for line, reason in done.rejected],
        },
        as_json,
        Text(f"Kept: {done.kept}; known already: {done.known_already}; bound at once: {done.bound_at_once}."),
        *([Text(f"Newer than a yes, which counts no more: {done.ended_a_yes}.")] if done.ended_a_yes else []),
        *(
            [Text(f"Older than a yes, which goes on counting: {done.older_than_a_yes}.")]
            if done.older_than_a_yes
            else []
        ),
        *(Text(f"{word}: {count}") for word, count in sorted(done.noted.items())),
        *(Text(f"Line {line} was rejected: {reason}.") for line, reason in done.rejected),
    )
    raise typer.Exit(Exit.FAILED if done.rejected else Exit.OK)


@app.command("notice-served")
def notice_served(
    notice: Annotated[str, typer.Option(metavar="NAME", help="NAME@2, or the version in force then.")],
    contact: Contact = None,
    namespace: ContactKind = None,
    profile: Profile = None,
    person: Person = None,
    served_at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="When, if not now.")] = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Keep that somebody was told: what a legitimate interest, and data from third parties, rest on."""
    named = Named(contact, namespace, profile, person)
    at = time_of(served_at, "served_at", of_day=time.min) if served_at else None
    with platform() as opened:
        begin = opened.opener(opened.workspace(workspace), Role.SUPPORT, purpose=PURPOSE)
        about = about_of(named, begin, opened.system.ports)
        done = serving.serve(notice, about, begin=begin, ports=opened.system.ports, at=at)
    emit(
        {"notice": done.notice.id, "version": done.notice.number, "served_at": done.at},
        as_json,
        Text(f"Notice {done.notice.name!r}, version {done.notice.number}, counts as served."),
    )


def _say(
    read: Callable[[], Saying],
    named: Named,
    workspace: str | None,
    *,
    as_json: bool,
    no: Mapping[str, object] | None = None,
) -> None:
    """Say what `read` gives. `no`: what was typed of a no, which is heard whatever is wrong with the rest."""
    if named.contact is not None or (named.profile is None and named.person is None):
        named = named._replace(contact=read_contact(named.contact))
    with platform() as opened:
        begin = opened.opener(opened.workspace(workspace), Role.SUPPORT, purpose=PURPOSE)
        ports, wait = opened.system.ports, opened.system.settings.send_window + SLACK

        def say(what: Saying, about: About) -> Acknowledged:
            return consents.say(what, about, begin=begin, ports=ports, patience=wait)

        try:
            saying = read()
            done = say(saying, about_of(named, begin, ports))
        except BadInput as error:
            # Whatever was mistyped, whom it names and that it is a no may be plain to read.
            if no is not None and noes_in_refusals.hear(
                {**no, **as_requested(named)}, say, begin=begin, ports=ports
            ):
                error.add_note("The no was heard all the same, for what can be read of it.")
            raise
    counted = all(one.counted for one in done.entries)
    emit(_document(done, counted=counted), as_json, *_told(saying, done))
    raise typer.Exit(Exit.OK if counted else Exit.FAILED)


def _document(done: Acknowledged, *, counted: bool) -> dict[str, object]:
    return {
        "acknowledged_at": done.at,
        "counted": counted,
        "kept_for_later": done.suppressed,
        "noted": list(done.noted),
        "entries": [
            {
                "entry": one.entry,
                "scope": one.scope,
                "counted": one.counted,
                "not_counted": one.not_counted,
                "refused_by": one.covered_by,
            }
            for one in done.entries
        ],
    }


def _told(saying: Saying, done: Acknowledged) -> list[Text]:
    lines = []
    for one in done.entries:
        kept = f"{counting.whose(one.scope)}, kept as entry {one.entry}"
        if one.counted:
            lines.append(Text(f"{saying.state} {kept}."))
        else:
            by = f" (entry {one.covered_by})" if one.covered_by else ""
            lines.append(Text(f"Not counted: {counting.sentence(one.not_counted)}{by} Said {kept}."))
    if done.suppressed:
        lines.append(
            Text(f"{saying.state}: nobody goes by that contact now; it holds for whoever comes with it.")
        )
    lines += [Text(f"Not heard of it: {word}.") for word in done.noted]
    if all(one.counted for one in done.entries):
        lines.append(Text(f"In force since {done.at.isoformat(timespec='milliseconds')}."))
    return lines


@app.command("show")
def show(
    contact: Contact = None,
    namespace: ContactKind = None,
    profile: Profile = None,
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Everything that a person, or everybody at a contact, said. Reading it leaves an audit entry."""
    if contact is not None and profile is not None:
        raise NotBoth(field="profile")
    person = uuid_of(profile, "profile") if profile is not None else None
    value = "" if person is not None else read_contact(contact)
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=PURPOSE) as work:
        ports = opened.system.ports
        whom = person or identifier(value, namespace, work=work, ports=ports)
        found = history.of(whom, work=work, ports=ports)
    emit_rows(
        [{"evidence": None, "counted": None, "notice": None, **word} for word in found],
        ("received_at", "state", "purpose", "channel", "scope", "evidence", "notice", "counted", "entry"),
        as_json,
    )


@app.command("refused")
def refused(workspace: WorkspaceName = None, as_json: Json = False) -> None:
    """Count, for each source, the agreements that a standing refusal did not let count."""
    with platform() as opened, opened.work(workspace, Role.COMPLIANCE, purpose=PURPOSE) as work:
        found = history.refused_grants(work=work, ports=opened.system.ports)
    emit_rows(
        [row | {"source": row["source"] or "said live"} for row in found],
        ("source", "count", "received_at", "entry", "refused_by"),
        as_json,
    )
