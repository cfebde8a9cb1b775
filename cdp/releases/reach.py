"""Endpoints: where data may leave to, and connecting to what is registered.

An address is judged once more when it is connected to, so that a row that somebody wrote
past `cdp.recipients.endpoints` sends nothing (ADR-0039).
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cdp.kernel.errors import BadInput
from cdp.kernel.settings import Settings
from cdp.ports import Endpoint
from cdp.ports.consent_ports import EndpointKind
from cdp.releases.destinations import Destination, Folder, Webhook
from cdp.releases.webhook_addresses import LONGEST, Outside, UnsafeAddress
from cdp.vocabulary import WorkspaceId

NDJSON: EndpointKind = "ndjson"
WEBHOOK: EndpointKind = "webhook"

Connect = Callable[[Endpoint, bytes], Destination]


class UnwritableFolder(BadInput):
    """The folder cannot be written: it is kept for somebody else, something else has its name, or a step of
    it is a link.
    """


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

    def kind_of(self, address: str) -> EndpointKind:
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
        return self._folder(endpoint.address, endpoint.workspace)

    def prepare(self, address: str, whose: WorkspaceId) -> None:
        """Keep a folder for a workspace, if it is one that can be written. Raises as `connect`."""
        if self.kind_of(address) == NDJSON:
            self._folder(address, whose)

    def _folder(self, address: str, whose: WorkspaceId) -> Folder:
        found = Folder(root=self.folder.resolve(), names=self._below(address), whose=whose)
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


def written(secret: bytes) -> str:
    """A secret as libraries for Standard Webhooks take it."""
    return f"whsec_{b64encode(secret).decode()}"
