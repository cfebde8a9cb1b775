"""Verify the log where it lies, in a database: each epoch, against the checkpoints that were saved."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from audit import storage, verifier
from audit.verifier import FAILED, INTERNAL, OK, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """The verdict on one epoch."""

    epoch: int
    size: int
    result: Result


def inspect(
    connection: Connection, *, workspace: UUID, key: str | None, saved: Sequence[str]
) -> list[Inspected]:
    """Verify every epoch of a workspace's log.

    `key` is the pinned verifier key, `saved` are checkpoints kept outside the database; each
    is held against the epoch that it names. Raises `ValueError` for a malformed one.
    """
    connection.execute(text("SELECT set_config('cdp.workspace', :id, true)"), {"id": str(workspace)})
    by_epoch: dict[int, list[str]] = {}
    for note in saved:
        by_epoch.setdefault(int(note.split("\n", 1)[0].rpartition("/")[2]), []).append(note)
    newest = max([storage.newest_epoch(session=connection), *by_epoch])
    return [_epoch(connection, epoch, key, by_epoch.get(epoch, [])) for epoch in range(newest + 1)]


def _epoch(connection: Connection, epoch: int, key: str | None, saved: Sequence[str]) -> Inspected:
    points = storage.checkpoints(epoch, session=connection)
    if not points:
        return Inspected(epoch=epoch, size=0, result=_nothing(bool(saved)))
    head = points[-1]
    evidence = verifier.gather(head.note, key=key, saved=saved, history=[point.note for point in points[:-1]])

    def leaves() -> Iterator[bytes]:
        return storage.leaves(epoch, 0, head.size, session=connection)

    result = verifier.verify_log(
        leaves(), evidence, lambda level, index: _stored(connection, epoch, level, index, head.size)
    )
    return Inspected(epoch=epoch, size=head.size, result=result)


def _stored(connection: Connection, epoch: int, level: int, index: int, size: int) -> bytes | None:
    """A stored tile, cut to what the signed checkpoint covers: behind it entries wait for a signature."""
    hashes = storage.stored(epoch, level, index, session=connection)
    if hashes is None:
        return None
    width = min(verifier.WIDTH, (size >> 8 * level) - verifier.WIDTH * index)
    return hashes[: width * verifier.HASH]


def _nothing(expected: bool) -> Result:
    """An epoch without a checkpoint: a failure if a saved one says that it had one."""
    if expected:
        return Result(status=FAILED, steps=((0, "reading", "failed", "the epoch has no checkpoint"),))
    return Result(status=INTERNAL, steps=((0, "reading", "skipped", "nothing has been signed yet"),))


def verdict(found: Sequence[Inspected]) -> str:
    """The verdict on the whole log: failed if any epoch failed, ok if the newest is anchored."""
    if any(one.result.status == FAILED for one in found):
        return FAILED
    return OK if found and found[-1].result.status == OK else INTERNAL
