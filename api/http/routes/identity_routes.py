"""A steward's decisions on who is who."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from api.http import shapes
from api.http.dependencies import Client, PortsDep, SystemDep, calling, doing
from api.http.idempotency import Once
from api.http.routes.consent_routes import patience
from api.http.shapes import Out, Strict, failures, with_examples
from cdp.acts import Act
from cdp.stewardship import evaluation, graph, merging
from cdp.stewardship.merging import Affected
from cdp.vocabulary import FragmentId
from cdp.work import Work

router = APIRouter(
    prefix="/v1/identity", tags=["identity"], responses=failures(401, 403, 404), route_class=Once
)


class SeparateIn(Strict):
    """Two fragments that are not one person."""

    model_config = with_examples({"a": str(shapes.PROFILE), "b": str(shapes.OTHER_PROFILE)})

    a: UUID
    """One of the two, by the id of a profile or of a fragment of it."""
    b: UUID
    """The other one, in the same way."""
    dry_run: bool = False
    """True: only say who would be affected, and separate nobody."""


class AffectedOut(Out):
    """Whom a separation would affect; nothing was done."""

    together: bool
    """Whether the two are one profile today."""
    profiles: list[UUID]
    """The profiles that the two belong to now, by id."""
    fragments: int
    """How many fragments these profiles have."""
    contacts: int
    """How many contacts they go by."""
    shared_contacts: int
    """How many contacts both of the two go by."""


class SeparateOut(Out):
    """The profiles that the two belong to now."""

    model_config = with_examples({"profiles": [str(shapes.PROFILE), str(shapes.OTHER_PROFILE)]})

    profiles: list[UUID]
    """The profiles that the two belong to now, by id."""


@router.post("/separate", summary="Say that two fragments are two people")
def post_separate(
    body: SeparateIn,
    client: Annotated[Client, calling(Act.IDENTITY_SEPARATE)],
    system: SystemDep,
    ports: PortsDep,
) -> SeparateOut | AffectedOut:
    """Un-merge: these two are never the same person, however often evidence says so again.

    Answered once nothing that names either can still be sent as if they were one.
    """
    begin = client.opener(Act.IDENTITY_SEPARATE.purpose)
    if body.dry_run:
        with begin() as work:
            return _affected(merging.affected(FragmentId(body.a), FragmentId(body.b), work=work, ports=ports))
    found = merging.separate(
        FragmentId(body.a),
        FragmentId(body.b),
        begin=begin,
        ports=ports,
        patience=patience(system.settings),
    )
    return SeparateOut(profiles=list(found.profiles))


def _affected(found: Affected) -> AffectedOut:
    return AffectedOut(
        together=found.together,
        profiles=list(found.profiles),
        fragments=len(found.fragments),
        contacts=len(found.contacts),
        shared_contacts=found.shared,
    )


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
    client: Annotated[Client, calling(Act.IDENTITY_JOIN)],
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
        begin=client.opener(Act.IDENTITY_JOIN.purpose),
        ports=ports,
        patience=patience(system.settings),
    )
    return JoinOut(profiles=list(found.profiles))


class RejoinIn(Strict):
    """Two fragments that a steward had separated, and why that is taken back."""

    model_config = with_examples(
        {"a": str(shapes.PROFILE), "b": str(shapes.OTHER_PROFILE), "reason": "mistake"}
    )

    a: UUID
    """The one fragment of the separation."""
    b: UUID
    """The other one."""
    reason: merging.Reason
    """Why it is taken back: it was a `mistake`, or the person, or a source, gave `proof`."""


@router.post("/rejoin", summary="Take a separation back", responses=failures(409))
def post_rejoin(
    body: RejoinIn,
    client: Annotated[Client, calling(Act.IDENTITY_REJOIN)],
    system: SystemDep,
    ports: PortsDep,
) -> JoinOut:
    """Take a separation back: evidence decides again whether the two are one person.

    What an erasure keeps apart stays apart. Where they become one, the stricter word of the two holds
    for both; answered once nothing that names either can still be sent.
    """
    found = merging.rejoin(
        FragmentId(body.a),
        FragmentId(body.b),
        reason=body.reason,
        begin=client.opener(Act.IDENTITY_REJOIN.purpose),
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
    work: Annotated[Work, doing(Act.IDENTITY_QUARANTINED)],
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
    client: Annotated[Client, calling(Act.IDENTITY_WAIVE)],
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
        begin=client.opener(Act.IDENTITY_WAIVE.purpose),
        ports=ports,
        patience=patience(system.settings),
    )
    return JoinOut(profiles=list(found.profiles))


class PartOut(Out):
    """A fragment of the profile: what one source knows by one identifier; no value of it."""

    fragment: UUID
    """The id of the fragment."""
    source: str
    """The source that it came from, by name."""
    core: bool
    """Whether it is joined on verified evidence; if not, it is only likely the same person's."""


class ClaimOut(Out):
    """That a fragment goes by a contact."""

    fragment: UUID
    """The fragment that goes by it."""
    contact: UUID
    """The contact, by its id; two fragments that name the same one are joined by it."""
    namespace: str
    """What kind of identifier the contact is."""


class GraphOut(Out):
    """What makes one person, without a value."""

    model_config = with_examples(
        {
            "profile": str(shapes.PROFILE),
            "parts": [{"fragment": str(shapes.PROFILE), "source": "shop", "core": True}],
            "claims": [
                {"fragment": str(shapes.PROFILE), "contact": str(shapes.CONTACT), "namespace": "email"}
            ],
        }
    )

    profile: UUID
    """The id of the profile."""
    parts: list[PartOut]
    """The fragments that make the profile, by id."""
    claims: list[ClaimOut]
    """Which contacts each of them goes by."""


@router.get("/{profile}/graph", summary="See what makes one person")
def get_graph(
    profile: shapes.ProfilePath, work: Annotated[Work, doing(Act.IDENTITY_DRAW)], ports: PortsDep
) -> GraphOut:
    """The fragments of a profile, and the contacts that join them; no value of either."""
    return GraphOut.model_validate(graph.draw(profile, work=work, ports=ports), from_attributes=True)


class RecordIn(Strict):
    """One record, and whose it is known to be."""

    record: Annotated[str, StringConstraints(min_length=1, max_length=1020)]
    """The id of the record, as its source has it."""
    person: Annotated[str, StringConstraints(min_length=1, max_length=1020)]
    """Whose it is, by any word that is the same for all of one person's."""


class EvaluationIn(Strict):
    """A known truth: of each record whose it is."""

    model_config = with_examples(
        {"truth": [{"record": "user-ann", "person": "ann"}, {"record": "user-bob", "person": "bob"}]}
    )

    truth: Annotated[list[RecordIn], Field(min_length=1, max_length=10_000, fail_fast=True)]
    """The records, each once."""


class QualityOut(Out):
    """How right links are, by one way to count."""

    precision: float
    """How much of what was put together belongs together, from 0 to 1."""
    recall: float
    """How much of what belongs together was put together, from 0 to 1."""


class EvaluationOut(Out):
    """How well records were put together. A record that was never imported counts as alone."""

    model_config = with_examples(
        {
            "pairs": {"precision": 1.0, "recall": 1.0},
            "bcubed": {"precision": 1.0, "recall": 1.0},
            "profiles": 2,
            "records": 2,
            "false_merges": [],
        }
    )

    pairs: QualityOut
    """Counted by pairs of records."""
    bcubed: QualityOut
    """Counted by records, and averaged over them (B-cubed)."""
    profiles: int
    """How many profiles there are in the workspace."""
    records: int
    """How many records the truth names."""
    false_merges: list[tuple[str, str]]
    """The first pairs of records that were put together wrongly, by their ids."""


@router.post("/evaluation", summary="Measure who was put together against a known truth")
def post_evaluation(
    body: EvaluationIn, work: Annotated[Work, doing(Act.IDENTITY_EVALUATE)], ports: PortsDep
) -> EvaluationOut:
    """Measure profiles against a known truth: who was put together rightly, and who wrongly."""
    people = evaluation.known((one.record, one.person) for one in body.truth)
    score = evaluation.evaluate(people, work=work, ports=ports)
    return EvaluationOut(
        pairs=QualityOut(precision=score.precision, recall=score.recall),
        bcubed=QualityOut(precision=score.bcubed_precision, recall=score.bcubed_recall),
        profiles=score.profiles,
        records=score.records,
        false_merges=list(score.false_merges),
    )
