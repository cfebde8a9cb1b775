"""Notices as acts: what people are shown, word by word, in versions that are never changed."""

from dataclasses import dataclass

from cdp.acting import acting
from cdp.acts import Act
from cdp.ports import Ports
from cdp.ports.register_ports import ALL, NewNotice, Page, RegisteredNotice
from cdp.vocabulary import NoticeId
from cdp.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A version of a notice that was just published."""

    id: NoticeId
    version: int


def publish(new: NewNotice, *, work: Work, ports: Ports) -> Published:
    """Publish the next version of a notice. Who agrees, agrees to what the version that they saw names.

    Raises `ActNotAllowed`, `BadInput` naming the field, `NotFound` for a recipient or a controller that is
    not registered.
    """
    with acting(Act.NOTICE_PUBLISH, work=work, ports=ports) as doing:
        made, version = ports.registers.notices.add(new, work=work)
        doing.tell(object=made, version=version)
    return Published(id=made, version=version)


def every(page: Page = ALL, *, work: Work, ports: Ports) -> list[RegisteredNotice]:
    """Every version of every notice, in the order of their publication. Raises `ActNotAllowed`."""
    with acting(Act.NOTICE_LIST, work=work, ports=ports):
        return list(ports.registers.notices.every(page, work=work))
