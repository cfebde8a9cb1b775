"""The audit trail, searched: whose acts, about whom, for which purpose, with what outcome."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from api.deps import PortsDep, working
from api.routes.shapes import Out, Strict, failures, with_examples
from audit.searching import MOST
from cdp import searching
from cdp.ports import TrailPage, TrailQuery
from cdp.work import Work
from policies.words import Action, Resource

router = APIRouter(prefix="/v1/audit", tags=["audit"], responses=failures(401, 403, 404))

ReaderWork = Annotated[Work, working(Resource.AUDIT, Action.READ, purpose="audit")]
_Word = Annotated[str, Field(max_length=200)]


class TrailAsk(Strict):
    """What is looked for: all that is given must fit."""

    actor: _Word | None = Field(None, description="`client:…`, `account:…`, `source:…` or `system:word`.")
    subject: _Word | None = Field(
        None, description="A profile's id, or a reference of the log (64 hex digits); never an address."
    )
    purpose: _Word | None = Field(None, examples=["email_marketing"])
    recipient: UUID | None = Field(None, description="Who received, by the id of the register.")
    action: _Word | None = Field(None, examples=["client:profile:read"])
    outcome: _Word | None = None
    since: AwareDatetime | None = Field(None, examples=["2020-01-01T00:00:00Z"])
    until: AwareDatetime | None = Field(None, description="Not itself.")
    facets: Annotated[str, Field(max_length=200)] = Field(
        "", description="Fields to count by, with commas between.", examples=["actor,outcome"]
    )
    limit: int = Field(50, ge=1, le=MOST)
    cursor: Annotated[str, Field(max_length=400)] | None = Field(
        None, description="`next` of the page before."
    )

    def query(self) -> TrailQuery:
        """The question, but for whom it is about."""
        return TrailQuery(
            actor=self.actor,
            action=self.action,
            purpose=self.purpose,
            outcome=self.outcome,
            recipient=self.recipient,
            since=self.since,
            until=self.until,
            facets=tuple(dict.fromkeys(one for one in self.facets.split(",") if one)),
            limit=self.limit,
            cursor=self.cursor,
        )


class EntryOut(Out):
    """One entry, by its leaf's own words. `subjects` is how many people's parts it is about."""

    id: UUID
    epoch: int
    index: int
    at: datetime
    actor: str
    action: str
    purpose: str
    outcome: str
    recipient: UUID | None
    subjects: int
    policy_version: str | None
    consent_version: str | None
    notice_version: str | None


class TrailOut(Out):
    """Entries, newest first. `next` is the cursor of the following page; null: there is none.

    `engine` is `opensearch` or `postgresql`; `because` says why it was PostgreSQL: `no_engine`,
    `stopped`, `behind`, `documents_refused`, `months_retired` or `index_differs`. Entries before
    (epoch, index) `indexed_to` are in OpenSearch, and `behind` more are not yet.
    """

    model_config = with_examples(
        {
            "entries": [
                {
                    "id": "0190f5fe-7c00-7000-8000-000000000008",
                    "epoch": 0,
                    "index": 41,
                    "at": "2026-01-01T12:00:00Z",
                    "actor": "client:0190f5fe-7c00-7000-8000-000000000009",
                    "action": "client:profile:read",
                    "purpose": "email_marketing",
                    "outcome": "ok",
                    "recipient": "0190f5fe-7c00-7000-8000-00000000000a",
                    "subjects": 2,
                    "policy_version": "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
                    "consent_version": "3",
                    "notice_version": "monthly",
                }
            ],
            "total": 1,
            "facets": {"outcome": {"ok": 1}},
            "next": "WyIwYjY0MjBlNTgxOTU4NDRmMzg4YmI1MGYiLDAsMV0",
            "engine": "postgresql",
            "because": "behind",
            "indexed_to": [0, 40],
            "behind": 2,
        }
    )

    entries: list[EntryOut]
    total: int
    facets: dict[str, dict[str, int]]
    next: str | None
    engine: str
    because: str | None
    indexed_to: list[int] | None
    behind: int


@router.get("/entries")
def get_entries(ask: Annotated[TrailAsk, Query()], work: ReaderWork, ports: PortsDep) -> TrailOut:
    """Search the trail; the search itself becomes an entry of it."""
    return _shown(searching.search(ask.query(), subject=ask.subject, work=work, ports=ports))


def _shown(page: TrailPage) -> TrailOut:
    return TrailOut(
        entries=[
            EntryOut(**{name: getattr(one, name) for name in EntryOut.model_fields}) for one in page.entries
        ],
        total=page.total,
        facets={name: dict(counts) for name, counts in page.facets.items()},
        next=page.cursor,
        engine=page.engine,
        because=page.because,
        indexed_to=list(page.indexed_to) if page.indexed_to else None,
        behind=page.behind,
    )
