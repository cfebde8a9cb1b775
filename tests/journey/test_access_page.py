"""The page of an access request: all that GDPR 15(1)-(2) asks, in words that people read."""

import re
from datetime import timedelta

import pytest
from worlds.journeys import ANN, BOB, identify, ordered

from api.pages import access_page
from cdp.audiences import segments
from cdp.requests import access
from cdp.vocabulary import State
from consent.register import controller_rows, register

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture
def asked(journey, tmp_path):
    """The package of somebody who agreed, ordered, and was sent something; and its page."""
    with journey.begin("compliance")() as work:
        shop = controller_rows.Controller(
            id=journey.workspace, name="Shop AB", establishments=["SE"], offers=[]
        )
        controller_rows.add(shop, work=work)
    frequent = {"all": [{"attribute": "orders", "op": ">=", "value": 2}]}
    with journey.begin("marketing")() as work:
        segments.create("regulars", frequent, work=work, ports=journey.ports)
        segments.create(
            "not_here", {"attribute": "country", "op": "=", "value": "FR"}, work=work, ports=journey.ports
        )
    bought = [ordered("u1", number, 1999.5) for number in (1, 2)]
    for one in bought:
        one["properties"]["currency"] = "SEK"
    journey.send("web", identify("u1", {**ANN, "country": "SE"}), identify("u2", BOB), *bought)
    journey.work()
    journey.say(State.GIVEN, ANN["email"], evidence="form", notice="newsletter")
    assert journey.release(tmp_path / "out.ndjson").released == 1
    with journey.begin("compliance", purpose="subject_access")() as work:
        package = access.package(journey.profile("user_id", "u1"), work=work, ports=journey.ports)
    return package, access_page.page(package)


def section(page, name):
    """The plain text of one part of the page."""
    found = re.search(rf'<section id="{name}">(.*?)</section>', page, re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found.group(1)).split())


@pytest.mark.parametrize(
    ("part", "held"),
    [
        ("controller", ["Shop AB", "Sweden"]),
        (
            "purposes",
            ["Email marketing", "your consent (GDPR 6(1)(a))", "a contract with you"],
        ),
        ("categories", ["Addresses and numbers", "given name", "What happened"]),
        (
            "recipients",
            ["Mailer GmbH", "Germany", "stays in the European Economic Area", "given name"],
        ),
        ("retention", ["no fixed end here", "Shop AB", "After an erasure"]),
        ("rights", ["Correct", "Erase", "Restrict", "Object", "Withdraw", "Take it with you"]),
        ("complaint", ["Integritetsskyddsmyndigheten", "GDPR 77"]),
        ("sources", ["web", "from you", "Shop AB"]),
        ("automated", ["GDPR 22", "regulars", "orders at least 2", "everybody"]),
    ],
)
def test_each_point_of_article_15_is_on_the_page(asked, part, held):
    """Who decides, and (a) to (h); of transfers, what (2) asks."""
    said = section(asked[1], part)

    assert [one for one in held if one not in said] == []


def test_who_is_in_a_group_is_told_and_who_is_not_is_not(asked):
    """Also in the document for programs."""
    package, page = asked

    assert [one["name"] for one in package["processing"]["groups"]] == ["everyone", "regulars"]
    assert "not here" not in page


def test_a_transfer_abroad_says_what_protects_it(asked):
    """GDPR 15(2): the tool and until when; or plainly that there is none on record."""
    one = {"in_eea": False, "controller": "Shop AB", "transfer_until": "2027-03-01T00:00:00+00:00"}

    assert "until 1 March 2027; ask Shop AB" in access_page.safeguard(one)
    assert access_page.safeguard({**one, "transfer_until": None}) == "no transfer tool is on record"


def test_the_page_shows_no_id_of_ours_and_no_date_or_amount_as_a_machine_writes_it(asked):
    """The ids stand in access.json; traits have names in both."""
    package, page = asked
    shown = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)

    assert package["sent"][0]["traits"] == ["given_name"]
    assert ID.search(shown) is None
    assert re.search(r"\d{4}-\d\d-\d\d", shown) is None
    assert "1,999.50 SEK" in shown and "3,999.00 SEK" in shown
    assert "3 February 1980" in shown and "45 to 54 years" in shown
    assert "{" not in shown and "_" not in re.sub(r"<[^>]+>", "", shown)


def test_a_recipient_and_a_controller_that_nobody_registered_are_told_as_such(journey):
    """Nothing is passed over in silence: the workspace stands for itself by its name."""
    with journey.begin("admin")() as work:
        register.add_recipient(
            "unused",
            controller=journey.workspace,
            legal_entity="Unused Inc",
            role="processor",
            country="US",
            contract_until=work.now + timedelta(days=1),
            work=work,
        )
    journey.send("web", identify("u1", {"email": "ann@example.org"}))
    journey.work()
    with journey.begin("compliance", purpose="subject_access")() as work:
        package = access.package(journey.profile("user_id", "u1"), work=work, ports=journey.ports)
    page = access_page.page(package)

    assert package["processing"]["controllers"][0]["registered"] is False
    assert package["processing"]["controllers"][0]["name"]
    assert "Unused Inc" not in page, "nothing went there"
    assert "Which one that is cannot be said here" in section(page, "complaint").replace("\n", " ")
