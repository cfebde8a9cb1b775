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

from cdp.kernel.clock import Clock, now
from cdp.kernel.errors import NotAuthenticated
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

    @property
    def actor(self) -> Actor:
        """The source as it acts through this key."""
        return Actor(ref=str(self.id), roles=frozenset({str(_ROLES[self.kind])}), kind="source")


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
