"""Words of the access page: whatever is stored has a reading, and none of them is a code."""

import pytest

from api.pages import access_page
from cdp.intake.importing.country_names import name_of
from cdp.vocabulary import Basis, Trust
from consent.register import laws
from consent.register.authorities import AUTHORITIES, authority
from consent.register.register import ROLES

ORDERS = {"attribute": "orders", "op": ">=", "value": 2}
FRENCH = {"attribute": "country", "op": "=", "value": "FR"}


def test_every_basis_role_and_trust_has_words():
    """A word that is added needs a reading, or the page would end in an error."""
    assert set(access_page.BASES) == {str(basis) for basis in Basis}
    assert set(access_page.ROLES) == set(ROLES)
    assert set(access_page.TRUST) == {trust.name.lower() for trust in Trust}


def test_every_place_whose_law_the_gate_knows_has_an_authority():
    """GDPR 77: the page says where to complain; of an unknown residence it says none."""
    assert set(AUTHORITIES) == laws.EEA | {laws.UNITED_KINGDOM, laws.CHINA, laws.CALIFORNIA}
    assert authority("us", "us-ca") == "California Privacy Protection Agency"
    assert authority("US", "US-NY") is None and authority(None, None) is None


@pytest.mark.parametrize(
    ("code", "name"),
    [("DE", "Germany"), ("SE", "Sweden"), ("CN", "China"), ("US", "United States"), ("ZZ", "ZZ")],
)
def test_a_country_has_its_english_name(code, name):
    """Or its code, if it is none that is known."""
    assert name_of(code) == name


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"all": []}, "everybody"),
        ({"any": []}, "nobody"),
        (ORDERS, "orders at least 2"),
        ({"all": [ORDERS, {"not": FRENCH}]}, "(orders at least 2) and (not (country is France))"),
        ({"any": [FRENCH]}, "country is France"),
    ],
)
def test_the_rule_of_a_group_is_said_in_words(rule, words):
    """GDPR 15(1)(h): the logic involved."""
    assert access_page.rule(rule) == words


@pytest.mark.parametrize(
    ("found", "name", "said"),
    [
        (None, "note", "nothing"),
        (True, "active", "yes"),
        ("2026-02-28", "birth_date", "28 February 2026"),
        ("2026-02-28T14:05:00Z", "at", "28 February 2026, 14:05 UTC"),
        ("2026-99-99", "at", "2026-99-99"),
        (12.5, "revenue", "12.50 SEK"),
        (3, "quantity", "3"),
        (
            [{"sku": "A1", "price": 2, "currency": "EUR"}],
            "products",
            "sku: A1; price: 2.00 EUR; currency: EUR",
        ),
        ("CN", "country", "China"),
    ],
)
def test_a_value_is_said_as_people_write_it(found, name, said):
    """What is no date stays as it was said."""
    assert access_page.value(found, name, {"currency": "SEK"}) == said


@pytest.mark.parametrize(
    ("currencies", "said"),
    [
        ([], "10.00 (no currency was stated)"),
        (["SEK", "SEK"], "10.00 SEK"),
        (["SEK", "EUR"], "10.00 (of EUR and SEK, added as they are)"),
    ],
)
def test_a_sum_says_of_what_it_is_one(currencies, said):
    """Two currencies that were added as if they were one are told as such."""
    events = [{"name": "Order Completed", "fields": {"currency": one}} for one in currencies]

    assert access_page.derived("revenue", 10, {"events": events}) == said


def test_an_age_band_says_from_when_to_when():
    """The last one is open."""
    assert access_page.derived("age_band", 35, {}) == "35 to 44 years"
    assert access_page.derived("age_band", 75.0, {}) == "75 years or more"


def test_an_id_of_ours_is_never_shown_where_a_name_is_missing():
    """What is not in the register any more is said to be so."""
    assert access_page.words("0190aaaa-0000-7000-8000-000000000001") == "no longer registered"
    assert access_page.known_by("crm:shop") == "Number in shop"
    assert access_page.known_by("user_id") == "User id"
    assert access_page.words("client:0190aaaa-0000-7000-8000-000000000001") == "client"
