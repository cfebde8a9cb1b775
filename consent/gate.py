"""The consent gate: the only way a contact enters an audience.

One composable SELECT, specialised for the ask: no query per person, nothing cached, nothing
written. A purpose nobody mentioned is refused (ADR-0002). It says in SQL what `decision.py`
says in Python, rule by rule and in the same order; `tests/integration/test_consent_gate.py`
holds the two equal. A release asks it again after its intent is committed (ADR-0003).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    FromClause,
    Select,
    Subquery,
    Text,
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
    true,
)

from cdp.ports import Ask
from cdp.vocabulary import REACHES, Basis, Channel
from cdp.work import Work
from consent import heard, laws, tables
from consent.clear import known_of
from consent.decision import ELECTRONIC_MAIL
from consent.laws import Law
from consent.reasons import Reason, Refusal
from consent.terms import Terms, load, resolve

Condition = ColumnElement[bool]
_GROUNDS = {Basis.CONTRACT: ("order", "account"), Basis.SOFT_OPT_IN: ("sale",)}
# When a rule refuses, with which reason, and by which entry.
Rule = tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """`ports.Gate`, over identity's members and the workspaces' (id, laws, unknown_age_is_child)."""

    members: FromClause
    workspaces: FromClause

    def permitted(self, ask: Ask, *, at: datetime | None, contacts: FromClause, work: Work) -> Select[Any]:
        """`Select(profile_id, contact_id, core_id)` of the candidates that no rule refuses.

        The grant is the core's: what is released stops at it. One row for each candidate, so a
        profile has several only at several contacts, or on both sides of a scored link.
        """
        terms = self._terms(ask, at, work)
        if isinstance(terms, Refusal):
            contact = contacts.c
            return select(contact.profile_id, contact.contact_id, contact.core_id).where(false())
        view = _View.of(terms, contacts, self.members, reachable_only=True)
        refuses = case(*((condition, true()) for condition, _, _ in _rules(view)), else_=false())
        one = view.candidate
        return select(one.profile_id, one.contact_id, one.core_id).select_from(view.joined).where(~refuses)

    def explained(self, ask: Ask, *, at: datetime | None, contacts: FromClause, work: Work) -> Select[Any]:
        """`Select(profile_id, contact_id, reason, entry_id, core_id)`, one row for each candidate.

        `reason` is the first of `reasons.Reason`, in their order, that refuses (null:
        permitted); `entry_id` the entry that says no, or the grant where consent permits.
        """
        terms = self._terms(ask, at, work)
        if isinstance(terms, Refusal):
            contact = contacts.c
            return select(
                contact.profile_id,
                contact.contact_id,
                literal(terms.reason, Text).label("reason"),
                cast(null(), Uuid).label("entry_id"),
                contact.core_id,
            ).distinct()
        view = _View.of(terms, contacts, self.members, reachable_only=False)
        rules = _rules(view)
        one = view.candidate
        return select(
            one.profile_id,
            one.contact_id,
            case(*((condition, reason) for condition, reason, _ in rules), else_=null()).label("reason"),
            case(*((condition, entry) for condition, _, entry in rules), else_=view.granting).label(
                "entry_id"
            ),
            one.core_id,
        ).select_from(view.joined)

    def _terms(self, ask: Ask, at: datetime | None, work: Work) -> Terms | Refusal:
        register, now = load(ask, workspaces=self.workspaces, work=work)
        return resolve(ask, register, at=at or now)


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """The candidates joined with all that the rules look at."""

    terms: Terms
    candidate: Any  # columns of `heard.asked`
    word: Any  # of `heard.summed`
    ground: Any
    joined: FromClause
    age: ColumnElement[Any]
    age_known: Condition
    residence_known: Condition
    consent_age: ColumnElement[Any]
    laws: ColumnElement[Any]

    @classmethod
    def of(
        cls,
        terms: Terms,
        contacts: FromClause,
        members: FromClause,
        *,
        reachable_only: bool,
    ) -> "_View":
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
    def granted_at(self) -> ColumnElement[Any]:
        """From when the grant speaks that counts; null: there is none."""
        return self._best(self.needs_guardian, self.word.own_at, self.word.guardian_at)

    @property
    def opted_in_at(self) -> ColumnElement[Any]:
        """The same of the opt-in to sale and sharing."""
        parent_only = and_(self.protected_by(Law.CPRA), self.age < laws.SALE_PARENT_AGE)
        return self._best(parent_only, self.word.opted_at, self.word.parent_at)

    @property
    def granting(self) -> ColumnElement[Any]:
        """The entry of the grant that counts, where consent is the basis."""
        word = self.word
        if self.terms.purpose.basis is not Basis.CONSENT:
            return cast(null(), Uuid)
        later = or_(word.own_at.is_(None), word.guardian_at > word.own_at)
        by_guardian = or_(self.needs_guardian, and_(self.age < laws.MAJORITY, later))
        return case((by_guardian, word.guardian_entries[1]), else_=word.own_entries[1])

    def lacks_separate(self, name: str) -> Condition:
        """Whether what is agreed to separately is not, or has been refused since."""
        given = self._best(self.needs_guardian, self.word[f"{name}_own_at"], self.word[f"{name}_guardian_at"])
        refused = self.word[f"{name}_refused_at"]
        return or_(given.is_(None), func.coalesce(refused >= given, false()))

    def _best(
        self, guardian_only: Condition, own: ColumnElement[Any], guardian: ColumnElement[Any]
    ) -> ColumnElement[Any]:
        return case(
            (guardian_only, guardian), (self.age < laws.MAJORITY, func.greatest(own, guardian)), else_=own
        )


def _grounds(candidates: Any, terms: Terms, members: FromClause, at: ColumnElement[Any]) -> Subquery:
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


def _ours(ground: Any, terms: Terms) -> Condition:
    same: Condition = ground.c.controller_id == terms.purpose.controller
    return same


# --- the rules, in the order of `decision.RULES` ------------------------------------------------


def _rules(view: _View) -> list[Rule]:
    return [
        *_reachable(view),
        *_not_stopped(view),
        *_transferable(view),
        *_not_sold(view),
        *_guardian_agreed(view),
        *_not_refused(view),
        *_told(view),
        *_EVIDENCE[view.terms.purpose.basis](view),
        *_separately(view),
    ]


def _rule(condition: ColumnElement[Any], reason: Reason) -> Rule:
    return condition, literal(reason, Text), cast(null(), Uuid)


def _reachable(view: _View) -> list[Rule]:
    channel = view.terms.channel
    if channel is None:
        return []
    namespace = REACHES.get(channel)
    unreachable = view.candidate.namespace != namespace if namespace else true()
    return [_rule(unreachable, Reason.NO_CONTACT)]


def _not_stopped(view: _View) -> list[Rule]:
    word = view.word
    return [(word.stopped, word.stop_reasons[1], word.stop_entries[1])]


def _transferable(view: _View) -> list[Rule]:
    recipient, at = view.terms.recipient, view.terms.at
    if recipient is None or (recipient.transfer_until is not None and recipient.transfer_until > at):
        return []
    left = [
        law
        for law, at_home in (
            (Law.GDPR, recipient.country in laws.EEA),
            (Law.PIPL, recipient.country == laws.CHINA),
        )
        if not at_home
    ]
    return [_rule(view.protected_by(law), Reason.NO_TRANSFER_TOOL) for law in left]


def _not_sold(view: _View) -> list[Rule]:
    if not view.terms.sells:
        return []
    word, opted_in = view.word, view.opted_in_at
    opted_out = and_(word.unsold_at.is_not(None), or_(opted_in.is_(None), word.unsold_at >= opted_in))
    minor = and_(view.protected_by(Law.CPRA), view.age < laws.SALE_OPT_IN_AGE, opted_in.is_(None))
    return [
        (opted_out, literal(Reason.SALE_OPTED_OUT, Text), word.unsold_entries[1]),
        _rule(and_(minor, ~view.age_known), Reason.AGE_UNKNOWN),
        _rule(minor, Reason.MINOR_NOT_OPTED_IN),
    ]


def _guardian_agreed(view: _View) -> list[Rule]:
    nobody = view.word.guardian_at.is_(None)
    return [
        _rule(and_(view.needs_guardian, nobody, ~view.age_known), Reason.AGE_UNKNOWN),
        _rule(and_(view.child_in_china, nobody, view.residence_known), Reason.CHILD_IN_CHINA),
        _rule(and_(view.needs_guardian, nobody), Reason.CHILD),
    ]


def _not_refused(view: _View) -> list[Rule]:
    word, granted = view.word, view.granted_at
    refused = and_(word.refused_at.is_not(None), or_(granted.is_(None), word.refused_at >= granted))
    return [(refused, word.refused_reasons[1], word.refused_entries[1])]


def _told(view: _View) -> list[Rule]:
    if view.terms.legal:
        return []
    untold = and_(view.ground.third_party, ~func.coalesce(view.ground.notice, false()))
    return [_rule(untold, Reason.NOTICE_NOT_SERVED)]


def _lacks(found: ColumnElement[Any]) -> ColumnElement[Any]:
    return ~func.coalesce(found, false())


def _consented(view: _View) -> list[Rule]:
    word, none = view.word, view.granted_at.is_(None)
    return [
        _rule(and_(none, word.unnamed), Reason.NOT_IN_NOTICE),
        _rule(and_(none, word.lapsed), Reason.CONSENT_EXPIRED),
        _rule(and_(none, word.vague), Reason.NOT_EXPLICIT),
        _rule(and_(none, word.requested), Reason.NOT_CONFIRMED),
        _rule(none, Reason.NO_CONSENT),
    ]


_SEPARATE = {
    "handler": Reason.ANOTHER_HANDLER_NOT_AGREED,
    "border": Reason.CROSS_BORDER_NOT_AGREED,
}


def _separately(view: _View) -> list[Rule]:
    if view.terms.legal:
        return []
    return [
        _rule(and_(view.protected_by(Law.PIPL), view.lacks_separate(name)), _SEPARATE[name])
        for name in heard.separate_of(view.terms)
    ]


def _contracted(view: _View) -> list[Rule]:
    return [_rule(_lacks(view.ground.evidence), Reason.NO_CONTRACT)]


def _obliged(view: _View) -> list[Rule]:
    return [] if view.terms.purpose.law_cited else [_rule(true(), Reason.NO_LAW_CITED)]


def _interested(view: _View) -> list[Rule]:
    until = view.terms.purpose.assessment_until
    assessed = until is not None and until > view.terms.at
    # Whoever acts from China is bound by its law wherever the person lives.
    known = true() if Law.PIPL in view.terms.binding else view.residence_known
    return [
        _rule(and_(view.protected_by(Law.PIPL), known), Reason.LEGITIMATE_INTEREST_IN_CHINA),
        _rule(view.protected_by(Law.PIPL), Reason.RESIDENCE_UNKNOWN),
        *([] if assessed else [_rule(true(), Reason.NO_ASSESSMENT)]),
        _rule(_lacks(view.ground.notice), Reason.NOTICE_NOT_SERVED),
    ]


def _sold_before(view: _View) -> list[Rule]:
    bought = view.ground.evidence if view.terms.channel in ELECTRONIC_MAIL else false()
    return [
        _rule(view.protected_by(Law.PIPL), Reason.OPT_IN_LAW),
        *_opt_out_offered(view),
        _rule(_lacks(bought), Reason.NO_OWN_SALE),
    ]


def _may_opt_out(view: _View) -> list[Rule]:
    opt_in = or_(view.protected_by(Law.GDPR), view.protected_by(Law.PIPL), ~view.protected_by(Law.CAN_SPAM))
    elsewhere = true() if view.terms.channel is not Channel.EMAIL else opt_in
    return [_rule(elsewhere, Reason.OPT_IN_LAW), *_opt_out_offered(view)]


def _opt_out_offered(view: _View) -> list[Rule]:
    return [] if view.terms.purpose.opt_out_offered else [_rule(true(), Reason.NO_OPT_OUT_OFFERED)]


_EVIDENCE = {
    Basis.CONSENT: _consented,
    Basis.CONTRACT: _contracted,
    Basis.LEGAL_OBLIGATION: _obliged,
    Basis.LEGITIMATE_INTEREST: _interested,
    Basis.SOFT_OPT_IN: _sold_before,
    Basis.OPT_OUT: _may_opt_out,
}
