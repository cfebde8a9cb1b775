"""Which laws protect whom, and at which age the rules change."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.register.laws import (
    AGES,
    Law,
    age_at,
    band_of,
    binding,
    birthday,
    consent_age,
    day_everywhere,
    laws_of,
)

births = st.dates(date(1900, 1, 1), date(2025, 12, 31))
days = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@pytest.mark.parametrize(
    ("country", "region", "found"),
    [
        ("DE", None, Law.GDPR),
        ("no", None, Law.GDPR),
        ("GB", None, Law.GDPR),
        ("US", "US-CA", Law.CPRA | Law.CAN_SPAM),
        ("US", "US-NY", Law.CAN_SPAM),
        ("US", None, Law.CPRA | Law.CAN_SPAM),
        ("US", "somewhere", Law.CPRA | Law.CAN_SPAM),
        ("CN", None, Law.PIPL),
        ("BR", None, None),
        ("HK", None, None),
        ("Germany", None, None),
        ("", "US-CA", None),
        (None, None, None),
    ],
)
def test_a_residence_has_its_laws_and_what_is_not_known_has_none(country, region, found):
    """None is the strictest: a country nobody configured is not a country without law."""
    assert laws_of(country, region) == found


EVERY = Law(0b1111)


@pytest.mark.parametrize(
    ("established", "offers", "found"),
    [
        (["DE"], [], Law.GDPR),
        (["GB", "US"], [], Law.GDPR),
        (["CN"], [], Law.PIPL),
        (["US"], [], Law(0)),
        (["US"], ["FR"], Law.GDPR),
        (["US"], ["CN", "US-NY"], Law.PIPL),
        (["US"], ["US-CA"], Law.CPRA),
        (["US"], ["US"], Law.CPRA),
        (["BR"], [], EVERY),
        (["US"], ["IN"], EVERY),
        ([], [], EVERY),
    ],
)
def test_a_controller_is_bound_by_where_it_sits_and_where_it_offers(established, offers, found):
    """GDPR 3(1), 3(2): each place adds; an unknown one is the strictest; offering permits nothing."""
    assert binding(established, offers, strictest=EVERY) == found


places = st.lists(st.sampled_from(["DE", "US", "US-CA", "US-NY", "CN", "GB", "BR"]), max_size=4)


@given(places, places, places, places)
def test_another_place_only_adds_laws(seats, more_seats, offers, more_offers):
    """Nobody loses a protection because a controller also sits, or also offers, somewhere else."""
    seats = [one[:2] for one in seats] or ["US"]
    wider = binding([*seats, *(one[:2] for one in more_seats)], [*offers, *more_offers], strictest=EVERY)

    assert binding(seats, offers, strictest=EVERY) & ~wider == Law(0)


def test_the_laws_bits_are_stored_and_never_renumbered():
    """Rows and workspaces hold these numbers."""
    assert {law.name: int(law) for law in Law} == {"GDPR": 1, "CPRA": 2, "PIPL": 4, "CAN_SPAM": 8}


def test_the_age_of_consent_is_the_states():
    """GDPR 8(1): 13 to 16."""
    found = {consent_age(country) for country in ("SE", "AT", "FR", "DE", "GB")}

    assert found == {13, 14, 15, 16}
    assert consent_age("US") is None
    assert consent_age(None) is None


def test_who_is_born_on_a_leap_day_waits_for_march():
    """The later of the two readings is the strict one."""
    assert birthday(date(2012, 2, 29), 14) == date(2026, 3, 1)
    assert birthday(date(2012, 2, 29), 16) == date(2028, 2, 29)


def test_a_day_begins_everywhere_twelve_hours_after_greenwich():
    """Baker Island is last."""
    midnight = datetime(2026, 6, 1, tzinfo=UTC)

    assert day_everywhere(midnight + timedelta(hours=11, minutes=59)) == date(2026, 5, 31)
    assert day_everywhere(midnight + timedelta(hours=12)) == date(2026, 6, 1)


@given(births, days, st.integers(0, 1200))
def test_the_kept_band_never_makes_anybody_older_than_they_are(born, described, later):
    """Of a person only the band and the next threshold are kept, and time passes."""
    band, threshold = band_of(born, described)
    sent = described + timedelta(days=later)
    age = age_at(band, threshold, sent)

    assert age == 0 or birthday(born, age) <= sent
    passed = max((one for one in AGES if birthday(born, one) <= described), default=0)
    assert age >= passed


@given(births, days)
def test_on_the_day_of_description_the_band_is_exact(born, day):
    """The last threshold that was passed."""
    band, threshold = band_of(born, day)

    assert age_at(band, threshold, day) == max((one for one in AGES if birthday(born, one) <= day), default=0)


@pytest.mark.parametrize("born", [None, date(2026, 6, 2), date(1850, 1, 1)])
def test_an_impossible_date_of_birth_is_unknown(born):
    """And the unknown is treated strictly."""
    assert band_of(born, date(2026, 6, 1)) == (None, None)
