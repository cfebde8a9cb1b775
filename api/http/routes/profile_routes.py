"""Profile reads: the consented, minimised view for one stated purpose."""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from api import why
from api.http import discreet, shapes
from api.http.dependencies import Client, PortsDep, calling
from api.http.shapes import ContactIn, NamespaceWord, Out, Strict, TraitName, Word, failures, with_examples
from cdp.acts import Act
from cdp.ports import Ports
from cdp.views import profile_view
from cdp.views.deciding import Asking
from cdp.views.profile_view import NoSuchProfile, View
from cdp.vocabulary import Identifier
from cdp.work import Work

router = APIRouter(prefix="/v1/profiles", tags=["profiles"], responses=failures(401, 403, 404))

Reader = Annotated[Client, calling(Act.PROFILE_READ)]

_EXAMPLE = {
    "profile": str(shapes.PROFILE),
    "purpose": "email_marketing",
    "shown": {"given_name": "Ann"},
    "masked": {"email": "a***@e***.org"},
    "withheld": {"national_id": "policy"},
    "contactable": {"email": str(shapes.CONTACT)},
    "reasons": {"phone": "no contact", "sms": "no contact"},
    "cures": {
        "policy": "No policy line lets this role see this class … With: POST /v1/purposes/…",
        "no contact": "import one, or send it by a server key, from a source …",
    },
    "receipt": "eyJhbGciOiJFZERTQSIs…",
}


class ProfileAsk(Strict):
    """What is wanted of a profile."""

    purpose: Word = Field(examples=["email_marketing"])
    """What you want to use the data for: the name of a purpose that your client is registered for."""
    fields: str = Field("", pattern=r"^([A-Za-z0-9_.]{1,64}(,[A-Za-z0-9_.]{1,64}){0,63})?$", examples=[""])
    """The traits that you need, by name, with commas between; empty: all there are."""


class ProfileQuery(Strict):
    """A profile by a contact. A contact that nobody has, or that several share, is not found."""

    model_config = with_examples(
        {
            "namespace": "email",
            "value": "ann@example.org",
            "purpose": "email_marketing",
            "fields": ["given_name", "email"],
        }
    )

    namespace: NamespaceWord
    """What kind of identifier the value is: `email`, `phone`, `user_id`, `anonymous_id`, or `crm:` and the
    name of a system of yours.
    """
    value: str = Field(min_length=1, max_length=1020)
    """The identifier as you have it; it is normalised before it is compared."""
    purpose: Word
    """What you want to use the data for: the name of a purpose that your client is registered for."""
    fields: list[TraitName] = Field([], max_length=64)
    """The traits that you need, by name; empty: all there are."""


class ProfileOut(Out):
    """What may be shown. A refusal by consent shows nothing and says why, coarsely or exactly.

    `contactable` gives the contact that may be used on each channel, as an opaque id; `receipt` is the
    decision, signed (JWS, EdDSA; the key is in /.well-known/jwks.json).
    """

    model_config = with_examples(_EXAMPLE)

    profile: UUID
    """The id of the profile."""
    purpose: str
    """What it was read for."""
    shown: dict[str, object]
    """The traits that you may see, with their values."""
    masked: dict[str, str]
    """The traits that you may see in part, with what shows of them."""
    withheld: dict[str, str]
    """The traits that you may not see, each with the reason."""
    contactable: dict[str, UUID | None]
    """For each channel the id of the contact that may be used; null: none may."""
    reasons: dict[str, str]
    """For each channel that may not be used, why."""
    cures: dict[str, str]
    """For each of the reasons what mends it."""
    receipt: str
    """The decision, signed as a JWS; the key is in `/.well-known/jwks.json`."""


@router.get("/{profile_id}", summary="Read a profile for a purpose")
def get_profile(
    profile_id: shapes.ProfilePath,
    ask: Annotated[ProfileAsk, Query()],
    client: Reader,
    ports: PortsDep,
) -> ProfileOut:
    """Read a profile by its id, or by the id of any fragment that it holds, as this client's recipient.

    A recipient that may see nothing of somebody is told what it would be told of nobody.
    """
    fields = [one for one in ask.fields.split(",") if one]
    return _read(lambda _: profile_id, client, ask.purpose, fields, ports)


@router.post("/query", summary="Read the profile of a contact for a purpose")
def query_profile(body: ProfileQuery, client: Reader, ports: PortsDep) -> ProfileOut:
    """Read the profile of a contact; its value goes in the body, never in an address.

    A recipient that may see nothing of somebody is told what it would be told of nobody.
    """
    contact = ContactIn(namespace=body.namespace, value=body.value)

    def named(work: Work) -> Identifier | None:
        return shapes.identifier(contact, work=work, ports=ports)

    return _read(named, client, body.purpose, body.fields, ports)


def _read(
    whom: Callable[[Work], UUID | Identifier | None],
    client: Client,
    purpose: str,
    fields: Sequence[str],
    ports: Ports,
) -> ProfileOut:
    started = monotonic()
    with client.asking(Act.PROFILE_READ):
        asking = Asking(
            purpose=client.for_purpose(purpose),
            recipient=client.for_recipient(None),
            inbox_lag=client.system.settings.inbox_lag_limit,
        )
    with client.opener(Act.PROFILE_READ.purpose)() as work:
        view = profile_view.read(whom(work), asking, fields=fields, work=work, ports=ports)
    # The entry of the look is committed, and the connection given back.
    if view is None:
        discreet.settle(started, discreet.READ)
        raise NoSuchProfile
    return _shown(view)


def _shown(view: View) -> ProfileOut:
    policy = None if view.cure is None else view.cure.for_request
    return ProfileOut(
        profile=view.profile,
        purpose=view.purpose,
        shown=dict(view.shown),
        masked=dict(view.masked),
        withheld=dict(view.withheld),
        contactable=dict(view.contactable),
        reasons=dict(view.reasons),
        cures=why.cures({*view.withheld.values(), *view.reasons.values()}, policy=policy),
        receipt=view.receipt,
    )
