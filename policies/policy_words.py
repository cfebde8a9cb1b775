"""The closed vocabulary of a policy: which actions each resource has, effects, classes.

A word that is not here refuses the whole policy at load, and is refused when asked for.
Scopes of access tokens are `resource:action` out of `PERMISSIONS`.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from cdp.vocabulary import CONTACTS, Action, FieldClass, Resource


class Effect(StrEnum):
    """What an action line says; a deny beats every allow."""

    ALLOW = "allow"
    DENY = "deny"


_READ_WRITE = frozenset({Action.READ, Action.WRITE})

# Which actions a resource has. A pair that is not here can be neither granted nor asked for.
PERMISSIONS: Mapping[Resource, frozenset[Action]] = MappingProxyType(
    {
        Resource.PROFILE: frozenset({Action.READ, Action.READ_AS_CONTROLLER}),
        Resource.SEGMENT: _READ_WRITE,
        Resource.AUDIENCE: frozenset({Action.PREVIEW, Action.READ_EXACT}),
        Resource.RELEASE: frozenset({Action.READ, Action.RUN}),
        Resource.INSIGHT: frozenset({Action.READ}),
        Resource.CONSENT: frozenset({Action.READ, Action.READ_EXACT, Action.WRITE}),
        Resource.IDENTITY: frozenset({Action.READ, Action.MERGE, Action.UNMERGE}),
        Resource.SUBJECT: frozenset({Action.ACCESS, Action.RECTIFY, Action.RESTRICT, Action.ERASE}),
        Resource.REQUEST: _READ_WRITE,
        Resource.AUDIT: frozenset({Action.READ}),
        Resource.CHANGE: frozenset({Action.READ}),
        Resource.EVENT: frozenset({Action.WRITE}),
        Resource.VERDICT: frozenset({Action.READ}),
        Resource.QUARANTINE: frozenset({Action.READ, Action.RUN}),
        Resource.IMPORT: frozenset({Action.RUN}),
        Resource.SOURCE: _READ_WRITE,
        Resource.CLIENT: _READ_WRITE,
        Resource.ACCOUNT: _READ_WRITE,
        Resource.NOTICE: _READ_WRITE,
        Resource.PURPOSE: frozenset({Action.READ, Action.WRITE, Action.CHANGE_BASIS}),
        Resource.RECIPIENT: _READ_WRITE,
        Resource.CONTROLLER: _READ_WRITE,
        Resource.POLICY: _READ_WRITE | {Action.AGREE},
        Resource.JOB: frozenset({Action.RUN}),
        Resource.KEY: frozenset({Action.ROTATE}),
        Resource.LOG: frozenset({Action.SIGN}),
        Resource.FINDING: frozenset({Action.READ, Action.DECIDE}),
    }
)

# Nobody has a purpose for these: a line that shows or masks them refuses the policy.
NEVER_SHOWN: frozenset[FieldClass] = frozenset({FieldClass.THIRD_PARTY, FieldClass.UNCLASSIFIED})

# What lines of older policies say; nobody can tell which contacts their writer meant.
SPLIT: Mapping[str, str] = MappingProxyType(
    {FieldClass.CONTACT.name.lower(): "+".join(one.name.lower() for one in CONTACTS.values())}
)
# By their names in lines; contacts are sealed as one class, and permitted by namespace.
CLASSES: Mapping[str, FieldClass] = MappingProxyType(
    {one.name.lower(): one for one in FieldClass if one is not FieldClass.CONTACT}
)

# In the purpose's place: every purpose. Only a line that withholds may say so.
ANY_PURPOSE = "*"


def permitted_pair(resource: str, action: str) -> bool:
    """Whether `resource:action` is a pair of `PERMISSIONS`."""
    try:
        return Action(action) in PERMISSIONS[Resource(resource)]
    except ValueError:
        return False


def scope(resource: Resource, action: Action) -> str:
    """The name of a permission as it stands in an access token: `resource:action`."""
    return f"{resource}:{action}"
