"""Which identifier an erased contact was, as HMACs, so that its unsubscribe links work for ever.

A link names a contact by its id, and whoever comes back after an erasure is a new contact. So
an erasure keeps, under the keys of suppressions, what the id stood for (GDPR 7(3), 21(3)); the
contact that the same identifier gets later is noted beside it. Decided in ADR-0025.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, func, select, update

from cdp.kernel.database import Conflict, insert_rows, write
from cdp.kernel.outlasting import outlasts
from cdp.ports import Remembered
from cdp.vocabulary import ContactId
from cdp.work import Work
from consent import tables


class Former(NamedTuple):
    """That a contact was an identifier, by the HMAC of one key."""

    contact: ContactId
    label: str  # which key: suppression | journal
    namespace: str
    mac: bytes


def keep(formers: Sequence[Former], *, work: Work) -> None:
    """Remember what erased contacts were."""
    insert_rows(
        work.session,
        tables.former_contacts,
        work.workspace,
        {
            "contact_id": [one.contact for one in formers],
            "label": [one.label for one in formers],
            "namespace": [one.namespace for one in formers],
            "mac": [one.mac for one in formers],
            "erased_at": [work.now for _ in formers],
        },
        order=("contact_id", "label"),
        conflict=Conflict(("contact_id", "label")),
    )


def forget_successors(gone: Sequence[ContactId], *, work: Work) -> None:
    """These contacts go too: what they stood in for is nobody's again."""
    former = tables.former_contacts
    work.session.execute(
        update(former)
        .where(former.c.successor_id == func.any(bindparam("gone", list(gone), unique=True)))
        .values(successor_id=None)
    )


_COME_BACK = """
UPDATE consent.former_contacts f SET successor_id = u.contact
FROM unnest(%b::text[], %b::text[], %b::bytea[], %b::uuid[]) AS u(label, namespace, mac, contact)
WHERE f.label = u.label AND f.namespace = u.namespace AND f.mac = u.mac
"""


def come_back(owners: Mapping[tuple[str, str, bytes], ContactId], *, work: Work) -> None:
    """Note new contacts, by (label, namespace, HMAC), beside the erased ones that they were before."""
    keys = list(owners)
    write(
        work.session,
        _COME_BACK,
        (
            [label for label, _, _ in keys],
            [namespace for _, namespace, _ in keys],
            [mac for _, _, mac in keys],
            [owners[key] for key in keys],
        ),
    )


def of(contact: ContactId, *, work: Work) -> list[Former]:
    """What an erased contact was; nothing: it was never erased, or was no address."""
    former = tables.former_contacts.c
    rows = work.session.execute(
        select(former.contact_id, former.label, former.namespace, former.mac).where(
            former.contact_id == contact
        )
    )
    return [Former(ContactId(row.contact_id), row.label, row.namespace, bytes(row.mac)) for row in rows]


def remembered(contact: ContactId, *, work: Work) -> Remembered | None:
    """Whether an erased contact is remembered, and the contact that the same identifier is now."""
    former = tables.former_contacts.c
    rows: Collection[ContactId | None] = work.session.scalars(
        select(former.successor_id).where(former.contact_id == contact)
    ).all()
    return Remembered(next((one for one in rows if one is not None), None)) if rows else None


def come_back_by_now(contact: ContactId, *, patience: timedelta, work: Work) -> bool:
    """Whether nobody who is noting what an erased contact has become is still at it, after `patience`."""
    former = tables.former_contacts.c
    mine = select(former.contact_id).where(former.contact_id == contact).with_for_update(read=True)
    return outlasts(work.session, lambda: work.session.execute(mine).all(), patience=patience)
