"""What each candidate hears, in SQL: one row a word, then one row a candidate.

The same as `subject.gather` and the grants of `rules_in_python.py`. Every join is an equality of
uuids on an index of `consent.current`, so the planner may hash a million people or probe for
one, under row-level security, and without a function per row.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    Text,
    Uuid,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.types import TypeEngine

from cdp.kernel.database import Columns
from cdp.vocabulary import REACHES, PurposeId, Scope, State
from consent import tables
from consent.gate.reasons import Reason
from consent.gate.terms import Terms
from consent.ledger.kept_words import GRANT, NO, REQUEST, STANDING

Condition = ColumnElement[bool]
_Words = Select[*tuple[object, ...]]  # the columns of `_columns`, and three that say where a word stands
T = TypeVar("T")
FOREVER: ColumnElement[datetime] = literal_column("'infinity'::timestamptz")
NEVER: ColumnElement[datetime] = literal_column("'-infinity'::timestamptz")


def asked(contacts: FromClause, terms: Terms, *, reachable_only: bool) -> CTE:
    """The candidates, each once and numbered: (n, profile_id, core_id, contact_id, namespace).

    `reachable_only` leaves out contacts that the channel cannot reach.
    """
    contact = contacts.c
    query = select(contact.profile_id, contact.core_id, contact.contact_id, contact.namespace).distinct()
    if reachable_only and terms.channel is not None:
        namespace = REACHES.get(terms.channel)
        query = query.where(contact.namespace == namespace if namespace else false())
    each = query.subquery()
    # Numbered once: were the candidates read anew for each join, the numbers could differ.
    return select(func.row_number().over().label("n"), each).cte().prefix_with("MATERIALIZED")


def summed(candidates: CTE, terms: Terms, members: FromClause, at: ColumnElement[datetime]) -> Subquery:
    """One row for each candidate that hears anything: (n, …), from when each kind of word speaks.

    `stopped`, `unnamed`, `lapsed`, `vague`, `requested` are truth values; `refused_at`, `unsold_at`,
    `own_at`, `guardian_at`, `opted_at`, `parent_at`, and those of what is agreed to separately,
    instants; the arrays name entries and reasons, the weightiest first, and cost nothing where
    nobody reads them.
    """
    word = _marked(candidates, terms, members, at).c
    heaviest = (word.weight.desc(), word.seq.desc())

    def listed(
        column: ColumnElement[T], kind: type[TypeEngine[T]], condition: Condition
    ) -> ColumnElement[Sequence[T]]:
        return func.array_agg(aggregate_order_by(column, *heaviest), type_=ARRAY(kind)).filter(condition)

    def latest(condition: Condition) -> ColumnElement[datetime]:
        return func.max(word.weight).filter(condition)

    own, guardian = and_(word.grants, ~word.guardian), and_(word.grants, word.guardian)
    return (
        select(
            word.n,
            func.bool_or(word.stops).label("stopped"),
            listed(word.entry_id, Uuid, word.stops).label("stop_entries"),
            listed(word.reason, Text, word.stops).label("stop_reasons"),
            latest(word.refuses).label("refused_at"),
            listed(word.entry_id, Uuid, word.refuses).label("refused_entries"),
            listed(word.reason, Text, word.refuses).label("refused_reasons"),
            latest(word.unsells).label("unsold_at"),
            listed(word.entry_id, Uuid, word.unsells).label("unsold_entries"),
            latest(own).label("own_at"),
            listed(word.entry_id, Uuid, own).label("own_entries"),
            latest(guardian).label("guardian_at"),
            listed(word.entry_id, Uuid, guardian).label("guardian_entries"),
            latest(and_(word.opts_in, ~word.guardian)).label("opted_at"),
            latest(and_(word.opts_in, word.guardian)).label("parent_at"),
            func.bool_or(word.unnamed).label("unnamed"),
            func.bool_or(word.lapsed).label("lapsed"),
            func.bool_or(word.vague).label("vague"),
            func.bool_or(word.requests).label("requested"),
            *(
                column
                for name in separate_of(terms)
                for column in (
                    latest(word[f"{name}_refused"]).label(f"{name}_refused_at"),
                    listed(word.entry_id, Uuid, word[f"{name}_refused"]).label(f"{name}_refused_entries"),
                    latest(and_(word[f"{name}_given"], ~word.guardian)).label(f"{name}_own_at"),
                    latest(and_(word[f"{name}_given"], word.guardian)).label(f"{name}_guardian_at"),
                )
            ),
        )
        .group_by(word.n)
        .subquery()
    )


def separate_of(terms: Terms) -> dict[str, PurposeId]:
    """What is agreed to separately for this ask, by the name that its columns begin with."""
    asked = {"handler": terms.handler, "border": terms.border}
    return {name: purpose for name, purpose in asked.items() if purpose is not None}


def _marked(candidates: CTE, terms: Terms, members: FromClause, at: ColumnElement[datetime]) -> Subquery:
    """One row for each word that a candidate hears, with what it means for the ask."""
    word = union_all(*_branches(candidates, terms, members)).subquery().c
    no, yes = word.polarity == NO, word.polarity == GRANT
    stops = and_(word.polarity == STANDING, word.state != State.GIVEN)
    speaks = _speaks(word.channel, terms)
    fits = and_(word.here, word.fits, word.purpose_id == terms.purpose.id, speaks)
    in_force = or_(word.expires_at.is_(None), word.expires_at > at)
    named = _in(word.notice_id, terms.notices)
    clear = word.explicit if terms.purpose.special else true()
    of_sale = word.purpose_id == terms.sale if terms.sells else false()
    opts_in = and_(
        yes,
        word.here,
        word.scope == Scope.PERSON,
        of_sale,
        _in(word.notice_id, terms.sale_notices),
        in_force,
    )
    weight = case(
        (and_(or_(no, stops), word.far), FOREVER),
        (or_(no, stops), word.received_at),
        (word.change_act, word.asserted_at),
        else_=NEVER,
    )
    return select(
        word.n,
        word.entry_id,
        word.seq,
        word.guardian,
        weight.label("weight"),
        _reason(word, terms).label("reason"),
        stops.label("stops"),
        and_(no, of_sale).label("unsells"),
        and_(no, _in(word.purpose_id, terms.covering), speaks).label("refuses"),
        and_(yes, fits, named, in_force, clear).label("grants"),
        and_(yes, fits, ~named).label("unnamed"),
        and_(yes, fits, ~in_force).label("lapsed"),
        and_(yes, fits, ~clear).label("vague"),
        and_(word.polarity == REQUEST, fits).label("requests"),
        opts_in.label("opts_in"),
        *(
            column
            for name, purpose in separate_of(terms).items()
            for column in (
                and_(no, word.purpose_id == purpose).label(f"{name}_refused"),
                and_(
                    yes,
                    word.here,
                    word.scope == Scope.PERSON,
                    word.purpose_id == purpose,
                    _in(word.notice_id, terms.separate[purpose]),
                    in_force,
                ).label(f"{name}_given"),
            )
        ),
    ).subquery()


def _reason(word: Columns, terms: Terms) -> ColumnElement[str]:
    """The reason that a negative word is, where it is the one that refuses."""
    return case(
        (_is(word.purpose_id, terms.deceased), cast(Reason.DECEASED, Text)),
        (_in(word.purpose_id, terms.stops), cast(Reason.RESTRICTED, Text)),
        (word.far, cast(Reason.REFUSED_ACROSS_A_LIKELY_MATCH, Text)),
        (_is(word.purpose_id, terms.marketing), cast(Reason.OBJECTED_TO_MARKETING, Text)),
        (word.scope == Scope.CONTACT, cast(Reason.REFUSED_AT_CONTACT, Text)),
        else_=cast(Reason.REFUSED_BY_PERSON, Text),
    )


# --- which words reach a candidate ------------------------------------------------------------


def _branches(candidates: CTE, terms: Terms, members: FromClause) -> list[_Words]:
    branches = [_of_person(candidates, terms, members), _lent(candidates, terms, members)]
    if terms.at_contact:
        branches.append(_at_contact(candidates, terms, members))
    return branches


def _at_contact(candidates: CTE, terms: Terms, members: FromClause) -> _Words:
    """Words at the contact itself, whoever holds it; a grant is of the core that gave it."""
    word, candidate, giver = tables.current.alias(), candidates.c, members.alias()
    return (
        select(
            *_columns(candidate, word),
            false().label("far"),
            func.coalesce(giver.c.core_id == candidate.core_id, false()).label("here"),
            cast(terms.purpose.needs_contact, Boolean).label("fits"),
        )
        .select_from(candidates)
        .join(word, word.c.contact_id == candidate.contact_id)
        .join(giver, giver.c.fragment_id == word.c.fragment_id, isouter=True)
        .where(word.c.scope == Scope.CONTACT, _in(word.c.purpose_id, _audible(terms)))
    )


def _of_person(candidates: CTE, terms: Terms, members: FromClause) -> _Words:
    """Words of the profile's fragments; those beyond the verified core are on the far side."""
    word, candidate, member = tables.current.alias(), candidates.c, members.alias()
    here = member.c.core_id == candidate.core_id
    by_device = and_(word.c.scope == Scope.DEVICE, _device_counts(word.c, terms))
    return (
        select(
            *_columns(candidate, word),
            (~here).label("far"),
            here.label("here"),
            _fits_person(candidate, word, members, terms).label("fits"),
        )
        .select_from(candidates)
        .join(member, member.c.profile_id == candidate.profile_id)
        .join(word, word.c.fragment_id == member.c.fragment_id)
        .where(or_(word.c.scope == Scope.PERSON, by_device), _in(word.c.purpose_id, _audible(terms)))
    )


def _lent(candidates: CTE, terms: Terms, members: FromClause) -> _Words:
    """Noes of fragments that lend to the profile: opt-outs of sale by devices (GPC), and any by a person.

    The latter are said by a source that is not believed in who somebody is: it joins nobody, and its
    no is heard of whom it names.
    """
    word, candidate, member = tables.current.alias(), candidates.c, members.alias()
    by_device = and_(word.c.scope == Scope.DEVICE, _is(word.c.purpose_id, terms.sale))
    by_person = and_(word.c.scope == Scope.PERSON, _in(word.c.purpose_id, _audible(terms)))
    return (
        select(
            *_columns(candidate, word),
            false().label("far"),
            false().label("here"),
            false().label("fits"),
        )
        .select_from(candidates)
        .join(member, member.c.lends_to == candidate.profile_id)
        .join(word, word.c.fragment_id == member.c.fragment_id)
        .where(word.c.polarity == NO, or_(by_device, by_person) if terms.sells else by_person)
    )


def _columns(candidate: Columns, word: FromClause) -> list[ColumnElement[object]]:
    names = (
        "entry_id",
        "seq",
        "scope",
        "polarity",
        "purpose_id",
        "channel",
        "state",
        "notice_id",
        "change_act",
        "explicit",
        "guardian",
        "received_at",
        "asserted_at",
        "expires_at",
    )
    return [candidate.n, *(word.c[name] for name in names)]


def _fits_person(candidate: Columns, word: FromClause, members: FromClause, terms: Terms) -> Condition:
    """Whether a word is where a purpose that needs no contact asks for its evidence."""
    if terms.purpose.needs_contact:
        return false()
    by_person: Condition = word.c.scope == Scope.PERSON
    if terms.channel is not None:
        return by_person
    other = members.alias()
    together = exists().where(other.c.core_id == candidate.core_id, other.c.fragment_id != word.c.fragment_id)
    # A device's yes is that device's: it counts while the person is nothing else.
    return case((by_person, true()), else_=~together)


def _device_counts(word: Columns, terms: Terms) -> Condition:
    """A device's word is about its traits and about sale; it mutes nobody's mail."""
    if terms.channel is None:
        return true()
    return _is(word.purpose_id, terms.sale)


def _audible(terms: Terms) -> frozenset[PurposeId]:
    sale = {terms.sale} if terms.sells and terms.sale is not None else set()
    return terms.covering | terms.stops | sale | {terms.purpose.id} | terms.separate.keys()


def _speaks(channel: ColumnElement[str], terms: Terms) -> Condition:
    if terms.channel is not None:
        return or_(channel.is_(None), channel == terms.channel)
    return true() if terms.purpose.needs_contact else channel.is_(None)


def _in(column: ColumnElement[UUID], values: Collection[UUID]) -> Condition:
    """Membership that is false, not null, for a null and for an empty set."""
    return func.coalesce(column.in_(sorted(values)), false()) if values else false()


def _is(column: ColumnElement[UUID], value: UUID | None) -> Condition:
    return column == value if value is not None else false()
