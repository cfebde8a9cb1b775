"""Verify the audit log without trusting us: this file imports nothing of ours.

    python audit/log/verifier.py BUNDLE.json --checkpoint SAVED --key VKEY

It works offline. The numbers of its steps stand in the code:
1. Leaf hashes: SHA-256(0x00 ‖ leaf) of every leaf in the bundle, in order.
2. Tiles: each stored tile (c2sp.org/tlog-tiles) holds exactly those hashes.
3. Root: the Merkle root (RFC 9162 §2.1) over them is the one that the checkpoint says.
4. Signature: the pinned key signed this checkpoint, the saved ones and the earlier ones.
5. Consistency: the log still begins with what each of those other checkpoints said.
6. Inclusion: each single entry in the bundle leads to the checkpoint's root.
7. Epochs: a log that was restored begins a new epoch, whose first leaf says where the one before
   had ended and what of it still stood; that and no less stands there now.

`ok` (exit 0) needs a pinned key *and* a checkpoint that was saved outside the database;
without both, a log that agrees with itself is `internally consistent only` (exit 3), for
whoever owns the database could have written all of it anew. `failed` (exit 1) names the
first bad index where tiles survive, else the smallest interval between two signed
checkpoints of which the leaves keep the first and break the second.

A bundle is a JSON object in which bytes are base64; `leaves` or `entries` must be there:
    {"format": "cdp/audit-bundle/1", "checkpoint": signed note, "history": [earlier notes],
     "leaves": [leaf 0, leaf 1, …], "tiles": {"tile/0/000": hashes, …},
     "entries": [{"index": n, "leaf": leaf, "path": [hashes]}],
     "consistency": {"from": size of the saved checkpoint, "path": [hashes]},
     "earlier": [bundles of the epochs before, newest first]}
"""

import argparse
import base64
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import islice
from operator import index as whole
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "cdp/audit-bundle/1"
OK, FAILED, INTERNAL = "ok", "failed", "internally consistent only"
EXIT_CODES = {OK: 0, FAILED: 1, INTERNAL: 3}
STEPS = ("leaf hashes", "tiles", "root", "signature", "consistency", "inclusion", "epochs")
WIDTH, HASH = 256, 32
EMPTY_ROOT = sha256(b"").digest()

TileSource = Callable[[int, int], bytes | None]  # (level, index) → its stored hashes, if there are any
Said = tuple[bool | None, str]  # passed, failed or (None) skipped, and why


class Malformed(ValueError):
    """The bundle, a checkpoint or the key is not of its form."""


class Key(NamedTuple):
    """A pinned Ed25519 key (c2sp.org/signed-note)."""

    name: str
    key_id: bytes
    public: bytes


class Note(NamedTuple):
    """A checkpoint as read; `signed`: whether the pinned key signed it (None: no key was pinned)."""

    origin: str
    size: int
    root: bytes
    signed: bool | None


class Stand(NamedTuple):
    """How far an epoch went: its number, size and root."""

    epoch: int
    size: int
    root: bytes


class Before(NamedTuple):
    """What the first leaf of an epoch says: the last that was signed, and what the restore had left."""

    signed: Stand
    stood: Stand | None  # None: a leaf of the older form, which does not say it

    @property
    def lost(self) -> int | None:
        """How many entries of the epoch that was written then the restore lost; None: it is not said."""
        if self.stood is None:
            return None
        return self.signed.size - (self.stood.size if self.stood.epoch == self.signed.epoch else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is held against the leaves: the checkpoint in question, saved and earlier ones, proofs.

    `told` is what is known from elsewhere without a signature; `end` how many leaves there must be, if
    that is not what the checkpoint says; `waiting`: more may stand behind it, and be signed soon.
    """

    head: Note
    saved: Sequence[Note] = ()
    history: Sequence[Note] = ()
    told: Sequence[Note] = ()
    end: int | None = None
    waiting: bool = False
    entries: Sequence[tuple[int, bytes, Sequence[bytes]]] = ()  # index, leaf, audit path
    consistency: tuple[int, Sequence[bytes]] | None = None  # from which size, and the proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The verdict. `steps`: (number, name, outcome, why). `interval`: indices [first, behind the last)."""

    status: str
    steps: tuple[tuple[int, str, str, str], ...] = field(repr=False)
    first_bad_index: int | None = None
    interval: tuple[int, int] | None = None


class Replay:
    """Leaves in order become hashes, tiles and, at the `sizes` wanted, roots; 255 hashes a level are kept."""

    def __init__(self, sizes: Iterable[int], tile: TileSource | None = None) -> None:
        self.size = 0
        self.compared = 0
        self.roots: dict[int, bytes] = {0: EMPTY_ROOT}
        self.differences: dict[int, tuple[int, int]] = {}  # level → leaves [start, stop) of the first one
        self._tile = tile
        self._wanted = [1 << 64, *sorted({size for size in sizes if size > 0}, reverse=True)]
        self._levels: list[list[bytes]] = [[]]

    def feed(self, leaves: Iterable[bytes]) -> None:
        """Take the next leaves; call it as often as you like, then `finish`."""
        stream = iter(leaves)
        # A batch ends where a tile is full or a root is wanted.
        while batch := list(islice(stream, min(WIDTH - len(self._levels[0]), self._wanted[-1] - self.size))):
            # (1) The hash of each leaf.
            self._levels[0] += [sha256(b"\x00" + leaf).digest() for leaf in batch]
            self.size += len(batch)
            level = 0
            while len(self._levels[level]) == WIDTH:
                self._compare(level)
                if level + 1 == len(self._levels):
                    self._levels.append([])
                self._levels[level + 1].append(_perfect_root(self._levels[level]))
                self._levels[level] = []
                level += 1
            if self._wanted[-1] == self.size:
                self.roots[self._wanted.pop()] = self._root()

    def finish(self) -> "Replay":
        """Compare the partial tiles on the right edge, and note the root over everything."""
        for level in range(len(self._levels)):
            self._compare(level)
        self.roots[self.size] = self._root()
        return self

    def keeps(self, note: Note) -> bool:
        """Whether the leaves make the root that `note` says at its size."""
        return self.roots.get(note.size) == note.root

    def _compare(self, level: int) -> None:
        """(2) Hold the hashes of the tile in hand against the stored one."""
        mine = b"".join(self._levels[level])
        # The tile's first leaf: its coordinates follow from how many leaves there are.
        index = ((self.size >> 8 * level) - len(mine) // HASH) // WIDTH
        stored = self._tile(level, index) if self._tile else None
        if stored is None or level in self.differences:
            return
        self.compared += 1
        if stored != mine:
            ends = range(0, max(len(stored), len(mine)), HASH)
            at = next(at for at in ends if stored[at : at + HASH] != mine[at : at + HASH]) // HASH
            start = (index * WIDTH + at) << 8 * level
            self.differences[level] = (start, start + (1 << 8 * level))

    def _root(self) -> bytes:
        """(3) The root over all leaves so far: complete subtrees, joined from the right."""
        top = b""
        for hashes in self._levels:
            end = len(hashes)
            while end:
                # Without its lowest bit, a length is where its smallest complete subtree starts.
                start = end & (end - 1)
                peak, end = _perfect_root(hashes[start:end]), start
                top = _node(peak, top) if top else peak
        return top or EMPTY_ROOT


def gather(checkpoint: str, *, key: str | None, saved: Sequence[str], history: Iterable[str]) -> Evidence:
    """Read the notes, each against the pinned `key`. Raises `ValueError`, mostly `Malformed`."""
    pinned = read_key(key) if key is not None else None
    return Evidence(
        head=read_note(checkpoint, pinned),
        saved=[read_note(note, pinned) for note in saved],
        history=[read_note(note, pinned) for note in history],
    )


def verify_log(leaves: Iterable[bytes], evidence: Evidence, tile: TileSource | None = None) -> Result:
    """Verify a whole log whose leaves are read in order and never all held at once."""
    notes = (evidence.head, *evidence.saved, *evidence.told, *evidence.history)
    replay = Replay((note.size for note in notes), tile)
    replay.feed(leaves)
    return judge(replay.finish(), evidence)


def verify_bundle(bundle: Any, *, key: str | None, saved: Sequence[str] = ()) -> Result:
    """Verify one bundle: the parsed JSON object that is described at the top of this file."""
    try:
        pinned = read_key(key) if key is not None else None
        parts = [bundle, *bundle.get("earlier", [])]
        result, after = Result(status=OK, steps=()), None
        kept = [read_note(note, pinned) for note in saved]
        origins = [part["checkpoint"].split("\n", 1)[0] for part in parts]
        for part, origin in zip(parts, origins, strict=True):
            # A checkpoint of a log or an epoch that is not in the bundle at all speaks against all of it.
            mine = [n for n in kept if n.origin == origin or (part is bundle and n.origin not in origins)]
            found, first = _verify_part(part, pinned, mine, after, result.status)
            result = found if part is bundle else _joined(result, found, epoch_of(origin))
            if after is not None and epoch_of(origin) != (after.stood or after.signed).epoch:
                raise Malformed("an earlier epoch in the bundle is not the one that stood before")
            # Where nothing stood any more, there is no epoch before.
            after = None if first is not None and first.stood and not first.stood.size else first
    except (LookupError, TypeError, ValueError, AttributeError) as problem:
        known = str(problem) if isinstance(problem, Malformed) else "something is missing or of a wrong type"
        return Result(status=FAILED, steps=((0, "reading", "failed", known),))
    if after is not None and result.status == OK:
        # Whoever hands over the newest epoch alone may have deleted those before it.
        why = f"epoch {(after.stood or after.signed).epoch} is not in the bundle"
        result = replace(result, status=INTERNAL, steps=(*result.steps, (7, STEPS[6], "skipped", why)))
    return result


def _verify_part(
    part: Any, pinned: Key | None, saved: Sequence[Note], after: Before | None, anchored: str
) -> tuple[Result, Before | None]:
    """Verify one epoch. `after`: what the first leaf of the next one says, whose status is `anchored`."""
    if part["format"] != FORMAT:
        raise Malformed("the bundle is of another format")
    tiles: dict[tuple[int, int], bytes] = {}
    for path, hashes in part.get("tiles", {}).items():
        level, number = path.removeprefix("tile/").partition(".p/")[0].split("/", 1)
        place = int(level), int(number.replace("x", "").replace("/", ""))
        # The hashes in a tile never change, so the widest version of it says the most.
        tiles[place] = max(tiles.get(place, b""), _bytes(hashes), key=len)
    proof = part.get("consistency")
    evidence = Evidence(
        head=read_note(part["checkpoint"], pinned),
        saved=saved,
        history=[read_note(note, pinned) for note in part.get("history", [])],
        entries=[(whole(e["index"]), _bytes(e["leaf"]), _path(e)) for e in part.get("entries", [])],
        consistency=(whole(proof["from"]), _path(proof)) if proof is not None else None,
    )
    if "leaves" not in part:
        return judge(None, evidence), None
    evidence = against(evidence, after, anchored)
    leaves = [_bytes(leaf) for leaf in part["leaves"]]
    result = verify_log(leaves, evidence, lambda level, index: tiles.get((level, index)))
    first = before(leaves[0]) if leaves else None
    return linked(result, epoch_of(evidence.head.origin), first), first


def _joined(newer: Result, older: Result, epoch: int) -> Result:
    """(7) One verdict on an epoch and on the one before it: the worse of the two."""
    bad = [f"{name}: {why}" for _, name, outcome, why in older.steps if outcome == "failed"]
    outcome = {OK: "passed", INTERNAL: "skipped"}.get(older.status, "failed")
    step = (7, STEPS[6], outcome, f"epoch {epoch}: " + "; ".join(bad or [older.status]))
    return Result(
        status=max(newer.status, older.status, key=(OK, INTERNAL, FAILED).index),
        steps=(*newer.steps, step, *(one for one in older.steps if one[0] == 7)),
        first_bad_index=older.first_bad_index if newer.first_bad_index is None else newer.first_bad_index,
        interval=newer.interval or older.interval,
    )


def against(evidence: Evidence, after: Before | None, anchored: str) -> Evidence:
    """Hold against an epoch what the first leaf of the one after says; as good as saved if that is `OK`."""
    stood = after.stood if after else None
    if stood is None:
        return evidence
    told = Note(evidence.head.origin, stood.size, stood.root, True if anchored == OK else None)
    if anchored == OK:
        return replace(evidence, saved=[*evidence.saved, told], end=stood.size)
    return replace(evidence, told=[*evidence.told, told], end=stood.size)


def before(leaf: bytes) -> Before | None:
    """What the first leaf of an epoch says of those before; None: nothing. Raises `ValueError` and others."""
    said = json.loads(leaf).get("previous")
    if said is None:
        return None
    signed, stood = said, said.get("stood")
    both = [
        Stand(whole(one["epoch"]), whole(one["size"]), bytes.fromhex(one["root"]))
        for one in (signed, stood)
        if one is not None
    ]
    return Before(both[0], both[1] if stood is not None else None)


def linked(result: Result, epoch: int, first: Before | None) -> Result:
    """(7) Add what the first leaf of an epoch says; without a word of the epoch before, it fails."""
    if (epoch == 0) != (first is None):
        why = "the first leaf says nothing of the epoch before" if epoch else "nothing can be before epoch 0"
        return replace(result, status=FAILED, steps=(*result.steps, (7, STEPS[6], "failed", why)))
    if first is None:
        return replace(result, steps=(*result.steps, (7, STEPS[6], "skipped", "the first epoch")))
    lost = "an unknown number" if first.lost is None else str(first.lost)
    why = f"a restore of epoch {first.signed.epoch}, which had {first.signed.size} entries, lost {lost}"
    return replace(result, steps=(*result.steps, (7, STEPS[6], "passed", why)))


def epoch_of(origin: str) -> int:
    """The epoch that an origin names, `<instance>/<log>/<epoch>`. Raises `ValueError`."""
    return int(origin.rpartition("/")[2])


def judge(replay: Replay | None, evidence: Evidence) -> Result:
    """Conclude from a finished replay (None: there are single entries only) and what is held against it."""
    head, notes = evidence.head, (evidence.head, *evidence.saved, *evidence.history)
    count = replay.size if replay else len(evidence.entries)
    tiles = replay.compared if replay else 0
    said: tuple[Said, ...] = (
        # (1) A bundle without anything in it proves nothing, so it does not pass.
        (bool(replay or count), f"{count} hashed"),
        # (2) Every stored tile agrees.
        (not replay.differences if replay and tiles else None, f"{tiles} compared with the leaves"),
        # (3) The leaves, all of them and no more, make the root that the checkpoint says.
        (_complete(replay, evidence) if replay else None, f"{count} of {evidence.end or head.size} leaves"),
        # (4) The pinned key signed everything that was presented as signed.
        (None if head.signed is None else all(n.signed for n in notes), f"{len(notes)} checkpoints"),
        _consistency(replay, evidence),
        _inclusion(evidence),
    )
    passed = [outcome for outcome, _ in said]
    index, interval = _where(replay, evidence) if replay and False in passed else (None, None)
    anchored = passed[0] and passed[3] and passed[4] and (passed[2] or passed[5])
    words = {True: "passed", False: "failed", None: "skipped"}
    return Result(
        status=FAILED if False in passed else OK if anchored else INTERNAL,
        steps=tuple((n, STEPS[n - 1], words[outcome], why) for n, (outcome, why) in enumerate(said, 1)),
        first_bad_index=index,
        interval=interval,
    )


def _complete(replay: Replay, evidence: Evidence) -> bool:
    """(3) As many leaves as there must be, and no more; they make the checkpoint's root."""
    end = evidence.head.size if evidence.end is None else evidence.end
    return (replay.size == end or (evidence.waiting and replay.size > end)) and replay.keeps(evidence.head)


def _consistency(replay: Replay | None, evidence: Evidence) -> Said:
    """(5) The log begins with what each saved checkpoint, and each of its own earlier ones, said."""
    for note in (*evidence.saved, *evidence.history):
        if note.origin != evidence.head.origin:
            return False, "a checkpoint is of another log or epoch"
        if not (replay.keeps(note) if replay else _proven(note, evidence)):
            return False, f"the log does not extend the checkpoint of size {note.size}"
    for note in evidence.told:
        if replay and not replay.keeps(note):
            return False, f"{note.size} entries with another root are known of elsewhere"
    # Everything extends an empty log, so a checkpoint of size 0 holds nothing fast.
    largest = max((note.size for note in evidence.saved), default=0)
    return largest > 0 or None, f"with {len(evidence.saved)} saved checkpoints, up to size {largest}"


def _inclusion(evidence: Evidence) -> Said:
    """(6) Each single entry leads to the checkpoint's root (RFC 9162 §2.1.3.2)."""
    head = evidence.head
    for index, leaf, path in evidence.entries:
        climbed = _climb(index, head.size - 1, sha256(b"\x00" + leaf).digest(), path)
        if not 0 <= index < head.size or climbed is None or climbed[1] != head.root:
            return False, f"entry {index} is not in the log"
    return bool(evidence.entries) or None, f"{len(evidence.entries)} single entries"


def _proven(note: Note, evidence: Evidence) -> bool:
    """Whether the bundle's proof leads from `note` to the checkpoint (RFC 9162 §2.1.4.2)."""
    head, (size, path) = evidence.head, evidence.consistency or (-1, [])
    if note.size in (0, head.size):
        return note.root == (head.root if note.size else EMPTY_ROOT)
    steps = [note.root, *path] if note.size & (note.size - 1) == 0 else path
    if size != note.size or size > head.size or not steps:
        return False
    below = (size & -size).bit_length() - 1  # the height of the smallest complete subtree of `note`
    return _climb(size - 1 >> below, head.size - 1 >> below, steps[0], steps[1:]) == (note.root, head.root)


def _where(replay: Replay, evidence: Evidence) -> tuple[int | None, tuple[int, int] | None]:
    """The first bad index if tiles can tell, else the smallest signed interval that can."""
    if replay.differences:
        start, stop = min(replay.differences.values(), key=lambda found: (found[0], -found[1]))
        for level in sorted(replay.differences, reverse=True):
            first, behind = replay.differences[level]
            # A finer difference elsewhere may be a decoy: only one inside the coarser counts.
            if start <= first and behind <= stop:
                start, stop = first, behind
        return (start, None) if stop - start == 1 else (None, (start, stop))
    elsewhere = [*evidence.saved, *evidence.told]
    notes = (*elsewhere, *evidence.history, evidence.head)
    broken = [note.size for note in notes if not replay.keeps(note)]
    if not broken:
        end = evidence.head.size if evidence.end is None else evidence.end
        return (end if replay.size > end and not evidence.waiting else None), None
    stop = min(broken)
    # Earlier checkpoints from the database narrow the interval only where they too speak
    # against the leaves: had they been signed anew, they would agree with any rewrite.
    objecting = any(not replay.keeps(note) for note in (*evidence.history, evidence.head))
    anew = any(note.size >= stop and replay.keeps(note) for note in evidence.history)
    lower = [*elsewhere, *evidence.history] if objecting and not anew else elsewhere
    return None, (max((n.size for n in lower if n.size < stop and replay.keeps(n)), default=0), stop)


def read_key(text: str) -> Key:
    """Parse a verifier key `name+id+key` (c2sp.org/signed-note). Raises `ValueError`."""
    found = re.fullmatch(r"([^\s+\ud800-\udfff]+)\+([0-9a-f]{8})\+([^\s]+)", text.strip())
    if found is not None:
        material = _bytes(found[3])
        key_id = sha256(found[1].encode() + b"\n" + material).digest()[:4]
        if len(material) == 1 + HASH and material[0] == 1 and found[2] == key_id.hex():
            return Key(found[1], key_id, material[1:])
    raise Malformed("the verifier key is not well-formed")


def read_note(note: str, key: Key | None) -> Note:
    """Parse a checkpoint (c2sp.org/tlog-checkpoint) and check `key`'s signature. Raises `ValueError`."""
    form = r"(([^\n]+)\n(0|[1-9][0-9]{0,18})\n([^\n]+)\n)\n((?:— [^\s+]+ [A-Za-z0-9+/=]+\n){1,100})"
    found = re.fullmatch(form, note)
    if found is None or len(note) > 1 << 18 or re.search(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]", note):
        raise Malformed("a checkpoint is not a signed note of origin, size and root")
    size, root = int(found[3]), _bytes(found[4])
    if len(root) != HASH or size >= 1 << 63:
        raise Malformed("a checkpoint's size or root is out of range")
    verdicts = []
    for row in found[5][:-1].split("\n"):
        _, name, blob = row.split(" ")
        signature = _bytes(blob)
        if len(signature) < 5:
            raise Malformed("a signature of a checkpoint is too short")
        # Lines of unknown keys, such as witnesses', are ignored; every line of the pinned key must hold.
        if key is not None and (name, signature[:4]) == (key.name, key.key_id):
            try:
                Ed25519PublicKey.from_public_bytes(key.public).verify(signature[4:], found[1].encode())
                verdicts.append(True)
            except (InvalidSignature, ValueError):
                verdicts.append(False)
    return Note(found[2], size, root, bool(verdicts) and all(verdicts) if key else None)


def _climb(at: int, last: int, seed: bytes, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """From a node to the roots of the tree that ends with it and of the whole one; None: no such path."""
    before = after = seed
    for step in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            before, after = _node(step, before), _node(step, after)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            after = _node(after, step)
        at, last = at >> 1, last >> 1
    return (before, after) if last == 0 else None


def _node(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right), RFC 9162 §2.1.1."""
    return sha256(b"\x01" + left + right).digest()


def _perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over 2^n hashes."""
    row = b"".join(hashes)
    while len(row) > HASH:
        row = b"".join([sha256(b"\x01" + row[at : at + 64]).digest() for at in range(0, len(row), 64)])
    return row


def _bytes(text: str) -> bytes:
    """Strict base64 (RFC 4648 §4), in its one canonical form. Raises `ValueError`."""
    blob = base64.b64decode(text, validate=True)
    if base64.b64encode(blob).decode() != text:
        raise Malformed("something is not in canonical base64")
    return blob


def _path(proof: Any) -> list[bytes]:
    """The hashes of a proof, 32 bytes each."""
    path = [_bytes(step) for step in proof["path"]]
    if any(len(step) != HASH for step in path):
        raise Malformed("a proof holds something that is no hash")
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify a bundle from the command line; returns the exit code (2 for a wrong call)."""
    parser = argparse.ArgumentParser(description="Verify a bundle of the audit log, offline.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], help="saved elsewhere")
    parser.add_argument("--key", help="the log's verifier key (name+id+key), pinned by you")
    given = parser.parse_args(arguments)
    try:
        bundle = json.loads(given.bundle.read_bytes())
        saved = [path.read_bytes().decode() for path in given.checkpoint]
    except (OSError, ValueError, RecursionError):
        parser.error("the bundle or a saved checkpoint cannot be read")
    result = verify_bundle(bundle, key=given.key, saved=saved)
    for number, name, outcome, why in result.steps:
        sys.stdout.write(f"{number}. {name:<12} {outcome:<8} {why}\n")
    if result.first_bad_index is not None:
        sys.stdout.write(f"first bad index: {result.first_bad_index}\n")
    if result.interval is not None:
        sys.stdout.write("altered between sizes {} and {}\n".format(*result.interval))
    sys.stdout.write(result.status + "\n")
    return EXIT_CODES[result.status]


if __name__ == "__main__":
    sys.exit(main())
