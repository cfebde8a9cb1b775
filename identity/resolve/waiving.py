"""A steward's word that what is quarantined is one person's, however much of it there is.

It is a mark that the pure function reads. A fragment that goes by many contacts is not counted by
them any more: what it had claimed joins again, as if it had never been retracted. Of what is too
much to be one person together all is marked that hangs together, and is counted no more; what comes
to it later is, so that a blob of strangers is not let in by what was said of a person.
"""

from collections.abc import Sequence

from psycopg.rows import TupleRow

from cdp.kernel.database import run
from cdp.kernel.errors import Conflict
from cdp.ports import NoSuchFragment
from cdp.vocabulary import FragmentId, Namespace, ProfileId, Trust
from cdp.work import Work
from identity.resolve import regrouping
from identity.resolve.closure import DatabaseStore, Fresh, walk
from identity.resolve.components import Limits, Quarantine, reached
from identity.resolve.regrouping import Change, Moved


class NotCrowded(Conflict):
    """This is not quarantined, so nothing is to be released."""


_WAIVE = "UPDATE identity.fragments SET waived_at = %s WHERE id = %s"
_WHY = "SELECT quarantined FROM identity.fragments WHERE id = %s"
_CLAIMS = "SELECT contact_id, namespace, trust FROM identity.claims WHERE fragment_id = %s"
_CLAIM_AGAIN = "UPDATE identity.claims SET retracted_at = NULL WHERE fragment_id = %s"


def waive(one: FragmentId, *, work: Work, limits: Limits) -> frozenset[ProfileId]:
    """Release a quarantined fragment, with all that hangs together with it; the regrouped profiles.

    Raises `NoSuchFragment`, `NotCrowded`, `Contended`.
    """

    def attempt(also: frozenset[FragmentId]) -> frozenset[ProfileId]:
        regrouping.lock(also | {one}, work=work)
        row = run(work.session, _WHY, (one,)).fetchone()
        if row is None:
            raise NoSuchFragment
        if row[0] is None:
            raise NotCrowded
        if row[0] == Quarantine.COMPONENT:
            return _vouch(one, also | {one}, work=work, limits=limits)
        claims = run(work.session, _CLAIMS, (one,)).fetchall()
        run(work.session, _WAIVE, (work.now, one))
        run(work.session, _CLAIM_AGAIN, (one,))
        change = _change(one, claims)
        needs = regrouping.needs(change, work=work, limits=limits)
        if not needs <= also | {one}:
            # Only now is it known whom it joins; they are locked first, in one order with it.
            raise Moved(needs)
        return regrouping.settle(change, also | {one}, work=work, limits=limits)

    return regrouping.retrying(attempt, work=work)


_VOUCH = """
UPDATE identity.fragments SET vouched_at = %s, quarantined = NULL WHERE id = ANY(%b::uuid[])
"""


def _vouch(
    one: FragmentId, locked: frozenset[FragmentId], *, work: Work, limits: Limits
) -> frozenset[ProfileId]:
    """Release all that links join to `one`. Raises `Moved` until all of it is locked."""
    reach = walk({one}, {}, store=DatabaseStore(work, Fresh()), limits=limits, through=True)
    together = frozenset(reached(reach.book, list(reach.edges), one))
    if not together <= locked:
        raise Moved(together)
    run(work.session, _VOUCH, (work.now, list(together)))
    moved = regrouping.settle(Change(seeds=together), locked, work=work, limits=limits)
    # Whatever stays where it was is shown again, and has to be derived anew as well.
    return moved | {ProfileId(each) for each in together}


def _change(one: FragmentId, claims: Sequence[TupleRow]) -> Change:
    asserted = int(Trust.ASSERTED)
    return Change(
        seeds=frozenset({one}),
        named={contact: 1 for contact, _, trust in claims if trust == int(Trust.VERIFIED)},
        lenders=frozenset({one}),
        lent_by=frozenset(
            contact for contact, kind, trust in claims if (kind, trust) == (Namespace.USER_ID, asserted)
        ),
    )
