"""Write keys: what a source shows when it sends events.

A key's text names its workspace and row, so each look-up runs in that workspace. What was
found is remembered for less than a second: a revoked key is refused within one (A6).
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic
from uuid import UUID

from sqlalchemy import Engine, insert, select, update

from cdp import tables as business
from cdp.kernel.clock import Clock, now
from cdp.kernel.errors import NotAllowed, NotAuthenticated, NotFound
from cdp.kernel.ids import new_id
from cdp.ports import AuditEntry, Ports
from cdp.vocabulary import Actor, KeyKind, Role, SourceId, WorkspaceId
from cdp.work import Work, open_work
from policies import secrets, tables
from policies.secrets import SecretKind, SecretRef

REMEMBERED = 0.5  # seconds; with a look-up that is slow, both still end within one
MOST = 10_000  # look-ups remembered at once

_ROLES = {KeyKind.SERVER: Role.SERVER_SOURCE, KeyKind.PUBLIC: Role.SOURCE}


class UnknownWriteKey(NotAuthenticated):
    """The write key is missing, unknown or revoked."""


class NoSuchKey(NotFound):
    """There is no such write key, or it is revoked already."""


class KeysNotAllowed(NotAllowed):
    """The policy does not let this caller make or revoke write keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteKey:
    """A key that was shown, and whose it is."""

    id: UUID
    workspace: WorkspaceId
    source: SourceId
    kind: KeyKind

    @property
    def actor(self) -> Actor:
        """The source as it acts through this key."""
        return Actor(ref=str(self.id), roles=frozenset({str(_ROLES[self.kind])}), kind="source")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. Its text is shown once and kept nowhere."""

    id: UUID
    text: str

    def __repr__(self) -> str:
        return f"NewKey(id={self.id!r})"


def create(source: SourceId, kind: KeyKind, *, work: Work, ports: Ports) -> NewKey:
    """Make a key for a source. Raises `KeysNotAllowed`, `NotFound` for an unknown source."""
    _allow(work, ports)
    if not _is_source(source, work):
        raise NotFound(field="source")
    made = new_id()
    text, digest = secrets.new_secret(SecretKind(kind.value), workspace=work.workspace, id=made)
    work.session.execute(
        insert(tables.write_keys).values(
            workspace_id=work.workspace,
            id=made,
            source_id=source,
            kind=kind.value,
            digest=digest,
            created_at=work.now,
        )
    )
    _record("create", made, work, ports)
    return NewKey(made, text)


def revoke(key: UUID, *, work: Work, ports: Ports) -> None:
    """Revoke a key; it is refused within a second everywhere. Raises `NoSuchKey`, `KeysNotAllowed`."""
    _allow(work, ports)
    column = tables.write_keys.c
    done = work.session.execute(
        update(tables.write_keys)
        .where(column.id == key, column.revoked_at.is_(None))
        .values(revoked_at=work.now)
        .returning(column.id)
    )
    if done.one_or_none() is None:
        raise NoSuchKey
    _record("revoke", key, work, ports)


class WriteKeys:
    """Look-ups of presented keys, each remembered for `REMEMBERED` seconds at most."""

    def __init__(
        self, engine: Engine, *, clock: Clock = now, monotonic: Callable[[], float] = monotonic
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[bytes, tuple[float, WriteKey | None]] = {}

    def check(self, text: str) -> WriteKey:
        """Whose key `text` is. Raises `UnknownWriteKey`."""
        # Taken before the look-up, so that its duration counts as part of the second.
        asked = self._monotonic()
        digest = sha256(text.encode("utf-8", "surrogatepass")).digest()
        until, key = self._known.get(digest, (asked, None))
        if until <= asked:
            key = self._look_up(_parsed(text))
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[digest] = (asked + REMEMBERED, key)
        if key is None:
            raise UnknownWriteKey
        return key

    def _look_up(self, shown: SecretRef) -> WriteKey | None:
        column = tables.write_keys.c
        nobody = Actor(ref=str(shown.id), roles=frozenset(), kind="source")
        with open_work(
            self._engine, workspace=shown.workspace, actor=nobody, purpose="authentication", clock=self._clock
        ) as work:
            row = work.session.execute(
                select(column.source_id, column.kind, column.digest).where(
                    column.id == shown.id, column.revoked_at.is_(None)
                )
            ).one_or_none()
        same = secrets.matches(shown, bytes(row.digest) if row else None)
        if row is None or not same or row.kind != shown.kind.value:
            return None
        return WriteKey(
            id=shown.id, workspace=shown.workspace, source=SourceId(row.source_id), kind=KeyKind(row.kind)
        )


def _parsed(text: str) -> SecretRef:
    try:
        return secrets.parse(text)
    except NotAuthenticated:
        raise UnknownWriteKey from None


def _is_source(source: SourceId, work: Work) -> bool:
    column = business.sources.c.id
    return work.session.scalar(select(column).where(column == source)) is not None


def _allow(work: Work, ports: Ports) -> None:
    if not ports.policies.allows(work.actor, "source", "write"):
        raise KeysNotAllowed


def _record(action: str, key: UUID, work: Work, ports: Ports) -> None:
    ports.audit.record(
        AuditEntry(
            action=f"{work.actor.kind}:write-key:{action}", outcome="ok", detail={"write_key": str(key)}
        ),
        work=work,
    )
