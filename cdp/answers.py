"""Answers that are kept for a day, so that a request that is sent again is not done again.

By whom a request was made, and the key that its sender gave it. Both the key and what was asked are kept
as keyed hashes, the answer sealed under the hour's inbox key, for that request of that client alone. A row
without a status is of a request that is being worked on, or was broken off: nobody knows what became of it.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from cdp import tables
from cdp.kernel.errors import REFUSED, BadInput, Conflict
from cdp.ports import BodyPlace, BodyUse, Vault
from cdp.work import Work

KEPT = timedelta(hours=24)
# What is sealed begins with a byte that says which it is: that an answer is not told is sealed as well,
# so an answer that somebody took away is not taken for one that held a secret.
_TOLD, _SECRET = b"\x01", b"\x00"


class KeyOfAnother(BadInput):
    """This Idempotency-Key was given to another request; nothing was done. Give each request its own."""

    counted_as = REFUSED


class StillUnknown(Conflict):
    """The request with this Idempotency-Key is being worked on, or was broken off, and nothing was done
    anew. Look at what became of it before you send it with another key.
    """


class StoodOtherwise(Conflict):
    """The request with this Idempotency-Key was done when its client had other roles, purposes, scopes or
    another recipient; what it was answered is not told to this one. Look at what became of it.
    """


class NotKept(Conflict):
    """The request with this Idempotency-Key was done. Its answer held a secret, which is kept nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request: who made it, keyed hashes of the key that its sender gave it, of what it says, and of what
    its client stands for now.
    """

    client: UUID
    key: bytes
    request: bytes
    standing: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The status of an answer, and its body: JSON, or nothing.

    `otherwise`: its client stood for something else then, so this is not for whom it is now.
    """

    status: int
    body: bytes = field(repr=False)
    otherwise: bool = False


def begin(asked: Asked, *, vault: Vault, work: Work) -> Answer | None:
    """The answer that was given before; None: it is for the first time, which is kept from now on.

    Raises `KeyOfAnother`, `StillUnknown`, `NotKept`, `BrokenSeal`.
    """
    row = tables.answers.c
    mine = _mine(asked)
    work.session.execute(delete(tables.answers).where(mine, row.begun_at < work.now - KEPT))
    first = work.session.scalar(
        insert(tables.answers)
        .values(
            workspace_id=work.workspace,
            client_id=asked.client,
            key=asked.key,
            request=asked.request + asked.standing,
            begun_at=work.now,
        )
        .on_conflict_do_nothing(index_elements=["workspace_id", "client_id", "key"])
        .returning(row.key)
    )
    if first is not None:
        return None
    before = work.session.execute(select(tables.answers).where(mine)).one_or_none()
    if before is None:
        # It was refused at this very moment, and is forgotten.
        raise StillUnknown
    request, standing = _apart(before.request, len(asked.request))
    if request != asked.request:
        raise KeyOfAnother(field="idempotency-key")
    if before.status is None:
        raise StillUnknown
    place = _place(asked, bytes(before.request), before.status)
    sealed = place, before.inbox_key_id, bytes(before.body or b"")
    (body,) = vault.open_bodies([sealed], work=work)
    if body[:1] == _SECRET:
        raise NotKept
    return Answer(status=before.status, body=body[1:], otherwise=standing != asked.standing)


def keep(asked: Asked, answer: Answer, *, secret: bool, vault: Vault, work: Work) -> None:
    """Keep what was answered; of one with a secret only that it was done."""
    place = _place(asked, asked.request + asked.standing, answer.status)
    body = _SECRET if secret else _TOLD + answer.body
    key_id, sealed = vault.seal_body(place, body, received_at=work.now, work=work)
    work.session.execute(
        update(tables.answers)
        .where(_mine(asked))
        .values(status=answer.status, inbox_key_id=key_id, body=sealed)
    )


def forget(asked: Asked, *, work: Work) -> None:
    """Forget a request that was refused: nothing was done, and it may be sent again."""
    work.session.execute(delete(tables.answers).where(_mine(asked), tables.answers.c.status.is_(None)))


def tidy(*, work: Work) -> None:
    """Forget what was answered a day ago."""
    work.session.execute(delete(tables.answers).where(tables.answers.c.begun_at < work.now - KEPT))


def _place(asked: Asked, request: bytes, status: int) -> BodyPlace:
    """Where an answer belongs: to one request of one client, as that stood then, and one status."""
    return BodyPlace(BodyUse.ANSWER, (asked.client.bytes, asked.key, request, str(status).encode()))


def _apart(kept: bytes, length: int) -> tuple[bytes, bytes]:
    """The hash of a request, and that of its client's standing behind it."""
    return bytes(kept)[:length], bytes(kept)[length:]


def _mine(asked: Asked) -> ColumnElement[bool]:
    row = tables.answers.c
    return and_(row.client_id == asked.client, row.key == asked.key)
