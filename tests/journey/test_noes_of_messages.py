"""C14, C15: what messages say no to holds, whatever else is wrong with them and whoever sends them."""

import pytest
from sqlalchemy import func, select
from test_refusals_heard import agreed, count, reached, row, take
from worlds.journeys import ANN, BOB, identify

from cdp import tables
from cdp.ports import Category
from cdp.registers import source_rows
from cdp.vocabulary import Scope, State
from consent import tables as consent
from identity import tables as identity

__all__ = ["agreed"]
MAIL = {"email": ANN["email"]}


def no(category="marketing", answer=False):
    """A consent object that refuses."""
    return {"consent": {"categoryPreferences": {category: answer}}}


def viewed(**more):
    """One call about Ann."""
    return {"type": "track", "event": "Product Viewed", "userId": "ann", "messageId": "n-1", **more}


def notes(journey):
    with journey.begin()() as work:
        found = work.session.scalars(select(tables.seen.c.notes).where(tables.seen.c.notes.is_not(None)))
        return sorted(found)


def say(journey, *messages, kind="server", gpc=False):
    """Send messages about the shop's Ann; their verdicts."""
    journey.send("shop", *messages, kind=kind, gpc=gpc)
    return journey.work()


@pytest.fixture
def shop(agreed, tmp_path):
    """Ann, known to the shop by her user id and her address: both people may be written to."""
    say(agreed, identify("ann", MAIL, messageId="known"))
    assert reached(agreed, tmp_path) == 2
    return agreed


def deep(levels=40):
    value = "core"
    for _ in range(levels):
        value = {"in": value}
    return value


@pytest.mark.parametrize(
    ("flaw", "verdict"),
    [
        ({"properties": {"order_id": 12345678901234567}}, "invalid:number_out_of_range"),
        ({"properties": {"name": "disc\0"}}, "invalid:nul_byte"),
        ({"properties": {"name": "\ud800"}}, "invalid:invalid_utf8"),
        ({"properties": {"price": float("nan")}}, "invalid:number_out_of_range"),
        ({"properties": {str(n): n for n in range(1_001)}}, "invalid:too_many_keys"),
        ({"properties": deep()}, "invalid:too_deep"),
        ({"properties": deep(400)}, "invalid:too_deep"),
        ({"properties": {"text": "x" * 40_000}}, "invalid:too_large"),
        ({"properties": "none"}, "invalid:wrong_type"),
        ({"traits": {f"t{n}": n for n in range(301)}}, "invalid:too_many_keys"),
        ({"anonymousId": {"a": 1}}, "invalid:wrong_type"),
        ({"messageId": "m" * 101}, "invalid:too_long"),
        ({"event": None}, "invalid:missing"),
        ({"type": "charge"}, "invalid:unknown"),
    ],
)
def test_the_no_of_a_flawed_event_is_kept_and_the_rest_refused(shop, tmp_path, flaw, verdict):
    """C14: one flaw anywhere but in the consent; the verdict names it, and says that the no was heard."""
    events, statements = count(shop, tables.events), count(shop, identity.statements)
    verdicts = say(shop, viewed(context=no()) | flaw)

    assert verdicts == {verdict: 1}
    assert reached(shop, tmp_path) == 1
    assert notes(shop) == ["refusal_heard"]
    assert (count(shop, tables.events), count(shop, identity.statements)) == (events, statements)


def test_a_flawed_event_without_a_no_leaves_nothing(shop, tmp_path):
    """Whoever said nothing, or said yes, is not refused for a flaw."""
    fragments = count(shop, identity.fragments)
    yes = {"consent": {"categoryPreferences": {"marketing": True, "C0004": True}}}
    verdicts = say(
        shop,
        viewed(messageId="a", properties=3),
        viewed(messageId="b", properties=3, userId="new", context=yes),
    )

    assert verdicts == {"invalid:wrong_type": 2}
    assert reached(shop, tmp_path) == 2
    assert count(shop, identity.fragments) == fragments
    assert notes(shop) == []


@pytest.mark.parametrize(
    "context",
    [
        *(no(answer=answer) for answer in ("false", "no", 0, None, 1, "true", [], {})),
        *({"consent": said} for said in ("none", 0, [], [{"marketing": True}], True)),
        *({"consentManagement": said} for said in ("C0004", 1, [])),
        {"consent": {"categoryPreferences": ["marketing"]}},
        {"consent": {"categoryPreferences": "marketing"}},
        {"consentManagement": {"allowedConsentIds": ["marketing"], "deniedConsentIds": "C0004"}},
        {"consentManagement": {"allowedConsentIds": "marketing", "deniedConsentIds": ["C0004"]}},
        {"consentManagement": {"allowedConsentIds": ["marketing", "C0004"], "deniedConsentIds": [None]}},
        {"consentManagement": {"allowedConsentIds": ["marketing", "C0004"], "deniedConsentIds": "x, C0004"}},
        {"consent": {"categoryPreferences": {f"c{n}": True for n in range(400)} | {"marketing": False}}},
        {"consent": {"categoryPreferences": {"x" * 300: True, "C0004": True, "marketing": False}}},
        {"consent": {"categoryPreferences": {"marketing": 12345678901234567, "C0004": float("nan")}}},
        {"consent": {"categoryPreferences": {"\0": True, "\ud800": True, "marketing": deep()}}},
    ],
)
def test_what_is_no_clear_yes_is_a_refusal_and_makes_no_message_invalid(shop, tmp_path, context):
    """Consent's own flaws refuse what they name, and never the message."""
    verdicts = say(shop, viewed(context=context))

    assert verdicts == {"accepted": 1}
    assert reached(shop, tmp_path) == 1


@pytest.mark.parametrize("where", ["batch", "item"])
def test_a_batch_and_its_item_grant_only_what_both_grant(shop, tmp_path, where):
    """A no that the batch says for all its items is not overruled by one of them, nor the other way round."""
    yes = {"consent": {"categoryPreferences": {"marketing": True, "C0004": True}}}
    shared, own = (no(), yes) if where == "batch" else (yes, no())
    shop.send("shop", viewed(context=own), shared={"context": shared})
    verdicts = shop.work()

    assert verdicts == {"accepted": 1}
    assert reached(shop, tmp_path) == 1


def test_a_flaw_in_what_a_batch_shares_loses_no_no(shop, tmp_path):
    """Neither the batch's own nor its items'."""
    shop.send("shop", viewed(), shared={"context": no() | {"page": "\0"}})

    assert shop.work() == {"invalid:nul_byte": 1}
    assert reached(shop, tmp_path) == 1


NAMED = {
    "traits": {"traits": MAIL},
    "context.traits": {"context": {"traits": MAIL}},
    "externalIds": {"context": {"externalIds": [{"id": ANN["email"], "type": "email"}]}},
    "a list for an object": {"traits": [MAIL]},
    "a list for a value": {"traits": {"email": [ANN["email"]]}},
    "the user id": {"userId": ANN["email"]},
}


@pytest.mark.parametrize("kind", ["server", "public"])
@pytest.mark.parametrize("flawed", [False, True])
@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize("call", ["identify", "track", "group"])
def test_a_no_binds_every_contact_that_its_message_names(agreed, tmp_path, kind, flawed, named, call):
    """C15: wherever the message names it, from a server or from a browser; and nobody else."""
    fields = NAMED[named]
    message = {
        "type": call,
        "anonymousId": "device",
        "messageId": "n-2",
        "groupId": "g",
        "event": "e",
        **fields,
        "context": fields.get("context", {}) | no(),
    } | ({"properties": 7} if flawed else {})
    say(agreed, message, kind=kind)

    assert reached(agreed, tmp_path) == 1, "Bob alone"


def test_a_public_no_is_a_word_about_its_device_and_its_contact_and_no_person(agreed):
    """C15: whoever knows an address can stop mail to it, and can mute nobody."""
    message = identify("ann", MAIL, anonymousId="device", messageId="n-3", context=no("C0004"))
    say(agreed, message, kind="public")
    with agreed.begin()() as work:
        entry = consent.entries.c
        said = work.session.execute(
            select(entry.scope, entry.channel).where(entry.state == "refused").order_by(entry.scope)
        ).all()

    assert [tuple(one) for one in said] == [
        *[("contact", "email")] * 2,
        *[("device", "email")] * 2,
    ], "of both categories, for the object left one out"


def test_a_public_yes_is_no_grant_at_a_contact(agreed):
    """It stays requested until it is confirmed."""
    yes = {"consent": {"categoryPreferences": {"marketing": True, "C0004": True}}}
    words = count(agreed, consent.entries)
    say(agreed, identify("ann", MAIL, anonymousId="device", messageId="y", context=yes), kind="public")
    with agreed.begin()() as work:
        states = list(work.session.scalars(select(consent.entries.c.state).order_by(consent.entries.c.seq)))

    assert states[words:] == ["requested", "requested"]


def test_a_category_without_a_channel_binds_the_contact_for_every_one(agreed, tmp_path):
    """A no to a purpose is a no to each way of it."""
    with agreed.begin("admin")() as work:
        source_rows.create(
            "app",
            priority=3,
            authoritative=False,
            controller_id=agreed.workspace,
            categories={"all": ("email_marketing", None)},
            work=work,
        )
    agreed.send("app", identify("x", MAIL, anonymousId="d", context=no("all")), kind="public")
    agreed.work()

    assert reached(agreed, tmp_path) == 1


def _devices(journey):
    with journey.begin()() as work:
        entry = consent.entries.c
        query = select(func.count()).where(entry.scope == Scope.DEVICE, entry.state == "objected")
        return work.session.scalar(query)


def test_privacy_control_holds_for_the_device_though_all_of_the_body_is_refused(agreed):
    """C5: a header says it, whatever the body says."""
    flawed = [viewed(anonymousId=f"d-{n}", messageId=f"g-{n}", properties=n) for n in range(3)]
    nobody = {"type": "track", "messageId": "g-9", "properties": 7}
    verdicts = say(agreed, *flawed, nobody, 7, kind="public", gpc=True)

    assert verdicts == {"invalid:wrong_type": 4, "invalid:not_an_object": 1}
    assert _devices(agreed) == 3
    assert notes(agreed) == ["refusal_binds_nobody"] * 2 + ["refusal_heard"] * 3


def test_privacy_control_of_a_refused_message_reaches_the_person_it_names(agreed):
    """C5: the known person too, as with a sound one: the device lends to whom it names."""
    say(agreed, identify("ann", MAIL, messageId="known"))
    say(agreed, viewed(anonymousId="d", properties=7), kind="public", gpc=True)
    ann = agreed.profile("user_id", "ann")
    with agreed.begin()() as work:
        lending = work.session.scalars(select(identity.fragments.c.lends_to)).all()

    assert ann in lending


def test_a_no_whose_own_name_cannot_be_read_binds_the_contact(agreed, tmp_path):
    """A user id that is none names nobody, the address beside it does."""
    message = identify({"a": 1}, MAIL, messageId="n-4", context=no())

    assert say(agreed, message) == {"invalid:wrong_type": 1}
    assert reached(agreed, tmp_path) == 1
    assert say(agreed, identify("null", {}, messageId="n-5", context=no())) == {
        "invalid:no_usable_identifier": 1
    }
    assert notes(agreed) == ["refusal_binds_nobody", "refusal_heard"]


def test_a_copy_of_a_flawed_event_is_a_copy(shop):
    """Its no is kept once."""
    say(shop, viewed(context=no(), properties=7))
    words = count(shop, consent.entries)

    assert say(shop, viewed(context=no(), properties=7)) == {"duplicate": 1}
    assert count(shop, consent.entries) == words


def test_the_no_of_a_flawed_event_holds_when_its_person_arrives(agreed, tmp_path):
    """C16: nobody has heard of this user; whoever turns out to be it is refused."""
    say(agreed, viewed(userId="cy", context=no(), properties=7))
    cy = {**BOB, "email": "cy@example.org"}
    say(agreed, identify("cy", cy, messageId="late"))
    agreed.say(State.GIVEN, "cy@example.org", evidence="snapshot", notice="newsletter")

    assert reached(agreed, tmp_path) == 2, "Ann and Bob"


def _first_yes(journey, *, authoritative=True, kind="server", notice="newsletter", **more):
    """A source whose category names a notice reports that Cy agrees; the states that were kept."""
    with journey.begin("admin")() as work:
        source_rows.create(
            "forms",
            priority=4,
            authoritative=authoritative,
            controller_id=journey.workspace,
            categories={"letters": Category("email_marketing", "email", notice)},
            work=work,
        )
        # Cy is known and of age, whoever the source is.
    cy = {**ANN, "email": "cy@example.org"}
    journey.send("web", identify("cy", cy, messageId="cy"))
    journey.work()
    words = count(journey, consent.entries)
    yes = identify("cy", cy, anonymousId="d", messageId="yes", context=no("letters", answer=True), **more)
    journey.send("forms", yes, kind=kind)
    journey.work()
    with journey.begin()() as work:
        states = work.session.scalars(select(consent.entries.c.state).order_by(consent.entries.c.seq))
        return list(states)[words:]


@pytest.mark.parametrize("notice", ["newsletter", "newsletter@1"])
def test_a_consent_object_states_a_first_yes(agreed, tmp_path, notice):
    """From a server of an authoritative source, where nothing stands, with the notice that was seen."""
    assert _first_yes(agreed, notice=notice) == ["given"]
    assert reached(agreed, tmp_path) == 3


def test_a_first_yes_lifts_no_no(agreed, tmp_path):
    """It is a snapshot: where a no stands, it says nothing."""
    take(agreed, row(identifiers=[("crm:web", "9"), ("email", "cy@example.org")]))

    assert _first_yes(agreed) == ["given"]
    assert reached(agreed, tmp_path) == 2


@pytest.mark.parametrize(
    ("how", "states"),
    [
        ({"notice": None}, ["given"]),
        ({"notice": "newsletter@7"}, ["given"]),
        ({"authoritative": False}, ["requested"]),
        ({"kind": "public"}, ["requested"]),
        ({"properties": 7}, []),
    ],
)
def test_a_yes_that_is_no_grant_permits_nothing(agreed, tmp_path, how, states):
    """Without a notice, from a source that verifies nobody, from a browser, or beside a flaw."""
    assert _first_yes(agreed, **how) == states
    assert reached(agreed, tmp_path) == 2


def test_an_order_with_a_time_that_cannot_be_read_is_kept_and_says_so(shop):
    """It is an order; when it happened is a note in its verdict."""
    times = ["2026-11-20 10:11:12 UTC", 1795169472000, "2016-12-31T23:59:60Z", "", "yesterday", {"at": 1}]
    events = count(shop, tables.events)
    verdicts = say(shop, *(viewed(messageId=f"t-{n}", timestamp=at) for n, at in enumerate(times)))
    bad_sent = say(shop, viewed(messageId="t-9", timestamp="2026-11-20T10:11:12Z", sentAt="yesterday"))

    assert (verdicts, bad_sent) == ({"accepted": 6}, {"accepted": 1})
    assert count(shop, tables.events) == events + 7
    assert notes(shop) == ["sent_at_ignored", *["time_of_receipt"] * 3, *["time_read_leniently"] * 3]


def test_the_no_of_a_message_whose_id_was_used_before_is_heard(shop, tmp_path):
    """A sender that uses an id twice loses its second message, and not its no."""
    say(shop, viewed(messageId="0"))

    assert say(shop, viewed(messageId="0", context=no())) == {"duplicate": 1}
    assert reached(shop, tmp_path) == 1


def test_a_message_that_is_sent_again_undoes_nothing_that_was_agreed_to_since(shop, tmp_path):
    """Clients send again what they have no answer for, at times days later."""
    say(shop, identify("ann", MAIL, messageId="again", context=no()))
    refused = reached(shop, tmp_path)
    shop.say(State.GIVEN, ANN["email"], evidence="form", notice="newsletter")
    yes = {"consent": {"categoryPreferences": {"marketing": True, "C0004": True}}}
    say(shop, identify("ann", MAIL, messageId="since", context=yes))

    assert say(shop, identify("ann", MAIL, messageId="again", context=no())) == {"duplicate": 1}
    assert (refused, reached(shop, tmp_path)) == (1, 2)
