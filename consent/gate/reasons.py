"""Why somebody may not be used or reached: stable words, each with the article behind it and a cure.

Reasons are personal data: marketing roles see the coarse word, the exact one needs the
compliance role. Words are kept in receipts and reports, so they are never renamed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Reason(StrEnum):
    """Why not, in the order in which the gate looks: what a person said is told before all else."""

    UNKNOWN_PURPOSE = "unknown_purpose"
    UNKNOWN_RECIPIENT = "unknown_recipient"
    RECIPIENT_OF_ANOTHER_CONTROLLER = "recipient_of_another_controller"
    RECIPIENT_WITHOUT_CONTRACT = "recipient_without_contract"
    DECEASED = "deceased"
    RESTRICTED = "restricted"
    REFUSED_ACROSS_A_LIKELY_MATCH = "refused_across_a_likely_match"
    OBJECTED_TO_MARKETING = "objected_to_marketing"
    REFUSED_AT_CONTACT = "refused_at_contact"
    REFUSED_BY_PERSON = "refused_by_person"
    SALE_OPTED_OUT = "sale_opted_out"
    NO_CONTACT = "no_contact"
    NO_TRANSFER_TOOL = "no_transfer_tool"
    AGE_UNKNOWN = "age_unknown"
    MINOR_NOT_OPTED_IN = "minor_not_opted_in"
    CHILD_IN_CHINA = "child_in_china"
    CHILD = "child"
    NOTICE_NOT_SERVED = "notice_not_served"
    NOT_IN_NOTICE = "not_in_notice"
    CONSENT_EXPIRED = "consent_expired"
    NOT_EXPLICIT = "not_explicit"
    NOT_CONFIRMED = "not_confirmed"
    NO_CONSENT = "no_consent"
    NO_CONTRACT = "no_contract"
    NO_LAW_CITED = "no_law_cited"
    LEGITIMATE_INTEREST_IN_CHINA = "legitimate_interest_in_china"
    RESIDENCE_UNKNOWN = "residence_unknown"
    NO_ASSESSMENT = "no_assessment"
    NO_OWN_SALE = "no_own_sale"
    NO_OPT_OUT_OFFERED = "no_opt_out_offered"
    OPT_IN_LAW = "opt_in_law"
    ANOTHER_HANDLER_NOT_AGREED = "another_handler_not_agreed"
    CROSS_BORDER_NOT_AGREED = "cross_border_not_agreed"


ARTICLES: Mapping[Reason, str] = {
    Reason.UNKNOWN_PURPOSE: "GDPR 5(1)(b), 6(1): no purpose of that name has a legal basis",
    Reason.UNKNOWN_RECIPIENT: "GDPR 30(1)(d): the recipient is not in the register",
    Reason.RECIPIENT_OF_ANOTHER_CONTROLLER: "GDPR 26, 28(3): the contract is another controller's",
    Reason.RECIPIENT_WITHOUT_CONTRACT: "GDPR 26, 28(3): the recipient's contract has ended",
    Reason.NO_CONTACT: "no verified contact for this channel: send or import it by an authoritative source",
    Reason.DECEASED: "house rule beyond GDPR recital 27: nothing is released about the deceased",
    Reason.RESTRICTED: "GDPR 18: processing is restricted",
    Reason.NO_TRANSFER_TOOL: "GDPR 44-49, PIPL 38-39: no valid transfer tool for the recipient's country",
    Reason.SALE_OPTED_OUT: "CPRA 1798.120, 1798.135: opted out of sale and sharing",
    Reason.MINOR_NOT_OPTED_IN: "CPRA 1798.120(c): sale under 16 needs an opt-in (under 13: a parent's)",
    Reason.AGE_UNKNOWN: "age unknown, treated as a child (GDPR 8(1), PIPL 31, CPRA 1798.120(c)):"
    " see docs/importing.md",
    Reason.CHILD_IN_CHINA: "PIPL 28, 31: under 14, a guardian's consent is needed",
    Reason.CHILD: "GDPR 8(1), 6(1)(f): under the age of consent, the consent of a parent is needed",
    Reason.REFUSED_ACROSS_A_LIKELY_MATCH: "GDPR 7(3), 21: somebody who is probably the same person refused",
    Reason.OBJECTED_TO_MARKETING: "GDPR 21(2)-(3): objected to direct marketing",
    Reason.REFUSED_AT_CONTACT: "GDPR 7(3), 21(3), ePrivacy 13, CAN-SPAM 7704(a)(4): refused at this contact",
    Reason.REFUSED_BY_PERSON: "GDPR 7(3), 21: refused by the person",
    Reason.NOTICE_NOT_SERVED: "GDPR 13, 14(3): no notice has been served",
    Reason.NOT_IN_NOTICE: "GDPR 4(11), 6(4), 13(1): the notice agreed to names no such purpose or recipient",
    Reason.CONSENT_EXPIRED: "GDPR 7(1): the consent has expired",
    Reason.NOT_EXPLICIT: "GDPR 9(2)(a), PIPL 29: special categories need consent in so many words",
    Reason.NOT_CONFIRMED: "GDPR 7(1): the double opt-in has not been confirmed",
    Reason.NO_CONSENT: "GDPR 6(1)(a), 7(1), ePrivacy 13(1), PIPL 13: nobody has consented",
    Reason.NO_CONTRACT: "GDPR 6(1)(b): no order or account is open",
    Reason.NO_LAW_CITED: "GDPR 6(1)(c), 6(3): no law is cited",
    Reason.LEGITIMATE_INTEREST_IN_CHINA: "PIPL 13: legitimate interest is no ground there",
    Reason.RESIDENCE_UNKNOWN: "PIPL 13: residence unknown, all laws protect (see docs/importing.md)",
    Reason.NO_ASSESSMENT: "GDPR 6(1)(f): no approved assessment is in force",
    Reason.NO_OWN_SALE: "ePrivacy 13(2): no own sale to this person, or not electronic mail",
    Reason.NO_OPT_OUT_OFFERED: "ePrivacy 13(2), CAN-SPAM 7704(a)(3): no opt-out is offered",
    Reason.ANOTHER_HANDLER_NOT_AGREED: "PIPL 23: another handler needs a consent of its own",
    Reason.CROSS_BORDER_NOT_AGREED: "PIPL 39: giving data to somebody abroad needs a consent of its own",
    Reason.OPT_IN_LAW: "ePrivacy 13(1), PIPL 13, TCPA: an opt-out regime is not enough here",
}


CURES: Mapping[Reason, str] = {
    Reason.UNKNOWN_PURPOSE: "name one that is registered, or make it: cdp purpose create",
    Reason.UNKNOWN_RECIPIENT: "name one that is registered, or register it: cdp recipient create",
    Reason.RECIPIENT_OF_ANOTHER_CONTROLLER: "register its contract with the purpose's controller too:"
    " cdp recipient create --controller",
    Reason.RECIPIENT_WITHOUT_CONTRACT: "once there is a contract again: cdp recipient renew --contract-until",
    Reason.DECEASED: "if they live, say so: cdp consent grant --purpose deceased --evidence paper",
    Reason.RESTRICTED: "once the person lifts it: cdp consent grant --purpose restriction --evidence form",
    Reason.REFUSED_ACROSS_A_LIKELY_MATCH: "if they are two people, a steward says so: cdp identity separate",
    Reason.OBJECTED_TO_MARKETING: "leave them alone: only a newer act of their own, with evidence, lifts it",
    Reason.REFUSED_AT_CONTACT: "leave them alone: only a newer act of their own, with evidence, lifts it",
    Reason.REFUSED_BY_PERSON: "leave them alone: only a newer act of their own, with evidence, lifts it",
    Reason.SALE_OPTED_OUT: "a recipient to whom giving is no sale; or their own newer yes to sale_or_share",
    Reason.NO_CONTACT: "import one, or send it by a server key, from a source made with --authoritative",
    Reason.NO_TRANSFER_TOOL: "once a tool is in force: cdp recipient renew --transfer-until; people without a"
    " country are protected by all laws, so map `country` (docs/importing.md)",
    Reason.AGE_UNKNOWN: "map `birth_date` (docs/importing.md), or if no child can be among them:"
    " cdp workspace unknown-age adult",
    Reason.MINOR_NOT_OPTED_IN: "their own yes to sale_or_share, under 13 a parent's:"
    " cdp consent grant --purpose sale_or_share --guardian",
    Reason.CHILD_IN_CHINA: "a guardian's yes: cdp consent grant --guardian",
    Reason.CHILD: "a parent's yes: cdp consent grant --guardian",
    Reason.NOTICE_NOT_SERVED: "serve the notice, then say so: cdp consent notice-served, or"
    " `notice_served` in a mapping",
    Reason.NOT_IN_NOTICE: "publish one that names both, and ask again: cdp notice publish; a yes from before"
    " it was shown counts under another one, with an earlier --since",
    Reason.CONSENT_EXPIRED: "ask again, then: cdp consent grant",
    Reason.NOT_EXPLICIT: "ask in so many words, then: cdp consent grant --explicit",
    Reason.NOT_CONFIRMED: "they confirm, then: cdp consent grant --evidence double_opt_in",
    Reason.NO_CONSENT: "ask them by a notice that names purpose and recipient, then: cdp consent grant",
    Reason.NO_CONTRACT: "an order or an account opens it: an authoritative source sends Order Completed",
    Reason.NO_LAW_CITED: "a purpose that says which law obliges: cdp purpose create --law",
    Reason.LEGITIMATE_INTEREST_IN_CHINA: "ask for consent, for a purpose that rests on it",
    Reason.RESIDENCE_UNKNOWN: "map `country` (docs/importing.md), or ask for consent",
    Reason.NO_ASSESSMENT: "assess it, then a purpose that says until when that holds:"
    " cdp purpose create --assessed-until",
    Reason.NO_OWN_SALE: "only who has bought is written to, by e-mail or SMS; ask the others for consent",
    Reason.NO_OPT_OUT_OFFERED: "offer it at collection and in each message: cdp purpose create"
    " --opt-out-offered",
    Reason.OPT_IN_LAW: "ask for consent, for a purpose that rests on it; people without a country are"
    " protected by all laws, so map `country` (docs/importing.md)",
    Reason.ANOTHER_HANDLER_NOT_AGREED: "ask for just that, by a notice that names it, the purpose and the"
    " recipient, then: cdp consent grant --purpose another_handler",
    Reason.CROSS_BORDER_NOT_AGREED: "ask for just that, by a notice that names it, the purpose and the"
    " recipient, then: cdp consent grant --purpose cross_border",
}
COARSE_CURES: Mapping[str, str] = {
    "no contact": CURES[Reason.NO_CONTACT],
    "not permitted": "who has the role compliance sees the exact reasons, and what mends each",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """That the gate refuses: the reason, and the entry of the ledger that says no, if one does."""

    reason: Reason
    entry: UUID | None = None

    @property
    def article(self) -> str:
        """The law behind the reason, for those who may see the exact one."""
        return ARTICLES[self.reason]


@dataclass(frozen=True, slots=True)
class Permission:
    """That the gate permits, and the entry of the grant where consent is the basis."""

    entry: UUID | None = None


def article(reason: str) -> str:
    """The law behind a stored reason word. Raises `ValueError` for a word that is none."""
    return ARTICLES[Reason(reason)]
