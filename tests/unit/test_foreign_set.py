"""The foreign set is what it says: spans, check digits, counts, and nothing personal in what is clean.

The check digits are proved here by rules of their own, not by those that made them.
"""

import base64
import binascii
import hashlib
import html
import ipaddress
import json
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise
from urllib.parse import parse_qs, unquote, unquote_plus
from xml.etree import ElementTree

import phonenumbers
import pytest

from benchmarks.labelled.foreign import KINDS, Label, Record, by_hand, generate
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
        if not any(_folded(label) in one for one in _readings(record, label))
    ]

    assert unlike == []


def test_labels_do_not_overlap_unless_they_share_an_encoding():
    """Two values stand in two places, or both in the whole of what they are encoded in."""
    for record in (*MADE, *HAND):
        spans = sorted({(label.start, label.end) for label in record.labels})

        assert all(start < end <= len(record.text) for start, end in spans)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))


def _folded(label: Label) -> str:
    """The value as its signs alone; of a telephone number and of a person's number the end."""
    if label.kind.startswith("phone"):
        return label.value[-6:]
    if label.kind == "se_personnummer":
        return label.value[-10:]
    if label.kind == "ipv6":
        return ipaddress.ip_address(label.value).exploded.replace(":", "")
    return _signs(label.value, label.kind)


def _signs(text: str, kind: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    if kind == "email_in_words":
        text = " ".join(part for part in re.split(r"[\W_]+", text) if part not in {"at", "dot", "punkt"})
    return "".join(sign for sign in text if sign.isalnum())


def _readings(record: Record, label: Label) -> Iterator[str]:
    found = record.text[label.start : label.end]
    if label.kind == "ipv6" and not {"base64", "hex", "hand"} & {*record.kinds_of_carrier}:
        yield ipaddress.ip_address(html.unescape(unquote(found))).exploded.replace(":", "")
    for read in (_as_it_is, html.unescape, unquote, unquote_plus, _twice_unquoted, _unescaped, _base64, _hex):
        text = read(found)
        yield _signs(text, label.kind)
        yield _signs(_unescaped(text), label.kind)
        if label.kind == "ipv6":
            for one in re.findall(r"[0-9a-fA-F:]{6,}", text):
                if one.count(":") > 2:
                    yield ipaddress.ip_address(one).exploded.replace(":", "")
        if label.kind == "email":
            yield _signs(text.replace("=40", "@"), label.kind)


def _as_it_is(text: str) -> str:
    return text


def _twice_unquoted(text: str) -> str:
    return unquote(unquote(text))


def _unescaped(text: str) -> str:
    try:
        once = json.loads(f'"{text}"', strict=False)
        return json.loads(f'"{once}"', strict=False) if "\\" in once else once
    except ValueError:
        return text.replace(r"\n", "\n")


def _base64(text: str) -> str:
    tight = text.replace("\\n", "").replace("\n", "").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(tight + "=" * (-len(tight) % 4), validate=True).decode()
    except (ValueError, binascii.Error):
        return ""


def _hex(text: str) -> str:
    try:
        return bytes.fromhex(text).decode()
    except ValueError:
        return ""


# --- the check digits ---------------------------------------------------------------------------


def _luhn(number: str) -> bool:
    doubled = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    total = sum(
        int(sign) if place % 2 == 0 else doubled[int(sign)] for place, sign in enumerate(number[::-1])
    )
    return total % 10 == 0


def _iban(text: str) -> bool:
    moved = text[4:] + text[:4]
    return int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


def _ssn(text: str) -> bool:
    area, group, serial = text[:3], text[3:5], text[5:]
    return (
        len(text) == 9 and area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"
    )


def _itin(text: str) -> bool:
    middle = int(text[3:5])
    return len(text) == 9 and text[0] == "9" and middle >= 50 and middle not in {66, 67, 68, 69, 89, 93}


def _aba(text: str) -> bool:
    one, two, three = (sum(map(int, text[start::3])) for start in range(3))
    return len(text) == 9 and (3 * one + 7 * two + three) % 10 == 0


def _nhs(text: str) -> bool:
    return len(text) == 10 and sum((10 - at) * int(sign) for at, sign in enumerate(text[:9])) % 11 == (
        (11 - int(text[9])) % 11
    )


def _nino(text: str) -> bool:
    return (
        re.fullmatch(r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]", text)
        is not None
    )


def _personnummer(text: str) -> bool:
    day = int(text[6:8])
    date(int(text[:4]), int(text[4:6]), day - 60 if day > 60 else day)
    return len(text) == 12 and _luhn(text[2:])


def _steuer_id(text: str) -> bool:
    rest = 10
    for sign in text[:10]:
        rest = ((rest + int(sign)) % 10 or 10) * 2 % 11
    repeated = sorted(Counter(text[:10]).values())
    return len(text) == 11 and text[0] != "0" and repeated[-2:] == [1, 2] and (rest + int(text[10])) % 10 == 1


def _nir(text: str) -> bool:
    body = text[:13].replace("2A", "19").replace("2B", "18") if text[6] in "AB" else text[:13]
    return len(text) == 15 and (int(body) + int(text[13:])) % 97 == 0


def _dni(text: str) -> bool:
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return len(text) == 9 and text[-1] == "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]


def _codice_fiscale(text: str) -> bool:
    odd = "BAKPLCQDREVOSFTGUHMINJWZYX"  # At the place of each letter's worth stands the letter itself.
    total = 0
    for place, sign in enumerate(text[:15], 1):
        letter = "ABCDEFGHIJ"[int(sign)] if sign.isdigit() else sign
        total += odd.index(letter) if place % 2 else ord(letter) - 65
    return len(text) == 16 and total % 26 == ord(text[15]) - 65


def _pesel(text: str) -> bool:
    total = sum(int(sign) * int(weight) for sign, weight in zip(text, "13791379131", strict=True))
    return total % 10 == 0


def _bsn(text: str) -> bool:
    total = sum(int(sign) * weight for sign, weight in zip(text, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True))
    return total % 11 == 0


def _resident(text: str) -> bool:
    date.fromisoformat(f"{text[6:10]}-{text[10:12]}-{text[12:14]}")
    worth = [10 if sign == "X" else int(sign) for sign in text]
    return sum(one * pow(2, 17 - place, 11) for place, one in enumerate(worth)) % 11 == 1


def _vin(text: str) -> bool:
    letters = {
        letter: value
        for value, row in enumerate(("", "AJ", "BKS", "CLT", "DMU", "ENV", "FW", "GPX", "HY", "RZ"))
        for letter in row
    }
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum(
        (int(sign) if sign.isdigit() else letters[sign]) * weight
        for sign, weight in zip(text, weights, strict=True)
    )
    return text[8] == "0123456789X"[total % 11]


def _btc(text: str) -> bool:
    if text.startswith("bc1"):
        signs = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(sign) for sign in text[3:]]
        rest = 1
        for value in (3, 3, 0, 2, 3, *signs):
            high = rest >> 25
            rest = (rest & 0x1FFFFFF) << 5 ^ value
            for bit, term in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
                if high >> bit & 1:
                    rest ^= term
        return rest == (1 if signs[0] == 0 else 0x2BC830A3)
    number = 0
    for sign in text:
        number = number * 58 + "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".index(sign)
    raw = number.to_bytes(25)
    return hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4] == raw[21:]


def _github(text: str) -> bool:
    if text.startswith("github_"):
        return re.fullmatch(r"github_pat_\w{22}_\w{59}", text) is not None
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = 0
    for sign in text[-6:]:
        number = number * 62 + alphabet.index(sign)
    return len(text) == 40 and number == zlib.crc32(text[4:-6].encode())


def _jwt(text: str) -> bool:
    head, claims, signature = text.split(".")
    for part in (head, claims):
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return len(signature) >= 43


def _private(text: str) -> bool:
    body = text.split("-----")[2]
    return len(base64.b64decode(body.replace("\n", ""), validate=True)) > 100


PROOFS: dict[str, Callable[[str], bool]] = {
    **{"card": _luhn, "imei": _luhn, "iban": _iban, "us_ssn": _ssn, "us_itin": _itin, "us_routing": _aba},
    **{"uk_nhs": _nhs, "uk_nino": _nino, "se_personnummer": _personnummer, "de_steuer_id": _steuer_id},
    **{
        "fr_nir": _nir,
        "es_dni": _dni,
        "es_nie": _dni,
        "it_codice_fiscale": _codice_fiscale,
        "pl_pesel": _pesel,
    },
    **{"nl_bsn": _bsn, "cn_resident_id": _resident, "vin": _vin, "btc": _btc, "github_token": _github},
    **{"jwt": _jwt, "private_key": _private},
}


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

            assert not (digits[0] in "3456" and _luhn(digits)), record.text


def test_no_clean_text_holds_an_address_or_a_labelled_value():
    """What is clean must not be found, so nothing may be there."""
    values = {value for kind in STRUCTURED for value in _values(kind) if len(value) > 7}
    for record in (*CLEAN, *(one for one in HAND if not one.labels)):
        assert not re.search(r"[\w.]+@\w+\.\w+", record.text.replace(r"\u", "")), record.text
        assert not any(word in values for word in re.split(r"[\s\"',;|<>=&]+", record.text)), record.text
