"""The batch path: from what messages name to fragments, claims, locks and components.

Everything is set-based: the number of statements does not grow with the batch. Order of
work: contacts, fragments, claims, row locks, then a second look at whatever others have
committed in between. A claim only ever gets an earlier first and a later last place, so
the order of processing leaves no trace (I1).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from cdp.kernel.database import run
from cdp.ports import Evidence, Placed, Placement, Recognised, Vault
from cdp.vocabulary import ContactId, FragmentId, Identifier, ProfileId, Trust
from cdp.work import Work
from identity.resolve import claiming, contacts, regrouping
from identity.resolve.claiming import VERIFIED, Key, Known, Told
from identity.resolve.closure import Fresh, Stored
from identity.resolve.components import ClaimRow, Component, Fragment, Limits
from identity.resolve.contacts import Indexes
from identity.resolve.regrouping import Change, Moved

NOBODY = FragmentId(UUID(int=0))  # the fragment of a message that is dropped

Batch = Mapping[int, Evidence]  # by place in what the caller gave


class _Erased(Exception):
    """Some of a batch name people who are erased: nothing may be written with them in it."""

    def __init__(self, numbers: frozenset[int]) -> None:
        super().__init__()
        self.numbers = numbers


def recognise(evidence: Sequence[Evidence], *, work: Work, vault: Vault) -> Recognised:
    """The indexes of what a batch names, and the contacts that are there already."""
    names = list(dict.fromkeys(name for one in evidence for name in _named(one)))
    indexes = vault.every_index(work.workspace, names)
    found = contacts.find(names, indexes, work=work)
    return Recognised(
        indexes=dict(zip(names, indexes, strict=True)),
        contacts={names[n]: contact for n, contact in found.items()},
    )


def _named(one: Evidence) -> Iterator[Identifier]:
    yield one.own
    for claim in one.claims:
        yield claim.identifier
    yield from one.mentions


def place(
    evidence: Sequence[Evidence],
    recognised: Recognised | None,
    *,
    work: Work,
    vault: Vault,
    limits: Limits,
) -> Placement:
    """Record the claims of a batch, lock the touched rows, group anew what changed.

    Raises `Contended` if others were in the way five times: split the batch.
    """
    recognised = recognised or recognise(evidence, work=work, vault=vault)
    batch: Batch = dict(enumerate(evidence))
    while True:
        told = claiming.gather(batch.values())
        attempt = _Attempt(
            batch=batch, told=told, recognised=recognised, work=work, vault=vault, limits=limits
        )
        try:
            landed = regrouping.retrying(attempt.run, work=work)
        except _Erased as erased:
            batch = {number: one for number, one in batch.items() if number not in erased.numbers}
        else:
            placed = dict(zip(batch, _placed(told, landed.known), strict=True))
            dropped = Placed(fragment=NOBODY, contacts={}, erased=True)
            return Placement(
                placed=[placed.get(number, dropped) for number in range(len(evidence))],
                regrouped=landed.regrouped,
                claimed=_claimed(told, landed),
            )


class _Landed(NamedTuple):
    """What an attempt came to."""

    known: Known
    fresh: Sequence[Key]  # claims that were made
    regrouped: frozenset[ProfileId]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """One try at a batch."""

    batch: Batch
    told: Told
    recognised: Recognised
    work: Work
    vault: Vault
    limits: Limits

    def run(self, also: frozenset[FragmentId]) -> _Landed:
        """Write, lock, look again, group. Raises `Moved` or `_Erased`, to start again."""
        told, work, limits = self.told, self.work, self.limits
        # Believed once: whoever was overtaken looks again, for a contact may be gone by now.
        early, self.recognised.contacts = self.recognised.contacts, {}
        found, new = contacts.find_or_make(told.names, self._indexes(), early, work=work)
        if len(found) < len(told.names):
            raise Moved
        known = Known(contacts=found, new_contacts=new)
        claiming.read(told, known, work=work)
        claiming.make_fragments(told, known, work=work)
        fresh = claiming.make_claims(told, known, work=work)
        change = _change(fresh, told, known)
        locks = also | known.roots | regrouping.needs(change, work=work, limits=limits)
        regrouping.lock(locks, work=work)
        old = {known.contacts[key.name] for key in fresh if key.name not in new}
        regrouping.lock_contacts(old, work=work)
        self._drop_erased()
        locks = _follow(known, locks, work=work)
        claiming.move(told, known, work=work)
        # Verified claims group anew what makes them; of those who only gain asserted ones, the crowded.
        gains = Counter(key.whose for key in fresh)
        gained = {
            known.ids[whose]
            for whose, gain in gains.items()
            if whose not in known.made or gain > limits.contacts
        } - change.seeds
        crowded = regrouping.crowded(gained, work=work, limits=limits)
        change = replace(change, seeds=change.seeds | crowded)
        locked = locks.union(known.ids[number] for number in known.made)
        return _Landed(known, fresh, regrouping.settle(change, locked, work=work, limits=limits))

    def _indexes(self) -> Indexes:
        return [self.recognised.indexes[name] for name in self.told.names]

    def _drop_erased(self) -> None:
        """Asked under the locks, which an erasure takes too: no later one can be overlooked."""
        oldest = min((first[0] for first in self.told.firsts), default=0)
        marks = contacts.erased(oldest, self.told.names, self._indexes(), vault=self.vault, work=self.work)
        if marks:
            numbers = frozenset(
                number
                for (number, one), named in zip(self.batch.items(), self.told.named, strict=True)
                if any(one.position.accept_seq <= marks.get(name, -1) for name in named)
            )
            if numbers:
                raise _Erased(numbers)


def _placed(told: Told, known: Known) -> list[Placed]:
    none: frozenset[ContactId] = frozenset()
    new = known.new_contacts
    return [
        Placed(
            fragment=known.ids[whose],
            contacts={told.names[name]: known.contacts[name] for name in named},
            new_contacts=frozenset(known.contacts[name] for name in named if name in new) if new else none,
        )
        for whose, named in zip(told.whose, told.named, strict=True)
    ]


def _claimed(told: Told, landed: _Landed) -> dict[tuple[FragmentId, ContactId], Identifier]:
    known = landed.known
    return {
        (known.ids[key.whose], known.contacts[key.name]): told.names[key.name]
        for key in landed.fresh
        if key.trust == VERIFIED
    }


def _change(fresh: Sequence[Key], told: Told, known: Known) -> Change:
    """What can regroup: new or earlier verified claims, earlier fragments, asserted user ids."""
    seeds = set(claiming.earlier_fragments(told, known))
    counts: Counter[int] = Counter()
    lent: set[Key] = set()
    for key in fresh:
        if key.trust == VERIFIED:
            seeds.add(key.whose)
            counts[key.name] += 1
        elif told.claims[key].lends(key.trust):
            lent.add(key)
    for key, (first, last) in known.claims.items():
        one = told.claims[key]
        if one.first < first and key.trust == VERIFIED:
            seeds.add(key.whose)
        elif one.last > last and one.lends(key.trust):
            lent.add(key)
    return Change(
        seeds=frozenset(known.ids[whose] for whose in seeds),
        named={known.contacts[name]: count for name, count in counts.items()},
        lenders=frozenset(known.ids[key.whose] for key in lent),
        lent_by=frozenset(known.contacts[key.name] for key in lent),
        fresh=_fresh(fresh, told, known),
    )


def _fresh(fresh: Sequence[Key], told: Told, known: Known) -> Fresh:
    """The new fragments with their claims, and who verifiably claims each new contact."""
    claimants: dict[ContactId, list[FragmentId]] = {known.contacts[name]: [] for name in known.new_contacts}
    claims: dict[int, list[ClaimRow]] = defaultdict(list)
    for key in fresh:
        one, contact, said = known.ids[key.whose], known.contacts[key.name], told.claims[key]
        if key.trust == VERIFIED and key.name in known.new_contacts:
            claimants[contact].append(one)
        if key.whose in known.made:
            row = ClaimRow(one, contact, said.namespace, Trust(key.trust), said.first, said.last, said.joins)
            claims[key.whose].append(row)
    made: dict[FragmentId, Stored] = {}
    for number in known.made:
        one, name = known.ids[number], told.fragments[number][1]
        itself = Fragment(one, known.contacts[name], told.names[name].namespace, told.firsts[number])
        made[one] = Stored(itself, Component(ProfileId(one), ProfileId(one), None, None), claims[number])
    return Fresh(fragments=made, claimants=claimants)


_SEEN = "SELECT root_id, lends_to FROM identity.fragments WHERE id = ANY(%b::uuid[])"


def _follow(known: Known, locked: frozenset[FragmentId], *, work: Work) -> frozenset[FragmentId]:
    """Hold the roots that the fragments have now; all that is locked.

    Raises `Moved` if a fragment was erased, or others hold a root that it was joined to.
    """
    there = [one for number, one in known.ids.items() if number not in known.made]
    while there:
        rows = run(work.session, _SEEN, (there,)).fetchall()
        roots = frozenset(root for pair in rows for root in pair if root is not None)
        if len(rows) < len(there):
            raise Moved
        if roots <= locked:
            break
        locked = regrouping.lock_more(roots, locked, work=work)
    return locked
