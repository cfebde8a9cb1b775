"""Searching the audit trail: who may, whom they mean, and the entry that says that they looked."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from cdp.kernel.errors import BadInput, NotAllowed, NotFound
from cdp.ports import AuditEntry, Ports, TrailPage, TrailQuery
from cdp.rereading import until_still
from cdp.work import Work

_REFERENCE = re.compile(r"[0-9a-f]{64}")
_RESOURCE, _ACTION = "audit", "read"


class SearchNotAllowed(NotAllowed):
    """The policy does not let this caller search the audit trail."""


class NoSuchSubject(NotFound):
    """There is no such person any more; after an erasure nobody can tell which entries were about them."""


class NotASubject(BadInput):
    """A subject is a profile's id (a UUID) or a reference of the log (64 hex digits), never an address."""


def search(query: TrailQuery, *, subject: str | None = None, work: Work, ports: Ports) -> TrailPage:
    """A page of the trail, and an entry that says what was looked for.

    `subject` is a profile's id, or a reference of the log. Raises `SearchNotAllowed`,
    `NotASubject`, `NoSuchSubject`, and `BadInput` for what cannot be looked for.
    """
    if not ports.policies.allows(work.actor, _RESOURCE, _ACTION):
        raise SearchNotAllowed
    people: list[bytes] = []
    if subject is not None:
        people, named = _references(subject, work=work, ports=ports)
        query = replace(query, references=named)
    page = ports.search.find(query, work=work)
    ports.audit.record(
        AuditEntry(
            action=f"{work.actor.kind}:audit:search",
            outcome="ok",
            purpose="audit",
            # Whoever looks a person up in the trail stands in that person's own trail.
            references=people or (query.references or () if page.total else ()),
            policy_version=ports.policies.version(work),
            detail=_asked(query, page, subject is not None),
        ),
        work=work,
    )
    return page


def _references(subject: str, *, work: Work, ports: Ports) -> tuple[list[bytes], Sequence[bytes]]:
    """(the references of a person who is known, those to look for)."""
    if _REFERENCE.fullmatch(subject):
        return [], [bytes.fromhex(subject)]
    try:
        profile = UUID(subject)
    except ValueError:
        raise NotASubject(field="subject") from None
    found = until_still(lambda: _own(profile, work=work, ports=ports))
    return found, found


def _own(profile: UUID, *, work: Work, ports: Ports) -> list[bytes]:
    root = ports.identity.resolve(profile, work=work)
    if root is None:
        raise NoSuchSubject
    fragments = ports.identity.fragments_of(root, core_only=False, work=work)
    keys = ports.vault.keys(fragments, work=work)
    return [keys.reference(fragment) for fragment in fragments]


def _asked(query: TrailQuery, page: TrailPage, about_somebody: bool) -> dict[str, Any]:
    """What was looked for, in the log's own words; whom, only as a yes or no."""
    words = ("actor", "action", "purpose", "outcome", "recipient", "since", "until")
    asked = {name: str(value) for name in words if (value := getattr(query, name)) is not None}
    return {**asked, "subject": about_somebody, "found": page.total, "engine": page.engine}
