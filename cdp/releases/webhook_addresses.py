"""Where webhooks may be: which URLs are taken, and to which addresses a connection goes.

A URL says one host in the one way in which it is written; a name is resolved once for a release, each
of its addresses is judged, and connections go to those and no others, so that a name which means
something else a moment later (DNS rebinding) reaches nothing. Only addresses of the public Internet
are taken: this machine and the networks behind it are not where recipients are.
"""

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from cdp.kernel.errors import BadInput, Unavailable

Address = IPv4Address | IPv6Address
# (host, port): the addresses of a host, as texts. Raises `OSError`.
LookUp = Callable[[str, int], Sequence[str]]

LONGEST = 2_000
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})

# Of what a URL may be made: printable ASCII, without what programs read in two ways.
_PLAIN = re.compile(r"[!-~]+\Z")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label begins with a letter: what ends in a number is an address in some notation (WHATWG URL, 3.5).
_NAME = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])\Z")

# Public by their number, and no recipient's: a cloud's own service, translators, tunnels, documentation.
_CLOSED_4 = tuple(map(IPv4Network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24")))
_OPEN_6 = IPv6Network("2000::/3")
_CLOSED_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))


class UnsafeAddress(BadInput):
    """Data goes to a folder below the one of releases, or by https to a public address at an allowed port."""


class HostUnknown(Unavailable):
    """The host of the webhook has no address now; nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a webhook's URL says. The path may be a secret, so it is not printed."""

    host: str  # in lower case; an IPv6 address without its brackets
    port: int
    path: str = field(repr=False)
    tls: bool


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host by the system's resolver. Raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(info[4][0]) for info in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Where webhooks may go. `loopback`: also to this machine, at any port, in clear; for demo and tests."""

    ports: frozenset[int] = frozenset({80, 443, 8443})
    loopback: bool = False
    look_up: LookUp = look_up

    def place(self, url: str) -> Place:
        """What a URL says. Raises `UnsafeAddress` for one that is not taken."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise UnsafeAddress(field="to") from None
        # A user, a query or a fragment would stand in somebody's log.
        plain = len(url) <= LONGEST and _PLAIN.match(url) and not any(one in url for one in '\\?#"<>^`{|}')
        written = (f"[{host}]" if ":" in host else host) + ("" if port is None else f":{port}")
        if not plain or parts.netloc.lower() != written or not _is_host(host):
            raise UnsafeAddress(field="to")
        literal, local = _literal(host), self.loopback and host in LOCAL
        if (literal is not None and not self.takes(literal)) or (host == "localhost" and not local):
            raise UnsafeAddress(field="to")
        tls = parts.scheme == "https"
        if not tls and not (local and parts.scheme == "http"):
            raise UnsafeAddress(field="to")
        port = (443 if tls else 80) if port is None else port
        if port not in self.ports and not (self.loopback and port > 0):
            raise UnsafeAddress(field="to")
        return Place(host=host, port=port, path=parts.path or "/", tls=tls)

    def addresses(self, place: Place) -> tuple[str, ...]:
        """The addresses to connect to, from now on. Raises `UnsafeAddress`, `HostUnknown`.

        One that is not taken refuses them all: nobody knows to which a connection would have gone.
        """
        try:
            found = tuple(dict.fromkeys(self.look_up(place.host, place.port)))
        except (OSError, UnicodeError):
            raise HostUnknown from None
        if not found:
            raise HostUnknown
        judged = [_literal(one) for one in found]
        if not all(one is not None and self.takes(one) for one in judged):
            raise UnsafeAddress(field="to")
        # In clear, or at a port that is not allowed, only to this machine.
        usual = place.tls and place.port in self.ports
        if not usual and not all(one is not None and one.is_loopback for one in judged):
            raise UnsafeAddress(field="to")
        return found

    def takes(self, address: Address) -> bool:
        """Whether a connection may go to this address."""
        if self.loopback and address.is_loopback:
            return True
        if isinstance(address, IPv4Address):
            closed = address.is_multicast or address.is_reserved or any(address in one for one in _CLOSED_4)
            return address.is_global and not closed
        # Everything that carries an IPv4 address within lies outside of this range, or is closed.
        return address in _OPEN_6 and address.is_global and not any(address in one for one in _CLOSED_6)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_host(host: str) -> bool:
    """Whether a host is written in the one way that everybody reads alike."""
    return host == "localhost" or _literal(host) is not None or bool(_NAME.match(host))
