"""Sources as acts: where data comes from is an administrator's word."""

from collections.abc import Collection, Mapping
from uuid import UUID

from cdp.acting import acting
from cdp.acts import Act
from cdp.kernel.errors import BadInput
from cdp.ports import Category, Ports, Source
from cdp.registers import purpose_names, source_rows
from cdp.work import Work

ORIGINS = ("subject", "third_party")


class UnknownOrigin(BadInput):
    """Data is obtained from the `subject` or from a `third_party` (GDPR 13, 14)."""


class NoticeOfAnother(BadInput):
    """The notice of a category does not name its purpose, so no yes under it would ever count."""


def create(
    name: str,
    *,
    priority: int,
    authoritative: bool,
    obtained: str = "subject",
    categories: Mapping[str, Category] | None = None,
    controller: UUID | None = None,
    work: Work,
    ports: Ports,
) -> Source:
    """Register a source; see `source_rows:create`. Without a `controller` it is the workspace's own.

    Raises `ActNotAllowed`, `UnknownOrigin`, `UnknownPurpose`, `UnknownNotice`, `NoticeNotShownYet`,
    `NoticeOfAnother`, `UnfitSourceName`, `SourceExists`; `NotFound` for a controller that is not registered.
    """
    with acting(Act.SOURCE_CREATE, work=work, ports=ports) as doing:
        if obtained not in ORIGINS:
            raise UnknownOrigin(field="obtained")
        whose = ports.registers.controllers.known(controller, work=work)
        meaning = categories or {}
        _check(meaning.values(), work=work, ports=ports)
        made = source_rows.create(
            name,
            priority=priority,
            authoritative=authoritative,
            obtained=obtained,
            categories=meaning,
            controller_id=whose,
            work=work,
        )
        doing.tell(object=made.id)
    return made


def every(*, work: Work, ports: Ports) -> list[Source]:
    """The sources, by name; a workspace has dozens. Raises `ActNotAllowed`."""
    with acting(Act.SOURCE_LIST, work=work, ports=ports):
        return list(source_rows.every(work=work).values())


def one(name: str, *, work: Work, ports: Ports) -> Source:
    """A source. Raises `ActNotAllowed`, `NoSuchSource`."""
    with acting(Act.SOURCE_LIST, verb="read", work=work, ports=ports):
        return source_rows.named(name, work=work)


def _check(categories: Collection[Category], *, work: Work, ports: Ports) -> None:
    known = purpose_names.check([one.purpose for one in categories], work=work, ports=ports)
    notices = ports.ledger.notices(work=work)
    for one in categories:
        if one.notice and known[one.purpose] not in notices.seen(one.notice, work.now).purposes:
            raise NoticeOfAnother(field="category")
