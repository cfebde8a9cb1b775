"""Decides: what an actor may do, and what of each class of field they see for a purpose.

Casbin is asked once for each (roles, question) and the answer kept as long as the policy is
in force, never per row (design.md, decision 10). An actor's roles are linked to one nameless
caller in an enforcer of their own, so that a denial of one role beats what another allows.
Reads no database. Held to a plain reference by `tests/unit/policies/test_policies_decide.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from types import MappingProxyType

import casbin
from casbin.core_enforcer import EnforceContext

from cdp.vocabulary import Actor, FieldClass, Show
from policies import masking
from policies.loader import ColumnRule, Policy
from policies.policy_words import permitted_pair

# One question at a time in the whole process. Casbin parses its matcher at each question with
# `ast.parse`, which in CPython 3.11 fails with a SystemError when threads meet in it, even those
# that ask different enforcers; and an enforcer changes its own tables while it answers.
_ASKING = Lock()

_CALLER = "@caller"  # No role can be called this: words of a policy begin with a letter.

# What a column line says about each of the two questions, so that one effect serves both
# kinds of line: the strictest line that applies wins, and no line at all is a refusal.
_ANSWERS: Mapping[Show, tuple[tuple[Show, str], ...]] = {
    Show.SHOW: ((Show.SHOW, "allow"), (Show.MASK, "allow")),
    Show.MASK: ((Show.SHOW, "deny"), (Show.MASK, "allow")),
    Show.WITHHOLD: ((Show.SHOW, "deny"), (Show.MASK, "deny")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPlan(Mapping[FieldClass, Show]):
    """What is shown, masked or withheld of every class of field, for one actor and purpose.

    A mapping over all of `FieldClass`; asked for anything else, it answers `withhold`.
    """

    purpose: str
    policy_version: str
    cells: Mapping[FieldClass, Show] = field(hash=False)

    @classmethod
    def compiled(cls, ask: Callable[[FieldClass], Show], *, purpose: str, version: str) -> "ColumnPlan":
        """The plan that `ask` answers, class by class."""
        cells = MappingProxyType({one: ask(one) for one in FieldClass})
        return cls(purpose=purpose, policy_version=version, cells=cells)

    def __getitem__(self, key: FieldClass) -> Show:
        return self.cells.get(key, Show.WITHHOLD)

    def __contains__(self, key: object) -> bool:
        return key in self.cells

    def __iter__(self) -> Iterator[FieldClass]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)

    def that(self, show: Show) -> frozenset[FieldClass]:
        """The classes of which this plan says `show`."""
        return frozenset(key for key, value in self.cells.items() if value is show)


class _Enforcer:
    """Casbin with one policy and one set of roles. Not safe to share between threads."""

    def __init__(self, policy: Policy, roles: frozenset[str]) -> None:
        model = casbin.Model()
        model.load_model_from_text(policy.model)
        self._casbin = casbin.Enforcer(model)
        self._casbin.add_policies(
            [[rule.role, rule.resource, rule.action, str(rule.effect)] for rule in policy.actions]
        )
        self._casbin.add_named_policies("p2", [line for rule in policy.columns for line in _lines(rule)])
        links = [[rule.role, rule.parent] for rule in policy.inheritance]
        self._casbin.add_grouping_policies(links + [[_CALLER, role] for role in sorted(roles)])
        self._columns = EnforceContext("r2", "p2", "e", "m2")

    def allows(self, resource: str, action: str) -> bool:
        return self._casbin.enforce(_CALLER, resource, action) is True

    def shows(self, purpose: str, field_class: FieldClass) -> Show:
        for show in (Show.SHOW, Show.MASK):
            question = (_CALLER, purpose, field_class.name.lower(), str(show))
            if self._casbin.enforce(self._columns, *question) is True:
                return show
        return Show.WITHHOLD


def _lines(rule: ColumnRule) -> list[list[str]]:
    about = [rule.role, rule.purpose, rule.field_class.name.lower()]
    return [[*about, str(question), effect] for question, effect in _ANSWERS[rule.show]]


class _InForce:
    """One policy with all that was asked of it. Thrown away whole when a policy replaces it."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        # An enforcer is built at once, so that what Casbin cannot take is never put in force.
        self._enforcers = {frozenset[str](): _Enforcer(policy, frozenset())}
        self._allowed: dict[tuple[frozenset[str], str, str], bool] = {}
        self._plans: dict[tuple[frozenset[str], str], ColumnPlan] = {}

    def allows(self, roles: frozenset[str], resource: str, action: str) -> bool:
        key = (roles, resource, action)
        known = self._allowed.get(key)
        if known is None:
            with _ASKING:
                known = self._allowed[key] = self._enforcer(roles).allows(resource, action)
        return known

    def plan(self, roles: frozenset[str], purpose: str) -> ColumnPlan:
        key = (roles, purpose)
        known = self._plans.get(key)
        if known is None:
            with _ASKING:
                enforcer = self._enforcer(roles)
                known = self._plans[key] = ColumnPlan.compiled(
                    lambda one: enforcer.shows(purpose, one), purpose=purpose, version=self.policy.version
                )
        return known

    def _enforcer(self, roles: frozenset[str]) -> _Enforcer:
        if roles not in self._enforcers:
            self._enforcers[roles] = _Enforcer(self.policy, roles)
        return self._enforcers[roles]


class Decider:
    """Answers by one policy: `ports.InForce`. Safe to share between threads.

    A new policy is built beside the old one and takes its place by one assignment: reloading
    Casbin in place lets denied callers through while it runs (limits.md).
    """

    def __init__(self, policy: Policy) -> None:
        self._in_force = _InForce(policy)

    @property
    def version(self) -> str:
        """The version of the policy in force."""
        return self._in_force.policy.version

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._in_force.policy

    def replace(self, policy: Policy) -> None:
        """Put `policy` in force. If it cannot be built, this raises and the old one stays."""
        self._in_force = _InForce(policy)

    def allows(self, actor: Actor, resource: str, action: str) -> bool:
        """Whether `actor` may do `action` to `resource`; an unknown word is a no."""
        now = self._in_force
        roles = actor.roles & now.policy.roles
        # Only words of the policy are asked and kept, so no caller can fill the memory.
        if not roles or not permitted_pair(resource, action):
            return False
        return now.allows(roles, str(resource), str(action))

    def role(self, actor: Actor, resource: str, action: str) -> str | None:
        """The first of the actor's roles that by itself allows what all of them together do; None: none."""
        if not self.allows(actor, resource, action):
            return None
        alone = (replace(actor, roles=frozenset({one})) for one in sorted(actor.roles))
        return next((str(*one.roles) for one in alone if self.allows(one, resource, action)), None)

    def column_plan(self, actor: Actor, purpose: str) -> ColumnPlan:
        """What `actor` sees of each class for `purpose`, by name. An unnamed purpose shows nothing."""
        now = self._in_force
        roles = actor.roles & now.policy.roles
        if not roles or purpose not in now.policy.purposes:
            return ColumnPlan.compiled(lambda _: Show.WITHHOLD, purpose=purpose, version=now.policy.version)
        return now.plan(roles, purpose)

    def mask(self, field_class: FieldClass, name: str, value: object) -> str:
        """The masked form of a value; see `masking`."""
        return masking.mask(field_class, name, value)
