"""A steward's word that a quarantined fragment is one person's, however many contacts it goes by.

It is a mark that the pure function reads: such a fragment is not counted any more. What it had
claimed joins again, as if it had never been retracted.
"""

from collections.abc import Sequence
from typing import Any

from cdp.kernel.database import run
from cdp.kernel.errors import Conflict, NotFound
from cdp.vocabulary import FragmentId, Namespace, ProfileId, Trust
from cdp.work import Work
from identity import regrouping
from identity.components import Limits, Quarantine
from identity.regrouping import Change, Moved


class NoSuchFragment(NotFound):
    """There is no such fragment, or it has been erased."""


class NotCrowded(Conflict):
    """This is not quarantined for the contacts that it goes by, so nothing is to be released."""


_WAIVE = "UPDATE identity.fragments SET waived_at = %s WHERE id = %s"
_WHY = "SELECT quarantined FROM identity.fragments WHERE id = %s"
_CLAIMS = "SELECT contact_id, namespace, trust FROM identity.claims WHERE fragment_id = %s"
_CLAIM_AGAIN = "UPDATE identity.claims SET retracted_at = NULL WHERE fragment_id = %s"


def waive(one: FragmentId, *, work: Work, limits: Limits) -> frozenset[ProfileId]:
    """Release a fragment that is quarantined as `contact_limit`; the regrouped profiles.

    Raises `NoSuchFragment`, `NotCrowded`, `Contended`.
    """

    def attempt(also: frozenset[FragmentId]) -> frozenset[ProfileId]:
        regrouping.lock(also | {one}, work=work)
        row = run(work.session, _WHY, (one,)).fetchone()
        if row is None:
            raise NoSuchFragment
        if row[0] != Quarantine.CONTACTS:
            raise NotCrowded
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


def _change(one: FragmentId, claims: Sequence[tuple[Any, ...]]) -> Change:
    asserted = int(Trust.ASSERTED)
    return Change(
        seeds=frozenset({one}),
        named={contact: 1 for contact, _, trust in claims if trust == int(Trust.VERIFIED)},
        lenders=frozenset({one}),
        lent_by=frozenset(
            contact for contact, kind, trust in claims if (kind, trust) == (Namespace.USER_ID, asserted)
        ),
    )
