"""API clients: programs that hold a secret and get access tokens for it.

A client's roles and purposes stand in its row alone and are read at every request, so what
is revoked ends with the next one (A6).
"""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from api.http.auth import guesses
from cdp.ports import Ports
from cdp.vocabulary import Actor
from cdp.work import Work
from policies import secrets, tables
from policies.secrets import SecretKind, SecretRef


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRow:
    """A client as it stands now: its roles, the purposes that it may act for, and as whom.

    `recipient` is a name in the register; None: a program of the controller's own. Until
    `refused_until` only refusals of people's are heard from it (`api/http/auth/guesses.py`). `scopes` are
    those of the token that it shows; None: it shows none.
    """

    id: UUID
    roles: frozenset[str]
    purposes: frozenset[str]
    recipient: str | None
    refused_until: datetime | None
    scopes: frozenset[str] | None = None

    @property
    def standing(self) -> str:
        """All that an answer to the client depends on by who it is, as one text."""
        scopes = None if self.scopes is None else sorted(self.scopes)
        return json.dumps([sorted(self.roles), sorted(self.purposes), self.recipient, scopes])

    @property
    def actor(self) -> Actor:
        """The client as it acts."""
        return Actor(ref=str(self.id), roles=self.roles, kind="client", scopes=self.scopes)


def current(client: UUID, *, work: Work) -> ClientRow | None:
    """The client as it stands now; None: unknown or revoked."""
    return _find(client, work)[0]


def registered(client: UUID, *, work: Work) -> bool:
    """Whether there is, or was, such a client."""
    return work.session.scalar(select(tables.clients.c.id).where(tables.clients.c.id == client)) is not None


def authenticate(shown: SecretRef, *, work: Work, ports: Ports) -> ClientRow | None:
    """The client whose secret was shown; None: it is not, which is counted and has to be committed."""
    found, digest = _find(shown.id, work)
    same = secrets.matches(shown, digest)
    if found is None or shown.kind is not SecretKind.CLIENT:
        return None
    if not same:
        guesses.wrong(found.id, work=work, ports=ports)
        return None
    guesses.right(found.id, work=work)
    return found


def _find(client: UUID, work: Work) -> tuple[ClientRow | None, bytes | None]:
    """A client that is not revoked, and the digest of its secret."""
    column, wrong = tables.clients.c, tables.wrong_secrets
    row = work.session.execute(
        select(column.roles, column.purposes, column.recipient, column.digest, wrong.c.refused_until)
        .outerjoin_from(tables.clients, wrong, wrong.c.client_id == column.id)
        .where(column.id == client, column.revoked_at.is_(None))
    ).one_or_none()
    if row is None:
        return None, None
    found = ClientRow(
        id=client,
        roles=frozenset(row.roles),
        purposes=frozenset(row.purposes),
        recipient=row.recipient,
        refused_until=row.refused_until,
    )
    return found, bytes(row.digest)
