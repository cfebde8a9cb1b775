"""The keeper's part: sequence now, integrate later (design §3.11).

One transaction takes a batch of pending entries, gives each its place, and appends leaves
and tiles. Then what was stored is read again and hashed again, proven to extend the size
and root that the state directory remembers, the new pair is made durable there, and only
then is it signed and published. After a crash any durable size is signed late; anything
that does not extend what was signed is refused. A database that is shorter than what was
signed is a restored one: a new epoch begins, whose first leaf says where the old one ended.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NotRequired, Protocol, TypedDict
from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, select

from audit import tables
from audit.log import counted, merkle, storage, tiles
from audit.log.checkpoint import Checkpoint, sign
from audit.log.entry import Entry, Previous, Stood, detail_hash, encode
from audit.log.merkle import leaf_hash
from audit.log.pending import SealDetail
from audit.log.storage import Head
from cdp.kernel.database import Conflict, insert_rows
from cdp.kernel.errors import Refused
from cdp.kernel.ids import new_id
from cdp.ports import Signer
from cdp.work import Work

BATCH = 2000


class LogRewritten(Refused, http=False):
    """The log in the database does not extend what was signed; nothing is signed any more.

    Somebody changed stored entries or tiles.
    """

    by_command = "cdp audit verify with a saved checkpoint, which names the place; keep the database as it is"


class Remembered(TypedDict):
    """The last signed state of a log, digests as hex; the older form has only the first three."""

    epoch: int
    size: int
    root: str
    before: NotRequired[str]
    after: NotRequired[str]


class Memory(Protocol):
    """Durable memory of the signer, outside the database: the last signed state of each log."""

    def read(self, workspace: UUID) -> Remembered | None:
        """What was remembered."""
        ...

    def write(self, workspace: UUID, value: Remembered) -> None:
        """Remember; durable when it returns."""
        ...


def origin(instance: UUID, workspace: UUID, epoch: int) -> str:
    """`<instance>/<opaque log id>/<epoch>`."""
    return f"{instance}/{log_id(instance, workspace)}/{epoch}"


def log_id(instance: UUID, workspace: UUID) -> str:
    """The log's public id: tells nothing of the workspace."""
    return sha256(b"cdp/1/log" + instance.bytes + workspace.bytes).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The last state that was signed."""

    epoch: int
    size: int
    root: bytes = field(repr=False)
    # Digests over the checkpoints before it, and with its own; None: a memory of the older form.
    before: bytes | None = field(default=None, repr=False)
    notes: bytes | None = field(default=None, repr=False)

    @classmethod
    def remembered(cls, memory: Memory, workspace: UUID) -> "Signed | None":
        """What the memory says of a workspace's log; None: nothing of it was ever signed."""
        known = memory.read(workspace)
        if known is None:
            return None
        return cls(
            epoch=known["epoch"],
            size=known["size"],
            root=bytes.fromhex(known["root"]),
            before=bytes.fromhex(known["before"]) if "before" in known else None,
            notes=bytes.fromhex(known["after"]) if "after" in known else None,
        )

    def stored(self) -> Remembered:
        """As the memory keeps it."""
        kept: Remembered = {"epoch": self.epoch, "size": self.size, "root": self.root.hex()}
        if self.before is not None:
            kept["before"] = self.before.hex()
        if self.notes is not None:
            kept["after"] = self.notes.hex()
        return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A pending entry that is given its place."""

    id: UUID
    leaf: bytes
    recipient: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequencer:
    """Sequences and signs the logs of one instance; there is one at a time (the keeper's lock)."""

    instance: UUID
    signer: Signer
    memory: Memory
    seal: SealDetail = field(repr=False)

    def sequence(self, *, work: Work) -> int:
        """Give a batch of pending entries their places; how many there were. Publishes nothing.

        What was counted in minutes that are over becomes entries before.
        """
        counted.gather(seal=self.seal, work=work)
        epoch = self._epoch(work)
        rows = work.session.execute(
            delete(tables.pending)
            .where(
                tables.pending.c.id.in_(
                    select(tables.pending.c.id).order_by(tables.pending.c.id).limit(BATCH)
                )
            )
            .returning(tables.pending)
        ).all()
        if not rows:
            return 0
        rows = sorted(rows, key=lambda row: row.id)
        size = storage.size(epoch, session=work.session)
        self._append(
            epoch,
            size,
            [_Taken(id=row.entry_id, leaf=bytes(row.leaf), recipient=row.recipient) for row in rows],
            work,
        )
        places = range(size, size + len(rows))
        refs = [
            (bytes(ref), place) for row, place in zip(rows, places, strict=True) for ref in sorted(row.refs)
        ]
        insert_rows(
            work.session,
            tables.subjects,
            work.workspace,
            {
                "ref": [ref for ref, _ in refs],
                "epoch": [epoch] * len(refs),
                "seq": [place for _, place in refs],
            },
        )
        insert_rows(
            work.session,
            tables.details,
            work.workspace,
            {
                "entry_id": [row.entry_id for row in rows],
                "salt": [row.salt for row in rows],
                "detail": [row.detail for row in rows],
                "until": [row.detail_until for row in rows],
            },
        )
        return len(rows)

    def publish(self, *, work: Work) -> bool:
        """Check what is stored against what was signed, remember it, sign it; false: nothing is new.

        Raises `LogRewritten`.
        """
        epoch = self._epoch(work)
        size = storage.size(epoch, session=work.session)
        before = Signed.remembered(self.memory, work.workspace)
        last = before or Signed(epoch=epoch, size=0, root=merkle.EMPTY_ROOT)
        if last.epoch != epoch:
            last = Signed(epoch=epoch, size=0, root=merkle.EMPTY_ROOT)
        head = storage.head(epoch, session=work.session)
        if size == 0 or (head is not None and head.size == size == last.size):
            return False
        root = self._checked_root(last, size, work)
        checkpoint = Checkpoint(origin=origin(self.instance, work.workspace, epoch), size=size, root=root)
        point = Head(
            epoch=epoch, size=size, root=root, note=sign(checkpoint, self.signer), signed_at=work.now
        )
        earlier = self._noted(before, epoch, size, work)
        signed = Signed(
            epoch=epoch, size=size, root=root, before=earlier, notes=storage.noted(earlier, point)
        )
        self.memory.write(work.workspace, signed.stored())
        work.session.execute(
            insert(tables.checkpoints).values(
                workspace_id=work.workspace,
                epoch=epoch,
                size=size,
                root=root,
                note=point.note,
                signed_at=point.signed_at,
            )
        )
        return True

    @staticmethod
    def _noted(last: Signed | None, epoch: int, size: int, work: Work) -> bytes:
        """The digest over the checkpoints before this one: one that goes missing is missed by `verify`."""
        if last is None or last.before is None or last.notes is None or last.epoch != epoch:
            return storage.all_noted(below=(epoch, size), session=work.session)
        # After a crash the last one that was remembered may never have been stored.
        stored = storage.checkpoint(epoch, last.size, session=work.session)
        return last.before if stored is None or last.size == size else last.notes

    def _epoch(self, work: Work) -> int:
        """The epoch to write to; begins a new one where the database is shorter than what was signed."""
        epoch = storage.newest_epoch(session=work.session)
        last = Signed.remembered(self.memory, work.workspace)
        if epoch > (last.epoch if last is not None else 0):
            self._check_begun(epoch, last, work)
        if last is None:
            return epoch
        behind = epoch < last.epoch or (
            epoch == last.epoch and storage.size(epoch, session=work.session) < last.size
        )
        if not behind:
            return epoch
        fresh = last.epoch + 1
        leaf, entry_id = self._first_leaf(last, self._stood(epoch, work), work)
        self._append(fresh, 0, [_Taken(id=entry_id, leaf=leaf, recipient=None)], work)
        return fresh

    @staticmethod
    def _check_begun(epoch: int, last: Signed | None, work: Work) -> None:
        """Raise `LogRewritten` unless `epoch` is one that this keeper has begun behind `last`."""
        first = next(storage.leaves(epoch, 0, 1, session=work.session), b"null")
        said = (msgspec.json.decode(first) or {}).get("previous") or {}
        known = (last.epoch, last.size, last.root.hex()) if last is not None else None
        if known != (said.get("epoch"), said.get("size"), said.get("root")) or epoch != known[0] + 1:
            raise LogRewritten(epoch=epoch)

    @staticmethod
    def _stood(epoch: int, work: Work) -> Stood:
        """What the restore has left, hashed anew. Raises `LogRewritten` where it isn't whole in itself."""
        size = storage.size(epoch, session=work.session)
        hashes = map(leaf_hash, storage.leaves(epoch, 0, size, session=work.session))
        grown = merkle.Frontier()
        for point in storage.checkpoints(epoch, session=work.session):
            grown = grown.extend(islice(hashes, point.size - grown.size))
            # A log that was rewritten and then cut is no restored one: what was signed would not agree.
            if (grown.size, grown.root()) != (point.size, point.root):
                raise LogRewritten(size=point.size)
        grown = grown.extend(hashes)
        if grown.size != size:
            raise LogRewritten(size=grown.size)
        return Stood(epoch=epoch, size=size, root=grown.root())

    def _first_leaf(self, last: Signed, stood: Stood, work: Work) -> tuple[bytes, UUID]:
        entry_id = new_id()
        entry = Entry(
            entry_id=entry_id,
            at=work.now,
            workspace=work.workspace,
            actor="system:keeper",
            action="keeper:log:open-epoch",
            purpose="audit",
            outcome="ok",
            detail_hash=detail_hash(os.urandom(16), b"{}"),
            previous=Previous(epoch=last.epoch, size=last.size, root=last.root, stood=stood),
        )
        return encode(entry), entry_id

    @staticmethod
    def _append(epoch: int, size: int, taken: Sequence[_Taken], work: Work) -> None:
        leaves = [one.leaf for one in taken]
        insert_rows(
            work.session,
            tables.entries,
            work.workspace,
            {
                "epoch": [epoch] * len(leaves),
                "seq": list(range(size, size + len(leaves))),
                "entry_id": [one.id for one in taken],
                "leaf": leaves,
            },
        )
        storage.make_searchable(epoch, size, leaves, [one.recipient for one in taken], work=work)
        read = storage.reader(epoch, session=work.session)
        written = tiles.grow(size, map(leaf_hash, leaves), read)
        insert_rows(
            work.session,
            tables.tiles,
            work.workspace,
            {
                "epoch": [epoch] * len(written),
                "level": [tile.level for tile, _ in written],
                "index": [tile.index for tile, _ in written],
                "hashes": [hashes for _, hashes in written],
            },
            conflict=Conflict(("epoch", "level", "index"), "UPDATE SET hashes = excluded.hashes"),
        )

    @staticmethod
    def _checked_root(last: Signed, size: int, work: Work) -> bytes:
        """The root at `size`, from tiles that agree with the stored leaves and extend what was signed."""
        read = storage.reader(last.epoch, session=work.session)
        root = tiles.root(size, read)
        if last.size:
            path = tiles.consistency(last.size, size, read)
            if not merkle.extends(last.size, last.root, size, root, path):
                raise LogRewritten(size=last.size)
            grown = tiles.frontier(last.size, read)
        else:
            grown = merkle.Frontier()
        fresh = storage.leaves(last.epoch, last.size, size, session=work.session)
        grown = grown.extend(leaf_hash(leaf) for leaf in fresh)
        if grown.size != size or grown.root() != root:
            raise LogRewritten(size=last.size)
        return root


@dataclass(frozen=True, slots=True)
class FileMemory:
    """The signer's memory in the state directory, one small file a log."""

    directory: Path
    write_json: Callable[[Path, Remembered], None] = field(repr=False)
    read_json: Callable[[Path], Remembered] = field(repr=False)

    def read(self, workspace: UUID) -> Remembered | None:
        """What was remembered; None for a log that was never signed."""
        path = self._path(workspace)
        if not path.exists():
            return None
        known: Remembered = self.read_json(path)
        return known

    def write(self, workspace: UUID, value: Remembered) -> None:
        """Remember; durable when it returns."""
        self.directory.mkdir(mode=0o700, exist_ok=True)
        self.write_json(self._path(workspace), value)

    def _path(self, workspace: UUID) -> Path:
        return self.directory / f"{workspace}.json"


def forget_details(before: datetime, *, work: Work) -> int:
    """Delete the detail of entries whose retention ended before `before`; how many."""
    gone = delete(tables.details).where(tables.details.c.until < before)
    return len(work.session.execute(gone.returning(tables.details.c.entry_id)).all())
