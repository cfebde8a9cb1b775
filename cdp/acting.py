"""How an act is done: the policy is asked, it is done, it is recorded, in one transaction.

    with acting(Act.SEGMENT_CREATE, work=work, ports=ports) as doing:
        …
        doing.tell(object=identifier)

Nothing else asks the policy whether somebody may, or writes an entry of an act. What was refused, or
asked about nobody, rolls its Work back, so it is counted in one of its own (`counting_refusals`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TypedDict
from uuid import UUID

from cdp.acts import Act, Kept, Permission
from cdp.kernel.errors import CdpError, NotAllowed
from cdp.kernel.json_values import Json, JsonObject
from cdp.ports import AuditEntry, InForce, Ports
from cdp.vocabulary import Actor, FieldClass
from cdp.work import Work

OK, PARTIAL, FAILED = "ok", "partial", "failed"


class ActNotAllowed(NotAllowed):
    """Under the policy in force you may not do this."""

    by_command = "cdp policy matrix, which says which roles may do what"
    by_request = "a token with the scope {needs}, which a client gets whose roles may do this"


class Told(TypedDict, total=False):
    """What an act says of itself in the words of its entry."""

    purpose: str
    outcome: str
    references: Sequence[bytes]
    recipient: UUID
    notice_version: str


@dataclass(slots=True, kw_only=True)
class Doing:
    """An act that is allowed and under way; what is told of it here stands in its entry."""

    act: Act
    work: Work
    ports: Ports
    role: str  # the role that allowed it; empty: none was asked for
    entry: Told = field(default_factory=Told)
    detail: JsonObject = field(default_factory=dict)
    recorded: UUID | None = None  # its entry, once it is done

    def may(self, permission: Permission) -> bool:
        """Whether the actor may do what the act needs in some cases alone."""
        return may(permission, self.work.actor, act=self.act, policy=self.ports.policies.in_force(self.work))

    def must(self, permission: Permission) -> None:
        """Raise `ActNotAllowed` unless `may`."""
        if not self.may(permission):
            raise ActNotAllowed(needs=permission.scope)

    def tell(
        self,
        *,
        object: UUID | str | None = None,
        purpose: str = "",
        outcome: str = "",
        references: Sequence[bytes] = (),
        recipient: UUID | None = None,
        notice: UUID | None = None,
        shown: Collection[FieldClass] = (),
        masked: Collection[FieldClass] = (),
        withheld: Collection[FieldClass] = (),
        **detail: object,
    ) -> None:
        """Say of the act what its entry holds besides: what it was done to, which classes of fields
        were shown, masked and withheld, the references of fragments; nothing of a person.

        A person is no `object`: their references say who it was, for as long as they are not erased.
        """
        if purpose:
            self.entry["purpose"] = purpose
        if outcome:
            self.entry["outcome"] = outcome
        if references:
            self.entry["references"] = references
        if recipient:
            self.entry["recipient"] = recipient
        if notice:
            self.entry["notice_version"] = str(notice)
        classes = {"shown": shown, "masked": masked, "withheld": withheld}
        self.detail |= {
            name: sorted(one.name.lower() for one in some) for name, some in classes.items() if some
        }
        self.detail |= {
            name: _plain(value) for name, value in {"object": object, **detail}.items() if value is not None
        }


def _plain(value: object) -> Json:
    """What is told, as words: by name, in a list, or by itself."""
    if isinstance(value, Mapping):
        return {str(name): str(one) for name, one in value.items()}
    return [str(one) for one in value] if isinstance(value, list | tuple) else str(value)


@contextmanager
def acting(act: Act, *, work: Work, ports: Ports, verb: str = "", ends: str = "") -> Iterator[Doing]:
    """Let the Work's actor do an act, if they may, and record it. Raises `ActNotAllowed`.

    `verb` says which of the act's own it is, where it has several. `ends`: the role by which what ends here
    was begun; what was done then is recorded whatever the policy says by now.
    """
    role = ends or check(act, work.actor, policy=ports.policies.in_force(work), verb=verb)
    name = act.named_by(work.actor, verb)
    doing = Doing(act=act, work=work, ports=ports, role=role)
    with asked_for(act, work.actor, verb):
        yield doing
    if act.deed.kept is Kept.COUNTED:
        ports.audit.count(name, OK, work=work)
        return
    # A policy that the act itself changed is told as it is now.
    version = ports.policies.version(work)
    entry: Told = {"outcome": OK, **doing.entry}
    by = {"role": doing.role, "login": work.actor.login}
    detail = {name: word for name, word in by.items() if word} | doing.detail
    said = AuditEntry(action=name, policy_version=version, detail=detail, **entry)
    doing.recorded = ports.audit.record(said, work=work)
    work.done.append(doing.recorded)


def check(act: Act, actor: Actor, *, policy: InForce, verb: str = "") -> str:
    """The role by which an actor may do an act. Raises `ActNotAllowed`.

    Empty where the register asks for none. The act itself asks; a face asks before it reads what somebody
    sent who may send nothing.
    """
    if act.deed.needs is None:
        return ""
    role = _role(act.needs, actor, policy)
    if role is None:
        with asked_for(act, actor, verb):
            raise ActNotAllowed(needs=act.needs.scope)
    return role


@contextmanager
def asked_for(act: Act, actor: Actor, verb: str = "") -> Iterator[None]:
    """Whatever refuses in the block, or finds nobody, does so of this act: that is what is counted."""
    try:
        yield
    except CdpError as error:
        error.act = error.act or act.named_by(actor, verb)
        raise


def may(permission: Permission, actor: Actor, *, act: Act, policy: InForce) -> bool:
    """Whether an actor may do what an act needs in some cases alone."""
    assert permission in act.deed.may_need, "the register says what an act asks for"
    return _role(permission, actor, policy) is not None


def _role(permission: Permission, actor: Actor, policy: InForce) -> str | None:
    """The role by which the policy lets the actor, within the scopes that they came with; None: none does."""
    if actor.scopes is not None and permission.scope not in actor.scopes:
        return None
    return policy.role(actor, permission.resource, permission.action)


@contextmanager
def counting_refusals(begin: Callable[[], AbstractContextManager[Work]], ports: Ports) -> Iterator[Work]:
    """A Work of `begin`. An act that is refused in it, or finds nobody, is counted in a second one."""
    try:
        with begin() as work:
            yield work
    except CdpError as error:
        if error.act is not None and error.counted_as:
            with begin() as another:
                ports.audit.count(error.act, error.counted_as, work=another)
        raise
