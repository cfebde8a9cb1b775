"""A steward's word on two fragments: they are two people (un-merge), or one; and its taking back.

A `never` edge keeps them apart whatever is said later, and every contact that both go by
joins nobody from then on, for two people hold it (ADR-0004). What had hung on such a contact
alone stays with the second: a steward's `same` edge holds it there.

Only what a steward decided can be taken back. What an erasure keeps apart was apart by the
erased, of whom nothing is left to ask.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import update

from cdp.kernel.database import Conflict, insert_rows, run
from cdp.kernel.errors import Conflict as Contradiction
from cdp.ports import NoSuchFragment, OneFragment
from cdp.vocabulary import FragmentId, ProfileId
from cdp.work import Work
from identity import tables
from identity.resolve import regrouping
from identity.resolve.components import EdgeKind, Limits
from identity.resolve.regrouping import Change

EDGE_VERSION = 1
STEWARD = "steward"


class NotSeparated(Contradiction):
    """No steward keeps these two apart; what an erasure keeps apart stays apart."""


class KeptApart(Contradiction):
    """These two are kept apart; a steward's separation is taken back first, an erasure's never."""

    by_command = "cdp identity rejoin A B, if a steward separated them"
    by_request = "POST /v1/identity/rejoin, if a steward separated them, as a client with the role steward"


class Crowded(Contradiction):
    """One of the two is quarantined: what goes by many people's contacts is joined to nobody."""

    by_command = "cdp identity waive FRAGMENT, if it is one person's"
    by_request = "POST /v1/identity/waive, if it is one person's, as a client with the role steward"


def separate(a: FragmentId, b: FragmentId, *, work: Work, limits: Limits) -> frozenset[ProfileId]:
    """Split the person that holds `a` and `b`; the regrouped profiles.

    `a` leaves with everything that is joined to it by other contacts than those that both
    go by; the rest stays with `b`. Raises `NoSuchFragment`, `OneFragment`, `Contended`.
    """
    if a == b:
        raise OneFragment

    def attempt(also: frozenset[FragmentId]) -> frozenset[ProfileId]:
        change = Change(seeds=frozenset({a, b}))
        locks = also | {a, b} | regrouping.needs(change, work=work, limits=limits)
        regrouping.lock(locks, work=work)
        before = _roots(locks, work=work)
        if not {a, b} <= before.keys():
            raise NoSuchFragment
        _decide([(a, b)], EdgeKind.NEVER, work=work)
        _end(a, b, EdgeKind.SAME, work=work)
        moved = regrouping.settle(change, locks, work=work, limits=limits)
        return moved | _keep_with(a, b, before, locks, work=work, limits=limits)

    return regrouping.retrying(attempt, work=work)


def rejoin(a: FragmentId, b: FragmentId, *, work: Work, limits: Limits) -> frozenset[ProfileId]:
    """Take a steward's `never` between `a` and `b` back: evidence decides again; the regrouped profiles.

    Raises `NoSuchFragment`, `NotSeparated`, `Contended`.
    """

    def attempt(also: frozenset[FragmentId]) -> frozenset[ProfileId]:
        change = Change(seeds=frozenset({a, b}))
        locks = also | {a, b} | regrouping.needs(change, work=work, limits=limits)
        regrouping.lock(locks, work=work)
        if not {a, b} <= _roots({a, b}, work=work).keys():
            raise NoSuchFragment
        if not _retract(a, b, work=work):
            raise NotSeparated
        return regrouping.settle(change, locks, work=work, limits=limits)

    return regrouping.retrying(attempt, work=work)


_APART = """
SELECT e.evidence FROM identity.edges e
JOIN identity.fragments x ON x.id = e.a JOIN identity.fragments y ON y.id = e.b
WHERE e.kind = 'never' AND e.retracted_at IS NULL
    AND (x.core_id = ANY(%(cores)b::uuid[]) AND y.core_id = ANY(%(cores)b::uuid[]))
"""

_QUARANTINED = "SELECT id FROM identity.fragments WHERE id = ANY(%b::uuid[]) AND quarantined IS NOT NULL"


def join(a: FragmentId, b: FragmentId, *, work: Work, limits: Limits) -> frozenset[ProfileId]:
    """Say that `a` and `b` are one person, by a `same` edge; the regrouped profiles.

    It joins what evidence would not, two records of one source too; `separate` undoes it. Raises
    `NoSuchFragment`, `OneFragment`, `KeptApart`, `Crowded`, `Contended`.
    """
    if a == b:
        raise OneFragment

    def attempt(also: frozenset[FragmentId]) -> frozenset[ProfileId]:
        # Each side's neighbourhood is grouped anew, as the edge does not stand yet.
        change = Change(seeds=frozenset({a, b}))
        locks = also | {a, b} | regrouping.needs(change, work=work, limits=limits)
        regrouping.lock(locks, work=work)
        query = "SELECT id, core_id FROM identity.fragments WHERE id = ANY(%b::uuid[])"
        cores: dict[UUID, UUID] = dict(run(work.session, query, ([a, b],)).fetchall())
        if len(cores) < 2:
            raise NoSuchFragment
        if run(work.session, _QUARANTINED, ([a, b],)).fetchone() is not None:
            raise Crowded
        if run(work.session, _APART, {"cores": list(cores.values())}).fetchone() is not None:
            raise KeptApart
        _decide([(a, b)], EdgeKind.SAME, work=work)
        return regrouping.settle(change, locks, work=work, limits=limits)

    return regrouping.retrying(attempt, work=work)


def _retract(a: FragmentId, b: FragmentId, *, work: Work) -> bool:
    """End the steward's `never`; whether there was one."""
    return _end(a, b, EdgeKind.NEVER, work=work)


def _end(a: FragmentId, b: FragmentId, kind: EdgeKind, *, work: Work) -> bool:
    edge = tables.edges.c
    ended = work.session.execute(
        update(tables.edges)
        .where(
            edge.a == min(a, b),
            edge.b == max(a, b),
            edge.kind == str(kind),
            edge.evidence == STEWARD,
            edge.retracted_at.is_(None),
        )
        .values(retracted_at=work.now)
        .returning(edge.a)
    )
    return ended.one_or_none() is not None


def _keep_with(
    a: FragmentId,
    b: FragmentId,
    before: Mapping[FragmentId, ProfileId],
    locks: frozenset[FragmentId],
    *,
    work: Work,
    limits: Limits,
) -> frozenset[ProfileId]:
    """Hold with `b` what the split has left on its own; the regrouped profiles."""
    if before[a] != before[b]:
        return frozenset()
    now = _roots(locks, work=work)
    person = {one for one, root in before.items() if root == before[b]}
    alone = {FragmentId(now[one]) for one in person} - {now[a], now[b]}
    if not alone:
        return frozenset()
    _decide([(b, one) for one in alone], EdgeKind.SAME, work=work)
    change = Change(seeds=frozenset(alone | {b}))
    return regrouping.settle(change, locks, work=work, limits=limits)


def _decide(pairs: Iterable[tuple[FragmentId, FragmentId]], kind: EdgeKind, *, work: Work) -> None:
    ordered = sorted((min(pair), max(pair)) for pair in pairs)
    insert_rows(
        work.session,
        tables.edges,
        work.workspace,
        {
            "a": [a for a, _ in ordered],
            "b": [b for _, b in ordered],
            "kind": [str(kind) for _ in ordered],
            "evidence": [STEWARD for _ in ordered],
            "version": [EDGE_VERSION for _ in ordered],
            # A steward's word has no place in the order of acceptance: it comes before all.
            "accept_seq": [0 for _ in ordered],
            "created_at": [work.now for _ in ordered],
        },
        conflict=Conflict(("a", "b", "kind"), "UPDATE SET retracted_at = NULL"),
    )


def _roots(fragments: Iterable[FragmentId], *, work: Work) -> dict[FragmentId, ProfileId]:
    query = "SELECT id, root_id FROM identity.fragments WHERE id = ANY(%b::uuid[])"
    return dict(run(work.session, query, (list(fragments),)).fetchall())
