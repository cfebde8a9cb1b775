"""Numbers and words of machines and shops that are nobody's, though they look like somebody's."""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from random import Random
from uuid import UUID

from benchmarks.labelled.foreign import checks
from benchmarks.labelled.foreign.picking import HEX, digits, letters, signs, until
from benchmarks.labelled.foreign.sayings import chosen

_UPPER = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def _no_card(random: Random, make: Callable[[Random], str]) -> str:
    """A long number that is no card's: whatever passes Luhn could honestly be taken for one."""

    def made() -> str | None:
        text = make(random)
        number = "".join(sign for sign in text if sign.isdigit())
        return None if 13 <= len(number) <= 19 and checks.passes_luhn(number) else text

    return until(made)


def _tracking(random: Random) -> str:
    postal = " ".join(digits(random, 4) for _ in range(3))
    forms = (
        *(f"1Z{signs(random, _UPPER, 6)}{digits(random, 10)}", f"9400 1{digits(random, 3)} {postal} 00"),
        *(f"JJD01{digits(random, 15)}", digits(random, 12), f"RR{digits(random, 9)}SE"),
        *(f"CX{digits(random, 9)}DE", f"7{digits(random, 14)}", f"SF{digits(random, 13)}"),
        f"00340434{digits(random, 12)}",
    )
    return random.choice(forms)


def _price(random: Random) -> str:
    whole, cents = random.randrange(2, 9000), f"{random.randrange(100):02}"
    american = f"{whole:,}"
    german, swedish = american.replace(",", "."), american.replace(",", " ")
    forms = (
        *(f"${american}.{cents}", f"EUR {german},{cents}", f"{swedish},{cents} kr", f"£{whole}.{cents}"),
        *(f"{whole},{cents} €", f"{whole}.{cents} USD", f"¥{whole}{cents}", f"{whole},{cents} zł"),
    )
    return random.choice(forms)


def _four_parts(random: Random) -> str:
    """A version of four numbers, of which one is too large for an address."""
    large, last = random.randrange(256, 9999), random.randrange(999)
    return f"{random.randrange(20)}.{random.randrange(30)}.{large}.{last}"


def _invoice(random: Random) -> str:
    return random.choice((f"R-2026-{digits(random, 4)}", f"INV{digits(random, 7)}", digits(random, 8)))


def _sku(random: Random) -> str:
    number = digits(random, random.choice((4, 6)))
    return f"{letters(random, 2)}-{number}-{random.choice(('BLU', 'XL', 'L2'))}"


def _coupon(random: Random) -> str:
    word = random.choice(("SPRING", "WELCOME", "SAVE", "AUTUMN"))
    return f"{word}{random.randrange(5, 60)}{letters(random, 2)}"


def _day(random: Random) -> str:
    day = date(2023, 1, 1) + timedelta(days=random.randrange(1400))
    return random.choice((day.isoformat(), day.isoformat(), f"{day:%d.%m.%Y}", f"{day:%Y/%m/%d}"))


def _ean(random: Random, head: tuple[str, ...]) -> str:
    def make(one: Random) -> str:
        start = one.choice(head)
        twelve = start + digits(one, 12 - len(start))
        return twelve + checks.ean(twelve)

    return _no_card(random, make)


def _isbn(random: Random) -> str:
    plain = _ean(random, ("978", "979"))
    return random.choice((plain, f"{plain[:3]}-{plain[3]}-{plain[4:7]}-{plain[7:12]}-{plain[12]}"))


def _version(random: Random) -> str:
    return random.choice(("{}.{}.{}", "{}.{}", "v{}.{}.{}", "{}.{}.{}-rc1", "{}.{}.{}+build7")).format(
        *(random.randrange(40) for _ in range(3))
    )


def _image(random: Random, head: bytes) -> str:
    return base64.b64encode(head + random.randbytes(random.randrange(60, 150))).decode()


def _local_ip(random: Random) -> str:
    return random.choice(("127.0.0.1", "0.0.0.0", "localhost", f"127.0.0.{random.randrange(2, 9)}"))  # noqa: S104


def _agent(random: Random) -> str:
    system = random.choice(
        ("X11; Linux x86_64", "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7")
    )
    return f"Mozilla/5.0 ({system}) AppleWebKit/537.36 Chrome/{_browser(random)} Safari/537.36"


def _browser(random: Random) -> str:
    return f"{random.randrange(110, 140)}.0.{random.randrange(5000, 7000)}.{random.randrange(20, 200)}"


def _fraction(random: Random) -> str:
    return f"{random.uniform(0, 90):.{random.randrange(2, 7)}f}"


_MADE: Mapping[str, Callable[[Random], str]] = {
    "unix": lambda random: str(random.randrange(1_500_000_000, 1_800_000_000)),
    "millis": lambda random: _no_card(random, lambda one: str(one.randrange(15 * 10**11, 18 * 10**11))),
    "unix_fraction": lambda random: f"{random.randrange(1_500_000_000, 1_800_000_000)}.{digits(random, 2)}",
    "build": lambda random: digits(random, random.choice((4, 5, 8))),
    "version": _version,
    "browser": _browser,
    "fourparts": _four_parts,
    "order": lambda random: random.choice("12345689") + digits(random, random.choice((4, 5, 7, 8, 9))),
    "invoice": _invoice,
    "tracking": lambda random: _no_card(random, _tracking),
    "sku": _sku,
    "sha1": lambda random: signs(random, HEX, 40),
    "sha256": lambda random: signs(random, HEX, 64),
    "md5": lambda random: signs(random, HEX, 32),
    "span": lambda random: signs(random, HEX, 16),
    "short": lambda random: signs(random, HEX, 8),
    "uuid": lambda random: str(UUID(int=random.getrandbits(128), version=4)),
    "ean": lambda random: _ean(random, ("73", "400", "50", "690", "84")),
    "isbn": _isbn,
    "price": _price,
    "number": lambda random: str(random.randrange(2, 1900)),
    "product": lambda random: digits(random, 6),
    "digit": lambda random: str(random.randrange(1, 10)),
    "two": lambda random: f"{random.randrange(10, 60)}",
    "three": lambda random: str(random.randrange(100, 999)),
    "four": lambda random: str(random.randrange(1000, 9999)),
    "letter": lambda random: random.choice("ABCDEF"),
    "zero": lambda random: random.choice(("0", "128", "192", "255")),
    "colour": lambda random: f"#{signs(random, HEX, random.choice((3, 6, 8)))}",
    "day": _day,
    "bytes": lambda random: str(random.randrange(10_000, 2**31)),
    "batch": lambda random: f"L{digits(random, 5)}{letters(random, 1)}",
    "fraction": _fraction,
    "port": lambda random: str(random.choice((80, 443, 3000, 5432, 6379, 8080, 9200, 27017))),
    "image": lambda random: _image(random, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    "png": lambda random: _image(random, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    "gif": lambda random: _image(random, b"GIF89a"),
    "nonsense": lambda random: base64.urlsafe_b64encode(random.randbytes(random.randrange(9, 27))).decode(),
    "ticket": lambda random: f"{random.choice(('SHOP', 'OPS', 'BUG', 'CRM'))}-{random.randrange(10, 9999)}",
    "serial": lambda random: f"SN{digits(random, 4)}{letters(random, 2)}{digits(random, 5)}",
    "agent": _agent,
    "local_ip": _local_ip,
    "coupon": _coupon,
    "flight": lambda random: f"{random.choice(('SK', 'LH', 'BA', 'AF'))}{random.randrange(100, 3000)}",
    "snowflake": lambda random: _no_card(random, lambda one: str(one.randrange(10**17, 13 * 10**17))),
}  # fmt: skip


def fill(random: Random, template: str) -> str:
    """The template with one of each alternative and all slots made."""
    line = chosen(random, template)
    return re.sub(r"\{(\w+)\}", lambda found: _MADE[found[1]](random), line) if "{" in line else line
