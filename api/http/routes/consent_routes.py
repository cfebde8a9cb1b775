"""Words of consent: acknowledged once they hold."""

from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from time import monotonic
from types import MappingProxyType
from typing import Annotated, Literal, NoReturn, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from api.http import answer_times, discreet, shapes
from api.http.dependencies import Client, PortsDep, Repeated, SystemDep, calling
from api.http.idempotency import Once
from api.http.refused_noes import Hears
from api.http.shapes import ContactIn, Moment, Name, Out, Strict, Word, failures, with_examples
from cdp.acts import Act
from cdp.answers import Answer
from cdp.kernel.settings import Settings
from cdp.permission import consents, holder_change, noes_in_refusals
from cdp.permission.binding import About, NobodyThere, UnusableContact
from cdp.permission.consents import Acknowledged, Opener, Saying
from cdp.ports import Ports, Recorded
from cdp.vocabulary import NEGATIVE, Channel, Identifier, Scope, State
from consent.ledger import counting


def _hear(said: object, client: Client) -> bool:
    """Whether a no could be read in a body that was refused, and was heard."""
    begin = client.opener(Act.CONSENT_SAY.purpose)
    ports = client.system.ports
    return noes_in_refusals.hear(
        said, lambda saying, about: _say(saying, about, client), begin=begin, ports=ports
    )


class OnceSaid(Hears, Once):
    """A yes that is sent again: not said again, and answered as what was said stands now."""

    hears = MappingProxyType({"/v1/consents": (Act.CONSENT_SAY, _hear)})

    def again(self, known: Repeated) -> Answer:
        """The answer of then, unless it is not so any more.

        Raises what a yes of that client's would be refused with now, and `NobodyThere` where what was said
        does not count any more and the client may not know why (ADR-0044), or who said it was erased.
        """
        started, client, answer = monotonic(), known.client, known.answer
        with client.asking(Act.CONSENT_SAY, State.GIVEN):
            client.in_good_standing()
        if answer.status == HTTPStatus.NOT_FOUND:
            _of_nobody(client, started)
        told = ConsentOut.model_validate_json(answer.body)
        begin, ports = client.opener(Act.CONSENT_SAY.purpose), client.system.ports
        now = consents.still([one.entry for one in told.entries], begin=begin, ports=ports)
        entries = [_entry(now[one.entry]) for one in told.entries if one.entry in now]
        if entries == told.entries:
            return answer
        if not (entries and discreet.listener(client, Act.CONSENT_SAY).knows_everybody):
            _of_nobody(client, started)
        body = told.model_copy(update={"counted": all(one.counted for one in entries), "entries": entries})
        return replace(answer, body=body.model_dump_json().encode())


def _of_nobody(client: Client, started: float) -> NoReturn:
    """Answer as about nobody, at a step."""
    answer_times.in_steps(client.scope, started, discreet.WORD)
    raise NobodyThere


router = APIRouter(prefix="/v1", tags=["consent"], responses=failures(401, 403, 404), route_class=OnceSaid)

# Beyond the send window: a sender at the deadline still has to write its outcome.
SLACK = timedelta(seconds=2)


class ConsentIn(Strict):
    """What somebody says, about a contact or about a profile. A grant needs an act as evidence.

    At a contact that several hold, `profile_id` or `person` says who speaks: a grant is one person's.
    `notice` is `name@2`, or a name: the version in force when it was said.
    `asserted_at` is when they said it; for a yes it may not lie ahead, and orders nothing but can only
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
    """The contact that it was said about, such as the address to which nothing more is to be sent."""
    profile_id: UUID | None = None
    """Who speaks, by the id of their profile; not together with `person`."""
    person: ContactIn | None = None
    """Who speaks, by an identifier that is theirs alone; not together with `profile_id`."""
    purpose: Word
    """What their data may, or may no longer, be used for: the name of a purpose."""
    channel: Channel | None = None
    """Over which channel; null: over every one."""
    state: Literal["given", "refused", "withdrawn", "objected", "restricted"]
    """What they said: `given` is a yes; every other word is a no."""
    evidence: Literal["form", "double_opt_in", "call", "paper", "login"]
    """By which act they said it."""
    notice: Name | None = None
    """What they were shown when they agreed: `name@2`, or a name for the version in force then. A grant
    needs one where consent is the basis.
    """
    asserted_at: Moment | None = None
    """When they said it, if that was before now; for a yes it may not lie ahead."""
    explicit: bool = False
    """Whether it was an express statement, which sensitive data and moves abroad need."""
    guardian: bool = False
    """Whether a parent or guardian said it for a child."""

    @model_validator(mode="after")
    def _about_somebody(self) -> Self:
        if self.profile_id is not None and self.person is not None:
            raise PydanticCustomError("profile_or_person", "only one of profile_id and person")
        if self.contact is None and self.profile_id is None and self.person is None:
            raise PydanticCustomError("contact_or_profile", "at least one of contact, profile_id and person")
        return self


class ConsentEntryOut(Out):
    """One entry of the ledger. `covered_by` names the refusal that a grant does not lift.

    `not_counted` is a stable word for why a grant cannot count, `reason` says it in a sentence.
    """

    entry: UUID
    """The id of the entry in the ledger of consent."""
    scope: Scope
    """Whom it binds: the person (`person`), or whoever goes by the contact (`contact`)."""
    counted: bool
    """Whether it takes effect; a refusal always does."""
    covered_by: UUID | None
    """The refusal that this grant does not lift, by the id of its entry; null: there is none."""
    not_counted: str | None
    """Why a grant has no effect, as one word for programs; null: it has."""
    reason: str | None
    """The same in a sentence; null: it has an effect."""


class ConsentOut(Out):
    """The word holds since `acknowledged_at`: nothing is sent against it any more.

    `kept_for_later`: nobody goes by the contact now; the no is kept as an HMAC, for whoever comes with it.
    """

    model_config = with_examples(
        {
            "acknowledged_at": "2026-01-01T12:00:00Z",
            "counted": False,
            "kept_for_later": False,
            "noted": [],
            "entries": [
                {
                    "entry": str(shapes.ENTRY),
                    "scope": "person",
                    "counted": False,
                    "covered_by": str(shapes.EARLIER_ENTRY),
                    "not_counted": "refused_since",
                    "reason": "A refusal stands that is newer.",
                }
            ],
        }
    )

    acknowledged_at: datetime
    """Since when it holds: what is sent from then on obeys it."""
    counted: bool
    """Whether every entry takes effect."""
    kept_for_later: bool
    """Whether nobody of whom you may know goes by the contact yet, so that the no is kept for whoever comes
    with it.
    """
    entries: list[ConsentEntryOut]
    """The entries that were written: one for each person and contact that it is about."""
    noted: list[str] = Field(default_factory=list)
    """What could not be read or believed of a no, which was heard for the rest, as words for programs."""


@router.post("/consents", summary="Record what somebody said: yes, no, or asked")
def post_consent(
    body: ConsentIn,
    client: Annotated[Client, calling(Act.CONSENT_SAY)],
    ports: PortsDep,
) -> ConsentOut:
    """Keep a grant or a refusal. A refusal is answered only when no release can still be sent.

    What cannot be read or believed of a refusal is a note in the answer, and one in a body that is itself
    refused is heard as far as it can be read: the problem then says `heard`. A recipient that may see
    nothing of the person is answered as if nobody went by the contact; what was said is heard. A yes that
    is sent again with its `Idempotency-Key` is not said again, and answered as it stands now: a refusal
    since, or the end of the recipient's contract, is told.
    """
    refuses = State(body.state) in NEGATIVE
    if not refuses:
        with client.asking(Act.CONSENT_SAY, body.state):
            client.in_good_standing()
    begin = client.opener(Act.CONSENT_SAY.purpose)
    saying = Saying(
        purpose=body.purpose,
        channel=body.channel,
        state=State(body.state),
        evidence=body.evidence,
        notice=body.notice,
        asserted_at=body.asserted_at,
        explicit=body.explicit,
        guardian=body.guardian,
    )
    about, noted = _named(body, begin, ports) if refuses else (None, [])
    about = about or About(
        identifier=identified(body.contact, begin, ports),
        profile=body.profile_id,
        person=identified(body.person, begin, ports),
    )
    done = _say(saying, about, client)
    return _kept(replace(done, noted=sorted([*done.noted, *noted])))


def _say(saying: Saying, about: About, client: Client) -> Acknowledged:
    begin, ports = client.opener(Act.CONSENT_SAY.purpose), client.system.ports
    wait = patience(client.system.settings)
    return discreet.told(
        client,
        Act.CONSENT_SAY,
        about,
        lambda: consents.say(saying, about, begin=begin, ports=ports, patience=wait),
        opens=saying.state not in NEGATIVE,
        of_nobody=lambda: consents.of_nobody(saying, about, begin=begin, ports=ports),
    )


def _named(body: ConsentIn, begin: Opener, ports: Ports) -> tuple[About, list[str]]:
    """Whom a no names who can be read, and what cannot. Raises `UnusableContact` where nobody can."""
    with begin() as work:
        contact, person = (
            shapes.identifier(one, work=work, ports=ports) if one is not None else None
            for one in (body.contact, body.person)
        )
    about = About(identifier=contact, profile=body.profile_id, person=person)
    if about == About():
        raise UnusableContact
    noted = ["contact_not_usable"] if body.contact is not None and contact is None else []
    noted += ["speaker_not_usable"] if body.person is not None and person is None else []
    return about, noted


def identified(contact: ContactIn | None, begin: Opener, ports: Ports) -> Identifier | None:
    """The contact as identifiers are compared. Raises `NobodyThere` for what identifies nobody."""
    if contact is None:
        return None
    with begin() as work:
        found = shapes.identifier(contact, work=work, ports=ports)
    if found is None:
        raise NobodyThere
    return found


class HolderChangeIn(Strict):
    """A contact that has changed hands."""

    model_config = with_examples({"contact": {"namespace": "email", "value": "ann@example.org"}})

    contact: ContactIn
    """The telephone number or address that belongs to somebody else now."""


@router.post("/contacts/holder-change", summary="End all grants at a contact that changed hands")
def post_holder_change(
    body: HolderChangeIn,
    client: Annotated[Client, calling(Act.HOLDER_CHANGE)],
    system: SystemDep,
    ports: PortsDep,
) -> ConsentOut:
    """End every grant at a contact: a phone was recycled, a mailbox returned. Answered as a refusal is."""
    begin = client.opener(Act.HOLDER_CHANGE.purpose)
    identifier = identified(body.contact, begin, ports)
    assert identifier is not None, "a contact is named"
    wait = patience(system.settings)
    done = discreet.told(
        client,
        Act.HOLDER_CHANGE,
        About(identifier=identifier),
        lambda: holder_change.end_grants(identifier, begin=begin, ports=ports, patience=wait),
        opens=False,
        of_nobody=nobody,
    )
    return _kept(done)


def nobody() -> NoReturn:
    """The answer about nobody, where it is an error."""
    raise NobodyThere


def _kept(done: Acknowledged) -> ConsentOut:
    return ConsentOut(
        acknowledged_at=done.at,
        counted=all(one.counted for one in done.entries),
        kept_for_later=done.suppressed,
        entries=[_entry(one) for one in done.entries],
        noted=list(done.noted),
    )


def _entry(one: Recorded) -> ConsentEntryOut:
    return ConsentEntryOut(
        entry=one.entry,
        scope=one.scope,
        counted=one.counted,
        covered_by=one.covered_by,
        not_counted=one.not_counted,
        reason=counting.sentence(one.not_counted) or None,
    )


def patience(settings: Settings) -> timedelta:
    """How long a refusal waits for releases that have begun."""
    return settings.send_window + SLACK
