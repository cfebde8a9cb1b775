"""The rules of `rules_in_python.py` in SQL, in the same order: when each refuses, why, and by which entry."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, and_, cast, false, func, literal, null, or_, true

from cdp.vocabulary import REACHES, Basis, Channel
from consent.gate import heard
from consent.gate.gate_view import View
from consent.gate.reasons import Reason
from consent.gate.rules_in_python import ELECTRONIC_MAIL
from consent.register import laws
from consent.register.laws import Law

# When a rule refuses, with which reason, and by which entry.
Rule = tuple[ColumnElement[bool], ColumnElement[str], ColumnElement[UUID]]


def rules_of(view: View) -> list[Rule]:
    """The rules of an ask, in the order of `decision.RULES`."""
    return [
        *_not_stopped(view),
        *_not_refused(view, view.granted_by_any_at),
        *_not_sold(view, view.opted_in_by_any_at),
        *_not_refused_separately(view),
        *_reachable(view),
        *_transferable(view),
        *_minors_not_sold(view),
        *_guardian_agreed(view),
        # What only a guardian can agree to stays refused until a guardian lifts it.
        *_not_sold(view, view.opted_in_at),
        *_not_refused(view, view.granted_at),
        *_told(view),
        *_EVIDENCE[view.terms.purpose.basis](view),
        *_separately(view),
    ]


def _rule(condition: ColumnElement[bool], reason: Reason) -> Rule:
    return condition, literal(reason, Text), cast(null(), Uuid)


def _reachable(view: View) -> list[Rule]:
    channel = view.terms.channel
    if channel is None:
        return []
    namespace = REACHES.get(channel)
    unreachable = view.candidate.namespace != namespace if namespace else true()
    return [_rule(unreachable, Reason.NO_CONTACT)]


def _not_stopped(view: View) -> list[Rule]:
    word = view.word
    return [(word.stopped, word.stop_reasons[1], word.stop_entries[1])]


def _transferable(view: View) -> list[Rule]:
    recipient = view.terms.recipient
    if recipient is None or view.terms.carried:
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


def _not_sold(view: View, opted_in: ColumnElement[datetime]) -> list[Rule]:
    if not view.terms.sells:
        return []
    word = view.word
    opted_out = and_(word.unsold_at.is_not(None), or_(opted_in.is_(None), word.unsold_at >= opted_in))
    return [(opted_out, literal(Reason.SALE_OPTED_OUT, Text), word.unsold_entries[1])]


def _minors_not_sold(view: View) -> list[Rule]:
    if not view.terms.sells:
        return []
    young = and_(view.protected_by(Law.CPRA), view.age < laws.SALE_OPT_IN_AGE, view.opted_in_at.is_(None))
    return [
        _rule(and_(young, ~view.age_known), Reason.AGE_UNKNOWN),
        _rule(young, Reason.MINOR_NOT_OPTED_IN),
    ]


def _guardian_agreed(view: View) -> list[Rule]:
    nobody = view.word.guardian_at.is_(None)
    return [
        _rule(and_(view.needs_guardian, nobody, ~view.age_known), Reason.AGE_UNKNOWN),
        _rule(and_(view.child_in_china, nobody, view.residence_known), Reason.CHILD_IN_CHINA),
        _rule(and_(view.needs_guardian, nobody), Reason.CHILD),
    ]


def _not_refused(view: View, granted: ColumnElement[datetime]) -> list[Rule]:
    word = view.word
    refused = and_(word.refused_at.is_not(None), or_(granted.is_(None), word.refused_at >= granted))
    return [(refused, word.refused_reasons[1], word.refused_entries[1])]


def _not_refused_separately(view: View) -> list[Rule]:
    if view.terms.legal:
        return []
    return [
        (
            and_(view.protected_by(Law.PIPL), view.refuses_separately(name)),
            literal(_SEPARATE[name], Text),
            view.word[f"{name}_refused_entries"][1],
        )
        for name in heard.separate_of(view.terms)
    ]


def _told(view: View) -> list[Rule]:
    if view.terms.legal:
        return []
    untold = and_(view.ground.third_party, ~func.coalesce(view.ground.notice, false()))
    return [_rule(untold, Reason.NOTICE_NOT_SERVED)]


def _lacks(found: ColumnElement[bool]) -> ColumnElement[bool]:
    return ~func.coalesce(found, false())


def _consented(view: View) -> list[Rule]:
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


def _separately(view: View) -> list[Rule]:
    if view.terms.legal:
        return []
    return [
        _rule(and_(view.protected_by(Law.PIPL), view.lacks_separate(name)), _SEPARATE[name])
        for name in heard.separate_of(view.terms)
    ]


def _contracted(view: View) -> list[Rule]:
    return [_rule(_lacks(view.ground.evidence), Reason.NO_CONTRACT)]


def _obliged(view: View) -> list[Rule]:
    return [] if view.terms.purpose.law_cited else [_rule(true(), Reason.NO_LAW_CITED)]


def _interested(view: View) -> list[Rule]:
    # Whoever acts from China is bound by its law wherever the person lives.
    known = true() if Law.PIPL in view.terms.binding else view.residence_known
    return [
        _rule(and_(view.protected_by(Law.PIPL), known), Reason.LEGITIMATE_INTEREST_IN_CHINA),
        _rule(view.protected_by(Law.PIPL), Reason.RESIDENCE_UNKNOWN),
        *([] if view.terms.assessed else [_rule(true(), Reason.NO_ASSESSMENT)]),
        _rule(_lacks(view.ground.notice), Reason.NOTICE_NOT_SERVED),
    ]


def _sold_before(view: View) -> list[Rule]:
    bought = view.ground.evidence if view.terms.channel in ELECTRONIC_MAIL else false()
    return [
        _rule(view.protected_by(Law.PIPL), Reason.OPT_IN_LAW),
        *_opt_out_offered(view),
        _rule(_lacks(bought), Reason.NO_OWN_SALE),
    ]


def _may_opt_out(view: View) -> list[Rule]:
    opt_in = or_(view.protected_by(Law.GDPR), view.protected_by(Law.PIPL), ~view.protected_by(Law.CAN_SPAM))
    elsewhere = true() if view.terms.channel is not Channel.EMAIL else opt_in
    return [_rule(elsewhere, Reason.OPT_IN_LAW), *_opt_out_offered(view)]


def _opt_out_offered(view: View) -> list[Rule]:
    return [] if view.terms.purpose.opt_out_offered else [_rule(true(), Reason.NO_OPT_OUT_OFFERED)]


_EVIDENCE = {
    Basis.CONSENT: _consented,
    Basis.CONTRACT: _contracted,
    Basis.LEGAL_OBLIGATION: _obliged,
    Basis.LEGITIMATE_INTEREST: _interested,
    Basis.SOFT_OPT_IN: _sold_before,
    Basis.OPT_OUT: _may_opt_out,
}
