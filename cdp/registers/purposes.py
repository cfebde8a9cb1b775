"""Purposes as acts: what data is used for, and on which basis.

What may be seen for a new one is proposed as policy lines in the same breath; nothing is, until a
compliance officer agrees (`cdp.registers.policy_lines`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cdp.acting import acting
from cdp.acts import CHANGES_BASIS, Act
from cdp.kernel.errors import NotFound
from cdp.ports import Ports
from cdp.ports.register_ports import NewPurpose, RegisteredPurpose
from cdp.registers import policy_lines, versions
from cdp.registers.versions import Seen
from cdp.vocabulary import Basis, PurposeClass, PurposeId
from cdp.work import Work


class NoSuchPurpose(NotFound):
    """There is no purpose of that name in the register."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A purpose that was just registered; `proposed` None: the policy file has lines of its own for it."""

    id: PurposeId
    proposed: str | None


def create(new: NewPurpose, *, work: Work, ports: Ports) -> Created:
    """Register a purpose, and propose its policy lines.

    An unsubscribe does not stop `service` and `legal` purposes, so those need the leave to change bases.
    Raises `ActNotAllowed`, `BadInput` naming the field, `Conflict` for a name that is taken, `NotFound`
    for a controller that is not registered.
    """
    with acting(Act.PURPOSE_CREATE, work=work, ports=ports) as doing:
        if new.purpose_class is not PurposeClass.MARKETING:
            doing.must(CHANGES_BASIS)
        made = ports.registers.purposes.add(new, work=work)
        lines = policy_lines.proposed(new.name, new.purpose_class, work=work, ports=ports)
        doing.tell(object=made, lines="proposed" if lines else policy_lines.IN_FILE)
    return Created(id=made, proposed=lines)


def change_basis(name: str, basis: Basis, *, seen: Seen = None, work: Work, ports: Ports) -> None:
    """Let a purpose rest on another basis, as long as nobody has said no to it.

    Raises `ActNotAllowed`, `BadInput`, `Conflict` once somebody has said no, `ChangedMeanwhile`.
    """
    with acting(Act.PURPOSE_CHANGE_BASIS, work=work, ports=ports) as doing:
        versions.lock(work=work)
        if (row := _known(work, ports).get(name)) is not None:
            versions.hold_to(seen, row)
        changed = ports.registers.purposes.change_basis(name, basis, work=work)
        doing.tell(object=changed, basis=basis)


def every(*, work: Work, ports: Ports) -> list[RegisteredPurpose]:
    """The purposes, the reserved ones too, by name; a workspace has dozens. Raises `ActNotAllowed`."""
    with acting(Act.PURPOSE_LIST, work=work, ports=ports):
        return list(ports.registers.purposes.every(work=work))


def one(name: str, *, work: Work, ports: Ports) -> RegisteredPurpose:
    """A purpose, also a reserved one. Raises `ActNotAllowed`, `NoSuchPurpose`."""
    with acting(Act.PURPOSE_LIST, verb="read", work=work, ports=ports):
        known = _known(work, ports)
        if name not in known:
            raise NoSuchPurpose
        return known[name]


def _known(work: Work, ports: Ports) -> Mapping[str, RegisteredPurpose]:
    return {one.name: one for one in ports.registers.purposes.every(work=work)}
