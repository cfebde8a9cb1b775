"""Shapes that several routes share: words, contacts, reasons, counts, documented failures."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, ConfigDict, PlainValidator, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from api import times
from api.http.problems import MEDIA_TYPE
from cdp.kernel.json_values import JsonObject
from cdp.ports import Ports
from cdp.registers import workspaces
from cdp.vocabulary import Identifier
from cdp.work import Work

UNKNOWN = 20  # names of an object that no document has, which are told one by one
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
# In the document a schema with this word is the one that it names, made of the catalogue.
NAMED = "x-named"
TraitName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.]{0,63}$"),
    WithJsonSchema({NAMED: "TraitName"}),
]
Rule = Annotated[dict[str, object], WithJsonSchema({NAMED: "Rule"})]
NamespaceWord = Annotated[
    str, StringConstraints(pattern=r"^(email|phone|user_id|anonymous_id|crm:.{1,100})$")
]


def _moment(of_day: time, which: str) -> tuple[PlainValidator, WithJsonSchema]:
    def read(value: datetime | str) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return times.read(value, of_day=of_day)
        except (TypeError, ValueError):
            raise PydanticCustomError("not_a_time", "not a time in ISO 8601") from None

    told = f"ISO 8601: an instant, or a day, which is its {which}; without a zone in UTC."
    return PlainValidator(read), WithJsonSchema(
        {"type": "string", "description": told, "examples": ["2026-01-31T12:00:00Z", "2026-01-31"]}
    )


# Times in a request, as the command line takes them. Where something ends, a day belongs to it.
Moment = Annotated[datetime, *_moment(time.min, "beginning")]
End = Annotated[datetime, *_moment(time.max, "end")]

# Ids that stand in the documentation; a test puts real ones in their place.
PROFILE = UUID("0190f5fe-7c00-7000-8000-000000000001")
OTHER_PROFILE = UUID("0190f5fe-7c00-7000-8000-000000000002")
SEGMENT = UUID("0190f5fe-7c00-7000-8000-000000000003")
ENTRY = UUID("0190f5fe-7c00-7000-8000-000000000004")
CONTACT = UUID("0190f5fe-7c00-7000-8000-000000000005")
EARLIER_ENTRY = UUID("0190f5fe-7c00-7000-8000-000000000006")
FINDING = UUID("0190f5fe-7c00-7000-8000-000000000008")
PLACEHOLDER = UUID("0190f5fe-7c00-7000-8000-000000000009")
LOG_ENTRY = UUID("0190f5fe-7c00-7000-8000-00000000000c")
RELEASE = UUID("0190f5fe-7c00-7000-8000-000000000007")
SOURCE = UUID("0190f5fe-7c00-7000-8000-000000000010")
WRITE_KEY = UUID("0190f5fe-7c00-7000-8000-000000000011")
CONTROLLER = UUID("0190f5fe-7c00-7000-8000-000000000012")
ENDED = UUID("0190f5fe-7c00-7000-8000-000000000013")
CLIENT = UUID("0190f5fe-7c00-7000-8000-000000000014")
ACCOUNT = UUID("0190f5fe-7c00-7000-8000-000000000015")
PURPOSE = UUID("0190f5fe-7c00-7000-8000-000000000016")
NOTICE = UUID("0190f5fe-7c00-7000-8000-000000000017")
RECIPIENT = UUID("0190f5fe-7c00-7000-8000-000000000018")
ENDPOINT = UUID("0190f5fe-7c00-7000-8000-000000000019")
WORKSPACE = UUID("0190f5fe-7c00-7000-8000-00000000001a")

ProfilePath = Annotated[
    UUID, Path(description="The id of a profile, or of any fragment that it holds.", examples=[str(PROFILE)])
]


def with_examples(*examples: Any) -> ConfigDict:
    """The configuration of a model that is documented by these examples."""
    return ConfigDict(json_schema_extra={"examples": list(examples)})


class Strict(BaseModel):
    """A body or query of the caller's: nothing beyond what is documented gets in (S5)."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _few_unknown_names(cls, said: object) -> object:
        """An error for each of 30,000 wrong names costs a third of a second in which nobody is answered."""
        if isinstance(said, Mapping) and len(said) > len(cls.model_fields) + UNKNOWN:
            raise PydanticCustomError("too_many_names", "more names than are documented")
        return said


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class RevokedOut(Out):
    """Something that has ended."""

    model_config = with_examples({"id": str(ENDED), "revoked_at": "2026-01-01T12:00:00Z"})

    id: UUID
    """The id of what has ended."""
    revoked_at: datetime
    """Since when it is refused."""


class ContactIn(Strict):
    """A contact by its value. It stands in a body, never in an address."""

    namespace: NamespaceWord
    """What kind of identifier the value is: `email`, `phone`, `user_id`, `anonymous_id`, or `crm:` and the
    name of a system of yours.
    """
    value: Annotated[str, StringConstraints(min_length=1, max_length=1020)]
    """The identifier as you have it, such as an e-mail address; it is normalised before it is compared."""


class FieldAtFault(Out):
    """A field of the request, and what is wrong with it."""

    field: str
    """Its name, or where it stands: `body`, `query` or `path`, and the names behind it with dots between.
    `?` is for a name that could itself be personal.
    """
    reason: str
    """What is wrong with it, as one word for programs."""
    expected: str | None = None
    """The words that would be right, where these are few; else it is not there."""


class Problem(Out):
    """What went wrong (RFC 9457), for every failure that is not OAuth's."""

    model_config = with_examples(
        {
            "type": "urn:cdp:problem:not-well-formed",
            "title": "The request does not have the documented shape; the fields at fault are named.",
            "status": 422,
            "detail": "The request does not have the documented shape; the fields at fault are named.",
            "instance": "urn:uuid:0190f5fe-7c00-7000-8000-00000000000b",
            "code": "not-well-formed",
            "message": "The request does not have the documented shape; the fields at fault are named.",
            "errors": [{"field": "body.purpose", "reason": "missing"}],
        }
    )

    type: str
    """A URN for this kind of problem; two answers with the same one have the same cause."""
    title: str
    """What kind of problem it is, in a sentence that is the same each time."""
    status: int
    """The HTTP status of this answer."""
    detail: str
    """What is wrong with this request, and where it is known what mends it."""
    instance: str
    """The id of this request, as a URN; the operator finds the request in the log by it."""
    code: str
    """The kind of problem as one word for programs; it is never renamed."""
    message: str
    """The same as `detail`, under the name that tracking libraries read."""
    errors: list[FieldAtFault] = []
    """The fields at fault, where there are such: never what was in them."""
    heard: bool | None = None
    """True where what was refused holds a no that could be read: it is in force. Else it is not there."""


_MEANING = {
    400: "The request cannot be read",
    401: "No valid token, or its client was revoked",
    403: "Scope, role, purpose or policy do not allow it",
    404: "There is no such thing, or you may not know of it",
    409: "It contradicts what is there",
    412: "Nothing was changed: it is another by now than `If-Match` says",
    413: "Too large",
    422: "A field is missing, unknown or wrong",
    429: "Too much at once; see Retry-After",
    503: "A part does not answer; nothing was done; see Retry-After",
}


_SECONDS: JsonObject = {"schema": {"type": "integer", "minimum": 1}}
_WAIT: JsonObject = {
    "Retry-After": {"description": "How many seconds to wait before asking again.", **_SECONDS}
}
_RESET: JsonObject = {
    "X-RateLimit-Reset": {"description": "The same, by the name that tracking libraries read.", **_SECONDS}
}
_HEADERS: Mapping[int, JsonObject] = {429: {"headers": _WAIT | _RESET}, 503: {"headers": _WAIT}}


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented failures of a route."""
    return {
        status: {
            "description": _MEANING[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}},
            **_HEADERS.get(status, {}),
        }
        for status in sorted({*statuses, 422, 429, 503})
    }


def identifier(contact: ContactIn, *, work: Work, ports: Ports) -> Identifier | None:
    """The contact in the form in which identifiers are compared; None: it identifies nobody."""
    region = workspaces.region(work=work)
    value = ports.vault.normalise(contact.namespace, contact.value, region=region)
    return Identifier(contact.namespace, value) if value is not None else None
