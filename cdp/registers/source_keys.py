"""Write keys of sources as acts. A key's text is shown once, when it is made."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cdp.acting import acting
from cdp.acts import Act
from cdp.ports import Ports
from cdp.ports.register_ports import ALL, NewKey, Page
from cdp.registers import source_rows
from cdp.vocabulary import KeyKind
from cdp.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A write key and the name of its source; `revoked_at` None: it is good."""

    id: UUID
    source: str
    kind: KeyKind
    created_at: datetime
    revoked_at: datetime | None


def create(source: str, kind: KeyKind, *, work: Work, ports: Ports) -> NewKey:
    """Make a write key for the source of that name. Raises `ActNotAllowed`, `NoSuchSource`."""
    with acting(Act.WRITE_KEY_CREATE, work=work, ports=ports) as doing:
        made = ports.registers.keys.create(source_rows.named(source, work=work).id, kind, work=work)
        doing.tell(object=made.id)
    return made


def every(page: Page = ALL, *, source: str | None = None, work: Work, ports: Ports) -> list[Key]:
    """Write keys of the source of that name (None: of any), oldest first.

    Raises `ActNotAllowed`, `NoSuchSource`.
    """
    with acting(Act.WRITE_KEY_LIST, work=work, ports=ports):
        whose = None if source is None else source_rows.named(source, work=work).id
        names = {one.id: one.name for one in source_rows.every(work=work).values()}
        return [
            Key(
                id=one.id,
                source=names[one.source],
                kind=one.kind,
                created_at=one.created_at,
                revoked_at=one.revoked_at,
            )
            for one in ports.registers.keys.every(page, source=whose, work=work)
        ]


def revoke(key: UUID, *, work: Work, ports: Ports) -> None:
    """End a write key; every process refuses it within a second. Raises `ActNotAllowed`, `NotFound`."""
    with acting(Act.WRITE_KEY_REVOKE, work=work, ports=ports) as doing:
        ports.registers.keys.revoke(key, work=work)
        doing.tell(object=key)
