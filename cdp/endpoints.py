"""Endpoints: registering where a recipient may be sent to, and connecting to what is registered.

An address is judged once more when it is connected to, so that a row that somebody wrote
past this module sends nothing (ADR-0039). The secret of a webhook is made here, shown once, and
derived again at each release.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cdp.addresses import LONGEST, Outside, UnsafeAddress
from cdp.destinations import Destination, Folder, Webhook
from cdp.kernel.errors import BadInput, NotAllowed
from cdp.kernel.ids import new_id
from cdp.kernel.settings import Settings
from cdp.ports import AuditEntry, Endpoint, Ports
from cdp.vocabulary import EndpointId
from cdp.work import Work

NDJSON, WEBHOOK = "ndjson", "webhook"

Connect = Callable[[Endpoint, bytes], Destination]


class RegisteringNotAllowed(NotAllowed):
    """The policy does not let this caller register where recipients are sent to."""


class UnwritableFolder(BadInput):
    """The folder cannot be written: something else has its name, or a step of it is a link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where data may leave to: folders below `folder`, and webhooks out there."""

    folder: Path
    outside: Outside

    @classmethod
    def of(cls, settings: Settings) -> "Reach":
        """As the operator has set it."""
        ports = frozenset(int(port) for port in settings.webhook_ports.split())
        return cls(
            folder=settings.release_dir,
            outside=Outside(ports=ports, loopback=settings.webhook_loopback),
        )

    def kind_of(self, address: str) -> str:
        """`ndjson` for a folder below ours, `webhook` for a safe URL. Raises `UnsafeAddress`."""
        if "://" in address:
            self.outside.place(address)
            return WEBHOOK
        self._below(address)
        return NDJSON

    def connect(self, endpoint: Endpoint, secret: bytes) -> Destination:
        """The destination behind a registered endpoint; a name is resolved here, once.

        Raises `UnsafeAddress`, `UnwritableFolder`, `HostUnknown`.
        """
        if self.kind_of(endpoint.address) != endpoint.kind:
            raise UnsafeAddress(field="to")
        if endpoint.kind == WEBHOOK:
            place = self.outside.place(endpoint.address)
            return Webhook(place=place, addresses=self.outside.addresses(place), secret=secret)
        return self._folder(endpoint.address)

    def prepare(self, address: str) -> None:
        """Find out that a folder can be written, if it is one. Raises as `connect`."""
        if self.kind_of(address) == NDJSON:
            self._folder(address)

    def _folder(self, address: str) -> Folder:
        found = Folder(root=self.folder.resolve(), names=self._below(address))
        try:
            found.ready()
        except OSError:
            raise UnwritableFolder(field="to", folder=found.names[-1]) from None
        return found

    def _below(self, address: str) -> tuple[str, ...]:
        """The steps from our folder down to `address`, given by whichever name ours has."""
        path = Path(address)
        steps = address.split("/")
        # `Path` would drop a `.` and an empty step without a word; what remains is read letter by letter.
        if len(address) > LONGEST or not path.is_absolute() or {".", ".."} & set(steps) or "\0" in address:
            raise UnsafeAddress(field="to")
        for ours in (self.folder.absolute(), self.folder.resolve()):
            if path != ours and path.is_relative_to(ours):
                return path.relative_to(ours).parts
        raise UnsafeAddress(field="to")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEndpoint:
    """An endpoint that was just registered; the `secret` of a webhook is shown this once."""

    id: EndpointId
    kind: str
    secret: str | None = field(repr=False)


def create(recipient: str, name: str, address: str, *, reach: Reach, work: Work, ports: Ports) -> NewEndpoint:
    """Register an endpoint of a recipient. Raises `RegisteringNotAllowed`, `UnsafeAddress`,
    `UnwritableFolder`, and `NotFound` or `Conflict` for names that are unknown or taken.
    """
    if not ports.policies.allows(work.actor, "recipient", "write"):
        raise RegisteringNotAllowed
    kind = reach.kind_of(address)
    reach.prepare(address)
    owner = ports.ledger.recipient(recipient, work=work)
    made = EndpointId(new_id())
    version, secret = ports.vault.endpoint_secret(work.workspace, made)
    endpoint = Endpoint(id=made, recipient=owner, name=name, kind=kind, address=address, key_version=version)
    ports.ledger.add_endpoint(endpoint, work=work)
    ports.audit.record(
        AuditEntry(
            action=f"{work.actor.kind}:endpoint:create",
            outcome="ok",
            policy_version=ports.policies.version(work),
            detail={"endpoint": str(made), "recipient": str(owner), "kind": kind},
        ),
        work=work,
    )
    return NewEndpoint(id=made, kind=kind, secret=written(secret) if kind == WEBHOOK else None)


def written(secret: bytes) -> str:
    """A secret as libraries for Standard Webhooks take it."""
    return f"whsec_{b64encode(secret).decode()}"
