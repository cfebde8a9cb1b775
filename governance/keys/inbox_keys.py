"""Inbox keys: one a workspace and hour, wrapped under the inbox root, destroyed within 30 days.

What is sealed under one is bound to its use and to what its row says of it, so a body that is moved
to another row, or to another table, does not open (ADR-0033). Destroying a key destroys every body that
was sealed under it, wherever a copy lies.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from threading import Lock
from uuid import UUID

from sqlalchemy import Engine, delete, select

from cdp.kernel.database import StoredRow, run
from cdp.kernel.errors import BrokenSeal
from cdp.ports import BodyPlace, BodyUse
from cdp.vocabulary import FieldClass, FragmentId, KeyId, WorkspaceId
from cdp.work import Work, open_work
from governance import tables
from governance.keys import wrapping
from governance.keys.envelope import Context, DataKey, seal, unseal
from governance.keys.keyfile import KeyFile
from governance.keys.keyring import Use
from governance.keys.packing import pack, unpack

# Bodies belong to no fragment yet; the slot is in the format all the same.
_NOBODY = FragmentId(UUID(int=0))
_CLASS = FieldClass.UNCLASSIFIED
# A request in quarantine is the one that lay in the inbox, by all that its row says, and keeps its
# envelope: it may be there because it does not open, and it comes back as it was.
_CONTEXTS = {BodyUse.REQUEST: Context.INBOX, BodyUse.ANSWER: Context.ANSWER}


def row_of(place: BodyPlace) -> UUID:
    """What a body's envelope is bound to as its row: SHA-256 over `u32 length ‖ part` of each, cut to 16."""
    parts = b"".join(len(part).to_bytes(4, "big") + part for part in place.said)
    return UUID(bytes=sha256(parts).digest()[:16])


def _opened(place: BodyPlace, body: bytes, key: DataKey) -> bytes:
    """An envelope's content, if it was sealed for `place`; else `BrokenSeal`."""
    context = _CONTEXTS[place.use]
    try:
        return unseal(body, key=key, context=context, row=row_of(place), cls=_CLASS)
    except BrokenSeal:
        if place.use is not BodyUse.REQUEST:
            raise
        # Requests that were accepted before revision 0023 are bound to their key alone, and the last of
        # them ends with its key, 30 days after the upgrade: then this goes, and each opens in one place.
        return unseal(body, key=key, context=context, row=key.key_id, cls=_CLASS)


class InboxKeys:
    """Seals and opens bodies. The hour's key is kept in memory; its row is committed by then."""

    def __init__(self, file: KeyFile) -> None:
        self._file = file
        self._hours: dict[WorkspaceId, tuple[datetime, DataKey]] = {}
        self._lock = Lock()

    def seal(self, place: BodyPlace, body: bytes, *, received_at: datetime, work: Work) -> tuple[UUID, bytes]:
        """Pack a body and seal it for `place` under its hour's key: (key id, ciphertext)."""
        hour = received_at.replace(minute=0, second=0, microsecond=0)
        key = self._of_hour(hour, work)
        context = _CONTEXTS[place.use]
        return key.key_id, seal(pack(body), key=key, context=context, row=row_of(place), cls=_CLASS)

    def open(self, sealed: Sequence[tuple[BodyPlace, UUID, bytes]], *, work: Work) -> list[bytes]:
        """Open bodies where they lie, fetching each key once. Raises `BrokenSeal`."""
        wanted = {key_id for _, key_id, _ in sealed}
        rows = work.session.execute(select(tables.inbox_keys).where(tables.inbox_keys.c.id.in_(wanted)))
        keys = {row.id: self._unwrap(row, work.workspace) for row in rows}
        if wanted - keys.keys():
            raise BrokenSeal
        return [unpack(_opened(place, body, keys[key_id])) for place, key_id, body in sealed]

    def destroy_before(self, limit: datetime, *, work: Work) -> int:
        """Destroy the keys of hours before `limit`; returns how many there were."""
        gone = delete(tables.inbox_keys).where(tables.inbox_keys.c.hour < limit)
        return len(work.session.execute(gone.returning(tables.inbox_keys.c.id)).all())

    def _of_hour(self, hour: datetime, work: Work) -> DataKey:
        with self._lock:
            known = self._hours.get(work.workspace)
        if known is not None and known[0] == hour:
            return known[1]
        query = select(tables.inbox_keys).where(tables.inbox_keys.c.hour == hour)
        row = work.session.execute(query).one_or_none()
        if row is None:
            # In a Work of its own: a key that is kept in memory must outlive the Work at hand,
            # which may roll back, or what it seals later would open for nobody.
            engine = work.session.get_bind()
            assert isinstance(engine, Engine), "a Work is opened on an engine"
            with open_work(engine, workspace=work.workspace, actor=work.actor, purpose=work.purpose) as own:
                self._insert(hour, own)
            # Read back: of two processes that made one, the first to commit has made it.
            row = work.session.execute(query).one()
        key = self._unwrap(row, work.workspace)
        with self._lock:
            self._hours[work.workspace] = (hour, key)
        return key

    def _insert(self, hour: datetime, work: Work) -> None:
        key = wrapping.new_data_key(_NOBODY, workspace=work.workspace)
        root = self._file.root(Use.INBOX)
        run(
            work.session,
            "INSERT INTO governance.inbox_keys (workspace_id, id, hour, root_version, wrapped, commitment)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (workspace_id, hour) DO NOTHING",
            (
                work.workspace,
                key.key_id,
                hour,
                root.version,
                wrapping.wrap(key, kek=root.secret),
                key.commitment,
            ),
        )

    def _unwrap(self, row: StoredRow, workspace: WorkspaceId) -> DataKey:
        return wrapping.unwrap(
            row.wrapped,
            kek=self._file.opening_root(Use.INBOX, row.root_version).secret,
            workspace=workspace,
            fragment=_NOBODY,
            key_id=KeyId(row.id),
            commitment=row.commitment,
        )
