"""Un-merge: two records that were taken for one person, and are not.

Only who belongs to whom changes: facts, words and keys stay with their fragments, so each
side is at once as if it had never been merged, and the same evidence does not merge it again.
"""

from collections.abc import Collection

from cdp import profiles
from cdp.kernel.errors import NotAllowed
from cdp.ports import AuditEntry, Ports
from cdp.vocabulary import FragmentId, ProfileId
from cdp.work import Work


class UnmergeNotAllowed(NotAllowed):
    """The policy does not let this caller separate people."""


def separate(a: FragmentId, b: FragmentId, *, work: Work, ports: Ports) -> Collection[ProfileId]:
    """Say that these two fragments are never the same person; the profiles that there are now.

    Raises `UnmergeNotAllowed`, `NotFound` for an unknown fragment.
    """
    if not ports.policies.allows(work.actor, "identity", "unmerge"):
        raise UnmergeNotAllowed
    regrouped = ports.identity.separate(a, b, work=work)
    profiles.refresh(regrouped, people=regrouped, gone=regrouped, work=work, ports=ports)
    keys = ports.vault.keys(sorted({a, b}), work=work)
    ports.audit.record(
        AuditEntry(
            action=f"{work.actor.kind}:identity:separate",
            outcome="ok",
            references=[keys.reference(one) for one in sorted({a, b})],
            policy_version=ports.policies.version,
            detail={"profiles": sorted(str(one) for one in regrouped)},
        ),
        work=work,
    )
    return sorted({root for one in (a, b) if (root := ports.identity.resolve(one, work=work)) is not None})
