"""The log as a bundle, whole or an entry of it, for `audit/log/verifier.py` to check offline."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from audit import tables
from audit.log import auditor_bundle, storage, tiles, verifier
from audit.log.auditor_bundle import Proven
from audit.log.tiles import TileId
from cdp.kernel.errors import BadInput, NotFound
from cdp.ports.audit_ports import EntryBundle, EpochBundle, LogBundle


class NothingSigned(NotFound):
    """Nothing of this epoch of the log has been signed, or there is no such epoch."""


class NotSignedYet(NotFound):
    """There is no such entry, or no checkpoint covers it yet; the keeper signs within a second."""


class NoSuchCheckpoint(BadInput):
    """The log was never that long; give the size that stands in a checkpoint of the entry's epoch."""


class LongLog(BadInput):
    """This is more of the log than one answer may hold."""

    by_command = "cdp audit export --out FILE"
    by_request = "GET /v1/audit/entries/ENTRY/proof, entry by entry; the operator exports the whole log"


def whole(epoch: int, *, session: Session | Connection, most: int | None = None) -> LogBundle:
    """The bundle of an epoch, and of those before it that its first leaf speaks of.

    Raises `NothingSigned`, and `LongLog` before it reads more than `most` entries. What was never signed
    before a restore stands under no checkpoint, and is not in the bundle; the verifier then says which
    epoch it lacks.
    """
    if most is not None and _entries(epoch, session) > most:
        raise LongLog(field="epoch", most=most)
    made, earlier, at = _epoch(epoch, session), [], epoch
    while (stood := _stood(at, session)) is not None and stood < at:
        at = stood
        if storage.head(at, session=session) is None:
            break
        earlier.append(_epoch(at, session))
    return {**made, "earlier": earlier}


def single(entry: UUID, since: int | None, *, session: Session | Connection) -> EntryBundle:
    """The bundle of one entry, that proves besides that the log extends its checkpoint of size `since`.

    `since` None: the newest checkpoint's own. Raises `NotSignedYet`, `NoSuchCheckpoint`.
    """
    column = tables.entries.c
    row = session.execute(
        select(column.epoch, column.seq, column.leaf).where(column.entry_id == entry)
    ).one_or_none()
    head = storage.head(row.epoch, session=session) if row is not None else None
    if row is None or head is None or head.size <= row.seq:
        raise NotSignedYet
    saved = head.size if since is None else since
    if not 0 < saved <= head.size:
        raise NoSuchCheckpoint(field="since")
    read = storage.reader(row.epoch, session=session)
    path = tiles.inclusion(row.seq, head.size, read)
    return auditor_bundle.of_entries(
        head.note,
        entries=[Proven(index=row.seq, leaf=bytes(row.leaf), path=path)],
        saved_size=saved,
        consistency=tiles.consistency(saved, head.size, read),
    )


def _entries(epoch: int, session: Session | Connection) -> int:
    """How many entries the bundle of an epoch has at most."""
    column = tables.entries.c
    return session.scalar(select(func.count()).where(column.epoch <= epoch)) or 0


def _stood(epoch: int, session: Session | Connection) -> int | None:
    """The epoch before, by the first leaf; None: there is none, or the leaf cannot be read."""
    first = next(storage.leaves(epoch, 0, 1, session=session), None)
    try:
        said = verifier.before(first) if first is not None else None
    except (LookupError, TypeError, ValueError, AttributeError):
        return None
    return (said.stood or said.signed).epoch if said is not None else None


def _epoch(epoch: int, session: Session | Connection) -> EpochBundle:
    points = storage.checkpoints(epoch, session=session)
    if not points:
        raise NothingSigned
    # An epoch that is over ends where its entries do, which may be behind its last checkpoint.
    over = epoch < storage.newest_epoch(session=session)
    size = storage.size(epoch, session=session) if over else points[-1].size
    return auditor_bundle.of_log(
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
