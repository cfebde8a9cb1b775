"""Who was let in, and who was not: tokens that were issued, secrets and tokens that were refused.

All of it is counted, for it happens as often as somebody likes; the log says of each caller and minute how
often. It says nothing that the caller typed: whose id is in no register is `stranger`, whichever it was,
and a workspace that there is not has no log. What names no workspace at all leaves nothing (ADR-0046).
"""

from dataclasses import replace
from uuid import UUID

from cdp.acting import OK
from cdp.acts import Act
from cdp.kernel.errors import REFUSED
from cdp.ports import Ports
from cdp.registers import workspaces
from cdp.vocabulary import Actor
from cdp.work import Work

STRANGER = Actor(ref="stranger", roles=frozenset(), kind="system")


def client(identifier: UUID) -> Actor:
    """A client of the register, in no role: nobody knows yet whether it is who it says."""
    return Actor(ref=str(identifier), roles=frozenset(), kind="client")


def issued(actor: Actor, *, work: Work, ports: Ports) -> None:
    """Count a token that a client gets; if this fails, it gets none."""
    ports.audit.count(Act.TOKEN_ISSUE.named_by(actor), OK, work=replace(work, actor=actor))


def refused(act: Act, actor: Actor, *, work: Work, ports: Ports) -> None:
    """Count a refusal of a caller of a register, or of a stranger, in a transaction that commits."""
    if workspaces.exists(work=work):
        ports.audit.count(act.named_by(actor), REFUSED, work=replace(work, actor=actor))
