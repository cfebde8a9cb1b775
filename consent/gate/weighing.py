"""Of what is heard of one person: which grants count, what is newer, and who protects them; pure.

What the rules of `rules_in_python.py` are made of.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from cdp.ports import Ground
from cdp.vocabulary import NEGATIVE, Basis, NoticeId, PurposeId, Scope
from consent.gate.reasons import Reason
from consent.gate.subject import Heard, Side, Subject
from consent.gate.terms import Terms
from consent.ledger.kept_words import GRANT, Said
from consent.register import laws
from consent.register.laws import Law

FOREVER = datetime.max.replace(tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)


# --- grants ----------------------------------------------------------------------------------


def grant_of(terms: Terms, subject: Subject) -> Heard | None:
    """The grant that counts: the guardian's for a child, else the newest in force."""
    guardian_only = needs_guardian(terms, subject)
    return best(grants(terms, subject), guardian_only=guardian_only, age=age_of(terms, subject))


def grants(terms: Terms, subject: Subject) -> list[Heard]:
    """The grants in force, whoever gave them."""
    return [
        heard
        for heard in subject.heard
        if gives(terms, heard)
        and heard.word.notice in terms.notices
        and in_force(terms, heard.word)
        and clear_enough(terms, heard.word)
    ]


def sale_opt_in(terms: Terms, subject: Subject) -> Heard | None:
    """The opt-in to sale and sharing that counts: under 13 the parent's."""
    age = age_of(terms, subject)
    parent_only = Law.CPRA in protecting(terms, subject) and age < laws.SALE_PARENT_AGE
    return best(sale_opt_ins(terms, subject), guardian_only=parent_only, age=age)


def sale_opt_ins(terms: Terms, subject: Subject) -> list[Heard]:
    """The person's own opt-ins to sale, on a notice that names it and the recipient."""
    return _own_grants(terms, subject, terms.sale, terms.sale_notices)


def separate_grants(terms: Terms, subject: Subject, purpose: PurposeId) -> list[Heard]:
    """The person's own grants of just this, on a notice that names it, the use and the recipient."""
    return _own_grants(terms, subject, purpose, terms.separate[purpose])


def _own_grants(
    terms: Terms, subject: Subject, purpose: PurposeId | None, notices: frozenset[NoticeId]
) -> list[Heard]:
    return [
        heard
        for heard in subject.heard
        if heard.word.polarity == GRANT
        and heard.here
        and heard.word.scope is Scope.PERSON
        and heard.word.purpose == purpose
        and heard.word.notice in notices
        and in_force(terms, heard.word)
    ]


def best(usable: Iterable[Heard], *, guardian_only: bool, age: int) -> Heard | None:
    """Of grants in force, the newest. A guardian's ends at majority, when the person is asked anew."""
    allowed = [
        heard
        for heard in usable
        if (heard.word.guardian or not guardian_only) and (not heard.word.guardian or age < laws.MAJORITY)
    ]
    # At one instant the person's own word goes before the guardian's.
    return max(allowed, key=lambda h: (weight(h)[0], not h.word.guardian, h.word.seq), default=None)


def gives(terms: Terms, heard: Heard) -> bool:
    """Whether a word is a grant of what is asked."""
    return heard.word.polarity == GRANT and fits(terms, heard)


def fits(terms: Terms, heard: Heard) -> bool:
    """Whether a word of this core is at the scope at which evidence is asked, for this very purpose."""
    word = heard.word
    if not heard.here or word.purpose != terms.purpose.id or not speaks(terms, word):
        return False
    if terms.purpose.needs_contact:
        return heard.side is Side.CONTACT
    # A device's yes is that device's: it counts while the person is nothing else.
    return word.scope is Scope.PERSON or (word.scope is Scope.DEVICE and heard.alone)


def speaks(terms: Terms, word: Said) -> bool:
    """Whether a word is about the channel. A purpose that sends hears every channel's words on its traits."""
    if word.channel is None or word.channel == terms.channel:
        return True
    return terms.channel is None and terms.purpose.needs_contact


def in_force(terms: Terms, word: Said) -> bool:
    """Whether a word has not expired."""
    return word.expires_at is None or word.expires_at > terms.at


def clear_enough(terms: Terms, word: Said) -> bool:
    """9(2)(a): what uses special categories is agreed to in so many words."""
    return word.explicit or not terms.purpose.special


def newer(grant: Heard | None, negative: Heard) -> bool:
    """Whether a grant was given after a negative word was received."""
    return grant is not None and weight(grant)[0] > weight(negative)[0]


def weight(heard: Heard) -> tuple[datetime, int]:
    """From when a word speaks. A snapshot lifts nothing; nothing lifts what the far side refused."""
    word = heard.word
    if word.state in NEGATIVE:
        return (FOREVER if heard.side is Side.FAR else word.received_at, word.seq)
    return (word.asserted_at if word.change_act else NEVER, word.seq)


# --- the person ------------------------------------------------------------------------------


def protecting(terms: Terms, subject: Subject) -> Law:
    """Those of the residence and those that bind the controller; each only adds."""
    return (terms.laws if subject.person.laws is None else subject.person.laws) | terms.binding


def age_of(terms: Terms, subject: Subject) -> int:
    """The age at the send; unknown, it is what the workspace says of the unknown."""
    person = subject.person
    if person.age_band is None:
        return 0 if terms.unknown_age_is_child else laws.MAJORITY
    return laws.age_at(person.age_band, person.next_age_threshold, laws.day_everywhere(terms.at))


def child_in_china(terms: Terms, subject: Subject) -> bool:
    """PIPL 28: under 14, for whatever is no legal duty."""
    young = age_of(terms, subject) < laws.GUARDIAN_AGE_CHINA
    return Law.PIPL in protecting(terms, subject) and not terms.legal and young


def needs_guardian(terms: Terms, subject: Subject) -> bool:
    """Whether only a guardian can agree."""
    asked = terms.purpose.basis is Basis.CONSENT or terms.marketing_class
    young = age_of(terms, subject) < (subject.person.consent_age or laws.UNSTATED_CONSENT_AGE)
    gdpr = Law.GDPR in protecting(terms, subject) and asked and young
    return gdpr or child_in_china(terms, subject)


def asked_separately(terms: Terms, subject: Subject) -> list[tuple[PurposeId, Reason]]:
    """What this person must have agreed to separately, and the reason where it is missing."""
    if Law.PIPL not in protecting(terms, subject) or terms.legal:
        return []
    asked = (
        (terms.handler, Reason.ANOTHER_HANDLER_NOT_AGREED),
        (terms.border, Reason.CROSS_BORDER_NOT_AGREED),
    )
    return [(purpose, reason) for purpose, reason in asked if purpose is not None]


def stands(terms: Terms, ground: Ground) -> bool:
    """Whether a ground is open at the ask."""
    return ground.since <= terms.at and (ground.until is None or ground.until > terms.at)


def has(terms: Terms, subject: Subject, *kinds: str) -> bool:
    """Whether a ground of one of `kinds` is open, of the controller that asks."""
    return any(
        ground.kind in kinds and ground.controller_id == terms.purpose.controller and stands(terms, ground)
        for ground in subject.grounds
    )
