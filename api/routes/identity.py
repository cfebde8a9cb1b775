"""A steward's decisions on who is who."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter

from api.deps import Client, PortsDep, SystemDep, requires, working
from api.idempotency import OnceInSteps
from api.routes import shapes
from api.routes.consents import patience
from api.routes.shapes import Out, Strict, failures, with_examples
from cdp import merging
from cdp.vocabulary import Action, FragmentId, Resource
from cdp.work import Work

router = APIRouter(
    prefix="/v1/identity", tags=["identity"], responses=failures(401, 403, 404), route_class=OnceInSteps
)


class SeparateIn(Strict):
    """Two fragments that are not one person."""

    model_config = with_examples({"a": str(shapes.PROFILE), "b": str(shapes.OTHER_PROFILE)})

    a: UUID
    """One of the two, by the id of a profile or of a fragment of it."""
    b: UUID
    """The other one, in the same way."""


class SeparateOut(Out):
    """The profiles that the two belong to now."""

    model_config = with_examples({"profiles": [str(shapes.PROFILE), str(shapes.OTHER_PROFILE)]})

    profiles: list[UUID]
    """The profiles that the two belong to now, by id."""


@router.post("/separate", summary="Say that two fragments are two people")
def post_separate(
    body: SeparateIn,
    client: Annotated[Client, requires(Resource.IDENTITY, Action.UNMERGE)],
    system: SystemDep,
    ports: PortsDep,
) -> SeparateOut:
    """Un-merge: these two are never the same person, however often evidence says so again.

    Answered once nothing that names either can still be sent as if they were one.
    """
    found = merging.separate(
        FragmentId(body.a),
        FragmentId(body.b),
        begin=client.opener("identity_stewardship"),
        ports=ports,
        patience=patience(system.settings),
    )
    return SeparateOut(profiles=list(found.profiles))


class JoinIn(Strict):
    """Two fragments that are one person, and why."""

    model_config = with_examples(
        {"a": str(shapes.PROFILE), "b": str(shapes.OTHER_PROFILE), "reason": "duplicate"}
    )

    a: UUID
    """One of the two, by the id of a profile or of a fragment of it."""
    b: UUID
    """The other one, in the same way."""
    reason: merging.Evidence
    """Why they are one person: a source has them twice (`duplicate`), or they have shown it (`proof`)."""


class JoinOut(Out):
    """The profile that the two belong to now; two where more than they keeps them apart."""

    model_config = with_examples({"profiles": [str(shapes.PROFILE)]})

    profiles: list[UUID]
    """The profile that the two belong to now, by id; two where something keeps them apart."""


@router.post("/join", summary="Say that two fragments are one person", responses=failures(409))
def post_join(
    body: JoinIn,
    client: Annotated[Client, requires(Resource.IDENTITY, Action.MERGE)],
    system: SystemDep,
    ports: PortsDep,
) -> JoinOut:
    """Say that two are one person, such as two records of one source; `separate` undoes it.

    The stricter word of the two holds for both; answered once nothing that names either can still
    be sent.
    """
    found = merging.join(
        FragmentId(body.a),
        FragmentId(body.b),
        reason=body.reason,
        begin=client.opener("identity_stewardship"),
        ports=ports,
        patience=patience(system.settings),
    )
    return JoinOut(profiles=list(found.profiles))


class QuarantinedOne(Out):
    """A fragment that is nobody's, and why; no value of it."""

    model_config = with_examples(
        {
            "fragment": str(shapes.PLACEHOLDER),
            "source": "web",
            "namespace": "user_id",
            "why": "contact_limit",
            "contacts": 21,
        }
    )

    fragment: UUID
    """The id of the fragment, which is what one source knows by one identifier."""
    source: str
    """The source that it came from, by name."""
    namespace: str
    """What kind of identifier the source knows it by."""
    why: str
    """Why nobody can be behind it alone, as one word for programs."""
    contacts: int
    """How many contacts it goes by."""


class QuarantinedOut(Out):
    """All that is quarantined, by id."""

    quarantined: list[QuarantinedOne]
    """The fragments in quarantine, by id."""


@router.get("/quarantined", summary="List fragments that link nobody, and why")
def get_quarantined(
    work: Annotated[Work, working(Resource.IDENTITY, Action.READ, purpose="identity_stewardship")],
    ports: PortsDep,
) -> QuarantinedOut:
    """What is nobody's: identifiers with more contacts, or more joined to them, than one person has.

    Nothing of them is joined, shown or released. An erasure with `quarantined` erases one whole.
    """
    found = merging.quarantined(work=work, ports=ports)
    return QuarantinedOut(
        quarantined=[
            QuarantinedOne(
                fragment=one.fragment,
                source=one.source,
                namespace=one.namespace,
                why=one.why,
                contacts=one.contacts,
            )
            for one in found
        ]
    )


class WaiveIn(Strict):
    """A fragment that is one person's, however much goes with it, and why."""

    model_config = with_examples({"fragment": str(shapes.PLACEHOLDER), "reason": "checked"})

    fragment: UUID
    """The fragment to release, as the list of the quarantined names it."""
    reason: merging.OnePerson
    """How you know that it is one person's, as one of these words."""


@router.post("/waive", summary="Release a fragment from quarantine", responses=failures(409))
def post_waive(
    body: WaiveIn,
    client: Annotated[Client, requires(Resource.IDENTITY, Action.MERGE)],
    system: SystemDep,
    ports: PortsDep,
) -> JoinOut:
    """Release from quarantine what is one person's, however many contacts or fragments it has.

    Of `contact_limit` its contacts join again; of `component_limit` all that hangs together with it
    is released with it. It is not counted any more. The stricter word of those who become one holds
    for all; answered once nothing that names any of them can still be sent.
    """
    found = merging.waive(
        FragmentId(body.fragment),
        reason=body.reason,
        begin=client.opener("identity_stewardship"),
        ports=ports,
        patience=patience(system.settings),
    )
    return JoinOut(profiles=list(found.profiles))
