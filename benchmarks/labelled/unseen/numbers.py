"""Numbers that states, banks and card issuers give out, made up here; check digits are true.

Where a range is set apart for tests it is used: the cards that payment providers publish, NHS numbers
that start with 999, Swedish birth numbers of the series 238 and 239.
"""

from collections.abc import Callable, Sequence
from random import Random

from benchmarks.labelled.foreign import checks
from benchmarks.labelled.foreign.records import Value

_TEST_CARDS = [
    "4242424242424242",
    "4000056655665556",
    "5555555555554444",
    "2223003122003222",
    "5200828282828210",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "30569309025904",
    "3566002020360505",
    "4111111111111111",
    "4012888888881881",
    "5105105105105100",
    "4000002500003155",
    "5454545454545454",
    "4917610000000000",
    "5019717010103742",
]
_CONSONANTS = "BCDFGLMNPRSTVZ"


def digits(random: Random, count: int) -> str:
    """So many digits, the first of them never zero."""
    return str(random.randrange(1, 10)) + "".join(str(random.randrange(10)) for _ in range(count - 1))


def grouped(text: str, sizes: Sequence[int], by: str) -> str:
    """`text` in groups of these sizes; what is left over stands in the last one."""
    parts, at = [], 0
    for size in sizes:
        parts.append(text[at : at + size])
        at += size
    return by.join(part for part in (*parts, text[at:]) if part)


def _value(kind: str, plain: str, spelled: str, home: str, language: str, *, evident: bool = False) -> Value:
    return Value(kind=kind, plain=plain, spelled=spelled, evident=evident, region=home, language=language)


def _day(random: Random) -> tuple[int, int, int]:
    return random.randrange(1946, 2006), random.randrange(1, 13), random.randrange(1, 29)


def _tried(random: Random, count: int, check: Callable[[str], str | None]) -> str:
    while True:
        body = digits(random, count)
        last = check(body)
        if last is not None:
            return body + last


def card(random: Random) -> Value:
    """A published test card, or one of a made-up account that passes Luhn."""
    plain = random.choice(_TEST_CARDS)
    if random.random() < 0.6:
        body = random.choice(("400000", "411111", "510510", "555555", "222300")) + digits(random, 9)
        plain = body + checks.luhn(body)
    sizes = (4, 6, 5) if len(plain) == 15 else (4, 6, 4) if len(plain) == 14 else (4, 4, 4)
    spelled = grouped(plain, sizes, random.choice((" ", " ", "-", "")))
    return Value(kind="card", plain=plain, spelled=spelled, evident=True)


_BANKS: dict[str, Callable[[Random], str]] = {
    "DE": lambda random: digits(random, 18),
    "AT": lambda random: digits(random, 16),
    "ES": lambda random: digits(random, 20),
    "SE": lambda random: digits(random, 20),
    "PL": lambda random: digits(random, 24),
    "DK": lambda random: digits(random, 14),
    "BE": lambda random: digits(random, 12),
    "PT": lambda random: digits(random, 21),
    "CH": lambda random: digits(random, 17),
    "GB": lambda random: random.choice(("NWBK", "BARC", "LOYD")) + digits(random, 14),
    "IE": lambda random: random.choice(("AIBK", "BOFI")) + digits(random, 14),
    "NL": lambda random: random.choice(("INGB", "RABO", "ABNA")) + digits(random, 10),
    "IT": lambda random: random.choice("XFKL") + digits(random, 22),
    "FR": lambda random: digits(random, 23),
}


def iban(random: Random) -> Value:
    """An account of one of fourteen countries, in fours, tight, or in small letters."""
    country = random.choice(sorted(_BANKS))
    plain = checks.iban(country, _BANKS[country](random))
    form = random.randrange(6)
    spelled = plain if form < 2 else grouped(plain, (4,) * 9, " ") if form < 5 else plain.lower()
    return Value(kind="iban", plain=plain, spelled=spelled, evident=True)


def us_ssn(random: Random) -> Value:
    """A number that the SSA could have given out."""
    area = random.choice([one for one in range(100, 900) if one != 666])
    plain = f"{area}{random.randrange(1, 100):02}{random.randrange(1, 10_000):04}"
    return _value("us_ssn", plain, grouped(plain, (3, 2), random.choice("-- ")), "US", "en")


def us_itin(random: Random) -> Value:
    """A taxpayer's number: 9, then a group that the IRS gives out."""
    group = random.choice([*range(50, 66), *range(70, 89), 90, 91, 92, *range(94, 100)])
    plain = f"9{random.randrange(100):02}{group}{random.randrange(10_000):04}"
    return _value("us_itin", plain, grouped(plain, (3, 2), random.choice("-- ")), "US", "en")


def us_routing(random: Random) -> Value:
    """A routing number of one of the twelve districts."""
    body = f"{random.randrange(1, 13):02}{digits(random, 6)}"
    plain = body + checks.aba(body)
    return _value("us_routing", plain, plain, "US", "en")


def us_bank_account(random: Random) -> Value:
    """Eight to twelve digits, which nothing but the words beside them tell."""
    plain = digits(random, random.randrange(8, 13))
    return _value("us_bank_account", plain, plain, "US", "en")


def uk_nhs(random: Random) -> Value:
    """A number of the range 999, which is given to nobody."""
    plain = _tried(random, 6, lambda body: checks.nhs(f"999{body}"))
    plain = f"999{plain}"
    return _value("uk_nhs", plain, grouped(plain, (3, 3), random.choice((" ", " ", "-", ""))), "GB", "en")


def uk_nino(random: Random) -> Value:
    """Two letters that HMRC gives out, six digits, a letter."""
    prefix = random.choice(("AB", "CE", "HJ", "JW", "LM", "PA", "RS", "SY", "TW", "YX"))
    plain = prefix + digits(random, 6) + random.choice("ABCD")
    return _value("uk_nino", plain, grouped(plain, (2, 2, 2, 2), random.choice((" ", ""))), "GB", "en")


def se_personnummer(random: Random) -> Value:
    """A person's number of the series 238 and 239, with ten digits or twelve."""
    year, month, day = _day(random)
    body = f"{year % 100:02}{month:02}{day:02}{random.choice(('238', '239'))}"
    last = f"{body[6:]}{checks.luhn(body)}"
    date = f"{year}{month:02}{day:02}"
    spelled = random.choice((f"{date[2:]}-{last}", f"{date[2:]}-{last}", f"{date}-{last}", f"{date}{last}"))
    return _value("se_personnummer", date + last, spelled, "SE", "sv")


def de_steuer_id(random: Random) -> Value:
    """Eleven digits: of the first ten one stands there twice."""
    while True:
        signs = random.sample("0123456789", 9)
        signs.insert(random.randrange(10), random.choice(signs))
        if signs[0] != "0":
            break
    plain = "".join(signs)
    plain += checks.steuer_id(plain)
    return _value("de_steuer_id", plain, grouped(plain, (2, 3, 3), random.choice((" ", ""))), "DE", "de")


def fr_nir(random: Random) -> Value:
    """A number of the French social insurance with its key."""
    year, month, _ = _day(random)
    body = f"{random.choice('12')}{year % 100:02}{month:02}{random.randrange(1, 96):02}{digits(random, 6)}"
    plain = f"{body}{97 - int(body) % 97:02}"
    sizes = (1, 2, 2, 2, 3, 3)
    return _value("fr_nir", plain, grouped(plain, sizes, random.choice((" ", " ", ""))), "FR", "fr")


def es_dni(random: Random) -> Value:
    """Eight digits and their letter."""
    number = random.randrange(10_000_000, 99_999_999)
    letter = checks.dni(number)
    return _value(
        "es_dni", f"{number}{letter}", f"{number}{random.choice(('', '', '-'))}{letter}", "ES", "es"
    )


def es_nie(random: Random) -> Value:
    """A foreigner's number: X, Y or Z, seven digits and their letter."""
    first, number = random.randrange(3), random.randrange(1_000_000, 9_999_999)
    letter, by = checks.dni(first * 10_000_000 + number), random.choice(("", "", "-"))
    start = "XYZ"[first]
    return _value("es_nie", f"{start}{number}{letter}", f"{start}{by}{number}{by}{letter}", "ES", "es")


def it_codice_fiscale(random: Random) -> Value:
    """Six letters of a name that nobody has, a day, a place, a letter."""
    year, month, day = _day(random)
    name = "".join(random.choice(_CONSONANTS) for _ in range(6))
    born = f"{year % 100:02}{'ABCDEHLMPRST'[month - 1]}{day + random.choice((0, 40)):02}"
    body = f"{name}{born}{random.choice(('H501', 'F205', 'L219', 'D612', 'Z112'))}"
    plain = body + checks.codice_fiscale(body)
    spelled = random.choice((plain, plain, plain.lower(), grouped(plain, (3, 3, 5), " ")))
    return _value("it_codice_fiscale", plain, spelled, "IT", "it", evident=True)


def pl_pesel(random: Random) -> Value:
    """Eleven digits with a day of birth in them."""
    year, month, day = _day(random)
    body = f"{year % 100:02}{month + (20 if year >= 2000 else 0):02}{day:02}{digits(random, 4)}"
    plain = body + checks.pesel(body)
    return _value("pl_pesel", plain, plain, "PL", "pl")


def nl_bsn(random: Random) -> Value:
    """Nine digits that pass the test of eleven."""
    plain = _tried(random, 8, checks.bsn)
    return _value("nl_bsn", plain, grouped(plain, (4, 2), random.choice(("", "", "."))), "NL", "nl")


def cn_resident_id(random: Random) -> Value:
    """A resident's number of a district, a day and a turn."""
    year, month, day = _day(random)
    place = random.choice(("110108", "310115", "440305", "320106", "500103"))
    body = f"{place}{year}{month:02}{day:02}{random.randrange(1, 999):03}"
    plain = body + checks.resident_id(body)
    return _value("cn_resident_id", plain, plain, "CN", "zh", evident=True)


def passport(random: Random) -> Value:
    """A passport's number as six states write it."""
    home, plain = random.choice(
        (
            ("GB", digits(random, 9)),
            ("US", random.choice("AE") + digits(random, 8)),
            ("DE", "C" + "".join(random.choice("0123456789CFGHJKLMNPRTVWXYZ") for _ in range(7)) + "4"),
            (
                "FR",
                f"{digits(random, 2)}{random.choice('ABCDEF')}{random.choice('HKLRT')}{digits(random, 5)}",
            ),
            ("ES", f"{random.choice(('PAA', 'XDA', 'AAB'))}{digits(random, 6)}"),
            ("PL", f"{random.choice(('EH', 'AR', 'EK'))}{digits(random, 7)}"),
        )
    )
    return _value("passport", plain, plain, home, "en")


def driving_licence(random: Random) -> Value:
    """A licence's number as two states of the USA, the UK and Germany write it."""
    year, month, day = _day(random)
    name = random.choice(("HOLLO", "PEMBE", "WHITT", "RUSH9", "ASHB9"))
    born = f"{year // 10 % 10}{month:02}{day:02}{year % 10}"
    home, plain = random.choice(
        (
            (
                "GB",
                f"{name}{born}{random.choice('ABJMR')}99{digits(random, 1)}XY",
            ),
            ("US", random.choice("BDFHNY") + digits(random, 7)),
            ("US", random.choice("CLMPS") + digits(random, 12)),
            ("DE", f"{random.choice('BJN')}{digits(random, 3)}RRE{digits(random, 1)}I{digits(random, 2)}"),
        )
    )
    return _value("driving_licence", plain, plain, home, "en")
