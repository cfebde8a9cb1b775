"""Questions about who is who: selectables to join, and look-ups.

The selectables carry `workspace_id`, and row-level security narrows them like any table.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Text,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from cdp.kernel.database import run
from cdp.ports import Claimed, Vault
from cdp.vocabulary import (
    REACHES,
    ContactId,
    FragmentId,
    Identifier,
    Namespace,
    ProfileId,
    SourceId,
    Trust,
)
from cdp.work import Work
from identity import tables
from identity.resolve import contacts as index
from identity.resolve.components import Quarantine

_fragment = tables.fragments.c
_claim = tables.claims.c

# Rendered into other statements, where no parameter can stand.
_CROWDED: ColumnElement[str] = literal_column(f"'{Quarantine.CONTACTS}'", Text)


def _array(values: Sequence[UUID]) -> BindParameter[list[UUID]]:
    return bindparam("ids", list(values), unique=True)


def contacts() -> FromClause:
    """(workspace_id, profile_id, core_id, contact_id, namespace, fragment_id) to send to, verified only."""
    return (
        select(
            _claim.workspace_id,
            _fragment.root_id.label("profile_id"),
            _fragment.core_id,
            _claim.contact_id,
            _claim.namespace,
            _claim.fragment_id,
        )
        .join(
            tables.fragments,
            and_(_fragment.workspace_id == _claim.workspace_id, _fragment.id == _claim.fragment_id),
        )
        .where(
            _claim.trust == int(Trust.VERIFIED),
            _claim.retracted_at.is_(None),
            _fragment.quarantined.is_(None),
            _claim.namespace.in_(sorted(set(REACHES.values()))),
        )
        .subquery("contacts")
    )


@cache
def members() -> FromClause:
    """(workspace_id, fragment_id, core_id, profile_id, lends_to, one_person) of every fragment.

    `one_person` is false of what goes by more contacts than one person has: it is nobody's.
    """
    return select(
        _fragment.workspace_id,
        _fragment.id.label("fragment_id"),
        _fragment.core_id,
        _fragment.root_id.label("profile_id"),
        _fragment.lends_to,
        _fragment.quarantined.is_distinct_from(_CROWDED).label("one_person"),
    ).subquery("members")


def contact_of(identifier: Identifier, *, vault: Vault, work: Work) -> ContactId | None:
    """The contact of a normalised identifier, by every version of the index."""
    return contacts_of([identifier], vault=vault, work=work).get(identifier)


def contacts_of(
    identifiers: Sequence[Identifier], *, vault: Vault, work: Work
) -> dict[Identifier, ContactId]:
    """The contacts of those normalised identifiers that are known."""
    indexes = vault.every_index(work.workspace, identifiers)
    found = index.find(identifiers, indexes, work=work)
    return {identifiers[n]: contact for n, contact in found.items()}


def made_by_now(identifiers: Sequence[Identifier], *, patience: timedelta, vault: Vault, work: Work) -> bool:
    """Whether nobody who is making a contact of these is still at it, after at most `patience`."""
    indexes = vault.every_index(work.workspace, identifiers)
    return index.made_by_now(identifiers, indexes, patience=patience, work=work)


_OWN = """
SELECT u.source_id, u.contact_id, f.id FROM unnest(%b::uuid[], %b::uuid[]) AS u(source_id, contact_id)
CROSS JOIN LATERAL (
    SELECT id FROM identity.fragments f WHERE f.source_id = u.source_id AND f.contact_id = u.contact_id
    OFFSET 0
    FOR UPDATE
) AS f
"""


def lock_own(
    keys: Sequence[tuple[SourceId, ContactId]], *, work: Work
) -> dict[tuple[SourceId, ContactId], FragmentId]:
    """The fragment of each source's own identifier, where there is one; locked until the Work ends."""
    if not keys:
        return {}
    columns = [source for source, _ in keys], [contact for _, contact in keys]
    return {(source, contact): one for source, contact, one in run(work.session, _OWN, columns)}


def profiles_of(contact: ContactId, *, work: Work) -> list[ProfileId]:
    """Who goes by a contact on verified evidence."""
    query = (
        select(_fragment.root_id)
        .join(tables.claims, _claim.fragment_id == _fragment.id)
        .where(
            _claim.contact_id == contact,
            _claim.trust == int(Trust.VERIFIED),
            _claim.retracted_at.is_(None),
        )
        .distinct()
        .order_by(_fragment.root_id)
    )
    return [ProfileId(root) for root in work.session.scalars(query)]


def resolve(fragment: UUID, *, work: Work) -> ProfileId | None:
    """The profile that a fragment id belongs to now; None: unknown or erased."""
    root = work.session.scalar(select(_fragment.root_id).where(_fragment.id == fragment))
    return None if root is None else ProfileId(root)


def quarantined(*, work: Work) -> list[tuple[FragmentId, SourceId, str, str, int]]:
    """(fragment, source, namespace, why, contacts that it names) of all that may not link, by id."""
    query = (
        select(
            _fragment.id,
            _fragment.source_id,
            _fragment.namespace,
            _fragment.quarantined,
            func.count(_claim.contact_id.distinct()),
        )
        .join(tables.claims, _claim.fragment_id == _fragment.id)
        .where(_fragment.quarantined.is_not(None))
        .group_by(_fragment.id, _fragment.source_id, _fragment.namespace, _fragment.quarantined)
        .order_by(_fragment.id)
    )
    return [
        (FragmentId(one), SourceId(source), namespace, why, count)
        for one, source, namespace, why, count in work.session.execute(query)
    ]


def is_one_person(profile: ProfileId, *, work: Work) -> bool:
    """Whether what a profile's id stands for may be shown and erased as one person's."""
    why = work.session.scalar(select(_fragment.quarantined).where(_fragment.id == profile))
    return why != Quarantine.CONTACTS


def fragments_of(profile: ProfileId, *, core_only: bool, work: Work) -> list[FragmentId]:
    """The fragments of a profile, by id; `core_only`: those on verified links with its root."""
    # The first of a profile is the first of its own verified part too, so both go by one id.
    column = _fragment.core_id if core_only else _fragment.root_id
    query = select(_fragment.id).where(column == profile).order_by(_fragment.id)
    return [FragmentId(one) for one in work.session.scalars(query)]


def touched(fragments: Sequence[FragmentId], *, work: Work) -> list[ProfileId]:
    """The profiles of `fragments`, those they lend behaviour to included, by id."""
    query = select(_fragment.root_id, _fragment.lends_to).where(_fragment.id == func.any(_array(fragments)))
    rows = work.session.execute(query).all()
    return sorted({ProfileId(root) for pair in rows for root in pair if root is not None})


def held_by_others(contact: ColumnElement[UUID], fragments: Sequence[FragmentId]) -> ColumnElement[bool]:
    """Whether anybody but `fragments` claims a contact on verified evidence, or is the device it names.

    That a source knows somebody by an address proves nothing if only a browser said it: such a
    stranger would keep alive what is to be forgotten. An anonymous id is nobody's but the device's.
    """
    theirs, other = tables.claims.alias().c, tables.fragments.alias().c
    mine = _array(fragments)
    return or_(
        exists().where(
            theirs.contact_id == contact,
            theirs.trust == int(Trust.VERIFIED),
            theirs.retracted_at.is_(None),
            theirs.fragment_id != func.all(mine),
        ),
        exists().where(
            other.contact_id == contact,
            other.namespace == Namespace.ANONYMOUS_ID.value,
            other.id != func.all(mine),
        ),
    )


def goes_by(
    fragments: Sequence[FragmentId], *, work: Work, verified: bool = False, retracted: bool = False
) -> dict[ContactId, tuple[str, bool]]:
    """The contacts that `fragments` claim: namespace, and whether nobody else holds it.

    `verified`: only those that they claim on verified evidence. `retracted`: also those that they
    named before they were quarantined.

    To hold a contact is to claim it on verified evidence, or to be the device that an anonymous
    id names. What a stranger's browser merely asserts takes nothing from its holder.
    """
    mine = _array(fragments)
    query = (
        select(_claim.contact_id, _claim.namespace, ~held_by_others(_claim.contact_id, fragments))
        .where(_claim.fragment_id == func.any(mine))
        .distinct()
    )
    if not retracted:
        query = query.where(_claim.retracted_at.is_(None))
    if verified:
        query = query.where(_claim.trust == int(Trust.VERIFIED))
    return {ContactId(contact): (namespace, sole) for contact, namespace, sole in work.session.execute(query)}


def claims_of(fragments: Sequence[FragmentId], *, work: Work) -> list[Claimed]:
    """Which contacts each of `fragments` goes by, in order."""
    query = (
        select(_claim.fragment_id, _claim.contact_id, _claim.namespace)
        .where(_claim.fragment_id == func.any(_array(fragments)), _claim.retracted_at.is_(None))
        .distinct()
    )
    return sorted(
        Claimed(FragmentId(one), ContactId(contact), space)
        for one, contact, space in work.session.execute(query)
    )


def sources_of(fragments: Sequence[FragmentId], *, work: Work) -> dict[FragmentId, SourceId]:
    """The source of each of `fragments` that is there."""
    query = select(_fragment.id, _fragment.source_id).where(_fragment.id == func.any(_array(fragments)))
    return {FragmentId(one): SourceId(source) for one, source in work.session.execute(query)}


def known_by(contacts: Sequence[ContactId], *, work: Work) -> list[FragmentId]:
    """The fragments that some source knows by one of these contacts and that are joined to nobody, by id.

    Asked of contacts that only one person holds, they are what others say of that person's address.
    """
    other = tables.fragments.alias().c
    query = (
        select(_fragment.id)
        .where(
            _fragment.contact_id == func.any(_array(contacts)),
            _fragment.core_id == _fragment.id,
            ~exists().where(other.core_id == _fragment.id, other.id != _fragment.id),
        )
        .order_by(_fragment.id)
    )
    return [FragmentId(one) for one in work.session.scalars(query)]


def named_by_nobody_else(fragments: Sequence[FragmentId], *, work: Work) -> list[ContactId]:
    """The contacts that `fragments` claim, on whatever evidence, and no other fragment does."""
    theirs, other, mine = tables.claims.alias().c, tables.fragments.alias().c, _array(fragments)
    query = (
        select(_claim.contact_id)
        .where(
            _claim.fragment_id == func.any(mine),
            ~exists().where(theirs.contact_id == _claim.contact_id, theirs.fragment_id != func.all(mine)),
            ~exists().where(other.contact_id == _claim.contact_id, other.id != func.all(mine)),
        )
        .distinct()
    )
    return [ContactId(one) for one in work.session.scalars(query)]


def knows(contact: ContactId, *, work: Work) -> bool:
    """Whether there is such a contact; False: there never was, or it was erased."""
    query = select(exists().where(tables.identifiers.c.contact_id == contact))
    return bool(work.session.scalar(query))


def known_as(contacts: Sequence[ContactId], *, work: Work) -> dict[ContactId, ProfileId]:
    """The profiles of the fragments that some source knows under one of these identifiers."""
    query = select(_fragment.contact_id, _fragment.root_id).where(
        _fragment.contact_id == func.any(_array(contacts))
    )
    return {ContactId(contact): ProfileId(root) for contact, root in work.session.execute(query)}


def namespaces(*, work: Work) -> list[str]:
    """The namespaces of the identifiers by which sources know people."""
    return sorted(work.session.scalars(select(_fragment.namespace).distinct()))
