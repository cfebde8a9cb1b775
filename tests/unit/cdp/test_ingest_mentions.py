"""C15: a no binds the contact that its message names, however it writes it."""

import json
from datetime import UTC, datetime

import pytest

from cdp.intake.collection import Invalid, decode, parse
from cdp.intake.ingest.mentions import mentioned
from governance.fields.catalogue import BuiltInCatalogue
from governance.fields.normalise import normalise

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
CATALOGUE = BuiltInCatalogue()
NO = {"consent": {"categoryPreferences": {"marketing": False}}}
MAIL, PHONE = ("email", "ann@a.example"), ("phone", "+46701740605")


def named(**item):
    """The identity keys of the contacts that a message names."""
    body = {"type": "identify", "anonymousId": "device-1", "context": NO} | item
    [result] = parse(decode(json.dumps({"batch": [body]}).encode(), path_type="batch"), received_at=NOW)
    message = result.heard if isinstance(result, Invalid) else result

    def namespace_of(name):
        trait = CATALOGUE.trait(name)
        return trait.namespace if trait else None

    found = mentioned(message, namespace_of)
    keys = {(space, normalise(space, text, region="SE")) for space, text in found}
    return {key for key in keys if key[1] is not None}


@pytest.mark.parametrize(
    "written",
    [
        *("ann@a.example", " ANN@A.example ", "Ann <ann@a.example>", "<ann@a.example>", '"ann@a.example"'),
        *("mailto:ann@a.example", "ann@a.example.", "ann@a.example,", "ann@a.example (old)"),
        *(["ann@a.example"], {"address": "ann@a.example"}, [{"value": "ann@a.example", "primary": True}]),
    ],
)
def test_a_no_finds_an_address_in_whatever_it_is_written(written):
    """A name beside it, a mark around it, a list or an object takes no no away."""
    assert named(traits={"email": written}) == {MAIL}


@pytest.mark.parametrize(
    "written",
    ["070-174 06 05", "0046 70 174 06 05", "tel:+46701740605", "070-174 06 05 (mobil)", "mob: 0701740605"],
)
def test_a_no_finds_a_number_in_whatever_it_is_written(written):
    """As in a file, so in a message."""
    assert named(traits={"phone": written}) == {PHONE}


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        ("email", "ann%40a.example", MAIL),
        ("email", "ann%2540a.example", MAIL),
        ("email", "ann&#64;a.example", MAIL),
        ("email", "ann&commat;a.example", MAIL),
        ("email", "ann (at) a.example", MAIL),
        ("email", "ann [at] a [dot] example", MAIL),
        ("email", "ann\uff20a.example", MAIL),
        ("email", "https://shop.example/u?mail=ann%40a.example", MAIL),
        ("email", '<a href="mailto:ann@a.example">write</a>', MAIL),
        ("email", "ann @ a.example", MAIL),
        *(
            (name, "ann@a.example", MAIL)
            for name in ("emails", "primary_email", "workEmail", "email2", "email_work")
        ),
        *((name, "ann@a.example", MAIL) for name in ("login", "username", "contact", "id")),
        *((name, {"email": "ann@a.example"}, MAIL) for name in ("contact", "profile", "user")),
        ("contacts", [{"type": "x", "email": "ann@a.example"}], MAIL),
        *(
            (name, "boss@a.example", None)
            for name in ("managerEmail", "friend_email", "salesRep", "emailNote")
        ),
        ("company", {"email": "desk@a.example"}, None),
        ("email", "070-174 06 05", PHONE),
        ("phone", "ann@a.example", MAIL),
        ("phone", "%2B46701740605", PHONE),
    ],
)
def test_a_no_finds_a_contact_in_another_encoding_or_under_another_name(name, written, meant):
    """As links and pages write it, and in the wrong field: what is plainly a contact is bound."""
    assert named(traits={name: written}) == ({meant} if meant else set())


@pytest.mark.parametrize("own", ["ann%40a.example", "tel:+46701740605", "0701740605", "C-12345"])
def test_an_id_is_a_contact_only_if_it_is_plainly_one(own):
    """A customer's number in digits is nobody's telephone."""
    plain = {"ann%40a.example": {MAIL}, "tel:+46701740605": {PHONE}}

    assert named(userId=own) == plain.get(own, set())


@pytest.mark.parametrize("name", ["Email", "EMAIL", "e-mail", "email_address", "emailAddress", "Mail"])
def test_a_no_finds_an_address_under_whatever_it_is_called(name):
    """Names that the catalogue does not know identify nobody, and a no is heard by them."""
    assert named(traits={name: "ann@a.example"}) == {MAIL}


@pytest.mark.parametrize(
    "item",
    [
        {"context": NO | {"externalIds": [{"type": "Email", "id": "ann@a.example"}]}},
        {"context": NO | {"externalId": [{"type": "email", "id": "ann@a.example"}]}},
        {
            "context": NO | {"externalId": {"type": "email", "id": "ann@a.example"}},
            "timestamp": 5,
            "event": 1,
        },
        {"context": NO | {"traits": {"Email": "Ann <ann@a.example>"}}, "type": "track", "event": "x"},
        {"anonymousId": "ann@a.example"},
        {"userId": "ann@a.example"},
        {"type": "alias", "userId": "u", "previousId": "ann@a.example"},
        {"traits": '{"email": "ann@a.example"}'},
        {"traits": ["ann@a.example"]},
        {"context": NO | {"traits": '{"email": "ann@a.example"}'}},
        {"context": NO | {"externalIds": {"email": "ann@a.example"}}},
    ],
)
def test_a_no_finds_an_address_wherever_it_stands(item):
    """Ids that are addresses, both vendors' external ids, the context's traits, sound message or not."""
    assert named(**item) == {MAIL}


def test_several_contacts_in_one_text_are_each_bound():
    """Whichever of them is meant, its no is heard."""
    assert named(traits={"email": "ann@a.example; bo@a.example"}) == {MAIL, ("email", "bo@a.example")}


def test_a_no_binds_nobody_whom_the_message_is_not_about():
    """Another person's address in a trait of another name, or in what an event is about, is not named."""
    other = {"managerEmail": "boss@a.example", "note": "ask boss@a.example"}

    assert named(traits=other) == set()
    assert named(type="track", event="x", properties={"email": "friend@a.example"}) == set()
