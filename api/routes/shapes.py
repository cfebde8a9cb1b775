"""Shapes that several routes share: words, contacts, reasons, counts, documented failures."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from api.deps import Client
from cdp import workspaces
from cdp.ports import Ports
from cdp.vocabulary import Identifier
from cdp.work import Work
from consent import reasons
from policies.words import Action, Resource

Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
TraitName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.]{0,63}$")]
NamespaceWord = Annotated[
    str, StringConstraints(pattern=r"^(email|phone|user_id|anonymous_id|crm:.{1,100})$")
]

# Counts that somebody may see who may not see whom they count (design.md 3.13).
K = 20

# Ids that stand in the documentation; a test puts real ones in their place.
PROFILE = UUID("0190f5fe-7c00-7000-8000-000000000001")
OTHER_PROFILE = UUID("0190f5fe-7c00-7000-8000-000000000002")
SEGMENT = UUID("0190f5fe-7c00-7000-8000-000000000003")
ENTRY = UUID("0190f5fe-7c00-7000-8000-000000000004")
CONTACT = UUID("0190f5fe-7c00-7000-8000-000000000005")
EARLIER_ENTRY = UUID("0190f5fe-7c00-7000-8000-000000000006")
FINDING = UUID("0190f5fe-7c00-7000-8000-000000000008")
PLACEHOLDER = UUID("0190f5fe-7c00-7000-8000-000000000009")
RELEASE = UUID("0190f5fe-7c00-7000-8000-000000000007")


def with_examples(*examples: Any) -> ConfigDict:
    """The configuration of a model that is documented by these examples."""
    return ConfigDict(json_schema_extra={"examples": list(examples)})


class Strict(BaseModel):
    """A body or query of the caller's: nothing beyond what is documented gets in (S5)."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


class ContactIn(Strict):
    """A contact by its value. It stands in a body, never in an address."""

    namespace: NamespaceWord
    value: Annotated[str, StringConstraints(min_length=1, max_length=1020)]


class ProblemOut(Out):
    """RFC 9457. `code` is for programs and is never renamed; `errors` names fields, never values."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    message: str
    errors: list[dict[str, str]] = []


_MEANING = {
    400: "The request cannot be read",
    401: "No valid token, or its client was revoked",
    403: "Scope, role, purpose or policy do not allow it",
    404: "There is no such thing, or you may not know of it",
    409: "It contradicts what is there",
    413: "Too large",
    422: "A field is missing, unknown or wrong",
    429: "Too much at once; see Retry-After",
    503: "A part does not answer; nothing was done; see Retry-After",
}


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented failures of a route."""
    return {
        status: {
            "description": _MEANING[status],
            "content": {"application/problem+json": {"schema": ProblemOut.model_json_schema()}},
        }
        for status in sorted({*statuses, 422, 429, 503})
    }


def identifier(contact: ContactIn, *, work: Work, ports: Ports) -> Identifier | None:
    """The contact in the form in which identifiers are compared; None: it identifies nobody."""
    region = workspaces.region(work=work)
    value = ports.vault.normalise(contact.namespace, contact.value, region=region)
    return Identifier(contact.namespace, value) if value is not None else None


def sees_exact(client: Client) -> bool:
    """Whether the caller may see why exactly somebody is withheld, and exact counts."""
    return client.may(Resource.CONSENT, Action.READ_EXACT)


def reason(word: str, *, exact: bool) -> str:
    """A reason as the caller may see it. That policy withholds a field says nothing of a person."""
    if exact or word == "policy":
        return word
    # Counts of texts stand apart: their people are released, without them.
    return "text withheld" if word.startswith("text:") else reasons.coarse(word)


def counted(withheld: Mapping[str, int], *, exact: bool) -> dict[str, int]:
    """Counts by reason as the caller may see them."""
    found: dict[str, int] = {}
    for word, number in withheld.items():
        shown = reason(word, exact=exact)
        found[shown] = found.get(shown, 0) + number
    return {word: rounded(number, exact=exact) for word, number in found.items()}


def rounded(number: int, *, exact: bool) -> int:
    """A count as the caller may see it: down to a multiple of `K`, so that none shows a few."""
    return number if exact else number - number % K
