"""What a search may believe: entries that are in the tree that was signed, all of them, and no others.

The signer's memory outside the database says how far the log goes and what its root is; the first leaf
of each epoch says it of the one before. From these roots down every leaf is hashed again, a tile's width
at a time, and becomes a `Block`: who did what, when, as sets of places. A block is a function of leaves
whose root is known, so one that was made once stays true whatever happens to the database, and is
kept under that root. What is committed to by a leaf but stands beside it, references and who received,
is made the same way, where a question needs it.
"""

from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import NamedTuple, TypeVar
from uuid import UUID

import msgspec

from audit.log import storage, tiles, verifier
from audit.log.attached import ALTERED, Opener, detail_of, received_by, references_agree
from audit.log.entry import Leaf
from audit.log.merkle import HASH_BYTES, leaf_hash, perfect_root
from audit.log.sequencer import Memory, Signed
from audit.log.storage import WORDS
from audit.log.tiles import WIDTH, TileId, TileMissing
from audit.log.verifier import Before
from audit.search.documents import micros
from cdp.kernel.database import run
from cdp.kernel.errors import Unavailable
from cdp.work import Work

MOST_KEPT = 4096  # blocks: a million entries, some 40 to 70 bytes each
AT_ONCE = 16  # blocks whose leaves are fetched together
SHORT = 16  # bytes of a leaf's hash that are kept: enough against a second preimage
PREFIX = 8  # bytes of a reference that are kept; references are uniformly random

_LEAVES = (
    "SELECT seq, entry_id, leaf FROM audit.entries WHERE epoch = %s AND seq BETWEEN %s AND %s ORDER BY seq"
)
_PEOPLE = "SELECT seq, ref FROM audit.subjects WHERE epoch = %s AND seq BETWEEN %s AND %s"
_DETAILS = """
SELECT e.seq, d.salt, d.detail FROM audit.entries AS e
JOIN audit.details AS d ON d.workspace_id = e.workspace_id AND d.entry_id = e.entry_id
WHERE e.epoch = %s AND e.seq BETWEEN %s AND %s
"""


class LogContradicted(Unavailable):
    """The database is not what the log's signer remembers, so nothing is answered from it; it stays so.

    An operator finds out what was changed, and restores it.
    """

    by_command = "cdp audit verify, which names what was changed"


class End(NamedTuple):
    """How far an epoch goes, as somebody outside the database vouches for it."""

    epoch: int
    size: int
    root: bytes


@dataclass(slots=True, eq=False)
class Block:
    """Up to 256 entries in a row as sets of places: bit n is entry n of the block."""

    count: int
    hashes: bytes = field(repr=False)  # the beginnings of the leaves' hashes
    at: "array[int]"  # microseconds since 1970
    words: dict[str, dict[str, int]]
    before: Before | None  # of the first block of an epoch
    people: bytes | None = field(default=None, repr=False)  # beginnings of references, each with its place
    recipients: dict[UUID, int] | None = None
    unknown: int = 0  # entries of whom nobody can tell any more who received: their detail is over

    @property
    def everything(self) -> int:
        """All of its entries."""
        return (1 << self.count) - 1

    def named(self, references: Sequence[bytes]) -> int:
        """The entries that name any of `references`."""
        found, people = 0, self.people or b""
        for reference in references:
            start = people.find(reference[:PREFIX])
            while start >= 0:
                if start % (PREFIX + 1) == 0:
                    found |= 1 << people[start + PREFIX]
                start = people.find(reference[:PREFIX], start + 1)
        return found

    def between(self, since: int | None, until: int | None) -> int:
        """The entries from `since` on and before `until`, both in microseconds."""
        low, high = min(self.at), max(self.at)
        if (since is None or since <= low) and (until is None or high < until):
            return self.everything
        return sum(
            1 << n
            for n, at in enumerate(self.at)
            if (since is None or at >= since) and (until is None or at < until)
        )


class Tree:
    """The tree of one epoch, down to the roots of its blocks. Raises `LogContradicted`."""

    def __init__(self, end: End, work: Work) -> None:
        self.end, self._read = end, storage.reader(end.epoch, session=work.session)
        self._known: dict[tuple[int, int], bytes] = {}
        try:
            for tile in tiles.edge(end.size):
                self._known[tile.level, tile.index] = self._read(tile)[: tile.width * HASH_BYTES]
            root = tiles.root(end.size, lambda tile: self._known.get((tile.level, tile.index), b""))
        except TileMissing:
            root = b""
        if root != end.root:
            raise LogContradicted(epoch=end.epoch, size=end.size)

    def block_root(self, number: int) -> bytes:
        """The root over the leaves of a block; of the last, partial one, a digest of its own."""
        if (number + 1) * WIDTH > self.end.size:
            return leaf_hash(self._known[0, number])
        return self._hash(1, number)

    def _hash(self, level: int, index: int) -> bytes:
        at = index % WIDTH * HASH_BYTES
        return self._tile(level, index // WIDTH)[at : at + HASH_BYTES]

    def _tile(self, level: int, index: int) -> bytes:
        known = self._known.get((level, index))
        if known is None:
            known = self._read(TileId(level, index))[: WIDTH * HASH_BYTES]
            if len(known) != WIDTH * HASH_BYTES or perfect_root(known) != self._hash(level + 1, index):
                raise LogContradicted(epoch=self.end.epoch, index=index * WIDTH ** (level + 1))
            self._known[level, index] = known
        return known


@dataclass(frozen=True, slots=True)
class Vouching:
    """Makes blocks, and keeps them; one a process, for all workspaces."""

    memory: Memory = field(repr=False)
    opener: Opener = field(repr=False)
    _kept: OrderedDict[bytes, Block] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def ends(self, *, work: Work) -> tuple[list[Tree], bool]:
        """The epochs that can be vouched for, newest first, and whether those are all.

        Raises `LogContradicted`.
        """
        known = Signed.remembered(self.memory, work.workspace)
        if known is None:
            return [], True
        found, end = [], End(known.epoch, known.size, known.root)
        while True:
            tree = Tree(end, work)
            found.append(tree)
            said = self.blocks(tree, [0], Parts(), work=work)[0].before
            if said is None:
                return found, end.epoch == 0
            if said.stood is None:
                # A first leaf of the older form does not say what the restore had left.
                return found, False
            if not said.stood.size:
                return found, True
            end = End(*said.stood)

    def blocks(self, tree: Tree, numbers: Sequence[int], parts: "Parts", *, work: Work) -> list[Block]:
        """These blocks, which stand in a row, with the parts that are asked for."""
        keys = [self._key(tree, number, work) for number in numbers]
        with self._lock:
            found = {key: block for key in keys if parts.of(block := self._kept.get(key)) and block}
            for key in found:
                self._kept.move_to_end(key)
        lacking = {number: key for number, key in zip(numbers, keys, strict=True) if key not in found}
        for number, made in _made(tree, list(lacking), parts, self.opener, work) if lacking else ():
            found[lacking[number]] = made
        with self._lock:
            for key in lacking.values():
                self._kept[key] = found[key]
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return [found[key] for key in keys]

    def has(self, tree: Tree, number: int, parts: "Parts", *, work: Work) -> bool:
        """Whether a block with these parts was made before, and costs nothing."""
        return parts.of(self._kept.get(self._key(tree, number, work)))

    @staticmethod
    def _key(tree: Tree, number: int, work: Work) -> bytes:
        return work.workspace.bytes + tree.block_root(number)


class Parts(NamedTuple):
    """What a question needs of a block beside its leaves' words."""

    people: bool = False
    recipients: bool = False

    def of(self, block: Block | None) -> bool:
        """Whether a block has them."""
        return (
            block is not None
            and (block.people is not None or not self.people)
            and (block.recipients is not None or not self.recipients)
        )


# By the place in the log: an entry's id and leaf; a reference; salt and sealed bytes of a detail.
_LeafRow = tuple[int, UUID, bytes]
_PersonRow = tuple[int, bytes]
_DetailRow = tuple[int, bytes, bytes]
_R = TypeVar("_R", _LeafRow, _PersonRow, _DetailRow)


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the database has of some blocks, by block."""

    leaves: dict[int, list[_LeafRow]]
    people: dict[int, list[_PersonRow]] | None
    details: dict[int, list[_DetailRow]] | None

    @classmethod
    def of(cls, epoch: int, first: int, last: int, parts: Parts, work: Work) -> "_Rows":
        """Those of the entries from `first` to `last`."""
        bounds = (epoch, first, last)
        return cls(
            _by_block(run(work.session, _LEAVES, bounds)),
            _by_block(run(work.session, _PEOPLE, bounds)) if parts.people else None,
            _by_block(run(work.session, _DETAILS, bounds)) if parts.recipients else None,
        )


def _by_block(rows: Iterable[_R]) -> dict[int, list[_R]]:
    """Rows by block; the first of their columns is the place."""
    found: dict[int, list[_R]] = {}
    for row in rows:
        found.setdefault(row[0] // WIDTH, []).append(row)
    return found


def _made(
    tree: Tree, numbers: Sequence[int], parts: Parts, opener: Opener, work: Work
) -> Iterator[tuple[int, Block]]:
    """Blocks from the database, each leaf hashed. Raises `LogContradicted`."""
    for start in range(0, len(numbers), AT_ONCE):
        some = numbers[start : start + AT_ONCE]
        last = min((some[-1] + 1) * WIDTH, tree.end.size) - 1
        rows = _Rows.of(tree.end.epoch, some[0] * WIDTH, last, parts, work)
        for number in some:
            leaves = rows.leaves.get(number, [])
            block, said = _block(tree, number, leaves)
            if rows.people is not None:
                block.people = _people(tree, number, said, rows.people.get(number, []))
            if rows.details is not None:
                details = {row[0]: row[1:] for row in rows.details.get(number, [])}
                _receive(tree, block, leaves, said, details, opener, work)
            yield number, block


def _block(tree: Tree, number: int, rows: Sequence[_LeafRow]) -> tuple[Block, list[Leaf]]:
    """A block and its leaves' words, once they make the root that is vouched for."""
    first = number * WIDTH
    count = min(WIDTH, tree.end.size - first)
    hashes = [leaf_hash(row[2]) for row in rows]
    whole = b"".join(hashes)
    in_a_row = [row[0] for row in rows] == list(range(first, first + count))
    if not in_a_row or (perfect_root(whole) if count == WIDTH else leaf_hash(whole)) != tree.block_root(
        number
    ):
        raise LogContradicted(epoch=tree.end.epoch, index=first)
    said: list[Leaf] = [msgspec.json.decode(row[2]) for row in rows]
    words: dict[str, dict[str, int]] = {word: {} for word in WORDS}
    sets_of = [(word, words[word]) for word in WORDS]
    for place, leaf in enumerate(said):
        for word, sets in sets_of:
            sets[leaf[word]] = sets.get(leaf[word], 0) | 1 << place
    block = Block(
        count=count,
        hashes=b"".join([one[:SHORT] for one in hashes]),
        at=array("q", [micros(datetime.fromisoformat(leaf["at"])) for leaf in said]),
        words=words,
        before=verifier.before(rows[0][2]) if number == 0 else None,
    )
    return block, said


def _people(tree: Tree, number: int, said: Sequence[Leaf], rows: Sequence[_PersonRow]) -> bytes:
    """The references of a block's entries, once they make the roots that the leaves say."""
    first, by_place = number * WIDTH, dict[int, list[bytes]]()
    for seq, ref in rows:
        by_place.setdefault(seq - first, []).append(bytes(ref))
    for place, leaf in enumerate(said):
        if not references_agree(leaf, by_place.get(place, ())):
            raise LogContradicted(epoch=tree.end.epoch, index=first + place)
    return b"".join(
        sorted(ref[:PREFIX] + bytes((place,)) for place, refs in by_place.items() for ref in refs)
    )


def _receive(
    tree: Tree,
    block: Block,
    rows: Sequence[_LeafRow],
    said: Sequence[Leaf],
    details: dict[int, tuple[bytes, bytes]],
    opener: Opener,
    work: Work,
) -> None:
    """Note who received, by the details that the leaves commit to. Raises `LogContradicted`."""
    found: dict[UUID, int] = {}
    for place, (row, leaf) in enumerate(zip(rows, said, strict=True)):
        detail = detail_of(
            leaf, row[1], details.get(row[0]), workspace=work.workspace, now=work.now, opener=opener
        )
        if detail == ALTERED:
            raise LogContradicted(epoch=tree.end.epoch, index=row[0])
        if isinstance(detail, str):
            block.unknown |= 1 << place
        elif (who := received_by(detail, leaf["action"])) is not None:
            found[who] = found.get(who, 0) | 1 << place
    block.recipients = found
