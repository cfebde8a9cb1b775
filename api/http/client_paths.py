"""The addresses that Segment's and RudderStack's clients call, and what each takes.

Clients have them built in, so this list is theirs (docs/clients.md), and so are the ways in which
they are spelled: a host that was configured with a slash at its end gives `//v1/batch`, and
Segment's Java client adds one behind. Slashes that separate nothing are passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cdp.intake.collection import PATHS

_SETTINGS = "/v1/projects/"


class Serves(StrEnum):
    """What an address is for."""

    MESSAGES = "messages"
    SETTINGS = "settings"  # Segment's browser and mobile libraries ask for them before they send
    SOURCE_CONFIG = "source_config"  # RudderStack's do
    METRICS = "metrics"  # how Segment's browser library fares, in its own words


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a client's; `name` is what the access log calls it."""

    name: str
    serves: Serves
    takes: str = ""  # the type of message

    @property
    def methods(self) -> str:
        """The methods that it knows, as `Allow` names them."""
        posted = self.serves in (Serves.MESSAGES, Serves.METRICS)
        return "POST, OPTIONS" if posted else "GET, HEAD, OPTIONS"


_KNOWN: Mapping[str, Address] = {
    one.name: one
    for one in (
        *(Address(f"/v1/{word}", Serves.MESSAGES, takes) for word, takes in PATHS.items()),
        Address("/v1/import", Serves.MESSAGES, "batch"),
        # What browsers send as a page is left: it has no headers, so the key is in the query.
        Address("/beacon/v1/batch", Serves.MESSAGES, "batch"),
        Address("/v1/m", Serves.METRICS),
        Address("/sourceConfig", Serves.SOURCE_CONFIG),
    )
}
_PROJECT = Address("/v1/projects/{writeKey}/settings", Serves.SETTINGS)


def every() -> tuple[Address, ...]:
    """All addresses, as the documentation lists them."""
    return (*_KNOWN.values(), _PROJECT)


def find(path: str) -> Address | None:
    """The address that `path` means, or None where it is not a client's."""
    exact = _KNOWN.get(path)
    if exact is not None:
        return exact
    plain = _plain(path)
    return _PROJECT if plain.startswith(_SETTINGS) else _KNOWN.get(plain)


def project_key(path: str) -> str | None:
    """The write key in the path of Segment's settings; None where the path is no such one."""
    key, _, rest = _plain(path).removeprefix(_SETTINGS).partition("/")
    return key if rest == "settings" else None


def _plain(path: str) -> str:
    return "/" + "/".join(part for part in path.split("/") if part)
