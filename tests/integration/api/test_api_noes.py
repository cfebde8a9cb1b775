"""A no holds whoever it is about and however late it comes: nobody known, erased, come back, shared."""

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from worlds.api_world import MAILER, as_admin, client, token

from cdp.kernel.clock import now
from cdp.permission import unsubscribe
from cdp.permission.unsubscribe import Link
from cdp.ports import Ask
from cdp.vocabulary import Basis, Channel, ContactId, Identifier, PurposeClass
from consent.register import register
from governance.journal import journal

MARKETING = {"purpose": "email_marketing"}
NOBODY = "0190f5fe-7c00-7000-8000-00000000ffff"


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
        "acknowledged_at": None, "counted": True, "kept_for_later": True, "entries": [], "noted": []
    }  # fmt: skip
    assert late.status_code == 422, "the notice came later"
    assert refused == (None, "refused_at_contact")
    assert anew["counted"]
    assert contactable(town, profile)[0] is not None


def test_a_no_of_somebody_unknown_is_journalled_and_stands_nowhere_in_clear(town, system):
    """As every no: a restore finds it by its HMAC."""
    before = _journalled(system)
    town.say("withdrawn", email="zoe@example.org")
    (line,) = [one for one in _journalled(system) if one not in before]

    assert {"namespace", "mac", "purpose"} < line.payload.keys()
    assert "zoe" not in repr(line.payload)


def _journalled(system):
    """The lines of all processes' files: which file is the last says nothing of which line is."""
    return [line for file in journal.read_all(system.settings.state_dir / "journal") for line in file.lines]


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


# --- lists of suppressions --------------------------------------------------------------------


def listed(town, *rows):
    """A list sent by a client."""
    answer = town.http.post(
        "/v1/suppressions", json={"suppressions": list(rows)}, headers=town.as_("support")
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_list_binds_who_is_there_and_whoever_comes_and_the_same_again_changes_nothing(town):
    """C16: at once for Ann, later for Zoe; both by every marketing purpose."""
    ann = town.person("ann")
    town.say("given")
    rows = [
        {"contact": f"{name}@example.org", "reason": "complained", "source": "old mailer"}
        for name in ("ann", "zoe")
    ]
    first, again = listed(town, *rows), listed(town, *rows)
    zoe = town.person("zoe")
    with town.system.opener(town.workspace)() as work:
        kept = work.session.execute(text("SELECT reason, source FROM consent.suppressions")).all()

        assert set(kept) == {("complained", "old mailer")}
    assert (first["kept"], first["bound_at_once"], first["known_already"]) == (2, 1, 0)
    assert (again["kept"], again["bound_at_once"], again["known_already"]) == (0, 0, 2)
    assert contactable(town, ann) == (None, "objected_to_marketing")
    assert contactable(town, zoe) == (None, "objected_to_marketing")


def test_a_list_gives_the_contacts_that_its_rows_plainly_mean(town):
    """Of a name and an address in one text, and of two addresses, none is lost."""
    ann, bob, zoe = (town.person(name) for name in ("ann", "bob", "zoe"))
    for name in ("ann", "bob", "zoe"):
        town.say("given", email=f"{name}@example.org")
    done = listed(
        town, {"contact": "Ann A <ann@example.org>"}, {"contact": "bob@example.org; mailto:zoe@example.org"}
    )

    assert (done["kept"], done["rejected"]) == (3, [])
    assert {contactable(town, one) for one in (ann, bob, zoe)} == {(None, "objected_to_marketing")}


def test_a_date_is_honoured_unless_it_lies_ahead(town):
    """An old no does not outweigh a newer act; one that claims to be from tomorrow is from now."""
    ann, bob = town.person("ann"), town.person("bob")
    for name in ("ann", "bob"):
        town.say("given", email=f"{name}@example.org")
    done = listed(
        town,
        {"contact": "ann@example.org", "date": "2020-01-31"},
        {"contact": "bob@example.org", "date": "2999-01-31"},
    )

    assert done["noted"] == {"date_ahead": 1}
    assert contactable(town, ann)[0] is not None
    assert contactable(town, bob)[0] is None


def test_what_cannot_be_read_of_a_row_makes_its_no_wider_and_only_what_is_no_contact_is_rejected(town):
    """No value is repeated, and nothing that might name somebody is kept as a reason."""
    done = listed(
        town,
        {"contact": "zoe@example.org", "purpose": "no_such", "channel": "pigeon", "date": "yesterday",
         "reason": "asked by eve@example.org"},
        {"contact": "not a contact"},
    )  # fmt: skip
    zoe = town.person("zoe")

    assert done["rejected"] == [{"row": 2, "reason": "unusable_contact"}]
    assert done["noted"] == {
        "unknown_purpose": 1, "unknown_channel": 1, "unreadable_date": 1, "reason_not_kept": 1
    }  # fmt: skip
    assert contactable(town, zoe) == (None, "objected_to_marketing")


def test_only_who_writes_words_sends_lists_or_says_that_a_notice_was_served(town):
    """They decide who is written to."""
    ann = town.person()
    headers = town.as_("marketing")
    body = {"suppressions": [{"contact": "zoe@example.org"}]}

    assert town.http.post("/v1/suppressions", json=body, headers=headers).status_code == 403
    body = {"notice": "newsletter", "profile_id": ann}
    assert town.http.post("/v1/notices/served", json=body, headers=headers).status_code == 403


# --- a notice that was served -----------------------------------------------------------------


def test_a_legitimate_interest_is_refused_until_the_notice_was_served(town):
    """6(1)(f), 13: to this person, by the controller's own notice, from the day on which it was."""
    ann, bob = town.person("ann"), town.person("bob")
    with as_admin(town.system, town.workspace) as work:
        register.add_purpose(
            "order_updates_by_interest",
            basis=Basis.LEGITIMATE_INTEREST,
            purpose_class=PurposeClass.SERVICE,
            controller=town.workspace,
            assessment_until=work.now + timedelta(days=9),
            work=work,
        )
        asked = Ask(purpose="order_updates_by_interest", channel=Channel.EMAIL, recipient=None)
        ports = town.system.ports

        def why():
            rows = work.session.execute(
                ports.gate.explained(asked, at=None, contacts=ports.identity.contacts(), work=work)
            )
            return {
                str(row.profile_id): row.reason
                for row in rows
                if row.contact_id and row.reason != "no_contact"
            }

        before = why()
        bodies = [
            {"notice": "newsletter", "profile_id": ann},
            {"notice": "newsletter@7", "profile_id": ann},
            {"notice": "newsletter", "profile_id": ann, "served_at": "2999-01-01T00:00:00Z"},
            {"notice": "newsletter", "contact": {"namespace": "email", "value": "nobody@example.org"}},
        ]
        served = [
            town.http.post("/v1/notices/served", json=body, headers=town.as_("support")) for body in bodies
        ]
        after = why()

    assert [one.status_code for one in served] == [200, 422, 422, 404]
    assert served[0].json()["version"] == 1
    assert before == {ann: "notice_not_served", bob: "notice_not_served"}
    assert after == {ann: None, bob: "notice_not_served"}


# --- a link of a contact that a restored database never knew --------------------------------------


def link_from_after_the_backup(town, email="ann@example.org", *, sealed=True):
    """A link as a message had it that was sent after the backup: its contact's id is nobody's here."""
    contact = ContactId(uuid4())
    ports = town.system.ports
    with as_admin(town.system, town.workspace) as work:
        purpose = ports.ledger.purposes(work=work)["email_marketing"]
    address = ports.vault.seal_link(town.workspace, contact, Identifier("email", email))
    made = Link(
        workspace=town.workspace,
        contact=contact,
        purpose=purpose,
        channel=Channel.EMAIL,
        sealed=address if sealed else b"",
    )
    return f"/u/{unsubscribe.write(made, town.system.links)}"


def test_a_link_from_after_the_backup_refuses_the_address_that_it_was_sent_to(town):
    """C18: the id went with the restore, and whoever was sent the message was not."""
    profile = town.person()
    assert town.say("given").json()["counted"]
    before = contactable(town, profile)[0]
    link = link_from_after_the_backup(town)
    shown, stopped = town.http.get(link), town.http.post(link)

    assert before is not None
    assert (shown.status_code, stopped.status_code) == (200, 200)
    assert contactable(town, profile) == (None, "refused_by_person")


def test_a_link_from_after_the_backup_holds_for_who_is_not_there_yet(town):
    """C16: the sources send them again a day later, with the yes of then."""
    link = link_from_after_the_backup(town)
    shown, stopped, again = town.http.get(link), town.http.post(link), town.http.post(link)
    profile = arrives(town, 1)

    assert [one.status_code for one in (shown, stopped, again)] == [200] * 3
    assert contactable(town, profile) == (None, "refused_at_contact")


def test_a_link_without_an_address_or_with_anothers_says_that_it_does_not_work(town):
    """Links from before they carried one, and what somebody put together of two."""
    profile = town.person()
    assert town.say("given").json()["counted"]
    link = link_from_after_the_backup(town, sealed=False)
    answers = [town.http.get(link).status_code, town.http.post(link).status_code]
    good = link_from_after_the_backup(town)
    wrong = good[:-40] + ("A" * 8) + good[-32:]

    assert answers == [404, 404]
    assert town.http.post(wrong).status_code == 404
    assert contactable(town, profile)[0] is not None


def test_an_address_as_long_as_there_are_fits_into_a_link(town):
    """RFC 5321: 254 characters."""
    email = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 58}.se"
    link = link_from_after_the_backup(town, email)

    assert len(email) == 254
    assert town.http.post(link).status_code == 200
    assert email not in link and "aaaaaaaaaa" not in link


def test_the_link_in_a_message_carries_the_address_and_nobody_can_read_it(town, tmp_path):
    """What is sent is what works after a restore; two links of one address have nothing in common."""
    profile = town.person()
    assert town.say("given").json()["counted"]
    town.endpoint(str(tmp_path / "out"))
    rule = {"name": "all", "rule": {"all": []}}
    headers = town.as_("marketing")
    assert town.http.post("/v1/segments", json=rule, headers=headers).status_code == 201
    body = {"segment": "all", "channel": "email", "recipient": MAILER, "endpoint": "batches", **MARKETING}
    for _ in range(2):
        assert town.http.post("/v1/releases", json=body, headers=headers).status_code == 200
    sent = [json.loads(batch.read_text())["unsubscribe"] for batch in (tmp_path / "out").glob("*.ndjson")]
    links = [unsubscribe.read(one.rpartition("/")[2], town.system.links) for one in sent]

    assert [unsubscribe.identifier(one, ports=town.system.ports) for one in links] == [
        Identifier("email", "ann@example.org")
    ] * 2
    assert links[0].contact == links[1].contact and links[0].sealed[18:] != links[1].sealed[18:]
    assert "example.org" not in repr(links[0])
    assert town.http.post(sent[0].partition("/u/")[1] + sent[0].partition("/u/")[2]).status_code == 200
    assert contactable(town, profile) == (None, "refused_by_person")


# --- what PIPL asks separately ----------------------------------------------------------------


def test_data_of_somebody_in_china_crosses_the_border_on_a_consent_of_its_own(town):
    """C7, PIPL 39: given by the API, withdrawn by it, apart from the general one."""
    li = town.person("li", address={"country": "CN"})
    with as_admin(town.system, town.workspace) as work:
        register.renew_recipient(MAILER, transfer_until=work.now + timedelta(days=9), work=work)
        register.add_notice(
            "border",
            text="Your address goes to the Mail House in Germany.",
            language="zh",
            controller=town.workspace,
            purposes=["email_marketing", "cross_border"],
            recipients=[MAILER],
            work=work,
        )
    mail = {"email": "li@example.org"}
    general = town.say("given", **mail).json()
    before = contactable(town, li)
    given = town.say("given", purpose="cross_border", notice="border", channel=None, **mail).json()
    agreed = contactable(town, li)
    town.say("withdrawn", purpose="cross_border", channel=None, **mail)

    assert general["counted"] and given["counted"]
    assert before == (None, "cross_border_not_agreed")
    assert agreed[0] is not None
    assert contactable(town, li) == (None, "cross_border_not_agreed")


# --- what PIPL asks separately ------------------------------------------------------------------


def chinese(town):
    """Ann in Shanghai, two recipients abroad who decide for themselves, and a notice that names each."""
    profile = town.person(address={"country": "CN"})
    until = now() + timedelta(days=30)
    with as_admin(town.system, town.workspace) as work:
        for name in ("lab", "agency"):
            common = {"controller": town.workspace, "work": work}
            register.add_recipient(
                name, legal_entity=name, role="independent", country="SG", contract_until=until,
                transfer_until=until, **common,
            )  # fmt: skip
            register.add_notice(
                f"to_{name}", text=f"We give your address to the {name}.", language="en",
                purposes=["email_marketing", "another_handler", "cross_border"], recipients=[name], **common,
            )  # fmt: skip
        register.add_notice(
            "both", text="We write to you, by two others.", language="en", purposes=["email_marketing"],
            recipients=["lab", "agency"], **common,
        )  # fmt: skip
    assert town.say("given", notice="both").json()["counted"]
    return profile


def separately(town, profile, state, **more):
    """A word on both of what is agreed to separately."""
    for purpose in ("another_handler", "cross_border"):
        body = {"profile_id": profile, "purpose": purpose, "state": state, "evidence": "form", **more}
        said = town.http.post("/v1/consents", json=body, headers=town.as_("support"))
        assert said.status_code == 200 and said.json()["counted"], said.text


def reached_by(town):
    """By which of the two she may be written to, and why not by the other."""
    made = client(
        town.system,
        town.workspace,
        "marketing",
        "compliance",
        purposes=["email_marketing"],
        name=str(uuid4()),
    )
    headers = {"Authorization": f"Bearer {token(town.http, made).json()['access_token']}"}
    found = {}
    for name in ("lab", "agency"):
        body = {"rule": {"all": []}, "channel": "email", "recipient": name, **MARKETING}
        answer = town.http.post("/v1/audiences/preview", json=body, headers=headers).json()
        found[name] = next(iter(answer["withheld"]), None)
    return found


def test_who_agrees_to_a_second_recipient_has_taken_nothing_back_from_the_first(town):
    """PIPL 23, 39: each is agreed to by itself, on a notice of its own, and one no is a no to both."""
    profile = chinese(town)
    silent = reached_by(town)
    separately(town, profile, "given", notice="to_lab")
    first = reached_by(town)
    separately(town, profile, "given", notice="to_agency")
    both = reached_by(town)
    separately(town, profile, "withdrawn")
    neither = reached_by(town)
    separately(town, profile, "given", notice="to_agency")
    second = reached_by(town)

    missing = "another_handler_not_agreed"
    assert silent == {"lab": missing, "agency": missing}
    assert first == {"lab": None, "agency": missing}
    assert both == {"lab": None, "agency": None}
    assert neither == {"lab": missing, "agency": missing}
    assert second == {"lab": missing, "agency": None}
