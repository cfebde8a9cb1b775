"""Previews: how many a segment matches, how many may be reached, and why not the rest."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from api import why
from api.http.dependencies import Client, PortsDep, calling, doing
from api.http.routes.segment_routes import RULE
from api.http.shapes import Name, Out, Rule, Strict, Word, failures, with_examples
from cdp.acts import Act
from cdp.audiences import previews
from cdp.audiences.left_out import LeftOut
from cdp.ports import Ask
from cdp.vocabulary import Channel
from cdp.work import Work

router = APIRouter(prefix="/v1/audiences", tags=["audiences"], responses=failures(401, 403, 404))


class PreviewIn(Strict):
    """Whom, by a saved segment or a rule; for what, over which channel, to which recipient."""

    model_config = with_examples({"rule": RULE, "purpose": "email_marketing", "channel": "email"})

    segment: UUID | Name | None = None
    """A saved segment, by its id or name; or give `rule`."""
    rule: Rule | None = None
    """Whom you mean, by a rule that is not saved; or give `segment`."""
    purpose: Word
    """What the people would be contacted for: the name of a purpose that your client is registered for."""
    channel: Channel
    """Over which channel they would be contacted."""
    recipient: Name | None = None
    """Who would receive their data, by the name in the register; null: the recipient that your client
    belongs to, or the controller itself.
    """

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.segment is None) == (self.rule is None):
            raise PydanticCustomError("segment_or_rule", "exactly one of segment and rule")
        return self


class PreviewOut(Out):
    """Counts. `rounded_to` 1: exact; else each is uncertain and rounded, so that none tells of one person.

    Then few people count as none, and no reason is named that keeps only a few.
    """

    model_config = with_examples(
        {
            "matched": 1200,
            "permitted": 820,
            "withheld": {"not permitted": 340, "no contact": 20},
            "rounded_to": 20,
            "cures": {
                "not permitted": "who has the role compliance sees the exact reasons, and what mends each",
                "no contact": "import one, or send it by a server key, from a source …",
            },
        }
    )

    matched: int
    """How many people the rule matches; where the counts are not exact, the sum of those that are shown."""
    permitted: int
    """How many of them may be contacted now, for this purpose over this channel."""
    withheld: dict[str, int]
    """How many may not, by the reason."""
    cures: dict[str, str]
    """For each of the reasons what mends it."""
    rounded_to: int
    """1: the counts are exact; else each is uncertain by as many people, and a multiple of this number."""


@router.post("/preview", summary="Count an audience, and why the rest is left out")
def post_preview(
    body: PreviewIn,
    client: Annotated[Client, calling(Act.AUDIENCE_PREVIEW)],
    work: Annotated[Work, doing(Act.AUDIENCE_PREVIEW)],
    ports: PortsDep,
) -> PreviewOut:
    """Count the audience; nothing is opened and nobody is named.

    Exact counts need the scope `audience:read-exact`. Who has it not gets the same answer to the same
    question, until the truth is far from it, and only so many different questions in a day.
    """
    purpose = client.for_purpose(body.purpose)
    ask = Ask(purpose=purpose, channel=body.channel, recipient=client.for_recipient(body.recipient))
    whom = body.rule if body.segment is None else body.segment
    assert whom is not None, "one of the two was given"
    counted = previews.preview(whom, ask, each=False, work=work, ports=ports)
    policy = None if counted.cure is None else counted.cure.for_request
    return PreviewOut(
        matched=counted.matched,
        permitted=counted.permitted,
        withheld=dict(counted.withheld),
        cures=why.cures([*counted.withheld, *([LeftOut.POLICY] if policy else [])], policy=policy),
        rounded_to=counted.rounded_to,
    )
