"""The addresses behind contacts, sealed: what a message is sent to."""

from collections.abc import Mapping, Sequence

from cdp.kernel.database import Conflict, insert_rows, run
from cdp.vocabulary import ContactId, FragmentId
from cdp.work import Work
from identity import tables

Pair = tuple[FragmentId, ContactId]

_READ = """
SELECT a.fragment_id, a.contact_id, a.sealed
FROM unnest(%b::uuid[], %b::uuid[]) AS u(fragment_id, contact_id)
JOIN identity.addresses a ON a.fragment_id = u.fragment_id AND a.contact_id = u.contact_id
"""


def addresses(pairs: Sequence[Pair], *, work: Work) -> dict[Pair, bytes]:
    """The sealed addresses of those pairs that have one."""
    if not pairs:
        return {}
    columns = ([fragment for fragment, _ in pairs], [contact for _, contact in pairs])
    rows = run(work.session, _READ, columns)
    return {(FragmentId(fragment), ContactId(contact)): bytes(sealed) for fragment, contact, sealed in rows}


def keep(sealed: Mapping[Pair, bytes], *, work: Work) -> None:
    """Keep addresses that are not kept yet: a contact's address never changes, only its seal."""
    insert_rows(
        work.session,
        tables.addresses,
        work.workspace,
        {
            "fragment_id": [fragment for fragment, _ in sealed],
            "contact_id": [contact for _, contact in sealed],
            "sealed": list(sealed.values()),
        },
        order=("fragment_id", "contact_id"),
        conflict=Conflict(("fragment_id", "contact_id")),
    )
