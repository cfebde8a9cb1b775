"""The audit trail, searched and handed over: whose acts, about whom, for which purpose, with what outcome."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import ConfigDict, Field

from api.http.dependencies import PortsDep, doing
from api.http.shapes import LOG_ENTRY, End, Moment, Out, Strict, failures, with_examples
from audit.answers.proved_search import MOST
from audit.log.entry import MAX_EPOCH
from cdp.acts import Act
from cdp.kernel.cursors import LONGEST
from cdp.ports import TrailPage, TrailQuery
from cdp.trail import trail, trail_search
from cdp.work import Work

router = APIRouter(prefix="/v1/audit", tags=["audit"], responses=failures(401, 403, 404))

_Word = Annotated[str, Field(max_length=200)]


class TrailAsk(Strict):
    """What is looked for: all that is given must fit."""

    actor: _Word | None = Field(
        None, description="Who acted: `client:…`, `account:…`, `source:…` or `system:word`."
    )
    subject: _Word | None = Field(
        None,
        description="About whom: a profile's id, or a reference of the log (64 hex digits).",
    )
    purpose: _Word | None = Field(
        None, description="What it was done for: the name of a purpose.", examples=["email_marketing"]
    )
    recipient: UUID | None = Field(None, description="Who received, by the id of the register.")
    action: _Word | None = Field(None, description="What was done.", examples=["client:profile:read"])
    outcome: _Word | None = Field(
        None,
        description="What came of it: `ok`, `refused`, `partial`, `failed` or `unknown_treated_as_released`.",
    )
    since: Moment | None = Field(
        None, description="From when on: a day or an instant, in ISO 8601.", examples=["2020-01-01"]
    )
    until: End | None = Field(
        None, description="Up to, and without, when: an instant in ISO 8601, or a day, which is its end."
    )
    facets: Annotated[str, Field(max_length=200)] = Field(
        "", description="Fields to count by, with commas between.", examples=["actor,outcome"]
    )
    limit: int = Field(50, ge=1, le=MOST, description="At most so many on a page.")
    cursor: Annotated[str, Field(max_length=LONGEST)] | None = Field(
        None, description="`next` of the page before; left out: the first page."
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


class TrailEntryOut(Out):
    """One entry, by its leaf's own words. `subjects` is how many people's parts it is about."""

    id: UUID
    """The id of the entry."""
    epoch: int
    """In which epoch of the log it stands."""
    index: int
    """At which place of the epoch it stands, from 0."""
    at: datetime
    """When it happened."""
    actor: str
    """Who acted, as a kind and an id."""
    action: str
    """What was done: who did it, to what, and which act."""
    purpose: str
    """What it was done for."""
    outcome: str
    """What came of it: `ok`, `refused`, `partial`, `failed` or `unknown_treated_as_released`."""
    recipient: UUID | None
    """Who received data, by the id in the register; null: nobody."""
    subjects: int
    """How many parts of people it is about."""
    policy_version: str | None
    """The policy that decided; null: none was asked."""
    consent_version: str | None
    """The version of the consent rules that decided; null: none were asked."""
    notice_version: str | None
    """The notice that the decision rests on; null: none."""


class TrailOut(Out):
    """Entries, newest first. `next` is the cursor of the following page; null: there is none.

    `engine` is `opensearch` or `postgresql`; `because` says why it was PostgreSQL: `no_engine`,
    `stopped`, `behind`, `documents_refused`, `months_retired` or `index_differs`. Entries before
    (epoch, index) `indexed_to` are in OpenSearch, and `behind` more are not yet. Every entry shown is in
    the signed log; from `proved_from` on none that fits is missing, and [0, 0] is all of the log.
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
            "proved_from": [0, 0],
        }
    )

    entries: list[TrailEntryOut]
    """The entries of this page, newest first."""
    total: int
    """How many entries fit the question in all."""
    facets: dict[str, dict[str, int]]
    """How many entries there are by each value of the fields that were asked for."""
    next: str | None
    """What to send as `cursor` to get the page behind this one; null: this is the last."""
    engine: str
    """Who found them: `opensearch` or `postgresql`."""
    because: str | None
    """Why PostgreSQL was asked; null: OpenSearch was."""
    indexed_to: list[int] | None
    """The epoch and index up to which entries are in OpenSearch; null: none is."""
    behind: int
    """How many entries are not in OpenSearch yet."""
    proved_from: list[int] | None
    """From which epoch and index on it is proved that no entry that fits is missing; null: no part of it."""


@router.get("/entries", summary="Search the audit log")
def get_entries(
    ask: Annotated[TrailAsk, Query()], work: Annotated[Work, doing(Act.TRAIL_SEARCH)], ports: PortsDep
) -> TrailOut:
    """Search the trail; the search itself becomes an entry of it."""
    return _shown(trail_search.search(ask.query(), subject=ask.subject, work=work, ports=ports))


def _shown(page: TrailPage) -> TrailOut:
    return TrailOut(
        entries=[
            TrailEntryOut(**{name: getattr(one, name) for name in TrailEntryOut.model_fields})
            for one in page.entries
        ],
        total=page.total,
        facets={name: dict(counts) for name, counts in page.facets.items()},
        next=page.cursor,
        engine=page.engine,
        because=page.because,
        indexed_to=list(page.indexed_to) if page.indexed_to else None,
        behind=page.behind,
        proved_from=list(page.proved_from) if page.proved_from else None,
    )


class ProofAsk(Strict):
    """What the proof is to begin from."""

    since: int | None = Field(
        None,
        ge=1,
        description="The size of a checkpoint of the entry's epoch that you saved; left out: the newest.",
    )


class ProvenOut(Out):
    """An entry at its place."""

    index: int
    """At which place of the epoch it stands, from 0."""
    leaf: str
    """The leaf of the entry, byte for byte, in Base64."""
    path: list[str]
    """The hashes that lead from the leaf to the checkpoint's root, in Base64, from below."""


class ConsistencyOut(Out):
    """That the log extends a checkpoint."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    from_: int = Field(alias="from", description="The size of the checkpoint that the log extends.")
    path: list[str]
    """The hashes that prove it, in Base64."""


class ProofOut(Out):
    """One entry with its proof, as `audit/log/verifier.py` and its like read it."""

    model_config = with_examples(
        {
            "format": "cdp/audit-bundle/1",
            "checkpoint": "cdp.example.org/5f2c…/0\n42\nq1Zt…=\n\n— cdp.example.org/5f2c…/0 mK3x…=\n",
            "entries": [{"index": 41, "leaf": "eyJhY3Rpb24iOi…", "path": ["2cMtDZ0dSNT7VDoF8bCj…"]}],
            "consistency": {"from": 42, "path": []},
        }
    )

    format: str
    """What kind of bundle this is."""
    checkpoint: str
    """The newest signed checkpoint of the entry's epoch, as a signed note."""
    entries: list[ProvenOut]
    """The entry that was asked for, alone."""
    consistency: ConsistencyOut
    """The proof that the log extends the checkpoint of `since`."""


Entry = Annotated[UUID, Path(description="The id of an entry of the log.", examples=[str(LOG_ENTRY)])]


@router.get("/entries/{entry}/proof", summary="Prove an entry of the audit log")
def get_proof(
    entry: Entry,
    ask: Annotated[ProofAsk, Query()],
    work: Annotated[Work, doing(Act.TRAIL_PROVE)],
    ports: PortsDep,
) -> ProofOut:
    """One entry with the proof that it is in the log, to verify offline. The look is an entry itself."""
    return ProofOut.model_validate(trail.prove(entry, since=ask.since, work=work, ports=ports))


class BundleAsk(Strict):
    """Which part of the log."""

    epoch: int | None = Field(
        None, ge=0, le=MAX_EPOCH, description="An epoch of the log, from 0; left out: the newest."
    )


class EpochOut(Out):
    """One epoch of the log, up to its newest checkpoint."""

    format: str
    """What kind of bundle this is."""
    checkpoint: str
    """The newest signed checkpoint of the epoch, as a signed note."""
    history: list[str]
    """The signed checkpoints before it, smallest first."""
    leaves: list[str]
    """Every leaf in order, byte for byte, in Base64."""
    tiles: dict[str, str]
    """The stored tiles of hashes by their paths, in Base64."""


class BundleOut(EpochOut):
    """An epoch of the log, as `audit/log/verifier.py` and its like read it."""

    model_config = with_examples(
        {
            "format": "cdp/audit-bundle/1",
            "checkpoint": "cdp.example.org/5f2c…/0\n1\nq1Zt…=\n\n— cdp.example.org/5f2c…/0 mK3x…=\n",
            "history": [],
            "leaves": ["eyJhY3Rpb24iOi…"],
            "tiles": {"tile/0/000.p/1": "q1ZtHX6WvRk0…"},
            "earlier": [],
        }
    )

    earlier: list[EpochOut]
    """The epochs before it that its first leaf speaks of, newest first; a restore begins a new epoch."""


@router.get("/bundle", summary="Take a copy of the audit log, to verify offline")
def get_bundle(
    ask: Annotated[BundleAsk, Query()], work: Annotated[Work, doing(Act.TRAIL_EXPORT)], ports: PortsDep
) -> BundleOut:
    """An epoch of the log whole, with those before a restore. That somebody took it is an entry itself.

    A log of more than 10,000 entries is not handed out by one answer; its tiles are public.
    """
    _, made = trail.export(ask.epoch, work=work, ports=ports, most=trail.MOST)
    return BundleOut.model_validate(made)
