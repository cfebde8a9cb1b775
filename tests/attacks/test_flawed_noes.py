"""Making a no unheard by a flaw elsewhere in it: each body has one thing wrong, and the no holds."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from worlds.acts_world import beside
from worlds.api_world import MAILER, as_admin, client, token

from api.cli.exits import Exit
from api.http.routes.suppression_routes import ROWS
from cdp.vocabulary import Identifier

NOBODY = "0190f5fe-7c00-7000-8000-00000000ffff"
ANN = {"namespace": "email", "value": "ann@example.org"}
NO = {
    "contact": ANN,
    "purpose": "email_marketing",
    "channel": "email",
    "state": "withdrawn",
    "evidence": "form",
}


def mailed(town, profile) -> bool:
    """Whether Ann may be sent marketing e-mail."""
    answer = town.http.get(
        f"/v1/profiles/{profile}",
        params={"purpose": "email_marketing"},
        headers=town.as_("marketing", "compliance"),
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["contactable"].get("email") is not None


@pytest.fixture
def ann(town):
    """Ann, who has agreed."""
    profile = town.person()
    assert town.say("given").json()["counted"]
    assert mailed(town, profile)
    return profile


def soon() -> str:
    """What a clock says that is ahead."""
    return (datetime.now(UTC) + timedelta(minutes=2)).isoformat()


def post(town, body, headers=None):
    """A body of a word, as it is."""
    said = body if isinstance(body, str | bytes) else json.dumps(body)
    sent = {"content-type": "application/json"} | (headers or town.as_("support"))
    return town.http.post("/v1/consents", content=said, headers=sent)


NOTED = {
    "an unknown person": ({"person": {"namespace": "user_id", "value": "never-seen"}}, ["speaker_unknown"]),
    "an unknown profile": ({"profile_id": NOBODY}, ["speaker_unknown"]),
    "a person that is none": (
        {"person": {"namespace": "email", "value": "not an address"}},
        ["speaker_not_usable"],
    ),
    "a clock that is ahead": ({"asserted_at": soon}, ["asserted_ahead"]),
    "an unknown notice": ({"notice": "never"}, ["notice_unknown"]),
    "a version that is not there": ({"notice": "newsletter@9"}, ["notice_unknown"]),
    "a notice from after it was said": (
        {"notice": "newsletter", "asserted_at": "2018-01-01"},
        ["notice_unknown"],
    ),
    "all at once": (
        {"profile_id": NOBODY, "notice": "never", "asserted_at": soon},
        ["asserted_ahead", "notice_unknown", "speaker_unknown"],
    ),
}


@pytest.mark.parametrize("flaw", NOTED)
def test_a_no_holds_for_what_can_be_read_and_the_rest_is_a_note(town, ann, flaw):
    """It is answered 200, for it was heard."""
    change, noted = NOTED[flaw]
    more = {name: value() if callable(value) else value for name, value in change.items()}
    answer = post(town, NO | more)

    assert answer.status_code == 200, answer.text
    assert answer.json()["noted"] == noted
    assert [one["scope"] for one in answer.json()["entries"]] == ["contact", "person"]
    assert not mailed(town, ann)


def test_a_contact_that_is_none_takes_nothing_from_the_person_who_speaks(town, ann):
    """The person's no stands for them."""
    answer = post(town, NO | {"contact": {"namespace": "email", "value": "n/a"}, "profile_id": ann})

    assert (answer.status_code, answer.json()["noted"]) == (200, ["contact_not_usable"])
    assert not mailed(town, ann)


def test_a_person_named_by_an_address_says_no_there(town, ann):
    """Known, unknown or shared: an address binds whoever goes by it."""
    known = post(town, {**NO, "contact": None, "person": ANN})
    unknown = post(town, {**NO, "contact": None, "person": {"namespace": "email", "value": "z@example.org"}})

    assert (known.status_code, unknown.status_code) == (200, 200)
    assert unknown.json()["kept_for_later"]
    assert not mailed(town, ann)


REFUSED = {
    "an unknown purpose": {"purpose": "newsletters"},
    "a purpose that is no word": {"purpose": "E-mail marketing!"},
    "no purpose": {"purpose": None},
    "an unknown channel": {"channel": "e-mail"},
    "a channel that is none": {"channel": 17},
    "unknown evidence": {"evidence": "web"},
    "no evidence": {"evidence": None},
    "something more": {"note": "x"},
    "a state of another system": {"state": "unsubscribed"},
    "a state in capitals": {"state": "WITHDRAWN"},
    "false": {"state": False},
    "a time that is none": {"asserted_at": "yesterday"},
    "a notice that is none": {"notice": 17},
    "a profile that is none": {"profile_id": "user-ann"},
    "two speakers": {"profile_id": NOBODY, "person": {"namespace": "user_id", "value": "x"}},
    "a flag that is none": {"explicit": "perhaps"},
    "a contact as a text": {"contact": "Ann <ann@example.org>"},
    "a contact in a list": {"contact": [ANN]},
    "a contact of no known kind": {"contact": {"namespace": "mail", "value": "ann@example.org"}},
    "a contact with something more": {"contact": {**ANN, "verified": True}},
}


@pytest.mark.parametrize("flaw", REFUSED)
def test_a_body_that_is_refused_leaves_its_no_in_force_and_says_so(town, ann, flaw):
    """What cannot be read of a no makes it wider: of its purpose, all direct marketing."""
    answer = post(town, NO | REFUSED[flaw])

    assert answer.status_code == 422, answer.text
    assert answer.json()["heard"] is True
    assert "heard" in answer.json()["detail"]
    assert "ann@" not in answer.text
    assert not mailed(town, ann)


STATELESS = {name: value for name, value in NO.items() if name != "state"}
SAID = json.dumps(NO)[:-1]
UNREADABLE = {
    "a list": json.dumps([NO]),
    "a list in an object": json.dumps({"consents": [NO]}),
    "an object in an object": json.dumps({"data": {"consent": NO}}),
    "contacts": json.dumps({**NO, "contact": None, "contacts": [ANN]}),
    "a list of lists": json.dumps(NO | {"contact": [[ANN]]}),
    "a contact by its kind": json.dumps(NO | {"contact": {"email": ANN["value"]}}),
    "an identifier": json.dumps({**NO, "contact": None, "identifier": ANN}),
    "a status": json.dumps(STATELESS | {"status": "opted-out"}),
    "a byte of another encoding": f'{SAID},"notice":"\xe9"}}'.encode("latin-1"),
    "another encoding": f'{SAID},"notice":"\xe9","more":1}}'.encode("utf-16"),
    "a number without end": f'{SAID},"more":{"9" * 5000}}}',
    "brackets without end": f'{SAID},"more":{"[" * 3000}{"]" * 3000}}}',
    "a comma too many": f"{SAID},}}",
    "more commas too many": f'{SAID},"more":["a,]" , ] , }}',
    "a text of JSON": json.dumps(json.dumps(NO)),
}


@pytest.mark.parametrize("flaw", UNREADABLE)
def test_a_body_that_no_strict_reader_takes_leaves_its_no_in_force_and_says_so(town, ann, flaw):
    """What wraps it, what it is called, and what is wrong with a character are flaws like others."""
    answer = post(town, UNREADABLE[flaw])

    assert (answer.status_code, answer.json().get("heard")) == (422, True), answer.text
    assert not mailed(town, ann)


def test_a_packed_body_leaves_its_no_in_force_and_no_bomb_does_harm(town, ann):
    """No route takes one; what it says is heard up to the length that a body may have."""
    packed = town.as_("support") | {"content-encoding": "gzip"}
    bomb = post(town, gzip.compress(json.dumps(NO).encode().ljust(1 << 24)), packed)
    still = mailed(town, ann)
    answer = post(town, gzip.compress(json.dumps(NO).encode()), packed)

    assert (bomb.status_code, "heard" in bomb.json(), still) == (422, False, True)
    assert (answer.status_code, answer.json()["heard"]) == (422, True)
    assert not mailed(town, ann)


def test_two_noes_in_one_body_are_both_heard(town, ann):
    """Each names whom it is about."""
    ben = town.person("ben")
    town.say("given", email="ben@example.org")
    answer = post(town, [NO, NO | {"contact": {"namespace": "email", "value": "ben@example.org"}}])

    assert (answer.status_code, answer.json().get("heard")) == (422, True)
    assert (mailed(town, ann), mailed(town, ben)) == (False, False)


def test_a_body_in_another_type_leaves_its_no_in_force(town, ann):
    """The type of the content is a flaw like others."""
    answer = post(town, NO, town.as_("support") | {"content-type": "text/plain"})

    assert (answer.status_code, answer.json()["heard"]) == (422, True)
    assert not mailed(town, ann)


@pytest.mark.parametrize(
    "body",
    [
        {**NO, "state": "given", "note": "x"},
        {**NO, "state": "requested"},
        {**NO, "state": "Subscribed"},
        {name: value for name, value in NO.items() if name != "state"},
        [{**NO, "state": "given"}],
        {"previous": NO, **NO, "state": "given", "note": "x"},
        {**{name: value for name, value in NO.items() if name != "state"}, "status": "new"},
        "nothing",
        None,
    ],
    ids=str,
)
def test_what_says_no_no_is_refused_and_nothing_is_heard(town, ann, body):
    """A yes is never guessed at either."""
    answer = post(town, body)

    assert answer.status_code == 422
    assert "heard" not in answer.json()
    assert mailed(town, ann)


def test_a_no_that_names_nobody_who_can_be_read_is_not_said_to_be_heard(town, ann):
    """Nothing is promised that is not kept."""
    body = {**NO, "contact": {"namespace": "email", "value": "n/a"}, "note": "x"}

    assert "heard" not in post(town, body).json()
    assert post(town, {**body, "contact": None, "profile_id": NOBODY}).status_code == 422
    assert mailed(town, ann)


def test_a_no_of_who_may_say_none_is_not_heard_of_a_flawed_body_either(town, ann):
    """The flaw opens no door."""
    refused = post(town, NO | {"note": "x"}, town.as_("marketing"))
    nobody = post(town, NO | {"note": "x"}, {"authorization": "Bearer x"})

    assert (refused.status_code, nobody.status_code) == (403, 401)
    assert mailed(town, ann)


@pytest.mark.parametrize("row", [{"note": "x"}, {"reason": 17}, {"contact": ["ann@example.org"]}], ids=str)
def test_a_list_that_is_refused_for_one_row_leaves_every_row_in_force(town, ann, row):
    """Whatever is wrong with one."""
    ben = town.person("ben")
    town.say("given", email="ben@example.org")
    rows = [{"contact": "ann@example.org", **row}, {"contact": "ben@example.org"}]
    answer = town.http.post("/v1/suppressions", json={"suppressions": rows}, headers=town.as_("support"))

    assert (answer.status_code, answer.json()["heard"]) == (422, True)
    assert (mailed(town, ann), mailed(town, ben)) == (False, False)


@pytest.mark.parametrize(
    "body",
    [
        {"contact": ANN["value"]},
        {"contacts": [ANN["value"]]},
        {"data": {"suppressions": [{"contact": {"email": ANN["value"]}, "more": 1}]}},
        [[ANN["value"]]],
    ],
    ids=str,
)
def test_a_list_in_another_shape_is_in_force(town, ann, body):
    """One row, another name for the list, something around it."""
    answer = town.http.post("/v1/suppressions", json=body, headers=town.as_("support"))

    assert (answer.status_code, answer.json().get("heard")) == (422, True)
    assert not mailed(town, ann)


def test_a_list_that_is_refused_costs_no_more_rows_than_one_that_is_not(town):
    """Of one that is longer the first are heard, and the refusal does not say that it was."""
    rows = [f"p{number}@example.org" for number in range(ROWS + 1)]
    answer = town.http.post("/v1/suppressions", json=rows, headers=town.as_("support"))
    with as_admin(town.system, town.workspace) as work:
        kept = work.session.scalar(text("SELECT count(*) FROM consent.suppressions"))

    assert (answer.status_code, "heard" in answer.json(), kept) == (422, False, ROWS)


def test_a_refusal_tells_a_recipient_the_same_of_somebody_as_of_nobody(town, ann):
    """ADR-0044: whether it was heard is told by the body, and never by who is there."""
    town.say("withdrawn")
    partner = client(town.system, town.workspace, "support", name="partner", recipient=MAILER)
    headers = {"Authorization": f"Bearer {token(town.http, partner).json()['access_token']}"}
    somebody = (ANN["value"], "user-ann", ann)
    nobody = ("zoe@example.org", "user-zoe", NOBODY)

    def told(email, user, profile):
        contact = {"namespace": "email", "value": email}
        bodies = [
            NO | {"contact": contact, "note": "x"},
            NO | {"contact": contact, "purpose": "newsletters"},
            NO | {"contact": contact, "person": {"namespace": "user_id", "value": user}},
            NO | {"contact": contact, "profile_id": profile},
            NO | {"contact": contact, "profile_id": profile, "asserted_at": soon(), "notice": "never"},
            NO | {"contact": contact, "purpose": "deceased", "channel": None, "note": "x"},
            NO | {"contact": None, "profile_id": profile, "note": "x"},
            NO | {"contact": None, "person": {"namespace": "user_id", "value": user}, "note": "x"},
            NO | {"contact": None, "person": contact},
        ]
        answers = [post(town, body, headers) for body in bodies]
        return [(one.status_code, {**one.json(), "instance": "", "acknowledged_at": ""}) for one in answers]

    assert told(*somebody) == told(*nobody)


def test_a_no_by_command_holds_for_what_can_be_read(town, ann, database, capsys):
    """As by request."""
    cdp = beside(town, database, capsys)
    about = ("--purpose", "email_marketing", "--channel", "email", "--contact", ANN["value"])
    done = cdp("consent", "withdraw", *about, "--person", "user_id=never-seen", "--json")

    assert (done.code, done.document["noted"]) == (Exit.OK, ["speaker_unknown"])
    assert not mailed(town, ann)


@pytest.mark.parametrize(
    "flaw",
    [
        ("--purpose", "newsletters", "--contact", ANN["value"]),
        ("--purpose", "email_marketing", "--contact", ANN["value"], "--profile", "user-ann"),
        ("--purpose", "email_marketing", "--contact", ANN["value"], "--person", "user-ann"),
        ("--purpose", "email_marketing", "--contact", "Ann <ann@example.org>"),
        ("--purpose", "email_marketing", "--contact", ANN["value"], "--channel", "e-mail"),
        ("--purpose", "email_marketing", "--contact", ANN["value"], "--state", "unsubscribed"),
        ("--purpose", "email_marketing", "--contact", ANN["value"], "--evidence", "web"),
    ],
)
def test_a_command_that_is_refused_leaves_its_no_in_force_and_says_so(town, ann, database, capsys, flaw):
    """It still fails, so that whoever typed it looks."""
    done = beside(town, database, capsys)("consent", "withdraw", *flaw)

    assert done.code == Exit.BAD_INPUT
    assert "heard" in done.err and "ann@" not in done.err
    assert done.err.count("\n") == 1
    assert not mailed(town, ann)


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
BRANCHES = st.lists(LEAVES, max_size=2) | st.dictionaries(st.text(max_size=4), LEAVES, max_size=2)
JUNK = LEAVES | BRANCHES | st.lists(BRANCHES, max_size=2)
OTHERS = ["purpose", "channel", "evidence", "notice", "asserted_at", "explicit", "guardian", "person", "more"]


def words_at(town, email) -> int:
    """How many noes stand at a contact, or are kept for whoever comes with it."""
    ports = town.system.ports
    with as_admin(town.system, town.workspace) as work:
        contact = ports.identity.contact_of(Identifier("email", email), work=work)
        return work.session.scalar(
            text("SELECT count(*) FROM consent.entries WHERE contact_id = :c AND state = 'withdrawn'"),
            {"c": contact},
        )


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(broken=st.dictionaries(st.sampled_from(OTHERS), JUNK, min_size=1, max_size=3))
def test_no_flaw_outside_of_whom_it_names_and_that_it_is_a_no_loses_a_no(town, broken):
    """Whatever stands in the other places, another word is written at Ann's address."""
    if not town.http.post("/v1/consents", json=NO, headers=town.as_("support")).json().get("entries"):
        town.person()
    before = words_at(town, ANN["value"])
    answer = post(town, NO | broken)

    assert answer.status_code in (200, 422), answer.text
    assert answer.status_code == 200 or answer.json()["heard"]
    assert words_at(town, ANN["value"]) > before
