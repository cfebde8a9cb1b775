"""Packing: what a body is compressed to before its seal, and how little a reader believes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.kernel.errors import BrokenSeal
from governance.keys.packing import HEAD_BYTES, LZ4, MAX_UNPACKED, PLAIN, pack, unpack

BODY = b'{"email":"anna@example.com","phone":"+4930901820"}' * 40


def claiming(length, block):
    return LZ4 + length.to_bytes(4, "big") + block


@given(st.binary(max_size=300), st.integers(1, 50))
def test_a_body_comes_back_and_never_grows_by_more_than_its_codec(body, times):
    """Packing loses and invents nothing, and costs a byte at worst."""
    packed = pack(body * times)

    assert unpack(packed) == body * times
    assert len(packed) <= 1 + len(body * times)


def test_what_repeats_gets_smaller_and_what_does_not_stays_plain():
    """The codec is chosen by the result, body by body."""
    short = b"anna"

    assert pack(BODY)[:1] == LZ4 and len(pack(BODY)) < len(BODY) / 10
    assert pack(short) == PLAIN + short
    assert pack(b"") == PLAIN


def test_a_body_beyond_the_bound_stays_plain():
    """Nothing that is accepted can fail to open: what may not be unpacked is not packed."""
    largest, larger = bytes(MAX_UNPACKED), bytes(MAX_UNPACKED + 1)

    assert pack(largest)[:1] == LZ4 and unpack(pack(largest)) == largest
    assert pack(larger) == PLAIN + larger and unpack(pack(larger)) == larger


@given(st.binary(max_size=200) | st.builds(claiming, st.integers(0, 2**32 - 1), st.binary(max_size=200)))
def test_any_bytes_unpack_within_the_bound_or_are_a_broken_seal(packed):
    """No other error, and no more memory than the bound allows."""
    try:
        body = unpack(packed)
    except BrokenSeal:
        return

    assert len(body) <= max(len(packed), MAX_UNPACKED)


@pytest.mark.parametrize(
    "length", [0, len(BODY) - 1, len(BODY) + 1, MAX_UNPACKED, MAX_UNPACKED + 1, 2**32 - 1]
)
def test_a_length_that_is_not_the_bodys_is_a_broken_seal(length):
    """A bomb is refused by its length, and so is a length that says less or more than there is."""
    with pytest.raises(BrokenSeal):
        unpack(claiming(length, pack(BODY)[HEAD_BYTES:]))


@pytest.mark.parametrize("kept", range(len(pack(BODY))))
def test_a_cut_packing_is_a_broken_seal(kept):
    """No half of a body is ever read as one."""
    with pytest.raises(BrokenSeal):
        unpack(pack(BODY)[:kept])


@pytest.mark.parametrize("codec", [2, 0x7B, 0x62, 255])
def test_an_unknown_codec_is_a_broken_seal(codec):
    """Also the first bytes of bodies themselves: without the byte there is no body."""
    with pytest.raises(BrokenSeal):
        unpack(bytes([codec]) + pack(BODY)[1:])
