"""`cdp subject`: what a person may ask of the platform: everything about them, or to be forgotten."""

import json
import sys
from base64 import b64encode
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import RenderableType
from rich.text import Text

from api.cli import keeping
from api.cli.exits import Exit
from api.cli.output import Json, emit, facts, note, table
from api.cli.running import SLACK, WorkspaceName, platform, private_folder, uuid_of, write_private
from api.pages import access_page
from api.processes.session import Opener, Session
from cdp.acts import Act
from cdp.ports import Ports
from cdp.requests import access, erasure
from cdp.requests.access import Package
from cdp.requests.erasure import Erased, Outlook
from cdp.vocabulary import Role, WorkspaceId

app = typer.Typer()

Person = Annotated[
    str,
    typer.Argument(
        metavar="PROFILE",
        help="The profile's id, or a fragment's; `cdp profile query` finds it by a contact.",
    ),
]


class Ground(StrEnum):
    """The article on which an erasure rests."""

    NO_LONGER_NEEDED = "GDPR 17(1)(a)"
    CONSENT_WITHDRAWN = "GDPR 17(1)(b)"
    OBJECTED = "GDPR 17(1)(c)"
    UNLAWFUL = "GDPR 17(1)(d)"
    LEGAL_DUTY = "GDPR 17(1)(e)"
    CHILD = "GDPR 17(1)(f)"
    CALIFORNIA = "CCPA 1798.105"
    CHINA = "PIPL 47"


@app.command("access")
def get_access(
    profile: Person,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write access.json and access.html.")],
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Write everything that is known of a person, with who looked, as JSON and as a page to read.

    It stops at verified links, and shows nothing of another holder of a shared contact. The
    files are personal data: they are readable by you alone, and yours to hand over.
    """
    person = uuid_of(profile, "profile")
    with platform() as opened:
        chosen = opened.workspace(workspace)
        # What was looked at a moment ago is in the log before the person's list is made.
        keeping.keep_now(opened, chosen)
        with opened.opener(chosen, Role.COMPLIANCE, purpose=Act.SUBJECT_ACCESS.purpose)() as work:
            package = access.package(person, work=work, ports=opened.system.ports)
    _write_access(out, package)
    counts = {name: len(value) for name, value in package.items() if isinstance(value, list)}
    emit(
        {
            "profile": package["profile"],
            "files": [str(out / "access.json"), str(out / "access.html")],
            **counts,
        },
        as_json,
        facts({"profile": package["profile"], "written to": out, **counts}),
    )


def _write_access(out: Path, package: Package) -> None:
    private_folder(out, "out")
    write_private(out / "access.json", json.dumps(package, indent=2, ensure_ascii=False) + "\n", "out")
    write_private(out / "access.html", access_page.page(package), "out")


@app.command("erase")
def erase(
    profile: Person,
    ground: Annotated[Ground, typer.Option(help="The article that it rests on.")] = Ground.NO_LONGER_NEEDED,
    yes: Annotated[bool, typer.Option("--yes", help="Go on without asking.")] = False,
    quarantined: Annotated[
        bool,
        typer.Option("--quarantined", help="Also if it is quarantined, and so holds many people's data."),
    ] = False,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the certificate and the claim go.")
    ] = Path(),
    workspace: WorkspaceName = None,
    as_json: Json = False,
) -> None:
    """Forget a person. Always says first what that would delete, and what must stay and why.

    On a terminal it asks before it goes on; elsewhere it goes on only with --yes. It leaves
    a signed certificate, and a claim that is the person's alone: by it they can show that
    the certificate, which names nobody, is theirs.
    """
    person = uuid_of(profile, "profile")
    with platform() as opened:
        chosen = opened.workspace(workspace)
        begin = opened.opener(chosen, Role.COMPLIANCE, purpose=Act.SUBJECT_ERASE.purpose)
        with begin() as work:
            outlook = erasure.outlook(person, work=work, ports=opened.system.ports, quarantined=quarantined)
        if not yes and (as_json or not _confirmed(outlook)):
            emit(
                _outlook(outlook),
                as_json,
                *([] if _asked() else _foreseen(outlook)),
                Text("Nothing was erased."),
            )
            return
        if yes and not as_json:
            emit({}, False, *_foreseen(outlook))
        done = _erase(opened, chosen, begin, person, ground, quarantined=quarantined)
        files = _certify(out, done, opened.system.ports)
    emit(_document(done, files), as_json, *_told(done, files))
    raise typer.Exit(Exit.OK if not done.residue_total else Exit.FAILED)


def _asked() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _confirmed(outlook: Outlook) -> bool:
    """Whether somebody at the terminal has read the outlook and says yes."""
    if not _asked():
        return False
    emit({}, False, *_foreseen(outlook))
    return typer.confirm("Erase this person now?", default=False, err=True)


def _erase(
    opened: Session, workspace: WorkspaceId, begin: Opener, person: UUID, ground: Ground, *, quarantined: bool
) -> Erased:
    return erasure.erase(
        person,
        quarantined=quarantined,
        ground=ground,
        begin=begin,
        ports=opened.system.ports,
        patience=opened.system.settings.send_window + SLACK,
        wait_for_log=_wait_for_log(opened, workspace, begin),
    )


def _wait_for_log(opened: Session, workspace: WorkspaceId, begin: Opener) -> Callable[[UUID], None]:
    """Have the entry's place in the log proved, so that the certificate can name it."""

    def wait(entry: UUID) -> None:
        def proven() -> bool:
            with begin() as work:
                return opened.system.ports.audit.proof(entry, work=work) is not None

        if not keeping.keep_up(opened, workspace, proven):
            note("The keeper has not signed the erasure's entry yet; the certificate does without its proof.")

    return wait


def _certify(out: Path, done: Erased, ports: Ports) -> dict[str, Path]:
    """Write the certificate, and apart from it the claim, which is for the person alone."""
    proof = done.certificate
    certificate = out / f"certificate-{done.request}.json"
    claim = out / f"claim-{done.request}.txt"
    document = {
        "document": proof.document.decode(),
        "signature": b64encode(proof.signature).decode(),
        "key": ports.certificates.name,
        "public_key": b64encode(ports.certificates.public_key).decode(),
    }
    private_folder(out, "out")
    write_private(certificate, json.dumps(document, indent=2) + "\n", "out")
    write_private(claim, b64encode(proof.claim_salt).decode() + "\n", "out")
    return {"certificate": certificate, "claim": claim}


def _outlook(found: Outlook) -> dict[str, object]:
    return {
        "dry_run": True,
        "profile": found.profile,
        "fragments": list(found.fragments),
        "waiting_for_review": list(found.waiting_for_review),
        "rows": {name: count for name, count in sorted(found.rows.items()) if count},
        "contacts_deleted": found.contacts_deleted,
        "contacts_shared": found.contacts_shared,
        "retained": dict(found.retained),
    }


def _foreseen(found: Outlook) -> list[RenderableType]:
    rows = sorted((name, count) for name, count in found.rows.items() if count)
    return [
        facts(
            {
                "profile": found.profile,
                "fragments to erase": len(found.fragments),
                "waiting for a review": len(found.waiting_for_review),
                "contacts that go": found.contacts_deleted,
                "contacts that others hold too, and stay": found.contacts_shared,
            }
        ),
        table(("would be deleted from", "rows"), rows),
        table(("stays in", "because"), sorted(found.retained.items())),
    ]


def _document(done: Erased, files: dict[str, Path]) -> dict[str, object]:
    return {
        "dry_run": False,
        "request": done.request,
        "deleted": {name: count for name, count in sorted(done.deleted.items()) if count},
        "residue": done.residue_total,
        **{name: str(path) for name, path in files.items()},
    }


def _told(done: Erased, files: dict[str, Path]) -> list[RenderableType]:
    said = {
        "request": done.request,
        "rows deleted": sum(done.deleted.values()),
        "rows left": done.residue_total,
        "certificate": files["certificate"],
        "claim": f"{files['claim']} (for the person alone: hand it over and delete it)",
    }
    return [facts(said)]
