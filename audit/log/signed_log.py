"""The signed log for whoever proves elsewhere what it says: `ports.SignedLog`."""

from uuid import UUID

from audit.log import exporting, storage
from audit.log.exporting import NothingSigned
from cdp.ports import Checkpoint
from cdp.ports.audit_ports import EntryBundle, LogBundle
from cdp.work import Work


class SignedLog:
    """Reads the log as it is stored; whether it is what it should be is for the verifier to say."""

    def newest(self, *, work: Work) -> Checkpoint:
        """The newest checkpoint of the epoch that is being written. Raises `NothingSigned`."""
        epoch = storage.newest_epoch(session=work.session)
        head = storage.head(epoch, session=work.session)
        if head is None:
            raise NothingSigned
        return Checkpoint(epoch=epoch, size=head.size, root=head.root, note=head.note)

    def bundle(self, epoch: int, *, most: int | None, work: Work) -> LogBundle:
        """An epoch, and those before it that its first leaf speaks of; see `exporting.whole`."""
        return exporting.whole(epoch, session=work.session, most=most)

    def proof(self, entry: UUID, *, since: int | None, work: Work) -> EntryBundle:
        """One entry with its proof; see `exporting.single`."""
        return exporting.single(entry, since, session=work.session)
