"""The trail in others' hands: what is proved elsewhere, and what keeps a search saying what the log says.

Each of these is an act, so that who holds a copy of the log stands in it. What the keeper's connections
do, they do outside of the act's transaction, so its entry is committed before anything else is.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar
from uuid import UUID

from cdp.acting import FAILED, OK, PARTIAL, acting
from cdp.acts import Act
from cdp.ports import Checkpoint, Ports
from cdp.ports.audit_ports import EntryBundle, LogBundle
from cdp.work import Work

MOST = 10_000  # entries of a bundle that is handed out by HTTP

Opener = Callable[[], AbstractContextManager[Work]]
Done = TypeVar("Done")


def checkpoint(*, work: Work, ports: Ports) -> Checkpoint:
    """The newest signed checkpoint. Raises `ActNotAllowed`, `NotFound` where nothing is signed."""
    with acting(Act.TRAIL_CHECKPOINT, work=work, ports=ports) as doing:
        found = ports.log.newest(work=work)
        doing.tell(epoch=found.epoch, size=found.size)
    return found


def export(epoch: int | None, *, work: Work, ports: Ports, most: int | None = None) -> tuple[int, LogBundle]:
    """An epoch (None: the newest) as a bundle to verify offline, and how many entries it has.

    Raises `ActNotAllowed`, `NotFound` where nothing is signed, `BadInput` for more entries than `most`.
    """
    with acting(Act.TRAIL_EXPORT, work=work, ports=ports) as doing:
        chosen = ports.log.newest(work=work).epoch if epoch is None else epoch
        made = ports.log.bundle(chosen, most=most, work=work)
        size = len(made["leaves"])
        doing.tell(epoch=chosen, entries=size)
    return size, made


def prove(entry: UUID, *, since: int | None, work: Work, ports: Ports) -> EntryBundle:
    """One entry with its proof, and that the log extends the checkpoint of size `since` (None: the newest).

    Raises `ActNotAllowed`, `NotFound` where no checkpoint covers it yet, `BadInput` for a wrong size.
    """
    with acting(Act.TRAIL_PROVE, work=work, ports=ports) as doing:
        doing.tell(object=entry)
        return ports.log.proof(entry, since=since, work=work)


def verified(verdict: str, *, whole: bool, altered: bool, work: Work, ports: Ports) -> None:
    """That somebody verified the log where it lies, and what came of it. Raises `ActNotAllowed`."""
    with acting(Act.TRAIL_VERIFY, work=work, ports=ports) as doing:
        doing.tell(outcome=OK if whole else FAILED if altered else PARTIAL, verdict=verdict)


def compare(reading: Callable[[], Done], *, begin: Opener, ports: Ports) -> Done:
    """Compare what searches read with the log, by `reading`. Raises `ActNotAllowed`."""
    return _foretold(Act.TRAIL_COMPARE, reading, begin, ports)


def repair(repairing: Callable[[], Done], *, begin: Opener, ports: Ports) -> Done:
    """Make documents say what the log says, by `repairing`. Raises `ActNotAllowed`."""
    return _foretold(Act.TRAIL_REPAIR, repairing, begin, ports)


def rebuild(feeding: Callable[[], Done], *, begin: Opener, ports: Ports) -> Done:
    """Feed the search engine anew, by `feeding`. Raises `ActNotAllowed`."""
    return _foretold(Act.TRAIL_REBUILD, feeding, begin, ports)


def retry(feeding: Callable[[], Done], *, begin: Opener, ports: Ports) -> Done:
    """Feed again what the search engine refused, by `feeding`. Raises `ActNotAllowed`."""
    return _foretold(Act.TRAIL_RETRY, feeding, begin, ports)


def rotate_keys(rotating: Callable[[], Done], *, begin: Opener, ports: Ports) -> Done:
    """Make a new key-encryption key and wrap everything under it, by `rotating`. Raises `ActNotAllowed`."""
    return _foretold(Act.KEY_ROTATE, rotating, begin, ports)


def _foretold(act: Act, do: Callable[[], Done], begin: Opener, ports: Ports) -> Done:
    """Do what has transactions of its own, once the log says that it is done."""
    with begin() as work, acting(act, work=work, ports=ports):
        pass
    return do()
