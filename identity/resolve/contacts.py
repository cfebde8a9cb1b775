"""From identifiers to contacts: the only reader and writer of blind indexes.

A contact is found by every version of the index that is in use and made under the current
one. What was accepted before an erasure and names the erased person is recognised here.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from cdp.kernel.database import Conflict, insert_rows, run
from cdp.kernel.ids import new_id
from cdp.kernel.outlasting import outlasts
from cdp.ports import BlindIndex, Vault
from cdp.vocabulary import ContactId, Identifier
from cdp.work import Work
from identity import tables

JOURNAL, BLIND = "journal", "blind"

# `OFFSET 0` keeps it one index probe a row: without it, a database whose statistics are young
# may read a whole table to join it.
_FIND = """
SELECT u.n, i.contact_id
FROM unnest(%b::text[], %b::int2[], %b::bytea[], %b::int4[]) AS u(namespace, version, index, n)
CROSS JOIN LATERAL (
    SELECT contact_id FROM identity.identifiers i
    WHERE i.namespace = u.namespace AND i.index_version = u.version AND i.index = u.index
    OFFSET 0
) AS i
"""

Indexes = Sequence[Sequence[BlindIndex]]  # of each identifier by every key in use, the current one first


def find(names: Sequence[Identifier], indexes: Indexes, *, work: Work) -> dict[int, ContactId]:
    """The contacts that are there already, by place in `names`."""
    probes = [
        (name.namespace, one.version, one.index, n) for n, name in enumerate(names) for one in indexes[n]
    ]
    if not probes:
        return {}
    return dict(run(work.session, _FIND, tuple(map(list, zip(*probes, strict=True)))).fetchall())


def find_or_make(
    names: Sequence[Identifier], indexes: Indexes, early: Mapping[Identifier, ContactId], *, work: Work
) -> tuple[dict[int, ContactId], frozenset[int]]:
    """The contacts by place in `names`, and the places of those that this Work has made.

    `early` are contacts that were there before; without any, they are looked up. One that was made
    since is met when it is inserted, and one that went since is missed when it is locked.
    """
    if early:
        found = {n: early[name] for n, name in enumerate(names) if name in early}
    else:
        found = find(names, indexes, work=work)
    missing = [n for n in range(len(names)) if n not in found]
    if not missing:
        return found, frozenset()
    made = insert_rows(
        work.session,
        tables.identifiers,
        work.workspace,
        {
            "namespace": [names[n].namespace for n in missing],
            "index_version": [indexes[n][0].version for n in missing],
            "index": [indexes[n][0].index for n in missing],
            "contact_id": [new_id() for _ in missing],
        },
        order=("namespace", "index"),
        conflict=Conflict(("namespace", "index_version", "index")),
        returning=("contact_id", "namespace", "index"),
    )
    place = {(names[n].namespace, indexes[n][0].index): n for n in missing}
    new = {place[namespace, bytes(index)]: ContactId(contact) for contact, namespace, index in made}
    found |= new
    # Somebody else made the others in the meantime; only a new statement sees them.
    rest = [n for n in missing if n not in new]
    theirs = find([names[n] for n in rest], [indexes[n] for n in rest], work=work)
    found |= {rest[n]: contact for n, contact in theirs.items()}
    return found, frozenset(new)


def made_by_now(names: Sequence[Identifier], indexes: Indexes, *, patience: timedelta, work: Work) -> bool:
    """Whether nobody who is making a contact of `names` is still at it, after at most `patience`.

    Whoever makes one holds its keys in the unique index until they commit, so it is enough to ask for the
    same keys, in the order in which they do. Nothing is made: the keys are given back at once.
    """
    keys = [(name.namespace, one) for name, every in zip(names, indexes, strict=True) for one in every]

    def hold() -> None:
        insert_rows(
            work.session,
            tables.identifiers,
            work.workspace,
            {
                "namespace": [namespace for namespace, _ in keys],
                "index_version": [one.version for _, one in keys],
                "index": [one.index for _, one in keys],
                "contact_id": [new_id() for _ in keys],
            },
            order=("namespace", "index"),
            conflict=Conflict(("namespace", "index_version", "index")),
            returning=("contact_id",),
        )

    return outlasts(work.session, hold, patience=patience)


_WATERMARKS = "SELECT label, max(watermark) FROM identity.erased GROUP BY label"

_ERASED = """
SELECT u.n, max(e.watermark)
FROM unnest(%b::text[], %b::text[], %b::int2[], %b::bytea[], %b::int4[])
    AS u(label, namespace, version, index, n)
JOIN identity.erased e
    ON e.label = u.label AND e.namespace = u.namespace AND e.index_version = u.version AND e.index = u.index
GROUP BY u.n
"""


def erased(
    oldest: int, names: Sequence[Identifier], indexes: Indexes, *, vault: Vault, work: Work
) -> dict[int, int]:
    """Watermarks of identifiers, by place in `names`: what was accepted up to there is dropped.

    `oldest` is the least place of acceptance that is asked about; watermarks before it may
    be left out.
    """
    marks: dict[str, int] = dict(run(work.session, _WATERMARKS).fetchall())
    labels = {label for label, mark in marks.items() if mark >= oldest}
    probes: list[tuple[str, str, int, bytes, int]] = []
    if BLIND in labels:
        for n, name in enumerate(names):
            probes += [(BLIND, name.namespace, one.version, one.index, n) for one in indexes[n]]
    if JOURNAL in labels:
        macs = vault.lasting_macs(work.workspace, names)
        probes += [(JOURNAL, "", 0, macs[n][JOURNAL], n) for n in range(len(names))]
    if not probes:
        return {}
    return dict(run(work.session, _ERASED, tuple(map(list, zip(*probes, strict=True)))).fetchall())


def remember_erased(macs: Iterable[bytes], watermark: int, *, work: Work) -> None:
    """After a restore: recognise the erased by the HMACs that their journal line has.

    An HMAC covers its namespace, which the line leaves out: a source's name is not for the journal.
    """
    remember([(JOURNAL, "", 0, mac) for mac in sorted(set(macs))], watermark, work=work)


def remember(rows: Sequence[tuple[str, str, int, bytes]], watermark: int, *, work: Work) -> None:
    """Note (label, namespace, version, index): what was accepted up to `watermark` is dropped."""
    insert_rows(
        work.session,
        tables.erased,
        work.workspace,
        {
            "label": [row[0] for row in rows],
            "namespace": [row[1] for row in rows],
            "index_version": [row[2] for row in rows],
            "index": [row[3] for row in rows],
            "watermark": [watermark for _ in rows],
            "erased_at": [work.now for _ in rows],
        },
        order=("label", "namespace", "index_version", "index"),
        conflict=Conflict(
            ("label", "namespace", "index_version", "index"),
            "UPDATE SET watermark = greatest(erased.watermark, excluded.watermark),"
            " erased_at = excluded.erased_at",
        ),
    )


def forget_erased(before: datetime, *, work: Work) -> int:
    """Drop what recognises people erased before `before`: by then the inbox and quarantine have passed."""
    return int(run(work.session, "DELETE FROM identity.erased WHERE erased_at < %s", (before,)).rowcount)
