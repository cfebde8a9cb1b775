"""The Merkle tree of RFC 6962 and RFC 9162 over SHA-256: roots, proofs and their verification.

Pure. A `Frontier` is a whole tree reduced to what growing it needs: one hash for each set
bit of its size. Proofs are made from any source of complete subtrees (`Node`), so that
`audit/log/tiles.py` can feed them from storage. `audit/log/verifier.py` has its own copy of these
rules on purpose: it shares no code with what it verifies.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

# (height, index) → the hash of the complete subtree over leaves [index · 2^height, (index + 1) · 2^height).
Node = Callable[[int, int], bytes]


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 ‖ leaf), RFC 9162 §2.1.1."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), RFC 9162 §2.1.1."""
    return sha256(b"\x01" + left + right).digest()


def pair_up(hashes: bytes) -> bytes:
    """One level up: the parents of an even number of concatenated hashes, concatenated."""
    # Slices of one string, and no function call per node: this line is the speed of the log.
    return b"".join([sha256(b"\x01" + hashes[at : at + 64]).digest() for at in range(0, len(hashes), 64)])


def perfect_root(hashes: bytes) -> bytes:
    """The root over 2^n concatenated hashes (n ≥ 0)."""
    while len(hashes) > HASH_BYTES:
        hashes = pair_up(hashes)
    return hashes


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """A tree of `size` leaves as its maximal perfect subtrees, `peaks`, largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = field(default=(), repr=False)

    def extend(self, leaf_hashes: Iterable[bytes]) -> "Frontier":
        """The tree with `leaf_hashes` (32 bytes each) appended; one node hash per leaf."""
        row = b"".join(leaf_hashes)
        size = self.size + len(row) // HASH_BYTES
        old = list(self.peaks)
        peaks: list[bytes] = []
        height = 0
        while row:
            if self.size >> height & 1:
                row = old.pop() + row
            if len(row) // HASH_BYTES & 1:
                row, peak = row[:-HASH_BYTES], row[-HASH_BYTES:]
                peaks.append(peak)
            row = pair_up(row)
            height += 1
        return Frontier(size=size, peaks=(*old, *reversed(peaks)))

    def root(self) -> bytes:
        """The root hash (RFC 9162 §2.1.1); of an empty tree, SHA-256 of nothing."""
        return fold(self.peaks) if self.peaks else EMPTY_ROOT


def fold(peaks: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees of falling size; at least one."""
    top = peaks[-1]
    for peak in reversed(peaks[:-1]):
        top = node_hash(peak, top)
    return top


def root(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over `leaf_hashes`, in their order."""
    return Frontier().extend(leaf_hashes).root()


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size` leaves, lowest first (RFC 9162 §2.1.3.1).

    Raises `ValueError` unless 0 ≤ index < size.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    path, start, stop = [], 0, size
    while stop - start > 1:
        split = _split(start, stop)
        if index < split:
            path.append(_span(split, stop, node))
            stop = split
        else:
            path.append(_span(start, split, node))
            start = split
    return path[::-1]


def consistency(old: int, new: int, node: Node) -> list[bytes]:
    """The proof that the tree of `new` leaves extends the one of `old` (RFC 9162 §2.1.4.1).

    Raises `ValueError` unless 0 < old ≤ new: from nothing, nothing can be proven.
    """
    if not 0 < old <= new:
        raise ValueError("no proof between these sizes")
    path, start, stop = [], 0, new
    while old < stop:
        split = _split(start, stop)
        if old <= split:
            path.append(_span(split, stop, node))
            stop = split
        else:
            path.append(_span(start, split, node))
            start = split
    # The verifier holds the old root, so a subtree that *is* the old tree needs no hash.
    if start > 0:
        path.append(_span(start, stop, node))
    return path[::-1]


def includes(leaf: bytes, index: int, size: int, path: Sequence[bytes], top: bytes) -> bool:
    """Whether `path` leads from the leaf hash `leaf` at `index` to the root `top` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for step in path:
        if last == 0 or len(step) != HASH_BYTES:
            return False
        if at & 1 or at == last:
            found = node_hash(step, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == top


def extends(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` proves that tree (`new`, `new_root`) extends (`old`, `old_root`) (RFC 9162 §2.1.4.2)."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not steps or any(len(step) != HASH_BYTES for step in steps):
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, step)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _split(start: int, stop: int) -> int:
    """Where RFC 6962 divides [start, stop): the largest power of two below its length."""
    return start + (1 << (stop - start - 1).bit_length() - 1)


def _span(start: int, stop: int, node: Node) -> bytes:
    """The root over leaves [start, stop), where `start` is aligned as `_split` leaves it."""
    peaks = []
    while start < stop:
        height = (stop - start).bit_length() - 1
        peaks.append(node(height, start >> height))
        start += 1 << height
    return fold(peaks)
