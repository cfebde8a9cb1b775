"""Verify the log where it lies, in a database: every epoch, and all that stands beside its leaves.

From the newest epoch backwards: the first leaf of each says what a restore had left of those before
it, so nothing can go missing there without being missed. Held against the leaves are checkpoints that
were saved elsewhere, what the signer remembers outside the database, and what searches read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, select, text

from audit import tables
from audit.log import attached, storage, verifier
from audit.log.attached import Finding, Opener
from audit.log.sequencer import Signed
from audit.log.storage import Head
from audit.log.verifier import FAILED, INTERNAL, OK, Before, Evidence, Note, Result

TILE, NOTE, BELATED, GAP = (
    "tile_missing_or_extra",
    "checkpoint_differs",
    "entry_in_a_lost_epoch",
    "entries_not_in_a_row",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """The verdict on one epoch. `lost`: how many of its entries a restore lost; None: nobody knows."""

    epoch: int
    size: int
    result: Result
    lost: int | None = 0
    beside: Sequence[Finding] = ()

    @property
    def status(self) -> str:
        """Failed as well where only what stands beside the leaves was changed."""
        return FAILED if self.beside else self.result.status


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What the log is held against. What is not there is not checked, and the steps say so.

    `key` is the pinned verifier key, `saved` are checkpoints kept outside the database, `remembered`
    is the signer's memory, and `opener` opens the sealed detail.
    """

    key: str | None
    saved: Sequence[str] = ()
    remembered: Signed | None = None
    opener: Opener | None = field(default=None, repr=False)


@dataclass(slots=True)
class _Walk:
    """On the way from the newest epoch to the oldest: what was said of those still to come."""

    after: Before | None = None
    anchored: str = OK  # the verdict on the epoch that said it


def inspect(connection: Connection, *, workspace: UUID, means: Means, now: datetime) -> list[Inspected]:
    """Verify every epoch of a workspace's log, oldest first. Raises `ValueError` for a malformed note."""
    connection.execute(text("SELECT set_config('cdp.workspace', :id, true)"), {"id": str(workspace)})
    counted = _counted(connection)
    saved: dict[int, list[str]] = {}
    for note in means.saved:
        saved.setdefault(verifier.epoch_of(note.split("\n", 1)[0]), []).append(note)
    waiting = {0, *counted, *saved, *([means.remembered.epoch] if means.remembered else [])}
    newest, walk, found = max(waiting), _Walk(), []
    while waiting:
        epoch = max(waiting)
        waiting.discard(epoch)
        mine = replace(means, saved=saved.get(epoch, ()))
        one = _Epoch(connection, epoch, counted.get(epoch, _Counted()), mine, epoch == newest).verdict(walk)
        beside = [*one.beside, *_beside(connection, one, workspace, means.opener, now)]
        found.append(replace(one, beside=beside))
        if walk.after is not None:
            # What is said to have stood is looked for, even where nothing at all is left of it.
            waiting |= {e.epoch for e in (walk.after.signed, walk.after.stood) if e and e.epoch < epoch}
    sizes = {epoch: one.entries for epoch, one in counted.items()}
    if strays := attached.strays(sizes, session=connection):
        found[0] = replace(found[0], beside=[*found[0].beside, *strays])
    return found[::-1]


def has(connection: Connection, *, workspace: UUID, signed: Signed) -> bool:
    """Whether the database has the checkpoint that the signer remembers."""
    connection.execute(text("SELECT set_config('cdp.workspace', :id, true)"), {"id": str(workspace)})
    return storage.checkpoint(signed.epoch, signed.size, session=connection) is not None


@dataclass(frozen=True, slots=True)
class _Counted:
    """How many entries an epoch has, and whether they stand one behind the other from 0 on."""

    entries: int = 0
    dense: bool = True


def _counted(connection: Connection) -> dict[int, _Counted]:
    """By epoch; also those of which there are only checkpoints or tiles."""
    entry, point, tile = tables.entries.c, tables.checkpoints.c, tables.tiles.c
    rows = connection.execute(
        select(entry.epoch, func.count(), func.min(entry.seq), func.max(entry.seq)).group_by(entry.epoch)
    )
    found = {epoch: _Counted(count, first == 0 and last == count - 1) for epoch, count, first, last in rows}
    for column in (point.epoch, tile.epoch):
        for epoch in connection.scalars(select(column).distinct()):
            found.setdefault(epoch, _Counted())
    return found


@dataclass(frozen=True, slots=True)
class _Epoch:
    connection: Connection
    epoch: int
    counted: _Counted
    means: Means
    newest: bool

    @property
    def size(self) -> int:
        """How many entries there are, signed or not."""
        return self.counted.entries

    def verdict(self, walk: _Walk) -> Inspected:
        """Verify the epoch with what the one after it said, and note what it says itself."""
        said = walk.after
        lost = said.lost if said is not None and said.signed.epoch == self.epoch else 0
        if said is not None and said.stood is not None and said.stood.epoch == self.epoch < said.signed.epoch:
            # The leaf that knew how far this epoch went was lost itself.
            lost = None
        if said is not None and said.stood is not None and said.stood.epoch < self.epoch:
            return self._gone(said, walk)
        points = storage.checkpoints(self.epoch, session=self.connection)
        evidence = self._evidence([point for point in points if _is_note(point)], said, walk.anchored)
        if evidence is None:
            walk.after = None
            return Inspected(epoch=self.epoch, size=0, result=self._nothing(), beside=[*self._tiles()])
        result = verifier.verify_log(self._leaves(), evidence, self._tile)
        first = self._first()
        result = verifier.linked(result, self.epoch, first)
        beside = [*self._tiles(), *self._notes(points)]
        if not self.counted.dense:
            beside.append(Finding(kind=GAP, epoch=self.epoch, index=None))
        walk.anchored = FAILED if beside else result.status
        walk.after = first
        return Inspected(epoch=self.epoch, size=self.size, result=result, lost=lost, beside=beside)

    def _evidence(self, points: Sequence[Head], said: Before | None, anchored: str) -> Evidence | None:
        """What is held against the leaves; None: nothing says anything of this epoch."""
        stood = said.stood if said is not None else None
        if points:
            evidence = verifier.gather(
                points[-1].note,
                key=self.means.key,
                saved=self.means.saved,
                history=[point.note for point in points[:-1]],
            )
        elif stood is not None:
            pinned = verifier.read_key(self.means.key) if self.means.key else None
            kept = [verifier.read_note(note, pinned) for note in self.means.saved]
            origin = kept[0].origin if kept else ""
            signed = True if anchored == OK else None
            evidence = Evidence(head=Note(origin, stood.size, stood.root, signed), saved=kept)
        else:
            return None
        evidence = verifier.against(evidence, said, anchored)
        known = self.means.remembered
        if known is not None and known.epoch == self.epoch:
            evidence = replace(
                evidence,
                told=[*evidence.told, Note(evidence.head.origin, known.size, known.root, None)],
            )
        # Behind the newest checkpoint the next entries may wait for theirs; and a leaf of the older form
        # does not say how many stood.
        return replace(evidence, waiting=self.newest or (said is not None and stood is None))

    def _nothing(self) -> Result:
        """An epoch without a checkpoint: a failure if anything says that it had one."""
        known = self.means.remembered
        if self.means.saved or (known is not None and known.epoch == self.epoch):
            return _said("failed", "the epoch has no checkpoint, and was signed")
        if not self.newest:
            return _said("failed", "the epoch has no checkpoint, and no later one says that it was lost")
        return _said("skipped", "nothing has been signed yet")

    def _gone(self, said: Before, walk: _Walk) -> Inspected:
        """An epoch that a restore lost as a whole: nothing of it may be there."""
        lost = said.lost if said.signed.epoch == self.epoch else None
        if self.means.saved:
            result = _said("failed", "a restore lost the epoch, and a saved checkpoint is of it")
        else:
            result = replace(_said("passed", "a restore lost the epoch"), status=walk.anchored)
        points = storage.checkpoints(self.epoch, session=self.connection)
        left = self.size or points or any(self._tiles())
        there = [Finding(kind=BELATED, epoch=self.epoch, index=0)] if left else []
        return Inspected(epoch=self.epoch, size=self.size, result=result, lost=lost, beside=there)

    def _leaves(self) -> Iterator[bytes]:
        return storage.leaves(self.epoch, 0, self.size, session=self.connection)

    def _first(self) -> Before | None:
        first = next(storage.leaves(self.epoch, 0, 1, session=self.connection), None)
        try:
            return verifier.before(first) if first is not None else None
        except (LookupError, TypeError, ValueError, AttributeError):
            # A leaf that somebody garbled says nothing; that it was garbled, the tree has found.
            return None

    def _tile(self, level: int, index: int) -> bytes | None:
        return storage.stored(self.epoch, level, index, session=self.connection)

    def _tiles(self) -> Iterator[Finding]:
        """Tiles that are missing, and those that no tree of this size has."""
        tile = tables.tiles.c
        rows = self.connection.execute(select(tile.level, tile.index).where(tile.epoch == self.epoch))
        there = {(level, index) for level, index in rows}
        level, count = 0, self.size
        needed: set[tuple[int, int]] = set()
        while count:
            needed |= {(level, index) for index in range(-(-count // verifier.WIDTH))}
            level, count = level + 1, count // verifier.WIDTH
        for level, index in sorted(there ^ needed):
            # Named by the first leaf that stands in it.
            yield Finding(kind=TILE, epoch=self.epoch, index=index * verifier.WIDTH ** (abs(level) + 1))

    def _notes(self, points: Sequence[Head]) -> Iterator[Finding]:
        """Checkpoints whose columns differ from the note; and, as far as the signer remembers, any change."""
        known = self.means.remembered
        for point in points:
            if not _is_note(point):
                yield Finding(kind=NOTE, epoch=self.epoch, index=point.size)
        if known is None or known.epoch != self.epoch:
            return
        if known.size not in {point.size for point in points}:
            yield Finding(kind=NOTE, epoch=self.epoch, index=known.size)
        noted = storage.all_noted(below=(known.epoch, known.size + 1), session=self.connection)
        if known.notes is not None and noted != known.notes:
            yield Finding(kind=NOTE, epoch=self.epoch, index=None)


def _is_note(point: Head) -> bool:
    """Whether the note says what the columns beside it say."""
    try:
        note = verifier.read_note(point.note, None)
        return (note.size, note.root) == (point.size, point.root)
    except ValueError:
        return False


def _said(outcome: str, why: str) -> Result:
    return Result(
        status={"failed": FAILED, "skipped": INTERNAL}.get(outcome, OK), steps=((0, "reading", outcome, why),)
    )


def _beside(
    connection: Connection, one: Inspected, workspace: UUID, opener: Opener | None, now: datetime
) -> Iterator[Finding]:
    """What beside the leaves of an epoch is not what they say."""
    for entry in attached.attached(one.epoch, session=connection):
        yield from attached.check(entry, workspace=workspace, now=now, opener=opener)


def verdict(found: Sequence[Inspected]) -> str:
    """The verdict on the whole log: failed if any epoch failed, ok if each is anchored."""
    if not found or any(one.status == FAILED for one in found):
        return FAILED
    return OK if all(one.status == OK for one in found) else INTERNAL
