"""Generated contacts: e-mail addresses that nobody can have, phones that validate.

Addresses stand under names that RFC 2606 reserves. Phone numbers must be valid where the
person lives, so outside the USA (where 555-01xx is kept for fiction) they may belong to
somebody; nothing in the demo ever leaves this machine.
"""

from dataclasses import dataclass, field
from random import Random

from api.demo.seeds import chance

# RFC 2606: three names and four top-level domains that are nobody's and never will be.
DOMAINS = ("example.com", "example.net", "example.org", "mail.example", "post.example")

# Shares of residences in per cent; a country, or a country and its subdivision (ISO 3166-2).
RESIDENCES = (
    *(("DE", 22), ("FR", 12), ("IT", 8), ("ES", 7), ("NL", 5), ("PL", 5), ("IE", 4), ("AT", 3), ("SE", 3)),
    *(("US-CA", 8), ("US-NY", 4), ("US-TX", 4), ("CN", 8), ("AU", 7)),
)

# Country code, prefix and length of mobile numbers that libphonenumber holds to be valid.
_MOBILES = {
    "DE": ("49", "151", 8),
    "FR": ("33", "612", 6),
    "IT": ("39", "347", 7),
    "ES": ("34", "60", 7),
    "NL": ("31", "612", 6),
    "PL": ("48", "512", 6),
    "IE": ("353", "85", 7),
    "AT": ("43", "664", 7),
    "SE": ("46", "701", 6),
    "CN": ("86", "138", 8),
    "AU": ("61", "412", 6),
}
_AREAS = {
    "US-CA": ("213", "310", "415", "510", "619", "650", "714", "818", "909", "916", "949"),
    "US-NY": ("212", "646", "718", "917"),
    "US-TX": ("210", "214", "512", "713", "817", "915"),
}
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


@dataclass(frozen=True, slots=True)
class Phone:
    """A number in its parts: country code, prefix and the rest."""

    country: str
    prefix: str
    rest: str = field(repr=False)

    @property
    def e164(self) -> str:
        """As `+491511234…`."""
        return f"+{self.country}{self.prefix}{self.rest}"

    @property
    def spaced(self) -> str:
        """As people write it abroad: `+49 151 1234…`."""
        return f"+{self.country} {self.prefix} {self.rest}"

    @property
    def national(self) -> str:
        """As Germans write it at home: `0151 1234…`."""
        return f"0{self.prefix} {self.rest}"


@dataclass(slots=True)
class Contacts:
    """Makes contacts, each once; `addresses` and `numbers` are those that are taken."""

    random: Random
    addresses: set[str] = field(default_factory=set, repr=False)
    numbers: set[str] = field(default_factory=set, repr=False)

    def address(self, given: str, surname: str, number: int) -> str:
        """A new address that looks like the name's."""
        first, last = _letters(given) or "customer", _letters(surname)
        forms = (f"{first}.{last}", f"{first[:1]}.{last}", f"{last}.{first}", f"{first}{last[:1]}{number}")
        local = self.random.choice(forms).strip(".")
        domain = self.random.choice(DOMAINS)
        if len(local) < 3 or f"{local}@{domain}" in self.addresses:
            local = f"{local}{number}"
        while f"{local}@{domain}" in self.addresses:
            local += self.random.choice("0123456789")
        return self._take(f"{local}@{domain}")

    def mistyped(self, address: str) -> str:
        """`address` with one typing error before the @, and nobody else's."""
        local, domain = address.split("@")
        while True:
            wrong = f"{self._mistype(local)}@{domain}"
            if wrong not in self.addresses:
                return self._take(wrong)

    def cased(self, address: str) -> str:
        """The same address in somebody's own capitals or with spaces around it."""
        local, domain = address.split("@")
        return self.random.choice((f"{local.title()}@{domain}", address.upper(), f" {address} "))

    def phone(self, residence: str) -> Phone:
        """A new valid mobile number of `residence`."""
        while True:
            if residence in _AREAS:
                phone = Phone(
                    "1", self.random.choice(_AREAS[residence]), f"55501{self.random.randrange(100):02d}"
                )
            else:
                country, prefix, length = _MOBILES[residence]
                phone = Phone(country, prefix, f"{self.random.randrange(10**length):0{length}d}")
            if phone.e164 not in self.numbers:
                self.numbers.add(phone.e164)
                return phone

    def misdialled(self, phone: Phone) -> Phone:
        """`phone` with one of its last two digits wrong, and nobody else's."""
        while True:
            wrong = Phone(phone.country, phone.prefix, f"{phone.rest[:-2]}{self.random.randrange(100):02d}")
            if wrong.e164 not in self.numbers:
                self.numbers.add(wrong.e164)
                return wrong

    def _take(self, address: str) -> str:
        self.addresses.add(address)
        return address

    def _mistype(self, word: str) -> str:
        at = self.random.randrange(len(word))
        kind = self.random.randrange(4)
        if kind == 0 and at + 1 < len(word):
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        if kind == 1 and 0 < at < len(word) - 1:
            return word[:at] + word[at + 1 :]
        if kind == 2 and word[at].isalpha():
            return word[:at] + word[at] + word[at:]
        return word[:at] + self._neighbour(word[at]) + word[at + 1 :]

    def _neighbour(self, letter: str) -> str:
        for row in _KEYBOARD:
            if letter in row:
                at = row.index(letter) + (1 if chance(self.random, 0.5) else -1)
                return row[at % len(row)]
        return self.random.choice("0123456789")


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if "a" <= letter <= "z")
