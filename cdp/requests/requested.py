"""Whom a request is about: somebody who is there, and one person, for many people's data is nobody's."""

from uuid import UUID

from cdp.kernel.errors import Conflict, NotFound
from cdp.ports import Ports
from cdp.vocabulary import ProfileId
from cdp.work import Work


class NoSuchPerson(NotFound):
    """There is no such person, or they have been erased."""


class NotOnePerson(Conflict):
    """This goes by more contacts than one person has and is quarantined: what it holds is many people's."""

    by_command = "cdp identity waive FRAGMENT, if it is one person's"
    by_request = "POST /v1/identity/waive, if it is one person's, as a client with the role steward"


def whom(profile: UUID, *, quarantined: bool = False, work: Work, ports: Ports) -> tuple[ProfileId, bool]:
    """Whose that profile or fragment is, and whether that is one person; it need not be if `quarantined`.

    Raises `NoSuchPerson`, `NotOnePerson`.
    """
    root = ports.identity.resolve(profile, work=work)
    if root is None:
        raise NoSuchPerson
    one_person = ports.identity.is_one_person(root, work=work)
    if not one_person and not quarantined:
        raise NotOnePerson
    return root, one_person
