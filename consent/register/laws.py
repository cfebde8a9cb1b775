"""Which laws protect a person, and from which age they speak for themselves.

The set of laws is that of the person's residence, of the controller's establishments (GDPR
3(1)) and of the places that it offers to, together: each only adds. Jurisdictions and ages are
data, kept here and nowhere else; the rules that use them are in `rules_in_python.py`. What is not
known has no laws of its own: the gate then takes the strictest set of the workspace. Dates are
compared where the day has begun everywhere on Earth, so that nobody is treated as grown up
some hours too early.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import IntFlag


class Law(IntFlag):
    """Bodies of law that the gate knows (stored bits: never renumbered, only added to)."""

    GDPR = 1  # with ePrivacy; the United Kingdom's included
    CPRA = 2
    PIPL = 4
    CAN_SPAM = 8


# GDPR 8(1): the age from which a child consents to online services, by state of residence.
# 16 unless the state has set a lower one, which may not be below 13.
CONSENT_AGE: Mapping[str, int] = {
    "AT": 14,
    "BE": 13,
    "BG": 14,
    "CY": 14,
    "CZ": 15,
    "DE": 16,
    "DK": 15,
    "EE": 13,
    "ES": 14,
    "FI": 13,
    "FR": 15,
    "GR": 15,
    "HR": 16,
    "HU": 16,
    "IE": 16,
    "IS": 13,
    "IT": 14,
    "LI": 16,
    "LT": 14,
    "LU": 16,
    "LV": 13,
    "MT": 13,
    "NL": 16,
    "NO": 13,
    "PL": 16,
    "PT": 13,
    "RO": 16,
    "SE": 13,
    "SI": 15,
    "SK": 16,
}
EEA = frozenset(CONSENT_AGE)
UNITED_KINGDOM, UNITED_KINGDOM_AGE = "GB", 13
CHINA, UNITED_STATES, CALIFORNIA = "CN", "US", "US-CA"

UNSTATED_CONSENT_AGE = 16  # GDPR 8(1), where the state is unknown
GUARDIAN_AGE_CHINA = 14  # PIPL 28, 31
SALE_PARENT_AGE = 13  # CPRA 1798.120(c): below it a parent opts in
SALE_OPT_IN_AGE = 16  # CPRA 1798.120(c): below it the consumer opts in
MAJORITY = 18
AGES = (13, 14, 15, 16, 18)  # every age at which one of the rules above changes

_LONGEST_LIFE = 130
_LAST_ZONE = timedelta(hours=12)  # where a day begins last, behind UTC


def laws_of(country: str | None, region: str | None) -> Law | None:
    """The laws of a residence (ISO 3166-1, ISO 3166-2); None: unknown, or none that is known here.

    A country that is not configured is as good as unknown: its own law may be stricter.
    """
    match (country or "").upper():
        case "":
            return None
        case code if code in EEA or code == UNITED_KINGDOM:
            return Law.GDPR
        case code if code == CHINA:
            return Law.PIPL
        case code if code == UNITED_STATES:
            within = (region or "").upper()
            known_elsewhere = within.startswith("US-") and within != CALIFORNIA
            return Law.CAN_SPAM if known_elsewhere else Law.CAN_SPAM | Law.CPRA
        case _:
            return None


def laws_of_seat(country: str) -> Law | None:
    """The laws that bind whoever is established in a country, whomever they process (GDPR 3(1), PIPL 3(1)).

    The others protect residents alone. None: the country is not known here.
    """
    match country.upper():
        case code if code in EEA or code == UNITED_KINGDOM:
            return Law.GDPR
        case code if code == CHINA:
            return Law.PIPL
        case code if code == UNITED_STATES:
            return Law(0)
        case _:
            return None


def laws_of_offer(place: str) -> Law | None:
    """The laws that come with offering to people in a place (ISO 3166-1 or 3166-2); None: not known here.

    What only permits, as CAN-SPAM does, is never gained by offering somewhere.
    """
    found = laws_of(place.partition("-")[0], place)
    return None if found is None else found & ~Law.CAN_SPAM


def binding(establishments: Iterable[str], offers: Iterable[str], *, strictest: Law) -> Law:
    """What binds a controller for everybody, wherever they live; the strictest where a place is not known."""
    found = [*map(laws_of_seat, establishments), *map(laws_of_offer, offers)]
    bound = strictest if None in found or not found else Law(0)
    for law in found:
        bound |= law or Law(0)
    return bound


def consent_age(country: str | None) -> int | None:
    """The age of GDPR 8(1) in `country`; None where it does not apply or is unknown."""
    code = (country or "").upper()
    return UNITED_KINGDOM_AGE if code == UNITED_KINGDOM else CONSENT_AGE.get(code)


def day_everywhere(at: datetime) -> date:
    """The date that has begun in every time zone at `at`."""
    return (at.astimezone(UTC) - _LAST_ZONE).date()


def birthday(born: date, age: int) -> date:
    """The day on which somebody turns `age`; who is born on 29 February waits for 1 March."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


def band_of(born: date | None, day: date) -> tuple[int | None, date | None]:
    """The last age threshold passed on `day` (0: none) and the date of the next one.

    (None, None) for an unknown or impossible date of birth.
    """
    if born is None or born > day or born.year < day.year - _LONGEST_LIFE:
        return None, None
    passed = max((age for age in AGES if birthday(born, age) <= day), default=0)
    ahead = following(passed)
    return passed, birthday(born, ahead) if ahead is not None else None


def following(band: int) -> int | None:
    """The threshold after `band`; None after the last."""
    return next((age for age in AGES if age > band), None)


def age_at(band: int, next_threshold: date | None, day: date) -> int:
    """The age that somebody has at least reached on `day`, from what is kept of them."""
    if next_threshold is None or day < next_threshold:
        return band
    return following(band) or band
