"""Unsubscribe links: permanent, one step, no log-in (RFC 8058), and no address that others could read.

A link names a contact by its opaque id and is signed, so that nobody can unsubscribe
somebody else by guessing. It carries the address sealed, for a database that was restored
from before it knew the contact (ADR-0043). Ed25519 signatures are deterministic (RFC 8032), so a link is
checked by signing anew.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass, field
from uuid import UUID

from cdp.kernel.errors import BrokenSeal, NotFound
from cdp.ports import Ports, Signer
from cdp.vocabulary import Channel, ContactId, Identifier, PurposeId, WorkspaceId

_CHANNELS = tuple(Channel)
_LABEL = b"cdp/1/unsubscribe"
_SIZE, _SIGNATURE = 49, 64


class BadLink(NotFound):
    """This unsubscribe link is damaged; please use the link in the message as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What one link stops."""

    workspace: WorkspaceId
    contact: ContactId
    purpose: PurposeId
    channel: Channel
    sealed: bytes = field(default=b"", repr=False)  # what the contact is; older links have nothing there


def write(link: Link, signer: Signer) -> str:
    """The token of a link, to stand at the end of its URL."""
    body = (
        link.workspace.bytes
        + link.contact.bytes
        + link.purpose.bytes
        + bytes([_CHANNELS.index(link.channel)])
        + link.sealed
    )
    return urlsafe_b64encode(body + signer.sign(_LABEL + body)).rstrip(b"=").decode()


_NO_TOKEN = re.compile(r"[^A-Za-z0-9_-]")


def read(token: str, signer: Signer) -> Link:
    """The link behind a token. Raises `BadLink` for every flaw alike.

    Mail programs take the full stop behind a link, a bracket or a break of the line for a part of it.
    """
    token = _NO_TOKEN.sub("", token)
    try:
        data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (Error, ValueError):
        raise BadLink from None
    body, signature = data[:-_SIGNATURE], data[-_SIGNATURE:]
    if len(body) < _SIZE or not hmac.compare_digest(signer.sign(_LABEL + body), signature):
        raise BadLink
    return Link(
        workspace=WorkspaceId(UUID(bytes=body[:16])),
        contact=ContactId(UUID(bytes=body[16:32])),
        purpose=PurposeId(UUID(bytes=body[32:48])),
        channel=_CHANNELS[body[48]],
        sealed=body[_SIZE:],
    )


def identifier(link: Link, *, ports: Ports) -> Identifier | None:
    """What the contact of a link is, as the link itself says it; None: an older one does not."""
    if not link.sealed:
        return None
    try:
        return ports.vault.open_link(link.workspace, link.contact, link.sealed)
    except BrokenSeal:
        return None
