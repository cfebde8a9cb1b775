"""Searching the audit trail: who may, whom they mean, and the entry that says that they looked."""

import re
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from cdp.acting import acting
from cdp.acts import Act
from cdp.kernel.errors import BadInput, NotFound
from cdp.ports import Ports, TrailPage, TrailQuery
from cdp.rereading import until_still
from cdp.work import Work

_REFERENCE = re.compile(r"[0-9a-f]{64}")


class NoSuchSubject(NotFound):
    """There is no such person any more; after an erasure nobody can tell which entries were about them."""


class NotASubject(BadInput):
    """A subject is a profile's id (a UUID) or a reference of the log (64 hex digits), never an address."""


def search(query: TrailQuery, *, subject: str | None = None, work: Work, ports: Ports) -> TrailPage:
    """A page of the trail, and an entry that says what was looked for.

    `subject` is a profile's id, or a reference of the log. Raises `ActNotAllowed`,
    `NotASubject`, `NoSuchSubject`, and `BadInput` for what cannot be looked for.
    """
    with acting(Act.TRAIL_SEARCH, work=work, ports=ports) as doing:
        people: list[bytes] = []
        if subject is not None:
            people, named = _references(subject, work=work, ports=ports)
            query = replace(query, references=named)
        page = ports.search.find(query, work=work)
        # Whoever looks a person up in the trail stands in that person's own trail.
        doing.tell(
            references=people or (query.references or () if page.total else ()),
            # What was looked for, in the log's own words; whom, only as a yes or no.
            asked_actor=query.actor,
            asked_action=query.action,
            asked_purpose=query.purpose,
            asked_outcome=query.outcome,
            asked_recipient=query.recipient,
            asked_since=query.since,
            asked_until=query.until,
            asked_subject=subject is not None,
            found=page.total,
            engine=page.engine,
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
