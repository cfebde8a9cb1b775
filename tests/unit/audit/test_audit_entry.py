"""The leaf: canonical for ever, and unable to hold anything by which a person could be found."""

import copy
import hashlib
import ipaddress
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import phonenumbers
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import audit.log.entry
from audit.log.entry import Entry, Previous, Stood, UnfitEntry, check, detail_hash, encode, subjects
from audit.log.merkle import leaf_hash

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "audit_leaf.json").read_text())
SCHEMA = Draft202012Validator(
    json.loads(Path(audit.log.entry.__file__).with_name("entry.schema.json").read_text())
)
TEXTS = ("actor", "action", "purpose", "outcome", "policy_version", "consent_version", "notice_version")

PLAIN = Entry(
    entry_id=UUID("01900000-0000-7000-8000-00000000000a"),
    at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
    workspace=UUID("01900000-0000-7000-8000-000000000001"),
    actor="client:01900000-0000-7000-8000-00000000000b",
    action="releases:batch:send",
    purpose="email_marketing",
    outcome="ok",
    detail_hash=bytes(range(32)),
    policy_version="0123456789abcdef0123456789abcdef",
    consent_version="01900000-0000-7000-8000-00000000000c",
    notice_version="3",
    subjects_count=2,
    subjects_root=bytes(range(32, 64)),
)

hashes = st.binary(min_size=32, max_size=32)
words = st.from_regex(r"[a-z]{1,8}(?:[_-][a-z]{1,8}){0,3}", fullmatch=True)
opaque = st.one_of(st.uuids().map(str), hashes.map(bytes.hex), hashes.map(lambda b: b[:16].hex()))
versions = st.one_of(st.none(), opaque, words, st.integers(0, 999_999).map(str))
ends = {"epoch": st.integers(0, 999_999), "size": st.integers(0, 2**53 - 1), "root": hashes}
entries = st.builds(
    Entry,
    entry_id=st.uuids(),
    at=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=9))])),
    workspace=st.uuids(),
    actor=st.one_of(
        st.tuples(st.sampled_from(["account", "client", "source", "subject"]), opaque).map(":".join),
        words.map("system:{}".format),
    ),
    action=st.tuples(words, words, words).map(":".join),
    purpose=st.one_of(words, opaque),
    outcome=words,
    detail_hash=hashes,
    policy_version=versions,
    consent_version=versions,
    notice_version=versions,
    previous=st.one_of(
        st.none(),
        st.builds(Previous, **ends, stood=st.none() | st.builds(Stood, **ends)),
    ),
).flatmap(
    lambda entry: st.one_of(
        st.just(entry),
        st.builds(
            lambda n, r: replace(entry, subjects_count=n, subjects_root=r), st.integers(1, 10**6), hashes
        ),
    )
)

emails = st.emails()
phones = st.tuples(
    st.sampled_from(["+", "00", "", "tel", "a"]),
    st.text("0123456789", min_size=7, max_size=15),
    st.sampled_from(["", " ", "-", ".", "_", "/"]),
).map(lambda parts: parts[0] + parts[2].join(re.findall(r"\d{1,3}", parts[1])))
addresses = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=4).map(lambda ip: str(ip).replace(".", "_")),
    st.ip_addresses(v=4).map(lambda ip: "host-" + str(ip).replace(".", "-")),
    st.ip_addresses(v=6).map(str),
    st.ip_addresses(v=6).map(lambda ip: ip.exploded),
)
disguises = st.sampled_from(
    ["{}", "u_{}", "system:{}", "client:{}", "a:b:{}", "a:{}:b", "{}:b:c", "x{}y", "{}\n"]
)


def _document(entry: Entry) -> dict[str, Any]:
    return json.loads(encode(entry))


def _fits(document: Any) -> bool:
    try:
        check(document)
    except UnfitEntry:
        return False
    return True


@pytest.mark.parametrize("vector", VECTORS["entries"], ids=lambda v: v["name"])
def test_leaf_bytes_and_hashes_never_change(vector: dict[str, Any]) -> None:
    """Known answers: an old leaf hashes to the same value in every later release."""
    leaf = vector["leaf"].encode()
    check(json.loads(leaf))

    assert rfc8785.dumps(json.loads(leaf)) == leaf
    assert leaf_hash(leaf).hex() == hashlib.sha256(b"\x00" + leaf).hexdigest() == vector["leaf_hash"]


def test_the_plain_entry_is_the_first_vector() -> None:
    """The encoder writes exactly the bytes that were published."""
    assert encode(PLAIN).decode() == VECTORS["entries"][0]["leaf"]


@given(entries)
def test_an_entry_is_canonical_and_fits_its_schema(entry: Entry) -> None:
    """RFC 8785 and `entry.schema.json` hold for everything that can be encoded."""
    leaf = encode(entry)
    document = json.loads(leaf)

    assert SCHEMA.is_valid(document)
    assert rfc8785.dumps(document) == leaf == leaf.decode().encode("ascii")


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 2**54),
    st.text(max_size=5),
    st.text("abz09_-:.@+f\n", max_size=40),
    words,
    opaque,
    emails,
    phones,
    addresses,
    st.lists(st.integers(), max_size=1),
    st.dictionaries(
        st.sampled_from(["epoch", "size", "root", "x"]), st.one_of(st.integers(), hashes.map(bytes.hex))
    ),
)


@given(entries, st.data())
def test_the_fast_check_equals_the_schema(entry: Entry, data: st.DataObject) -> None:
    """`check` and the JSON Schema accept the same documents, whatever is put in or left out."""
    document = copy.deepcopy(_document(entry))
    for _ in range(data.draw(st.integers(1, 2))):
        field = data.draw(st.sampled_from([*sorted(document), "extra"]))
        if field in document and data.draw(st.booleans()):
            del document[field]
        else:
            document[field] = data.draw(junk)

    assert _fits(document) == SCHEMA.is_valid(document)


@given(st.one_of(emails, phones, addresses), disguises, st.sampled_from(TEXTS))
def test_l6_no_email_phone_or_ip_address_can_be_encoded(value: str, disguise: str, field: str) -> None:
    """Whatever looks like a way to reach a person is refused, and the error names only the field."""
    with pytest.raises(UnfitEntry) as caught:
        encode(replace(PLAIN, **{field: disguise.format(value)}))

    assert caught.value.field == field
    assert value not in str(caught.value)


@given(st.text("ab019_-:.@+", max_size=24), st.sampled_from(TEXTS))
def test_l6_what_could_be_encoded_reaches_nobody(text: str, field: str) -> None:
    """Other people's detectors find no number and no address in any text that gets through."""
    try:
        encode(replace(PLAIN, **{field: text}))
    except UnfitEntry:
        return
    spaced = re.sub(r"[_:-]", " ", text)

    assert "@" not in text and "." not in text
    assert not list(phonenumbers.PhoneNumberMatcher(spaced, "US", leniency=phonenumbers.Leniency.POSSIBLE))
    assert not re.search(r"\b\d{1,3}( \d{1,3}){3}\b", spaced)
    for part in text.split(":"):
        with pytest.raises(ValueError, match="does not appear"):
            ipaddress.ip_address(part)


@pytest.mark.parametrize(
    "change",
    [
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"detail_hash": b"short"},
        {"subjects_count": 0},
        {"subjects_count": 10**9},
        {"subjects_count": True},
        {"subjects_root": None},
        {"actor": "account:Alice"},
        {"actor": "alice"},
        {"action": "releases:send"},
        {"purpose": ""},
        {"outcome": "OK"},
        {"outcome": "a" * 64},
        {"notice_version": "1234567"},
        {"previous": Previous(epoch=1, size=-1, root=bytes(32))},
        {"previous": Previous(epoch=1, size=1, root=bytes(32), stood=Stood(epoch=0, size=1, root=bytes(31)))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_is_no_word_id_or_number_is_refused(change: dict[str, Any]) -> None:
    """An entry that does not fit is not written, and its error names the field."""
    with pytest.raises(UnfitEntry) as caught:
        encode(replace(PLAIN, **change))

    named = "subjects_root" if change == {"subjects_count": 0} else next(iter(change))
    assert caught.value.field == named


def test_the_time_is_written_in_utc() -> None:
    """The same instant makes the same leaf, wherever the clock was set."""
    elsewhere = replace(PLAIN, at=PLAIN.at.astimezone(timezone(timedelta(hours=-8))))

    assert encode(elsewhere) == encode(PLAIN)


@given(st.lists(hashes, max_size=20), st.randoms())
def test_the_order_of_subjects_says_nothing(references: list[bytes], random: Any) -> None:
    """The subjects' root is over the sorted distinct references, so it tells no order and no repeats."""
    shuffled = random.sample(references, k=len(references)) + references[:1]

    assert subjects(shuffled) == subjects(references)
    assert subjects(references)[0] == len(set(references))
    assert (subjects(references)[1] is None) == (not references)


def test_subjects_and_detail_hashes_never_change() -> None:
    """Known answers, computed in the vectors' file from their own definition."""
    count, root = subjects(bytes.fromhex(ref) for ref in VECTORS["subjects"]["references"])
    hashed = detail_hash(bytes.fromhex(VECTORS["detail"]["salt"]), VECTORS["detail"]["detail"].encode())

    assert (count, root and root.hex()) == (VECTORS["subjects"]["count"], VECTORS["subjects"]["root"])
    assert hashed.hex() == VECTORS["detail"]["hash"]


def test_a_short_salt_is_refused() -> None:
    """A detail hash that could be guessed is not made."""
    with pytest.raises(UnfitEntry):
        detail_hash(b"salt", b"detail")
