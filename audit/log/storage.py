"""The log in its tables: checkpoints, tiles and leaves of one epoch, and their searchable form."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import Connection, func, select, tuple_
from sqlalchemy.orm import Session

from audit import tables
from audit.log.tiles import Read, TileId
from cdp.kernel.database import StoredRow, insert_rows
from cdp.work import Work

LEAVES = 4096
NO_NOTES = bytes(32)
LeafWord = Literal["actor", "action", "purpose", "outcome"]
WORDS: tuple[LeafWord, ...] = ("actor", "action", "purpose", "outcome")  # of a leaf, that one may search by


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A signed checkpoint as it is stored."""

    epoch: int
    size: int
    root: bytes
    note: str
    signed_at: datetime


def newest_epoch(*, session: Session | Connection) -> int:
    """The epoch that is being written: the greatest that has an entry; 0 if none has."""
    return session.scalar(select(func.max(tables.entries.c.epoch))) or 0


def epoch_after(epoch: int, *, session: Session | Connection) -> int | None:
    """The next epoch that has an entry; numbers may be left out, where somebody has planted one."""
    entry = tables.entries.c
    found: int | None = session.scalar(select(func.min(entry.epoch)).where(entry.epoch > epoch))
    return found


def size(epoch: int, *, session: Session | Connection) -> int:
    """How many leaves an epoch holds, signed or not."""
    entry = tables.entries.c
    last = session.scalar(select(func.max(entry.seq)).where(entry.epoch == epoch))
    return 0 if last is None else int(last) + 1


def head(epoch: int, *, session: Session | Connection) -> Head | None:
    """The newest signed checkpoint of an epoch."""
    point = tables.checkpoints.c
    row = session.execute(
        select(tables.checkpoints).where(point.epoch == epoch).order_by(point.size.desc()).limit(1)
    ).one_or_none()
    return _head(epoch, row) if row is not None else None


def checkpoints(epoch: int, *, session: Session | Connection) -> list[Head]:
    """All signed checkpoints of an epoch, smallest first."""
    point = tables.checkpoints.c
    rows = session.execute(
        select(point.size, point.root, point.note, point.signed_at)
        .where(point.epoch == epoch)
        .order_by(point.size)
    )
    return [_head(epoch, row) for row in rows]


def checkpoint(epoch: int, size: int, *, session: Session | Connection) -> Head | None:
    """The signed checkpoint of exactly this size."""
    point = tables.checkpoints.c
    row = session.execute(
        select(tables.checkpoints).where(point.epoch == epoch, point.size == size)
    ).one_or_none()
    return _head(epoch, row) if row is not None else None


def _head(epoch: int, row: StoredRow) -> Head:
    return Head(epoch=epoch, size=row.size, root=bytes(row.root), note=row.note, signed_at=row.signed_at)


def noted(before: bytes, head: Head) -> bytes:
    """The digest over all checkpoints up to `head`, from that over those before it (`NO_NOTES` at first)."""
    said = f"{head.epoch}\n{head.size}\n{head.signed_at.timestamp():.6f}\n{head.note}"
    return sha256(before + head.root + said.encode()).digest()


def all_noted(*, below: tuple[int, int], session: Session | Connection) -> bytes:
    """The digest over the checkpoints below (epoch, size), of whatever epoch."""
    point, digest = tables.checkpoints.c, NO_NOTES
    rows = session.execute(
        select(tables.checkpoints)
        .where(tuple_(point.epoch, point.size) < below)
        .order_by(point.epoch, point.size)
    )
    for row in rows:
        digest = noted(digest, _head(row.epoch, row))
    return digest


def reader(epoch: int, *, session: Session | Connection) -> Read:
    """Tiles of an epoch by their coordinates; a tile that is not there is empty."""

    def read(tile: TileId) -> bytes:
        return stored(epoch, tile.level, tile.index, session=session) or b""

    return read


def stored(epoch: int, level: int, index: int, *, session: Session | Connection) -> bytes | None:
    """The hashes of a stored tile."""
    tile = tables.tiles.c
    found = session.scalar(
        select(tile.hashes).where(tile.epoch == epoch, tile.level == level, tile.index == index)
    )
    return None if found is None else bytes(found)


def leaves(epoch: int, start: int, stop: int, *, session: Session | Connection) -> Iterator[bytes]:
    """The leaves `[start, stop)` in order, read in pages; a missing one shortens the log."""
    entry = tables.entries.c
    at = start
    while at < stop:
        rows = session.execute(
            select(entry.seq, entry.leaf)
            .where(entry.epoch == epoch, entry.seq >= at, entry.seq < stop)
            .order_by(entry.seq)
            .limit(LEAVES)
        ).all()
        if not rows:
            return
        yield from (bytes(row.leaf) for row in rows)
        at = rows[-1].seq + 1


def make_searchable(
    epoch: int, start: int, leaves: Sequence[bytes], recipients: Sequence[UUID | None], *, work: Work
) -> None:
    """Write what `leaves`, from place `start` on, say into columns that can be searched."""
    said = [msgspec.json.decode(leaf) for leaf in leaves]
    insert_rows(
        work.session,
        tables.searchable,
        work.workspace,
        {
            "epoch": [epoch] * len(said),
            "seq": list(range(start, start + len(said))),
            "at": [datetime.fromisoformat(one["at"]) for one in said],
            **{word: [one[word] for one in said] for word in WORDS},
            "recipient": list(recipients),
        },
    )
