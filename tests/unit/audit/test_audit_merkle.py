"""The tree and its tiles, held to RFC 9162's recursive definition and to an independent library."""

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle.proof import InclusionProof

from audit.log import tiles
from audit.log.merkle import EMPTY_ROOT, Frontier, extends, includes, leaf_hash, root
from audit.log.tiles import BadTilePath, TileId, TileMissing, edge, grow, parse, path

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "audit_root.json").read_text())
MOST = 70_000  # enough for tiles on three levels
LEAVES = [b"leaf %d" % n for n in range(MOST)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]

Store = dict[tuple[int, int], bytes]


def _reader(store: Store) -> Callable[[TileId], bytes]:
    return lambda tile: store.get((tile.level, tile.index), b"")


def _write(store: Store, size: int, hashes: Sequence[bytes]) -> None:
    for tile, data in grow(size, hashes, _reader(store)):
        store[tile.level, tile.index] = data


def _stored(size: int) -> Store:
    store: Store = {}
    _write(store, 0, HASHES[:size])
    return store


def _by_definition(hashes: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162 §2.1.1, word for word."""
    if len(hashes) == 0:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha256(b"\x01" + _by_definition(hashes[:k]) + _by_definition(hashes[k:])).digest()


STORE = _stored(MOST)
READ = _reader(STORE)
TREE = pymerkle.InmemoryTree()
for _leaf in LEAVES[:3000]:
    TREE.append_entry(_leaf)

sizes = st.one_of(
    st.integers(1, 600), st.integers(1, 3000), st.sampled_from([255, 256, 257, 511, 512, 513, 1024])
)


def test_roots_and_proofs_are_those_of_the_reference_implementation() -> None:
    """Known answers from the first implementation of RFC 6962."""
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
    roots = [root(hashes[:size]) for size in range(1, 9)]
    store: Store = {}
    _write(store, 0, hashes)

    assert [one.hex() for one in roots] == VECTORS["roots"]
    for one in VECTORS["inclusion"]:
        proof = tiles.inclusion(one["index"], one["size"], _reader(store))
        assert [step.hex() for step in proof] == one["path"]
        assert includes(hashes[one["index"]], one["index"], one["size"], proof, roots[one["size"] - 1])
    for one in VECTORS["consistency"]:
        proof = tiles.consistency(one["old"], one["new"], _reader(store))
        assert [step.hex() for step in proof] == one["path"]
        assert extends(one["old"], roots[one["old"] - 1], one["new"], roots[one["new"] - 1], proof)


@given(st.lists(st.integers(0, 700), max_size=6))
def test_a_frontier_grown_in_any_batches_has_the_root_by_definition(batches: list[int]) -> None:
    """How leaves were batched leaves no trace in the root."""
    grown, size = Frontier(), 0
    for batch in batches:
        grown = grown.extend(HASHES[size : size + batch])
        size += batch

    assert grown.size == size
    assert len(grown.peaks) == size.bit_count()
    assert grown.root() == _by_definition(HASHES[:size])


@given(st.lists(st.integers(0, 700), max_size=6))
def test_tiles_grown_in_any_batches_are_the_same_and_hold_the_root(batches: list[int]) -> None:
    """Growing reads only the right edge, and ends where one large append ends."""
    store: Store = {}
    size = 0
    for batch in batches:
        _write(store, size, HASHES[size : size + batch])
        size += batch

    assert store == _stored(size)
    assert tiles.frontier(size, _reader(store)) == Frontier().extend(HASHES[:size])
    assert tiles.root(size, _reader(store)) == _by_definition(HASHES[:size])


def test_tiles_of_the_specification() -> None:
    """c2sp.org/tlog-tiles counts the tiles of a tree of 70,000 leaves, and of one of 256."""
    widths = {(level, index): len(data) // 32 for (level, index), data in STORE.items()}

    assert [widths[0, index] for index in range(274)] == [256] * 273 + [112]
    assert [widths[1, 0], widths[1, 1], widths[2, 0]] == [256, 17, 1]
    assert len(widths) == 277
    assert edge(70_000) == [TileId(0, 273, 112), TileId(1, 1, 17), TileId(2, 0, 1)]
    assert edge(256) == [TileId(1, 0, 1)]
    assert edge(0) == []
    assert STORE[1, 0][:32] == _by_definition(HASHES[:256])
    assert STORE[2, 0] == _by_definition(HASHES[:65_536])


@pytest.mark.parametrize(
    ("tile", "text"),
    [
        (TileId(0, 1_234_067), "tile/0/x001/x234/067"),
        (TileId(0, 0), "tile/0/000"),
        (TileId(1, 999, 17), "tile/1/999.p/17"),
        (TileId(63, 1000, 255), "tile/63/x001/000.p/255"),
    ],
)
def test_paths_are_those_of_the_specification(tile: TileId, text: str) -> None:
    """Each tile has one path, and the path leads back to it."""
    assert path(tile) == text
    assert parse(text) == tile


@given(st.integers(0, 63), st.integers(0, 2**40), st.integers(1, 256))
def test_a_path_leads_back_to_its_tile(level: int, index: int, width: int) -> None:
    """No two tiles share a path."""
    tile = TileId(level, index, width)

    assert parse(path(tile)) == tile


@pytest.mark.parametrize(
    "text",
    [
        "tile/00/000",
        "tile/64/000",
        "tile/0/0",
        "tile/0/x000/001",
        "tile/0/001/001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000/",
        "tile/-1/000",
        "tile/0/../../etc/passwd",
        "tile/0/000.p/300",
        "tile/0/٠٠٠",
    ],
)
def test_what_is_no_path_of_a_tile_is_refused(text: str) -> None:
    """There is one way to write a path, so a request cannot wander."""
    with pytest.raises(BadTilePath):
        parse(text)


def test_a_missing_tile_stops_growth_and_proofs() -> None:
    """Nothing is made up where storage has lost something."""
    store = _stored(700)
    store[0, 2] = store[0, 2][:-32]

    for act in (
        lambda: grow(700, HASHES[700:701], _reader(store)),
        lambda: tiles.root(700, _reader(store)),
        lambda: tiles.inclusion(699, 700, _reader(store)),
        lambda: tiles.consistency(512, 700, _reader(store)),
    ):
        with pytest.raises(TileMissing):
            act()


@given(sizes, st.data())
def test_l5_consistency_verifies_with_the_independent_library_and_ours(new: int, data: st.DataObject) -> None:
    """For any m < n of the history: pymerkle proves our roots, and our proof from tiles verifies."""
    old = data.draw(st.integers(1, new))
    old_root, new_root = tiles.root(old, READ), tiles.root(new, READ)
    proof = tiles.consistency(old, new, READ)

    pymerkle.verify_consistency(old_root, new_root, TREE.prove_consistency(old, new))
    assert extends(old, old_root, new, new_root, proof)


@given(sizes, st.data())
def test_inclusion_verifies_with_the_independent_library_and_ours(size: int, data: st.DataObject) -> None:
    """Our audit path, put into pymerkle's proof, passes its verification, and ours."""
    index = data.draw(st.integers(0, size - 1))
    proof = tiles.inclusion(index, size, READ)
    theirs = TREE.prove_inclusion(index + 1, size)
    translated = InclusionProof("sha256", True, size, index + 1, theirs.rule, [HASHES[index], *proof])

    pymerkle.verify_inclusion(HASHES[index], tiles.root(size, READ), translated)
    assert includes(HASHES[index], index, size, proof, tiles.root(size, READ))


@settings(max_examples=30)
@given(st.integers(1, MOST), st.data())
def test_proofs_hold_over_three_levels_of_tiles(new: int, data: st.DataObject) -> None:
    """Large logs prove as small ones do, from the widest tiles in storage alone."""
    old, index = data.draw(st.integers(1, new)), data.draw(st.integers(0, new - 1))
    top = root(HASHES[:new])

    assert tiles.root(new, READ) == top
    assert extends(old, root(HASHES[:old]), new, top, tiles.consistency(old, new, READ))
    assert includes(HASHES[index], index, new, tiles.inclusion(index, new, READ), top)


def _bent(proof: list[bytes], data: st.DataObject) -> list[bytes]:
    """The proof with one hash changed, dropped, doubled or added."""
    at = data.draw(st.integers(0, len(proof)))
    ways: list[Any] = [[*proof[:at], bytes(32), *proof[at:]]]
    if at < len(proof):
        flipped = bytes([proof[at][0] ^ 1]) + proof[at][1:]
        ways += [
            [*proof[:at], flipped, *proof[at + 1 :]],
            proof[:at] + proof[at + 1 :],
            proof[:at] + proof[at : at + 1] + proof[at:],
        ]
    return data.draw(st.sampled_from(ways))


@given(st.integers(2, 600), st.data())
def test_a_bent_proof_proves_nothing(new: int, data: st.DataObject) -> None:
    """Any other path, root, place or size is refused."""
    old, index = data.draw(st.integers(1, new - 1)), data.draw(st.integers(0, new - 1))
    tops = {size: tiles.root(size, READ) for size in (old, new)}
    steps, audit = tiles.consistency(old, new, READ), tiles.inclusion(index, new, READ)

    assert not extends(old, tops[old], new, tops[new], _bent(steps, data))
    assert not extends(old, bytes(32), new, tops[new], steps)
    assert not extends(old, tops[old], new, bytes(32), steps)
    assert not includes(HASHES[index], index, new, _bent(audit, data), tops[new])
    assert not includes(HASHES[index], (index + 1) % new, new, audit, tops[new])
    assert not includes(HASHES[index], new, new, audit, tops[new])


def test_nothing_is_proven_from_an_empty_log() -> None:
    """Everything extends an empty tree, so no such proof is made or accepted."""
    assert root([]) == Frontier().root() == EMPTY_ROOT == _by_definition([])
    assert not extends(0, EMPTY_ROOT, 5, tiles.root(5, READ), [])
    for act in (
        lambda: tiles.consistency(0, 5, READ),
        lambda: tiles.consistency(6, 5, READ),
        lambda: tiles.inclusion(5, 5, READ),
    ):
        with pytest.raises(ValueError, match="no "):
            act()
