"""Golden values: pointers to the statements that win, never the values themselves.

Of two statements the better one is verified before it is asserted, of the source with the
smaller priority, newer by acceptance, and of the smaller id where all that ties. A fragment
offers its best for each trait, and the best three fragments have the ranks (ADR-0019). So a
profile's pointers are a function of the statements in its fragments.
"""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select

from cdp.kernel.database import Conflict, insert_rows, run, write
from cdp.ports import GoldenValue, Statement, StoredStatement
from cdp.vocabulary import FragmentId, ProfileId, SourceId, Trust
from cdp.work import Work
from identity import tables

_APPEND = Conflict(
    ("id",),
    "UPDATE SET accept_seq = excluded.accept_seq, index = excluded.index, received_at = excluded.received_at"
    " WHERE (excluded.accept_seq, excluded.index) < (statements.accept_seq, statements.index)",
)


def state(statements: Sequence[Statement], *, work: Work) -> None:
    """Append statements and point the touched profiles' golden values anew.

    One whose id is there already is the same message, accepted at another place: the earlier
    place counts. The caller holds the roots locked.
    """
    first: dict[object, Statement] = {}
    for one in sorted(statements, key=lambda one: one.position):
        first.setdefault(one.id, one)
    rows = list(first.values())
    written = insert_rows(
        work.session,
        tables.statements,
        work.workspace,
        {
            "id": [one.id for one in rows],
            "fragment_id": [one.fragment for one in rows],
            "source_id": [one.source.id for one in rows],
            "kind": [one.kind for one in rows],
            "priority": [one.source.priority for one in rows],
            "trust": [int(one.trust) for one in rows],
            "accept_seq": [one.position.accept_seq for one in rows],
            "index": [one.position.index for one in rows],
            "received_at": [one.received_at for one in rows],
            "traits": [_array(one.traits) for one in rows],
            "sealed": [one.sealed for one in rows],
        },
        order=("id",),
        conflict=_APPEND,
        returning=("id", "xmax"),
    )
    # A row that this statement inserted, and did not update, has no xmax.
    new = {one for one, xmax in written if int(xmax) == 0}
    earlier = [first[one].fragment for one, xmax in written if int(xmax) != 0]
    heard = [one for one in rows if one.id in new and one.traits]
    if heard:
        columns = (
            [one.id for one in heard],
            [one.fragment for one in heard],
            [int(one.trust) for one in heard],
            [one.source.priority for one in heard],
            [one.position.accept_seq for one in heard],
            [one.position.index for one in heard],
            [_array(one.traits) for one in heard],
        )
        write(work.session, _ADVANCE, (*columns, work.workspace))
    if earlier:
        # An older place may cost a winner its rank, to a statement or a fragment that has none yet.
        repoint(_roots(earlier, work=work), work=work)


def _array(numbers: Iterable[int]) -> str:
    """Distinct numbers as PostgreSQL writes an array: arrays within arrays cannot be sent row by row."""
    return "{" + ",".join(map(str, sorted(set(numbers)))) + "}"


# `OFFSET 0`: one index probe a row, whatever the planner believes (see `contacts.py`). A plan
# that reads a whole table makes each batch slower than the last. The profiles' pointers are read
# first, under the roots' locks: what stays as it is is left alone, and what is there is updated,
# for an insert that meets its conflict writes twice.
_POINT = """
WITH {before}
offered AS (
    SELECT DISTINCT ON (profile_id, trait, fragment_id) *
    FROM ({candidates}) AS c
    ORDER BY profile_id, trait, fragment_id, trust, priority, accept_seq DESC, index DESC, statement_id
),
ranked AS (
    SELECT profile_id, trait, statement_id, fragment_id,
        row_number() OVER (
            PARTITION BY profile_id, trait
            ORDER BY trust, priority, accept_seq DESC, index DESC, statement_id
        ) AS rank
    FROM offered
),
wanted AS (SELECT * FROM ranked WHERE rank <= 3),
changed AS (
    SELECT w.*, h.statement_id IS NOT NULL AS there
    FROM wanted w LEFT JOIN held h USING (profile_id, trait, rank)
    WHERE h.statement_id IS DISTINCT FROM w.statement_id
),
moved AS (
    UPDATE identity.golden g SET statement_id = c.statement_id, fragment_id = c.fragment_id
    FROM changed c
    WHERE c.there AND g.profile_id = c.profile_id AND g.trait = c.trait AND g.rank = c.rank
)
{dropping}
INSERT INTO identity.golden (workspace_id, profile_id, trait, rank, statement_id, fragment_id)
SELECT %s::uuid, profile_id, trait, rank, statement_id, fragment_id FROM changed
WHERE NOT there
ORDER BY profile_id, trait, rank
"""

# What a new statement can beat is what has a rank already: no need to read a profile's past. A
# fragment without a rank cannot gain one by what it said before, for the third only gets better.
_ADVANCE = _POINT.format(
    before="""said AS (
    SELECT f.root_id AS profile_id, t.trait,
        u.statement_id, u.fragment_id, u.trust, u.priority, u.accept_seq, u.index
    FROM unnest(%b::uuid[], %b::uuid[], %b::int2[], %b::int2[], %b::int8[], %b::int4[], %b::text[])
        AS u(statement_id, fragment_id, trust, priority, accept_seq, index, traits)
    CROSS JOIN LATERAL (
        SELECT root_id FROM identity.fragments
        WHERE id = u.fragment_id AND quarantined IS DISTINCT FROM 'contact_limit'
        OFFSET 0
    ) AS f
    CROSS JOIN LATERAL unnest(u.traits::int2[]) AS t(trait)
),
held AS (
    SELECT g.profile_id, g.trait, g.rank, s.* FROM (SELECT DISTINCT profile_id FROM said) AS p
    CROSS JOIN LATERAL (
        SELECT profile_id, trait, rank, statement_id FROM identity.golden
        WHERE profile_id = p.profile_id
        OFFSET 0
    ) AS g
    CROSS JOIN LATERAL (
        SELECT id AS statement_id, fragment_id, trust, priority, accept_seq, index FROM identity.statements
        WHERE id = g.statement_id
        OFFSET 0
    ) AS s
),""",
    # Traits that nobody spoke of are ranked with the others and come out as they were: a join that
    # left them out would be planned for a handful of rows, and loop over hundreds of them.
    candidates="""
    SELECT * FROM said
    UNION ALL
    SELECT profile_id, trait, statement_id, fragment_id, trust, priority, accept_seq, index FROM held""",
    dropping="",
)

_REPOINT = _POINT.format(
    before="""held AS (
    SELECT profile_id, trait, rank, statement_id FROM identity.golden WHERE profile_id = ANY(%b::uuid[])
),""",
    candidates="""
    SELECT f.root_id AS profile_id, t.trait,
        s.statement_id, s.fragment_id, s.trust, s.priority, s.accept_seq, s.index
    FROM (
        SELECT id, root_id FROM identity.fragments
        WHERE root_id = ANY(%b::uuid[]) AND quarantined IS DISTINCT FROM 'contact_limit'
    ) AS f
    CROSS JOIN LATERAL (
        SELECT id AS statement_id, fragment_id, trust, priority, accept_seq, index, traits
        FROM identity.statements
        WHERE fragment_id = f.id
        OFFSET 0
    ) AS s
    CROSS JOIN LATERAL unnest(s.traits) AS t(trait)""",
    dropping=""", dropped AS (
    DELETE FROM identity.golden g
    WHERE g.profile_id = ANY(%b::uuid[]) AND NOT EXISTS (
        SELECT FROM wanted w WHERE w.profile_id = g.profile_id AND w.trait = g.trait AND w.rank = g.rank
    )
)""",
)


def repoint(profiles: Collection[ProfileId], *, work: Work) -> None:
    """Point the golden values of `profiles` anew; those of a root that is none any more go."""
    if profiles:
        roots = list(profiles)
        write(work.session, _REPOINT, (roots, roots, roots, work.workspace))


def _roots(fragments: Collection[FragmentId], *, work: Work) -> set[ProfileId]:
    query = "SELECT DISTINCT root_id FROM identity.fragments WHERE id = ANY(%b::uuid[])"
    return {root for (root,) in run(work.session, query, (list(fragments),))}


_WINNERS = """
SELECT profile_id, trait, statement_id FROM identity.golden
WHERE profile_id = ANY(%b::uuid[]) AND trait = ANY(%b::int2[]) AND rank = 1
"""


def winners(
    profiles: Collection[ProfileId], traits: Collection[int], *, work: Work
) -> list[tuple[ProfileId, int, UUID]]:
    """(profile, trait, statement) of the best statement of each of `traits`, without its content."""
    rows: list[tuple[ProfileId, int, UUID]] = run(
        work.session, _WINNERS, (list(profiles), list(traits))
    ).fetchall()
    return rows


def golden(profiles: Collection[ProfileId], traits: Collection[int], *, work: Work) -> list[GoldenValue]:
    """The winning statements of `traits` (all if empty) for `profiles`, up to three a trait."""
    pointer, said = tables.golden.c, tables.statements.c
    query = (
        select(
            pointer.profile_id,
            pointer.trait,
            pointer.rank,
            said.id,
            said.fragment_id,
            said.source_id,
            said.received_at,
            said.trust,
            said.sealed,
        )
        .join(tables.statements, (said.id == pointer.statement_id))
        .where(pointer.profile_id == func.any(bindparam("profiles", list(profiles), unique=True)))
        .order_by(pointer.profile_id, pointer.trait, pointer.rank)
    )
    if traits:
        query = query.where(pointer.trait.in_(sorted(set(traits))))
    return [
        GoldenValue(
            profile=ProfileId(row.profile_id),
            trait=row.trait,
            rank=row.rank,
            statement=row.id,
            fragment=FragmentId(row.fragment_id),
            source=SourceId(row.source_id),
            received_at=row.received_at,
            trust=Trust(row.trust),
            sealed=bytes(row.sealed),
        )
        for row in work.session.execute(query)
    ]


def statements(fragments: Collection[FragmentId], *, work: Work) -> list[StoredStatement]:
    """All statements of `fragments`, oldest first."""
    return _stored(tables.statements.c.fragment_id, list(fragments), work=work)


def said(ids: Collection[UUID], *, work: Work) -> list[StoredStatement]:
    """Those of the statements with these ids that are there, oldest first."""
    return _stored(tables.statements.c.id, list(ids), work=work)


def _stored(column: ColumnElement[UUID], wanted: Sequence[UUID], *, work: Work) -> list[StoredStatement]:
    said = tables.statements.c
    query = (
        select(tables.statements)
        .where(column == func.any(bindparam("wanted", wanted, unique=True)))
        .order_by(said.accept_seq, said.index, said.id)
    )
    return [
        StoredStatement(
            id=row.id,
            fragment=FragmentId(row.fragment_id),
            source=SourceId(row.source_id),
            kind=row.kind,
            trust=Trust(row.trust),
            received_at=row.received_at,
            sealed=bytes(row.sealed),
        )
        for row in work.session.execute(query)
    ]
