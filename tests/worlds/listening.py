"""Listening to what is asked of the policy and told to the log: is it one act of the register?"""

from dataclasses import dataclass, field, replace
from typing import Any

from cdp.acts import Act, Permission

JOBS = frozenset({"worker", "keeper"})  # who acts without being asked


@dataclass
class Heard:
    """What was asked of the policy, and told to the log, since it was last emptied."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    past_acts: list[tuple[str, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def clear(self) -> None:
        """Forget it."""
        for one in (self.asked, self.past_acts, self.told):
            one.clear()


@dataclass
class Policies:
    """Policies that are listened to."""

    real: Any
    heard: Heard

    def __getattr__(self, name):
        return getattr(self.real, name)

    def in_force(self, work):
        """As the real ones, and listened to."""
        return InForce(self.real.in_force(work), self.heard)


@dataclass
class InForce:
    """A policy that is listened to."""

    real: Any
    heard: Heard

    @property
    def version(self):
        """As the real one."""
        return self.real.version

    def role(self, actor, resource, action):
        """As the real one."""
        if actor.ref not in JOBS:
            self.heard.asked.append((str(resource), str(action)))
        return self.real.role(actor, resource, action)

    def allows(self, actor, resource, action):
        """As the real one; nobody but an act should ask."""
        self.heard.past_acts.append((str(resource), str(action)))
        return self.real.allows(actor, resource, action)


@dataclass
class Audit:
    """An audit trail that is listened to."""

    real: Any
    heard: Heard

    def __getattr__(self, name):
        return getattr(self.real, name)

    def record(self, entry, *, work):
        """As the real one."""
        self.heard.told.append(entry.action)
        return self.real.record(entry, work=work)

    def count(self, action, outcome, *, work):
        """As the real one."""
        self.heard.told.append(action)
        return self.real.count(action, outcome, work=work)


def listened_to(ports, heard):
    """The same ports, with policies and audit trail that are listened to."""
    return replace(ports, policies=Policies(ports.policies, heard), audit=Audit(ports.audit, heard))


def wrong_with(heard, also=frozenset()):
    """What does not fit the register in what was heard of one call; empty: it is one act, as it stands.

    `also`: names of acts that the call does beside its own. What jobs do meanwhile is theirs.
    """
    names = {f"{act.deed.subject}:{verb}": act for act in Act for verb in (act.deed.verb, *act.deed.verbs)}
    mine = [name for name in heard.told if name not in also and name.partition(":")[0] not in JOBS]
    told = {name.partition(":")[2] for name in mine}
    acts_told = {names.get(name) for name in told}
    if heard.past_acts:
        return f"asked past the acts: {heard.past_acts}"
    if len(acts_told) != 1 or None in acts_told:
        return f"told {heard.told}"
    (act,) = acts_told
    asked = {Permission(*one) for one in heard.asked}
    needed = {act.deed.needs} if act.deed.needs is not None else set()
    if not needed <= asked <= needed | set(act.deed.may_need):
        return f"{act.name} asked for {heard.asked}"
    return ""
