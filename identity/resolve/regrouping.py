"""Group fragments anew after a change: lock, read again, decide, write only what differs.

Whoever changes a claim, a fragment's place or an edge calls `settle` in the same Work, with
the rows locked that `needs` names; `retrying` repeats an attempt that somebody overtook.
Every lock on fragments is taken by one statement in id order, so two attempts can wait for
one another but not both ways.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from random import SystemRandom
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from cdp.kernel.database import IN_THE_WAY, LOCK_NOT_AVAILABLE, run, sqlstate
from cdp.kernel.errors import Overloaded
from cdp.vocabulary import ContactId, FragmentId, Namespace, ProfileId, Trust
from cdp.work import Work
from identity.golden import golden
from identity.resolve.closure import DatabaseStore, Fresh, Reach, walk
from identity.resolve.components import Component, Limits, group

ATTEMPTS = 5
PAUSE = 0.005  # seconds; doubled with each attempt, and jittered

T = TypeVar("T")
_random = SystemRandom()


class Contended(Overloaded):
    """Too many batches change the same people at once; nothing was stored. Send a smaller batch."""


class Moved(Exception):
    """Rows that an attempt had not locked turned out to matter."""

    def __init__(self, needs: Iterable[FragmentId] = ()) -> None:
        super().__init__()
        self.needs = frozenset(needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was changed: fragments whose verified links or place did, and asserted user ids."""

    seeds: frozenset[FragmentId] = frozenset()
    named: Mapping[ContactId, int] = field(default_factory=dict)  # new verified claims by contact
    lenders: frozenset[FragmentId] = frozenset()  # fragments whose asserted user ids changed
    lent_by: frozenset[ContactId] = frozenset()  # those user ids
    fresh: Fresh = field(default_factory=Fresh)  # of all that, what is new and need not be read

    def __bool__(self) -> bool:
        return bool(self.seeds or self.lenders)


def retrying(attempt: Callable[[frozenset[FragmentId]], T], *, work: Work) -> T:
    """Run `attempt` in a savepoint until nobody overtakes it; it gets the ids to lock besides its own.

    Raises `Contended` after five attempts.
    """
    also: frozenset[FragmentId] = frozenset()
    for number in range(ATTEMPTS):
        try:
            with work.session.begin_nested():
                return attempt(also)
        except Moved as moved:
            also |= moved.needs
        except DBAPIError as error:
            if sqlstate(error) not in IN_THE_WAY:
                raise
        time.sleep(_random.uniform(0, PAUSE * 2**number))
    raise Contended(attempts=ATTEMPTS)


_LOCK = "SELECT id FROM identity.fragments WHERE id = ANY(%b::uuid[]) ORDER BY id FOR UPDATE"


def lock(fragments: Collection[FragmentId], *, work: Work) -> None:
    """Lock rows of fragments FOR UPDATE in id order until the Work ends."""
    if fragments:
        run(work.session, _LOCK, (list(fragments),))


def lock_more(
    fragments: frozenset[FragmentId], locked: frozenset[FragmentId], *, work: Work
) -> frozenset[FragmentId]:
    """Lock the rest of `fragments` too, if nobody else does; all that is locked now.

    It never waits, so it need not keep to the order. Raises `Moved` if it would have to.
    """
    rest = fragments - locked
    if rest:
        try:
            run(work.session, _LOCK + " NOWAIT", (list(rest),))
        except DBAPIError as error:
            if sqlstate(error) != LOCK_NOT_AVAILABLE:
                raise
            raise Moved(fragments) from None
    return locked | rest


def lock_contacts(contacts: Collection[ContactId], *, work: Work) -> None:
    """Lock contacts in the order of their indexes. Raises `Moved` if one of them is gone."""
    if contacts:
        query = (
            "SELECT contact_id FROM identity.identifiers WHERE contact_id = ANY(%b::uuid[])"
            " ORDER BY namespace, index_version, index FOR UPDATE"
        )
        if {contact for (contact,) in run(work.session, query, (list(contacts),))} != set(contacts):
            raise Moved


def needs(change: Change, *, work: Work, limits: Limits) -> frozenset[FragmentId]:
    """The fragments to lock before `change` can be settled, as things stand now."""
    return _survey(change, work=work, limits=limits).needs if change else frozenset()


def settle(
    change: Change, locked: frozenset[FragmentId], *, work: Work, limits: Limits
) -> frozenset[ProfileId]:
    """Group anew what `change` reaches; the roots, old and new, of whatever moved.

    Raises `Moved` if others hold what it reaches beyond `locked`.
    """
    if not change:
        return frozenset()
    survey = _survey(change, work=work, limits=limits)
    while not survey.needs <= locked:
        locked = lock_more(survey.needs, locked, work=work)
        # What was locked late may have changed before: only a new statement shows it.
        survey = _survey(change, work=work, limits=limits)
    moved = _write(survey.reach, work=work)
    _retract(survey.reach.inside & survey.reach.book.crowded, work=work)
    golden.repoint(moved, work=work)
    return moved | _lend(survey.lenders, work=work)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Survey:
    reach: Reach
    lenders: frozenset[FragmentId]
    needs: frozenset[FragmentId]


_LENDERS = """
SELECT f.id FROM identity.fragments f WHERE f.lends_to = ANY(%b::uuid[])
UNION
SELECT c.fragment_id FROM identity.claims c
WHERE c.contact_id = ANY(%b::uuid[]) AND c.trust = 3 AND c.retracted_at IS NULL
"""

_HOLDERS = """
SELECT DISTINCT f.root_id FROM unnest(%b::uuid[]) AS u(contact_id)
CROSS JOIN LATERAL (
    SELECT c.fragment_id FROM identity.claims c
    WHERE c.contact_id = u.contact_id AND c.trust = 1 AND c.retracted_at IS NULL
    LIMIT %s
) AS v
JOIN identity.fragments f ON f.id = v.fragment_id
"""


def _survey(change: Change, *, work: Work, limits: Limits) -> _Survey:
    reach = walk(change.seeds, change.named, store=DatabaseStore(work, change.fresh), limits=limits)
    roots = {FragmentId(reach.present[one].root) for one in reach.inside}
    claims = [claim for one in reach.inside for claim in reach.book.claims[one]]
    user_ids = [claim for claim in claims if claim.namespace == Namespace.USER_ID]
    held = {claim.contact for claim in user_ids if claim.trust is Trust.VERIFIED}
    lenders = set(change.lenders)
    lenders |= {claim.fragment for claim in user_ids if claim.trust is Trust.ASSERTED}
    if roots:
        lenders |= {one for (one,) in run(work.session, _LENDERS, (list(roots), list(held)))}
    holders: set[FragmentId] = set()
    if change.lent_by:
        rows = run(work.session, _HOLDERS, (list(change.lent_by), limits.claims + 1))
        holders = {root for (root,) in rows}
    return _Survey(
        reach=reach,
        lenders=frozenset(lenders),
        needs=frozenset(reach.inside | roots | lenders | holders),
    )


_MOVE = """
UPDATE identity.fragments f SET core_id = u.core_id, root_id = u.root_id, quarantined = u.quarantined
FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[], %b::text[]) AS u(id, core_id, root_id, quarantined)
WHERE f.id = u.id
"""


def _write(reach: Reach, *, work: Work) -> frozenset[ProfileId]:
    """Write the components that differ; the roots, old and new, of the fragments that moved."""
    grouped = group(reach.book, list(reach.edges))
    moved: list[tuple[FragmentId, Component, Component]] = []
    for one in reach.inside:
        was, now = reach.present[one], grouped[one]
        if (was.core, was.root, was.quarantined) != (now.core, now.root, now.quarantined):
            moved.append((one, was, now))
    if not moved:
        return frozenset()
    columns = (
        [one for one, _, _ in moved],
        [now.core for _, _, now in moved],
        [now.root for _, _, now in moved],
        [now.quarantined and str(now.quarantined) for _, _, now in moved],
    )
    run(work.session, _MOVE, columns)
    return frozenset(root for _, was, now in moved for root in (was.root, now.root))


_RETRACT = """
UPDATE identity.claims SET retracted_at = %s
WHERE fragment_id = ANY(%b::uuid[]) AND retracted_at IS NULL
"""


def _retract(crowded: Collection[FragmentId], *, work: Work) -> None:
    """What goes by too many contacts goes by none: nobody who reads claims sees them any more."""
    if crowded:
        run(work.session, _RETRACT, (work.now, list(crowded)))


_CROWDED = """
SELECT f.id FROM identity.fragments f
WHERE f.id = ANY(%b::uuid[]) AND f.waived_at IS NULL AND (f.quarantined = 'contact_limit' OR EXISTS (
    SELECT FROM identity.claims c
    WHERE c.fragment_id = f.id AND c.namespace <> 'anonymous_id' AND c.retracted_at IS NULL
    GROUP BY c.namespace HAVING count(DISTINCT c.contact_id) > %s
))
"""


def crowded(fragments: Collection[FragmentId], *, work: Work, limits: Limits) -> frozenset[FragmentId]:
    """Those of `fragments`, whose rows are locked, that go by more contacts than one person has."""
    if not fragments:
        return frozenset()
    return frozenset(one for (one,) in run(work.session, _CROWDED, (list(fragments), limits.contacts)))


# The user id that was asserted last decides; behaviour goes to the fragment that is known by it,
# else to the first that goes by it. The same rule as `Book.holder`, held to it by a test.
_LEND = """
UPDATE identity.fragments f SET lends_to = n.lends_to
FROM (
    SELECT l.id, l.lends_to AS was, NULLIF(h.root_id, l.root_id) AS lends_to
    FROM identity.fragments l
    LEFT JOIN LATERAL (
        SELECT c.contact_id FROM identity.claims c
        WHERE c.fragment_id = l.id AND c.trust = 3 AND c.namespace = 'user_id' AND c.retracted_at IS NULL
        ORDER BY c.last_seq DESC, c.last_index DESC, c.contact_id DESC
        LIMIT 1
    ) AS last ON true
    LEFT JOIN LATERAL (
        SELECT o.root_id FROM identity.claims v JOIN identity.fragments o ON o.id = v.fragment_id
        WHERE v.contact_id = last.contact_id AND v.trust = 1 AND v.retracted_at IS NULL
        ORDER BY o.contact_id = v.contact_id DESC, v.accept_seq, v.index,
            o.accept_seq, o.index, o.namespace, o.id
        LIMIT 1
    ) AS h ON true
    WHERE l.id = ANY(%b::uuid[])
) AS n
WHERE f.id = n.id AND n.was IS DISTINCT FROM n.lends_to
RETURNING n.was, n.lends_to
"""


def _lend(lenders: Collection[FragmentId], *, work: Work) -> frozenset[ProfileId]:
    """Point lenders to who borrows from them now; the roots, old and new, that borrow."""
    if not lenders:
        return frozenset()
    rows = run(work.session, _LEND, (list(lenders),))
    return frozenset(root for pair in rows for root in pair if root is not None)
