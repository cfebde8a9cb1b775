"""Controllers as acts: who decides what data is used for, and so which laws protect people.

That is a compliance officer's word; it counts at once, for every answer.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from cdp.acting import acting
from cdp.acts import Act
from cdp.kernel.ids import new_id
from cdp.ports import Ports
from cdp.ports.registers import Controller
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
    work: Work,
    ports: Ports,
) -> None:
    """Say anew where a controller is established and offers.

    Raises `ActNotAllowed`, `BadInput` for places that are none, `NotFound`.
    """
    with acting(Act.CONTROLLER_MOVE, work=work, ports=ports) as doing:
        ports.registers.controllers.move(controller, establishments=establishments, offers=offers, work=work)
        doing.tell(object=controller)


def every(*, work: Work, ports: Ports) -> Sequence[Controller]:
    """The controllers, by name; a workspace has a few. Raises `ActNotAllowed`."""
    with acting(Act.CONTROLLER_LIST, work=work, ports=ports):
        return ports.registers.controllers.every(work=work)
