"""Sources and their write keys: where data comes from, and what it shows when it sends."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from api.http import shapes
from api.http.dependencies import PortsDep, doing
from api.http.idempotency import SHOWN_ONCE, Once
from api.http.routes.paging import EXAMPLE, EndingAsk
from api.http.shapes import Name, Out, RevokedOut, Strict, Word, failures, with_examples
from cdp.acts import Act
from cdp.ports import Category, Source
from cdp.registers import source_keys, sources
from cdp.vocabulary import Channel, KeyKind
from cdp.work import Work

router = APIRouter(prefix="/v1", tags=["sources"], responses=failures(401, 403), route_class=Once)

SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,62}$")]
SourcePath = Annotated[SourceName, Path(description="The source, by its name.", examples=["shop"])]
KeyPath = Annotated[UUID, Path(description="The id of a write key.", examples=[str(shapes.WRITE_KEY)])]

CATEGORIES = 200  # of a source
_CATEGORIES = {"newsletter": {"purpose": "email_marketing", "channel": "email", "notice": "newsletter"}}


_SOURCE = {
    "id": str(shapes.SOURCE),
    "name": "blog",
    "priority": 10,
    "authoritative": False,
    "obtained": "subject",
    "categories": _CATEGORIES,
    "controller": str(shapes.CONTROLLER),
}


class CategoryIn(Strict):
    """What a consent category of a source means."""

    purpose: Word
    """What the data may be used for where somebody agreed to the category: a purpose, by its name."""
    channel: Channel | None = None
    """How people may be reached who agreed; null: in whichever way."""
    notice: Name | None = None
    """What they were shown, as `name@2`, or a name for the version in force when they said it; null: a yes
    is no grant.
    """


class CategoryOut(Out):
    """What a consent category of a source means."""

    purpose: str
    """What the data may be used for where somebody agreed to the category."""
    channel: str | None
    """How people may be reached who agreed; null: in whichever way."""
    notice: str | None
    """What they were shown when they agreed; null: a yes is no grant."""


def _few(said: object) -> object:
    """Counted before each is looked at, or those beyond the limit would be faults, too."""
    if isinstance(said, Mapping) and len(said) > CATEGORIES:
        raise PydanticCustomError("too_long", "more categories than a source may have")
    return said


class SourceIn(Strict):
    """A source that is to be registered."""

    model_config = with_examples({"name": "blog", "authoritative": False, "categories": _CATEGORIES})

    name: SourceName
    """What it is called, as mappings and consent categories name it; no other has the name."""
    priority: int = Field(10, ge=1, le=1000)
    """Where two sources disagree on a value, the one with the smaller number wins."""
    authoritative: bool = False
    """Whether its server key and its imports verify who somebody is; nobody is reached through one that
    verifies nobody.
    """
    obtained: Literal["subject", "third_party"] = "subject"
    """Whether its data comes from the people themselves, or from somebody else (GDPR 13, 14)."""
    categories: Annotated[dict[Name, CategoryIn], BeforeValidator(_few)] = Field({}, max_length=CATEGORIES)
    """What its consent categories mean, by their words."""
    controller: UUID | None = None
    """Who decides on its data, by the id in the register; null: the workspace itself."""


class SourceOut(Out):
    """A source as it is registered."""

    model_config = with_examples(_SOURCE)

    id: UUID
    """The id of the source."""
    name: str
    """What it is called."""
    priority: int
    """Where two sources disagree on a value, the one with the smaller number wins."""
    authoritative: bool
    """Whether its server key and its imports verify who somebody is."""
    obtained: str
    """From whom its data comes: from the `subject`, or from a `third_party`."""
    categories: dict[str, CategoryOut]
    """What its consent categories mean, by their words."""
    controller: UUID
    """Who decides on its data."""


class SourcesOut(Out):
    """The sources of the workspace."""

    model_config = with_examples({"sources": [_SOURCE]})

    sources: list[SourceOut]
    """All of them, by name."""


class KeyIn(Strict):
    """A write key that is to be made."""

    model_config = with_examples({"kind": "server"})

    kind: KeyKind
    """`server`: it stays on servers and may speak for named people. `public`: everybody sees it, and it
    speaks for its own device.
    """


class NewKeyOut(Out):
    """A write key that was just made."""

    model_config = with_examples(
        {"id": str(shapes.WRITE_KEY), "source": "shop", "kind": "server", "text": "server_AZD1…"}
    )

    id: UUID
    """The id of the key, by which it can be ended."""
    source: str
    """The source that it speaks for."""
    kind: KeyKind
    """In whose hands it may be."""
    text: str
    """The key itself. Keep it now: it is shown this once, and kept nowhere."""


class KeyOut(Out):
    """A write key; its text is kept nowhere."""

    id: UUID
    """The id of the key."""
    source: str
    """The source that it speaks for."""
    kind: KeyKind
    """In whose hands it may be: `server` or `public`."""
    created_at: datetime
    """When it was made."""
    revoked_at: datetime | None
    """Since when it is refused; null: it is good."""


class KeysAsk(EndingAsk):
    """Which part of the write keys is wanted."""

    source: SourceName | None = None
    """Those of that source alone, by its name."""


class KeysOut(Out):
    """A page of write keys, oldest first."""

    model_config = with_examples(
        {
            "keys": [
                {
                    "id": str(shapes.WRITE_KEY),
                    "source": "shop",
                    "kind": "server",
                    "created_at": "2026-01-01T12:00:00Z",
                    "revoked_at": "2026-01-02T12:00:00Z",
                }
            ],
            "next": EXAMPLE,
        }
    )

    keys: list[KeyOut]
    """The write keys of this page, the revoked ones too."""
    next: str | None
    """What to send as `cursor` to get the page behind this one; null: this is the last."""


@router.get("/sources", summary="List the sources")
def get_sources(work: Annotated[Work, doing(Act.SOURCE_LIST)], ports: PortsDep) -> SourcesOut:
    """Where the workspace's data comes from, and how far each source is believed."""
    return SourcesOut(sources=[_out(one) for one in sources.every(work=work, ports=ports)])


@router.get("/sources/{source}", summary="Get a source", responses=failures(404))
def get_source(
    source: SourcePath, work: Annotated[Work, doing(Act.SOURCE_LIST)], ports: PortsDep
) -> SourceOut:
    """How far a source is believed, and what its consent categories mean."""
    return _out(sources.one(source, work=work, ports=ports))


@router.post("/sources", summary="Register a source", status_code=201, responses=failures(404, 409))
def post_source(
    body: SourceIn, work: Annotated[Work, doing(Act.SOURCE_CREATE)], ports: PortsDep
) -> SourceOut:
    """Register where data comes from. It sends nothing until it has a write key, or a file is imported."""
    made = sources.create(
        body.name,
        priority=body.priority,
        authoritative=body.authoritative,
        obtained=body.obtained,
        categories={
            word: Category(one.purpose, one.channel, one.notice) for word, one in body.categories.items()
        },
        controller=body.controller,
        work=work,
        ports=ports,
    )
    return _out(made)


@router.post(
    "/sources/{source}/write-keys",
    summary="Make a write key of a source",
    status_code=201,
    responses=failures(404),
    openapi_extra=SHOWN_ONCE,
)
def post_key(
    source: SourcePath, body: KeyIn, work: Annotated[Work, doing(Act.WRITE_KEY_CREATE)], ports: PortsDep
) -> NewKeyOut:
    """Make one more key, for instance before the old one is ended. Its text is in this answer alone."""
    made = source_keys.create(source, body.kind, work=work, ports=ports)
    return NewKeyOut(id=made.id, source=source, kind=body.kind, text=made.text)


@router.get("/write-keys", summary="List the write keys", responses=failures(404))
def get_keys(
    ask: Annotated[KeysAsk, Query()], work: Annotated[Work, doing(Act.WRITE_KEY_LIST)], ports: PortsDep
) -> KeysOut:
    """The keys of all sources, oldest first, the revoked ones too."""
    found = source_keys.every(ask.page(work), source=ask.source, work=work, ports=ports)
    return KeysOut(
        keys=[KeyOut(**{name: getattr(one, name) for name in KeyOut.model_fields}) for one in found],
        next=ask.next([one.id for one in found], work),
    )


@router.post("/write-keys/{key}/revocation", summary="End a write key", responses=failures(404))
def post_key_revocation(
    key: KeyPath, work: Annotated[Work, doing(Act.WRITE_KEY_REVOKE)], ports: PortsDep
) -> RevokedOut:
    """End a key; every process refuses it within a second."""
    source_keys.revoke(key, work=work, ports=ports)
    return RevokedOut(id=key, revoked_at=work.now)


def _out(source: Source) -> SourceOut:
    return SourceOut(
        id=source.id,
        name=source.name,
        priority=source.priority,
        authoritative=source.authoritative,
        obtained=source.obtained,
        categories={
            word: CategoryOut(purpose=meaning.purpose, channel=meaning.channel, notice=meaning.notice)
            for word, meaning in source.categories.items()
        },
        controller=source.controller_id,
    )
