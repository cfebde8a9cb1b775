"""Why a grant that is kept does not count: stable words, each with a sentence for who said it.

What is answered here is what can be known of the word itself; the gate compares anew at each
ask, with the person, the recipient and the time. Words are kept in the ledger, so they are
never renamed.
"""

from collections.abc import Mapping
from enum import StrEnum

from cdp.ports import Notices, Word
from cdp.vocabulary import NoticeId, PurposeId, Scope, State
from consent.ledger.kept_words import is_change_act
from consent.register.purpose_tree import Purpose, Purposes, Reserved


class NotCounted(StrEnum):
    """Why not, in the order in which it is looked at (the first that applies is told)."""

    RESERVED_PURPOSE = "reserved_purpose"
    NO_CONTACT_NAMED = "no_contact_named"
    NOT_OF_A_PERSON = "not_of_a_person"
    NO_NOTICE = "no_notice"
    NOT_IN_NOTICE = "not_in_notice"
    NOT_EXPLICIT = "not_explicit"
    REFUSED_SINCE = "refused_since"
    NO_ACT = "no_act"


SENTENCES: Mapping[NotCounted, str] = {
    NotCounted.RESERVED_PURPOSE: "Nobody can agree to this purpose; it is there to be said no to.",
    NotCounted.NO_CONTACT_NAMED: "This purpose needs consent at the very contact that is used; name it.",
    NotCounted.NOT_OF_A_PERSON: "This purpose needs the consent of a person, not of a contact or a device.",
    NotCounted.NO_NOTICE: "No notice is named, so nobody knows what was agreed to.",
    NotCounted.NOT_IN_NOTICE: "The notice that was seen does not name this purpose.",
    NotCounted.NOT_EXPLICIT: "This purpose uses special categories, which need consent in so many words.",
    NotCounted.REFUSED_SINCE: "A refusal stands that is newer.",
    NotCounted.NO_ACT: "A refusal stands, and only an act with evidence lifts one: a form, a call, paper.",
}


def sentence(word: str | None) -> str:
    """What a stored word means; empty for none."""
    return SENTENCES[NotCounted(word)] if word else ""


# What is agreed to by the person for themselves, whatever a contact or a device says.
_PERSONS = (Reserved.SALE_OR_SHARE, Reserved.ANOTHER_HANDLER, Reserved.CROSS_BORDER)


def why_not(word: Word, purposes: Purposes, named: Mapping[NoticeId, frozenset[PurposeId]]) -> str | None:
    """Why a grant cannot count, whoever it is compared with; `named` is what each notice version names."""
    purpose = purposes.by_id[word.purpose]
    if word.state is not State.GIVEN or word.purpose in purposes.stops:
        return None
    if purpose.name == Reserved.DIRECT_MARKETING:
        return NotCounted.RESERVED_PURPOSE
    return _misplaced(word, purpose) or _unseen(word, purpose, named)


def why_refused(word: Word) -> str:
    """Why a grant does not count against which a refusal stands."""
    return NotCounted.REFUSED_SINCE if is_change_act(word.state, word.evidence) else NotCounted.NO_ACT


def _misplaced(word: Word, purpose: Purpose) -> str | None:
    if purpose.needs_contact:
        return None if word.scope is Scope.CONTACT else NotCounted.NO_CONTACT_NAMED
    persons = word.scope is Scope.PERSON or (word.scope is Scope.DEVICE and purpose.name not in _PERSONS)
    return None if persons else NotCounted.NOT_OF_A_PERSON


def _unseen(word: Word, purpose: Purpose, named: Mapping[NoticeId, frozenset[PurposeId]]) -> str | None:
    if word.notice is None:
        return NotCounted.NO_NOTICE
    if purpose.id not in named.get(word.notice, ()):
        return NotCounted.NOT_IN_NOTICE
    return NotCounted.NOT_EXPLICIT if purpose.special and not word.explicit else None


def naming(notices: Notices) -> Mapping[NoticeId, frozenset[PurposeId]]:
    """What each version of a notice names as purposes."""
    return {one.id: one.purposes for versions in notices.versions.values() for one in versions}


def whose(scope: Scope) -> str:
    """Whom a word of that scope is kept for, as a part of a sentence."""
    return _WHOSE[scope]


_WHOSE = {
    Scope.CONTACT: "for the contact, whoever goes by it",
    Scope.PERSON: "for the person",
    Scope.DEVICE: "for the device",
}
