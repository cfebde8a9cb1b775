"""The policy of a workspace: which one is in force, who sees what by it, and how another takes its place.

It is the workspace's and no process's: every process decides by the text that was adopted last, whatever
file it was started with. A process that is told to use a file of its own, and has another than the one in
force, does not start; that it was tried is an entry that says how the two differ (ADR-0049).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict

from cdp.acting import acting
from cdp.acts import Act
from cdp.kernel.errors import REFUSED, Refused
from cdp.ports import PolicyChange, PolicyShown, Ports, Sees
from cdp.registers import versions
from cdp.registers.policy_lines import by_another, one_by_one
from cdp.registers.versions import Seen
from cdp.work import Work


class PolicyDiffers(Refused, http=False):
    """CDP_POLICY_FILE is not the policy in force: a compliance officer adopts it with `cdp policy adopt`,
    after `cdp policy diff`; or start without that setting, by the policy in force.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Who sees what for which purpose, and by which roles each act can be done."""

    version: str
    sees: Sequence[Sees]
    may: Mapping[str, Sequence[str]]


def show(*, work: Work, ports: Ports) -> PolicyShown:
    """The policy in force. Raises `ActNotAllowed`."""
    with acting(Act.POLICY_SHOW, work=work, ports=ports):
        return ports.policies.shown(work=work)


def matrix(*, work: Work, ports: Ports) -> Matrix:
    """Who may see and do what by the policy in force. Raises `ActNotAllowed`."""
    with acting(Act.POLICY_MATRIX, work=work, ports=ports):
        may = {
            f"{act.deed.subject}:{act.deed.verb}": ports.policies.roles(
                act.needs.resource, act.needs.action, work=work
            )
            for act in Act
            if act.deed.needs is not None
        }
        sees = ports.policies.sees(work=work)
        return Matrix(version=ports.policies.version(work), sees=sees, may=may)


def diff(text: str | None, *, work: Work, ports: Ports) -> PolicyChange:
    """What would change by adopting a text (None: the file of this process).

    Raises `ActNotAllowed`, `BadInput` for a text that is no policy.
    """
    with acting(Act.POLICY_DIFF, work=work, ports=ports):
        return ports.policies.change(text, work=work)


def adopt(text: str | None, *, seen: Seen = None, work: Work, ports: Ports) -> PolicyChange:
    """Put a text (None: the file of this process) in force for every process, at its next request.

    Raises `ActNotAllowed`, `AdministratorsDoNotAgree`, `BadInput` for a text that is no policy, `Conflict`,
    `Stale` if another version is in force than was seen.
    """
    with acting(Act.POLICY_ADOPT, work=work, ports=ports) as doing:
        by_another(work)
        one_by_one(Act.POLICY_ADOPT, work=work, ports=ports)
        made = ports.policies.adopt(text, seen=seen, work=work)
        doing.tell(**_said(made))
    return made


def begin(*, work: Work, ports: Ports) -> None:
    """Put the file of this process in force, in a workspace in which no policy ever was."""
    versions.lock(work=work)
    ports.policies.reread(work=work)
    made = ports.policies.begin(work=work)
    if made is not None:
        with acting(Act.POLICY_BEGIN, work=work, ports=ports) as doing:
            doing.tell(object=made.after, lines=len(made.added))


def hold(*, work: Work, ports: Ports) -> PolicyDiffers | None:
    """What refuses a process whose file is not in force, to be raised once its entry is committed."""
    shown = ports.policies.shown(work=work)
    change = ports.policies.change(None, work=work)
    if shown.adopted_at is None or change.before == change.after:
        return None
    with acting(Act.POLICY_DIFFER, work=work, ports=ports) as doing:
        doing.tell(outcome=REFUSED, **_said(change))
    return PolicyDiffers(
        in_force=shown.version, file=change.after, added=len(change.added), removed=len(change.removed)
    )


class _Said(TypedDict):
    object: str
    before: str | None
    added: list[str]
    removed: list[str]


def _said(change: PolicyChange) -> _Said:
    """A change as entries tell it: by versions and lines, which are words of a policy."""
    return {
        "object": change.after,
        "before": change.before,
        "added": list(change.added),
        "removed": list(change.removed),
    }
