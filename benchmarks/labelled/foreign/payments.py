"""Made-up accounts and cards: IBANs of many countries, card numbers, US routing and account numbers."""

from collections.abc import Callable, Mapping
from random import Random

from benchmarks.labelled.foreign import checks
from benchmarks.labelled.foreign.picking import digits, grouped, letters, until
from benchmarks.labelled.foreign.records import Value


def _french(random: Random) -> str:
    bank, branch, account = digits(random, 5), digits(random, 5), digits(random, 11)
    key = 97 - (89 * int(bank) + 15 * int(branch) + 3 * int(account)) % 97
    return f"{bank}{branch}{account}{key:02}"


def _spanish(random: Random) -> str:
    bank, account = digits(random, 8), digits(random, 10)
    weights = [2**power % 11 for power in range(10)]
    both = (11 - checks.weighted(text, weights) % 11 for text in (f"00{bank}", account))
    return bank + "".join("1" if digit == 10 else str(digit % 11) for digit in both) + account


def _belgian(random: Random) -> str:
    ten = digits(random, 10)
    return f"{ten}{int(ten) % 97 or 97:02}"


def _polish(random: Random) -> str:
    bank = digits(random, 7)
    return bank + str(-checks.weighted(bank, (3, 9, 7, 1, 3, 9, 7)) % 10) + digits(random, 16)


# The account numbers of these have either no check of their own for all banks, or it is made here.
ACCOUNTS: Mapping[str, Callable[[Random], str]] = {
    "DE": lambda random: digits(random, 18),
    "GB": lambda random: letters(random, 4) + digits(random, 14),
    "NL": lambda random: letters(random, 4) + digits(random, 10),
    "IE": lambda random: letters(random, 4) + digits(random, 14),
    "AT": lambda random: digits(random, 16),
    "CH": lambda random: digits(random, 17),
    "SE": lambda random: digits(random, 20),
    "DK": lambda random: digits(random, 14),
    "LU": lambda random: digits(random, 16),
    "FR": _french,
    "ES": _spanish,
    "BE": _belgian,
    "PL": _polish,
}
_LANGUAGES = {"DE": "de", "AT": "de", "CH": "de", "FR": "fr", "ES": "es", "SE": "sv", "PL": "pl"}


def iban(random: Random) -> Value:
    """An account number of one of thirteen countries: tight, in fours, dotted, with dashes, small letters."""
    country = random.choice(sorted(ACCOUNTS))
    plain = checks.iban(country, ACCOUNTS[country](random))
    between = random.choice(("", "", " ", " ", " ", ".", "-"))
    spelled = grouped(plain, (4,) * ((len(plain) - 1) // 4), between)
    if random.random() < 0.1:
        spelled = spelled.lower()
    language = _LANGUAGES.get(country, "en")
    return Value(kind="iban", plain=plain, spelled=spelled, evident=True, region=country, language=language)


# By brand: what a number begins with, its length, and the groups in which it is printed.
CARDS: Mapping[str, tuple[Callable[[Random], str], int, tuple[int, ...]]] = {
    "visa": (lambda _: "4", 16, (4, 4, 4)),
    "mastercard": (
        lambda random: str(random.choice((random.randrange(51, 56), random.randrange(2221, 2721)))),
        16,
        (4, 4, 4),
    ),
    "amex": (lambda random: random.choice(("34", "37")), 15, (4, 6)),
    "discover": (lambda _: "6011", 16, (4, 4, 4)),
    "jcb": (lambda random: str(random.randrange(3528, 3590)), 16, (4, 4, 4)),
    "diners": (lambda _: "36", 14, (4, 6)),
}


def card(random: Random) -> Value:
    """A card's number that passes Luhn: tight, or with spaces, dashes, dots or commas between the groups."""
    head, length, sizes = CARDS[random.choice(sorted(CARDS))]
    start = head(random)
    body = start + digits(random, length - 1 - len(start))
    plain = body + checks.luhn(body)
    between = random.choice(("", "", " ", " ", " ", "-", "-", ",", ".", "  "))
    spelled = grouped(plain, sizes, between)
    return Value(kind="card", plain=plain, spelled=spelled, evident=bool(between), language="en")


def us_routing(random: Random) -> Value:
    """The number of a bank in the US; nine digits that only the words beside them tell."""
    head = random.choice([*range(1, 13), *range(21, 33)])
    eight = f"{head:02}{digits(random, 6)}"
    plain = eight + checks.aba(eight)
    spelled = random.choice((plain, plain, plain, f"{plain[:4]}-{plain[4:8]}-{plain[8]}"))
    return Value(kind="us_routing", plain=plain, spelled=spelled, evident=False, region="US")


def us_bank_account(random: Random) -> Value:
    """The number of an account in the US: 8 to 17 digits without a check."""

    def made() -> str | None:
        text = digits(random, random.choice((8, 9, 10, 10, 11, 12, 12, 13, 14, 17)))
        return None if text.startswith("0") or checks.passes_luhn(text) else text

    plain = until(made)
    return Value(kind="us_bank_account", plain=plain, spelled=plain, evident=False, region="US")
