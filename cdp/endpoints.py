"""Endpoints: registering where a recipient may be sent to, and connecting to what is registered.

An address is judged once more when it is connected to, so that a row that somebody wrote
past this module sends nothing. The secret of a webhook is made here, shown once, and derived
again at each release.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cdp.destinations import Destination, NdjsonFile, Webhook
from cdp.kernel import private
from cdp.kernel.errors import BadInput, NotAllowed
from cdp.kernel.ids import new_id
from cdp.ports import AuditEntry, Endpoint, Ports
from cdp.vocabulary import EndpointId
from cdp.work import Work

NDJSON, WEBHOOK = "ndjson", "webhook"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
LONGEST = 2_000

Connect = Callable[[Endpoint, bytes], Destination]


class RegisteringNotAllowed(NotAllowed):
    """The policy does not let this caller register where recipients are sent to."""


class UnsafeAddress(BadInput):
    """Personal data goes to a file by its whole path, or over https; plain http stays on this machine."""


class UnwritableFile(BadInput):
    """The file cannot be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEndpoint:
    """An endpoint that was just registered; the `secret` of a webhook is shown this once."""

    id: EndpointId
    kind: str
    secret: str | None = field(repr=False)


def create(recipient: str, name: str, address: str, *, work: Work, ports: Ports) -> NewEndpoint:
    """Register an endpoint of a recipient. Raises `RegisteringNotAllowed`, `UnsafeAddress`,
    `UnwritableFile`, and `NotFound` or `Conflict` for names that are unknown or taken.
    """
    if not ports.policies.allows(work.actor, "recipient", "write"):
        raise RegisteringNotAllowed
    kind = kind_of(address)
    if kind == NDJSON:
        _touch(Path(address))
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


def kind_of(address: str) -> str:
    """`ndjson` for the whole path of a file, `webhook` for a safe URL. Raises `UnsafeAddress`."""
    if "://" not in address:
        if not Path(address).is_absolute():
            raise UnsafeAddress(field="to")
        return NDJSON
    try:
        parts = urlsplit(address)
        sound = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise UnsafeAddress(field="to") from None
    # A user, a query or a fragment would stand in somebody's log.
    plain = not (parts.username or parts.query or parts.fragment)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not (sound and plain and secure) or len(address) > LONGEST:
        raise UnsafeAddress(field="to")
    return WEBHOOK


def connect(endpoint: Endpoint, secret: bytes) -> Destination:
    """The destination behind a registered endpoint. Raises `UnsafeAddress`, `UnwritableFile`."""
    if kind_of(endpoint.address) != endpoint.kind:
        raise UnsafeAddress(field="to")
    if endpoint.kind == WEBHOOK:
        return Webhook(endpoint.address, secret)
    path = Path(endpoint.address)
    _touch(path)
    return NdjsonFile(path)


def written(secret: bytes) -> str:
    """A secret as libraries for Standard Webhooks take it."""
    return f"whsec_{b64encode(secret).decode()}"


def _touch(path: Path) -> None:
    """Make the file its owner's alone, also if it was there before, and find out that it can be written."""
    try:
        private.opened(path, append=True).close()
    except OSError:
        raise UnwritableFile(field="to", file=path.name) from None
