"""Who sees and may do what: a policy, written out role by role.

Casbin is asked only about roles and purposes that a line speaks of; of all others nothing is shown.
"""

from collections.abc import Sequence

from cdp.ports import Sees
from cdp.vocabulary import Actor, Show
from policies.decide import Decider
from policies.loader import Policy


def sees(decider: Decider) -> Sequence[Sees]:
    """For each role and purpose of which anything is shown or masked, the classes; by role and purpose."""
    policy = decider.policy
    spoken = {(rule.role, rule.purpose) for rule in policy.columns if rule.show is not Show.WITHHOLD}
    asked = sorted(
        {
            (role, purpose)
            for role in policy.roles
            for own in _line(role, policy)
            for who, purpose in spoken
            if who == own
        }
    )
    found = []
    for role, purpose in asked:
        plan = decider.column_plan(_alone(role), purpose)
        shown, masked = (
            sorted(one.name.lower() for one in plan.that(show)) for show in (Show.SHOW, Show.MASK)
        )
        if shown or masked:
            found.append(Sees(role=role, purpose=purpose, shown=shown, masked=masked))
    return found


def roles(decider: Decider, resource: str, action: str) -> Sequence[str]:
    """Which roles may do this, each by itself."""
    return [role for role in sorted(decider.policy.roles) if decider.allows(_alone(role), resource, action)]


def _alone(role: str) -> Actor:
    return Actor(ref=role, roles=frozenset({role}), kind="system")


def _line(role: str, policy: Policy) -> set[str]:
    """A role and all that it inherits from."""
    line, more = {role}, {role}
    while more:
        more = {rule.parent for rule in policy.inheritance if rule.role in more} - line
        line |= more
    return line
