"""The unseen set is what it says: counts, spans, check digits, and no text of the foreign set."""

import hashlib
import re
from collections import Counter
from itertools import pairwise

import phonenumbers
import pytest
from worlds.labelled_values import PROOFS, folded, readings

from benchmarks.labelled import foreign
from benchmarks.labelled.foreign import KINDS
from benchmarks.labelled.unseen import by_hand, generate
from benchmarks.labelled.unseen.carriers import CARRIERS
from benchmarks.labelled.unseen.talk import TALK

MADE, HAND = generate(), by_hand()
ALL = (*MADE, *HAND)
CLEAN = [record for record in ALL if not record.labels]


def _values(kind: str) -> set[str]:
    return {label.value for record in MADE for label in record.labels if label.kind == kind}


def test_a_seed_makes_the_same_texts_and_another_seed_makes_others():
    """A figure can be measured again, and the set can be made anew."""
    few = generate(7, each=4, clean=40)

    assert generate() == MADE
    assert generate(7, each=4, clean=40) == few
    known = {record.text for record in MADE}
    assert not [one for one in few if one.text in known and any(KINDS[a.kind].findable for a in one.labels)]


def test_there_are_texts_enough_of_every_kind():
    """Three thousand texts, fifty labels a kind; by hand 250 with labels; 400 clean ones."""
    labels = Counter(label.kind for record in MADE for label in record.labels)

    assert len(ALL) >= 3_000 and len(CLEAN) >= 400
    assert {kind for kind in KINDS if labels[kind] < 50} == set()
    assert sum(bool(record.labels) for record in HAND) >= 250
    assert {label.kind for record in HAND for label in record.labels} == set(KINDS)
    assert {record.kinds_of_carrier[0] for record in MADE} == {*CARRIERS, *TALK, "clean"}


def test_no_text_stands_there_twice_or_in_the_foreign_set():
    """What the other set has was seen by those who made the detector."""
    mine = Counter(hashlib.sha256(record.text.encode()).digest() for record in ALL)
    theirs = {
        hashlib.sha256(record.text.encode()).digest() for record in (*foreign.generate(), *foreign.by_hand())
    }

    assert max(mine.values()) == 1
    assert not mine.keys() & theirs


def test_a_label_spans_what_reads_as_its_value():
    """Decoded and unescaped, what stands there is the value."""
    unlike = [
        (record.kinds_of_carrier, record.text[label.start : label.end], label)
        for record in MADE
        for label in record.labels
        if not any(folded(label) in one for one in readings(record, label))
    ]

    assert unlike == []
    for record in HAND:
        assert [record.text[one.start : one.end] for one in record.labels] == [
            one.value for one in record.labels
        ]


def test_labels_do_not_overlap_unless_they_share_an_encoding():
    """Two values stand in two places, or both in the whole of what they are encoded in."""
    for record in ALL:
        spans = sorted({(label.start, label.end) for label in record.labels})

        assert all(start < end <= len(record.text) for start, end in spans)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))


@pytest.mark.parametrize("kind", PROOFS)
def test_check_digits_are_true(kind):
    """A detector that asks for the check digit loses nothing on this set."""
    values = _values(kind)
    by_hand_too = {label.value for record in HAND for label in record.labels if label.kind == kind}
    if kind not in {"jwt", "private_key", "btc", "github_token", "se_personnummer"}:
        values |= {re.sub(r"[^0-9A-Za-z]", "", value).upper() for value in by_hand_too}

    assert len(values) >= 40
    assert [value for value in values if not PROOFS[kind](value)] == []


def test_telephone_numbers_are_valid_and_national_ones_are_of_the_region():
    """A number that nobody could dial says nothing about finding numbers."""
    for record in ALL:
        for label in record.labels:
            if label.kind.startswith("phone"):
                told = re.sub("^00", "+", label.value.replace("(0)", ""))
                number = phonenumbers.parse(told, record.region)

                assert phonenumbers.is_valid_number(number), label
                if label.kind == "phone_national":
                    assert phonenumbers.is_valid_number_for_region(number, record.region), record


def test_no_clean_text_holds_a_number_of_a_card_or_an_address():
    """Whatever passes Luhn could honestly be taken for one."""
    for record in CLEAN:
        assert not re.search(r"[\w.]+@\w+\.\w+", record.text.replace("@v0.0.0", "")), record.text
        for found in re.findall(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])", record.text):
            number = re.sub(r"\D", "", found)

            assert not (number[0] in "3456" and PROOFS["card"](number)), record.text
