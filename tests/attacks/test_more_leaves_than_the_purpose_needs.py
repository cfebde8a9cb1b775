"""Somebody tries to get more out by a release, or to read more, than the purpose and the channel need."""

from dataclasses import replace

import pytest
from sqlalchemy import select
from worlds.journeys import ANN, BOB, READING, identify, lines, with_lines

from cdp.registers import policy_lines
from cdp.releases.releases import OtherContact
from cdp.scanning import scanning
from cdp.views import profile_view
from cdp.vocabulary import Channel, FieldClass, Show, State
from governance import tables as governed
from governance.fields.catalogue import BuiltInCatalogue
from policies.loader import PolicyRefused

GIVEN_NAME, SURNAME, EMAIL, PHONE, NOTE = 3, 4, 1, 2, 21
ILL = "Since the operation in May I need the softer shoes."
GREEDY = (
    "p2, service, email_marketing, free_text, show",
    "p2, service, email_marketing, contact_phone, show",
    "p2, marketing, email_marketing, free_text, show",
    *(
        f"p2, {role}, email_marketing, {one}, show"
        for role in ("service", "marketing")
        for one in ("address", "behaviour")
    ),
)
INSTEAD = {
    "surname": "diagnosed HIV positive",
    "company": "diagnosed with leukaemia",
    "title": "Muslim convert",
    "city": "Schizophrenia",
    "region": "Syphilis",
    "street": "heroin addict",
    "plan": "union member",
    "username": "lesbian_and_proud",
}


class Clean:
    """A detector that finds nothing, as any does in a condition told in plain words."""

    def scan(self, texts, language="en", regions=(), names=()):
        return [[] for _ in texts]


class OfBefore(BuiltInCatalogue):
    """A catalogue that knows no words yet, as one of an earlier version."""

    def classify(self, kind, event, fields):
        return {self.trait(name).envelope: {name: value} for name, value in fields.items()}


@pytest.fixture
def told(journey):
    """Ann told the help desk of an illness, has a phone, and agreed to mail."""
    journey.send("web", identify("u1", ANN | {"support_note": ILL, "phone": "+44 20 7946 0958"}))
    journey.work()
    while scanning.step(journey.begin(purpose="detection"), ports=journey.ports, detector=Clean()):
        pass
    journey.say(State.GIVEN, "ann@example.org", evidence="form", notice="newsletter")
    with journey.begin()() as work:
        assert set(work.session.scalars(select(governed.scans.c.state))) == {"clean"}
    return journey


@pytest.mark.parametrize("more", [(), GREEDY], ids=["by the default policy", "though a policy file shows it"])
def test_a_note_about_an_illness_is_sent_to_an_email_processor(told, tmp_path, more):
    """No detector finds it, so a scan that is clean is not enough: for marketing no text leaves."""
    told.ports = with_lines(told.ports, *more)
    done = told.release(tmp_path / "out", traits=(GIVEN_NAME, NOTE))

    assert [(one["to"], one["fields"]) for one in lines(tmp_path / "out")] == [
        ("ann@example.org", {"given_name": "Ann"})
    ]
    assert done.withheld["text:for_marketing"] == (1 if more else 0)
    assert "operation" not in str(lines(tmp_path / "out"))


@pytest.mark.parametrize(("more", "reason"), [((), "policy"), (GREEDY, "for_marketing")])
def test_a_note_about_an_illness_is_read_for_marketing(told, more, reason):
    """What may not be sent may not be read either, by a recipient's client or the controller's own people."""
    told.ports = with_lines(told.ports, *more)
    with told.begin("marketing", "compliance", purpose="email_marketing")() as work:
        person = told.ports.identity.resolve(told.profile("user_id", "u1"), work=work)
        view = profile_view.read(person, READING, fields=["support_note"], work=work, ports=told.ports)

    assert (view.shown, view.masked, view.withheld) == ({}, {}, {"support_note": reason})


@pytest.mark.parametrize("more", [(), GREEDY], ids=["by the default policy", "though a policy file shows it"])
def test_an_illness_is_sent_in_a_field_for_a_name_a_firm_or_a_town(journey, tmp_path, more):
    """What says it in words of the list is none of its field's kind: no line of a policy shows it."""
    usual = {"surname": "Krebs", "city": "Berlin"}
    for user, person in (("u1", ANN | INSTEAD), ("u2", BOB | usual)):
        journey.send("web", identify(user, person))
        journey.work()
        journey.say(State.GIVEN, person["email"], evidence="form", notice="newsletter")
    journey.ports = with_lines(journey.ports, *more)
    others = [journey.ports.catalogue.trait(name).id for name in INSTEAD]
    journey.release(tmp_path / "out", traits=(GIVEN_NAME, *others))
    shown = usual if more else {"surname": "Krebs"}

    assert {one["to"]: one["fields"] for one in lines(tmp_path / "out")} == {
        "ann@example.org": {"given_name": "Ann"},
        "bob@example.org": {"given_name": "Bob"} | shown,
    }


def test_an_illness_leaves_that_was_taken_for_a_name_when_it_came(journey, tmp_path):
    """What is stored is held to the words of today, in a release as in a read, and counted as text."""
    known = journey.ports
    journey.ports = replace(known, catalogue=OfBefore())
    journey.send("web", identify("u1", {"email": "ann@example.org", "surname": "diagnosed HIV positive"}))
    journey.work()
    journey.ports = known
    journey.send("web", identify("u1", ANN) | {"messageId": "later"})
    journey.work()
    journey.say(State.GIVEN, "ann@example.org", evidence="form", notice="newsletter")
    done = journey.release(tmp_path / "out", traits=(GIVEN_NAME, SURNAME))
    with journey.begin("marketing", "compliance", purpose="email_marketing")() as work:
        person = journey.ports.identity.resolve(journey.profile("user_id", "u1"), work=work)
        view = profile_view.read(
            person, READING, fields=["given_name", "surname"], work=work, ports=journey.ports
        )

    assert [one["fields"] for one in lines(tmp_path / "out")] == [{"given_name": "Ann"}]
    assert done.withheld["text:not_its_kind"] == 1
    assert view.withheld == {"surname": "not_its_kind"}


@pytest.mark.parametrize("more", [(), GREEDY], ids=["by the default policy", "though a policy file shows it"])
@pytest.mark.parametrize("trait", [PHONE, EMAIL])
def test_a_phone_or_another_address_rides_along_in_a_release_by_email(told, tmp_path, trait, more):
    """The one contact is the one that was agreed for, as `to`; the golden address may be another."""
    told.ports = with_lines(told.ports, *more)
    with pytest.raises(OtherContact):
        told.release(tmp_path / "out", traits=(GIVEN_NAME, trait))

    assert lines(tmp_path / "out") == []


def test_a_plan_that_was_made_past_the_check_has_no_other_contact(told):
    """The minimised plan of a release by e-mail withholds phones, whatever the policy says."""
    ports = with_lines(told.ports, *GREEDY)
    with told.begin()() as work:
        plan = policy_lines.release_plan("email_marketing", Channel.EMAIL, work=work, ports=ports)

    assert plan[FieldClass.CONTACT_EMAIL] is Show.SHOW
    assert plan[FieldClass.CONTACT_PHONE] is Show.WITHHOLD
    assert plan[FieldClass.CONTACT] is Show.WITHHOLD


def test_an_email_purpose_is_used_over_another_channel(told, tmp_path):
    """The default policy says for which channel's contact a purpose is."""
    with pytest.raises(policy_lines.NotInFile) as refused:
        told.release(tmp_path / "out", channel=Channel.SMS)

    assert refused.value.known["class"] == "contact_phone"
    assert lines(tmp_path / "out") == []


@pytest.mark.parametrize("show", ["show", "mask", "withhold"])
def test_a_policy_of_before_contacts_were_split_is_put_in_force(told, show):
    """Whom its writer meant cannot be known: it is refused, and says what to write."""
    with pytest.raises(PolicyRefused, match=r"contact_email\+contact_phone"):
        with_lines(told.ports, f"p2, service, profiling, contact, {show}")
