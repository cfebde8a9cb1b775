"""`ports.Policies`: the policy that is in force in the workspace of the Work that asks, and no other.

Which base that is, and which lines of the workspace's own purposes are agreed to, is read in that
Work, so a change holds at the next request of every process. A process's own file decides only where
none was ever put in force. A new policy is a new enforcer, put in the old one's place by one
assignment; lines that do not load leave the old one there (design.md, decision 10), but never
one that holds what was withdrawn since. A base that cannot be read any more lets nobody do anything but
agree to another, and people say no at their own links (ADR-0049).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from cdp.kernel.errors import BadInput, Conflict, Stale
from cdp.kernel.logs import log
from cdp.ports import PolicyChange, PolicyShown, PurposeLines, Sees
from cdp.vocabulary import Actor, FieldClass, PurposeClass
from cdp.work import Work
from policies import in_force, masking, matrix, purpose_lines
from policies.decide import ColumnPlan, Decider
from policies.loader import Policy, PolicyRefused, load_text

KEPT = 100  # bases that a process keeps compiled
# A no at a person's own link is heard even then: nobody clicks twice.
_AGREE_ONLY = """
p, compliance, policy, read, allow
p, compliance, policy, agree, allow
p, subject, consent, write, allow
"""


class UnreadPolicy(BadInput):
    """This is no policy that could be put in force; the line and the word at fault are named."""


class InForceAlready(Conflict):
    """This is the policy that is in force."""


class AnotherInForce(Stale):
    """Another policy is in force than the one that this was to replace; look at it, and decide anew."""

    by_command = "cdp policy show"
    by_request = "GET /v1/policy"


@dataclass(frozen=True, slots=True)
class _Own:
    """The base and lines of a workspace, and what decides by them."""

    base: str
    agreed: tuple[tuple[str, str], ...]
    decider: Decider


class PolicyService:
    """Answers by what the asking Work's workspace has in force. Safe to share between threads."""

    def __init__(self, file: Policy) -> None:
        self._file = Decider(file)
        self._bases: dict[str, Decider] = {file.version: self._file}
        self._own: dict[UUID, _Own] = {}

    def in_force(self, work: Work) -> Decider:
        """The policy in force in the Work's workspace."""
        standing = in_force.standing(work)
        base = self._base(standing.base, work)
        if not standing.agreed:
            return base
        known = self._own.get(work.workspace)
        if known is None or (known.base, known.agreed) != (base.version, standing.agreed):
            try:
                decider = Decider(purpose_lines.with_base(base.policy, standing.agreed))
            except PolicyRefused as refused:
                log().error("policy_lines_refused", workspace=str(work.workspace), error=refused.message)
                # What was agreed to before stays, unless something of it was withdrawn since.
                stays = known is not None and known.base == base.version
                if known and stays and dict(known.agreed).keys() <= dict(standing.agreed).keys():
                    return known.decider
                return base
            known = self._own[work.workspace] = _Own(base.version, standing.agreed, decider)
        return known.decider

    def version(self, work: Work) -> str:
        """The version of the policy in force in the Work's workspace."""
        return self.in_force(work).version

    def reread(self, *, work: Work) -> None:
        """Read what is in force anew at the next question; see `in_force.reread`."""
        in_force.reread(work)

    def column_plan(self, actor: Actor, purpose: str, *, work: Work) -> ColumnPlan:
        """What `actor` sees of each class for `purpose`; an unnamed purpose shows nothing."""
        return self.in_force(work).column_plan(actor, purpose)

    def mask(self, field_class: FieldClass, name: str, value: object) -> str:
        """The masked form of a value."""
        return masking.mask(field_class, name, value)

    def in_file(self, purpose: str, *, work: Work) -> bool:
        """Whether the base in force speaks of this purpose."""
        return purpose in self._standing_base(work).purposes

    def lines(self, *, work: Work) -> Sequence[PurposeLines]:
        """The lines of the workspace's own purposes, in force or not."""
        return purpose_lines.every(work)

    def propose(self, purpose: str, purpose_class: PurposeClass, *, work: Work) -> str:
        """Propose a purpose's lines from the template of its class; see `purposes.propose`."""
        return purpose_lines.propose(purpose, purpose_class, base=self._standing_base(work), work=work)

    def agree(self, purpose: str, *, work: Work) -> str:
        """Put proposed lines in force; the version that then is. See `purposes.agree`."""
        return purpose_lines.agree(purpose, base=self._standing_base(work), work=work).version

    def withdraw(self, purpose: str, *, work: Work) -> str:
        """Take lines out of force; the version that then is. See `purposes.withdraw`."""
        return purpose_lines.withdraw(purpose, base=self._standing_base(work), work=work).version

    def begin(self, *, work: Work) -> PolicyChange | None:
        """Put this process's file in force where nothing ever was; None: something was."""
        if in_force.standing(work).base is not None:
            return None
        base = self._file.policy
        # Lines that do not load are out of force already, and no reason for having no policy.
        in_force.put(base, self.in_force(work).policy, work=work)
        return PolicyChange(before=None, after=self.version(work), added=base.text.splitlines(), removed=())

    def change(self, text: str | None, *, work: Work) -> PolicyChange:
        """What would change if this text (None: this process's file) were put in force.

        Raises `UnreadPolicy`.
        """
        return self._change(self._proposed(text, work), work)

    def adopt(self, text: str | None, *, seen: Collection[str] | None, work: Work) -> PolicyChange:
        """Put a text (None: this process's file) in force. `seen`: only if one of these versions is, now.

        Raises `UnreadPolicy`, `InForceAlready`, `AnotherInForce`, `in_force.AdoptedMeanwhile`.
        """
        now = self.version(work)
        if seen is not None and now not in seen:
            raise AnotherInForce(in_force=now)
        base = self._proposed(text, work)
        if base.version == in_force.standing(work).base:
            raise InForceAlready
        change = self._change(base, work)
        in_force.put(base, purpose_lines.with_base(base, in_force.standing(work).agreed), work=work)
        return change

    def shown(self, *, work: Work) -> PolicyShown:
        """The policy in force: its lines, and who put its base there."""
        policy, row = self.in_force(work).policy, in_force.newest(work)
        return PolicyShown(
            version=policy.version,
            lines=policy.text.splitlines(),
            adopted_at=row.adopted_at if row else None,
            adopted_by=row.adopted_by if row else None,
        )

    def sees(self, *, work: Work) -> Sequence[Sees]:
        """Who sees what for which purpose, by the policy in force."""
        return matrix.sees(self.in_force(work))

    def roles(self, resource: str, action: str, *, work: Work) -> Sequence[str]:
        """Which roles may, each by itself, by the policy in force."""
        return matrix.roles(self.in_force(work), resource, action)

    def _standing_base(self, work: Work) -> Policy:
        return self._base(in_force.standing(work).base, work).policy

    def _base(self, version: str | None, work: Work) -> Decider:
        """What decides by a base that is in force; None: none was put there, and the file decides."""
        if version is None:
            return self._file
        known = self._bases.get(version)
        if known is None:
            known = _read(version, in_force.text(version, work), work)
            if len(self._bases) >= KEPT:
                self._bases = {self._file.version: self._file}
            self._bases[version] = known
        return known

    def _proposed(self, text: str | None, work: Work) -> Policy:
        try:
            base = self._file.policy if text is None else load_text(text)
            purpose_lines.with_base(base, in_force.standing(work).agreed)
        except PolicyRefused as refused:
            raise UnreadPolicy(field="text", **refused.known) from None
        return base

    def _change(self, base: Policy, work: Work) -> PolicyChange:
        before = self.in_force(work).policy
        after = purpose_lines.with_base(base, in_force.standing(work).agreed)
        old, new = set(before.text.splitlines()), set(after.text.splitlines())
        return PolicyChange(
            before=before.version, after=after.version, added=sorted(new - old), removed=sorted(old - new)
        )


def _read(version: str, text: str | None, work: Work) -> Decider:
    """A base as it was put in force; one that cannot be read any more lets nobody do more than agree."""
    try:
        found = load_text(text or "")
    except PolicyRefused as refused:
        log().error("policy_refused", workspace=str(work.workspace), error=refused.message)
    else:
        if found.version == version:
            return Decider(found)
        log().error("policy_refused", workspace=str(work.workspace), error="another version")
    return Decider(load_text(_AGREE_ONLY))
