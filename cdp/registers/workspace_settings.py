"""What is set of one workspace, as acts: what it has from the start, and whom it protects as a child."""

from dataclasses import dataclass
from enum import StrEnum

from cdp.acting import acting
from cdp.acts import Act
from cdp.ports import Ports
from cdp.registers import versions, workspaces
from cdp.registers.versions import Seen
from cdp.vocabulary import WorkspaceId
from cdp.work import Work


class Protection(StrEnum):
    """As whom somebody of unknown age is protected."""

    CHILD = "child"
    ADULT = "adult"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A workspace and what is set of it. `region`: where phone numbers without a country are from."""

    id: WorkspaceId
    name: str
    region: str
    unknown_age: Protection


def furnish(*, work: Work, ports: Ports) -> None:
    """Give a new workspace what each has from the start: the reserved purposes. Raises `ActNotAllowed`."""
    with acting(Act.WORKSPACE_CREATE, work=work, ports=ports) as doing:
        ports.registers.purposes.seed(work=work)
        doing.tell(object=work.workspace)


def read(*, work: Work, ports: Ports) -> Settings:
    """What is set of the Work's workspace. Raises `ActNotAllowed`."""
    with acting(Act.WORKSPACE_READ, work=work, ports=ports):
        return _settings(work)


def _settings(work: Work) -> Settings:
    as_child = workspaces.unknown_age_is_child(work=work)
    return Settings(
        id=work.workspace,
        name=workspaces.name(work=work),
        region=workspaces.region(work=work),
        unknown_age=Protection.CHILD if as_child else Protection.ADULT,
    )


def protect_unknown_age(protection: Protection, *, seen: Seen = None, work: Work, ports: Ports) -> None:
    """Say anew how people are protected whose date of birth is not known; it counts at once.

    Raises `ActNotAllowed`, `ChangedMeanwhile`.
    """
    with acting(Act.WORKSPACE_UNKNOWN_AGE, work=work, ports=ports) as doing:
        versions.lock(work=work)
        versions.hold_to(seen, _settings(work))
        workspaces.protect_unknown_age(as_child=protection is Protection.CHILD, work=work)
        doing.tell(object=work.workspace, protection=protection)
