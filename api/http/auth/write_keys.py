"""Write keys: what a source shows when it sends events.

A key's text names its workspace and row, so each look-up runs in that workspace. What was
found is remembered for less than a second: a revoked key is refused within one (A6).
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic
from uuid import UUID

from sqlalchemy import Engine, select

from cdp.acts import Act
from cdp.kernel.clock import Clock, now
from cdp.kernel.errors import NotAuthenticated
from cdp.ports import Ports
from cdp.registers import admitting
from cdp.vocabulary import Actor, KeyKind, Role, SourceId, WorkspaceId
from cdp.work import open_work
from policies import secrets, tables
from policies.secrets import SecretRef

REMEMBERED = 0.5  # seconds; with a look-up that is slow, both still end within one
MOST = 10_000  # look-ups remembered at once

_ROLES = {KeyKind.SERVER: Role.SERVER_SOURCE, KeyKind.PUBLIC: Role.SOURCE}


class UnknownWriteKey(NotAuthenticated):
    """The write key is missing, unknown or revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteKey:
    """A key that was shown, and whose it is."""

    id: UUID
    workspace: WorkspaceId
    source: SourceId
    kind: KeyKind
    may_send: bool  # by the policy in force

    @property
    def actor(self) -> Actor:
        """The source as it acts through this key."""
        return _actor(self.id, self.kind)


class WriteKeys:
    """Look-ups of presented keys, each remembered for `REMEMBERED` seconds at most."""

    def __init__(
        self, engine: Engine, ports: Ports, *, clock: Clock = now, monotonic: Callable[[], float] = monotonic
    ) -> None:
        self._engine = engine
        self._ports = ports
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
        """Whose key it is; None: nobody's. A good key that may not send, or no longer, is counted (ADR-0046).

        Whoever makes keys up, or knows a key's id, causes no write.
        """
        column, ports = tables.write_keys.c, self._ports
        nobody = Actor(ref=str(shown.id), roles=frozenset(), kind="source")
        with open_work(
            self._engine, workspace=shown.workspace, actor=nobody, purpose="authentication", clock=self._clock
        ) as work:
            row = work.session.execute(
                select(column.source_id, column.kind, column.digest, column.revoked_at).where(
                    column.id == shown.id
                )
            ).one_or_none()
            same = secrets.matches(shown, bytes(row.digest) if row else None)
            if row is None or not same or row.kind != shown.kind.value:
                return None
            actor = _actor(shown.id, KeyKind(row.kind))
            if row.revoked_at is not None:
                admitting.refused(Act.SECRET_SHOW, actor, work=work, ports=ports)
                return None
            needs = Act.EVENT_COLLECT.needs
            may_send = ports.policies.in_force(work).allows(actor, needs.resource, needs.action)
            if not may_send:
                admitting.refused(Act.EVENT_COLLECT, actor, work=work, ports=ports)
        return WriteKey(
            id=shown.id,
            workspace=shown.workspace,
            source=SourceId(row.source_id),
            kind=KeyKind(row.kind),
            may_send=may_send,
        )


def _actor(key: UUID, kind: KeyKind) -> Actor:
    return Actor(ref=str(key), roles=frozenset({str(_ROLES[kind])}), kind="source")


def _parsed(text: str) -> SecretRef:
    try:
        return secrets.parse(text)
    except NotAuthenticated:
        raise UnknownWriteKey from None
