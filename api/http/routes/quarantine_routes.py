"""Requests that could not be processed, and how they come back."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from api.http.dependencies import PortsDep, doing
from api.http.idempotency import Once
from api.http.routes.paging import EXAMPLE, ListAsk
from api.http.shapes import Out, Strict, failures, with_examples
from cdp.acts import Act
from cdp.intake import quarantine
from cdp.kernel.cursors import UnknownCursor
from cdp.work import Work

router = APIRouter(
    prefix="/v1/quarantine", tags=["operation"], responses=failures(401, 403), route_class=Once
)

MOST = 200
# The number of a request in the documentation; a test puts a real one in its place.
REQUEST = 1042


class QuarantineAsk(ListAsk):
    """Which part of the list is wanted."""

    limit: int = Field(50, ge=1, le=MOST)
    """At most so many on a page."""


class QuarantinedRequestOut(Out):
    """A request that failed again and again, by what may be told of it; never what is in it."""

    request: int
    """Its number, by which it is brought back."""
    source: str | None
    """The source that sent it, by name; null: that is not known, and it cannot come back."""
    kind: str | None
    """By which kind of key it came, or that it was an import; null: that is not known."""
    items: int | None
    """How many messages it holds; null: that is not known."""
    reason: str
    """The name of the error that it failed with."""
    received_at: datetime
    """When it was received."""
    quarantined_at: datetime
    """When it was put here."""


class QuarantineOut(Out):
    """A page, in the order in which the requests were accepted."""

    model_config = with_examples(
        {
            "requests": [
                {
                    "request": REQUEST,
                    "source": "shop",
                    "kind": "server",
                    "items": 2,
                    "reason": "ValueError",
                    "received_at": "2026-01-01T12:00:00Z",
                    "quarantined_at": "2026-01-01T12:00:05Z",
                }
            ],
            "next": EXAMPLE,
        }
    )

    requests: list[QuarantinedRequestOut]
    """The requests of this page."""
    next: str | None
    """What to send as `cursor` to get the page behind this one; null: this is the last."""


@router.get("", summary="List requests that could not be processed")
def get_quarantine(
    ask: Annotated[QuarantineAsk, Query()],
    work: Annotated[Work, doing(Act.QUARANTINE_LIST)],
    ports: PortsDep,
) -> QuarantineOut:
    """Name the requests that failed five times: whence, when, and with which error.

    They are sealed as they came, and destroyed when their time is over.
    """
    found = quarantine.every(after=_number(ask.place(work)), limit=ask.limit, work=work, ports=ports)
    return QuarantineOut(
        requests=[
            QuarantinedRequestOut(
                request=one.accept_seq,
                source=one.source,
                kind=one.kind,
                items=one.items,
                reason=one.reason,
                received_at=one.received_at,
                quarantined_at=one.quarantined_at,
            )
            for one in found
        ],
        next=ask.leading_on([found[-1].accept_seq], work) if len(found) == ask.limit else None,
    )


def _number(place: list[int | str]) -> int | None:
    if place and not (isinstance(place[0], int) and 0 <= place[0] < 2**63):
        raise UnknownCursor(field="cursor")
    return int(place[0]) if place else None


class RequeueIn(Strict):
    """Which requests are to come back; all of them or none."""

    model_config = with_examples({"requests": [REQUEST]})

    requests: Annotated[
        list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=1000, fail_fast=True)
    ]
    """Their numbers, as the list has them."""


class RequeueOut(Out):
    """What came back."""

    model_config = with_examples({"requests": 1, "messages": 2})

    requests: int
    """How many requests wait in the inbox again, in their old place."""
    messages: int
    """How many messages they hold."""


@router.post("/requeue", summary="Bring requests back into the inbox", responses=failures(404))
def post_requeue(
    body: RequeueIn, work: Annotated[Work, doing(Act.QUARANTINE_REQUEUE)], ports: PortsDep
) -> RequeueOut:
    """Bring requests back, once what they failed on is mended; all of them or none.

    They keep their place and time: who was erased since stays erased, a copy counts once, and a grant in
    them lifts no refusal that came later. Releases and reads hold until they are worked off.
    """
    messages = quarantine.requeue(body.requests, work=work, ports=ports)
    return RequeueOut(requests=len(set(body.requests)), messages=messages)
