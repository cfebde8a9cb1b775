"""What the gate's rules look at, in SQL: the candidates joined with their words, grounds and facts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    DateTime,
    FromClause,
    Subquery,
    Uuid,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
)

from cdp.kernel.database import Columns
from cdp.vocabulary import Basis
from consent import tables
from consent.gate import heard
from consent.gate.terms import Terms
from consent.ledger.clear import known_of
from consent.register import laws
from consent.register.laws import Law

Condition = ColumnElement[bool]
_GROUNDS = {Basis.CONTRACT: ("order", "account"), Basis.SOFT_OPT_IN: ("sale",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The candidates joined with all that the rules look at."""

    terms: Terms
    candidate: Columns  # columns of `heard.asked`
    word: Columns  # of `heard.summed`
    ground: Columns
    joined: FromClause
    age: ColumnElement[int]
    age_known: Condition
    residence_known: Condition
    consent_age: ColumnElement[int]
    laws: ColumnElement[int]

    @classmethod
    def of(
        cls,
        terms: Terms,
        contacts: FromClause,
        members: FromClause,
        *,
        reachable_only: bool,
        moment: ColumnElement[datetime] | None = None,
    ) -> "View":
        """The view of an ask on `contacts`; `reachable_only` as for `heard.asked`.

        `moment` stands for the terms' own where the statement is kept for others.
        """
        if moment is None:
            moment = literal(terms.at, DateTime(timezone=True))
        candidates = heard.asked(contacts, terms, reachable_only=reachable_only)
        word = heard.summed(candidates, terms, members, moment)
        ground = _grounds(candidates, terms, members, moment)
        person = known_of(moment)
        joined = (
            candidates.join(word, word.c.n == candidates.c.n, isouter=True)
            .join(ground, ground.c.n == candidates.c.n, isouter=True)
            .join(person, person.c.core_id == candidates.c.core_id, isouter=True)
        )
        unknown_age = 0 if terms.unknown_age_is_child else laws.MAJORITY
        return cls(
            terms=terms,
            candidate=candidates.c,
            word=word.c,
            ground=ground.c,
            joined=joined,
            age=func.coalesce(person.c.age, unknown_age),
            age_known=person.c.age.is_not(None),
            residence_known=person.c.laws.is_not(None),
            consent_age=func.coalesce(person.c.consent_age, laws.UNSTATED_CONSENT_AGE),
            laws=func.coalesce(person.c.laws, int(terms.laws)).op("|")(int(terms.binding)),
        )

    def protected_by(self, law: Law) -> Condition:
        """Whether a law protects the person."""
        return self.laws.op("&")(int(law)) != 0

    @property
    def child_in_china(self) -> Condition:
        """PIPL 28: under 14, for whatever is no legal duty."""
        if self.terms.legal:
            return false()
        return and_(self.protected_by(Law.PIPL), self.age < laws.GUARDIAN_AGE_CHINA)

    @property
    def needs_guardian(self) -> Condition:
        """Whether only a guardian can agree."""
        if self.terms.purpose.basis is not Basis.CONSENT and not self.terms.marketing_class:
            return self.child_in_china
        return or_(and_(self.protected_by(Law.GDPR), self.age < self.consent_age), self.child_in_china)

    @property
    def granted_at(self) -> ColumnElement[datetime]:
        """From when the grant speaks that counts; null: there is none."""
        return self._best(self.needs_guardian, self.word.own_at, self.word.guardian_at)

    @property
    def granted_by_any_at(self) -> ColumnElement[datetime]:
        """The same, whether or not who gave it was old enough to."""
        return self._best(false(), self.word.own_at, self.word.guardian_at)

    @property
    def opted_in_at(self) -> ColumnElement[datetime]:
        """The same of the opt-in to sale and sharing."""
        parent_only = and_(self.protected_by(Law.CPRA), self.age < laws.SALE_PARENT_AGE)
        return self._best(parent_only, self.word.opted_at, self.word.parent_at)

    @property
    def opted_in_by_any_at(self) -> ColumnElement[datetime]:
        """The same, whether or not who gave it was old enough to."""
        return self._best(false(), self.word.opted_at, self.word.parent_at)

    @property
    def granting(self) -> ColumnElement[UUID]:
        """The entry of the grant that counts, where consent is the basis."""
        word = self.word
        if self.terms.purpose.basis is not Basis.CONSENT:
            return cast(null(), Uuid)
        later = or_(word.own_at.is_(None), word.guardian_at > word.own_at)
        by_guardian = or_(self.needs_guardian, and_(self.age < laws.MAJORITY, later))
        return case((by_guardian, word.guardian_entries[1]), else_=word.own_entries[1])

    def refuses_separately(self, name: str) -> Condition:
        """Whether what is agreed to separately was refused, and agreed to by nobody since."""
        refused = self.word[f"{name}_refused_at"]
        given = self._best(false(), self.word[f"{name}_own_at"], self.word[f"{name}_guardian_at"])
        return and_(refused.is_not(None), or_(given.is_(None), refused >= given))

    def lacks_separate(self, name: str) -> Condition:
        """Whether what is agreed to separately is not, or has been refused since."""
        given = self._best(self.needs_guardian, self.word[f"{name}_own_at"], self.word[f"{name}_guardian_at"])
        refused = self.word[f"{name}_refused_at"]
        return or_(given.is_(None), func.coalesce(refused >= given, false()))

    def _best(
        self, guardian_only: Condition, own: ColumnElement[datetime], guardian: ColumnElement[datetime]
    ) -> ColumnElement[datetime]:
        return case(
            (guardian_only, guardian), (self.age < laws.MAJORITY, func.greatest(own, guardian)), else_=own
        )


def _grounds(candidates: CTE, terms: Terms, members: FromClause, at: ColumnElement[datetime]) -> Subquery:
    """Which grounds are open for each candidate's core: the controller's own; third parties', anybody's."""
    ground, member = tables.grounds.alias(), members.alias()
    asked_of = _GROUNDS.get(terms.purpose.basis, ())
    found = {
        "third_party": ground.c.kind == "third_party",
        "notice": and_(ground.c.kind == "notice", _ours(ground, terms)),
        "evidence": and_(ground.c.kind.in_(asked_of), _ours(ground, terms)) if asked_of else false(),
    }
    return (
        select(candidates.c.n, *(func.bool_or(condition).label(name) for name, condition in found.items()))
        .select_from(candidates)
        .join(member, member.c.core_id == candidates.c.core_id)
        .join(ground, ground.c.fragment_id == member.c.fragment_id)
        .where(
            ground.c.kind.in_(("third_party", "notice", *asked_of)),
            ground.c.since <= at,
            or_(ground.c.until.is_(None), ground.c.until > at),
        )
        .group_by(candidates.c.n)
        .subquery()
    )


def _ours(ground: FromClause, terms: Terms) -> Condition:
    same: Condition = ground.c.controller_id == terms.purpose.controller
    return same
