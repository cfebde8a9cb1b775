"""The generator: each kind in each shape by turns, then filled clean forms; a seed always makes the same."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import cycle
from random import Random

from benchmarks.labelled.foreign import checks
from benchmarks.labelled.foreign.marks import mark, settle
from benchmarks.labelled.foreign.records import KINDS, Record, Value
from benchmarks.labelled.unseen import contacts, machines, numbers, reading
from benchmarks.labelled.unseen.carriers import CARRIERS
from benchmarks.labelled.unseen.talk import TALK, disturb

SEED, EACH, CLEAN = 611, 52, 560
REGIONS = ("SE", "DE", "GB", "US", "FR", "ES", "PL", "CN", "NL", "IT")
MAKERS: Mapping[str, Callable[[Random], Value]] = {
    kind: getattr(module, kind)
    for kind in KINDS
    for module in (contacts, numbers, machines)
    if hasattr(module, kind)
}
# A text that has one value often has another of these.
_BESIDE = ("email", "phone_international", "person", "ipv4", "date_of_birth")
_NOISY_SHARE, _BESIDE_SHARE, _TALK_SHARE = 0.25, 0.25, 0.45

_FIELDS, _SENTENCES = reading.kinds()
_TOLD = reading.told()
_CLEAN = reading.lines("clean.txt")
_CARD = re.compile(r"(?<![\w.-])[3-6]\d(?:[ -]?\d){11,17}(?![\w.-])")


def generate(seed: int = SEED, each: int = EACH, clean: int = CLEAN) -> tuple[Record, ...]:
    """`each` texts of every kind and so many clean ones; no two alike."""
    random = Random(seed)
    made: dict[str, Record] = {}
    for kind in KINDS:
        shapes = cycle(random.sample(sorted(CARRIERS), len(CARRIERS)))
        _fill(made, each, partial(_labelled, random, kind, shapes))
    forms = cycle(_CLEAN)
    _fill(made, clean, lambda: _unlabelled(random, next(forms)))
    return tuple(made.values())


def _fill(made: dict[str, Record], count: int, make: Callable[[], Record]) -> None:
    wanted = len(made) + count
    while len(made) < wanted:
        record = make()
        made.setdefault(record.text, record)


def _labelled(random: Random, kind: str, shapes: Iterator[str]) -> Record:
    language, value, said = _said(random, kind)
    noises: tuple[str, ...] = ()
    values = [value]
    if random.random() < _TALK_SHARE:
        shape = random.choice(("sentence", *sorted(TALK)))
        text = TALK[shape](random, said, language)
        if random.random() < _NOISY_SHARE:
            text, noise = disturb(random, text, kind)
            noises = (noise,) if noise else ()
    else:
        shape = next(shapes)
        names = _FIELDS.get(kind, ())
        if not names or random.random() < 0.1:
            fields = [(random.choice(("message", "note", "comment")), said)]
        else:
            fields = [(random.choice(names), mark(0, value.spelled))]
            fields += _beside(random, kind, fields[0][0], values)
        fields += random.sample(_fillers(random), random.randrange(1, 4))
        random.shuffle(fields)
        text = CARRIERS[shape](random, fields)
    plain, labels = settle(text, values)
    return Record(
        text=plain,
        labels=labels,
        kinds_of_carrier=(shape, *noises),
        region=value.region or random.choice(REGIONS),
        findable=reading.findable([one.kind for one in values]),
    )


def _said(random: Random, kind: str) -> tuple[str, Value, str]:
    """A language, a value, and a sentence of that language with the value in it."""
    if kind in _TOLD:
        return random.choice(_TOLD[kind])
    value = MAKERS[kind](random)
    mine = _SENTENCES[kind]
    at_home = value.bound or kind in {"person_foreign", "street"}
    language = value.language if at_home else random.choice([one for one in mine for _ in mine[one]])
    return language, value, random.choice(mine[language]).replace("{}", mark(0, value.spelled))


def _beside(random: Random, kind: str, name: str, values: list[Value]) -> list[tuple[str, str]]:
    other = random.choice(_BESIDE)
    names = [one for one in _FIELDS[other] if one != name]
    if kind.startswith(other[:5]) or random.random() > _BESIDE_SHARE:
        return []
    values.append(MAKERS[other](random))
    return [(random.choice(names), mark(1, values[1].spelled))]


def _fillers(random: Random) -> list[tuple[str, str]]:
    return [
        ("status", random.choice(("open", "paid", "returned", "draft"))),
        ("order_ref", f"R-{numbers.digits(random, 6)}"),
        ("created", f"2026-11-{random.randrange(1, 30):02}T0{random.randrange(10)}:15:00Z"),
        ("qty", str(random.randrange(1, 40))),
        ("currency", random.choice(("EUR", "SEK", "GBP", "PLN"))),
        ("build", numbers.digits(random, 5)),
        ("source", random.choice(("web", "ios", "till", "import"))),
        ("comment_code", random.choice(("A1", "B7", "C3"))),
    ]


def _unlabelled(random: Random, form: str) -> Record:
    while True:
        text = re.sub(r"\{([dh])(\d+)\}", lambda one: _digits(random, one[1], int(one[2])), form)
        found = (re.sub(r"\D", "", one) for one in _CARD.findall(text))
        if not any(checks.passes_luhn(one) for one in found):
            break
    return Record(
        text=text, labels=(), kinds_of_carrier=("clean",), region=random.choice(REGIONS), findable=True
    )


def _digits(random: Random, of: str, count: int) -> str:
    return numbers.digits(random, count) if of == "d" else machines.signs(random, count, "0123456789abcdef")
