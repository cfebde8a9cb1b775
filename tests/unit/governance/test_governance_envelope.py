"""Envelopes and bundles: bound to their place, one error for whatever is wrong (K3, K4)."""

import subprocess
import sys
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp.kernel.errors import BrokenSeal
from cdp.kernel.ids import new_id
from cdp.vocabulary import FieldClass
from governance.keys import row_bundle
from governance.keys.envelope import (
    ROW_VERSION,
    Context,
    DataKey,
    NotSealable,
    _decrypted,
    key_id_of,
    open_row,
    seal,
    seal_row,
    unseal,
)
from governance.keys.wrapping import new_data_key, successor

ROW = UUID("01900000-0000-7000-8000-000000000004")
KEY = new_data_key(new_id(), workspace=new_id())
PLACE = {"key": KEY, "context": Context.STATEMENT, "row": ROW, "cls": FieldClass.CONTACT}
TOKEN = seal(b'{"email":"anna@example.com"}', **PLACE)
ROW_PLACE = {"key": KEY, "context": Context.EVENT, "row": ROW}
FIELDS = {FieldClass.CONTACT: {"email": "anna@example.com"}, FieldClass.PURCHASE: {"revenue": 12.5}}
BUNDLE = seal_row(FIELDS, **ROW_PLACE)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=8,
)


def refusal(token, **place):
    """The error of opening `token`: its exact class, text and visible cause."""
    with pytest.raises(BrokenSeal) as caught:
        unseal(token, **(PLACE | place))
    error = caught.value
    return type(error), str(error), error.__cause__, error.__suppress_context__ or error.__context__ is None


UNIFORM = (BrokenSeal, str(BrokenSeal()), None, True)


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from(FieldClass),
        st.dictionaries(st.text(st.characters(codec="utf-8")), json_values),
        min_size=1,
    )
)
def test_a_row_opens_to_the_fields_that_were_sealed(fields):
    """Sealing loses and invents nothing."""
    assert open_row(seal_row(fields, **ROW_PLACE), **ROW_PLACE) == fields


def test_every_flipped_bit_is_one_uniform_error():
    """K3: given any flipped bit of header, nonce, text or tag, then one uniform error."""
    answers = set()
    for bit in range(len(TOKEN) * 8):
        broken = bytearray(TOKEN)
        broken[bit // 8] ^= 1 << bit % 8
        answers.add(refusal(bytes(broken)))

    assert answers == {UNIFORM}


def test_every_cut_is_the_same_error():
    """K3: given an envelope cut anywhere, or lengthened, then the same error."""
    cuts = [TOKEN[:at] for at in range(len(TOKEN))] + [TOKEN[at:] for at in range(1, len(TOKEN))]

    assert {refusal(cut) for cut in [*cuts, TOKEN + b"\0"]} == {UNIFORM}


@given(st.binary(max_size=120))
def test_arbitrary_bytes_are_the_same_error(junk):
    """K3: given bytes that were never sealed, then the same error."""
    assert refusal(junk) == UNIFORM


def test_a_stripped_version_and_a_downgraded_algorithm_are_the_same_error():
    """K3: given no version byte, another version or another algorithm, then the same error."""
    forged = [
        TOKEN[1:],
        *(bytes([v]) + TOKEN[1:] for v in (0, 2, 255)),
        *(b"\1" + bytes([a]) + TOKEN[2:] for a in (0, 2)),
    ]

    assert {refusal(token) for token in forged} == {UNIFORM}


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"context": Context.EVENT},
        {"row": new_id()},
        {"cls": FieldClass.IDENTITY},
        {"key": successor(KEY)},
        {
            "key": DataKey(
                workspace=new_id(), fragment=KEY.fragment, key_id=KEY.key_id, dek=KEY.dek, salt=KEY.salt
            )
        },
        {
            "key": DataKey(
                workspace=KEY.workspace, fragment=new_id(), key_id=KEY.key_id, dek=KEY.dek, salt=KEY.salt
            )
        },
        {
            "key": DataKey(
                workspace=KEY.workspace, fragment=KEY.fragment, key_id=new_id(), dek=KEY.dek, salt=KEY.salt
            )
        },
    ],
    ids=["context", "row", "class", "key", "workspace", "fragment", "key id"],
)
def test_an_envelope_opens_only_where_it_was_sealed(elsewhere):
    """Given an envelope moved to another row, class, fragment or workspace, then the same error."""
    assert refusal(TOKEN, **elsewhere) == UNIFORM


@given(st.integers(0, len(BUNDLE) * 8 - 1))
def test_a_flipped_bit_in_a_bundle_is_the_same_error(bit):
    """K3: given any flipped bit of a bundle, framing included, then the one uniform error."""
    broken = bytearray(BUNDLE)
    broken[bit // 8] ^= 1 << bit % 8

    with pytest.raises(BrokenSeal) as caught:
        open_row(bytes(broken), **ROW_PLACE)
    assert (type(caught.value), str(caught.value)) == UNIFORM[:2]


@given(st.binary(max_size=64))
def test_arbitrary_framing_is_refused_or_is_what_pack_writes(junk):
    """A bundle has one form: what can be taken apart is put together again to the same bytes."""
    try:
        tokens = row_bundle.unpack(junk)
    except BrokenSeal:
        return

    assert row_bundle.pack(tokens) == junk


@pytest.mark.parametrize(
    "framed",
    [
        b"\6\0\0\0\1a\1\0\0\0\1b",
        b"\1\0\0\0\1a\1\0\0\0\1b",
        b"\0\0\0\0\1a",
        b"\xff\0\0\0\1a",
        b"\1\0\0\0\2a",
        b"\1\0\0\0",
    ],
    ids=["order", "twice", "class 0", "unknown class", "too long", "half a head"],
)
def test_framing_that_pack_never_writes_is_the_uniform_error(framed):
    """Given classes out of order, repeated or unknown, or lengths that lie, then the same error."""
    with pytest.raises(BrokenSeal) as caught:
        row_bundle.unpack(framed)

    assert (type(caught.value), str(caught.value)) == UNIFORM[:2]


def test_classes_open_without_each_other():
    """Minimising: a class that was not asked for stays closed, even a broken one."""
    tokens = row_bundle.unpack(BUNDLE)
    broken = row_bundle.pack(tokens | {FieldClass.CONTACT: bytes(80)})
    opened = open_row(broken, **ROW_PLACE, classes={FieldClass.PURCHASE})

    assert opened == {FieldClass.PURCHASE: FIELDS[FieldClass.PURCHASE]}


def test_envelopes_cannot_swap_classes_within_a_bundle():
    """Given two envelopes of a row under each other's class, then neither opens."""
    contact, purchase = row_bundle.unpack(BUNDLE).values()
    swapped = row_bundle.pack({FieldClass.CONTACT: purchase, FieldClass.PURCHASE: contact})

    for cls in FIELDS:
        with pytest.raises(BrokenSeal):
            open_row(swapped, **ROW_PLACE, classes={cls})


@pytest.mark.parametrize(
    "asked", [{FieldClass.CONTACT}, {FieldClass.PURCHASE}, {FieldClass.ADDRESS}, set(FieldClass)]
)
@pytest.mark.parametrize("gone", [{FieldClass.CONTACT}, {FieldClass.PURCHASE}, set(FIELDS)])
def test_an_envelope_that_was_taken_away_is_the_same_error(gone, asked):
    """Given a row without one of its envelopes, or without any, then nothing of it opens."""
    left = row_bundle.pack(
        {cls: token for cls, token in row_bundle.unpack(BUNDLE).items() if cls not in gone}
    )

    with pytest.raises(BrokenSeal) as caught:
        open_row(left, **ROW_PLACE, classes=asked)
    assert (type(caught.value), str(caught.value)) == UNIFORM[:2]


def test_the_blob_does_not_depend_on_the_order_of_fields():
    """One content has one form, so that its length tells nothing of how it arrived."""
    blobs = set()
    for fields in ({"a": {"x": 1, "y": 2}, "b": 2}, {"b": 2, "a": {"y": 2, "x": 1}}):
        sealed = row_bundle.unpack(seal_row({FieldClass.CONTACT: fields}, **ROW_PLACE))
        aad = KEY._row_aads(Context.EVENT, ROW, {FieldClass.CONTACT})[FieldClass.CONTACT]
        blobs.add(_decrypted(sealed[FieldClass.CONTACT], ROW_VERSION, KEY, aad))

    assert blobs == {b'{"a":{"x":1,"y":2},"b":2}'}


@pytest.mark.parametrize("value", ["\ud800anna", object(), {"deep": {1.5 + 2j}}])
def test_what_is_not_json_is_refused_without_being_shown(value):
    """A value that cannot be written is an error that names no value."""
    with pytest.raises(NotSealable) as caught:
        seal_row({FieldClass.CONTACT: {"email": value}}, **ROW_PLACE)

    assert "anna" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_ten_thousand_envelopes_have_as_many_nonces():
    """Sealing the same twice gives two different envelopes, each with a nonce of its own."""
    tokens = [seal(b"same", **PLACE) for _ in range(10_000)]

    assert len({token[18:30] for token in tokens}) == len(set(tokens)) == 10_000


def test_no_nonce_repeats_across_a_fork():
    """K4: given a process that forks, then parent and child draw different nonces."""
    script = """if True:
        import os
        from uuid import uuid4
        from cdp.vocabulary import FieldClass
        from governance.keys.envelope import Context, seal
        from governance.keys.wrapping import new_data_key
        key = new_data_key(uuid4(), workspace=uuid4())
        seal(b"", key=key, context=Context.EVENT, row=uuid4(), cls=FieldClass.CONTACT)
        place = {"key": key, "context": Context.EVENT, "row": uuid4(), "cls": FieldClass.CONTACT}
        child = os.fork()
        drawn = [seal(b"", **place)[18:30] for _ in range(500)]
        os.write(1, b"".join(nonce.hex().encode() + b"\\n" for nonce in drawn))
        child and os.waitpid(child, 0)
    """
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout.split()

    assert len(printed) == len(set(printed)) == 1_000


def test_an_envelope_names_its_key():
    """The reader learns from the envelope which generation of the fragment's key to fetch."""
    assert key_id_of(TOKEN) == KEY.key_id


@pytest.mark.parametrize("token", [b"", TOKEN[2:], TOKEN[:45]], ids=["empty", "stripped", "cut"])
def test_a_broken_envelope_names_no_key(token):
    """Looking up the key of what is no envelope is the same error, too."""
    with pytest.raises(BrokenSeal):
        key_id_of(token)


def test_printing_a_key_shows_none_of_its_bytes():
    """A key in a log or a traceback is only its ids."""
    shown = repr(KEY) + str(KEY)
    secrets = (KEY.dek, KEY.salt, KEY.commitment)

    assert str(KEY.key_id) in shown
    assert not any(repr(secret)[2:-1] in shown or secret.hex() in shown for secret in secrets)
