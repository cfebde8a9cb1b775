"""The 400 labelled sentences: hand-written hard cases, and seeded templates around made-up values.

`labelled/tuned.txt` is what the detector may be tuned on; `labelled/held_out.txt` has other
templates, other names, another seed and other hard cases, and was looked at only to measure.
`python -m benchmarks.labelling` writes both from the `hand_*` files and the templates; a test
holds them equal. Every value is invented; numbers with a checksum pass it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from governance.detection import checksums

FOLDER = Path(__file__).parent / "labelled"
PARTS = {"tuned": 230, "held_out": 170}
_LABEL = re.compile("⟦([A-Z_]+)\\|([^⟧]*)⟧")


@dataclass(frozen=True, slots=True, order=True)
class Label:
    """Where something personal stands, and what it is."""

    start: int
    end: int
    entity: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text with what has to be found in it, and nothing else."""

    language: str
    text: str
    labels: Sequence[Label] = field(default=())


def parse(line: str) -> Sentence:
    """A line of a file: language, tab, text with `⟦ENTITY|…⟧` around what is labelled."""
    language, _, marked = line.rstrip("\n").partition("\t")
    text, labels, at = "", [], 0
    for found in _LABEL.finditer(marked):
        text += marked[at : found.start()]
        labels.append(Label(len(text), len(text) + len(found[2]), found[1]))
        text += found[2]
        at = found.end()
    return Sentence(language, text + marked[at:], tuple(labels))


def sentences(part: str) -> list[Sentence]:
    """The sentences of `tuned` or `held_out`."""
    lines = (FOLDER / f"{part}.txt").read_text(encoding="utf-8").split("\n")
    return [parse(line) for line in lines if line and not line.startswith("#")]


# --- values ---------------------------------------------------------------------------------------

_NAMES = {
    "tuned": [
        "Alice Johnson",
        "Mohammed Rahman",
        "Sofia Rossi",
        "William Turner",
        "Chloe Martin",
        "Rajesh Kumar",
        "Grace Kim",
        "Peter Novak",
        "Isabella Moreno",
        "James O'Connor",
        "Fatima Haddad",
        "George Papadopoulos",
        "Hannah Fischer",
        "Daniel Nguyen",
        "Laura Jensen",
        "Michael Brown",
        "Aisha Bello",
        "Thomas Wright",
        "Elena Petrova",
        "Carlos Mendoza",
    ],
    "held_out": [
        "Benjamin Clark",
        "Yuki Tanaka",
        "Natalie Dubois",
        "Samuel Okafor",
        "Victoria Hughes",
        "Andreas Keller",
        "Meera Iyer",
        "Christopher Lee",
        "Julia Kowalska",
        "Patrick Murphy",
        "Leila Mansour",
        "Henry Walker",
        "Camila Torres",
        "Stephen Morris",
        "Ingrid Larsen",
        "Omar Farouk",
        "Rachel Green",
        "Matthew Evans",
        "Diana Popescu",
        "Kevin Zhou",
    ],
}
_HOSTS = {
    "tuned": "example.com example.org mail.example.net brightmail.io acme-shop.co.uk kunde.de".split(),  # noqa: SIM905
    "held_out": "example.fr post.example.ch northwind.com.au webmail.ca empresa.com.br uni-bonn.de".split(),  # noqa: SIM905
}
_PHONES = (
    "+1 (2{d}{d}) 555-01{d}{d}",
    "(212) 555-2{d}{d}{d}",
    "415-555-26{d}{d}",
    "+44 20 7946 0{d}{d}{d}",
    "+44 7700 900{d}{d}{d}",
    "+49 30 9018{d}{d}{d}{d}",
    "0151 2345{d}{d}{d}{d}",
    "+33 6 12 34 {d}{d} {d}{d}",
    "01 42 68 {d}{d} {d}{d}",
    "+91 98765 4{d}{d}{d}{d}",
    "+55 11 9{d}{d}{d}{d}-4321",
    "+972 54-123-4{d}{d}{d}",
)
_KINDS = (("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16), ("3530", 16))
_BANKS = (
    ("DE", "{d}" * 18),
    ("GB", "NWBK" + "{d}" * 14),
    ("FR", "{d}" * 23),
    ("NL", "ABNA" + "{d}" * 10),
    ("ES", "{d}" * 20),
    ("CH", "{d}" * 17),
    ("AT", "{d}" * 16),
    ("PL", "{d}" * 24),
)


def _digits(pattern: str, random: Random) -> str:
    return re.sub(r"\{d\}", lambda _: str(random.randrange(10)), pattern)


def _email(part: str, random: Random) -> str:
    given, _, surname = random.choice(_NAMES[part]).lower().replace("'", "").partition(" ")
    local = random.choice((f"{given}.{surname}", f"{given[0]}{surname}", f"{given}_{random.randrange(99)}"))
    address = f"{local}@{random.choice(_HOSTS[part])}"
    wide = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
    disguise = random.randrange(6)
    return (address.translate(wide), address.replace("@", "%40"))[disguise] if disguise < 2 else address


def _card(random: Random) -> str:
    prefix, length = random.choice(_KINDS)
    body = _digits(prefix + "{d}" * (length - len(prefix) - 1), random)
    number = next(body + str(check) for check in range(10) if checksums.luhn(body + str(check)))
    style = random.randrange(3)
    if style == 0:
        return number
    groups = [4, 6, 5] if length == 15 else [4, 4, 4, 4]
    parts, at = [], 0
    for group in groups:
        parts.append(number[at : at + group])
        at += group
    return (" ", "-")[style - 1].join(parts)


def _iban(random: Random) -> str:
    country, pattern = random.choice(_BANKS)
    account = _digits(pattern, random)
    number = next(
        f"{country}{check:02}{account}"
        for check in range(2, 99)
        if checksums.iban(f"{country}{check:02}{account}")
    )
    if random.randrange(2):
        return number
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def _resident(random: Random) -> str:
    place = random.choice(("110105", "310104", "440524", "510107", "330106"))
    day = f"{random.randrange(1950, 2005)}{random.randrange(1, 13):02}{random.randrange(1, 29):02}"
    body = f"{place}{day}{random.randrange(1, 1000):03}"
    return next(body + check for check in "0123456789X" if checksums.resident_id(body + check))


def _mobile(random: Random) -> str:
    start = random.choice(("138", "139", "150", "159", "177", "186", "199"))
    form = random.choice((f"{start}" + "{d}" * 8, f"{start} " + "{d}" * 4 + " " + "{d}" * 4))
    return random.choice(("", "", "+86 ")) + _digits(form, random)


def _value(entity: str, part: str, random: Random) -> str:
    if entity == "PERSON":
        return random.choice(_NAMES[part])
    if entity == "EMAIL_ADDRESS":
        return _email(part, random)
    if entity == "PHONE_NUMBER":
        return _digits(random.choice(_PHONES), random)
    makers = {"CREDIT_CARD": _card, "IBAN_CODE": _iban, "CN_RESIDENT_ID": _resident, "CN_MOBILE": _mobile}
    return makers[entity](random)


# --- templates ------------------------------------------------------------------------------------


def _marked(template: str, part: str, random: Random) -> str:
    def fill(found: re.Match[str]) -> str:
        return f"⟦{found[1]}|{_value(found[1], part, random)}⟧"

    # `{d}` is a digit, `{D}` one that is never zero: numbers that belong to nobody.
    filled = re.sub(r"\{([A-Z]{2}[A-Z_]+)\}", fill, template)
    return re.sub(r"\{[dD]\}", lambda one: str(random.randrange(one[0] == "{D}", 10)), filled)


def generated(part: str) -> Iterator[str]:
    """The lines of one part: the hand-written ones, then seeded templates up to the size of the part."""
    hand = (FOLDER / f"hand_{part}.txt").read_text(encoding="utf-8").split("\n")
    lines = [line for line in hand if line and not line.startswith("#")]
    yield from lines
    templates = (FOLDER / f"templates_{part}.txt").read_text(encoding="utf-8").split("\n")
    templates = [line for line in templates if line and not line.startswith("#")]
    random = Random(f"labelled {part} 1")
    for number in range(PARTS[part] - len(lines)):
        yield _marked(templates[number % len(templates)], part, random)


def main() -> None:
    """Write both files anew."""
    for part in PARTS:
        head = (
            f"# Written by `python -m benchmarks.labelling` from hand_{part}.txt and templates_{part}.txt.\n"
        )
        (FOLDER / f"{part}.txt").write_text(head + "\n".join(generated(part)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
