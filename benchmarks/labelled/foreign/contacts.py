"""Made-up e-mail addresses, telephone numbers, places and days of birth."""

from collections.abc import Sequence
from random import Random

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from benchmarks.labelled.foreign import words
from benchmarks.labelled.foreign.picking import birthday, digits, until
from benchmarks.labelled.foreign.records import Value

LANGUAGES = {
    **{"SE": "sv", "DE": "de", "AT": "de", "CH": "de", "FR": "fr", "BE": "fr", "ES": "es"},
    **{"PL": "pl", "CN": "zh", "IT": "it", "NL": "nl"},
}
NATIONAL = ("SE", "DE", "GB", "US", "FR", "ES", "PL", "CN")
ABROAD = ("NO", "DK", "FI", "NL", "BE", "IT", "CH", "AT", "CA", "AU", "IN", "BR", "JP", "IE", "PT")
_SERVED = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


def local_part(random: Random) -> str:
    """What stands before the @."""
    first, last = (random.choice(names).lower() for names in (words.FIRST_NAMES, words.LAST_NAMES))
    shape = random.choice(
        (
            "{f}",
            "{f}.{l}",
            "{i}.{l}",
            "{f}{n}",
            "{f}_{l}",
            "{f}-{l}{n}",
            "{l}.{f}+shop",
            "{i}{l}",
            "{f}.{l}{n}",
        )
    )
    return shape.format(f=first, l=last, i=first[0], n=random.randrange(2, 2020))


def email(random: Random) -> Value:
    """An address as people and programs write it: capitals, tags, subdomains, umlauts, a quoted name."""
    local, domain = local_part(random), random.choice(words.DOMAINS)
    plain = f"{local}@{domain}"
    change = random.randrange(14)
    if change == 0:
        plain = plain.upper()
    elif change == 1:
        plain = f"{local.capitalize()}@{domain.capitalize()}"
    elif change == 2:
        plain = f"{local}@mail.{random.choice(('eu', 'north', 'crm'))}.{domain}"
    elif change == 3:
        plain = f"{local}@{random.choice(('bücher-lund.de', 'köksgården.se', 'château-brun.fr', 'łąka.pl'))}"
    elif change == 4:
        plain = f"{random.choice(('jörg', 'åsa', 'chloé', 'józef', 'begoña'))}.{local}@{domain}"
    elif change == 5:
        plain = f"{local}@{random.choice(('example', 'nordvik'))}.{random.choice(words.TOPS)}"
    return Value(kind="email", plain=plain, spelled=plain, evident=True)


def email_in_words(random: Random) -> Value:
    """An address whose signs are told in words or in brackets, so that harvesters miss it."""
    plain = f"{local_part(random)}@{random.choice([one for one in words.DOMAINS if '-' not in one])}"
    at, dot = random.choice(
        (
            *((" at ", " dot "), (" [at] ", " [dot] "), ("(at)", "(dot)"), (" (at) ", " (dot) ")),
            *(
                (" AT ", " DOT "),
                ("[at]", "."),
                (" at ", "."),
                ("@", " dot "),
                (" @ ", " . "),
                ("{at}", "{dot}"),
            ),
        )
    )
    local, _, domain = plain.partition("@")
    # A dot before the sign is told in a word by whoever speaks, and left by whoever only hides.
    if " dot " in dot and random.random() < 0.5:
        local = local.replace(".", dot)
    return Value(
        kind="email_in_words", plain=plain, spelled=local + at + domain.replace(".", dot), evident=True
    )


def _number(random: Random, region: str) -> PhoneNumber:
    """A valid number of the region: an example number's head, and a tail of our own."""

    def made() -> PhoneNumber | None:
        example = phonenumbers.example_number_for_type(region, random.choice(_SERVED))
        if example is None:
            return None
        national = phonenumbers.national_significant_number(example)
        head = national[: len(national) - random.choice((5, 6, 7))]
        if region in words.AREA_CODES:
            head = random.choice(words.AREA_CODES[region])
        tail = digits(random, len(national) - len(head))
        number = phonenumbers.parse(head + tail if region == "IT" else f"{head}{tail}", region)
        # Numbers like 4444444 would be taken for a gap that somebody filled.
        fit = phonenumbers.is_valid_number_for_region(number, region) and len(set(tail)) > 3
        return number if fit else None

    return until(made)


def phone_international(random: Random) -> Value:
    """A number of one of many countries with its country code, in one of the usual spellings."""
    region = random.choice((*NATIONAL, *NATIONAL, *ABROAD))
    number = _number(random, region)
    spaced = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    code, tight = str(number.country_code), phonenumbers.format_number(number, PhoneNumberFormat.E164)
    local = spaced[len(code) + 2 :]
    forms = [spaced, spaced, tight, tight, f"00{code} {local}", f"+{code}-{local.replace(' ', '-')}"]
    forms += [f"+{code}.{local.replace(' ', '.').replace('-', '.')}", f"(+{code}) {local}"]
    forms.append(phonenumbers.format_number(number, PhoneNumberFormat.RFC3966))
    if region in {"SE", "DE", "GB", "FR", "NL", "AT", "CH", "BE", "AU"}:
        forms += [f"+{code} (0){local}", f"+{code} (0) {local}"]
    spelled = random.choice(forms)
    return Value(
        kind="phone_international",
        plain=tight,
        spelled=spelled,
        evident=True,
        region=region,
        language=LANGUAGES.get(region, "en"),
    )


def phone_national(random: Random) -> Value:
    """A number as people of its country write it; it means something in a workspace of that region alone."""
    region = random.choice(NATIONAL)
    number = _number(random, region)
    usual = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    bare = "".join(sign for sign in usual if sign.isdigit())
    spelled = random.choice((usual, usual, *_national_forms(region, usual, bare)))
    gaps = sum(not sign.isdigit() for sign in spelled)
    return Value(
        kind="phone_national",
        plain=phonenumbers.format_number(number, PhoneNumberFormat.E164),
        spelled=spelled,
        evident=gaps > 0 and (spelled[0] in "0(" or region == "US"),
        region=region,
        bound=True,
        language=LANGUAGES.get(region, "en"),
    )


def _national_forms(region: str, usual: str, bare: str) -> Sequence[str]:
    if region == "US":
        area, exchange, line = bare[:3], bare[3:6], bare[6:]
        return (
            *(f"{area}-{exchange}-{line}", f"{area}.{exchange}.{line}", f"{area} {exchange} {line}", bare),
            *(f"({area}){exchange}-{line}", f"1-{area}-{exchange}-{line}", f"({area}) {exchange} {line}"),
        )
    if region == "CN":
        mobile = not bare.startswith("0")
        first = 3 if mobile or bare.startswith(("010", "02")) else 4
        cut = [bare[:first], *([bare[3:7], bare[7:]] if mobile else [bare[first:]])]
        return ("-".join(cut), " ".join(cut), bare, ".".join(cut) if mobile else f"({cut[0]}){cut[1]}")
    forms = [bare, usual.replace(" ", "-"), usual.replace(" ", ".").replace("-", ".")]
    if region == "SE":
        area, _, rest = usual.replace(" ", "-", 1).partition("-")
        rest = rest.replace("-", " ")
        forms += [f"{area}-{rest}", f"{area} {rest}", f"{area}-{rest.replace(' ', '')}"]
    if region == "DE":
        area, _, rest = usual.partition(" ")
        forms += [f"{area}/{rest}", f"{area} / {rest}", f"({area}) {rest}", f"{area}-{rest}"]
    if region == "GB":
        area, _, rest = usual.partition(" ")
        forms.append(f"({area}) {rest}")
    return forms


def gps(random: Random) -> Value:
    """A place to a few metres, in decimal degrees or in minutes and seconds."""
    north, east = random.uniform(36, 62), random.uniform(-9, 24)
    places = random.randrange(4, 8)
    pair = f"{north:.{places}f}", f"{east:.{places}f}"
    sign = "E" if east > 0 else "W"
    spelled = random.choice(
        (
            *(
                f"{pair[0]}, {pair[1]}",
                f"{pair[0]},{pair[1]}",
                f"{pair[0]} {pair[1]}",
                f"geo:{pair[0]},{pair[1]}",
            ),
            *(
                f"{_minutes(north)}N {_minutes(abs(east))}{sign}",
                f"{pair[0]}° N, {abs(east):.{places}f}° {sign}",
            ),
            *(
                f"lat {pair[0]} lon {pair[1]}",
                f"lat={pair[0]}&lon={pair[1]}",
                f'"lat": {pair[0]}, "lng": {pair[1]}',
            ),
        )
    )
    return Value(kind="gps", plain=spelled, spelled=spelled, evident=any(sign in spelled for sign in "°go"))


def _minutes(degrees: float) -> str:
    return f"{int(degrees)}°{int(degrees * 60) % 60:02}'{degrees * 3600 % 60:04.1f}\""


def street(random: Random) -> Value:
    """Where somebody lives, as it is written there."""
    language, shape = random.choice(words.STREETS)
    parts = {name: random.choice(choice) for name, choice in words.STREET_PARTS[language].items()}
    numbers = {"n": random.randrange(1, 140), "m": random.randrange(1, 60), "z": random.randrange(10, 99)}
    filled = shape.format(d=digits(random, 3), c=digits(random, 2), **numbers, **parts)
    return Value(kind="street", plain=filled, spelled=filled, evident=False, language=language)


def date_of_birth(random: Random) -> Value:
    """A day of birth in one of the usual spellings; only the words beside it say what day it is."""
    day = birthday(random)
    month = words.MONTHS[day.month - 1]
    spelled = random.choice(
        (
            *(day.isoformat(), f"{day:%d.%m.%Y}", f"{day:%d/%m/%Y}", f"{day:%m/%d/%Y}", f"{day:%d-%m-%Y}"),
            *(
                f"{day.day} {month} {day.year}",
                f"{month} {day.day}, {day.year}",
                f"{day.day} {month[:3]} {day.year}",
            ),
            f"{day:%Y%m%d}",
        )
    )
    language = (
        random.choice(("en", "en", "de", "fr", "es", "sv", "pl", "zh")) if spelled[0].isdigit() else "en"
    )
    if month[:3] in spelled:
        language = "en"
    return Value(kind="date_of_birth", plain=spelled, spelled=spelled, evident=False, language=language)
