"""Words of consent: acknowledged once they hold."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, model_validator
from pydantic_core import PydanticCustomError

from api.deps import Client, PortsDep, SystemDep, requires
from api.routes import shapes
from api.routes.shapes import ContactIn, Name, Out, Strict, Word, failures, with_examples
from cdp import consents, holder_change
from cdp.consents import Acknowledged, NobodyThere, Saying
from cdp.kernel.settings import Settings
from cdp.vocabulary import NEGATIVE, Channel, State
from policies.words import Action, Resource

router = APIRouter(prefix="/v1", tags=["consent"], responses=failures(401, 403, 404))

# Beyond the send window: a sender at the deadline still has to write its outcome.
SLACK = timedelta(seconds=2)


class ConsentIn(Strict):
    """What somebody says, about a contact or about a profile. A grant needs an act as evidence.

    `asserted_at` is when they said it; it may not lie ahead, and orders nothing but can only
    make a grant weaker. `channel` null: every channel.
    """

    model_config = with_examples(
        {
            "contact": {"namespace": "email", "value": "ann@example.org"},
            "purpose": "email_marketing",
            "channel": "email",
            "state": "given",
            "evidence": "form",
            "notice": "newsletter",
        },
        {
            "profile_id": str(shapes.PROFILE),
            "purpose": "email_marketing",
            "channel": None,
            "state": "objected",
            "evidence": "call",
        },
    )

    contact: ContactIn | None = None
    profile_id: UUID | None = None
    purpose: Word
    channel: Channel | None = None
    state: Literal["given", "refused", "withdrawn", "objected", "restricted"]
    evidence: Literal["form", "double_opt_in", "call", "paper", "login"]
    notice: Name | None = None
    asserted_at: AwareDatetime | None = None
    explicit: bool = False
    guardian: bool = False

    @model_validator(mode="after")
    def _about_one(self) -> Self:
        if (self.contact is None) == (self.profile_id is None):
            raise PydanticCustomError("contact_or_profile", "exactly one of contact and profile_id")
        return self


class EntryOut(Out):
    """One entry of the ledger. `covered_by` names the refusal that a grant does not lift."""

    entry: UUID
    counted: bool
    covered_by: UUID | None


class ConsentOut(Out):
    """The word holds since `acknowledged_at`: nothing is sent against it any more."""

    model_config = with_examples(
        {
            "acknowledged_at": "2026-01-01T12:00:00Z",
            "counted": False,
            "entries": [
                {
                    "entry": str(shapes.ENTRY),
                    "counted": False,
                    "covered_by": str(shapes.EARLIER_ENTRY),
                }
            ],
        }
    )

    acknowledged_at: datetime
    counted: bool
    entries: list[EntryOut]


@router.post("/consents")
def post_consent(
    body: ConsentIn,
    client: Annotated[Client, requires(Resource.CONSENT, Action.WRITE)],
    system: SystemDep,
    ports: PortsDep,
) -> ConsentOut:
    """Keep a grant or a refusal. A refusal is answered only when no release can still be sent."""
    if State(body.state) not in NEGATIVE:
        client.under_contract()
    begin = client.opener("consent_management")
    identifier = None
    if body.contact is not None:
        with begin() as work:
            identifier = shapes.identifier(body.contact, work=work, ports=ports)
        if identifier is None:
            raise NobodyThere
    done = consents.say(
        Saying(
            purpose=body.purpose,
            channel=body.channel,
            state=State(body.state),
            evidence=body.evidence,
            notice=body.notice,
            asserted_at=body.asserted_at,
            explicit=body.explicit,
            guardian=body.guardian,
        ),
        begin=begin,
        ports=ports,
        patience=patience(system.settings),
        identifier=identifier,
        profile=body.profile_id,
    )
    return _kept(done)


class HolderChangeIn(Strict):
    """A contact that has changed hands."""

    model_config = with_examples({"contact": {"namespace": "email", "value": "ann@example.org"}})

    contact: ContactIn


@router.post("/contacts/holder-change")
def post_holder_change(
    body: HolderChangeIn,
    client: Annotated[Client, requires(Resource.CONSENT, Action.WRITE)],
    system: SystemDep,
    ports: PortsDep,
) -> ConsentOut:
    """End every grant at a contact: a phone was recycled, a mailbox returned. Answered as a refusal is."""
    begin = client.opener("consent_management")
    with begin() as work:
        identifier = shapes.identifier(body.contact, work=work, ports=ports)
    if identifier is None:
        raise NobodyThere
    done = holder_change.end_grants(identifier, begin=begin, ports=ports, patience=patience(system.settings))
    return _kept(done)


def _kept(done: Acknowledged) -> ConsentOut:
    return ConsentOut(
        acknowledged_at=done.at,
        counted=all(one.counted for one in done.entries),
        entries=[
            EntryOut(entry=one.entry, counted=one.counted, covered_by=one.covered_by) for one in done.entries
        ],
    )


def patience(settings: Settings) -> timedelta:
    """How long a refusal waits for releases that have begun."""
    return settings.send_window + SLACK
