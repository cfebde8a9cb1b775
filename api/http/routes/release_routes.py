"""Releases to a registered endpoint: the only way in which data leaves by HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api import why
from api.http import shapes
from api.http.dependencies import Client, PortsDep, SystemDep, calling
from api.http.idempotency import Once
from api.http.shapes import Name, Out, Strict, TraitName, Word, failures, with_examples
from cdp.acts import Act
from cdp.ports import Ask
from cdp.registers import catalogue_lists
from cdp.releases import releasing
from cdp.releases.reach import Reach
from cdp.releases.releases import Limits, Plan
from cdp.vocabulary import Channel

router = APIRouter(prefix="/v1", tags=["releases"], responses=failures(401, 403, 404), route_class=Once)


class ReleaseIn(Strict):
    """Whom (a saved segment), for what, over which channel, to which recipient, with which fields.

    `endpoint` names one of the recipient's in the register; no address can be given here.
    """

    model_config = with_examples(
        {
            "segment": "Bought something",
            "purpose": "email_marketing",
            "channel": "email",
            "recipient": "mail house",
            "traits": ["given_name"],
            "endpoint": "batches",
        }
    )

    segment: UUID | Name
    """Whom: a saved segment, by its id or name."""
    purpose: Word
    """What the data is released for: the name of a purpose that your client is registered for."""
    channel: Channel
    """Over which channel the people will be contacted."""
    recipient: Name
    """Who receives the data, by the name in the register."""
    traits: list[TraitName] = Field([], max_length=64)
    """Which traits are sent along with the contact, by name; each person's only where policy and consent
    allow it.
    """
    endpoint: Name
    """Where it is sent: the name of one of the recipient's registered endpoints."""


class ReleaseOut(Out):
    """What became of the release; `withheld` counts by reason, as exactly as the caller may see."""

    model_config = with_examples(
        {
            "id": str(shapes.RELEASE),
            "matched": 1200,
            "released": 831,
            "unknown": 0,
            "withheld": {"not permitted": 340, "no contact": 20},
            "cures": {
                "not permitted": "who has the role compliance sees the exact reasons, and what mends each",
                "no contact": "import one, or send it by a server key, from a source …",
            },
            "batches": 5,
            "failed_batches": 0,
            "failed": False,
            "rounded_to": 1,
        }
    )

    id: UUID
    """The id of the release; the audit log names it."""
    matched: int
    """How many people the segment matched; where counts are not exact, the sum of those shown."""
    released: int
    """How many people's data was sent, and taken."""
    unknown: int
    """How many people's data may have arrived: the receiver has not confirmed it."""
    withheld: dict[str, int]
    """How many were left out, by the reason."""
    cures: dict[str, str]
    """For each of the reasons what mends it."""
    batches: int | None
    """In how many batches it was sent; null where the counts are not exact."""
    failed_batches: int | None
    """How many of the batches were not delivered for certain; null where the counts are not exact."""
    failed: bool | None
    """Whether somebody's data was not delivered for certain; null where the counts are not exact and, if
    anybody's was not, it was few people's.
    """
    rounded_to: int
    """1: the counts are exact; else each is uncertain by as many people, and a multiple of this number."""


@router.post("/releases", summary="Release an audience to a recipient")
def post_release(
    body: ReleaseIn,
    client: Annotated[Client, calling(Act.RELEASE_RUN)],
    system: SystemDep,
    ports: PortsDep,
) -> ReleaseOut:
    """Release now, batch by batch; answers when the last one is out."""
    with client.asking(Act.RELEASE_RUN):
        purpose, recipient = client.for_purpose(body.purpose), client.for_recipient(body.recipient)
    plan = Plan(
        segment=body.segment,
        ask=Ask(purpose=purpose, channel=body.channel, recipient=recipient),
        traits=sorted({one.id for one in catalogue_lists.named(body.traits, field="traits", ports=ports)}),
        endpoint=body.endpoint,
        public_url=system.settings.public_url,
    )
    made = releasing.release(
        plan,
        begin=client.opener(purpose),
        ports=ports,
        connect=Reach.of(system.settings).connect,
        limits=Limits(batch=system.settings.release_batch, inbox_lag=system.settings.inbox_lag_limit),
    )
    told = {
        name: getattr(made, name) for name in ReleaseOut.model_fields if name not in ("withheld", "cures")
    }
    return ReleaseOut(**told, withheld=dict(made.withheld), cures=why.cures(made.withheld))
