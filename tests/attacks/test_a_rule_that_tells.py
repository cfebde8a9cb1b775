"""Learning by rules what the policy withholds: who a release reaches says of each what its rule compares."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from worlds.api_world import MAILER, Town, as_admin, client, token
from worlds.journeys import lines

from cdp.audiences import previews
from cdp.kernel.errors import NotAllowed
from cdp.ports import Ask
from cdp.vocabulary import Actor, Basis, Channel, PurposeClass
from consent.register import register
from governance.fields.catalogue import BuiltInCatalogue
from policies.masking import MASK, mask

SPENT = {"ann": 123.0, "bob": 77.0, "cyd": 410.5}
SMS = {"purpose": "sms_marketing", "channel": "sms"}
EMAIL = {"purpose": "email_marketing", "channel": "email"}
RICH = {"attribute": "revenue", "op": ">=", "value": 100}
GERMAN = {"attribute": "country", "op": "=", "value": "DE"}
AT_EXAMPLE = {"attribute": "email_domain", "op": "=", "value": "example.org"}


def phone(number):
    """Somebody's number."""
    return f"+4915112345{number}78"


@pytest.fixture
def town(api, workspace, tmp_path):
    """Three people who agreed to SMS; what each has spent is known, and shown for no SMS."""
    made = Town(api, workspace)
    with as_admin(made.system, workspace) as work:
        begun = work.now - datetime.timedelta(days=30)
        register.add_purpose(
            "sms_marketing",
            basis=Basis.CONSENT,
            purpose_class=PurposeClass.MARKETING,
            controller=workspace,
            work=work,
        )
        register.add_notice(
            "sms",
            text="x",
            language="en",
            purposes=["sms_marketing"],
            recipients=[MAILER],
            published_at=begun,
            controller=workspace,
            work=work,
        )
    for number, (name, spent) in enumerate(SPENT.items()):
        made.person(name, phone=phone(number))
        bought = {"type": "track", "event": "Order Completed", "userId": f"user-{name}"}
        made.send(bought | {"messageId": f"o-{name}", "properties": {"revenue": spent}})
        agreed = {
            "contact": {"namespace": "phone", "value": phone(number)},
            "state": "given",
            "evidence": "form",
            "notice": "sms",
            **SMS,
        }
        answer = made.http.post("/v1/consents", json=agreed, headers=made.as_("support"))
        assert answer.status_code == 200, answer.text
    made.endpoint(str(tmp_path / "out"))
    return made


@pytest.fixture
def partner(town):
    """A recipient's own program, for SMS alone."""
    made = client(
        town.system,
        town.workspace,
        "marketing",
        name="partner",
        recipient=MAILER,
        purposes=("sms_marketing",),
    )
    return {"Authorization": f"Bearer {token(town.http, made).json()['access_token']}"}


def save(town, name, rule, headers):
    """Save a segment, which is for no purpose yet."""
    saved = town.http.post("/v1/segments", json={"name": name, "rule": rule}, headers=headers)
    assert saved.status_code == 201, saved.text


def release(town, segment, headers):
    """Send to the recipient's own endpoint whom a segment means, with nothing but their number."""
    body = {"segment": segment, "recipient": MAILER, "endpoint": "batches", "traits": [], **SMS}
    return town.http.post("/v1/releases", json=body, headers=headers)


@pytest.mark.parametrize(
    ("rule", "attribute", "shut"),
    [
        (RICH, "revenue", "purchase"),
        (GERMAN, "country", "demographic"),
        ({"any": [{"not": RICH}, {"all": []}]}, "revenue", "purchase"),
        ({"all": [RICH, GERMAN]}, "country+revenue", "demographic+purchase"),
    ],
)
def test_a_release_by_what_is_not_shown_for_its_purpose_sends_nothing(
    town, partner, tmp_path, rule, attribute, shut
):
    """Eleven releases told each person's revenue to within 16, beside their number."""
    save(town, "chosen", rule, partner)
    answers = [
        release(town, "chosen", partner),
        town.http.post("/v1/audiences/preview", json={"rule": rule, **SMS}, headers=partner),
        town.http.post("/v1/audiences/preview", json={"segment": "chosen", **SMS}, headers=partner),
    ]
    with town.system.opener(town.workspace)() as work:
        asked = work.session.scalar(text("SELECT count(*) FROM cdp.asks"))
        begun = work.session.scalar(text("SELECT count(*) FROM cdp.releases"))

    assert [one.status_code for one in answers] == [403] * 3
    for answer in answers:
        assert f"attribute {attribute}" in answer.json()["detail"]
        assert f"class {shut}" in answer.json()["detail"]
        assert "purpose sms_marketing" in answer.json()["detail"]
        assert "PUT /v1/policy" in answer.json()["detail"]
    assert (lines(tmp_path / "out"), asked, begun) == ([], 0, 0)


def test_a_release_of_everybody_who_agreed_needs_no_line(town, partner, tmp_path):
    """A rule that compares nothing tells nothing."""
    save(town, "all", {"all": []}, partner)
    answer = release(town, "all", partner)

    assert answer.status_code == 200, answer.text
    assert {one["to"] for one in lines(tmp_path / "out")} == {phone(number) for number in range(3)}


def test_for_a_purpose_that_shows_a_class_its_attributes_are_compared(town):
    """Marketing by e-mail sees purchases and demographics by the default policy; of addresses the mask."""
    headers = town.as_("marketing")
    answers = [
        town.http.post("/v1/audiences/preview", json={"rule": rule, **EMAIL}, headers=headers)
        for rule in (RICH, GERMAN, AT_EXAMPLE)
    ]

    assert [one.status_code for one in answers] == [200, 200, 403]
    assert "class contact_email" in answers[2].json()["detail"]


@pytest.mark.parametrize("roles", [("marketing",), ("marketing", "compliance")])
def test_an_operator_is_held_to_the_policy_as_a_program_is(town, roles):
    """Who may see exact counts may not for that see everything."""
    caller = Actor(ref=str(town.workspace), roles=frozenset(roles), kind="account")
    ask = Ask(purpose="sms_marketing", channel=Channel.SMS, recipient=MAILER)
    with pytest.raises(NotAllowed) as refused, town.system.opener(town.workspace, actor=caller)() as work:
        previews.preview(RICH, ask, each=False, work=work, ports=town.system.ports)

    assert refused.value.known["attribute"] == "revenue"
    assert refused.value.act == "account:audience:preview"


@given(
    st.sampled_from(BuiltInCatalogue().attributes()),
    st.text().filter(lambda word: word != MASK) | st.floats() | st.integers(0, 120),
)
def test_no_mask_shows_what_an_attribute_is_compared_with(attribute, value):
    """So what is masked for a purpose is not compared for it; nor of an address its domain."""
    assert mask(attribute.field_class, attribute.name, value) != str(value)
    assert "example" not in mask(attribute.field_class, "email", "ann@example.org")
