"""The log as a bundle: every epoch that still stands, for `audit/verifier.py` to check offline."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from audit import bundle, storage, tables, verifier
from audit.tiles import TileId
from cdp.kernel.errors import NotFound


class NothingSigned(NotFound):
    """Nothing of this epoch of the log has been signed, or there is no such epoch."""


def whole(epoch: int, *, session: Session | Connection) -> dict[str, Any]:
    """The bundle of an epoch, and of those before it that its first leaf speaks of.

    Raises `NothingSigned`. What was never signed before a restore stands under no checkpoint, and is
    not in the bundle; the verifier then says which epoch it lacks.
    """
    made, earlier, at = _epoch(epoch, session), [], epoch
    while (stood := _stood(at, session)) is not None and stood < at:
        at = stood
        if storage.head(at, session=session) is None:
            break
        earlier.append(_epoch(at, session))
    return {**made, "earlier": earlier}


def _stood(epoch: int, session: Session | Connection) -> int | None:
    """The epoch before, by the first leaf; None: there is none, or the leaf cannot be read."""
    first = next(storage.leaves(epoch, 0, 1, session=session), None)
    try:
        said = verifier.before(first) if first is not None else None
    except (LookupError, TypeError, ValueError, AttributeError):
        return None
    return (said.stood or said.signed).epoch if said is not None else None


def _epoch(epoch: int, session: Session | Connection) -> dict[str, Any]:
    points = storage.checkpoints(epoch, session=session)
    if not points:
        raise NothingSigned
    # An epoch that is over ends where its entries do, which may be behind its last checkpoint.
    over = epoch < storage.newest_epoch(session=session)
    size = storage.size(epoch, session=session) if over else points[-1].size
    return bundle.of_log(
        points[-1].note,
        leaves=storage.leaves(epoch, 0, size, session=session),
        stored=_tiles(size, epoch, session),
        history=[point.note for point in points[:-1]],
    )


def _tiles(size: int, epoch: int, session: Session | Connection) -> Sequence[tuple[TileId, bytes]]:
    """The stored tiles, each cut to what the bundle holds leaves of."""
    tile = tables.tiles.c
    rows = session.execute(
        select(tile.level, tile.index, tile.hashes)
        .where(tile.epoch == epoch)
        .order_by(tile.level, tile.index)
    )
    found = []
    for level, index, stored in rows:
        width = min(verifier.WIDTH, (size >> 8 * level) - verifier.WIDTH * index)
        if width > 0:
            hashes = bytes(stored)[: width * verifier.HASH]
            found.append((TileId(level, index, len(hashes) // verifier.HASH), hashes))
    return found
