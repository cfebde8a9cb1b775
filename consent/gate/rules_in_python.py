"""The gate as the law reads: one person, one contact, one ask; yes, or the first reason why not.

Pure, and the reference for `gate.py`, which says the same in SQL; property tests hold the two
equal. The rules stand in the order of `RULES`: what the person said goes before all that is wrong
beside it, so that nobody is told to mend a contract where somebody has refused. Each returns a
refusal or nothing, and nothing is never a yes: the last rules demand the evidence of the purpose's
stated basis, and what is agreed to separately.
"""

from collections.abc import Callable, Mapping

from cdp.vocabulary import REACHES, Basis, Channel, PurposeId
from consent.gate.reasons import Permission, Reason, Refusal
from consent.gate.subject import Heard, Side, Subject
from consent.gate.terms import Terms
from consent.gate.weighing import (
    age_of,
    asked_separately,
    best,
    child_in_china,
    clear_enough,
    fits,
    gives,
    grant_of,
    grants,
    has,
    in_force,
    needs_guardian,
    newer,
    protecting,
    sale_opt_in,
    sale_opt_ins,
    separate_grants,
    speaks,
    stands,
    weight,
)
from consent.ledger.kept_words import NO, REQUEST
from consent.register import laws
from consent.register.laws import Law

ELECTRONIC_MAIL = frozenset({Channel.EMAIL, Channel.SMS})


Rule = Callable[[Terms, Subject], Refusal | None]


def decide(terms: Terms, subject: Subject) -> Refusal | Permission:
    """The first refusal, in the order of `RULES`; a permission names the grant if consent is the basis."""
    for rule in RULES:
        refusal = rule(terms, subject)
        if refusal is not None:
            return refusal
    grant = grant_of(terms, subject) if terms.purpose.basis is Basis.CONSENT else None
    return Permission(grant.word.entry if grant else None)


# --- the rules, in order --------------------------------------------------------------------


def reachable(terms: Terms, subject: Subject) -> Refusal | None:
    """Sending needs a contact of the channel's kind; a channel that reaches nobody has none."""
    if terms.channel is None or REACHES.get(terms.channel) == subject.place.namespace:
        return None
    return Refusal(Reason.NO_CONTACT)


def not_stopped(terms: Terms, subject: Subject) -> Refusal | None:
    """Restriction (18) and death stop everything, legal purposes too; the last word on them stands."""
    newest = max((heard for heard in subject.heard if heard.word.stops), key=weight, default=None)
    if newest is None:
        return None
    reason = Reason.DECEASED if newest.word.purpose == terms.deceased else Reason.RESTRICTED
    return Refusal(reason, newest.word.entry)


def transferable(terms: Terms, subject: Subject) -> Refusal | None:
    """Outside the EEA (44-49) or China (PIPL 38-39) the recipient needs a transfer tool in force."""
    recipient = terms.recipient
    if recipient is None or (recipient.transfer_until is not None and recipient.transfer_until > terms.at):
        return None
    law = protecting(terms, subject)
    leaves = (Law.GDPR in law and recipient.country not in laws.EEA) or (
        Law.PIPL in law and recipient.country != laws.CHINA
    )
    return Refusal(Reason.NO_TRANSFER_TOOL) if leaves else None


def not_sold_against_will(terms: Terms, subject: Subject) -> Refusal | None:
    """CPRA 1798.120, 1798.135: who opted out, by themselves or by a device, is not sold."""
    given = best(sale_opt_ins(terms, subject), guardian_only=False, age=age_of(terms, subject))
    return _opted_out(terms, subject, given)


def not_sold_by_a_childs_yes(terms: Terms, subject: Subject) -> Refusal | None:
    """CPRA 1798.120(c): what a child under 13 takes back stays said until the parent takes it back."""
    return _opted_out(terms, subject, sale_opt_in(terms, subject))


def minors_not_sold(terms: Terms, subject: Subject) -> Refusal | None:
    """CPRA 1798.120(c): under 16 the consumer opts in to a sale, under 13 the parent."""
    if not terms.sells or Law.CPRA not in protecting(terms, subject):
        return None
    if age_of(terms, subject) >= laws.SALE_OPT_IN_AGE or sale_opt_in(terms, subject):
        return None
    unknown = subject.person.age_band is None
    return Refusal(Reason.AGE_UNKNOWN if unknown else Reason.MINOR_NOT_OPTED_IN)


def guardian_agreed(terms: Terms, subject: Subject) -> Refusal | None:
    """PIPL 28, 31: under 14, for whatever is no legal duty. GDPR 8: for consent, and for marketing."""
    if not needs_guardian(terms, subject) or grant_of(terms, subject):
        return None
    if subject.person.age_band is None:
        return Refusal(Reason.AGE_UNKNOWN)
    # Who lives nobody knows where is protected by this law as well, and is not said to be in China.
    in_china = subject.person.laws is not None and child_in_china(terms, subject)
    return Refusal(Reason.CHILD_IN_CHINA if in_china else Reason.CHILD)


def not_refused(terms: Terms, subject: Subject) -> Refusal | None:
    """A refusal of the purpose, of an ancestor or of all marketing holds until a newer act lifts it.

    Whether who agreed anew was old enough to is another question, with an answer of its own.
    """
    given = best(grants(terms, subject), guardian_only=False, age=age_of(terms, subject))
    return _refused(terms, subject, given)


def not_lifted_by_a_child(terms: Terms, subject: Subject) -> Refusal | None:
    """GDPR 8, PIPL 31: what only a guardian can agree to stays refused until a guardian lifts it."""
    return _refused(terms, subject, grant_of(terms, subject))


def not_refused_separately(terms: Terms, subject: Subject) -> Refusal | None:
    """PIPL 23, 39: who refused another handler, or a recipient abroad, has said so themselves."""
    for purpose, reason in asked_separately(terms, subject):
        said = separate_grants(terms, subject, purpose)
        given = best(said, guardian_only=False, age=age_of(terms, subject))
        newest = _separately_refused(subject, purpose)
        if newest is not None and not newer(given, newest):
            return Refusal(reason, newest.word.entry)
    return None


def told(terms: Terms, subject: Subject) -> Refusal | None:
    """Who was not asked for their data must have been told of it (14(3)); a legal notice may go first."""
    from_others = any(ground.kind == "third_party" and stands(terms, ground) for ground in subject.grounds)
    if terms.legal or not from_others or has(terms, subject, "notice"):
        return None
    return Refusal(Reason.NOTICE_NOT_SERVED)


def evidenced(terms: Terms, subject: Subject) -> Refusal | None:
    """Silence is refusal: each basis demands evidence of its own."""
    return EVIDENCE[terms.purpose.basis](terms, subject)


def separately(terms: Terms, subject: Subject) -> Refusal | None:
    """PIPL 23, 39: where consent is the basis, another handler and a recipient abroad need one each."""
    for purpose, reason in asked_separately(terms, subject):
        said = separate_grants(terms, subject, purpose)
        guardian_only = needs_guardian(terms, subject)
        given = best(said, guardian_only=guardian_only, age=age_of(terms, subject))
        newest = _separately_refused(subject, purpose)
        if given is None or (newest is not None and not newer(given, newest)):
            return Refusal(reason)
    return None


RULES: tuple[Rule, ...] = (
    not_stopped,
    not_refused,
    not_sold_against_will,
    not_refused_separately,
    reachable,
    transferable,
    minors_not_sold,
    guardian_agreed,
    not_sold_by_a_childs_yes,
    not_lifted_by_a_child,
    told,
    evidenced,
    separately,
)


# --- the evidence of each basis --------------------------------------------------------------


def _consented(terms: Terms, subject: Subject) -> Refusal | None:
    """6(1)(a): a grant for this purpose, to this recipient, in force; at the contact if that is asked."""
    if grant_of(terms, subject):
        return None
    given = [heard for heard in subject.heard if gives(terms, heard)]
    if any(heard.word.notice not in terms.notices for heard in given):
        return Refusal(Reason.NOT_IN_NOTICE)
    if any(not in_force(terms, heard.word) for heard in given):
        return Refusal(Reason.CONSENT_EXPIRED)
    if any(not clear_enough(terms, heard.word) for heard in given):
        return Refusal(Reason.NOT_EXPLICIT)
    if any(heard.word.polarity == REQUEST and fits(terms, heard) for heard in subject.heard):
        return Refusal(Reason.NOT_CONFIRMED)
    return Refusal(Reason.NO_CONSENT)


def _contracted(terms: Terms, subject: Subject) -> Refusal | None:
    """6(1)(b): an open order or account."""
    return None if has(terms, subject, "order", "account") else Refusal(Reason.NO_CONTRACT)


def _obliged(terms: Terms, _: Subject) -> Refusal | None:
    """6(1)(c): the law that obliges."""
    return None if terms.purpose.law_cited else Refusal(Reason.NO_LAW_CITED)


def _interested(terms: Terms, subject: Subject) -> Refusal | None:
    """6(1)(f): assessed, told, not objected to; no ground at all in China (PIPL 13)."""
    if Law.PIPL in terms.binding | (subject.person.laws or Law(0)):
        return Refusal(Reason.LEGITIMATE_INTEREST_IN_CHINA)
    if Law.PIPL in protecting(terms, subject):
        return Refusal(Reason.RESIDENCE_UNKNOWN)
    until = terms.purpose.assessment_until
    if until is None or until <= terms.at:
        return Refusal(Reason.NO_ASSESSMENT)
    return None if has(terms, subject, "notice") else Refusal(Reason.NOTICE_NOT_SERVED)


def _sold_before(terms: Terms, subject: Subject) -> Refusal | None:
    """ePrivacy 13(2): an own sale to this person, electronic mail, an opt-out offered each time."""
    if Law.PIPL in protecting(terms, subject):
        return Refusal(Reason.OPT_IN_LAW)
    if not terms.purpose.opt_out_offered:
        return Refusal(Reason.NO_OPT_OUT_OFFERED)
    bought = terms.channel in ELECTRONIC_MAIL and has(terms, subject, "sale")
    return None if bought else Refusal(Reason.NO_OWN_SALE)


def _may_opt_out(terms: Terms, subject: Subject) -> Refusal | None:
    """CAN-SPAM: e-mail alone, and only to people whom no law of opt-in protects."""
    law = protecting(terms, subject)
    opt_in = Law.GDPR in law or Law.PIPL in law or Law.CAN_SPAM not in law
    if opt_in or terms.channel is not Channel.EMAIL:
        return Refusal(Reason.OPT_IN_LAW)
    return None if terms.purpose.opt_out_offered else Refusal(Reason.NO_OPT_OUT_OFFERED)


EVIDENCE: Mapping[Basis, Rule] = {
    Basis.CONSENT: _consented,
    Basis.CONTRACT: _contracted,
    Basis.LEGAL_OBLIGATION: _obliged,
    Basis.LEGITIMATE_INTEREST: _interested,
    Basis.SOFT_OPT_IN: _sold_before,
    Basis.OPT_OUT: _may_opt_out,
}


# --- refusals --------------------------------------------------------------------------------


def _refused(terms: Terms, subject: Subject, grant: Heard | None) -> Refusal | None:
    """The newest refusal of what is asked, unless `grant` is newer."""
    said_no = [
        heard
        for heard in subject.heard
        if heard.word.polarity == NO and heard.word.purpose in terms.covering and speaks(terms, heard.word)
    ]
    newest = max(said_no, key=weight, default=None)
    if newest is None or newer(grant, newest):
        return None
    if newest.side is Side.FAR:
        return Refusal(Reason.REFUSED_ACROSS_A_LIKELY_MATCH, newest.word.entry)
    if newest.word.purpose == terms.marketing:
        return Refusal(Reason.OBJECTED_TO_MARKETING, newest.word.entry)
    at_contact = newest.side is Side.CONTACT
    return Refusal(Reason.REFUSED_AT_CONTACT if at_contact else Reason.REFUSED_BY_PERSON, newest.word.entry)


def _opted_out(terms: Terms, subject: Subject, opt_in: Heard | None) -> Refusal | None:
    """The newest opt-out of sale, unless `opt_in` is newer."""
    if not terms.sells:
        return None
    said_no = [h for h in subject.heard if h.word.polarity == NO and h.word.purpose == terms.sale]
    newest = max(said_no, key=weight, default=None)
    if newest is None or newer(opt_in, newest):
        return None
    return Refusal(Reason.SALE_OPTED_OUT, newest.word.entry)


def _separately_refused(subject: Subject, purpose: PurposeId) -> Heard | None:
    said_no = [h for h in subject.heard if h.word.polarity == NO and h.word.purpose == purpose]
    return max(said_no, key=weight, default=None)
