"""The life of one log on a real database: written, kept, restored, tampered with by its owner, verified."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from audit.answers.vouching import Vouching
from audit.audit_trail import Trail
from audit.log import exporting, inspection, storage, tiles
from audit.log.checkpoint import key_of
from audit.log.inspection import Means
from audit.log.sequencer import Sequencer, Signed
from cdp.kernel.clock import now
from cdp.ports import AuditEntry


class Memory(dict):
    """The signer's memory, in memory: pure logic, the file's durability is tested elsewhere."""

    def read(self, workspace):
        return self.get(workspace)

    def write(self, workspace, value):
        self[workspace] = value


class LogSigner:
    """An Ed25519 signer for tests."""

    name = "test-log"

    def __init__(self):
        self._key = Ed25519PrivateKey.generate()
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, message):
        return self._key.sign(message)


def as_it_is(_workspace, _entry, detail):
    """Seals and opens nothing: what is checked here is what the leaf commits to, not the seal."""
    return detail


def restore(size, epoch=0, *, work):
    """Leave what a backup of the moment when the epoch had `size` entries would have held; as the owner."""
    later = f"(epoch, seq) >= ({epoch}, {size})"
    kept = f"SELECT entry_id FROM audit.entries WHERE NOT {later}"
    read = storage.reader(epoch, session=work.session)
    edge = {tile: read(tile)[: tile.width * 32] for tile in tiles.edge(size)}
    for statement in (
        f"DELETE FROM audit.details WHERE entry_id NOT IN ({kept})",
        *(f"DELETE FROM audit.{table} WHERE {later}" for table in ("entries", "searchable", "subjects")),
        f"DELETE FROM audit.checkpoints WHERE (epoch, size) > ({epoch}, {size})",
        f"DELETE FROM audit.tiles WHERE epoch > {epoch} OR epoch = {epoch} AND"
        f" (index::numeric * 256) * 256::numeric ^ level >= {size}",
    ):
        work.session.execute(text(statement))
    for tile, hashes in edge.items():
        work.session.execute(
            text("UPDATE audit.tiles SET hashes = :h WHERE (epoch, level, index) = (:e, :l, :i)"),
            {"h": hashes, "e": epoch, "l": tile.level, "i": tile.index},
        )


@dataclass
class Log:
    """The life of one log."""

    begin: object
    database: object
    workspace: object
    keeper: Sequencer = field(
        default_factory=lambda: Sequencer(
            instance=uuid4(), signer=LogSigner(), memory=Memory(), seal=lambda *_: b""
        )
    )
    before: str = ""  # a checkpoint from before a restore

    @property
    def vouching(self):
        """A fresh one each time: nothing is known from before."""
        return Vouching(self.keeper.memory, as_it_is)

    @property
    def trail(self):
        return Trail(as_it_is, self.vouching)

    def write(self, count, references=(), **said):
        """Entries of one act each; their ids."""
        trail = self.trail
        said = {"action": "test:thing:act", "outcome": "ok", **said}
        with self.begin() as work:
            return [
                trail.record(AuditEntry(references=references, detail={"n": n}, **said), work=work)
                for n in range(count)
            ]

    def keep(self):
        """What the keeper does in one round."""
        with self.begin(engine=self.database.keeper) as work:
            taken = self.keeper.sequence(work=work)
        with self.begin(engine=self.database.keeper) as work:
            self.keeper.publish(work=work)
        return taken

    def grow(self, *counts, **said):
        """Write and keep so many entries at a time."""
        for count in counts:
            self.write(count, **said)
            self.keep()

    def checkpoint(self, epoch=None):
        """What an auditor saves."""
        with self.begin() as work:
            newest = storage.newest_epoch(session=work.session)
            return storage.head(newest if epoch is None else epoch, session=work.session).note

    @property
    def key(self):
        return key_of(self.keeper.signer).encode()

    def means(self, *saved, memory=True, opener=as_it_is):
        remembered = Signed.remembered(self.keeper.memory, self.workspace) if memory else None
        return Means(key=self.key, saved=saved, remembered=remembered, opener=opener)

    def inspect(self, *saved, memory=False, session=None):
        """Verify; `memory`: with what the signer remembers."""
        means = self.means(*saved, memory=memory)
        if session is not None:
            return inspection.inspect(session.connection(), workspace=self.workspace, means=means, now=now())
        with self.database.app.begin() as connection:
            return inspection.inspect(connection, workspace=self.workspace, means=means, now=now())

    def verdict(self, *saved, **more):
        return inspection.verdict(self.inspect(*saved, **more))

    def exported(self, epoch=None):
        """The bundle that an auditor is handed."""
        with self.begin() as work:
            newest = storage.newest_epoch(session=work.session)
            return exporting.whole(newest if epoch is None else epoch, session=work.session)

    def tamper(self, *statements):
        """As the owner of the database, who may do anything in it."""
        with self.begin(engine=self.database.owner) as work:
            for statement in statements:
                assert work.session.execute(text(statement)).rowcount, statement

    def restore(self, size, epoch=0):
        """Leave what a backup of the moment when the epoch had `size` entries would have held."""
        with self.begin(engine=self.database.owner) as work:
            restore(size, epoch, work=work)

    @contextmanager
    def tampered(self, *statements):
        """The log as the owner's statements leave it, in a transaction that is rolled back."""
        with self.begin(engine=self.database.owner) as work:
            for statement in statements:
                assert work.session.execute(text(statement)).rowcount, statement
            yield work
            work.session.rollback()
