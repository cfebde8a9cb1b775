"""Packing: how a request's body lies inside its envelope, compressed before it is sealed.

`0x00 ‖ body` as it came, or `0x01 ‖ length[4] ‖ LZ4 block`, big-endian. All of it is sealed,
so nobody can rename the codec or the length without breaking the seal. Compressing what
will be secret is decided in ADR-0020; held by `tests/vectors/packing.json`.
"""

from lz4.block import LZ4BlockError, compress, decompress

from cdp.kernel.errors import BrokenSeal

PLAIN, LZ4 = b"\x00", b"\x01"
LENGTH_BYTES = 4
HEAD_BYTES = 1 + LENGTH_BYTES
# Twice the largest request; only imports of very long rows are larger, and those stay plain.
# So nothing opens to more than this, or else to more than was stored.
MAX_UNPACKED = 1 << 20


def pack(body: bytes) -> bytes:
    """`body` in the shorter of the two forms."""
    if len(body) <= MAX_UNPACKED:
        block: bytes = compress(body, store_size=False)
        if HEAD_BYTES + len(block) < 1 + len(body):
            return LZ4 + len(body).to_bytes(LENGTH_BYTES, "big") + block
    return PLAIN + body


def unpack(packed: bytes) -> bytes:
    """The body that `pack` packed. Raises `BrokenSeal` where there is none."""
    codec = packed[:1]
    if codec == PLAIN:
        return packed[1:]
    if codec != LZ4 or len(packed) < HEAD_BYTES:
        raise BrokenSeal
    length = int.from_bytes(packed[1:HEAD_BYTES], "big")
    # Checked first: the room for the result is taken before a byte of it is read.
    if length > MAX_UNPACKED:
        raise BrokenSeal
    try:
        body: bytes = decompress(memoryview(packed)[HEAD_BYTES:], uncompressed_size=length)
    except LZ4BlockError:
        raise BrokenSeal from None
    if len(body) != length:
        raise BrokenSeal
    return body
