"""Who was let in, and who was not: tokens that were issued, secrets and tokens that were refused.

All of it is counted, for it happens as often as somebody likes; the log says of each caller and minute how
often. It says nothing that the caller typed: whose id is in no register is `stranger`, whichever it was,
and a workspace that there is not has no log. What names no workspace at all leaves nothing (ADR-0046).
"""

from dataclasses import replace
from uuid import UUID

from cdp import workspaces
from cdp.acting import OK, REFUSED
from cdp.acts import Act
from cdp.ports import Ports
from cdp.vocabulary import Actor
from cdp.work import Work

STRANGER = Actor(ref="stranger", roles=frozenset(), kind="system")


def issued(client: UUID, *, work: Work, ports: Ports) -> None:
    """Count a token that a client gets; if this fails, it gets none."""
    ports.audit.count(Act.TOKEN_ISSUE.named_by(_client(client)), OK, work=_by(_client(client), work))


def refused(act: Act, client: UUID | None, *, work: Work, ports: Ports) -> None:
    """Count a refusal of a client of the register, or of a stranger, in a transaction that commits."""
    actor = STRANGER if client is None else _client(client)
    if workspaces.exists(work=work):
        ports.audit.count(act.named_by(actor), REFUSED, work=_by(actor, work))


def _client(client: UUID) -> Actor:
    return Actor(ref=str(client), roles=frozenset(), kind="client")


def _by(actor: Actor, work: Work) -> Work:
    return replace(work, actor=actor)
