"""The tree in storage: C2SP tlog-tiles, rows of up to 256 hashes (c2sp.org/tlog-tiles).

Pure. A tile of level l holds, at most 256 wide, the roots of *full* tiles of level l - 1;
level 0 holds leaf hashes. Only the tiles on the right edge are partial, and growing the
tree touches only those. Storage is a function, `Read`; it may keep just the widest version
of a tile, because the hashes in a tile never change, they are only added to.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from audit.log.merkle import HASH_BYTES, Frontier, perfect_root
from audit.log.merkle import consistency as prove_consistency
from audit.log.merkle import inclusion as prove_inclusion
from cdp.kernel.errors import BadInput, BrokenSeal

WIDTH = 256
HEIGHT = 8  # 2^8 = 256: a tile is a tree of this height
TILE_BYTES = WIDTH * HASH_BYTES

_PATH = re.compile(
    r"tile/(?P<level>0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class BadTilePath(BadInput):
    """This is not the path of a tile."""


class TileMissing(BrokenSeal):
    """A tile that the log must have is missing or too short."""


@dataclass(frozen=True, slots=True, order=True)
class TileId:
    """The coordinates of a tile, and how many of its hashes are meant (1 to 256)."""

    level: int
    index: int
    width: int = WIDTH


# A tile's hashes, concatenated: at least `width` of them.
Read = Callable[[TileId], bytes]


def path(tile: TileId) -> str:
    """Where a tile is served: `tile/<L>/<N>`, with `.p/<W>` behind it if partial (c2sp.org/tlog-tiles)."""
    groups = f"{tile.index % 1000:03d}"
    rest = tile.index // 1000
    while rest:
        groups = f"x{rest % 1000:03d}/{groups}"
        rest //= 1000
    return f"tile/{tile.level}/{groups}" + ("" if tile.width == WIDTH else f".p/{tile.width}")


def parse(text: str) -> TileId:
    """The tile that `text` is the path of, and the only way to write it; raises `BadTilePath`."""
    found = _PATH.fullmatch(text)
    if found is None:
        raise BadTilePath
    digits = found["index"].replace("x", "").replace("/", "")
    tile = TileId(int(found["level"]), int(digits), int(found["width"] or WIDTH))
    if path(tile) != text or tile.level > 63 or tile.width > WIDTH:
        raise BadTilePath
    return tile


def edge(size: int) -> list[TileId]:
    """The partial tiles of a tree of `size` leaves, lowest level first."""
    levels = range((size.bit_length() + HEIGHT - 1) // HEIGHT)
    tiles = [_tile_at(level, size >> HEIGHT * (level + 1), size) for level in levels]
    return [tile for tile in tiles if tile.width]


def grow(size: int, leaf_hashes: Iterable[bytes], read: Read) -> list[tuple[TileId, bytes]]:
    """The tiles to write when `leaf_hashes` join a tree of `size` leaves, lowest level first.

    Reads the partial tiles of the old right edge; each is written again, wider, if it grew.
    Raises `TileMissing` when storage lacks one.
    """
    written: list[tuple[TileId, bytes]] = []
    row, level = b"".join(leaf_hashes), 0
    while row:
        index, filled = divmod(size >> HEIGHT * level, WIDTH)
        if filled:
            row = _hashes(TileId(level, index, filled), read) + row
        parents = []
        for at in range(0, len(row), TILE_BYTES):
            hashes = row[at : at + TILE_BYTES]
            written.append((TileId(level, index, len(hashes) // HASH_BYTES), hashes))
            index += 1
            if len(hashes) == TILE_BYTES:
                parents.append(perfect_root(hashes))
        row, level = b"".join(parents), level + 1
    return written


def frontier(size: int, read: Read) -> Frontier:
    """The tree of `size` leaves, re-hashed from the stored tiles on its right edge alone.

    Raises `TileMissing` when one of them is not there.
    """
    peaks = []
    for tile in reversed(edge(size)):
        hashes, at = _hashes(tile, read), 0
        for height in reversed(range(HEIGHT)):
            if tile.width >> height & 1:
                step = HASH_BYTES << height
                peaks.append(perfect_root(hashes[at : at + step]))
                at += step
    return Frontier(size=size, peaks=tuple(peaks))


def root(size: int, read: Read) -> bytes:
    """The root of the tree of `size` leaves, from its tiles; raises `TileMissing`."""
    return frontier(size, read).root()


def inclusion(index: int, size: int, read: Read) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size` leaves (`merkle.includes` verifies it).

    Raises `ValueError` for a leaf that is not in it, `TileMissing` when a tile is gone.
    """
    return prove_inclusion(index, size, lambda height, at: _node(height, at, size, read))


def consistency(old: int, new: int, read: Read) -> list[bytes]:
    """The proof that the tree of `new` leaves extends that of `old` (`merkle.extends` verifies it).

    Raises `ValueError` unless 0 < old ≤ new, `TileMissing` when a tile is gone.
    """
    return prove_consistency(old, new, lambda height, at: _node(height, at, new, read))


def _tile_at(level: int, index: int, size: int) -> TileId:
    """Tile `index` of `level` as wide as it is in a tree of `size` leaves."""
    return TileId(level, index, min(WIDTH, (size >> HEIGHT * level) - WIDTH * index))


def _hashes(tile: TileId, read: Read) -> bytes:
    """The stored hashes of `tile`, cut to the width that is meant."""
    hashes = read(tile)
    if len(hashes) < tile.width * HASH_BYTES:
        raise TileMissing(level=tile.level, index=tile.index, width=tile.width)
    return hashes[: tile.width * HASH_BYTES]


def _node(height: int, index: int, size: int, read: Read) -> bytes:
    """The complete subtree (`height`, `index`), from the one tile that spans it."""
    level, inner = divmod(height, HEIGHT)
    tile, slot = divmod(index << inner, WIDTH)
    start = slot * HASH_BYTES
    hashes = _hashes(_tile_at(level, tile, size), read)[start : start + (HASH_BYTES << inner)]
    return perfect_root(hashes)
