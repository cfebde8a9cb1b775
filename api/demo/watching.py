"""Steps 13 and 14: what nobody declared is found before it leaves; what was done is searched."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from threading import Event
from uuid import UUID

import msgspec

from api import wiring
from api.demo import customers
from api.demo.agreeing import ASK, MARKETING, ORDERS, OWN_MAILER, forms, lines, release
from api.demo.arriving import import_file, profile_of
from api.demo.narrating import Teller, Told, in_words
from api.demo.notes import NOTES, notes
from api.demo.platform import DATABASE, Platform
from api.demo.waiting import again, wait, wait_for_scans
from audit.answers.proved_search import Search
from audit.search import feeds, reconciling
from audit.search.documents import document
from audit.search.engine import Action
from audit.search.feeding import VERSION, Feeder
from cdp.audiences import segments
from cdp.audiences.rules import EVERYBODY
from cdp.kernel import private
from cdp.kernel.database import KEEPER, make_engine
from cdp.kernel.errors import Unavailable
from cdp.people.profiles import opened
from cdp.ports import TrailPage, TrailQuery
from cdp.registers import source_rows
from cdp.releases.minimising import without_texts
from cdp.scanning import findings
from cdp.trail import trail_search
from cdp.vocabulary import ProfileId

SUPPORT_MAPPING = """\
# How the help desk's export is read. The note is free text: it is sealed until it was scanned.
source: support
identifier: {column: ticket, namespace: "crm:support"}
identifiers: {customer: "crm:crm"}
traits: {note: support_note}
"""


class StillFeeding(Unavailable, http=False):
    """The keeper has not fed the search engine in time; its log lies in the data directory."""


class EngineGone(Unavailable, http=False):
    """The search engine, which has just answered, does not answer any more."""


def find_undeclared(platform: Platform, teller: Teller, told: Told) -> None:
    """Step 13: 300 support notes come in and are scanned; the clean ones serve, and none is marketed with."""
    written = notes()
    file, mapping = platform.folder / "files" / "support.ndjson", platform.folder / "files" / "support.yaml"
    private.write(mapping, SUPPORT_MAPPING)
    agreed = [form.person.value for form in forms(platform) if form.person.namespace == "crm:crm"]
    chosen = list(dict.fromkeys(agreed))[:NOTES]
    rows = [
        {"ticket": f"T-{number}", "customer": customer, "note": note.text}
        for number, (customer, note) in enumerate(zip(chosen, written, strict=True))
    ]
    private.write(file, b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    with platform.operator("admin", purpose="setup")() as work:
        source_rows.create("support", priority=4, authoritative=True, controller_id=work.workspace, work=work)
    import_file(platform, teller, "support", file, mapping)
    platform.wait_for_inbox()
    wait_for_scans(platform, teller)
    found = _findings(platform)
    result = release(platform, "everyone", ASK, "notes", ("given_name", "support_note"))
    sent = [msgspec.json.decode(line)["fields"] for line in lines(platform, "notes")]
    out = sum("support_note" in fields for fields in sent)
    usable, withheld = _for(platform, ORDERS)
    marketed, _ = _for(platform, MARKETING)
    clean = Counter(note.text for note in written if note.holds is None)
    planted = Counter(note.holds for note in written if note.holds)
    told.figures = {
        "notes": len(written),
        "notes_not_clean": planted.total(),
        "findings": dict(found),
        "released": result.released,
        "notes_released": out,
        "notes_usable": usable.total(),
        "notes_withheld": withheld,
        "notes_leaked": out + marketed.total() + (usable - clean).total(),
    }
    told.lines = [
        f"{len(written)} notes, {planted.total()} of them with what nobody may pass on; found:"
        f" {in_words(dict(found))} (full width, in JSON within JSON; masked in cdp findings list).",
        f"to serve, {usable.total()} may be used, all clean; withheld whole: {withheld}.",
        f"for marketing none is used: {result.released:,} people released, {out} notes.",
    ]
    told.checks = {
        "everything planted was found": all(found[entity] >= n for entity, n in planted.items()),
        "clean notes may be used": usable.total() > 50,
        "some are left out, and counted": withheld > 0,
        "people were released, and no note": result.released > 50 and not out,
        "no note with personal data left": told.figures["notes_leaked"] == 0,
    }


def _for(platform: Platform, purpose: str) -> tuple[Counter[str], int]:
    """The notes that may be used for a purpose, and how many are withheld from it."""
    ports = platform.system.ports
    note = ports.catalogue.trait("support_note")
    assert note is not None, "the catalogue has it"
    with platform.operator("service", purpose=purpose)() as work:
        everyone = [ProfileId(one) for one in work.session.scalars(segments.members(EVERYBODY, ports=ports))]
        values = ports.identity.golden(everyone, [note.id], work=work)
        kept, shut = without_texts(values, purpose, work=work, ports=ports)
        keys = ports.vault.keys(sorted({one.fragment for one in kept}), work=work)
        texts = Counter(str(fields[note.name]) for fields in opened(kept, keys, ports.catalogue).values())
    return texts, len(shut)


def _findings(platform: Platform) -> Counter[str]:
    """How many finds of each kind wait for a decision in fields that were declared as free text."""
    counts: Counter[str] = Counter()
    after = None
    while True:
        with platform.operator("compliance", purpose="data_protection")() as work:
            page = findings.listed(
                undecided=True, after=after, limit=findings.MOST, work=work, ports=platform.system.ports
            )
        counts.update(view.finding.placed.find.entity for view in page if view.trait == "support_note")
        if len(page) < findings.MOST:
            return counts
        after = page[-1].finding.found_at, page[-1].finding.id


def search_trail(platform: Platform, teller: Teller, told: Told) -> None:
    """Step 14: the trail is searched; an edit in the search engine is found and mended."""
    there = platform.search.wait()
    if there:
        wait(lambda: _page(platform, TrailQuery(limit=1)).behind, teller, "feeding", StillFeeding)
    with platform.operator("service")() as work:
        mailer = platform.system.ports.ledger.recipient(OWN_MAILER, work=work)
    query = TrailQuery(purpose=MARKETING, recipient=mailer, facets=("action", "outcome"))
    page = again(lambda: _page(platform, query), until=lambda one: (one.engine == "opensearch") == there)
    about = _page(platform, TrailQuery(facets=("action",)), subject=profile_of(platform, customers.PAUL))
    edited = again(lambda: _edited(platform)) if there else {}
    told.figures = {
        **edited,
        "search_engine": page.engine,
        "search_found": page.total,
        "search_agrees": _by_postgresql(platform, query) == (page.total, page.facets),
        "about_paul": about.total,
    }
    told.lines = [
        f"for {MARKETING}, received by {OWN_MAILER}: {page.total:,} entries by {page.engine}"
        f" ({in_words(dict(page.facets['action']))}); PostgreSQL says the same.",
        f"about Paul: {about.total} entries ({in_words(dict(about.facets['action']))}).",
        f"{told.figures['search_entries']:,} documents against the log: one edited behind its back,"
        f" {told.figures['search_edits_found']} found and mended."
        if there
        else f"No search engine ({page.because}): PostgreSQL answered, and said so.",
    ]
    told.checks = {
        "entries were found": page.total > 0 and about.total > 0,
        "engine and log agree": told.figures["search_agrees"],
        "whoever answered is named": (page.engine == "opensearch") == there and bool(page.because) != there,
    }
    if there:
        told.checks["the edit was found, and nothing else"] = told.figures["search_edits_found"] == 1
        told.checks["after the repair they agree"] = told.figures["search_differences_left"] == 0


def _page(platform: Platform, query: TrailQuery, *, subject: UUID | None = None) -> TrailPage:
    with platform.operator("compliance", purpose="audit")() as work:
        return trail_search.search(
            query, subject=str(subject) if subject else None, work=work, ports=platform.system.ports
        )


def _by_postgresql(platform: Platform, query: TrailQuery) -> tuple[int, Mapping[str, Mapping[str, int]]]:
    """The same question to a search that has no engine."""
    searcher = platform.system.ports.search
    assert isinstance(searcher, Search), "wired so"
    with platform.operator("compliance", purpose="audit")() as work:
        page = replace(searcher, engine=lambda: None).find(query, work=work)
    return page.total, page.facets


def _edited(platform: Platform) -> dict[str, int]:
    """Change one document as somebody with the engine's password could; compare, mend, compare."""
    settings = platform.system.settings
    engine = wiring.search_engine(settings)()
    if engine is None:
        raise EngineGone
    keeper = make_engine(platform.server.url(KEEPER, DATABASE), pool_size=2)
    try:
        feeder = wiring.feeder(
            engine, settings, state=platform.system.state, engine=keeper, wait=Event().wait
        )
        _edit(feeder, platform.workspace)
        reports = [
            reconciling.reconcile(feeder, platform.workspace, repair=repair, progress=lambda _: None)
            for repair in (True, False)
        ]
    finally:
        keeper.dispose()
    return {
        "search_entries": reports[0].documents,
        "search_edits_found": len(reports[0].differences),
        "search_differences_left": len(reports[1].differences),
    }


def _edit(feeder: Feeder, workspace: UUID) -> None:
    with feeder.begin(workspace) as work:
        feed = feeds.live(work=work)
        assert feed is not None, "it has just been fed"
        ((kept, _),) = feeds.named([(feed.epoch, feed.seq // 2)], work=work)
    log = feeder.log(workspace)
    right = document(log, kept)
    wrong = msgspec.json.decode(right.source)
    wrong["unmapped"]["actor"] = "system:nobody"
    feeder.engine.bulk(
        [
            Action(
                index=feed.index(log, right.month),
                id=right.id,
                version=VERSION + 1,
                source=msgspec.json.encode(wrong),
            )
        ]
    )
