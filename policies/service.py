"""`ports.Policies`: the base policy for acts, and with a workspace's own lines for classes of fields.

What a workspace has agreed to is read in the Work that asks, so it holds at the next request of
every process. A new set of lines is a new enforcer, put in the old one's place by one
assignment; lines that do not load leave the old one there (design.md, decision 10), but never
one that holds what was withdrawn since.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cdp.kernel.logs import log
from cdp.ports import PurposeLines
from cdp.vocabulary import Actor, FieldClass, PurposeClass
from cdp.work import Work
from policies import masking, purposes
from policies.decide import ColumnPlan, Decider
from policies.loader import Policy, PolicyRefused


@dataclass(frozen=True, slots=True)
class _Own:
    """What a workspace has agreed to, and what decides by it."""

    agreed: tuple[tuple[str, str], ...]
    decider: Decider


class PolicyService:
    """Answers by the base, and by the lines of the asking Work's workspace. Safe to share between threads."""

    def __init__(self, base: Policy) -> None:
        self._base = base
        self._decider = Decider(base)
        self._own: dict[UUID, _Own] = {}

    def version(self, work: Work) -> str:
        """The version of the policy in force in the Work's workspace."""
        return self._of(work).version

    def allows(self, actor: Actor, resource: str, action: str) -> bool:
        """Whether `actor` may do `action` to `resource`; the base alone says so."""
        return self._decider.allows(actor, resource, action)

    def role(self, actor: Actor, resource: str, action: str) -> str | None:
        """The role by which `actor` may; the base alone says so."""
        return self._decider.role(actor, resource, action)

    def column_plan(self, actor: Actor, purpose: str, *, work: Work) -> ColumnPlan:
        """What `actor` sees of each class for `purpose`; an unnamed purpose shows nothing."""
        return self._of(work).column_plan(actor, purpose)

    def mask(self, field_class: FieldClass, name: str, value: Any) -> str:
        """The masked form of a value."""
        return masking.mask(field_class, name, value)

    def in_file(self, purpose: str) -> bool:
        """Whether the base speaks of this purpose."""
        return purpose in self._base.purposes

    def lines(self, *, work: Work) -> Sequence[PurposeLines]:
        """The lines of the workspace's own purposes, in force or not."""
        return purposes.every(work)

    def propose(self, purpose: str, purpose_class: PurposeClass, *, work: Work) -> str:
        """Propose a purpose's lines from the template of its class; see `purposes.propose`."""
        return purposes.propose(purpose, purpose_class, base=self._base, work=work)

    def agree(self, purpose: str, *, work: Work) -> str:
        """Put proposed lines in force; the version that then is. See `purposes.agree`."""
        return purposes.agree(purpose, base=self._base, work=work).version

    def withdraw(self, purpose: str, *, work: Work) -> str:
        """Take lines out of force; the version that then is. See `purposes.withdraw`."""
        return purposes.withdraw(purpose, base=self._base, work=work).version

    def _of(self, work: Work) -> Decider:
        agreed = purposes.agreed(work)
        known = self._own.get(work.workspace)
        if not agreed:
            return self._decider
        if known is None or known.agreed != agreed:
            try:
                known = _Own(agreed, Decider(purposes.with_base(self._base, agreed)))
            except PolicyRefused as refused:
                log().error("policy_lines_refused", workspace=str(work.workspace), error=refused.message)
                # What was agreed to before stays, unless something of it was withdrawn since.
                if known is not None and dict(known.agreed).keys() <= dict(agreed).keys():
                    return known.decider
                return self._decider
            self._own[work.workspace] = known
        return known.decider
