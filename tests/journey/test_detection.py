"""Detection as a story: nothing is shown before it was scanned, nor after it was found to be personal."""

from dataclasses import replace

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError
from worlds.journeys import ANN, PATIENCE, READING, identify, lines, ready, with_lines
from worlds.parts import alone, joined

from api.processes.worker import scan_round
from cdp import tables
from cdp.acting import ActNotAllowed
from cdp.requests import access, erasure
from cdp.scanning import findings, scanning
from cdp.scanning.findings import Decision
from cdp.views import profile_view
from cdp.vocabulary import Basis, PurposeClass, State
from consent.register import register
from governance import tables as governed
from governance.detection import config
from governance.detection.scanner import DetectorUnavailable, Scanner

NOTE = 21  # the trait support_note
CLEAN = "The parcel arrived late and the box was damaged."
CARD = "Please charge 4111 1111 1111 1111 instead."


CARING = replace(READING, purpose="care")


@pytest.fixture(scope="module")
def database(server):
    """One of this file's own: whoever works all workspaces off has those of its tests alone to look at."""
    with alone(server) as made:
        yield made


@pytest.fixture(scope="module")
def system(database, tmp_path_factory):
    """The platform on it."""
    with joined(database, tmp_path_factory) as made:
        yield made


@pytest.fixture
def journey(system, workspace):
    """A purpose of a service's, for which the operator's own policy shows free text."""
    made = ready(system, workspace)
    with made.begin("admin")() as work:
        common = {"controller": workspace, "work": work}
        register.add_purpose("care", basis=Basis.CONSENT, purpose_class=PurposeClass.SERVICE, **common)
        register.add_notice(
            "care", text="We help you.", language="en", purposes=["care"], recipients=["mailer"], **common
        )
    made.ports = with_lines(
        made.ports,
        "p2, marketing, care, free_text, show",
        "p2, service, care, contact_email, show",
        "p2, service, care, identity, show",
        "p2, service, care, free_text, show",
    )
    return made


@pytest.fixture(scope="module")
def scanner():
    """The real detector, in a process of its own."""
    with Scanner(config.load()) as made:
        yield made


class Silent:
    """A detector that answers nothing but why it does not."""

    def __init__(self, word):
        self.word = word

    def scan(self, texts, language="en", regions=(), names=()):
        return [self.word] * len(texts)


class Killed(Exception):
    """Whoever scans dies."""


class Dying:
    """A detector whose caller is killed while it waits."""

    def scan(self, texts, language="en", regions=(), names=()):
        raise Killed


def scan(journey, detector):
    """Scan until nothing waits."""
    while scanning.step(journey.begin(purpose="detection"), ports=journey.ports, detector=detector):
        pass


def said(journey, note, **more):
    """A person who said this in a support note, and agreed to mail."""
    journey.send("web", identify("u1", ANN | {"support_note": note} | more))
    journey.work()
    journey.say(State.GIVEN, "ann@example.org", "care", evidence="form", notice="care")


def view(journey, *roles):
    with journey.begin(*(roles or ("marketing", "compliance")), purpose="care")() as work:
        person = journey.ports.identity.resolve(journey.profile("user_id", "u1"), work=work)
        return profile_view.read(person, CARING, fields=["support_note"], work=work, ports=journey.ports)


def release(journey, path):
    done = journey.release(path, "care", traits=(3, NOTE))
    return done, [one["fields"] for one in lines(path)]


def listed(journey, *, undecided=True):
    with journey.begin("compliance")() as work:
        return findings.listed(
            undecided=undecided, after=None, limit=findings.MOST, work=work, ports=journey.ports
        )


def test_a_free_text_is_withheld_until_a_scan_has_found_it_clean(journey, scanner, tmp_path):
    """No row of a scan is no: the profile and the release leave the text out, and say why."""
    said(journey, CLEAN)

    assert view(journey).withheld == {"support_note": "not_scanned"}
    before, fields = release(journey, tmp_path / "before")
    assert fields == [{"given_name": "Ann"}] and before.withheld["text:not_scanned"] == 1

    scan(journey, scanner)

    assert view(journey).shown == {"support_note": CLEAN}
    after, fields = release(journey, tmp_path / "after")
    assert (
        fields == [{"given_name": "Ann", "support_note": CLEAN}] and "text:not_scanned" not in after.withheld
    )


@pytest.mark.parametrize(
    "note",
    [
        CARD,
        "write to ｊａｎｅ＠ｓｈｏｐ．ｃｏｍ please",
        '{"ticket": {"customer": {"document": "11010519491231002X"}}}',
        "my neighbour Margaret Thatcher-Jones takes parcels",
        '{"wifi": {"password": "pear-tree-31"}}',
        '{"by_bsn": {"111222333": "gold"}}',
    ],
    ids=["card", "full width", "nested id", "name", "named by its field", "a key named by its field"],
)
def test_what_is_found_keeps_the_text_out(journey, scanner, tmp_path, note):
    """A card, a disguised address, an id deep in JSON, somebody's name: withheld whole, and counted."""
    said(journey, note)
    scan(journey, scanner)

    assert view(journey).withheld == {"support_note": "personal_data_found"}
    done, fields = release(journey, tmp_path / "out")
    assert fields == [{"given_name": "Ann"}] and done.withheld["text:personal_data_found"] == 1


def test_a_decision_is_added_and_the_last_one_counts(journey, scanner):
    """Not personal opens the text, accepting closes it again; nothing is overwritten, all is audited."""
    said(journey, CARD)
    scan(journey, scanner)
    (found,) = listed(journey)

    assert (found.trait, found.finding.placed.find.entity) == ("support_note", "CREDIT_CARD")
    assert "4111" not in found.context and "Please charge" in found.context
    for number, decision in enumerate((Decision.NOT_PERSONAL, Decision.ACCEPT, Decision.NOT_PERSONAL), 1):
        with journey.begin("compliance")() as work:
            done = findings.decide(found.finding.id, decision, work=work, ports=journey.ports)
        assert done.version == number
        shut = view(journey).withheld == {"support_note": "personal_data_found"}
        assert shut == (decision is Decision.ACCEPT)
    with journey.begin()() as work:
        kept = work.session.execute(
            select(governed.decisions.c.number, governed.decisions.c.decision).order_by(
                governed.decisions.c.number
            )
        ).all()
    assert [tuple(one) for one in kept] == [(1, "not_personal"), (2, "accept"), (3, "not_personal")]
    assert listed(journey) == [] and len(listed(journey, undecided=False)) == 1


def test_what_is_found_past_what_is_kept_shows_beside_no_finding(journey, scanner):
    """Of ten thousand addresses two hundred are kept as findings; the next one stands beside the last."""
    said(journey, " ".join(f"user{number}@shop.example.org" for number in range(300)))
    scan(journey, scanner)
    found = listed(journey)

    assert len(found) == config.load().limits.finds
    assert all("user" not in one.context and "shop" not in one.context for one in found)
    assert view(journey).withheld == {"support_note": "personal_data_found"}


def test_findings_show_nothing_around_them_once_another_version_looks_again(journey, scanner):
    """While the one in force and the one before run side by side, each lists its own."""
    said(journey, CARD)
    scan(journey, scanner)
    with journey.begin()() as work:
        work.session.execute(governed.scans.update().values(version="0" * 32))
    (found,) = listed(journey)

    assert "charge" not in found.context and "4111" not in found.context


@pytest.mark.parametrize("role", ["marketing", "support", "admin", "steward"])
def test_who_is_not_compliance_sees_no_finding(journey, scanner, role):
    """Where somebody's card stands is itself personal."""
    said(journey, CARD)
    scan(journey, scanner)
    (found,) = listed(journey)
    with journey.begin(role)() as work:
        with pytest.raises(ActNotAllowed):
            findings.listed(undecided=True, after=None, limit=1, work=work, ports=journey.ports)
        with pytest.raises(ActNotAllowed):
            findings.decide(found.finding.id, Decision.NOT_PERSONAL, work=work, ports=journey.ports)


@pytest.mark.parametrize("word", ["timeout", "crash", "too_long"])
def test_f7_a_detector_that_fails_leaves_quarantine(journey, tmp_path, word):
    """F7: given a time-out or a crash, then quarantine, never stored as clean."""
    said(journey, CLEAN)
    scan(journey, Silent(word))
    with journey.begin()() as work:
        states = set(work.session.execute(select(governed.scans.c.state, governed.scans.c.reason)).all())

    assert states == {("quarantined", word)}
    assert view(journey).withheld == {"support_note": "quarantined"}
    assert release(journey, tmp_path / "out")[1] == [{"given_name": "Ann"}]


def test_f7_a_worker_killed_while_it_scans_leaves_quarantine_and_is_tried_again(journey, scanner):
    """F7: the claim is committed first; after three deaths it stays, until somebody asks for a rescan."""
    said(journey, CLEAN)
    for _ in range(scanning.ATTEMPTS):
        with pytest.raises(Killed):
            scan(journey, Dying())
        assert view(journey).withheld == {"support_note": "quarantined"}
        lapse(journey)
    scan(journey, Dying())

    assert view(journey).withheld == {"support_note": "quarantined"}
    with journey.begin()() as work:
        assert scanning.retry(work=work, ports=journey.ports) == 1
    scan(journey, scanner)
    assert view(journey).shown == {"support_note": CLEAN}


class Absent:
    """A detector that cannot be started."""

    def scan(self, texts, language="en", regions=(), names=()):
        raise DetectorUnavailable


def test_without_a_detector_texts_wait_in_quarantine_for_as_long_as_it_takes(journey, scanner):
    """No attempt is counted against them, and they are scanned when it is there."""
    said(journey, CLEAN)
    for _ in range(scanning.ATTEMPTS + 2):
        with pytest.raises(DetectorUnavailable):
            scan(journey, Absent())
        assert view(journey).withheld == {"support_note": "quarantined"}
    scan(journey, scanner)

    assert view(journey).shown == {"support_note": CLEAN}


def lapse(journey):
    """Let every lease run out."""
    with journey.begin()() as work:
        work.session.execute(tables.unscanned.update().values(claimed_until=work.now))


def test_another_version_of_the_detector_scans_everything_anew(journey, scanner):
    """What an older detector called clean is withheld until the one in force has looked."""
    said(journey, CLEAN)
    scan(journey, scanner)
    with journey.begin()() as work:
        work.session.execute(governed.scans.update().values(version="0" * 32))

    assert view(journey).withheld == {"support_note": "not_scanned"}
    assert scanning.renew(journey.begin(purpose="detection"), ports=journey.ports) == 1
    assert view(journey).withheld == {"support_note": "quarantined"}
    scan(journey, scanner)
    assert view(journey).shown == {"support_note": CLEAN}
    assert scanning.renew(journey.begin(purpose="detection"), ports=journey.ports) == 0


def test_what_nobody_declared_is_scanned_and_never_released(journey, scanner):
    """An unknown property, a group's traits, an address in a field that is none: found, sealed, named."""
    said(journey, CLEAN, title="write to jane@shop.com", nickname="tel. +44 20 7946 0958")
    journey.send(
        "web",
        {
            "type": "group",
            "userId": "u1",
            "groupId": "g",
            "traits": {"boss": "boss@shop.com"},
            "messageId": "g",
        },
        {
            "type": "track",
            "event": "Ticket",
            "userId": "u1",
            "messageId": "t",
            "properties": {"note": {"inner": ["DE89 3704 0044 0532 0130 00", 4111111111111111]}},
        },
    )
    journey.work()
    scan(journey, scanner)
    found = {(one.trait, one.path, one.finding.placed.find.entity) for one in listed(journey)}

    assert found == {
        (None, "title", "EMAIL_ADDRESS"),
        (None, "nickname", "PHONE_NUMBER"),
        (None, "group.traits.boss", "EMAIL_ADDRESS"),
        (None, "note.inner.0", "IBAN_CODE"),
        (None, "note.inner.1", "CREDIT_CARD"),
    }
    with journey.begin("marketing", purpose="care")() as work:
        person = journey.profile("user_id", "u1")
        shown = profile_view.read(person, CARING, fields=[], work=work, ports=journey.ports).shown
    assert "title" not in shown and shown["support_note"] == CLEAN


def test_an_access_package_redacts_others_and_withholds_what_was_not_scanned(journey, scanner):
    """GDPR 15(4): what the person said is theirs, the identifiers of others in it are not."""
    note = "I am Ann, ann@example.org. My sister is zoe@shop.com."
    said(journey, note)
    person = journey.profile("user_id", "u1")

    def package():
        with journey.begin("compliance", purpose="subject_access")() as work:
            return access.package(person, work=work, ports=journey.ports)

    assert "withheld (not_scanned)" in package()["statements"][0]["fields"]
    scan(journey, scanner)
    (statement,) = package()["statements"]
    assert statement["fields"]["support_note"] == ("I am Ann, ann@example.org. My sister is [EMAIL_ADDRESS].")
    golden = {one["trait"]: one["value"] for one in package()["golden"]}
    assert golden["support_note"] == statement["fields"]["support_note"]


def test_an_erasure_forgets_scans_findings_and_decisions(journey, scanner):
    """Nothing of what detection keeps outlives the person, whatever was under way."""
    said(journey, CARD)
    scan(journey, scanner)
    (found,) = listed(journey)
    with journey.begin("compliance")() as work:
        findings.decide(found.finding.id, Decision.ACCEPT, work=work, ports=journey.ports)
    journey.send("web", identify("u1", {"support_note": CARD}) | {"messageId": "later"})
    journey.work()

    class Erasing:
        def scan(self, texts, language="en", regions=(), names=()):
            done = erasure.erase(
                journey.profile("user_id", "u1"),
                ground="GDPR 17(1)(a)",
                begin=journey.begin("compliance", purpose="subject_erasure"),
                ports=journey.ports,
                patience=PATIENCE,
            )
            assert done.residue_total == 0
            return scanner.scan(texts, language, regions)

    scan(journey, Erasing())

    with journey.begin()() as work:
        for table in (governed.scans, governed.findings, governed.decisions, tables.unscanned):
            assert work.session.execute(select(table)).all() == []


def test_a_scan_never_waits_for_an_erasure_nor_keeps_a_row_for_it(journey, scanner):
    """Two that waited for each other would cost one of them; the batch comes back when it is over."""
    said(journey, CARD)
    with journey.begin()() as work:
        work.session.execute(delete(governed.keys))
        with pytest.raises(OperationalError, match="could not obtain lock"):
            scan(journey, scanner)
    scan(journey, scanner)

    with journey.begin()() as work:
        assert work.session.execute(select(governed.scans)).all() == []
        assert work.session.execute(select(tables.unscanned)).all() == []


def test_a_result_passes_over_a_row_that_is_being_erased(journey, scanner):
    """It is not waited for, and gets no findings."""
    said(journey, CARD)

    class Meanwhile:
        def scan(self, texts, language="en", regions=(), names=()):
            self.erasing = journey.begin()()
            self.work = self.erasing.__enter__()
            self.work.session.execute(delete(governed.scans))
            return scanner.scan(texts, language, regions)

    detector = Meanwhile()
    scanning.step(journey.begin(purpose="detection"), ports=journey.ports, detector=detector)
    detector.erasing.__exit__(None, None, None)

    with journey.begin()() as work:
        assert work.session.execute(select(governed.scans)).all() == []
        assert work.session.execute(select(governed.findings)).all() == []


def test_the_workers_round_scans_every_workspace(journey, scanner):
    """The background loop finds what waits, wherever it is."""
    said(journey, CARD)
    while scan_round(journey.system, scanner):
        pass

    assert len(listed(journey)) == 1
