"""A no holds whoever it is about and however late it comes: nobody known, erased, come back, shared."""

from datetime import timedelta
from uuid import UUID

import pytest
from api_world import Town, as_admin, serving
from sqlalchemy import text

from cdp import unsubscribe
from cdp.kernel.clock import now
from cdp.unsubscribe import Link
from cdp.vocabulary import Basis, Channel, ContactId, Identifier, PurposeClass
from consent import register
from governance import journal

MARKETING = {"purpose": "email_marketing"}
NOBODY = "0190f5fe-7c00-7000-8000-00000000ffff"


@pytest.fixture(scope="module")
def api(system):
    """The platform, served."""
    with serving(system) as served:
        yield served


@pytest.fixture
def town(api, workspace):
    """A fresh workspace with its registers."""
    return Town(api, workspace)


def contactable(town, profile, purpose="email_marketing"):
    """The contact by which e-mail may be sent, or why none may."""
    found = town.http.get(
        f"/v1/profiles/{profile}", params={"purpose": purpose}, headers=town.as_("compliance", "marketing")
    ).json()
    return found["contactable"]["email"], found["reasons"].get("email")


def link_to(town, contact):
    """An unsubscribe link as messages to `contact` have it."""
    with as_admin(town.system, town.workspace) as work:
        purpose = town.system.ports.ledger.purposes(work=work)["email_marketing"]
    made = Link(
        workspace=town.workspace,
        contact=ContactId(UUID(contact)),
        purpose=purpose,
        channel=Channel.EMAIL,
    )
    return f"/u/{unsubscribe.write(made, town.system.links)}"


def erase(town, profile):
    """Forget a person, at their request."""
    body = {"ground": "GDPR 17(1)(a)", "dry_run": False}
    done = town.http.post(f"/v1/subjects/{profile}/erasure", json=body, headers=town.as_("compliance"))
    assert done.is_success, done.text


def mailed(town):
    """Ann, who agreed and was sent something, and the link that she got."""
    profile = town.person()
    assert town.say("given").json()["counted"]
    contact, _ = contactable(town, profile)
    return profile, link_to(town, contact)


def arrives(town, number):
    """Ann again, as a new customer."""
    traits = {"email": "ann@example.org", "birthday": "1980-02-03", "address": {"country": "DE"}}
    town.send({"type": "identify", "userId": f"again-{number}", "traits": traits, "messageId": f"b-{number}"})
    return town.profile("ann@example.org")


def back(town, number):
    """Ann again, who agrees on a form."""
    profile = arrives(town, number)
    assert town.say("given").json()["counted"]
    return profile


# --- an unsubscribe link works for ever -------------------------------------------------------


def test_an_old_link_refuses_the_contact_again_of_who_was_erased_and_came_back(town):
    """C18: twice over, and the second link as well as the first."""
    profile, first = mailed(town)
    erase(town, profile)
    profile = back(town, 1)
    contact, _ = contactable(town, profile)
    second = link_to(town, contact)
    shown, stopped = town.http.get(first), town.http.post(first)

    assert (shown.status_code, stopped.status_code) == (200, 200)
    assert contactable(town, profile) == (None, "refused_by_person")
    erase(town, profile)
    profile = back(town, 2)
    assert contactable(town, profile)[0] is not None, "a newer act lifts it"
    assert town.http.post(second).status_code == 200
    assert contactable(town, profile) == (None, "refused_by_person")


def test_an_old_link_holds_for_who_has_not_come_back_yet(town):
    """C16, C18: a button that is shown works, and the no is there when they arrive."""
    profile, link = mailed(town)
    erase(town, profile)
    shown, stopped, again = town.http.get(link), town.http.post(link), town.http.post(link)
    with town.system.opener(town.workspace)() as work:
        kept = work.session.execute(
            text("SELECT p.name FROM consent.suppressions s JOIN consent.purposes p ON p.id = s.purpose_id")
        ).scalars()

        assert "email_marketing" in set(kept)
    assert (shown.status_code, stopped.status_code, again.status_code) == (200, 200, 200)
    assert shown.text.count("<button") == 1
    assert contactable(town, arrives(town, 1)) == (None, "refused_at_contact")


def test_no_page_shows_a_button_that_then_fails(town):
    """A contact that never was is told so at the first look."""
    town.person()
    link = link_to(town, NOBODY)
    shown, stopped = town.http.get(link), town.http.post(link)

    assert (shown.status_code, stopped.status_code) == (404, 404)
    assert "<button" not in shown.text
    assert "no longer known here" in shown.text


# --- a no of somebody unknown -----------------------------------------------------------------


@pytest.mark.parametrize("state", ["refused", "withdrawn", "objected"])
def test_a_no_of_somebody_unknown_holds_when_they_arrive(town, state):
    """C16: it is answered with what was done, and only an act that is newer lifts it."""
    said = town.say(state, email="zoe@example.org")
    again = town.say(state, email="zoe@example.org")
    profile = town.person("zoe")
    late = town.say("given", email="zoe@example.org", asserted_at="2026-01-01T00:00:00Z", notice="newsletter")
    refused = contactable(town, profile)
    anew = town.say("given", email="zoe@example.org").json()

    assert said.status_code == again.status_code == 200
    assert said.json() | {"acknowledged_at": None} == {
        "acknowledged_at": None, "counted": True, "kept_for_later": True, "entries": []
    }  # fmt: skip
    assert late.status_code == 422, "the notice came later"
    assert refused == (None, "refused_at_contact")
    assert anew["counted"]
    assert contactable(town, profile)[0] is not None


def test_a_no_of_somebody_unknown_is_journalled_and_stands_nowhere_in_clear(town, system):
    """As every no: a restore finds it by its HMAC."""
    before = sum(len(file.lines) for file in _journal(system))
    town.say("withdrawn", email="zoe@example.org")
    lines = [line for file in _journal(system) for line in file.lines]

    assert len(lines) == before + 1
    assert {"namespace", "mac", "purpose"} < lines[-1].payload.keys()
    assert "zoe" not in repr(lines[-1].payload)


def _journal(system):
    return list(journal.read_all(system.settings.state_dir / "journal"))


def test_a_yes_of_somebody_unknown_is_refused(town):
    """A grant is a person's, and there is nobody whose it could be."""
    assert town.say("given", email="zoe@example.org").status_code == 404
    assert town.say("given", email="zoe@example.org").json()["code"] == "nobody-there"


# --- a shared address -------------------------------------------------------------------------


def test_a_shared_address_opens_again_for_who_agrees_and_stays_shut_for_who_said_no(town):
    """C12: one's own grant with evidence, told whose it is; the other's no stands for the other."""
    for name in ("emma", "paul"):
        town.send(
            {
                "type": "identify", "userId": f"user-{name}", "messageId": f"i-{name}",
                "traits": {"email": "family@example.org", "firstName": name, "birthday": "1980-02-03",
                           "address": {"country": "DE"}},
            }
        )  # fmt: skip
    emma, paul = (_known_as(town, f"user-{name}") for name in ("emma", "paul"))
    assert emma != paul
    no = town.say("withdrawn", email="family@example.org", profile_id=emma)
    whose = town.say("given", email="family@example.org")
    shut = [contactable(town, one)[0] for one in (emma, paul)]
    yes = town.say(
        "given", email="family@example.org", person={"namespace": "user_id", "value": "user-paul"}
    ).json()

    assert no.status_code == 200
    assert (whose.status_code, whose.json()["code"]) == (422, "whose-grant")
    assert shut == [None, None]
    assert yes["counted"]
    assert contactable(town, paul)[0] is not None
    assert contactable(town, emma) == (None, "refused_by_person")


def test_nobody_agrees_for_an_address_that_is_not_theirs(town):
    """A grant is evidence at the contact of who gives it."""
    town.person("ann")
    bob = town.person("bob")
    answer = town.say("given", profile_id=bob)

    assert (answer.status_code, answer.json()["code"]) == (422, "not-their-contact")


def _known_as(town, user):
    ports = town.system.ports
    with town.system.opener(town.workspace)() as work:
        contact = ports.identity.contact_of(Identifier("user_id", user), work=work)
        (found,) = ports.identity.profiles_of(contact, work=work)
    return str(found)


# --- counted is said only of what can count ---------------------------------------------------


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"notice": None}, "no_notice"),
        ({"purpose": "profiling"}, "not_in_notice"),
        ({"purpose": "direct_marketing"}, "reserved_purpose"),
        ({"contact": None, "profile_id": True}, "no_contact_named"),
        ({"purpose": "health"}, "not_explicit"),
        ({"purpose": "health", "explicit": True}, None),
        ({}, None),
    ],
)
def test_a_grant_that_cannot_count_is_kept_and_told_why(town, said, word):
    """`counted` is true of what the gate can believe; every other answer has a word and a sentence."""
    profile = town.person()
    with as_admin(town.system, town.workspace) as work:
        health = {"basis": Basis.CONSENT, "purpose_class": PurposeClass.SERVICE, "special": True}
        register.add_purpose("health", controller=town.workspace, work=work, **health)
        register.add_notice(
            "newsletter",
            text="We write to you, and about your health.",
            language="en",
            controller=town.workspace,
            purposes=["email_marketing", "health"],
            recipients=[],
            work=work,
        )
    if said.get("profile_id"):
        said = said | {"profile_id": profile}
    answer = town.say("given", **said)
    (entry,) = answer.json()["entries"]

    assert answer.status_code == 200, answer.text
    assert (entry["counted"], entry["not_counted"]) == (word is None, word)
    assert bool(entry["reason"]) == (word is not None)
    assert answer.json()["counted"] == (word is None)


def test_a_refusal_that_stands_tells_whether_a_newer_act_or_an_act_at_all_is_missing(town):
    """C11: a log-in is no act, and an old form is no newer one."""
    town.person()
    town.say("withdrawn")
    words = [
        town.say("given", **more).json()["entries"][0]["not_counted"]
        for more in ({"evidence": "login"}, {"asserted_at": _yesterday()}, {})
    ]

    assert words == ["no_act", "refused_since", None]


def _yesterday():
    return (now() - timedelta(days=1)).isoformat()
