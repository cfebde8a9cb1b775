"""Made-up numbers of persons, each with the check digits that its country demands."""

from collections.abc import Callable
from random import Random

from benchmarks.labelled.foreign import checks
from benchmarks.labelled.foreign.picking import birthday, digits, grouped, letters, signs, until
from benchmarks.labelled.foreign.records import Value


def us_ssn(random: Random) -> Value:
    """A social security number: mostly with dashes; bare or spaced only beside words."""
    known = {"123456789", "219099999", "078051120"}  # From adverts; everybody leaves these out.

    def made() -> str | None:
        area = random.choice([one for one in range(1, 900) if one != 666])
        text = f"{area:03}{random.randrange(1, 100):02}{random.randrange(1, 10_000):04}"
        return None if text in known or len(set(text)) < 4 else text

    plain = until(made)
    between = random.choice(("-", "-", "-", "-", " ", "."))
    spelled = plain if random.random() < 0.15 else grouped(plain, (3, 2), between)
    return Value(kind="us_ssn", plain=plain, spelled=spelled, evident="-" in spelled, region="US")


def us_itin(random: Random) -> Value:
    """A taxpayer's number: begins with 9, and its middle is of the ranges that are given out."""
    middle = random.choice([*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)])
    plain = f"9{digits(random, 2)}{middle}{digits(random, 4)}"
    spelled = plain if random.random() < 0.15 else grouped(plain, (3, 2), random.choice("--- "))
    return Value(kind="us_itin", plain=plain, spelled=spelled, evident="-" in spelled, region="US")


def uk_nhs(random: Random) -> Value:
    """A patient's number of England: ten digits, mostly in 3-3-4."""

    def made() -> str | None:
        nine = random.choice("4679") + digits(random, 8)
        digit = checks.nhs(nine)
        return None if digit is None else nine + digit

    plain = until(made)
    spelled = grouped(plain, (3, 3), random.choice(("", " ", " ", "-")))
    return Value(kind="uk_nhs", plain=plain, spelled=spelled, evident=False, region="GB")


def uk_nino(random: Random) -> Value:
    """A national insurance number."""

    def made() -> str | None:
        prefix = signs(random, "ABCEGHJKLMNOPRSTWXYZ", 1) + signs(random, "ABCEGHJKLMNPRSTWXYZ", 1)
        return None if prefix in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"} else prefix

    plain = until(made) + digits(random, 6) + random.choice("ABCD")
    spelled = random.choice(
        (plain, plain, grouped(plain, (2, 2, 2, 2), " "), grouped(plain, (2, 2, 2, 2), "-"))
    )
    if random.random() < 0.1:
        spelled = spelled.lower()
    return Value(kind="uk_nino", plain=plain, spelled=spelled, evident=False, region="GB")


def se_personnummer(random: Random) -> Value:
    """A Swedish person's number, a tenth of them a coordination number (day plus 60)."""
    day = birthday(random)
    shown = day.day + (60 if random.random() < 0.1 else 0)
    nine = f"{day:%y%m}{shown:02}{digits(random, 3)}"
    last = nine[6:] + checks.luhn(nine)
    short, century = nine[:6], f"{day:%Y}"[:2]
    forms = (f"{short}-{last}", f"{short}-{last}", f"{century}{short}-{last}", f"{century}{short}{last}")
    spelled = random.choice((*forms, f"{short}{last}", f"{short} {last}"))
    return Value(
        kind="se_personnummer",
        plain=f"{century}{short}{last}",
        spelled=spelled,
        evident="-" in spelled,
        region="SE",
        language="sv",
    )


def de_steuer_id(random: Random) -> Value:
    """A German taxpayer's number: of its first ten digits exactly one stands there twice."""

    def made() -> str | None:
        nine = random.sample("0123456789", 9)
        nine.insert(random.randrange(10), random.choice(nine))
        return None if nine[0] == "0" else "".join(nine)

    ten = until(made)
    plain = ten + checks.steuer_id(ten)
    spelled = grouped(plain, (2, 3, 3), random.choice(("", "", " ")))
    return Value(kind="de_steuer_id", plain=plain, spelled=spelled, evident=False, region="DE", language="de")


def fr_nir(random: Random) -> Value:
    """A French social security number with its key; Corsicans too."""
    day = birthday(random)
    department = random.choice((*(f"{number:02}" for number in range(1, 96) if number != 20), "2A", "2B"))
    body = f"{random.choice('12')}{day:%y%m}{department}{digits(random, 6)}"
    number = int(body.replace("2A", "19", 1) if department == "2A" else body.replace("2B", "18", 1))
    plain = f"{body}{97 - number % 97:02}"
    spelled = grouped(plain, (1, 2, 2, 2, 3, 3), random.choice(("", "", " ")))
    return Value(kind="fr_nir", plain=plain, spelled=spelled, evident=True, region="FR", language="fr")


def es_dni(random: Random) -> Value:
    """A Spanish identity number: eight digits and their letter."""
    number = random.randrange(10_000_000, 99_999_999)
    plain = f"{number:08}{checks.dni(number)}"
    dotted = f"{plain[:2]}.{plain[2:5]}.{plain[5:8]}-{plain[8]}"
    spelled = random.choice((plain, plain, f"{plain[:8]}-{plain[8]}", f"{plain[:8]} {plain[8]}", dotted))
    return Value(kind="es_dni", plain=plain, spelled=spelled, evident=False, region="ES", language="es")


def es_nie(random: Random) -> Value:
    """The number of a foreigner in Spain: X, Y or Z, seven digits and their letter."""
    first, seven = random.choice("XYZ"), digits(random, 7)
    plain = f"{first}{seven}{checks.dni(int(str('XYZ'.index(first)) + seven))}"
    spelled = random.choice((plain, plain, f"{first}-{seven}-{plain[8]}", f"{first}{seven}-{plain[8]}"))
    return Value(kind="es_nie", plain=plain, spelled=spelled, evident=False, region="ES", language="es")


def it_codice_fiscale(random: Random) -> Value:
    """An Italian tax code; a woman's day is told plus 40."""
    day = birthday(random)
    consonants = "BCDFGLMNPRSTVZ"
    shown = day.day + random.choice((0, 40))
    town = random.choice(("A562", "F205", "H501", "L219", "D612", "G273", "Z110"))
    fifteen = f"{signs(random, consonants, 6)}{day:%y}{'ABCDEHLMPRST'[day.month - 1]}{shown:02}{town}"
    plain = fifteen + checks.codice_fiscale(fifteen)
    spelled = random.choice((plain, plain, plain, grouped(plain, (3, 3, 5), " "), plain.lower()))
    return Value(
        kind="it_codice_fiscale", plain=plain, spelled=spelled, evident=True, region="IT", language="it"
    )


def pl_pesel(random: Random) -> Value:
    """A Polish person's number; the month tells the century."""
    day = birthday(random)
    month = day.month + (20 if day.year >= 2000 else 0)
    ten = f"{day:%y}{month:02}{day:%d}{digits(random, 4)}"
    plain = ten + checks.pesel(ten)
    return Value(kind="pl_pesel", plain=plain, spelled=plain, evident=False, region="PL", language="pl")


def nl_bsn(random: Random) -> Value:
    """A Dutch citizen's number."""

    def made() -> str | None:
        eight = str(random.randrange(10_000_000, 99_999_999))
        digit = checks.bsn(eight)
        return None if digit is None else eight + digit

    plain = until(made)
    spelled = random.choice((plain, plain, plain, grouped(plain, (4, 2), "."), grouped(plain, (3, 3), " ")))
    return Value(kind="nl_bsn", plain=plain, spelled=spelled, evident=False, region="NL", language="nl")


def cn_resident_id(random: Random) -> Value:
    """A Chinese resident's number: county, day of birth, serial and check sign."""
    county = random.choice(("110101", "310104", "440106", "330106", "510107", "420111", "350203", "610113"))
    seventeen = f"{county}{birthday(random):%Y%m%d}{digits(random, 3)}"
    plain = seventeen + checks.resident_id(seventeen)
    spelled = random.choice((plain, plain, plain, grouped(plain, (6, 8), " "), plain.lower()))
    return Value(
        kind="cn_resident_id", plain=plain, spelled=spelled, evident=True, region="CN", language="zh"
    )


def passport(random: Random) -> Value:
    """A passport's number of one of eight countries; only the words beside it tell it."""
    german = "CFGHJKLMNPRTVWXYZ0123456789"
    forms: dict[str, tuple[str, Callable[[], str]]] = {
        "US": ("en", lambda: random.choice((digits(random, 9), letters(random, 1) + digits(random, 8)))),
        "GB": ("en", lambda: digits(random, 9)),
        "DE": ("de", lambda: f"C{signs(random, german, 8)}"),
        "FR": ("fr", lambda: digits(random, 2) + letters(random, 2) + digits(random, 5)),
        "SE": ("sv", lambda: random.choice((digits(random, 8), letters(random, 2) + digits(random, 7)))),
        "PL": ("pl", lambda: letters(random, 2) + digits(random, 7)),
        "ES": ("es", lambda: letters(random, 3) + digits(random, 6)),
        "CN": ("zh", lambda: random.choice("EG") + digits(random, 8)),
    }
    region = random.choice(sorted(forms))
    language, made = forms[region]
    plain = made()
    if region == "DE" and random.random() < 0.5:
        plain += checks.mrz(plain)
    return Value(kind="passport", plain=plain, spelled=plain, evident=False, region=region, language=language)


def driving_licence(random: Random) -> Value:
    """A driving licence's number of the UK, of some states of the US, or of Germany, beside words."""
    day = birthday(random)
    surname = (signs(random, "BCDFGHKLMNPRSTW", random.choice((4, 5))) + "9999")[:5]
    month = day.month + random.choice((0, 50))
    british = f"{surname}{day.year % 100 // 10}{month:02}{day:%d}{day.year % 10}{letters(random, 2)}"
    british += f"9{letters(random, 2)}"
    forms = (
        *(("GB", "en", british), ("GB", "en", grouped(british, (5, 6), " "))),
        *(("US", "en", letters(random, 1) + digits(random, 7)), ("US", "en", digits(random, 8))),
        ("US", "en", f"{letters(random, 1)}{grouped(digits(random, 12), (3, 3, 2, 3), '-')}"),
        (
            "DE",
            "de",
            f"{letters(random, 1)}{digits(random, 3)}{letters(random, 3)}{digits(random, 1)}"
            f"{letters(random, 1)}{digits(random, 2)}",
        ),
    )
    region, language, plain = random.choice(forms)
    return Value(
        kind="driving_licence", plain=plain, spelled=plain, evident=False, region=region, language=language
    )
