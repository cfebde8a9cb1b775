"""How people are reached, what they are called, where they live, when they were born; all made up."""

import re
from datetime import date
from random import Random

import phonenumbers

from benchmarks.labelled.foreign.records import Value
from benchmarks.labelled.unseen.people import ABROAD, GIVEN, STREETS, SURNAMES

_HOSTS = (
    *("example.com", "example.org", "example.net", "mail.example.com", "post.example.org"),
    *("example.co.uk", "example.de", "example.fr", "example.se", "example.pl"),
)

# An `n` is any digit; numbers that regulators keep for plays come first. The rest are made up.
_NATIONAL = {
    "GB": ("020 7946 0nnn", "07400 12nnnn", "0740012nnnn", "(0161) 496 0nnn", "0131 4960 nnn"),
    "US": ("(212) 555-01nn", "415-555-01nn", "303.555.01nn", "617 555 01nn", "61755501nn"),
    "SE": ("070-174 06 nn", "08-465 004 nn", "031-390 06 nn", "07017406nn", "070 17406nn"),
    "DE": (
        "030 23125 nnn",
        "0171 39200nn",
        "0152/288173nn",
        "(089) 99998-nnn",
        "040-66969 nnn",
        "0221 4710-nnn",
    ),
    "FR": ("01 99 00 nn nn", "06 12 34 nn nn", "061234nnnn", "02.61.91.nn.nn", "03-53-01-nn-nn"),
    "ES": ("612 nn nn nn", "699 nnn nnn", "91 7nn nn nn", "934 nn nn nn", "622nnnnnn"),
    "PL": ("512 nnn nnn", "601-nnn-nnn", "22 6nn nn nn", "(12) 3nn nn nn", "605nnnnnn"),
    "CN": ("138 nnnn nnnn", "139nnnnnnnn", "010-6nnn nnnn", "186-nnnn-nnnn"),
    "NL": ("06 12 nn nn nn", "06-12nnnnnn", "020 7nn nnnn", "0612nnnnnn"),
    "IT": ("339 nnn nnnn", "347 nnnnnnn", "02 3nnn nnnn", "328nnnnnnn"),
}
_ABROAD = (
    *("+46 70 174 06 nn", "+46 (0)8 465 004 nn", "+467017406nn", "0046 70 174 06 nn"),
    *("+44 20 7946 0nnn", "+44 7400 12nnnn", "+44 (0)7400 12n nnn", "0044 7400 12nnnn"),
    *("+1 212 555 01nn", "+1-415-555-01nn", "+1 (303) 555-01nn", "+161755501nn"),
    *("+49 30 23125nnn", "+49 (0) 171 39200nn", "0049 171 39200nn", "+49-89-99998-nnn"),
    *("+33 1 99 00 nn nn", "+33 (0)6 12 34 nn nn", "+34 612 nn nn nn", "+39 339 nnn nnnn"),
    *("+48 512 nnn nnn", "+48512nnnnnn", "+31 6 12 nn nn nn", "+32 470 nn nn nn"),
    *("+86 138 nnnn nnnn", "+81 90-1nnn-nnnn", "+82 10-2nnn-nnnn", "+91 98nnn nnnnn"),
    *("+41 79 3nn nn nn", "+43 664 nnnnnnn", "+45 40 nn nn nn", "+47 40n nn nnn", "+358 40 nnn nnnn"),
    *("+351 912 nnn nnn", "+353 87 nnn nnnn", "+61 412 nnn nnn", "+64 21 nnn nnn", "+27 82 nnn nnnn"),
    *("+55 11 9nnnn-nnnn", "+52 55 5nnn nnnn", "+90 532 nnn nn nn", "+971 50 nnn nnnn"),
)


def _phone(random: Random, pattern: str, region: str | None) -> tuple[str, str]:
    """A valid number of a pattern: in E.164, and as it is spelled."""
    for _ in range(1000):
        spelled = re.sub("n", lambda _: str(random.randrange(10)), pattern)
        number = phonenumbers.parse(re.sub("^00", "+", spelled.replace("(0)", "")), region)
        if phonenumbers.is_valid_number(number) and (
            region is None or phonenumbers.is_valid_number_for_region(number, region)
        ):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), spelled
    raise AssertionError(f"no number of {pattern} is valid")


def phone_international(random: Random) -> Value:
    """A number with its country's code, in front of it a plus sign or two zeros."""
    plain, spelled = _phone(random, random.choice(_ABROAD), None)
    return Value(
        kind="phone_international", plain=plain, spelled=spelled, evident=not spelled.startswith("0")
    )


_LANGUAGES = {"GB": "en", "US": "en", "SE": "sv", "DE": "de", "FR": "fr", "ES": "es", "PL": "pl"}
_LANGUAGES |= {"CN": "zh", "NL": "nl", "IT": "it"}


def phone_national(random: Random) -> Value:
    """A number as it is told within its country, which is the workspace's."""
    region = random.choice(sorted(_NATIONAL))
    plain, spelled = _phone(random, random.choice(_NATIONAL[region]), region)
    return Value(
        kind="phone_national",
        plain=plain,
        spelled=spelled,
        evident=False,
        region=region,
        bound=True,
        language=_LANGUAGES[region],
    )


def email(random: Random) -> Value:
    """An address at a host for documents."""
    given, surname = random.choice(GIVEN).lower(), random.choice(SURNAMES).lower().replace("'", "")
    local = random.choice(
        (
            f"{given}.{surname}",
            f"{given[0]}{surname}{random.randrange(1, 99)}",
            f"{surname}_{given}",
            f"{given}+{random.choice(('shop', 'news', 'rechnung'))}",
            f"{given}-{surname[0]}",
            f"{surname}{random.randrange(1950, 2010)}",
        )
    )
    spelled = f"{local}@{random.choice(_HOSTS)}"
    spelled = (
        spelled.title() if random.random() < 0.08 else spelled.upper() if random.random() < 0.05 else spelled
    )
    return Value(kind="email", plain=spelled, spelled=spelled, evident=True)


def email_in_words(random: Random) -> Value:
    """An address as people spell it where a form refuses one."""
    given, surname = random.choice(GIVEN).lower(), random.choice(SURNAMES).lower().replace("'", "")
    host, _, end = random.choice(("example.com", "example.org", "example.net")).partition(".")
    at, dot, dots = random.choice(
        (
            (" at ", " dot ", " dot "),
            (" (at) ", ".", "."),
            ("[at]", "[dot]", "."),
            (" AT ", " DOT ", " DOT "),
            (" [at] ", " [dot] ", "_"),
            ("(at)", "(dot)", "."),
            (" @ ", " . ", " . "),
        )
    )
    plain = f"{given}{dots.strip() if dots in {'.', '_'} else '.'}{surname}@{host}.{end}"
    return Value(
        kind="email_in_words",
        plain=plain,
        spelled=f"{given}{dots}{surname}{at}{host}{dot}{end}",
        evident=True,
    )


def _name(random: Random) -> tuple[str, str]:
    return random.choice(GIVEN), random.choice(SURNAMES)


def person(random: Random) -> Value:
    """A given name and a surname that are usual where English is spoken."""
    spelled = " ".join(_name(random))
    return Value(kind="person", plain=spelled, spelled=spelled, evident=False)


def person_capitals(random: Random) -> Value:
    """A name as forms and old systems keep it."""
    spelled = " ".join(_name(random)).upper()
    return Value(kind="person_capitals", plain=spelled, spelled=spelled, evident=False)


def person_noisy(random: Random) -> Value:
    """A name in small letters, turned round, with initials or titles, or with an odd sign in it."""
    given, surname = _name(random)
    spelled = random.choice(
        (
            f"{given} {surname}".lower(),
            f"{surname}, {given}",
            f"{surname.upper()}, {given}",
            f"{given}  {surname}",
            f"{given} {random.choice('ABCDEFJKLMRST')}. {surname}",
            f"{given}_{surname}",
            f"{given}.{surname}",
        )
    )
    return Value(kind="person_noisy", plain=spelled, spelled=spelled, evident=False)


def person_foreign(random: Random) -> Value:
    """A name from where English is not spoken."""
    language, spelled = random.choice(ABROAD)
    return Value(kind="person_foreign", plain=spelled, spelled=spelled, evident=False, language=language)


def street(random: Random) -> Value:
    """A street with its number and its town."""
    region, language, form = random.choice(STREETS)
    spelled = re.sub("#", lambda _: str(random.randrange(1, 10)), form)
    return Value(
        kind="street", plain=spelled, spelled=spelled, evident=False, region=region, language=language
    )


def date_of_birth(random: Random) -> Value:
    """A day on which somebody who lives could have been born."""
    born = date(random.randrange(1935, 2008), random.randrange(1, 13), random.randrange(1, 29))
    spelled = born.strftime(
        random.choice(("%d/%m/%Y", "%Y-%m-%d", "%d.%m.%Y", "%d %B %Y", "%B %d, %Y", "%m/%d/%Y", "%d.%m.%y"))
    )
    return Value(kind="date_of_birth", plain=spelled, spelled=spelled, evident=False)
