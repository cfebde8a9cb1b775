"""The gate as the law reads: one person, one contact, one ask; yes, or the first reason why not.

Pure, and the reference for `gate.py`, which says the same in SQL; property tests hold the two
equal. The rules stand in the order of `RULES`; each returns a refusal or nothing, and nothing
is never a yes: the last rules demand the evidence of the purpose's stated basis, and what is agreed
to separately.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from cdp.ports import Ground
from cdp.vocabulary import NEGATIVE, REACHES, Basis, Channel, PurposeId, Scope
from consent import laws
from consent.laws import Law
from consent.reasons import Permission, Reason, Refusal
from consent.subject import Heard, Side, Subject
from consent.terms import Terms
from consent.words import GRANT, NO, REQUEST, Said

FOREVER = datetime.max.replace(tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)
ELECTRONIC_MAIL = frozenset({Channel.EMAIL, Channel.SMS})


Rule = Callable[[Terms, Subject], Refusal | None]


def decide(terms: Terms, subject: Subject) -> Refusal | Permission:
    """The first refusal, in the order of `RULES`; a permission names the grant if consent is the basis."""
    for rule in RULES:
        refusal = rule(terms, subject)
        if refusal is not None:
            return refusal
    grant = _grant(terms, subject) if terms.purpose.basis is Basis.CONSENT else None
    return Permission(grant.word.entry if grant else None)


# --- the rules, in order --------------------------------------------------------------------


def reachable(terms: Terms, subject: Subject) -> Refusal | None:
    """Sending needs a contact of the channel's kind; a channel that reaches nobody has none."""
    if terms.channel is None or REACHES.get(terms.channel) == subject.place.namespace:
        return None
    return Refusal(Reason.NO_CONTACT)


def not_stopped(terms: Terms, subject: Subject) -> Refusal | None:
    """Restriction (18) and death stop everything, legal purposes too; the last word on them stands."""
    newest = max((heard for heard in subject.heard if heard.word.stops), key=_weight, default=None)
    if newest is None:
        return None
    reason = Reason.DECEASED if newest.word.purpose == terms.deceased else Reason.RESTRICTED
    return Refusal(reason, newest.word.entry)


def transferable(terms: Terms, subject: Subject) -> Refusal | None:
    """Outside the EEA (44-49) or China (PIPL 38-39) the recipient needs a transfer tool in force."""
    recipient = terms.recipient
    if recipient is None or (recipient.transfer_until is not None and recipient.transfer_until > terms.at):
        return None
    protecting = _laws(terms, subject)
    leaves = (Law.GDPR in protecting and recipient.country not in laws.EEA) or (
        Law.PIPL in protecting and recipient.country != laws.CHINA
    )
    return Refusal(Reason.NO_TRANSFER_TOOL) if leaves else None


def not_sold_against_will(terms: Terms, subject: Subject) -> Refusal | None:
    """CPRA 1798.120, 1798.135: who opted out, by themselves or by a device, is not sold."""
    if not terms.sells:
        return None
    said_no = [h for h in subject.heard if h.word.polarity == NO and h.word.purpose == terms.sale]
    newest = max(said_no, key=_weight, default=None)
    if newest is None or _newer(_sale_opt_in(terms, subject), newest):
        return None
    return Refusal(Reason.SALE_OPTED_OUT, newest.word.entry)


def minors_not_sold(terms: Terms, subject: Subject) -> Refusal | None:
    """CPRA 1798.120(c): under 16 the consumer opts in to a sale, under 13 the parent."""
    if not terms.sells or Law.CPRA not in _laws(terms, subject):
        return None
    if _age(terms, subject) >= laws.SALE_OPT_IN_AGE or _sale_opt_in(terms, subject):
        return None
    unknown = subject.person.age_band is None
    return Refusal(Reason.AGE_UNKNOWN if unknown else Reason.MINOR_NOT_OPTED_IN)


def guardian_agreed(terms: Terms, subject: Subject) -> Refusal | None:
    """PIPL 28, 31: under 14, for whatever is no legal duty. GDPR 8: for consent, and for marketing."""
    if not _needs_guardian(terms, subject) or _grant(terms, subject):
        return None
    if subject.person.age_band is None:
        return Refusal(Reason.AGE_UNKNOWN)
    # Who lives nobody knows where is protected by this law as well, and is not said to be in China.
    in_china = subject.person.laws is not None and _child_in_china(terms, subject)
    return Refusal(Reason.CHILD_IN_CHINA if in_china else Reason.CHILD)


def not_refused(terms: Terms, subject: Subject) -> Refusal | None:
    """A refusal of the purpose, of an ancestor or of all marketing holds until a newer act lifts it."""
    said_no = [
        heard
        for heard in subject.heard
        if heard.word.polarity == NO and heard.word.purpose in terms.covering and _speaks(terms, heard.word)
    ]
    newest = max(said_no, key=_weight, default=None)
    if newest is None or _newer(_grant(terms, subject), newest):
        return None
    if newest.side is Side.FAR:
        return Refusal(Reason.REFUSED_ACROSS_A_LIKELY_MATCH, newest.word.entry)
    if newest.word.purpose == terms.marketing:
        return Refusal(Reason.OBJECTED_TO_MARKETING, newest.word.entry)
    at_contact = newest.side is Side.CONTACT
    return Refusal(Reason.REFUSED_AT_CONTACT if at_contact else Reason.REFUSED_BY_PERSON, newest.word.entry)


def told(terms: Terms, subject: Subject) -> Refusal | None:
    """Who was not asked for their data must have been told of it (14(3)); a legal notice may go first."""
    from_others = any(ground.kind == "third_party" and _open(terms, ground) for ground in subject.grounds)
    if terms.legal or not from_others or _has(terms, subject, "notice"):
        return None
    return Refusal(Reason.NOTICE_NOT_SERVED)


def evidenced(terms: Terms, subject: Subject) -> Refusal | None:
    """Silence is refusal: each basis demands evidence of its own."""
    return EVIDENCE[terms.purpose.basis](terms, subject)


def separately(terms: Terms, subject: Subject) -> Refusal | None:
    """PIPL 23, 39: where consent is the basis, another handler and a recipient abroad need one each."""
    if Law.PIPL not in _laws(terms, subject) or terms.legal:
        return None
    for purpose, reason in (
        (terms.handler, Reason.ANOTHER_HANDLER_NOT_AGREED),
        (terms.border, Reason.CROSS_BORDER_NOT_AGREED),
    ):
        if purpose is None:
            continue
        said_no = [h for h in subject.heard if h.word.polarity == NO and h.word.purpose == purpose]
        newest = max(said_no, key=_weight, default=None)
        grant = _separate_grant(terms, subject, purpose)
        if grant is None or (newest is not None and not _newer(grant, newest)):
            return Refusal(reason)
    return None


RULES: tuple[Rule, ...] = (
    reachable,
    not_stopped,
    transferable,
    not_sold_against_will,
    minors_not_sold,
    guardian_agreed,
    not_refused,
    told,
    evidenced,
    separately,
)


# --- the evidence of each basis --------------------------------------------------------------


def _consented(terms: Terms, subject: Subject) -> Refusal | None:
    """6(1)(a): a grant for this purpose, to this recipient, in force; at the contact if that is asked."""
    if _grant(terms, subject):
        return None
    given = [heard for heard in subject.heard if _gives(terms, heard)]
    if any(heard.word.notice not in terms.notices for heard in given):
        return Refusal(Reason.NOT_IN_NOTICE)
    if any(not _in_force(terms, heard.word) for heard in given):
        return Refusal(Reason.CONSENT_EXPIRED)
    if any(not _clear_enough(terms, heard.word) for heard in given):
        return Refusal(Reason.NOT_EXPLICIT)
    if any(heard.word.polarity == REQUEST and _fits(terms, heard) for heard in subject.heard):
        return Refusal(Reason.NOT_CONFIRMED)
    return Refusal(Reason.NO_CONSENT)


def _contracted(terms: Terms, subject: Subject) -> Refusal | None:
    """6(1)(b): an open order or account."""
    return None if _has(terms, subject, "order", "account") else Refusal(Reason.NO_CONTRACT)


def _obliged(terms: Terms, _: Subject) -> Refusal | None:
    """6(1)(c): the law that obliges."""
    return None if terms.purpose.law_cited else Refusal(Reason.NO_LAW_CITED)


def _interested(terms: Terms, subject: Subject) -> Refusal | None:
    """6(1)(f): assessed, told, not objected to; no ground at all in China (PIPL 13)."""
    if Law.PIPL in terms.binding | (subject.person.laws or Law(0)):
        return Refusal(Reason.LEGITIMATE_INTEREST_IN_CHINA)
    if Law.PIPL in _laws(terms, subject):
        return Refusal(Reason.RESIDENCE_UNKNOWN)
    until = terms.purpose.assessment_until
    if until is None or until <= terms.at:
        return Refusal(Reason.NO_ASSESSMENT)
    return None if _has(terms, subject, "notice") else Refusal(Reason.NOTICE_NOT_SERVED)


def _sold_before(terms: Terms, subject: Subject) -> Refusal | None:
    """ePrivacy 13(2): an own sale to this person, electronic mail, an opt-out offered each time."""
    if Law.PIPL in _laws(terms, subject):
        return Refusal(Reason.OPT_IN_LAW)
    if not terms.purpose.opt_out_offered:
        return Refusal(Reason.NO_OPT_OUT_OFFERED)
    bought = terms.channel in ELECTRONIC_MAIL and _has(terms, subject, "sale")
    return None if bought else Refusal(Reason.NO_OWN_SALE)


def _may_opt_out(terms: Terms, subject: Subject) -> Refusal | None:
    """CAN-SPAM: e-mail alone, and only to people whom no law of opt-in protects."""
    protecting = _laws(terms, subject)
    opt_in = Law.GDPR in protecting or Law.PIPL in protecting or Law.CAN_SPAM not in protecting
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


# --- grants ----------------------------------------------------------------------------------


def _grant(terms: Terms, subject: Subject) -> Heard | None:
    """The grant that counts: the guardian's for a child, else the newest in force."""
    usable = [
        heard
        for heard in subject.heard
        if _gives(terms, heard)
        and heard.word.notice in terms.notices
        and _in_force(terms, heard.word)
        and _clear_enough(terms, heard.word)
    ]
    return _best(usable, guardian_only=_needs_guardian(terms, subject), age=_age(terms, subject))


def _sale_opt_in(terms: Terms, subject: Subject) -> Heard | None:
    """The opt-in to sale and sharing that counts: under 13 the parent's."""
    usable = [
        heard
        for heard in subject.heard
        if heard.word.polarity == GRANT
        and heard.here
        and heard.word.scope is Scope.PERSON
        and heard.word.purpose == terms.sale
        and heard.word.notice in terms.sale_notices
        and _in_force(terms, heard.word)
    ]
    age = _age(terms, subject)
    parent_only = Law.CPRA in _laws(terms, subject) and age < laws.SALE_PARENT_AGE
    return _best(usable, guardian_only=parent_only, age=age)


def _separate_grant(terms: Terms, subject: Subject, purpose: PurposeId) -> Heard | None:
    """The person's own grant of just this, on a notice that names it, the use and the recipient."""
    usable = [
        heard
        for heard in subject.heard
        if heard.word.polarity == GRANT
        and heard.here
        and heard.word.scope is Scope.PERSON
        and heard.word.purpose == purpose
        and heard.word.notice in terms.separate[purpose]
        and _in_force(terms, heard.word)
    ]
    return _best(usable, guardian_only=_needs_guardian(terms, subject), age=_age(terms, subject))


def _best(usable: Iterable[Heard], *, guardian_only: bool, age: int) -> Heard | None:
    """Of grants in force, the newest. A guardian's ends at majority, when the person is asked anew."""
    allowed = [
        heard
        for heard in usable
        if (heard.word.guardian or not guardian_only) and (not heard.word.guardian or age < laws.MAJORITY)
    ]
    # At one instant the person's own word goes before the guardian's.
    return max(allowed, key=lambda h: (_weight(h)[0], not h.word.guardian, h.word.seq), default=None)


def _gives(terms: Terms, heard: Heard) -> bool:
    return heard.word.polarity == GRANT and _fits(terms, heard)


def _fits(terms: Terms, heard: Heard) -> bool:
    """Whether a word of this core is at the scope at which evidence is asked, for this very purpose."""
    word = heard.word
    if not heard.here or word.purpose != terms.purpose.id or not _speaks(terms, word):
        return False
    if terms.purpose.needs_contact:
        return heard.side is Side.CONTACT
    # A device's yes is that device's: it counts while the person is nothing else.
    return word.scope is Scope.PERSON or (word.scope is Scope.DEVICE and heard.alone)


def _speaks(terms: Terms, word: Said) -> bool:
    """Whether a word is about the channel. A purpose that sends hears every channel's words on its traits."""
    if word.channel is None or word.channel == terms.channel:
        return True
    return terms.channel is None and terms.purpose.needs_contact


def _in_force(terms: Terms, word: Said) -> bool:
    return word.expires_at is None or word.expires_at > terms.at


def _clear_enough(terms: Terms, word: Said) -> bool:
    """9(2)(a): what uses special categories is agreed to in so many words."""
    return word.explicit or not terms.purpose.special


def _newer(grant: Heard | None, negative: Heard) -> bool:
    """Whether a grant was given after a negative word was received."""
    return grant is not None and _weight(grant)[0] > _weight(negative)[0]


def _weight(heard: Heard) -> tuple[datetime, int]:
    """From when a word speaks. A snapshot lifts nothing; nothing lifts what the far side refused."""
    word = heard.word
    if word.state in NEGATIVE:
        return (FOREVER if heard.side is Side.FAR else word.received_at, word.seq)
    return (word.asserted_at if word.change_act else NEVER, word.seq)


# --- the person ------------------------------------------------------------------------------


def _laws(terms: Terms, subject: Subject) -> Law:
    """Those of the residence and those that bind the controller; each only adds."""
    return (terms.laws if subject.person.laws is None else subject.person.laws) | terms.binding


def _age(terms: Terms, subject: Subject) -> int:
    """The age at the send; unknown, it is what the workspace says of the unknown."""
    person = subject.person
    if person.age_band is None:
        return 0 if terms.unknown_age_is_child else laws.MAJORITY
    return laws.age_at(person.age_band, person.next_age_threshold, laws.day_everywhere(terms.at))


def _child_in_china(terms: Terms, subject: Subject) -> bool:
    young = _age(terms, subject) < laws.GUARDIAN_AGE_CHINA
    return Law.PIPL in _laws(terms, subject) and not terms.legal and young


def _needs_guardian(terms: Terms, subject: Subject) -> bool:
    asked = terms.purpose.basis is Basis.CONSENT or terms.marketing_class
    young = _age(terms, subject) < (subject.person.consent_age or laws.UNSTATED_CONSENT_AGE)
    gdpr = Law.GDPR in _laws(terms, subject) and asked and young
    return gdpr or _child_in_china(terms, subject)


def _open(terms: Terms, ground: Ground) -> bool:
    return ground.since <= terms.at and (ground.until is None or ground.until > terms.at)


def _has(terms: Terms, subject: Subject, *kinds: str) -> bool:
    return any(
        ground.kind in kinds and ground.controller_id == terms.purpose.controller and _open(terms, ground)
        for ground in subject.grounds
    )
