"""Lists of suppressions, and notices that were served: what is known of people beside their words."""

from datetime import datetime
from itertools import islice
from time import monotonic
from types import MappingProxyType
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from api.http import answer_times, discreet, shapes
from api.http.dependencies import Client, PortsDep, SystemDep, calling
from api.http.refused_noes import Hears
from api.http.routes.consent_routes import identified, nobody, patience
from api.http.shapes import ContactIn, Moment, Name, Out, Strict, failures, with_examples
from cdp.acts import Act
from cdp.permission import noes_in_refusals, serving, suppressions
from cdp.permission.binding import About
from cdp.permission.suppressions import Row

ROWS = 1000  # of a list


def _hear(said: object, client: Client) -> bool:
    """Whether a row of a list that was refused could be read, and was heard; and no more than a list has."""
    rows = list(islice(noes_in_refusals.rows(said), ROWS + 1))
    done = suppressions.suppress(
        rows[:ROWS],
        begin=client.opener(Act.CONSENT_SUPPRESS.purpose),
        ports=client.system.ports,
        patience=patience(client.system.settings),
    )
    return done.kept + done.known_already > 0 and len(rows) <= ROWS


class HeardList(Hears):
    """A list that is refused: what can be read of it is in force."""

    hears = MappingProxyType({"/v1/suppressions": (Act.CONSENT_SUPPRESS, _hear)})


router = APIRouter(prefix="/v1", tags=["consent"], responses=failures(401, 403, 404), route_class=HeardList)

Cell = Annotated[str, StringConstraints(max_length=1020)]


class SuppressionIn(Strict):
    """A row of a list. What cannot be read of purpose, channel or date makes the no wider, never void."""

    contact: Cell
    """The address or number to which nothing is to be sent."""
    reason: Cell = ""
    """Why, in a word of the list, such as `complained`."""
    source: Cell = ""
    """Where the list comes from."""
    date: Cell = ""
    """When it was received, as the list has it; empty, today or not to be read: now. The same no with the
    same date again changes nothing, without one it is a new no each time.
    """
    purpose: Cell = ""
    """What it is about: the name of a purpose; empty or unknown: all direct marketing."""
    channel: Cell = ""
    """Over which channel; empty or unknown: over every one."""


class SuppressionsIn(Strict):
    """A list of suppressions. Without a purpose a row is about all direct marketing."""

    model_config = with_examples(
        {"suppressions": [{"contact": "zoe@example.org", "reason": "complained", "source": "old mailer"}]}
    )

    suppressions: Annotated[list[SuppressionIn], Field(min_length=1, max_length=ROWS, fail_fast=True)]
    """The rows of the list."""


class RejectedOut(Out):
    """A row that was rejected: its number from 1, and why. Never its value."""

    row: int
    """The number of the row, from 1."""
    reason: str
    """Why it was rejected, as one word for programs."""


class SuppressionsOut(Out):
    """What became of a list; `noted` counts what could not be read and made a no wider."""

    read: int
    """How many rows were read."""
    kept: int
    """How many noes are new: not known before, or newer than a yes that was given since."""
    known_already: int | None
    """How many were known already; null: you may not know, and they are among those that are kept."""
    bound_at_once: int | None
    """How many were about somebody who is known here, and hold for them already; null: you may not know."""
    ended_a_yes: int | None
    """How many are newer than a yes that was given there and counts no more; null: you may not know."""
    older_than_a_yes: int | None
    """How many are older than a yes that was given there and goes on counting; null: you may not know."""
    noted: dict[str, int]
    """How many cells could not be read and made a no wider, by what they were."""
    rejected: list[RejectedOut]
    """The rows of which nothing could be kept."""


@router.post("/suppressions", summary="Keep a list of contacts that said no")
def post_suppressions(
    body: SuppressionsIn,
    client: Annotated[Client, calling(Act.CONSENT_SUPPRESS)],
    system: SystemDep,
    ports: PortsDep,
) -> SuppressionsOut:
    """Keep a no for each contact, whether or not anybody goes by it yet. Answered as a refusal is.

    A no without a date is received now, also where the same list was sent before: a yes that was given since
    ends. A recipient's client is not told who was known, by a no, a yes or as a person.
    """
    started = monotonic()
    tells = discreet.listener(client, Act.CONSENT_SUPPRESS).knows_everybody
    done = suppressions.suppress(
        (Row(line=number, **one.model_dump()) for number, one in enumerate(body.suppressions, 1)),
        begin=client.opener(Act.CONSENT_SUPPRESS.purpose),
        ports=ports,
        patience=patience(system.settings),
    )
    if not tells:
        answer_times.in_steps(client.scope, started, discreet.WORD)
    return SuppressionsOut(
        read=done.read,
        kept=done.kept if tells else done.kept + done.known_already,
        known_already=done.known_already if tells else None,
        bound_at_once=done.bound_at_once if tells else None,
        ended_a_yes=done.ended_a_yes if tells else None,
        older_than_a_yes=done.older_than_a_yes if tells else None,
        noted=dict(done.noted),
        rejected=[RejectedOut(row=line, reason=reason) for line, reason in done.rejected],
    )


class ServedIn(Strict):
    """That a notice was served to a person. `notice` is `name@2`, or a name: the version in force then."""

    model_config = with_examples(
        {"notice": "newsletter", "profile_id": str(shapes.PROFILE), "served_at": None},
    )

    notice: Name
    """What was served: `name@2`, or a name for the version in force then."""
    contact: ContactIn | None = None
    """The contact that it was served at."""
    profile_id: UUID | None = None
    """Who was told, by the id of their profile; not together with `person`."""
    person: ContactIn | None = None
    """Who was told, by an identifier that is theirs alone; not together with `profile_id`."""
    served_at: Moment | None = None
    """When they were told; null: now."""

    @model_validator(mode="after")
    def _to_somebody(self) -> Self:
        if self.profile_id is not None and self.person is not None:
            raise PydanticCustomError("profile_or_person", "only one of profile_id and person")
        if self.contact is None and self.profile_id is None and self.person is None:
            raise PydanticCustomError("contact_or_profile", "at least one of contact, profile_id and person")
        return self


class ServedOut(Out):
    """The version that was served, and since when that counts."""

    notice: UUID
    """The id of the notice that was served."""
    version: int
    """The number of its version."""
    served_at: datetime
    """Since when it counts as served."""


@router.post("/notices/served", summary="Record that a notice was served")
def post_notice_served(
    body: ServedIn,
    client: Annotated[Client, calling(Act.NOTICE_SERVE)],
    ports: PortsDep,
) -> ServedOut:
    """Keep that somebody was told: legitimate interests, and data from third parties, rest on it."""
    begin = client.opener(Act.NOTICE_SERVE.purpose)
    about = About(
        identifier=identified(body.contact, begin, ports),
        profile=body.profile_id,
        person=identified(body.person, begin, ports),
    )
    done = discreet.told(
        client,
        Act.NOTICE_SERVE,
        about,
        lambda: serving.serve(body.notice, about, begin=begin, ports=ports, at=body.served_at),
        opens=True,
        of_nobody=nobody,
    )
    return ServedOut(notice=done.notice.id, version=done.notice.number, served_at=done.at)
