"""Policy lines of purposes: who proposes them, who agrees, and what to do where none lets anybody see.

A new purpose starts without any: nothing is shown or sent for it until a compliance officer
agrees to what is proposed. The policy keeps the lines; here stand the acts and the advice.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from cdp.kernel.errors import NotAllowed
from cdp.ports import AuditEntry, Ports, PurposeLines
from cdp.vocabulary import CONTACTS, REACHES, Actor, Channel, FieldClass, PurposeClass, Show
from cdp.work import Work

RELEASES = frozenset({"service"})  # in whose role a release uses what it sends


class AgreeingNotAllowed(NotAllowed):
    """A compliance officer agrees to policy lines, and nobody who is an administrator too."""


class ProposingNotAllowed(NotAllowed):
    """The policy does not let this caller propose policy lines."""


class LinesNotReadable(NotAllowed):
    """The policy does not let this caller read purposes."""


class NotAgreed(NotAllowed):
    """No policy line lets this role see this class for this purpose until an officer agrees to one."""

    by_command = "cdp policy agree {purpose}"
    by_request = "POST /v1/purposes/{purpose}/policy-lines/agreement, as a client with the role compliance"


class NotProposed(NotAllowed):
    """No policy line lets this role see this class for this purpose, and none is proposed."""

    by_command = "cdp policy propose {purpose}"
    by_request = "the operator's command cdp policy propose {purpose}"


class NotInFile(NotAllowed):
    """No policy line lets this role see this class for this purpose; the policy file is what says so."""

    by_command = "a line of your own in CDP_POLICY_FILE"
    by_request = "a line in the operator's policy file"


class NotInTemplate(NotAllowed):
    """The lines of this purpose are agreed to, and they do not let this role see this class."""

    by_command = "a line of your own in CDP_POLICY_FILE"
    by_request = "a line in the operator's policy file"


def release_plan(purpose: str, channel: Channel, *, work: Work, ports: Ports) -> Mapping[FieldClass, Show]:
    """The column plan of a release itself: it uses what the service role may for that purpose.

    Contacts that the channel does not reach are no part of it, whatever a policy says.
    """
    plan = _of_releases(purpose, work=work, ports=ports)
    others = frozenset(CONTACTS.values()) - {reached_by(channel)}
    return {**plan, **dict.fromkeys(others, Show.WITHHOLD)}


def open_channels(purpose: str, *, work: Work, ports: Ports) -> frozenset[Channel]:
    """The channels over which the policy lets releases for that purpose send."""
    plan = _of_releases(purpose, work=work, ports=ports)
    return frozenset(channel for channel in Channel if plan[reached_by(channel)] is Show.SHOW)


def _of_releases(purpose: str, *, work: Work, ports: Ports) -> Mapping[FieldClass, Show]:
    return plan_for(replace(work.actor, roles=RELEASES), purpose, work=work, ports=ports)


def reached_by(channel: Channel) -> FieldClass:
    """The class of the contacts that a channel reaches; of one that reaches nobody, what nobody may see."""
    return CONTACTS.get(REACHES.get(channel, ""), FieldClass.UNCLASSIFIED)


def plan_for(actor: Actor, purpose: str, *, work: Work, ports: Ports) -> Mapping[FieldClass, Show]:
    """The column plan; special categories are for purposes that are about them, whatever a policy says."""
    plan = ports.policies.column_plan(actor, purpose, work=work)
    if purpose in ports.ledger.special(work=work):
        return plan
    return {**plan, FieldClass.SENSITIVE: Show.WITHHOLD}


def refusal(
    purpose: str, roles: Collection[str], classes: Collection[FieldClass], *, work: Work, ports: Ports
) -> NotAllowed:
    """Why those roles do not see those classes for a purpose, and what mends it, to raise or to tell."""
    known = {
        "role": "+".join(sorted(roles)),
        "class": "+".join(sorted(one.name.lower() for one in classes)),
        "purpose": purpose,
    }
    if ports.policies.in_file(purpose):
        return NotInFile(**known)
    for one in ports.policies.lines(work=work):
        if one.purpose == purpose:
            return NotAgreed(**known) if one.agreed_at is None else NotInTemplate(**known)
    return NotProposed(**known)


def propose(purpose: str, purpose_class: PurposeClass, *, work: Work, ports: Ports) -> str | None:
    """Propose the lines of the class's template; their text, None where the policy file has its own.

    Raises `ProposingNotAllowed`, and `Conflict` for lines that are in force.
    """
    if not ports.policies.allows(work.actor, "purpose", "write"):
        raise ProposingNotAllowed
    if ports.policies.in_file(purpose):
        return None
    text = ports.policies.propose(purpose, purpose_class, work=work)
    _record("propose", purpose, ports.policies.version(work), work, ports)
    return text


def agree(purpose: str, *, work: Work, ports: Ports) -> str:
    """Put a purpose's proposed lines in force; the version of the policy that then is.

    Raises `AgreeingNotAllowed`, `NotFound` where nothing is proposed, `Conflict` where it is in force.
    """
    _check(work, ports)
    version = ports.policies.agree(purpose, work=work)
    _record("agree", purpose, version, work, ports)
    return version


def withdraw(purpose: str, *, work: Work, ports: Ports) -> str:
    """Take a purpose's lines out of force; they are proposed again. Raises as `agree` does."""
    _check(work, ports)
    version = ports.policies.withdraw(purpose, work=work)
    _record("withdraw", purpose, version, work, ports)
    return version


def every(*, work: Work, ports: Ports) -> Sequence[PurposeLines]:
    """The lines of the workspace's own purposes, proposed or in force. Raises `LinesNotReadable`."""
    if not ports.policies.allows(work.actor, "purpose", "read"):
        raise LinesNotReadable
    return ports.policies.lines(work=work)


def _check(work: Work, ports: Ports) -> None:
    # Whoever makes purposes must not also say what may be seen for them, whatever a file allows.
    if "admin" in work.actor.roles or not ports.policies.allows(work.actor, "policy", "agree"):
        raise AgreeingNotAllowed


def _record(action: str, purpose: str, version: str, work: Work, ports: Ports) -> None:
    ports.audit.record(
        AuditEntry(
            action=f"{work.actor.kind}:policy:{action}",
            outcome="ok",
            policy_version=version,
            detail={"purpose": purpose},
        ),
        work=work,
    )
