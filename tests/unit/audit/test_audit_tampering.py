"""L1: whoever owns the database can change it, and can't hide it from one checkpoint saved elsewhere.

Logs are prefixes of one long list of leaves. A replay of the untouched part is kept for each
tile and forked, so that each of the 10,000 mutations is verified from its tile on by the
verifier itself, with nothing of it replaced.
"""

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.log import tiles
from audit.log.checkpoint import Checkpoint, key_of, sign
from audit.log.merkle import leaf_hash
from audit.log.tiles import TileId
from audit.log.verifier import (
    FAILED,
    INTERNAL,
    OK,
    Evidence,
    Note,
    Replay,
    Result,
    judge,
    read_key,
    read_note,
)

MUTATIONS = 10_000
SIZES = (257, 258, 300, 384, 400, 511, 512, 513, 600, 769, 1025, 1500, 3000)
WEIGHTS = [size**-1.5 for size in SIZES]  # most of them small, to be quick
LEAVES = [b'{"entry":%d}' % n for n in range(max(SIZES))]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]

Store = dict[tuple[int, int], bytes]


@dataclass(frozen=True)
class Signer:
    """The log's key, which in this test the attacker may hold too."""

    name: str = "cdp.example/audit"
    private: Ed25519PrivateKey = field(default=Ed25519PrivateKey.from_private_bytes(bytes(32)), repr=False)

    @property
    def public_key(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


SIGNER = Signer()
KEY = read_key(key_of(SIGNER).encode())


def _note(size: int, root: bytes) -> Note:
    return read_note(sign(Checkpoint(origin="cdp.example/log/1", size=size, root=root), SIGNER), KEY)


def _reader(store: Store) -> Callable[[TileId], bytes]:
    return lambda tile: store.get((tile.level, tile.index), b"")


def _rewritten(store: Store, hashes: list[bytes], first: int) -> Store:
    """The tiles of a log that keeps everything before leaf `first`, and then goes on with `hashes`."""
    base = first // 256 * 256
    size = len(hashes)
    kept = {place: data for place, data in store.items() if place[1] * 256 < size >> 8 * place[0]}
    for tile, data in tiles.grow(base, hashes[base:], _reader(kept)):
        kept[tile.level, tile.index] = data
    # A level that is not full any more after a cut must not keep what stood there.
    for tile in tiles.edge(size):
        kept[tile.level, tile.index] = kept[tile.level, tile.index][: 32 * tile.width]
    return kept


class Log:
    """An untouched log, its signed history, and a replay up to each of its tiles."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.store = _rewritten({}, HASHES[:size], 0)
        self.history_sizes = [size // 5, size // 2, size * 4 // 5]
        self.notes = {
            n: _note(n, tiles.root(n, self.read)) for n in (*self.history_sizes, size * 2 // 3, size)
        }
        self.stored = self.store  # what the verifier will find
        replay = Replay(self.notes, lambda level, index: self.stored.get((level, index)))
        self.replays = [copy.deepcopy(replay)]
        for start in range(0, size // 256 * 256, 256):
            replay.feed(LEAVES[start : start + 256])
            self.replays.append(copy.deepcopy(replay))

    @property
    def read(self) -> Callable[[TileId], bytes]:
        return _reader(self.store)

    @property
    def history(self) -> list[Note]:
        return [self.notes[size] for size in self.history_sizes]

    def verify(self, leaves: list[bytes], first: int, stored: Store, evidence: Evidence) -> Result:
        """The verdict on `leaves`, which differ from the log's from index `first` on."""
        replay = _fork(self.replays[first // 256])
        self.stored = stored
        replay.feed(leaves[first // 256 * 256 :])
        return judge(replay.finish(), evidence)


def _fork(replay: Replay) -> Replay:
    """A copy that goes its own way; leaves and notes are shared, because nobody changes them."""
    forked = copy.copy(replay)
    forked.roots, forked.differences = dict(replay.roots), dict(replay.differences)
    forked._levels = [list(hashes) for hashes in replay._levels]
    forked._wanted = list(replay._wanted)
    return forked


@cache
def _log(size: int) -> Log:
    return Log(size)


@dataclass(frozen=True)
class Mutation:
    """Rows as the attacker left them: the leaves, and the index from which they differ."""

    leaves: list[bytes]
    first: int

    def hashes(self) -> list[bytes]:
        base = self.first // 256 * 256
        return HASHES[:base] + [leaf_hash(leaf) for leaf in self.leaves[base:]]


def _edited(size: int, at: int, random: Random) -> Mutation:
    leaf = bytearray(LEAVES[at])
    leaf[random.randrange(len(leaf))] ^= 1 << random.randrange(8)
    return Mutation([*LEAVES[:at], bytes(leaf), *LEAVES[at + 1 : size]], at)


def _dropped(size: int, at: int, random: Random) -> Mutation:
    return Mutation(LEAVES[:at] + LEAVES[at + 1 : size], at)


def _swapped(size: int, at: int, random: Random) -> Mutation:
    other = random.choice([n for n in (0, size // 2, size - 1, (at + 1) % size) if n != at])
    leaves = LEAVES[:size]
    leaves[at], leaves[other] = leaves[other], leaves[at]
    return Mutation(leaves, min(at, other))


def _inserted(size: int, at: int, random: Random) -> Mutation:
    return Mutation([*LEAVES[:at], random.randbytes(20), *LEAVES[at:size]], at)


def _cut(size: int, at: int, random: Random) -> Mutation:
    return Mutation(LEAVES[:at], at)


WAYS = {"edited": _edited, "dropped": _dropped, "swapped": _swapped, "inserted": _inserted, "cut": _cut}


def _interval(log: Log, first: int, saved: int, *, history: list[Note], head: Note) -> tuple[int, int]:
    """The smallest signed interval, by its definition: where the first note that objects stands."""
    untouched = {note.size for note in log.notes.values()} & {note.size for note in history}
    objecting = [
        note.size for note in (*history, head) if log.notes.get(note.size) == note and note.size > first
    ]
    stop = min([size for size in (saved, *objecting) if size > first])
    believed = objecting and all(log.notes.get(note.size) == note for note in history)
    kept = (
        [size for size in (*untouched, saved) if size <= first]
        if believed
        else [s for s in (saved,) if s <= first]
    )
    return max(kept, default=0), stop


def _attack(mutation: Mutation, log: Log, saved: int, random: Random, seen: Counter[str]) -> None:
    """One mutation in one of four degrees of care, which the verifier must find and place."""
    first, care = (
        mutation.first,
        random.choices(("rows", "tiles gone", "signed anew", "history too"), (6, 1, 2, 1))[0],
    )
    seen[care] += 1
    head, history, stored = log.notes[log.size], log.history, log.store
    if care == "tiles gone":
        stored = {}
    elif care != "rows":
        hashes = mutation.hashes()
        stored = _rewritten(log.store, hashes, first)
        head = _note(len(hashes), tiles.root(len(hashes), _reader(stored)))
        if care == "history too":
            sizes = [size for size in log.history_sizes if size <= len(hashes)]
            history = [
                log.notes[size] if size <= first else _note(size, tiles.root(size, _reader(stored)))
                for size in sizes
            ]
    evidence = Evidence(head=head, saved=[log.notes[saved]], history=history)
    result = log.verify(mutation.leaves, first, stored, evidence)

    assert result.status == FAILED
    if care == "rows":
        assert (result.first_bad_index, result.interval) == (first, None)
    elif care == "tiles gone" and first == log.size:
        assert result.first_bad_index == first
    else:
        assert result.first_bad_index is None
        assert result.interval == _interval(log, first, saved, history=history, head=head)
        assert result.interval[0] <= first < result.interval[1]
    if seen.total() % 50 == 0:
        unsaved = judge(_replayed(log, mutation, stored), Evidence(head=head, history=history))
        assert unsaved.status in (FAILED, INTERNAL)


def _replayed(log: Log, mutation: Mutation, stored: Store) -> Replay:
    replay = Replay(log.notes, lambda level, index: stored.get((level, index)))
    replay.feed(mutation.leaves)
    return replay.finish()


@pytest.mark.parametrize("seed", range(4))
def test_l1_every_mutation_is_found_and_placed(seed: int) -> None:
    """Edited, dropped, swapped or inserted leaf, cut tail; rows alone, or tiles and signatures too: 100 %."""
    random, seen, found = Random(seed), Counter[str](), Counter[str]()
    for _ in range(MUTATIONS // 4):
        log = _log(random.choices(SIZES, WEIGHTS)[0])
        saved = random.choice([log.size, log.size * 2 // 3])
        way = random.choice(list(WAYS))
        at = random.randrange(saved + (way == "inserted" and saved == log.size))
        mutation = WAYS[way](log.size, at, random)
        _attack(mutation, log, saved, random, seen)
        found[way] += 1

    assert found.total() == seen.total() == MUTATIONS // 4
    assert min(found.values()) > 400 and min(seen.values()) > 150


@pytest.mark.parametrize("size", SIZES)
def test_an_untouched_log_is_ok_by_the_same_means(size: int) -> None:
    """The test above would find nothing if everything failed: what nobody touched passes, forked anywhere."""
    log = _log(size)
    evidence = Evidence(head=log.notes[size], saved=[log.notes[size * 2 // 3]], history=log.history)

    for start in (0, size // 2, size - 1):
        assert log.verify(LEAVES[:size], start, log.store, evidence).status == OK
    assert judge(_replayed(log, Mutation(LEAVES[:size], 0), log.store), evidence).status == OK


@pytest.mark.parametrize("levels", [1, 2])
def test_a_rewrite_that_stops_below_a_tile_is_placed_within_it(levels: int) -> None:
    """Where only the lower tiles were rewritten, the first that was not names its 256^n leaves."""
    log = _log(3000)
    mutation = _edited(3000, 1300, Random(1))
    anew = _rewritten(log.store, mutation.hashes(), 1300)
    stored = {place: (anew if place[0] < levels else log.store)[place] for place in log.store}
    evidence = Evidence(head=log.notes[3000], saved=[log.notes[3000]], history=log.history)
    result = log.verify(mutation.leaves, 1300, stored, evidence)

    assert result.status == FAILED
    assert result.interval == ((1280, 1536) if levels == 1 else (600, 1500))


def test_a_damaged_tile_elsewhere_does_not_distract() -> None:
    """A decoy among the lower tiles is not taken for the altered entry."""
    log = _log(3000)
    mutation = _edited(3000, 300, Random(1))
    anew = _rewritten(log.store, mutation.hashes(), 300)
    stored = {**log.store, (0, 1): anew[0, 1], (0, 7): bytes(32) + log.store[0, 7][32:]}
    result = log.verify(mutation.leaves, 300, stored, Evidence(head=log.notes[3000], saved=[log.notes[3000]]))

    assert result.interval == (256, 512)


def test_more_saved_checkpoints_make_the_interval_smaller() -> None:
    """Even when the whole history was signed anew, what was saved elsewhere still brackets the change."""
    log = _log(1500)
    mutation = _edited(1500, 1100, Random(2))
    anew = _rewritten(log.store, mutation.hashes(), 1100)
    head = _note(1500, tiles.root(1500, _reader(anew)))
    saved = [log.notes[size] for size in (300, 1000, 1200)]
    result = log.verify(mutation.leaves, 1100, anew, Evidence(head=head, saved=saved))

    assert result.status == FAILED
    assert result.interval == (1000, 1200)
    assert all(a < b for a, b in pairwise(log.history_sizes))
