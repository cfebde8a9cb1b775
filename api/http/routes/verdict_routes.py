"""What became of a message, for the server that sent it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path

from api.http.dependencies import PortsDep, ServerKeyDep, ServerWorkDep
from api.http.shapes import Out, failures, with_examples
from cdp.intake import verdicts

router = APIRouter(prefix="/v1", tags=["collection"])

MessageId = Annotated[str, Path(description="The `messageId` of the message that you sent.")]


class VerdictOut(Out):
    """`accepted`, `duplicate`, `erased` or `invalid:…`; `field` names the field at fault.

    `notes` say what else became of it. `refusal_heard`: it was refused, but what it says no to
    holds. `refusal_binds_nobody`: it says no, and names nobody who can be read. `consent_unclear`:
    something in its consent was no clear yes, and counts as no. `time_read_leniently`: its time was
    no ISO 8601. `time_of_receipt`: no time of it can be read, so it happened when it came.
    `sent_at_ignored`: that cannot be read, so the client's clock was not corrected.
    """

    model_config = with_examples(
        {
            "verdict": "invalid:missing",
            "field": "event",
            "received_at": "2026-01-01T12:00:00Z",
            "notes": ["refusal_heard"],
        }
    )

    verdict: str
    """What became of the message: `accepted`, `duplicate`, `erased`, or `invalid:` and why."""
    field: str | None
    """The field that made it invalid; null: none did."""
    received_at: datetime
    """When the message came."""
    notes: list[str]
    """What else became of it, each as one word for programs."""


@router.get(
    "/verdicts/{message_id:path}",
    summary="Ask what became of a message",
    responses=failures(401, 403, 404),
    openapi_extra={"security": [{"write_key": []}]},
)
def get_verdict(message_id: MessageId, key: ServerKeyDep, work: ServerWorkDep, ports: PortsDep) -> VerdictOut:
    """The verdict on a message that this source sent; remembered for 30 days."""
    found = verdicts.of(message_id, source=key.source, work=work, ports=ports)
    return VerdictOut(
        verdict=found.verdict,
        field=found.field,
        received_at=found.received_at,
        notes=list(found.notes),
    )
