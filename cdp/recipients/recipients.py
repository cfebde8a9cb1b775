"""Recipients as acts: who may receive data, by which contract, and until when."""

from datetime import datetime, timedelta
from uuid import UUID

from cdp.acting import acting
from cdp.acts import Act
from cdp.permission import consents
from cdp.permission.consents import Opener
from cdp.ports import Ports
from cdp.ports.register_ports import NewRecipient, NoSuchRecipient, RegisteredRecipient
from cdp.registers import versions
from cdp.registers.versions import Seen
from cdp.vocabulary import RecipientId
from cdp.work import Work


def create(new: NewRecipient, *, work: Work, ports: Ports) -> RecipientId:
    """Register a recipient by its contract. Raises `ActNotAllowed`, `BadInput` naming the field,
    `Conflict` for a name that is taken, `NotFound` for a controller that is not registered.
    """
    with acting(Act.RECIPIENT_CREATE, work=work, ports=ports) as doing:
        made = ports.registers.recipients.add(new, work=work)
        doing.tell(object=made)
    return made


def renew(
    recipient: UUID | str,
    *,
    contract_until: datetime | None = None,
    transfer_until: datetime | None = None,
    seen: Seen = None,
    work: Work,
    ports: Ports,
) -> RecipientId:
    """Say anew until when the contract or the transfer tool of a recipient (by id or name) holds.

    Raises `ActNotAllowed`, `BadInput` for a date that is past or none at all, `NotFound`, `ChangedMeanwhile`.
    """
    with acting(Act.RECIPIENT_RENEW, work=work, ports=ports) as doing:
        _hold_to(seen, recipient, work, ports)
        renewed = ports.registers.recipients.renew(
            recipient, contract_until=contract_until, transfer_until=transfer_until, work=work
        )
        doing.tell(object=renewed, contract_until=contract_until, transfer_until=transfer_until)
    return renewed


def revoke(
    recipient: UUID | str,
    *,
    transfer_only: bool = False,
    seen: Seen = None,
    begin: Opener,
    ports: Ports,
    patience: timedelta,
) -> RecipientId:
    """End the contract of a recipient (by id or name), or its transfer tool alone, at once.

    Returns once nothing can still be sent to it. Raises `ActNotAllowed`, `NotFound`, `Conflict` for what
    has ended already, `ChangedMeanwhile`; `NotYetEffective` if a release that was under way has not ended
    after `patience`.
    """
    with begin() as work, acting(Act.RECIPIENT_REVOKE, work=work, ports=ports) as doing:
        _hold_to(seen, recipient, work, ports)
        ended = ports.registers.recipients.revoke(recipient, transfer_only=transfer_only, work=work)
        doing.tell(object=ended, ends="transfer" if transfer_only else "contract")
    consents.drain([], [], recipient=ended, begin=begin, ports=ports, patience=patience)
    return ended


def every(*, work: Work, ports: Ports) -> list[RegisteredRecipient]:
    """The recipients, by name; a workspace has dozens. Raises `ActNotAllowed`."""
    with acting(Act.RECIPIENT_LIST, work=work, ports=ports):
        return list(ports.registers.recipients.every(work=work))


def one(recipient: UUID | str, *, work: Work, ports: Ports) -> RegisteredRecipient:
    """A recipient (by id or name). Raises `ActNotAllowed`, `NoSuchRecipient`."""
    with acting(Act.RECIPIENT_LIST, verb="read", work=work, ports=ports):
        found = _named(recipient, work, ports)
        if found is None:
            raise NoSuchRecipient
        return found


def _hold_to(seen: Seen, recipient: UUID | str, work: Work, ports: Ports) -> None:
    versions.lock(work=work)
    if (row := _named(recipient, work, ports)) is not None:
        versions.hold_to(seen, row)


def _named(recipient: UUID | str, work: Work, ports: Ports) -> RegisteredRecipient | None:
    known = ports.registers.recipients.every(work=work)
    return next((one for one in known if recipient in (one.id, one.name)), None)
