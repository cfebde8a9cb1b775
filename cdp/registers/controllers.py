"""Controllers as acts: who decides what data is used for, and so which laws protect people.

That is a compliance officer's word; it counts at once, for every answer.
"""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from cdp.acting import acting
from cdp.acts import Act
from cdp.kernel.ids import new_id
from cdp.ports import Ports
from cdp.ports.register_ports import Controller, NoSuchController
from cdp.registers import versions
from cdp.registers.versions import Seen
from cdp.work import Work


def add(
    name: str,
    *,
    establishments: Collection[str],
    offers: Collection[str] = (),
    own: bool = False,
    work: Work,
    ports: Ports,
) -> UUID:
    """Register a controller; `own`: it is the workspace itself, whose id purposes have by default.

    Raises `ActNotAllowed`, `BadInput` for places that are none, `Conflict` for one that is there.
    """
    with acting(Act.CONTROLLER_ADD, work=work, ports=ports) as doing:
        made = work.workspace if own else new_id()
        new = Controller(id=made, name=name, establishments=list(establishments), offers=list(offers))
        ports.registers.controllers.add(new, work=work)
        doing.tell(object=made)
    return made


def move(
    controller: UUID,
    *,
    establishments: Collection[str],
    offers: Collection[str] = (),
    seen: Seen = None,
    work: Work,
    ports: Ports,
) -> None:
    """Say anew where a controller is established and offers.

    Raises `ActNotAllowed`, `BadInput` for places that are none, `NotFound`, `ChangedMeanwhile`.
    """
    with acting(Act.CONTROLLER_MOVE, work=work, ports=ports) as doing:
        versions.lock(work=work)
        if (row := _known(work, ports).get(controller)) is not None:
            versions.hold_to(seen, row)
        ports.registers.controllers.move(controller, establishments=establishments, offers=offers, work=work)
        doing.tell(object=controller)


def every(*, work: Work, ports: Ports) -> Sequence[Controller]:
    """The controllers, by name; a workspace has a few. Raises `ActNotAllowed`."""
    with acting(Act.CONTROLLER_LIST, work=work, ports=ports):
        return ports.registers.controllers.every(work=work)


def one(controller: UUID, *, work: Work, ports: Ports) -> Controller:
    """A controller. Raises `ActNotAllowed`, `NoSuchController`."""
    with acting(Act.CONTROLLER_LIST, verb="read", work=work, ports=ports):
        known = _known(work, ports)
        if controller not in known:
            raise NoSuchController
        return known[controller]


def _known(work: Work, ports: Ports) -> Mapping[UUID, Controller]:
    return {one.id: one for one in ports.registers.controllers.every(work=work)}
