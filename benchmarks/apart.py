"""Recall by kind, and precision, on the foreign and the unseen set, made by rules apart from the detector's.

A label is found if a find of a fitting entity overlaps it; a find is right if it finds a label so.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from benchmarks.detection import Find
from benchmarks.labelled import foreign, unseen
from benchmarks.labelled.foreign import KINDS, Label, Record
from benchmarks.labelling import Label as Place
from benchmarks.labelling import Sentence
from benchmarks.results import Bar, Tell
from governance.detection.scanner import Scanner

RECALL, PRECISION = 0.95, 0.95
_QUICK = 300

Finds = Sequence[Place]

# The entities that say what a kind is.
FITTING: Mapping[str, frozenset[str]] = {
    kind: frozenset(entities.split())
    for kind, entities in {
        "email": "EMAIL_ADDRESS",
        "email_in_words": "EMAIL_ADDRESS",
        "phone_international": "CN_MOBILE PHONE_NUMBER",
        "phone_national": "CN_MOBILE PHONE_NUMBER",
        "iban": "IBAN_CODE",
        "card": "CREDIT_CARD",
        "us_ssn": "US_SSN",
        "us_itin": "US_ITIN",
        "us_routing": "ABA_ROUTING_NUMBER",
        "us_bank_account": "US_BANK_NUMBER",
        "uk_nhs": "UK_NHS",
        "uk_nino": "UK_NINO",
        "se_personnummer": "SE_PERSONNUMMER",
        "de_steuer_id": "DE_TAX_ID",
        "fr_nir": "FR_NIR",
        "es_dni": "ES_NIF",
        "es_nie": "ES_NIE",
        "it_codice_fiscale": "IT_FISCAL_CODE",
        "pl_pesel": "PL_PESEL",
        "nl_bsn": "NL_BSN",
        "cn_resident_id": "CN_RESIDENT_ID",
        "passport": "PASSPORT",
        "driving_licence": "DRIVER_LICENSE",
        "ipv4": "IP_ADDRESS",
        "ipv6": "IP_ADDRESS",
        "mac": "MAC_ADDRESS",
        "btc": "CRYPTO",
        "eth": "CRYPTO",
        "imei": "IMEI",
        "vin": "VIN",
        "gps": "GEO_COORDINATES",
        "url_credentials": "URL_CREDENTIALS",
        "password": "PASSWORD",
        "jwt": "SECRET",
        "aws_access_key": "SECRET",
        "aws_secret": "SECRET",
        "github_token": "SECRET",
        "stripe_key": "SECRET",
        "slack_token": "SECRET",
        "private_key": "SECRET",
        "person": "PERSON",
        "person_capitals": "PERSON",
        "person_noisy": "PERSON",
        "person_foreign": "PERSON",
        "street": "STREET_ADDRESS",
        "date_of_birth": "DATE_OF_BIRTH",
        "health": "",
        "religion": "",
        "union": "",
        "politics": "",
        "orientation": "",
    }.items()
}


def found(label: Label, finds: Finds) -> bool:
    """Whether a fitting find overlaps a label."""
    return any(_fits(label, one) for one in finds)


def _fits(label: Label, find: Place) -> bool:
    return find.start < label.end and label.start < find.end and find.entity in FITTING[label.kind]


def measure(scanner: Scanner, vanilla: Find, *, quick: bool, tell: Tell) -> Iterator[Bar]:
    """The bars of both generated sets; texts by hand and what has no structure are told beside them."""
    records = foreign.generate(count=_QUICK) if quick else foreign.generate()
    finds = scanned(scanner, records)
    yield from _bars("apart", scanner, records, finds, foreign.by_hand(), tell)
    yield _kept("apart", records, finds, vanilla)
    fresh = unseen.generate(each=5, clean=45) if quick else unseen.generate()
    finds = scanned(scanner, fresh)
    yield from _bars("unseen", scanner, fresh, finds, unseen.by_hand(), tell)
    yield _kept("unseen", fresh, finds, vanilla)


def _bars(
    name: str,
    scanner: Scanner,
    records: Sequence[Record],
    finds: Sequence[Finds],
    by_hand: Sequence[Record],
    tell: Tell,
) -> Iterator[Bar]:
    """Recall of each structured kind and precision of one set; what is by hand is noted and told."""
    by_hand_finds = scanned(scanner, by_hand)
    for kind, (right, labels) in recall(by_hand, by_hand_finds).items():
        tell(f"{name} by hand {kind}: {right} of {labels}")
    for kind, (right, labels) in recall(records, finds).items():
        tell(f"{name} {kind}: recall {right / labels:.3f} of {labels}")
        if KINDS[kind].structured:
            reference = "labels of a set made by other rules"
            yield _bar(f"{name}_recall_{kind}", right, labels, reference, RECALL)
    right, number = precision(records, finds)
    hand_right, hand_number = precision(by_hand, by_hand_finds)
    notes = {"right_by_hand": hand_right, "by_hand": hand_number}
    yield _bar(f"{name}_precision", right, number, "finds on that set", PRECISION, **notes)


def scanned(scanner: Scanner, records: Sequence[Record]) -> list[list[Place]]:
    """What ours finds, each text in a workspace of its region. Raises `TypeError` for one not scanned."""
    answers: dict[int, list[Place]] = {}
    order = sorted(range(len(records)), key=lambda place: records[place].region)
    for region, group in groupby(order, key=lambda place: records[place].region):
        places = list(group)
        answered = scanner.scan([records[place].text for place in places], regions=[region])
        for place, finds in zip(places, answered, strict=True):
            if isinstance(finds, str):
                raise TypeError(finds)
            answers[place] = [Place(one.start, one.end, one.entity) for one in finds]
    return [answers[place] for place in range(len(records))]


def recall(records: Sequence[Record], finds: Sequence[Finds]) -> dict[str, tuple[int, int]]:
    """Labels found, and labels, of each kind that there is."""
    counts = {kind: [0, 0] for kind in KINDS}
    for record, said in zip(records, finds, strict=True):
        for label in record.labels:
            counts[label.kind][0] += found(label, said)
            counts[label.kind][1] += 1
    return {kind: (right, labels) for kind, (right, labels) in counts.items() if labels}


def precision(records: Sequence[Record], finds: Sequence[Finds]) -> tuple[int, int]:
    """Finds that are right, and finds."""
    judged = [
        any(_fits(label, one) for label in record.labels)
        for record, said in zip(records, finds, strict=True)
        for one in said
    ]
    return sum(judged), len(judged)


def _kept(name: str, records: Sequence[Record], finds: Sequence[Finds], vanilla: Find) -> Bar:
    """Of the labels that Presidio finds with the entity that it has for them, how many ours finds."""
    both = [
        (found(label, said), label.kind)
        for record, said in zip(records, finds, strict=True)
        for theirs in (vanilla(Sentence("en", record.text)),)
        for label in record.labels
        if found(label, theirs)
    ]
    kept = sum(ours for ours, _ in both)
    lost = Counter(kind for ours, kind in both if not ours)
    reference = "labels that Presidio finds"
    return _bar(f"{name}_labels_that_presidio_finds", kept, len(both), reference, 1.0, lost=dict(lost))


def _bar(name: str, value: int, whole: int, reference: str, goal: float, **notes: object) -> Bar:
    return Bar(
        bar=name,
        value=value / whole if whole else 1.0,
        unit="share",
        reference=reference,
        reference_value=1.0,
        goal=goal,
        op=">=",
        notes={"counted": value, "of": whole, **notes},
    )
