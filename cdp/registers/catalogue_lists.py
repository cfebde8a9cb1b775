"""What the catalogue knows, listed: traits to read and send, and attributes to segment on.

Its names are the platform's own and the same in every workspace, so whoever gets one wrong is told
all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cdp.kernel.errors import BadInput, listed
from cdp.ports import Attribute, Ports, Trait


class UnknownTrait(BadInput):
    """The catalogue has no such trait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A trait, and the other names that mean the same."""

    trait: Trait
    aliases: Sequence[str]


def traits(*, ports: Ports) -> list[Listed]:
    """Every trait, by its name."""
    also: dict[str, list[str]] = {}
    names = ports.catalogue.traits()
    for name, trait in sorted(names.items()):
        also.setdefault(trait.name, []).extend([name] if name != trait.name else [])
    return [Listed(trait=names[name], aliases=aliases) for name, aliases in sorted(also.items())]


def attributes(*, ports: Ports) -> list[Attribute]:
    """Every attribute, by its name."""
    return sorted(ports.catalogue.attributes(), key=lambda one: one.name)


def named(names: Sequence[str], *, field: str, ports: Ports) -> list[Trait]:
    """The traits of these names or aliases. Raises `UnknownTrait` at the place in `field`."""
    known = ports.catalogue.traits()
    for place, name in enumerate(names):
        if name not in known:
            there = {one.name for one in known.values()}
            raise UnknownTrait(field=f"{field}[{place}]", known=listed(sorted(there)))
    return [known[name] for name in names]
