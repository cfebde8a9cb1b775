"""Each rule of the gate, by its name, against the law as it is written in
`consent/gate/rules_in_python.py`.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from uuid import UUID, uuid5

import pytest

from cdp.audiences.left_out import shown
from cdp.ports import Ask, Ground
from cdp.vocabulary import Basis, Channel, NoticeId, PurposeClass, PurposeId, RecipientId, Scope, State
from consent.gate.reasons import ARTICLES, Permission, Reason, Refusal, article
from consent.gate.rules_in_python import RULES, decide
from consent.gate.subject import Member, Person, Place, gather
from consent.gate.terms import Controller, Notice, Recipient, Register, resolve
from consent.ledger.kept_words import Said, is_change_act, polarity_of
from consent.register.laws import Law
from consent.register.purpose_tree import Purpose, Purposes, Reserved

SPACE = UUID("00000000-0000-7000-8000-00000000feed")
OURS, OTHERS = uuid5(SPACE, "our brand"), uuid5(SPACE, "other brand")
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)

ANNA, BERT = uuid5(SPACE, "Anna's record"), uuid5(SPACE, "Bert's record")  # two people
TWIN = uuid5(SPACE, "probably Anna's record")  # beyond a scored link from Anna
BROWSER = uuid5(SPACE, "a browser that lends to Anna")
LONER = uuid5(SPACE, "a browser of nobody known")
FAMILY, ANNAS_PHONE = uuid5(SPACE, "family@"), uuid5(SPACE, "+49")
MEMBERS = {
    ANNA: Member(core=ANNA, profile=ANNA),
    TWIN: Member(core=TWIN, profile=ANNA),
    BERT: Member(core=BERT, profile=BERT),
    BROWSER: Member(core=BROWSER, profile=BROWSER, lends_to=ANNA),
    LONER: Member(core=LONER, profile=LONER),
}
ADULT = Person(laws=Law.GDPR, age_band=18, consent_age=16)
numbers = count()


def id_of(name: str) -> PurposeId:
    return PurposeId(uuid5(SPACE, name))


def purpose(
    name,
    basis=Basis.CONSENT,
    of=PurposeClass.MARKETING,
    *,
    parent=None,
    at_contact=True,
    opt_out=False,
    until=None,
    law=None,
    special=False,
):
    return Purpose(
        id=id_of(name),
        name=name,
        parent=id_of(parent) if parent else None,
        basis=basis,
        purpose_class=of,
        controller=OURS,
        law_cited=law,
        needs_contact=at_contact,
        opt_out_offered=opt_out,
        assessment_until=until,
        special=special,
    )


SERVICE, LEGAL = PurposeClass.SERVICE, PurposeClass.LEGAL
PURPOSES = Purposes(
    {
        one.id: one
        for one in [
            *(purpose(name, of=LEGAL, at_contact=False) for name in Reserved),
            purpose("marketing"),
            purpose("news", parent="marketing"),
            purpose("offers", parent="news"),
            purpose("health", special=True),
            purpose("profiling", at_contact=False),
            purpose("orders", Basis.CONTRACT, SERVICE),
            purpose("surveys", of=SERVICE),
            purpose("breach", Basis.LEGAL_OBLIGATION, LEGAL, law="GDPR 34"),
            purpose("duty", Basis.LEGAL_OBLIGATION, LEGAL),
            purpose("insight", Basis.LEGITIMATE_INTEREST, SERVICE, at_contact=False, until=AT + DAY),
            purpose("old_insight", Basis.LEGITIMATE_INTEREST, SERVICE, at_contact=False, until=AT),
            purpose("similar", Basis.SOFT_OPT_IN, opt_out=True),
            purpose("pushy", Basis.SOFT_OPT_IN),
            purpose("cold", Basis.OPT_OUT, opt_out=True),
            purpose("spam", Basis.OPT_OUT),
        ]
    }
)
RECIPIENTS = {
    name: Recipient(
        id=RecipientId(uuid5(SPACE, name)),
        controller=whose,
        country=country,
        sale_or_share=sells,
        contract_until=until,
        transfer_until=tool,
        role="independent" if name.startswith("handler") else "entrusted",
    )
    for name, whose, country, sells, until, tool in [
        ("mailer", OURS, "DE", False, AT + DAY, None),
        ("their mailer", OTHERS, "DE", False, AT + DAY, None),
        ("former", OURS, "DE", False, AT, None),
        ("their former", OTHERS, "DE", False, AT, None),
        ("overseas", OURS, "US", False, AT + DAY, None),
        ("covered", OURS, "US", False, AT + DAY, AT + DAY),
        ("uncovered", OURS, "US", False, AT + DAY, AT),
        ("broker", OURS, "US", True, AT + DAY, AT + DAY),
        ("handler abroad", OURS, "US", False, AT + DAY, AT + DAY),
        ("handler in china", OURS, "CN", False, AT + DAY, AT + DAY),
        ("entrusted in china", OURS, "CN", False, AT + DAY, AT + DAY),
    ]
}
EVERYTHING, NEWS_ONLY = NoticeId(uuid5(SPACE, "notice 1")), NoticeId(uuid5(SPACE, "notice 2"))
REGISTER = Register(
    purposes=PURPOSES,
    recipients=RECIPIENTS,
    notices=[
        Notice(
            id=EVERYTHING,
            purposes=frozenset(PURPOSES.by_id),
            recipients=frozenset(one.id for one in RECIPIENTS.values()),
        ),
        Notice(
            id=NEWS_ONLY,
            purposes=frozenset({id_of("news")}),
            recipients=frozenset({RECIPIENTS["mailer"].id}),
        ),
    ],
    controllers={OURS: Controller(establishments=("US",))},
    laws=Law(0b1111),
    unknown_age_is_child=True,
)


def said(name, state=State.GIVEN, *, by=ANNA, at=FAMILY, days_ago=10.0, asserted=None, **how):
    """A word said `days_ago` at a contact, or with `at=None` by the person."""
    evidence = how.pop("evidence", "form")
    scope = how.pop("scope", Scope.CONTACT if at else Scope.PERSON)
    received = AT - days_ago * DAY
    return Said(
        entry=uuid5(SPACE, f"entry {(number := next(numbers))}"),
        seq=number,
        scope=scope,
        fragment=by if scope is not Scope.CONTACT or state is State.GIVEN else None,
        contact=at if scope is Scope.CONTACT else None,
        purpose=id_of(name),
        channel=how.pop("channel", None),
        polarity=polarity_of(state, stops=id_of(name) in PURPOSES.stops),
        state=state,
        notice=how.pop("notice", EVERYTHING),
        change_act=is_change_act(state, evidence),
        explicit=how.pop("explicit", False),
        guardian=how.pop("guardian", False),
        received_at=received,
        asserted_at=received if asserted is None else AT - asserted * DAY,
        expires_at=how.pop("expires", None),
    )


def ground(kind, *, by=ANNA, controller=OURS, since=AT - DAY, until=None):
    return Ground(fragment=by, kind=kind, controller_id=controller, since=since, until=until)


def ask(
    name,
    *words,
    channel=Channel.EMAIL,
    to=None,
    who=ANNA,
    contact=FAMILY,
    person=ADULT,
    grounds=(),
    register=REGISTER,
):
    """What the gate answers about `who` at `contact`, after `words`: a reason, or True."""
    terms = resolve(Ask(purpose=name, channel=channel, recipient=to), register, at=AT)
    if isinstance(terms, Refusal):
        return terms.reason
    member = MEMBERS[who]
    place = Place(
        profile=member.profile,
        core=member.core,
        contact=contact,
        namespace="phone" if contact == ANNAS_PHONE else "email",
    )
    subject = gather(
        place, terms=terms, words=words, members=MEMBERS, grounds=grounds, persons={member.core: person}
    )
    answer = decide(terms, subject)
    return True if isinstance(answer, Permission) else answer.reason


# --- what is asked ---------------------------------------------------------------------------


def test_silence_refuses():
    """C2: nobody said anything, so the answer is no, for every purpose that asks for evidence."""
    assert ask("news") == Reason.NO_CONSENT
    assert ask("orders") == Reason.NO_CONTRACT
    assert ask("similar") == Reason.NO_OWN_SALE
    assert ask("insight", channel=None) == Reason.NOTICE_NOT_SERVED


def test_an_unknown_purpose_is_refused():
    """C2: a purpose that nobody registered has no basis, and a reserved one is none to ask for."""
    assert ask("world_domination", said("news")) == Reason.UNKNOWN_PURPOSE
    assert ask("direct_marketing", said("direct_marketing")) == Reason.UNKNOWN_PURPOSE


def test_an_unknown_recipient_is_refused():
    """Who is not in the register receives nothing."""
    assert ask("news", said("news"), to="somebody") == Reason.UNKNOWN_RECIPIENT


def test_a_recipient_whose_contract_has_ended_is_refused():
    """GDPR 28(3): a contract is over at its end, to the instant."""
    assert ask("news", said("news"), to="former") == Reason.RECIPIENT_WITHOUT_CONTRACT


@pytest.mark.parametrize("recipient", ["their mailer", "their former"])
def test_a_contract_with_another_controller_opens_nothing(recipient):
    """GDPR 26, 28(3): the notice names them and the contract may be in force, but it is not ours."""
    assert ask("news", said("news"), to=recipient) == Reason.RECIPIENT_OF_ANOTHER_CONTROLLER
    assert ask("breach", to=recipient) == Reason.RECIPIENT_OF_ANOTHER_CONTROLLER, "a duty is no exception"
    assert ask("news", said("news"), to="mailer") is True, "the same entity has a row for each contract"


@pytest.mark.parametrize("recipient", ["overseas", "uncovered"])
def test_outside_the_eea_a_transfer_tool_must_be_in_force(recipient):
    """GDPR 44-49: none, or one that ended, refuses; one in force, or the EEA itself, permits."""
    assert ask("news", said("news"), to=recipient) == Reason.NO_TRANSFER_TOOL
    assert ask("news", said("news"), to="covered") is True
    assert ask("news", said("news"), to="mailer") is True


def test_outside_china_a_transfer_tool_must_be_in_force():
    """PIPL 38-39: the EEA is abroad, too."""
    chinese = Person(laws=Law.PIPL, age_band=18)

    assert ask("news", said("news"), to="mailer", person=chinese) == Reason.NO_TRANSFER_TOOL
    agreed = said("cross_border", at=None)

    assert ask("news", said("news"), agreed, to="covered", person=chinese) is True


def test_without_gdpr_or_pipl_no_transfer_tool_is_needed():
    """Other laws ask for none."""
    assert ask("news", said("news"), to="overseas", person=Person(laws=Law.CAN_SPAM, age_band=18)) is True


def test_a_channel_needs_a_contact_of_its_kind():
    """An e-mail address receives no SMS, and nobody has an address for post yet."""
    assert ask("news", said("news"), channel=Channel.SMS) == Reason.NO_CONTACT
    assert ask("news", said("news"), channel=Channel.POST) == Reason.NO_CONTACT


# --- grants ----------------------------------------------------------------------------------


def test_a_grant_at_the_contact_permits_and_is_named():
    """The receipt names the entry that permits."""
    yes = said("news")
    terms = resolve(Ask(purpose="news", channel=Channel.EMAIL, recipient=None), REGISTER, at=AT)
    place = Place(profile=ANNA, core=ANNA, contact=FAMILY, namespace="email")
    subject = gather(place, terms=terms, words=[yes], members=MEMBERS, grounds=[], persons={ANNA: ADULT})

    assert decide(terms, subject) == Permission(yes.entry)


def test_consent_to_one_purpose_is_none_to_another():
    """C3: purpose limitation."""
    assert ask("surveys", said("news")) == Reason.NO_CONSENT


def test_a_grant_holds_for_the_recipients_that_its_notice_names():
    """C3, C8: what was agreed to is the notice that was seen, version by version."""
    narrow = said("news", notice=NEWS_ONLY)

    assert ask("news", narrow, to="mailer") is True
    assert ask("news", narrow, to="covered") == Reason.NOT_IN_NOTICE
    assert ask("news", said("news", notice=None)) == Reason.NOT_IN_NOTICE


def test_a_grant_at_one_contact_is_none_at_another():
    """Unknown at another contact neither blocks nor permits: silence."""
    assert ask("news", said("news"), contact=ANNAS_PHONE, channel=Channel.SMS) == Reason.NO_CONSENT


def test_a_grant_of_one_holder_is_not_the_others():
    """4(11): consent is the person's, the contact is evidence."""
    assert ask("news", said("news", by=BERT)) == Reason.NO_CONSENT


def test_no_grant_crosses_a_scored_link():
    """A likely match is not this person."""
    assert ask("news", said("news", by=TWIN)) == Reason.NO_CONSENT


def test_a_grant_for_one_channel_is_none_for_another():
    """Yes to SMS is not yes to e-mail."""
    assert ask("news", said("news", channel=Channel.SMS)) == Reason.NO_CONSENT


def test_an_expired_grant_is_refused():
    """C2: at its end, to the instant."""
    assert ask("news", said("news", expires=AT)) == Reason.CONSENT_EXPIRED
    assert ask("news", said("news", expires=AT + DAY)) is True


def test_a_request_is_not_a_grant():
    """Until the double opt-in is confirmed nothing is sent."""
    asked = said("news", State.REQUESTED)._replace(fragment=ANNA)

    assert ask("news", asked) == Reason.NOT_CONFIRMED


def test_the_parents_grant_is_none_of_the_childs():
    """C13: a grant never flows down."""
    assert ask("offers", said("news")) == Reason.NO_CONSENT


def test_traits_are_used_on_the_persons_word():
    """Profiling is agreed to by a person, not by a mailbox."""
    assert ask("profiling", said("profiling"), channel=None) == Reason.NO_CONSENT
    assert ask("profiling", said("profiling", at=None), channel=None) is True


def test_a_devices_grant_counts_while_the_person_is_nothing_else():
    """A browser's yes is that browser's, and no one's who is known by more."""
    yes = said("profiling", by=LONER, scope=Scope.DEVICE)

    assert ask("profiling", yes, channel=None, who=LONER, contact=None) is True
    assert ask("profiling", yes._replace(fragment=BROWSER), channel=None, contact=None) == Reason.NO_CONSENT


# --- negative words --------------------------------------------------------------------------


def test_a_refusal_of_the_contact_binds_every_holder():
    """C12: Bert's unsubscribe stops mail to the family's address for Anna, too."""
    no = said("news", State.WITHDRAWN, by=BERT, days_ago=1)

    assert ask("news", said("news"), no) == Reason.REFUSED_AT_CONTACT


def test_a_refusal_of_a_shared_contact_leaves_the_others_own_channels():
    """C12: Anna's phone and her order mail go on."""
    no = said("marketing", State.WITHDRAWN, by=BERT, days_ago=1)
    yes = said("news", at=ANNAS_PHONE)

    assert ask("news", yes, no, contact=ANNAS_PHONE, channel=Channel.SMS) is True
    assert ask("orders", no, grounds=[ground("order")]) is True


def test_a_persons_refusal_binds_all_their_contacts():
    """One word for every address."""
    no = said("news", State.WITHDRAWN, at=None, days_ago=1)

    assert ask("news", said("news"), no) == Reason.REFUSED_BY_PERSON


def test_a_parents_refusal_refuses_the_child():
    """C13: refusal flows down, through every generation, and not up."""
    no = said("marketing", State.REFUSED, at=None, days_ago=1)

    assert ask("offers", said("offers"), no) == Reason.REFUSED_BY_PERSON
    assert ask("news", said("news"), said("offers", State.REFUSED, days_ago=1)) is True


def test_a_refusal_of_one_channel_leaves_the_others():
    """No e-mail does not mean no SMS."""
    no = said("news", State.WITHDRAWN, at=None, days_ago=1, channel=Channel.EMAIL)
    yes = said("news", at=ANNAS_PHONE)

    assert ask("news", yes, no, contact=ANNAS_PHONE, channel=Channel.SMS) is True
    assert ask("news", said("news"), no) == Reason.REFUSED_BY_PERSON


def test_objecting_to_direct_marketing_stops_its_profiling():
    """21(2): whatever is of the marketing class, and nothing else."""
    no = said("direct_marketing", State.OBJECTED, at=None, days_ago=1)

    assert ask("news", said("news"), no) == Reason.OBJECTED_TO_MARKETING
    assert ask("profiling", said("profiling", at=None), no, channel=None) == Reason.OBJECTED_TO_MARKETING
    assert ask("surveys", said("surveys"), no) is True


def test_a_newer_act_lifts_a_refusal():
    """What counts is the time of the act against the receipt of the refusal."""
    no = said("news", State.WITHDRAWN, days_ago=5)

    assert ask("news", no, said("news", days_ago=4)) is True


def test_an_older_act_that_arrives_late_lifts_nothing():
    """C11: received yesterday, asserted before the withdrawal; at the same instant the no holds."""
    no = said("news", State.WITHDRAWN, days_ago=5)

    assert ask("news", no, said("news", days_ago=1, asserted=6)) == Reason.REFUSED_AT_CONTACT
    assert ask("news", no, said("news", days_ago=1, asserted=5)) == Reason.REFUSED_AT_CONTACT


def test_a_snapshot_lifts_nothing_however_new():
    """C11: an import's opt-in column says nothing about when somebody agreed."""
    no = said("news", State.WITHDRAWN, days_ago=5)
    snapshot = said("news", evidence="snapshot", days_ago=1)

    assert ask("news", snapshot) is True
    assert ask("news", no, snapshot) == Reason.REFUSED_AT_CONTACT


def test_a_refusal_beyond_a_scored_link_refuses_and_nothing_here_lifts_it():
    """Over a scored link a no on either side refuses both, and no grant crosses."""
    no = said("news", State.WITHDRAWN, by=TWIN, at=None, days_ago=5)

    assert ask("news", no, said("news", days_ago=1)) == Reason.REFUSED_ACROSS_A_LIKELY_MATCH


def test_a_devices_refusal_stops_traits_and_mutes_no_mail():
    """Nobody can mute a rival from a browser."""
    no = said("marketing", State.REFUSED, scope=Scope.DEVICE, days_ago=1)
    traits = said("profiling", State.REFUSED, scope=Scope.DEVICE, days_ago=1)

    assert ask("news", said("news"), no) is True
    assert ask("profiling", said("profiling", at=None), traits, channel=None) == Reason.REFUSED_BY_PERSON


def test_a_legal_purpose_is_refused_by_nobodys_word():
    """A breach notice (34) is no matter of choice."""
    assert ask("breach", said("breach", State.REFUSED, days_ago=1)) is True


@pytest.mark.parametrize(
    ("name", "reason"), [("restriction", Reason.RESTRICTED), ("deceased", Reason.DECEASED)]
)
def test_restriction_and_death_stop_everything_until_they_are_taken_back(name, reason):
    """GDPR 18: legal purposes too; a grant of another purpose lifts nothing."""
    stop = said(name, State.RESTRICTED, at=None, days_ago=5)

    assert ask("breach", stop) == reason
    assert ask("news", stop, said("news", days_ago=1)) == reason
    assert ask("news", said("news"), said(name, State.GIVEN, at=None, days_ago=1)) is True


# --- sale and sharing ------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{"by": ANNA}, {"by": TWIN}, {"by": BROWSER, "scope": Scope.DEVICE}])
def test_who_opted_out_of_sale_is_not_sold(how):
    """CPRA 1798.120: the person, a likely match, or a browser with GPC that lends to the person."""
    no = said("sale_or_share", State.OBJECTED, at=None, days_ago=1, **how)

    assert ask("news", said("news"), no, to="broker") == Reason.SALE_OPTED_OUT
    assert ask("news", said("news"), no, to="covered") is True


def test_opting_in_to_sale_again_takes_an_act_about_sale():
    """A grant of something else is none of the sale."""
    no = said("sale_or_share", State.OBJECTED, at=None, days_ago=5)
    again = said("sale_or_share", at=None, days_ago=1)

    assert ask("news", no, said("news", days_ago=1), to="broker") == Reason.SALE_OPTED_OUT
    assert ask("news", no, said("news"), again, to="broker") is True


def test_minors_are_sold_only_on_their_opt_in_and_small_children_on_the_parents():
    """CPRA 1798.120(c): under 16 the consumer's own, under 13 the parent's."""
    opt_in, parents = (said("sale_or_share", at=None, guardian=by) for by in (False, True))
    fifteen, twelve = (Person(laws=Law.CPRA, age_band=band) for band in (15, 0))

    assert ask("news", said("news"), to="broker", person=fifteen) == Reason.MINOR_NOT_OPTED_IN
    assert ask("news", said("news"), opt_in, to="broker", person=fifteen) is True
    assert ask("news", said("news"), opt_in, to="broker", person=twelve) == Reason.MINOR_NOT_OPTED_IN
    assert ask("news", said("news"), parents, to="broker", person=twelve) is True
    assert ask("news", said("news"), to="covered", person=twelve) is True


# --- children --------------------------------------------------------------------------------


def test_under_fourteen_in_china_the_guardian_agrees():
    """PIPL 28, 31: to whatever is no legal duty, service included."""
    child = Person(laws=Law.PIPL, age_band=13)

    assert ask("news", said("news"), person=child) == Reason.CHILD_IN_CHINA
    assert ask("orders", grounds=[ground("order")], person=child) == Reason.CHILD_IN_CHINA
    assert ask("news", said("news", guardian=True), person=child) is True
    assert ask("breach", person=child) is True


def test_under_the_states_age_of_consent_the_parent_agrees():
    """GDPR 8: to consent and to marketing; an order of theirs is confirmed to them."""
    child = Person(laws=Law.GDPR, age_band=15, consent_age=16)

    assert ask("news", said("news"), person=child) == Reason.CHILD
    assert ask("surveys", said("surveys"), person=child) == Reason.CHILD
    assert ask("similar", grounds=[ground("sale")], person=child) == Reason.CHILD
    assert ask("orders", grounds=[ground("order")], person=child) is True
    assert ask("news", said("news", guardian=True), person=child) is True
    assert ask("news", said("news"), person=replace(child, consent_age=15)) is True


def test_the_age_is_that_of_the_send_where_the_day_has_begun_everywhere():
    """A birthday today is one tomorrow, somewhere: until then the child is a child."""
    child = Person(laws=Law.GDPR, age_band=15, next_age_threshold=AT.date(), consent_age=16)

    assert ask("news", said("news"), person=child) is True
    late = replace(child, next_age_threshold=date(2026, 6, 2))
    assert ask("news", said("news"), person=late) == Reason.CHILD


def test_an_unknown_age_is_what_the_workspace_says_of_the_unknown():
    """Strict by default."""
    unknown = Person(laws=Law.GDPR)

    assert ask("news", said("news"), person=unknown) == Reason.AGE_UNKNOWN
    assert ask("news", said("news"), person=Person()) == Reason.AGE_UNKNOWN
    lenient = replace(REGISTER, unknown_age_is_child=False)
    assert ask("news", said("news"), person=unknown, register=lenient) is True


def test_whose_age_nobody_knows_is_no_minor_who_did_not_opt_in():
    """Sold on an opt-in alone, and the reason says what is not known."""
    unknown = Person(laws=Law.CPRA)
    opt_in, parents = (said("sale_or_share", at=None, guardian=by) for by in (False, True))

    assert ask("news", said("news"), to="broker", person=unknown) == Reason.AGE_UNKNOWN
    assert ask("news", said("news"), opt_in, to="broker", person=unknown) == Reason.AGE_UNKNOWN
    assert ask("news", said("news"), parents, to="broker", person=unknown) is True


def test_whose_residence_nobody_knows_is_not_said_to_be_in_china():
    """Legitimate interest is no ground for them either, until somebody says where they live."""
    notice, unknown, chinese = ground("notice"), Person(age_band=18), Person(laws=Law.PIPL, age_band=18)

    assert ask("insight", channel=None, grounds=[notice], person=unknown) == Reason.RESIDENCE_UNKNOWN
    assert ask("insight", channel=None, grounds=[notice], person=chinese) == (
        Reason.LEGITIMATE_INTEREST_IN_CHINA
    )
    assert article("residence_unknown").startswith("PIPL 13: residence unknown")


def test_only_who_lives_in_china_is_called_a_child_in_china():
    """Of whom nobody knows where they live every law protects, and none says where that is."""
    assert ask("news", said("news"), person=Person(age_band=13)) == Reason.CHILD
    assert article("age_unknown").startswith("age unknown, treated as a child")


def test_a_guardians_consent_ends_at_majority():
    """Who grows up is asked anew."""
    assert ask("news", said("news", guardian=True)) == Reason.NO_CONSENT


def test_an_unknown_residence_is_protected_by_the_workspaces_strictest_set():
    """Unknown means the strictest, not the laxest."""
    assert ask("cold", person=Person(age_band=18)) == Reason.OPT_IN_LAW
    american = replace(REGISTER, laws=Law.CAN_SPAM)
    assert ask("cold", person=Person(age_band=18), register=american) is True


# --- the other bases -------------------------------------------------------------------------


def test_data_from_third_parties_needs_a_notice_first():
    """14(3): without it even a consent does not help; a legal duty may go first."""
    theirs = ground("third_party", controller=OTHERS)

    assert ask("news", said("news"), grounds=[theirs]) == Reason.NOTICE_NOT_SERVED
    assert ask("news", said("news"), grounds=[theirs, ground("notice", controller=OTHERS)]) == (
        Reason.NOTICE_NOT_SERVED
    )
    assert ask("news", said("news"), grounds=[theirs, ground("notice")]) is True
    assert ask("breach", grounds=[theirs]) is True


def test_a_contract_is_an_open_order_or_account_with_this_controller():
    """6(1)(b): not a delivered order, not another brand's, not another person's."""
    assert ask("orders", grounds=[ground("account")]) is True
    assert ask("orders", grounds=[ground("order", until=AT)]) == Reason.NO_CONTRACT
    assert ask("orders", grounds=[ground("order", since=AT + DAY)]) == Reason.NO_CONTRACT
    assert ask("orders", grounds=[ground("order", controller=OTHERS)]) == Reason.NO_CONTRACT
    assert ask("orders", grounds=[ground("order", by=TWIN)]) == Reason.NO_CONTRACT


def test_a_legal_obligation_cites_its_law():
    """6(1)(c), 6(3)."""
    assert ask("breach") is True
    assert ask("duty") == Reason.NO_LAW_CITED


def test_legitimate_interest_is_assessed_told_and_not_objected_to():
    """6(1)(f): each of the three, and in China never."""
    told = [ground("notice")]
    no = said("insight", State.OBJECTED, at=None, days_ago=1)

    assert ask("insight", channel=None, grounds=told) is True
    assert ask("insight", channel=None) == Reason.NOTICE_NOT_SERVED
    assert ask("insight", no, channel=None, grounds=told) == Reason.REFUSED_BY_PERSON
    assert ask("old_insight", channel=None, grounds=told) == Reason.NO_ASSESSMENT
    chinese = Person(laws=Law.PIPL, age_band=18)
    assert ask("insight", channel=None, grounds=told, person=chinese) == Reason.LEGITIMATE_INTEREST_IN_CHINA


def test_soft_opt_in_is_an_own_sale_electronic_mail_and_an_opt_out():
    """ePrivacy 13(2)."""
    sold = [ground("sale")]

    assert ask("similar", grounds=sold) is True
    assert ask("similar", grounds=[ground("sale", controller=OTHERS)]) == Reason.NO_OWN_SALE
    assert ask("similar", grounds=sold, channel=None) == Reason.NO_OWN_SALE
    assert ask("pushy", grounds=sold) == Reason.NO_OPT_OUT_OFFERED
    chinese = Person(laws=Law.PIPL, age_band=18)
    assert ask("similar", grounds=sold, person=chinese) == Reason.OPT_IN_LAW


def test_an_opt_out_regime_is_for_mail_to_people_whom_no_opt_in_law_protects():
    """CAN-SPAM: with GDPR or PIPL in the set it is not enough; an opt-out is honoured at once."""
    american = Person(laws=Law.CAN_SPAM, age_band=18)
    no = said("cold", State.WITHDRAWN, days_ago=0)

    assert ask("cold", person=american) is True
    assert ask("cold", person=ADULT) == Reason.OPT_IN_LAW
    assert ask("cold", person=american, channel=Channel.SMS, contact=ANNAS_PHONE) == Reason.OPT_IN_LAW
    assert ask("spam", person=american) == Reason.NO_OPT_OUT_OFFERED
    assert ask("cold", no, person=american) == Reason.REFUSED_AT_CONTACT


# --- the reasons -----------------------------------------------------------------------------


def test_every_reason_has_its_article_and_a_coarse_word():
    """The compliance role sees the law, marketing no more than that it may not."""
    assert set(ARTICLES) == set(Reason)
    assert article("child_in_china").startswith("PIPL 28, 31")
    assert Refusal(Reason.SALE_OPTED_OUT).article.startswith("CPRA 1798.120, 1798.135")
    coarse = {reason: shown(reason, exact=False) for reason in Reason}
    assert set(coarse.values()) == {"not permitted", "no contact"}
    assert [reason for reason, word in coarse.items() if word == "no contact"] == [Reason.NO_CONTACT]


def test_the_rules_stand_in_the_documented_order():
    """A report counts the first reason, so the order is part of the answer."""
    assert [rule.__name__ for rule in RULES] == [
        "not_stopped",
        "not_refused",
        "not_sold_against_will",
        "not_refused_separately",
        "reachable",
        "transferable",
        "minors_not_sold",
        "guardian_agreed",
        "not_sold_by_a_childs_yes",
        "not_lifted_by_a_child",
        "told",
        "evidenced",
        "separately",
    ]


# Whatever else is wrong: nobody's age, nowhere known, nothing there to reach, a recipient without tools.
FLAWED = [
    {"person": Person()},
    {"person": Person(laws=Law.PIPL, age_band=0)},
    {"person": Person(laws=Law.CPRA, age_band=0), "to": "broker"},
    {"to": "overseas"},
    {"channel": Channel.SMS},
    {"channel": Channel.POST},
    {"grounds": [ground("third_party")]},
    {"contact": None},
]


@pytest.mark.parametrize("flaw", FLAWED)
@pytest.mark.parametrize(
    ("no", "told"),
    [
        (said("news", State.WITHDRAWN, at=None), Reason.REFUSED_BY_PERSON),
        (said("direct_marketing", State.OBJECTED, at=None), Reason.OBJECTED_TO_MARKETING),
        (said("news", State.REFUSED, by=TWIN, at=None), Reason.REFUSED_ACROSS_A_LIKELY_MATCH),
        (said("restriction", State.RESTRICTED, at=None), Reason.RESTRICTED),
    ],
)
def test_what_a_person_said_is_told_before_all_that_is_wrong_beside_it(no, told, flaw):
    """Who reads `age unknown` or `no contact` looks for an age or an address, where somebody has said no."""
    assert ask("news", no, **flaw) == told


@pytest.mark.parametrize("person", [Person(), Person(laws=Law.CPRA, age_band=0)])
def test_a_refused_sale_is_told_before_an_unknown_age(person):
    """The device of a child of California said no: that is the answer, not the missing parent."""
    no = said("sale_or_share", State.OBJECTED, by=BROWSER, scope=Scope.DEVICE, at=None)

    assert ask("news", no, to="broker", person=person) == Reason.SALE_OPTED_OUT


def test_a_refused_transfer_is_told_before_a_missing_tool_and_names_its_entry():
    """PIPL 39: who refused to have data sent abroad is not told of as a contract to be mended."""
    chinese = Person(laws=Law.PIPL, age_band=18)
    no = said("cross_border", State.REFUSED, at=None)
    terms = resolve(Ask(purpose="news", channel=Channel.EMAIL, recipient="overseas"), REGISTER, at=AT)
    place = Place(profile=ANNA, core=ANNA, contact=FAMILY, namespace="email")
    subject = gather(place, terms=terms, words=[no], members=MEMBERS, grounds=[], persons={ANNA: chinese})

    assert decide(terms, subject) == Refusal(Reason.CROSS_BORDER_NOT_AGREED, no.entry)
    assert ask("news", to="overseas", person=chinese) == Reason.NO_TRANSFER_TOOL


def test_who_agreed_anew_and_may_be_a_child_is_left_out_for_the_age():
    """A newer yes of their own took the no back; what is missing is the guardian, or the birthday."""
    no, yes = said("news", State.WITHDRAWN, days_ago=9), said("news", days_ago=5)

    assert ask("news", no, yes, person=Person()) == Reason.AGE_UNKNOWN
    assert ask("news", no, yes, person=Person(laws=Law.GDPR, age_band=13)) == Reason.CHILD
    assert ask("news", no, person=Person()) == Reason.REFUSED_AT_CONTACT


def test_what_a_guardian_must_agree_to_stays_refused_until_a_guardian_lifts_it():
    """A child's own newer yes neither lifts the refusal nor hides it behind the guardian's older yes."""
    child = Person(laws=Law.GDPR, age_band=13)
    old, no = said("news", guardian=True, days_ago=12), said("news", State.WITHDRAWN, days_ago=9)
    own, anew = said("news", days_ago=5), said("news", guardian=True, days_ago=4)

    assert ask("news", old, no, own, person=child) == Reason.REFUSED_AT_CONTACT
    assert ask("news", old, no, own, anew, person=child) is True


# --- special categories -------------------------------------------------------------------------


def test_special_categories_need_consent_in_so_many_words():
    """GDPR 9(2)(a): a yes that was not explicit is none for them, and lifts no refusal."""
    implied, explicit = said("health"), said("health", explicit=True)

    assert ask("health", implied) == Reason.NOT_EXPLICIT
    assert ask("health", explicit) is True
    assert ask("health") == Reason.NO_CONSENT
    assert ask("health", said("health", State.WITHDRAWN, days_ago=20), implied) == Reason.REFUSED_AT_CONTACT
    assert ask("health", said("health", State.WITHDRAWN, days_ago=20), explicit) is True
    assert ask("news", said("news")) is True, "elsewhere an act is enough"


# --- which law: where the controller sits and offers --------------------------------------------


def bound(*seats, offers=()):
    """The register, with the controller established and offering in these places."""
    return replace(REGISTER, controllers={OURS: Controller(establishments=seats, offers=tuple(offers))})


def test_who_sits_in_the_union_sends_under_its_law_wherever_people_live():
    """GDPR 3(1): an American on a European list has opted in, or is not written to."""
    american = Person(laws=Law.CAN_SPAM, age_band=18, next_age_threshold=None, consent_age=None)

    assert ask("cold", person=american, register=bound("US")) is True
    assert ask("cold", person=american, register=bound("US", "DE")) == Reason.OPT_IN_LAW
    assert ask("cold", person=american, register=bound("US", offers=["FR"])) == Reason.OPT_IN_LAW


def test_who_sits_or_offers_in_china_has_no_legitimate_interest():
    """PIPL 3, 13: the ground is not there for anybody whom that controller processes."""
    told = [ground("notice")]

    assert ask("insight", channel=None, grounds=told, register=bound("US")) is True
    for register in (bound("CN"), bound("US", offers=["CN"])):
        assert ask("insight", channel=None, grounds=told, register=register) == (
            Reason.LEGITIMATE_INTEREST_IN_CHINA
        )


def test_a_controller_that_is_not_registered_is_bound_by_every_law():
    """Silence is the strictest: nobody knows where it sits."""
    nobody = replace(REGISTER, controllers={})

    assert ask("insight", channel=None, grounds=[ground("notice")], register=nobody) == (
        Reason.LEGITIMATE_INTEREST_IN_CHINA
    )


# --- what PIPL asks separately ---------------------------------------------------------------

CHINESE = Person(laws=Law.PIPL, age_band=18)


def separately(name, state=State.GIVEN, **how):
    """A word of the person's about one of the two."""
    return said(name, state, at=None, **how)


def test_another_handler_needs_a_consent_of_its_own_and_an_entrusted_party_none():
    """C7, PIPL 23, 21: where consent is the basis and PIPL protects; the general grant is not enough."""
    handler, entrusted = "handler in china", "entrusted in china"

    assert ask("news", said("news"), to=entrusted, person=CHINESE) is True
    assert ask("news", said("news"), to=handler, person=CHINESE) == Reason.ANOTHER_HANDLER_NOT_AGREED
    assert ask("news", said("news"), separately("another_handler"), to=handler, person=CHINESE) is True
    assert ask("news", separately("another_handler"), to=handler, person=CHINESE) == Reason.NO_CONSENT
    assert ask("news", said("news"), to="mailer") is True, "elsewhere the notice names them, and that is it"


def test_crossing_the_border_needs_a_consent_of_its_own():
    """C7, PIPL 39: for each, and one does not stand for the other."""
    both = (separately("another_handler"), separately("cross_border"))
    abroad = "handler abroad"

    assert ask("news", said("news"), to="covered", person=CHINESE) == Reason.CROSS_BORDER_NOT_AGREED
    assert ask("news", said("news"), both[1], to="covered", person=CHINESE) is True
    assert ask("news", said("news"), both[1], to=abroad, person=CHINESE) == Reason.ANOTHER_HANDLER_NOT_AGREED
    assert ask("news", said("news"), both[0], to=abroad, person=CHINESE) == Reason.CROSS_BORDER_NOT_AGREED
    assert ask("news", said("news"), *both, to=abroad, person=CHINESE) is True


@pytest.mark.parametrize(
    "how",
    [
        {"notice": NEWS_ONLY},
        {"notice": None},
        {"by": BERT},
        {"by": TWIN},
        {"expires": AT},
        {"state": State.REQUESTED},
        {"state": State.WITHDRAWN},
    ],
)
def test_a_separate_consent_is_the_persons_own_in_force_and_names_who_receives(how):
    """PIPL 23, 39: the notice names it, the use and the recipient."""
    word = separately("cross_border", **how)

    assert ask("news", said("news"), word, to="covered", person=CHINESE) == Reason.CROSS_BORDER_NOT_AGREED


def test_a_separate_consent_is_withdrawn_and_given_again_like_any():
    """PIPL 15: the general one stands; only an act that is newer lifts the refusal."""
    words = [
        said("news"),
        separately("cross_border"),
        separately("cross_border", State.WITHDRAWN, days_ago=5),
    ]
    late = separately("cross_border", days_ago=3, asserted=6)

    assert ask("news", *words, to="covered", person=CHINESE) == Reason.CROSS_BORDER_NOT_AGREED
    assert ask("news", *words, late, to="covered", person=CHINESE) == Reason.CROSS_BORDER_NOT_AGREED
    assert ask("news", *words, separately("cross_border", days_ago=4), to="covered", person=CHINESE) is True
    assert ask("news", *words, to="mailer", person=ADULT) is True


def test_under_fourteen_the_guardian_agrees_separately_too():
    """C7, PIPL 31: a child's own word carries nothing across a border."""
    child, parents = Person(laws=Law.PIPL, age_band=13), said("news", guardian=True)

    assert ask("news", parents, separately("cross_border"), to="covered", person=child) == (
        Reason.CROSS_BORDER_NOT_AGREED
    )
    assert ask("news", parents, separately("cross_border", guardian=True), to="covered", person=child) is True


def test_what_rests_on_no_consent_needs_none_separately():
    """PIPL 13(2): an order is sent abroad because it was ordered abroad."""
    assert ask("orders", grounds=[ground("order")], to="handler abroad", person=CHINESE) is True


def test_where_the_two_were_never_made_nobody_has_agreed_to_them():
    """Silence refuses: a workspace that is not furnished opens nothing."""
    names = {one.name: one for one in PURPOSES.by_id.values() if one.name not in ("cross_border",)}
    bare = replace(REGISTER, purposes=Purposes({one.id: one for one in names.values()}))

    assert ask("news", said("news"), to="covered", person=CHINESE, register=bare) == (
        Reason.CROSS_BORDER_NOT_AGREED
    )
