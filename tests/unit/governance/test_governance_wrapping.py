"""Wrapped keys: they open for their own subject alone (K2), and to their own key alone (K7)."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from cdp.kernel.errors import BrokenSeal
from cdp.kernel.ids import new_id
from cdp.vocabulary import FieldClass
from governance.keys.envelope import Context, DataKey, unseal
from governance.keys.wrapping import WRAPPED_BYTES, new_data_key, successor, unwrap, wrap

KEK = os.urandom(32)
WORKSPACE = new_id()
KEY = new_data_key(new_id(), workspace=WORKSPACE)
WRAPPED = wrap(KEY, kek=KEK)
OWN = {
    "kek": KEK,
    "workspace": WORKSPACE,
    "fragment": KEY.fragment,
    "key_id": KEY.key_id,
    "commitment": KEY.commitment,
}


def refusal(wrapped=WRAPPED, **changed):
    with pytest.raises(BrokenSeal) as caught:
        unwrap(wrapped, **(OWN | changed))
    return type(caught.value), str(caught.value), caught.value.__cause__


UNIFORM = (BrokenSeal, str(BrokenSeal()), None)


def test_a_wrapped_key_opens_to_itself():
    """Wrapping loses neither key nor salt."""
    opened = unwrap(WRAPPED, **OWN)

    assert (opened.dek, opened.salt, opened.commitment) == (KEY.dek, KEY.salt, KEY.commitment)


@pytest.mark.parametrize("other", ["fragment", "workspace", "key_id"])
def test_a_wrapped_key_copied_to_another_subject_does_not_open(other):
    """K2: given a wrapped key copied to another subject, then unwrap fails."""
    assert refusal(**{other: new_id()}) == UNIFORM


def test_another_kek_does_not_open_it():
    """A retired and destroyed version of the KEK takes its keys with it."""
    assert refusal(kek=os.urandom(32)) == UNIFORM


def test_every_flipped_bit_of_a_wrapped_key_is_one_uniform_error():
    """K3: given any flipped bit of a wrapped key, then one uniform error."""
    answers = set()
    for bit in range(len(WRAPPED) * 8):
        broken = bytearray(WRAPPED)
        broken[bit // 8] ^= 1 << bit % 8
        answers.add(refusal(bytes(broken)))

    assert len(WRAPPED) == WRAPPED_BYTES
    assert answers == {UNIFORM}


@given(st.binary(max_size=100))
def test_arbitrary_bytes_do_not_unwrap(junk):
    """K3: given bytes of any length that were never wrapped, then the same error."""
    assert refusal(junk) == UNIFORM


@pytest.mark.parametrize(
    "commitment",
    [b"", bytes(32), KEY.commitment[:-1], KEY.dek],
    ids=["empty", "zeros", "cut", "another secret"],
)
def test_a_wrong_commitment_is_the_same_error(commitment):
    """K7: given a commitment that is not the key's, then the key is refused."""
    assert refusal(commitment=commitment) == UNIFORM


def test_a_substituted_key_is_refused_by_the_commitment():
    """K7: given another key wrapped rightly in a key's place, then the commitment check rejects it."""
    other = DataKey(
        workspace=WORKSPACE,
        fragment=KEY.fragment,
        key_id=KEY.key_id,
        dek=os.urandom(32),
        salt=KEY.salt,
    )
    substituted = wrap(other, kek=KEK)

    assert unwrap(substituted, **(OWN | {"commitment": other.commitment})).dek == other.dek
    assert refusal(substituted) == UNIFORM


def test_a_ciphertext_made_for_two_keys_opens_under_the_committed_one_alone():
    """K7: AES-GCM alone would open such a ciphertext under both; the second key never gets that far."""
    place = {"context": Context.STATEMENT, "row": new_id(), "cls": FieldClass.CONTACT}
    other = DataKey(
        workspace=WORKSPACE,
        fragment=KEY.fragment,
        key_id=KEY.key_id,
        dek=os.urandom(32),
        salt=KEY.salt,
    )
    token = made_for_both(KEY, other, **place)
    first, second = (unseal(token, key=key, **place) for key in (KEY, other))

    assert first != second
    assert refusal(wrap(other, kek=KEK)) == UNIFORM


def test_a_successor_keeps_the_salt_and_nothing_else():
    """A full key's successor seals anew under the fragment's one salt (K4)."""
    following = successor(KEY)

    assert (following.fragment, following.workspace, following.salt) == (KEY.fragment, WORKSPACE, KEY.salt)
    assert following.key_id != KEY.key_id
    assert following.dek != KEY.dek


def test_new_keys_are_random():
    """Keys and salts are drawn, never derived from what they belong to."""
    keys = [new_data_key(KEY.fragment, workspace=WORKSPACE) for _ in range(100)]

    assert len({key.dek for key in keys} | {key.salt for key in keys}) == 200


# --- a ciphertext for two keys: solve GHASH for the one free block that makes both tags equal ---

POLYNOMIAL = 0xE1 << 120


def product(x: int, y: int) -> int:
    """GF(2^128) as GCM orders its bits, NIST SP 800-38D §6.3."""
    z = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            z ^= y
        y = y >> 1 ^ (POLYNOMIAL if y & 1 else 0)
    return z


def inverse(x: int) -> int:
    """x^(2^128 − 2)."""
    result, power = 1 << 127, x
    for _ in range(127):
        power = product(power, power)
        result = product(result, power)
    return result


def ghash(h: int, blocks: list[int]) -> int:
    y = 0
    for block in blocks:
        y = product(y ^ block, h)
    return y


def made_for_both(one: DataKey, other: DataKey, **place) -> bytes:
    nonce = os.urandom(12)
    aad = one._aad(place["context"], place["row"], place["cls"])
    assert aad == other._aad(place["context"], place["row"], place["cls"])
    padded = aad + bytes(-len(aad) % 16)
    head = [int.from_bytes(padded[at : at + 16], "big") for at in range(0, len(padded), 16)]
    lengths = (len(aad) * 8) << 64 | 128
    hashes, tags = [], []
    for key in (one, other):
        kenc = HKDFExpand(SHA256(), 64, b"cdp/1/field" + key.key_id.bytes).derive(key.dek)[:32]
        ecb = Cipher(algorithms.AES(kenc), modes.ECB()).encryptor()  # noqa: S305
        h = int.from_bytes(ecb.update(bytes(16)), "big")
        mask = int.from_bytes(ecb.update(nonce + b"\0\0\0\1"), "big")
        hashes.append(product(h, h))
        tags.append(ghash(h, [*head, 0, lengths]) ^ mask)
    block = product(tags[0] ^ tags[1], inverse(hashes[0] ^ hashes[1]))
    tag = tags[0] ^ product(block, hashes[0])
    return b"\1\1" + one.key_id.bytes + nonce + block.to_bytes(16, "big") + tag.to_bytes(16, "big")
