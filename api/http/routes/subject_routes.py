"""What a person may ask for: everything that is known of them, and to be forgotten."""

from base64 import b64encode
from datetime import datetime
from time import monotonic, sleep
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter

from api.http import shapes
from api.http.dependencies import Client, Opener, PortsDep, SystemDep, calling, doing
from api.http.idempotency import SHOWN_ONCE, Once
from api.http.routes.consent_routes import patience
from api.http.shapes import Out, ProfilePath, Strict, failures, with_examples
from cdp.acts import Act
from cdp.ports import Ports
from cdp.requests import access, erasure
from cdp.requests.erasure import Erased, Outlook
from cdp.work import Work

router = APIRouter(
    prefix="/v1/subjects", tags=["subjects"], responses=failures(401, 403, 404), route_class=Once
)

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
            "processing": {
                "controllers": [{"name": "Shop", "establishments": ["DE"], "registered": True}],
                "purposes": [],
                "recipients": [],
                "sources": [],
                "kept_until": None,
                "kept_after_erasure": {},
                "authority": None,
                "groups": [],
            },
        }
    )

    profile: str
    """The id of the person's profile."""
    as_of: datetime
    """When this was put together."""
    golden: list[dict[str, object]]
    """What is held to be true of the person, with the source of each value."""
    contacts: list[dict[str, object]]
    """The addresses and numbers by which the person can be reached."""
    statements: list[dict[str, object]]
    """What each source has said of the person."""
    events: list[dict[str, object]]
    """What the person did, as it was recorded."""
    derived: dict[str, object]
    """What was computed from that, and is used to choose people."""
    consent: list[dict[str, object]]
    """What the person said yes and no to, and what became of it."""
    sent: list[dict[str, object]]
    """To whom the person's data was sent, when and for what."""
    who_looked: list[dict[str, object]]
    """Who has seen the person's data, when and for what."""
    processing: dict[str, object]
    """What GDPR 15(1)-(2) asks beside the data: controllers, purposes, recipients, groups …."""


class ErasureIn(Strict):
    """Whether to erase, or only to say what that would do, which it is unless it says otherwise."""

    model_config = with_examples({"dry_run": True, "ground": "GDPR 17(1)(b)"})

    dry_run: bool = True
    """True: only say what would be erased. False: erase it, for good."""
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
    """The article of law that the erasure rests on."""
    quarantined: bool = False
    """True: also if it is quarantined, so that data of many people may be erased with it."""


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
    """Always true: nothing has been erased."""
    profile: UUID
    """The id of the person's profile."""
    fragments: list[UUID]
    """The records of single sources that make up the person, by id."""
    waiting_for_review: list[UUID]
    """Records that are only likely the person's, by id; they would not be erased."""
    rows: dict[str, int]
    """How many rows would be deleted, by table."""
    contacts_deleted: int
    """How many contacts would be deleted."""
    contacts_shared: int
    """How many contacts would stay, because other people have them too."""
    retained: dict[str, str]
    """What would be kept all the same, each with the reason in law."""


class CertificateOut(Out):
    """The certificate's canonical text (RFC 8785) and Ed25519 signature; the salt is the person's."""

    document: str
    """What was erased, when and on which ground, as canonical JSON (RFC 8785)."""
    signature: str
    """The Ed25519 signature of that text, in Base64; the key is in `/.well-known/jwks.json`."""
    claim_salt: str
    """A secret for the person alone, in Base64, with which they can prove that the certificate is about
    them.
    """


class ErasedOut(Out):
    """What was erased, that nothing is left, and the certificate that says so."""

    dry_run: Literal[False] = False
    """Always false: it has been erased."""
    request: UUID
    """The id under which the request is kept on file."""
    deleted: dict[str, int]
    """How many rows were deleted, by table."""
    residue: int
    """How many rows were found afterwards: always 0."""
    certificate: CertificateOut
    """The proof for the person."""


@router.get("/{profile}/access", summary="Get the access package of a person")
def get_access(
    profile: ProfilePath,
    work: Annotated[Work, doing(Act.SUBJECT_ACCESS)],
    ports: PortsDep,
) -> AccessOut:
    """Everything about a person (GDPR 15). It stops at verified links."""
    return AccessOut.model_validate(access.package(profile, work=work, ports=ports))


@router.post("/{profile}/erasure", summary="Erase a person", openapi_extra=SHOWN_ONCE)
def post_erasure(
    profile: ProfilePath,
    body: ErasureIn,
    client: Annotated[Client, calling(Act.SUBJECT_ERASE)],
    system: SystemDep,
    ports: PortsDep,
) -> OutlookOut | ErasedOut:
    """Forget a person (GDPR 17), or say what that would do."""
    begin = client.opener(Act.SUBJECT_ERASE.purpose)
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
