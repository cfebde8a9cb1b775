"""What a person may ask for: everything that is known of them, and to be forgotten."""

from base64 import b64encode
from time import monotonic, sleep
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path

from api.deps import Client, Opener, PortsDep, SystemDep, requires, working
from api.routes import shapes
from api.routes.consents import patience
from api.routes.shapes import Out, Strict, failures, with_examples
from cdp.ports import Ports
from cdp.requests import access, erasure
from cdp.requests.erasure import Erased, Outlook
from cdp.work import Work
from policies.words import Action, Resource

router = APIRouter(prefix="/v1/subjects", tags=["subjects"], responses=failures(401, 403, 404))

ProfilePath = Annotated[UUID, Path(examples=[str(shapes.PROFILE)])]

LOG_SECONDS = 2.0  # how long an erasure waits for its entry's place in the log
LOG_POLL = 0.05


class AccessOut(Out):
    """Everything that is known of one person, where it came from, who saw it, to whom it went."""

    model_config = with_examples(
        {
            "profile": str(shapes.PROFILE),
            "as_of": "2026-01-01T12:00:00Z",
            "golden": [],
            "contacts": [],
            "statements": [],
            "events": [],
            "derived": {},
            "consent": [],
            "sent": [],
            "who_looked": [],
        }
    )

    profile: str
    as_of: str
    golden: list[dict[str, Any]]
    contacts: list[dict[str, Any]]
    statements: list[dict[str, Any]]
    events: list[dict[str, Any]]
    derived: dict[str, Any]
    consent: list[dict[str, Any]]
    sent: list[dict[str, Any]]
    who_looked: list[dict[str, Any]]


class ErasureIn(Strict):
    """A dry run unless it says otherwise. `ground` is the article that the erasure rests on.

    `quarantined`: also if it is quarantined, and so holds many people's data.
    """

    model_config = with_examples({"dry_run": True, "ground": "GDPR 17(1)(b)"})

    dry_run: bool = True
    ground: Literal[
        "GDPR 17(1)(a)",
        "GDPR 17(1)(b)",
        "GDPR 17(1)(c)",
        "GDPR 17(1)(d)",
        "GDPR 17(1)(e)",
        "GDPR 17(1)(f)",
        "CCPA 1798.105",
        "PIPL 47",
    ] = "GDPR 17(1)(a)"
    quarantined: bool = False


class OutlookOut(Out):
    """What an erasure would do. `waiting_for_review` are fragments that are only likely theirs."""

    model_config = with_examples(
        {
            "dry_run": True,
            "profile": str(shapes.PROFILE),
            "fragments": [str(shapes.PROFILE)],
            "waiting_for_review": [],
            "rows": {"identity.statements": 1},
            "contacts_deleted": 1,
            "contacts_shared": 0,
            "retained": {"cdp.requests": "the request's file: 11 CCR 7101, 24 months"},
        }
    )

    dry_run: Literal[True] = True
    profile: UUID
    fragments: list[UUID]
    waiting_for_review: list[UUID]
    rows: dict[str, int]
    contacts_deleted: int
    contacts_shared: int
    retained: dict[str, str]


class CertificateOut(Out):
    """The certificate's canonical text (RFC 8785) and Ed25519 signature; the salt is the person's."""

    document: str
    signature: str
    claim_salt: str


class ErasedOut(Out):
    """What was erased, that nothing is left, and the certificate that says so."""

    dry_run: Literal[False] = False
    request: UUID
    deleted: dict[str, int]
    residue: int
    certificate: CertificateOut


@router.get("/{profile}/access")
def get_access(
    profile: ProfilePath,
    work: Annotated[Work, working(Resource.SUBJECT, Action.ACCESS, purpose="subject_access")],
    ports: PortsDep,
) -> AccessOut:
    """Everything about a person (GDPR 15). It stops at verified links."""
    return AccessOut.model_validate(access.package(profile, work=work, ports=ports))


@router.post("/{profile}/erasure")
def post_erasure(
    profile: ProfilePath,
    body: ErasureIn,
    client: Annotated[Client, requires(Resource.SUBJECT, Action.ERASE)],
    system: SystemDep,
    ports: PortsDep,
) -> OutlookOut | ErasedOut:
    """Forget a person (GDPR 17), or say what that would do."""
    begin = client.opener("subject_erasure")
    if body.dry_run:
        with begin() as work:
            return _outlook(erasure.outlook(profile, work=work, ports=ports, quarantined=body.quarantined))

    def wait_for_log(entry: UUID) -> None:
        _wait_for_log(entry, begin, ports)

    done = erasure.erase(
        profile,
        ground=body.ground,
        quarantined=body.quarantined,
        begin=begin,
        ports=ports,
        patience=patience(system.settings),
        wait_for_log=wait_for_log,
    )
    return _erased(done)


def _wait_for_log(entry: UUID, begin: Opener, ports: Ports) -> None:
    """Give the keeper a moment, so that the certificate can prove its place in the log."""
    until = monotonic() + LOG_SECONDS
    while monotonic() < until:
        with begin() as work:
            if ports.audit.proof(entry, work=work) is not None:
                return
        sleep(LOG_POLL)


def _outlook(found: Outlook) -> OutlookOut:
    return OutlookOut(
        profile=found.profile,
        fragments=list(found.fragments),
        waiting_for_review=list(found.waiting_for_review),
        rows={table: count for table, count in found.rows.items() if count},
        contacts_deleted=found.contacts_deleted,
        contacts_shared=found.contacts_shared,
        retained=dict(found.retained),
    )


def _erased(done: Erased) -> ErasedOut:
    proof = done.certificate
    return ErasedOut(
        request=done.request,
        deleted={table: count for table, count in done.deleted.items() if count},
        residue=done.residue_total,
        certificate=CertificateOut(
            document=proof.document.decode(),
            signature=b64encode(proof.signature).decode(),
            claim_salt=b64encode(proof.claim_salt).decode(),
        ),
    )
