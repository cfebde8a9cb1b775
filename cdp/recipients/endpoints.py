"""Endpoints as acts: registering where a recipient may be sent to.

The secret of a webhook is made here, shown once, and derived again at each release. How an endpoint is
connected to stands in `cdp.releases.reach`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from cdp.acting import acting
from cdp.acts import Act
from cdp.kernel.ids import new_id
from cdp.permission import consents
from cdp.permission.consents import Opener
from cdp.ports import Endpoint, Ports
from cdp.ports.consent_ports import EndpointKind
from cdp.releases.reach import WEBHOOK, Reach, written
from cdp.vocabulary import EndpointId
from cdp.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEndpoint:
    """An endpoint that was just registered; the `secret` of a webhook is shown this once."""

    id: EndpointId
    kind: EndpointKind
    secret: str | None = field(repr=False)


def create(
    recipient: UUID | str, name: str, address: str, *, reach: Reach, work: Work, ports: Ports
) -> NewEndpoint:
    """Register an endpoint of a recipient (by id or name).

    Raises `ActNotAllowed`, `UnsafeAddress`, `UnwritableFolder`, and `NotFound` or `Conflict` for names that
    are unknown or taken.
    """
    with acting(Act.ENDPOINT_CREATE, work=work, ports=ports) as doing:
        kind = reach.kind_of(address)
        reach.prepare(address, work.workspace)
        owner = ports.registers.endpoints.owner(recipient, work=work)
        made = EndpointId(new_id())
        version, secret = ports.vault.endpoint_secret(work.workspace, made)
        endpoint = Endpoint(
            workspace=work.workspace,
            id=made,
            recipient=owner,
            name=name,
            kind=kind,
            address=address,
            key_version=version,
        )
        ports.registers.endpoints.add(endpoint, work=work)
        doing.tell(object=made, whose=owner, kind=kind)
    return NewEndpoint(id=made, kind=kind, secret=written(secret) if kind == WEBHOOK else None)


def revoke(
    endpoint: UUID | tuple[str, str], *, begin: Opener, ports: Ports, patience: timedelta
) -> EndpointId:
    """End an endpoint, by its id, or by its recipient's name and its own.

    Returns once nothing can go there any more, of running releases either. Raises `ActNotAllowed`,
    `NotFound`; `NotYetEffective` if a release that was under way has not ended after `patience`.
    """
    with begin() as work, acting(Act.ENDPOINT_REVOKE, work=work, ports=ports) as doing:
        ended = ports.registers.endpoints.revoke(endpoint, work=work)
        doing.tell(object=ended.id, whose=ended.recipient)
    consents.drain([], [], recipient=ended.recipient, begin=begin, ports=ports, patience=patience)
    return ended.id


def every(recipient: UUID | str, *, work: Work, ports: Ports) -> Sequence[Endpoint]:
    """The endpoints of a recipient (by id or name) that stand. Raises `ActNotAllowed`, `NotFound`."""
    with acting(Act.ENDPOINT_LIST, work=work, ports=ports):
        return ports.registers.endpoints.every(recipient, work=work)
