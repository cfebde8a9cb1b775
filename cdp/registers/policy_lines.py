"""Policy lines of purposes: who proposes them, who agrees, and what to do where none lets anybody see.

A new purpose starts without any: nothing is shown or sent for it until a compliance officer
agrees to what is proposed. The policy keeps the lines; here stand the acts and the advice.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from cdp.acting import acting, check
from cdp.acts import Act
from cdp.kernel.errors import NotAllowed
from cdp.ports import Ports, PurposeLines
from cdp.registers import purpose_names, versions
from cdp.vocabulary import CONTACTS, REACHES, Actor, Channel, FieldClass, PurposeClass, Role, Show
from cdp.work import Work

IN_FILE = "in_file"  # how a proposal ends that the policy itself makes idle
RELEASES = frozenset({"service"})  # in whose role a release uses what it sends


class AdministratorsDoNotAgree(NotAllowed):
    """Whoever makes purposes does not also say what may be seen for them: another officer agrees."""


class NotAgreed(NotAllowed):
    """No policy line lets this role see this class for this purpose until an officer agrees to one."""

    by_command = "cdp policy agree {purpose}"
    by_request = "POST /v1/purposes/{purpose}/policy-lines/agreement, as a client with the role compliance"


class NotProposed(NotAllowed):
    """No policy line lets this role see this class for this purpose, and none is proposed."""

    by_command = "cdp policy propose {purpose}"
    by_request = "POST /v1/purposes/{purpose}/policy-lines/proposal, as a client with the role admin"


class NotInFile(NotAllowed):
    """No policy line lets this role see this class for this purpose; the policy file is what says so."""

    by_command = "cdp policy adopt FILE, with a line of your own in it"
    by_request = "PUT /v1/policy, with a line of your own in it"


class NotInTemplate(NotAllowed):
    """The lines of this purpose are agreed to, and they do not let this role see this class."""

    by_command = "cdp policy adopt FILE, with a line of your own in it"
    by_request = "PUT /v1/policy, with a line of your own in it"


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
    purpose: str,
    roles: Collection[str],
    classes: Collection[FieldClass],
    *,
    work: Work,
    ports: Ports,
    attribute: str = "",
) -> NotAllowed:
    """Why those roles do not see those classes for a purpose, and what mends it, to raise or to tell.

    `attribute`: what of the class was to be compared, where that was it.
    """
    known = {
        **({"attribute": attribute} if attribute else {}),
        "role": "+".join(sorted(roles)),
        "class": "+".join(sorted(one.name.lower() for one in classes)),
        "purpose": purpose,
    }
    if ports.policies.in_file(purpose, work=work):
        return NotInFile(**known)
    for one in ports.policies.lines(work=work):
        if one.purpose == purpose:
            return NotAgreed(**known) if one.agreed_at is None else NotInTemplate(**known)
    return NotProposed(**known)


def propose(purpose: str, *, work: Work, ports: Ports) -> str | None:
    """Propose a purpose's lines as `proposed` does. Raises `ActNotAllowed`, `UnknownPurpose`, `Conflict`."""
    with acting(Act.POLICY_LINES_PROPOSE, work=work, ports=ports) as doing:
        one_by_one(Act.POLICY_LINES_PROPOSE, work=work, ports=ports)
        which = purpose_names.used(purpose, work=work, ports=ports)
        known = {one.id: one.purpose_class for one in ports.registers.purposes.every(work=work)}
        text = proposed(purpose, known[which], work=work, ports=ports)
        doing.tell(object=purpose, outcome="" if text else IN_FILE)
    return text


def proposed(purpose: str, purpose_class: PurposeClass, *, work: Work, ports: Ports) -> str | None:
    """Propose the lines of a class's template; their text, None where the policy itself has lines for it.

    What it is a part of asks the policy and is told. Raises `Conflict` for lines that are in force.
    """
    _locked(work=work, ports=ports)
    if ports.policies.in_file(purpose, work=work):
        return None
    return ports.policies.propose(purpose, purpose_class, work=work)


def agree(purpose: str, *, work: Work, ports: Ports) -> str:
    """Put a purpose's proposed lines in force; the version of the policy that then is.

    Raises `ActNotAllowed`, `AdministratorsDoNotAgree`, `NotFound` where nothing is proposed, `Conflict`
    where it is in force.
    """
    with acting(Act.POLICY_LINES_AGREE, work=work, ports=ports) as doing:
        by_another(work)
        one_by_one(Act.POLICY_LINES_AGREE, work=work, ports=ports)
        doing.tell(object=purpose)
        return ports.policies.agree(purpose, work=work)


def withdraw(purpose: str, *, work: Work, ports: Ports) -> str:
    """Take a purpose's lines out of force; they are proposed again. Raises as `agree` does."""
    with acting(Act.POLICY_LINES_WITHDRAW, work=work, ports=ports) as doing:
        by_another(work)
        one_by_one(Act.POLICY_LINES_WITHDRAW, work=work, ports=ports)
        doing.tell(object=purpose)
        return ports.policies.withdraw(purpose, work=work)


def every(*, work: Work, ports: Ports) -> Sequence[PurposeLines]:
    """The lines of the workspace's own purposes, proposed or in force. Raises `ActNotAllowed`."""
    with acting(Act.POLICY_LINES_LIST, work=work, ports=ports):
        return ports.policies.lines(work=work)


def one_by_one(act: Act, *, work: Work, ports: Ports) -> None:
    """Let nobody else change the policy before the Work ends, and decide by what is in force now.

    Whoever was waited for may have taken the act from the actor. Raises `ActNotAllowed`.
    """
    _locked(work=work, ports=ports)
    check(act, work.actor, policy=ports.policies.in_force(work))


def _locked(*, work: Work, ports: Ports) -> None:
    versions.lock(work=work)
    ports.policies.reread(work=work)


def by_another(work: Work) -> None:
    """Raise `AdministratorsDoNotAgree`, whatever a policy file allows."""
    if Role.ADMIN in work.actor.roles:
        raise AdministratorsDoNotAgree
