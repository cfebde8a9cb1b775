"""What makes one person: the fragments, and the contacts that join them; no value of either."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from cdp.acting import Doing, acting
from cdp.acts import Act
from cdp.ports import Claimed, NoSuchFragment, Ports
from cdp.registers import source_rows
from cdp.rereading import Moved, until_still
from cdp.vocabulary import FragmentId, ProfileId
from cdp.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A fragment of a profile: what one source (by name) knows by one identifier.

    `core`: it is joined to the profile on verified evidence; else it is only likely the person's.
    """

    fragment: FragmentId
    source: str
    core: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """The parts of one profile, and which contacts each goes by."""

    profile: ProfileId
    parts: Sequence[Part]
    claims: Sequence[Claimed]


def draw(person: UUID, *, work: Work, ports: Ports) -> Graph:
    """The graph of the profile with that id, or of one of its fragments. Raises `NoSuchFragment`."""
    with acting(Act.IDENTITY_DRAW, work=work, ports=ports) as doing:
        return until_still(lambda: _drawn(person, doing))


def _drawn(person: UUID, doing: Doing) -> Graph:
    work, ports = doing.work, doing.ports
    root = ports.identity.resolve(person, work=work)
    if root is None:
        raise NoSuchFragment
    members = ports.identity.fragments_of(root, core_only=False, work=work)
    core = frozenset(ports.identity.fragments_of(root, core_only=True, work=work))
    names = {source.id: source.name for source in source_rows.every(work=work).values()}
    whose = ports.identity.sources_of(members, work=work)
    if not members or whose.keys() != set(members):
        raise Moved
    keys = ports.vault.keys(members, work=work)
    doing.tell(references=[keys.reference(one) for one in members], fragments=len(members))
    return Graph(
        profile=root,
        parts=[Part(fragment=one, source=names.get(whose[one], "?"), core=one in core) for one in members],
        claims=ports.identity.claims_of(members, work=work),
    )
