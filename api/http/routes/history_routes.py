"""What people said, read back by who may know every reason."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from api.http import shapes
from api.http.dependencies import PortsDep, doing
from api.http.shapes import ContactIn, Out, Strict, failures, with_examples
from cdp.acts import Act
from cdp.permission import history
from cdp.permission.binding import NobodyThere
from cdp.vocabulary import Channel, Scope, State
from cdp.work import Work

router = APIRouter(prefix="/v1/consents", tags=["consent"], responses=failures(401, 403))


class WordsQuery(Strict):
    """Whose words: those of a person, or of a contact; one of the two."""

    model_config = with_examples(
        {"contact": {"namespace": "email", "value": "ann@example.org"}},
        {"profile_id": str(shapes.PROFILE)},
    )

    contact: ContactIn | None = None
    """A contact; of one that several people go by, only what binds the contact itself is shown."""
    profile_id: UUID | None = None
    """A person, by the id of their profile or of any fragment that it holds."""

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if (self.contact is None) == (self.profile_id is None):
            raise PydanticCustomError("contact_or_profile", "exactly one of contact and profile_id")
        return self


class WordOut(Out):
    """One word. A refusal at a contact has no author in the ledger, so nothing more is told of it."""

    entry: UUID
    """The id of its entry in the ledger of consent."""
    scope: Scope
    """Whom it binds: the person, whoever goes by the contact, or a device."""
    purpose: str
    """What it is about: the name of a purpose."""
    channel: Channel | None
    """Over which channel; null: over every one."""
    state: State
    """What was said: `given` is a yes, `requested` asks for one, every other word is a no."""
    received_at: datetime
    """When it came."""
    contact: UUID | None = None
    """The contact that it was said at, by its id; null: at none."""
    evidence: str | None = None
    """By which act it was said; null: it is not told."""
    asserted_at: datetime | None = None
    """When the person is said to have said it; null: it is not told."""
    expires_at: datetime | None = None
    """Until when it counts; null: it does not end."""
    notice: str | None = None
    """What the person had been shown, by name and version; null: nothing."""
    guardian: bool | None = None
    """Whether a parent or guardian said it for a child; null: it is not told."""
    counted: bool | None = None
    """Whether it took effect; null: it is a refusal at a contact, which always does."""
    not_counted: str | None = None
    """Why a grant has no effect, as one word for programs; null: it has."""
    refused_by: UUID | None = None
    """The refusal that a grant did not lift, by the id of its entry; null: there is none."""


class WordsOut(Out):
    """Everything that was said, oldest first."""

    model_config = with_examples(
        {
            "words": [
                {
                    "entry": str(shapes.ENTRY),
                    "scope": "contact",
                    "purpose": "email_marketing",
                    "channel": "email",
                    "state": "given",
                    "received_at": "2026-01-01T12:00:00Z",
                    "contact": str(shapes.CONTACT),
                    "evidence": "form",
                    "asserted_at": "2026-01-01T12:00:00Z",
                    "expires_at": None,
                    "notice": "newsletter v1",
                    "guardian": False,
                    "counted": True,
                    "not_counted": None,
                    "refused_by": None,
                }
            ]
        }
    )

    words: list[WordOut]
    """The words, oldest first."""


@router.post("/query", summary="Read everything that a person said", responses=failures(401, 403, 404))
def query_words(
    body: WordsQuery, work: Annotated[Work, doing(Act.CONSENT_READ)], ports: PortsDep
) -> WordsOut:
    """Everything that a person, or everybody at a contact, said. Reading it leaves an audit entry."""
    whom = body.profile_id
    named = shapes.identifier(body.contact, work=work, ports=ports) if body.contact is not None else whom
    if named is None:
        raise NobodyThere
    found = history.of(named, work=work, ports=ports)
    return WordsOut(words=[WordOut.model_validate(one) for one in found])


class RefusedGrantsOne(Out):
    """One source, and the newest of its agreements that do not count."""

    source: str | None
    """The source, by name; null: it was said live, through an interface."""
    count: int
    """How many agreements that it brought a refusal outweighs."""
    received_at: datetime
    """When the newest of them came."""
    entry: UUID
    """The newest of them, by the id of its entry in the ledger."""
    refused_by: UUID
    """The refusal that it does not lift, by the id of its entry."""


class RefusedGrantsOut(Out):
    """For each source the agreements that a standing refusal did not let count."""

    model_config = with_examples(
        {
            "sources": [
                {
                    "source": "crm",
                    "count": 3,
                    "received_at": "2026-01-01T12:00:00Z",
                    "entry": str(shapes.ENTRY),
                    "refused_by": str(shapes.EARLIER_ENTRY),
                }
            ]
        }
    )

    sources: list[RefusedGrantsOne]
    """The sources of which there are any."""


@router.get("/refused-grants", summary="Count agreements that a refusal outweighs, by source")
def get_refused_grants(work: Annotated[Work, doing(Act.GRANTS_REFUSED)], ports: PortsDep) -> RefusedGrantsOut:
    """Count, for each source, the agreements that a standing refusal did not let count."""
    found = history.refused_grants(work=work, ports=ports)
    return RefusedGrantsOut(sources=[RefusedGrantsOne.model_validate(one) for one in found])
