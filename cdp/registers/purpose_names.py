"""Purposes by name: a name that is none is an error that says which there are, never an empty answer."""

from collections.abc import Collection, Mapping

from cdp.kernel.errors import listed
from cdp.ports import Ports, UnknownPurpose
from cdp.vocabulary import PurposeId
from cdp.work import Work


def named(name: str, *, work: Work, ports: Ports) -> PurposeId:
    """The purpose of a word that people say, the reserved ones included. Raises `UnknownPurpose`."""
    known = ports.ledger.purposes(work=work)
    return known[_there(name, known)]


def used(name: str, *, work: Work, ports: Ports) -> PurposeId:
    """The purpose that data is to be used for; the reserved ones are none. Raises `UnknownPurpose`."""
    usable = ports.ledger.usable(work=work)
    return ports.ledger.purposes(work=work)[_there(name, usable)]


def check(names: Collection[str], *, work: Work, ports: Ports) -> Mapping[str, PurposeId]:
    """Every purpose by name, if `names` are among them. Raises `UnknownPurpose`."""
    known = ports.ledger.purposes(work=work)
    for name in names:
        _there(name, known)
    return known


def _there(name: str, known: Collection[str]) -> str:
    if name not in known:
        raise UnknownPurpose(field="purpose", known=listed(sorted(known)))
    return name
