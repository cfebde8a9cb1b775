"""Entries on their way into the log: written by the transaction of the act, placed by the keeper."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import msgspec

from audit.log.attached import DETAIL_KEPT, RECEIVED_BY
from audit.log.entry import Entry, detail_hash, encode, subjects
from cdp.kernel.database import write
from cdp.kernel.ids import new_id
from cdp.kernel.json_values import Json
from cdp.vocabulary import Actor, WorkspaceId
from cdp.work import Work

SealDetail = Callable[[WorkspaceId, UUID, bytes], bytes]

_PEND = """
INSERT INTO audit.pending (workspace_id, entry_id, leaf, refs, salt, detail, recipient, detail_until)
VALUES (%s, %s, %s, %b::bytea[], %s, %s, %s, %s)
"""


def actor_of(actor: Actor) -> str:
    """Who acts, as entries name them."""
    return f"{actor.kind}:{actor.ref}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an entry says, but for its id, its time and its workspace; the fields as in `Entry`."""

    actor: str
    action: str
    purpose: str
    outcome: str
    references: Sequence[bytes] = ()
    recipient: UUID | None = None
    policy_version: str | None = None
    consent_version: str | None = None
    notice_version: str | None = None
    detail: Mapping[str, Json] = field(default_factory=dict)


def pend(said: Said, *, seal: SealDetail, work: Work) -> UUID:
    """Write an entry in the Work's transaction; its id. Raises `UnfitEntry` for anything not opaque."""
    entry_id, salt = new_id(), os.urandom(16)
    # The leaf commits to the detail, so who received cannot be changed behind its back either.
    received = {RECEIVED_BY: str(said.recipient)} if said.recipient else {}
    detail = msgspec.json.encode({**said.detail, **received}, order="deterministic")
    count, people = subjects(said.references)
    leaf = encode(
        Entry(
            entry_id=entry_id,
            at=work.now,
            workspace=work.workspace,
            actor=said.actor,
            action=said.action,
            purpose=said.purpose,
            outcome=said.outcome,
            detail_hash=detail_hash(salt, detail),
            policy_version=said.policy_version,
            consent_version=said.consent_version,
            notice_version=said.notice_version,
            subjects_count=count,
            subjects_root=people,
        )
    )
    sealed = seal(work.workspace, entry_id, detail)
    references = sorted(set(said.references))
    until: timedelta = DETAIL_KEPT
    write(
        work.session,
        _PEND,
        (*(work.workspace, entry_id, leaf, references, salt, sealed), *(said.recipient, work.now + until)),
    )
    return entry_id
