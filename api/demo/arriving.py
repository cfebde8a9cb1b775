"""Steps 1 to 4: files and events come in, become golden profiles, and lie nowhere in clear."""

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
from segment.analytics.client import Client
from sqlalchemy import func, select

from api.demo import customers, plaintext
from api.demo.events import CATEGORIES, Call, Events, events
from api.demo.narrating import Teller, Told
from api.demo.platform import Platform
from cdp.intake import importing, imports, verdicts
from cdp.intake.ingest.meaning import identity_proof
from cdp.kernel import embedded, private
from cdp.kernel.clock import now
from cdp.people import profiles
from cdp.ports import Category, Source
from cdp.registers import source_keys, source_rows
from cdp.stewardship import evaluation
from cdp.vocabulary import Identifier, KeyKind, Namespace, ProfileId
from consent.register import register

KNOWN = 200


def prepare(platform: Platform) -> dict[str, str]:
    """Sources, purposes, and the write keys of the web source; the keys' texts."""
    with platform.operator("admin", purpose="setup")() as work:
        register.seed(work)
        controller = work.workspace
        for name, priority in (("crm", 1), ("shop", 2)):
            source_rows.create(
                name, priority=priority, authoritative=True, controller_id=controller, work=work
            )
        web = source_rows.create(
            "web",
            priority=3,
            authoritative=True,
            controller_id=controller,
            work=work,
            categories={"analytics": Category("profiling"), "advertising": Category("sale_or_share")},
        )
        ports = platform.system.ports
        return {
            kind.value: source_keys.create(web.name, kind, work=work, ports=ports).text for kind in KeyKind
        }


def import_files(platform: Platform, teller: Teller, told: Told) -> None:
    """Step 1: both exports, twice."""
    files = platform.files
    results = {}
    for name, file, mapping in (
        ("crm", files.crm, files.crm_mapping),
        ("shop", files.shop, files.shop_mapping),
    ):
        results[name] = import_file(platform, teller, name, file, mapping)
    platform.wait_for_inbox()
    before = _statements(platform)
    for name, file, mapping in (
        ("crm", files.crm, files.crm_mapping),
        ("shop", files.shop, files.shop_mapping),
    ):
        import_file(platform, teller, name, file, mapping)
    platform.wait_for_inbox()
    after = _statements(platform)
    rejected = sum(result.rejected for result in results.values())
    told.figures = {
        "people_imported": count_profiles(platform),
        "rows_accepted": sum(result.accepted for result in results.values()),
        "rows_rejected": rejected,
        "statements": before,
        "statements_after_second_import": after,
        "reasons": dict(sum((Counter(result.reasons) for result in results.values()), Counter())),
    }
    told.lines = [
        f"{told.figures['rows_accepted']:,} rows accepted, {rejected} rejected"
        f" (reasons by line in {platform.folder / 'rejects'}); they are records of"
        f" {told.figures['people_imported']:,} people.",
        f"The same files again: {before:,} statements before, {after:,} after.",
        "soc_sec_id, which looks like a national id, is kept sealed and identifies nobody.",
    ]
    told.checks = {
        "rows were accepted": told.figures["rows_accepted"] > 9_900,
        "records of one person came together": 0
        < told.figures["people_imported"]
        < told.figures["rows_accepted"],
        "broken rows were rejected": rejected > 0,
        "a second import changes nothing": before == after,
        "no identifier is a national id": not _national_ids(platform),
    }


def import_file(platform: Platform, teller: Teller, name: str, file: Path, mapping: Path) -> imports.Imported:
    """Import a file of a source; what is rejected is written beside the demo's other rejects."""
    rejects = platform.folder / "rejects"
    private.folder(rejects)
    catalogue = platform.system.ports.catalogue
    with (
        teller.progress(f"importing {name}", None) as advance,
        platform.operator("service", purpose="import")() as work,
    ):
        return imports.load(
            file,
            source_name=name,
            mapping=importing.load_mapping(mapping.read_text("utf-8"), traits=catalogue.traits()),
            rejects=rejects / f"{name}.ndjson",
            work=work,
            ports=platform.system.ports,
            progress=advance,
        )


def _statements(platform: Platform) -> int:
    with platform.operator("service")() as work:
        found = verdicts.counts(work=work)
    return sum(
        count for source in found.values() for verdict, count in source.items() if verdict == "accepted"
    )


def _national_ids(platform: Platform) -> bool:
    """Whether any fragment claims a contact in a namespace that a national id could be."""
    allowed = {*Namespace, "crm:crm", "crm:shop"}
    with platform.operator("service")() as work:
        fragments = platform.system.ports.identity.members()
        sample = list(work.session.scalars(select(fragments.c.fragment_id).limit(500)))
        found = platform.system.ports.identity.goes_by(sample, work=work)
    return any(
        namespace not in allowed and not namespace.startswith("crm:") for namespace, _ in found.values()
    )


def send_events(platform: Platform, teller: Teller, told: Told, keys: dict[str, str]) -> None:
    """Step 2: the unmodified Segment client, half through a server key, half through a public one."""
    with platform.operator("service")() as work:
        web: Source = source_rows.named("web", work=work)
        secret = platform.system.ports.vault.source_secret(work.workspace, web.id)
    made = events(platform.people, now(), prove=lambda user: identity_proof(secret, user))
    assert set(CATEGORIES) == set(web.categories), "the demo's consent objects name the source's categories"
    before = _verdicts(platform)
    sent, lost = {}, 0
    for kind, calls in (("server", made.server), ("public", made.public)):
        with teller.progress(f"sending {len(calls):,} events with a {kind} key", len(calls)) as advance:
            lost += _send(platform.api, keys[kind], calls, advance)
        platform.wait_for_inbox()
        after = _verdicts(platform)
        sent[kind] = {verdict: n for verdict, n in (after - before).items() if n}
        before = after
    headers = {"Sec-GPC": "1"}
    with httpx.Client(base_url=platform.api, auth=(keys["public"], ""), timeout=60) as browser:
        for body in made.browser:
            browser.post(f"/v1/{body['type']}", json=body, headers=headers).raise_for_status()
    platform.wait_for_inbox()
    _tell_events(told, made, sent, lost)


def _tell_events(told: Told, made: Events, sent: dict[str, dict[str, int]], lost: int) -> None:
    """What became of the messages; a copy may be met before what it copies, and the client may send again."""
    total = sum((Counter(kind) for kind in sent.values()), Counter())
    copies = total["copy dropped"]
    calls = len(made.server) + len(made.public)
    again = copies - made.duplicates
    # One of them has no id by which a second delivery could be known.
    refusable = made.invalid + max(again, 0)
    told.figures = {
        "events_accepted": total["accepted"],
        "events_refused": total["refused"],
        "duplicates": copies,
        "sent_again_by_the_client": again,
        "by_key": sent,
    }
    told.lines = [
        f"server key: {_words(sent['server'])}",
        f"public key: {_words(sent['public'])}",
        f"Carol's browser sent Sec-GPC: 1 with {len(made.browser)} events.",
    ]
    told.checks = {
        "20,000 events or more were sent": calls >= 20_000,
        "the client delivered every event": lost == 0,
        "every event was taken once": total["accepted"] == calls - made.duplicates - made.invalid,
        "just the invalid ones were refused": made.invalid <= total["refused"] <= refusable,
        "every copy was dropped": again >= 0,
    }


def _send(api: str, key: str, calls: tuple[Call, ...], advance: Callable[[int], None]) -> int:
    """Send the calls; how many the client gave up, after many attempts."""
    lost: list[int] = []
    client = Client(
        key,
        host=api,
        max_queue_size=len(calls) + 1,
        gzip=True,
        thread=2,
        timeout=60,
        on_error=lambda _, batch: lost.append(len(batch)),
    )
    for number, call in enumerate(calls, 1):
        getattr(client, call.method)(**call.kwargs)
        if number % 500 == 0:
            client.flush()
            advance(500)
    client.flush()
    client.join()
    return sum(lost)


def _verdicts(platform: Platform) -> Counter[str]:
    with platform.operator("service")() as work:
        found = verdicts.counts(work=work)
    total: Counter[str] = Counter()
    for verdict, n in found.get("web", {}).items():
        total[_plainly(verdict)] += n
    return total


def _plainly(verdict: str) -> str:
    """What became of a message: whichever copy lanes meet first is the one that is taken."""
    if verdict in ("duplicate", "lowered_duplicate"):
        return "copy dropped"
    return "refused" if verdict.startswith("invalid") else verdict


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {verdict}" for verdict, n in sorted(counts.items(), key=lambda one: -one[1]))


def golden_profiles(platform: Platform, teller: Teller, told: Told) -> None:
    """Step 3: a golden profile with its lineage, and the links held against the truth."""
    del teller
    ports = platform.system.ports
    emma = profile_of(platform, customers.EMMA)
    with platform.operator("service")() as work:
        names = {source.id: source.name for source in source_rows.every(work=work).values()}
        values = [one for one in ports.identity.golden([emma], [], work=work) if one.rank == 1]
        keys = ports.vault.keys(sorted({one.fragment for one in values}), work=work)
        plain = profiles.opened(values, keys, ports.catalogue)[emma]
    with platform.operator("steward")() as work:
        score = evaluation.evaluate(evaluation.read(platform.files.truth), work=work, ports=ports)
    told.figures = {
        "profiles": score.profiles,
        "pairwise_precision": round(score.precision, 4),
        "pairwise_recall": round(score.recall, 4),
        "false_merges": len(score.false_merges),
    }
    traits = {one.trait: ports.catalogue.trait_by_id(one.trait).name for one in values}
    shown = [
        f"{traits[one.trait]} = {plain[traits[one.trait]]!r}"
        f" (from {names[one.source]}, {one.trust.name.lower()}, {one.received_at:%H:%M:%S})"
        for one in values[:4]
    ]
    told.lines = [
        "Emma, value by value: " + "; ".join(shown),
        f"{score.profiles:,} profiles; pairs against the known truth: precision {score.precision:.4f},"
        f" recall {score.recall:.4f} (exact match on normalised identifiers).",
        f"{len(score.false_merges)} false merge: a mistyped address joins two strangers (step 10).",
    ]
    told.checks = {
        "every value has a source": all(one.source in names for one in values) and len(values) >= 4,
        "precision above 0.99": score.precision > 0.99,
        "recall above 0.8": score.recall > 0.8,
    }


def profile_of(platform: Platform, customer: customers.Customer) -> ProfileId:
    """The profile that goes by the customer's record id in the CRM or the shop."""
    ports = platform.system.ports
    namespace, raw = ("crm:crm", customer.crm_id) if customer.crm_id else ("crm:shop", customer.shop_id)
    with platform.operator("service")() as work:
        value = ports.vault.normalise(namespace, raw, region="DE")
        assert value is not None, "record ids of the demo are usable"
        contact = ports.identity.contact_of(Identifier(namespace, value), work=work)
        assert contact is not None, "the customer was imported"
        (profile,) = ports.identity.profiles_of(contact, work=work)
    return profile


def search_plaintext(platform: Platform, teller: Teller, told: Told) -> None:
    """Step 4: known values, in every form, in every file of database, journal and logs."""
    values = _known_values(platform)
    with platform.server.admin("cdp") as admin:
        admin.execute("CHECKPOINT")
        admin.execute("SELECT pg_switch_wal()")
    data = platform.settings.data_dir
    with teller.progress("searching", None):
        found = plaintext.search([platform.server.data, platform.settings.state_dir, data / "logs"], values)
        control = _control(values[0])
    told.figures = {
        "values": len(values),
        "plaintext_hits": found.total,
        "hits_by_form": dict(found.hits),
        "files": found.files,
        "megabytes": round(found.size / 1e6),
        "control_hits": control,
    }
    told.lines = [
        f"{len(values)} e-mails and phones, 5 forms each, in {found.files:,} files"
        f" ({found.size / 1e6:.0f} MB of heap, WAL, journal and logs): {found.total} hits.",
        f"The same search in a scratch cluster where one was stored plainly: {control} hits.",
    ]
    told.checks = {
        "200 values were searched": len(values) == KNOWN,
        "nothing was found": found.total == 0,
        "the search can find": control > 0,
    }


def _known_values(platform: Platform) -> list[str]:
    emails: list[str] = []
    phones: list[str] = []
    for record in platform.people.crm:
        if (email := record.values.get("email", "")) and len(email) >= plaintext.HEAD:
            emails.append(email)
        if (phone := record.values.get("phone", "")) and len(phone) >= plaintext.HEAD:
            phones.append(phone)
    return emails[: KNOWN // 2] + phones[: KNOWN // 2]


def _control(value: str) -> int:
    """Hits in a throw-away cluster in which the value was stored in clear."""
    with tempfile.TemporaryDirectory(prefix="cdp-scratch-") as folder:
        data = Path(folder) / "pg"
        server = embedded.start(data)
        with server.admin() as admin:
            admin.execute("CREATE TABLE plain (value text)")
            admin.execute("INSERT INTO plain VALUES (%s)", (value,))
            admin.execute("CHECKPOINT")
        hits = plaintext.search([data], [value]).total
        server.stop()
    return hits


def count_profiles(platform: Platform) -> int:
    """How many golden profiles there are."""
    member = platform.system.ports.identity.members()
    with platform.operator("service")() as work:
        query = select(func.count(func.distinct(member.c.profile_id)))
        return work.session.scalar(query) or 0
