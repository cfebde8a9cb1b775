"""Notices: what people are shown, word by word, in versions that are never changed."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from api.http import shapes
from api.http.dependencies import PortsDep, doing
from api.http.idempotency import Once
from api.http.routes.paging import EXAMPLE, NamedAsk
from api.http.shapes import Moment, Name, Out, Strict, Word, failures, with_examples
from cdp.acts import Act
from cdp.ports.register_ports import NewNotice
from cdp.registers import notices
from cdp.work import Work

router = APIRouter(prefix="/v1/notices", tags=["notices"], responses=failures(401, 403), route_class=Once)


class NoticeIn(Strict):
    """A version of a notice that is to be published."""

    model_config = with_examples(
        {
            "name": "newsletter",
            "text": "We write to you once a month, and our mail house sends it.",
            "purposes": ["email_marketing"],
            "recipients": ["mail house"],
        }
    )

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,62}$")]
    """What the notice is called. Publishing under a name that is there makes its next version."""
    text: Annotated[str, Field(min_length=1, max_length=200_000)]
    """What people are shown, word by word."""
    purposes: Annotated[list[Word], Field(max_length=200)]
    """The purposes that it names: who agrees, agrees to these."""
    recipients: Annotated[list[Name], Field(max_length=200)] = Field([])
    """The recipients that it names beside the controller itself, by their names in the register."""
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"
    """The language of the text, as in `en` or `zh-Hans`."""
    published_at: Moment | None = None
    """Since when people are shown it, if that was before now; null: since now."""
    controller: UUID | None = None
    """Whose notice it is, by the id in the register; null: the workspace's own."""


class PublishedOut(Out):
    """The version that was published."""

    model_config = with_examples({"id": str(shapes.NOTICE), "name": "newsletter", "version": 2})

    id: UUID
    """The id of the version."""
    name: str
    """What the notice is called."""
    version: int
    """Which version it is; words of consent name it as `newsletter@2`."""


class NoticeOut(Out):
    """A version of a notice."""

    id: UUID
    """The id of the version."""
    name: str
    """What the notice is called."""
    version: int
    """Which version it is, counted from 1."""
    language: str
    """The language of its text."""
    purposes: list[str]
    """The purposes that it names."""
    recipients: list[str]
    """The recipients that it names beside the controller itself."""
    hash: str
    """The SHA-256 of its text, in hexadecimal digits."""
    controller: UUID
    """Whose notice it is."""
    published_at: datetime
    """Since when people are shown it."""


class NoticesOut(Out):
    """A page of versions of notices, in the order in which they were published."""

    model_config = with_examples(
        {
            "notices": [
                {
                    "id": str(shapes.NOTICE),
                    "name": "newsletter",
                    "version": 2,
                    "language": "en",
                    "purposes": ["email_marketing"],
                    "recipients": ["mail house"],
                    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "controller": str(shapes.CONTROLLER),
                    "published_at": "2026-01-01T12:00:00Z",
                }
            ],
            "next": EXAMPLE,
        }
    )

    notices: list[NoticeOut]
    """The versions of this page."""
    next: str | None
    """What to send as `cursor` to get the page behind this one; null: this is the last."""


@router.get("", summary="List the versions of notices")
def get_notices(
    ask: Annotated[NamedAsk, Query()], work: Annotated[Work, doing(Act.NOTICE_LIST)], ports: PortsDep
) -> NoticesOut:
    """What people have been shown since when, and which purposes and recipients it names."""
    found = notices.every(ask.page(work), work=work, ports=ports)
    return NoticesOut(
        notices=[NoticeOut(**{name: getattr(one, name) for name in NoticeOut.model_fields}) for one in found],
        next=ask.next([one.id for one in found], work),
    )


@router.post("", summary="Publish a version of a notice", status_code=201, responses=failures(404, 409))
def post_notice(
    body: NoticeIn, work: Annotated[Work, doing(Act.NOTICE_PUBLISH)], ports: PortsDep
) -> PublishedOut:
    """Publish what people are shown. Who agrees, agrees to the purposes and recipients of what they saw."""
    new = NewNotice(**{name: getattr(body, name) for name in NoticeIn.model_fields})
    made = notices.publish(new, work=work, ports=ports)
    return PublishedOut(id=made.id, name=body.name, version=made.version)
