"""The generator: so many labelled and clean texts of one seed, each kind in each of its carriers by turns."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from random import Random

from benchmarks.labelled.foreign import contacts, identities, machines, payments, people, slots
from benchmarks.labelled.foreign.carriers import CARRIERS, GLUED
from benchmarks.labelled.foreign.marks import settle
from benchmarks.labelled.foreign.noise import NOISY, disturb
from benchmarks.labelled.foreign.records import KINDS, Record, Value
from benchmarks.labelled.foreign.sayings import CLEAN, WORDS, Said, confide, say

SEED, COUNT, CLEAN_SHARE = 20_261_128, 4_200, 0.24
REGIONS = ("SE", "DE", "GB", "US", "FR", "ES", "PL", "CN", "NL", "IT")

MAKERS: Mapping[str, Callable[[Random], Value]] = {
    name: getattr(module, name)
    for name in KINDS
    for module in (contacts, payments, identities, machines, people)
    if hasattr(module, name)
}
# How often a kind's turn comes, where more than once.
_TURNS = {"phone_national": 4, "phone_international": 3, "email": 2, "card": 2, "iban": 2}

_WORDS_OF_PEOPLE = ("sentence", "chat", "note", "json")
_WRITTEN = (*_WORDS_OF_PEOPLE, "csv", "sentence", "xml", "query", "html", "log", "json-in-json")
_CARRIERS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("person", "person_capitals", "person_foreign"), (*_WRITTEN, "key")),
    **dict.fromkeys(("street", "date_of_birth"), _WRITTEN),
    "person_noisy": ("sentence", "log", "sentence", "csv"),
    "private_key": ("sentence", "note", "json", "json-in-json", "csv", "xml", "log", "base64", "hex"),
}
_STRUCTURED = (
    *("sentence", "json", "chat", "csv", "query", "note", "xml", "log", "json-in-json", "key"),
    *("sentence", "base64", "html", "url", "chat", "hex"),
)
_CLEAN = ("sentence",) * 8 + (
    "json",
    "csv",
    "log",
    "note",
    "xml",
    "query",
    "json-in-json",
    "chat",
    "base64",
    "hex",
)
# Carriers in which a second value may stand, and in which noise survives.
_ROOMY = frozenset({"sentence", "chat", "note", "json", "json-in-json", "csv", "xml", "query", "log"})
_TYPED = frozenset({"sentence", "chat", "note", "json", "csv", "xml", "html"})
_SECOND = ("email", "phone_international", "iban", "card", "ipv4", "person")


def generate(seed: int = SEED, count: int = COUNT) -> tuple[Record, ...]:
    """`count` texts, about a quarter of them clean; the same ones for the same seed, and no two alike."""
    clean = int(count * CLEAN_SHARE)
    random = Random(seed)
    records = [*_taken(_labelled(random), count - clean), *_taken(_unlabelled(random), clean)]
    random.shuffle(records)
    return tuple(records)


def _taken(records: Iterator[Record], count: int) -> list[Record]:
    found: dict[str, Record] = {}
    while len(found) < count:
        record = next(records)
        found.setdefault(record.text, record)
    return list(found.values())


def _labelled(random: Random) -> Iterator[Record]:
    turns = [kind for kind in KINDS for _ in range(_TURNS.get(kind, 1))]
    carriers = {kind: cycle(_carriers(kind)) for kind in KINDS}
    for kind in cycle(turns):
        yield _record(random, kind, next(carriers[kind]))


def _carriers(kind: str) -> Sequence[str]:
    usual = _WORDS_OF_PEOPLE if kind in WORDS else _STRUCTURED
    return (*_CARRIERS.get(kind, usual), *(("glued", "glued") if kind in GLUED else ()))


def _record(random: Random, kind: str, carrier: str) -> Record:
    if kind in WORDS:
        value, said = confide(random, 0, kind)
        return _built(random, carrier, [value], [said], ())
    value = MAKERS[kind](random)
    # A bare number that is glued to a word is anything.
    while carrier == "glued" and not value.evident:
        value = MAKERS[kind](random)
    noise: tuple[str, ...] = ()
    if kind in NOISY and carrier in _TYPED and random.random() < 0.25:
        name, spelled = disturb(random, value.spelled)
        value, noise = replace(value, spelled=spelled), (name,)
    values = [value]
    if carrier in _ROOMY and random.random() < 0.1:
        values.append(MAKERS[random.choice([one for one in _SECOND if one != kind])](random))
    rows = [say(random, number, one) for number, one in enumerate(values)]
    return _built(random, carrier, values, rows, noise)


def _built(
    random: Random, carrier: str, values: Sequence[Value], rows: Sequence[Said], noise: tuple[str, ...]
) -> Record:
    text, labels = settle(CARRIERS[carrier](random, rows), values)
    return Record(
        text=text,
        labels=labels,
        kinds_of_carrier=(carrier, *noise),
        region=_region(random, values),
        findable=any(KINDS[label.kind].findable for label in labels) or not labels,
    )


def _region(random: Random, values: Sequence[Value]) -> str:
    """The workspace's: where the value is at home, and now and then elsewhere if it can be told there too."""
    home = values[0].region if values else None
    if home and (values[0].bound or random.random() < 0.75):
        return home
    return random.choice(REGIONS)


def _unlabelled(random: Random) -> Iterator[Record]:
    """All the written ones once, as they are; then filled templates and named fields."""
    for line in CLEAN["written"]:
        yield _as_it_is(random, line.replace(r"\n", "\n"))
    for carrier in cycle(_CLEAN):
        if carrier == "sentence":
            yield _as_it_is(random, slots.fill(random, random.choice(CLEAN["slotted"])))
            continue
        name, _, slot = random.choice(CLEAN["fields"]).partition(": ")
        sentence = slots.fill(random, random.choice(CLEAN["slotted"])).replace("\n", " ")
        said = Said(
            sentence=sentence,
            bare=slots.fill(random, slot),
            telling=name,
            evident=False,
            language="en",
            kind="",
        )
        yield _built(random, carrier, [], [said], ())


def _as_it_is(random: Random, text: str) -> Record:
    return Record(
        text=text,
        labels=(),
        kinds_of_carrier=("sentence",),
        region=random.choice(REGIONS),
        findable=True,
    )
