"""The foreign set is what it says: spans, check digits, counts, and nothing personal in what is clean.

The check digits are proved here by rules of their own, not by those that made them.
"""

import ipaddress
import json
import re
from collections import Counter
from itertools import pairwise
from urllib.parse import parse_qs
from xml.etree import ElementTree

import phonenumbers
import pytest
from worlds.labelled_values import PROOFS, folded, readings

from benchmarks.labelled.foreign import KINDS, by_hand, generate
from benchmarks.labelled.foreign.sayings import FIELDS, SENTENCES, WORDS

MADE, HAND = generate(), by_hand()
LABELLED = [record for record in MADE if record.labels]
CLEAN = [record for record in MADE if not record.labels]
BY_KIND = Counter(label.kind for record in MADE for label in record.labels)
STRUCTURED = sorted(name for name, kind in KINDS.items() if kind.structured)


def _values(kind: str) -> list[str]:
    return [label.value for record in (*MADE, *HAND) for label in record.labels if label.kind == kind]


# --- the set ------------------------------------------------------------------------------------


def test_the_same_seed_makes_the_same_texts():
    """A figure that was measured on the set can be measured again."""
    assert generate() == MADE
    assert generate(7, 300) == generate(7, 300)


def test_another_seed_makes_other_texts():
    """The set can be made anew where somebody has grown used to it."""
    known = {record.text for record in LABELLED}
    fresh = [record.text for record in generate(1, 1000) if record.labels]

    assert sum(text in known for text in fresh) < len(fresh) / 20


def test_there_are_texts_enough_of_every_kind():
    """Three thousand labelled, nine hundred clean, and fifty labels for each kind's recall."""
    assert len(LABELLED) >= 3_000
    assert len(CLEAN) >= 900
    assert len(BY_KIND) >= 45
    assert {name for name in KINDS if BY_KIND[name] < 50} == set()


def test_no_text_stands_there_twice():
    """What is counted twice is measured once."""
    texts = [record.text for record in (*MADE, *HAND)]

    assert len(set(texts)) == len(texts)


def test_every_structured_kind_travels_in_many_carriers():
    """A kind that is found in sentences alone is not found in what programs send."""
    carriers = {name: set[str]() for name in KINDS}
    for record in LABELLED:
        for label in record.labels:
            carriers[label.kind].add(record.kinds_of_carrier[0])

    assert {name for name in STRUCTURED if len(carriers[name]) < 8} == set()
    assert {record.kinds_of_carrier[0] for record in LABELLED} == {
        *("sentence", "chat", "note", "json", "json-in-json", "csv", "xml", "html"),
        *("query", "url", "key", "log", "base64", "hex", "glued"),
    }


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)


def test_what_programs_send_can_be_read_by_programs():
    """A detector that parses before it looks sees all of the values: no name stands there twice."""
    for record in MADE:
        carrier = record.kinds_of_carrier[0]
        if carrier in {"json", "key"}:
            json.loads(record.text, object_pairs_hook=_unique)
        if carrier == "json-in-json":
            outer = json.loads(record.text)
            json.loads(next(outer[name] for name in ("raw", "body", "payload") if name in outer))
        if carrier == "xml":
            ElementTree.fromstring(record.text)  # noqa: S314 -- Made here, and read by nobody else.
        if carrier == "query":
            parse_qs(record.text.lstrip("?"), strict_parsing=True)


def test_noise_disturbs_some_of_the_values():
    """Full-width and zero-width signs, odd spaces and dashes, and line breaks come in by hand and by mail."""
    noises = Counter(noise for record in LABELLED for noise in record.kinds_of_carrier[1:])

    assert set(noises) == {"full-width", "zero-width", "odd-spaces", "odd-dashes", "line-break"}
    assert min(noises.values()) >= 10


def test_a_text_is_findable_if_one_of_its_labels_is():
    """What no pattern finds is told apart, for it has to be withheld by its class."""
    for record in (*MADE, *HAND):
        kinds = [KINDS[label.kind] for label in record.labels]

        assert record.findable == (not kinds or any(kind.findable for kind in kinds))
    assert not any(kind.structured and not kind.findable for kind in KINDS.values())


def test_texts_by_hand_are_many_and_of_most_kinds():
    """Templates have a habit; somebody who writes line by line has others."""
    kinds = {label.kind for record in HAND for label in record.labels}

    assert len(HAND) >= 150
    assert sum(not record.labels for record in HAND) >= 50
    assert len(kinds) >= 45


def test_every_kind_has_words_of_its_own():
    """A sentence has one place for its value, and a special category tells what in it is telling."""
    for kind, lines in SENTENCES.items():
        assert kind in KINDS and FIELDS[kind]
        assert len({line for _, line in lines}) == len(lines) >= 4, kind
        assert [line for _, line in lines if line.count("{}") != 1] == []
    for lines in WORDS.values():
        assert [line for line in lines if (line.count("⟦"), line.count("⟧")) != (1, 1)] == []
    assert set(SENTENCES) | set(WORDS) == set(KINDS)


# --- the spans ----------------------------------------------------------------------------------


def test_a_label_spans_what_reads_as_its_value():
    """Decoded, unescaped and without noise, what stands there is the value."""
    unlike = [
        (record.kinds_of_carrier, record.text[label.start : label.end], label)
        for record in (*MADE, *HAND)
        for label in record.labels
        if not any(folded(label) in one for one in readings(record, label))
    ]

    assert unlike == []


def test_labels_do_not_overlap_unless_they_share_an_encoding():
    """Two values stand in two places, or both in the whole of what they are encoded in."""
    for record in (*MADE, *HAND):
        spans = sorted({(label.start, label.end) for label in record.labels})

        assert all(start < end <= len(record.text) for start, end in spans)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))


# --- the check digits ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PROOFS)
def test_check_digits_are_true(kind):
    """A detector that asks for the check digit loses nothing on this set."""
    values = set(_values(kind))

    assert len(values) >= 40
    assert [
        value for value in values if not PROOFS[kind](value.upper() if kind == "it_codice_fiscale" else value)
    ] == []


def test_the_proofs_refuse_what_is_wrong():
    """A proof that takes everything proves nothing: with another last digit each value fails."""
    checked = set(PROOFS) - {
        "us_ssn",
        "us_itin",
        "uk_nino",
        "jwt",
        "private_key",
        "vin",
        "btc",
        "github_token",
    }
    for kind in checked:
        value = _values(kind)[0].upper()
        other = next(sign for sign in ("1", "2") if value[-1] != sign) if value[-1].isdigit() else "A"
        other = "B" if value[-1] == "A" else other

        assert not PROOFS[kind](value[:-1] + other), kind


def test_telephone_numbers_are_valid_and_national_ones_are_of_the_region():
    """A number that nobody could dial says nothing about finding numbers."""
    for record in (*MADE, *HAND):
        for label in record.labels:
            if label.kind.startswith("phone"):
                number = phonenumbers.parse(label.value)

                assert phonenumbers.is_valid_number(number), label
                if label.kind == "phone_national":
                    assert phonenumbers.is_valid_number_for_region(number, record.region), record


def test_telephone_numbers_are_of_many_regions():
    """Each region of a workspace has its own spellings, and the world has more."""
    national = Counter(
        record.region for record in LABELLED if any(label.kind == "phone_national" for label in record.labels)
    )
    codes = {phonenumbers.parse(value).country_code for value in _values("phone_international")}

    assert set(national) == {"SE", "DE", "GB", "US", "FR", "ES", "PL", "CN"}
    assert min(national.values()) >= 12
    assert len(codes) >= 20


def test_addresses_of_machines_are_global():
    """A loopback address is nobody's, so it stands in the clean texts."""
    documents = ("192.0.2.", "198.51.100.", "203.0.113.")

    for value in _values("ipv4"):
        assert value.startswith(documents) or ipaddress.ip_address(value).is_global, value
    assert {len(value) for value in _values("mac")} == {12, 17}


# --- what is clean ------------------------------------------------------------------------------


def test_no_clean_text_holds_a_number_of_a_card():
    """Whatever passes Luhn could honestly be taken for one."""
    for record in (*CLEAN, *(one for one in HAND if not one.labels)):
        for found in re.findall(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])", record.text):
            digits = re.sub(r"\D", "", found)

            assert not (digits[0] in "3456" and PROOFS["card"](digits)), record.text


def test_no_clean_text_holds_an_address_or_a_labelled_value():
    """What is clean must not be found, so nothing may be there."""
    values = {value for kind in STRUCTURED for value in _values(kind) if len(value) > 7}
    for record in (*CLEAN, *(one for one in HAND if not one.labels)):
        assert not re.search(r"[\w.]+@\w+\.\w+", record.text.replace(r"\u", "")), record.text
        assert not any(word in values for word in re.split(r"[\s\"',;|<>=&]+", record.text)), record.text
