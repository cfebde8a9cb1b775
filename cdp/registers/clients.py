"""Clients as acts: programs that call, what they may be and do, and whose they are.

A secret is shown once, when a client is made. What is changed or ended here counts with the client's
next request, for its roles and purposes are read at each.
"""

from collections.abc import Collection
from uuid import UUID

from cdp.acting import acting
from cdp.acts import Act
from cdp.kernel.errors import BadInput
from cdp.ports import Ports
from cdp.ports.register_ports import ALL, NewClient, Page, RegisteredClient
from cdp.registers import purpose_names, versions
from cdp.registers.versions import Seen
from cdp.vocabulary import Role
from cdp.work import Work


class UnknownRole(BadInput):
    """A role is not one of the policy's words."""


class SubjectClient(BadInput):
    """No client can have the role `subject`: nothing would hold it to one person's own profile."""


def create(
    name: str,
    *,
    roles: Collection[str],
    purposes: Collection[str],
    recipient: str | None = None,
    work: Work,
    ports: Ports,
) -> NewClient:
    """Make a client of a recipient's, or the controller's own.

    Raises `ActNotAllowed`, `UnknownRole`, `SubjectClient`, `UnknownPurpose`, `Conflict` for a name that is
    taken, `NotFound` for a recipient that is not registered.
    """
    with acting(Act.CLIENT_CREATE, work=work, ports=ports) as doing:
        _check(roles, purposes, work, ports)
        whose = None if recipient is None else ports.ledger.recipient(recipient, work=work)
        made = ports.registers.clients.create(
            name, roles=roles, purposes=purposes, recipient=recipient, work=work
        )
        doing.tell(object=made.id, roles=sorted(roles), purposes=sorted(purposes), bound_to=whose)
    return made


def change(
    client: UUID,
    *,
    roles: Collection[str],
    purposes: Collection[str],
    seen: Seen = None,
    work: Work,
    ports: Ports,
) -> None:
    """Give a client other roles and purposes, at once; whose it is stays (see `bind`).

    Raises as `create` does, `NotFound` for a client that is unknown or revoked, `ChangedMeanwhile`.
    """
    with acting(Act.CLIENT_CHANGE, work=work, ports=ports) as doing:
        _check(roles, purposes, work, ports)
        _hold_to(seen, client, work, ports)
        ports.registers.clients.change(client, roles=roles, purposes=purposes, work=work)
        doing.tell(object=client, roles=sorted(roles), purposes=sorted(purposes))


def bind(client: UUID, recipient: str, *, seen: Seen = None, work: Work, ports: Ports) -> None:
    """Make a client a recipient's, at once: its next request is that one's.

    Raises `ActNotAllowed`, `NotFound` for a client or a recipient that is not registered, `ChangedMeanwhile`.
    """
    with acting(Act.CLIENT_BIND, work=work, ports=ports) as doing:
        whose = ports.ledger.recipient(recipient, work=work)
        _hold_to(seen, client, work, ports)
        ports.registers.clients.bind(client, recipient, work=work)
        doing.tell(object=client, bound_to=whose)


def revoke(client: UUID, *, seen: Seen = None, work: Work, ports: Ports) -> None:
    """End a client and all its tokens, at once. Raises `ActNotAllowed`, `NotFound`, `ChangedMeanwhile`."""
    with acting(Act.CLIENT_REVOKE, work=work, ports=ports) as doing:
        _hold_to(seen, client, work, ports)
        ports.registers.clients.revoke(client, work=work)
        doing.tell(object=client)


def every(page: Page = ALL, *, work: Work, ports: Ports) -> list[RegisteredClient]:
    """Clients, the eldest first, the revoked ones too. Raises `ActNotAllowed`."""
    with acting(Act.CLIENT_LIST, work=work, ports=ports):
        return list(ports.registers.clients.every(page, work=work))


def one(client: UUID, *, work: Work, ports: Ports) -> RegisteredClient:
    """A client, also a revoked one. Raises `ActNotAllowed`, `NotFound`."""
    with acting(Act.CLIENT_LIST, verb="read", work=work, ports=ports):
        return ports.registers.clients.one(client, work=work)


def _hold_to(seen: Seen, client: UUID, work: Work, ports: Ports) -> None:
    versions.lock(work=work)
    versions.hold_to(seen, ports.registers.clients.one(client, work=work))


def _check(roles: Collection[str], purposes: Collection[str], work: Work, ports: Ports) -> None:
    if not roles or not set(roles) <= set(Role):
        raise UnknownRole(field="roles")
    if Role.SUBJECT in roles:
        raise SubjectClient(field="roles")
    purpose_names.check(purposes, work=work, ports=ports)
