"""C14 to C16: a no is heard whatever else is wrong with what brought it."""

import pytest
from sqlalchemy import func, select, text
from worlds.journeys import ANN, BOB, identify

from cdp import tables
from cdp.intake import imports
from cdp.intake.ingest.message_reading import ImportChoice, ImportRecord
from cdp.registers import source_rows
from cdp.vocabulary import State
from consent import tables as consent
from identity import tables as identity


def says(given):
    """What the opt-in column of a row says."""
    return [ImportChoice(purpose="email_marketing", channel="email", notice="newsletter", given=given)]


@pytest.fixture
def agreed(journey):
    """Ann and Bob, who both may be written to; and what a source's categories are called."""
    with journey.begin("admin")() as work:
        source_rows.create(
            "shop",
            priority=2,
            authoritative=True,
            controller_id=journey.workspace,
            categories={"marketing": ("email_marketing", "email"), "C0004": ("email_marketing", "email")},
            work=work,
        )
    journey.send("web", identify("ann", ANN), identify("bob", BOB))
    journey.work()
    for person in (ANN, BOB):
        journey.say(State.GIVEN, person["email"], evidence="form", notice="newsletter")
    return journey


def reached(journey, tmp_path):
    """How many a release reaches now."""
    out = tmp_path / f"{len(list(tmp_path.iterdir()))}.ndjson"
    return journey.release(out).released


def count(journey, table):
    with journey.begin()() as work:
        return work.session.scalar(select(func.count()).select_from(table))


def take(journey, *records, source="web"):
    with journey.begin()() as work:
        imports.accept_records(records, source_name=source, work=work, ports=journey.ports)
    return journey.work()


def row(key="r1", *, opt_in=False, identifiers=(("crm:web", "7"), ("email", ANN["email"])), **more):
    return ImportRecord(
        key=key,
        identifiers=list(identifiers),
        traits={"given_name": "Nobody"},
        choices=[] if opt_in is None else says(opt_in),
        only_no=True,
        **more,
    )


def test_the_no_of_a_rejected_row_binds_the_contact_and_nothing_else_of_it_is_kept(agreed, tmp_path):
    """C14, C16: whom the row names is refused; no statement, no claim on the address, no join."""
    statements, claims = count(agreed, identity.statements), count(agreed, identity.claims)
    verdicts = take(agreed, row())

    assert verdicts == {"invalid:rejected_row": 1}
    assert reached(agreed, tmp_path) == 1, "Bob alone"
    assert count(agreed, identity.statements) == statements
    assert count(agreed, identity.claims) == claims + 1, "that the row's own id is its own"
    with agreed.begin()() as work:
        assert work.session.scalar(select(tables.seen.c.notes).where(tables.seen.c.notes.is_not(None))) == (
            "refusal_heard"
        )
        counted = dict(work.session.execute(text("SELECT verdict, n FROM cdp.verdict_counts")).all())
    assert counted["note:refusal_heard"] == 1
    assert take(agreed, row()) == {"duplicate": 1}


def test_a_rejected_row_grants_nothing(agreed):
    """Only its no is taken: a yes beside a flaw is no clear yes."""
    words = count(agreed, consent.entries)

    assert take(agreed, row(opt_in=True), row("r2", opt_in=None)) == {"invalid:rejected_row": 2}
    assert count(agreed, consent.entries) == words


def test_a_row_without_an_id_of_its_own_still_binds_the_contact_that_it_names(agreed, tmp_path):
    """Whether the reader rejected it or its id turned out to be a placeholder."""
    nameless = ImportRecord(
        key="r3",
        identifiers=[("crm:web", "null"), ("email", BOB["email"])],
        traits={},
        choices=says(False),
    )
    verdicts = take(agreed, row(identifiers=[("email", ANN["email"])]), nameless)

    assert verdicts == {"invalid:rejected_row": 1, "invalid:no_usable_identifier": 1}
    assert reached(agreed, tmp_path) == 0


def test_a_no_that_names_nobody_is_told_and_holds_up_nothing(agreed, tmp_path):
    """There is nobody to bind; the verdict says so."""
    take(agreed, row(identifiers=[("crm:web", "null"), ("email", "no address")]))
    with agreed.begin()() as work:
        notes = work.session.scalars(select(tables.seen.c.notes).where(tables.seen.c.notes.is_not(None)))
        assert list(notes) == ["refusal_binds_nobody"]

    assert reached(agreed, tmp_path) == 2


def test_the_no_of_a_rejected_row_holds_when_its_person_arrives(agreed, tmp_path):
    """C16: nobody holds the address yet; whoever comes with it, and a yes, is refused."""
    cy = {**ANN, "email": "cy@example.org"}
    take(agreed, row(identifiers=[("crm:web", "9"), ("email", cy["email"])]))
    agreed.send("web", identify("cy", cy))
    agreed.work()
    yes = ImportRecord(
        key="r9",
        identifiers=[("crm:web", "9"), ("email", cy["email"])],
        traits={},
        choices=says(True),
    )
    take(agreed, yes)

    assert reached(agreed, tmp_path) == 2, "Ann and Bob"


def test_a_rejected_row_that_goes_back_to_its_no_is_heard(agreed, tmp_path):
    """It is a copy of what it said once, but not of what its source said last."""
    take(agreed, row())
    yes = ImportRecord(
        key="yes",
        identifiers=[("crm:web", "7"), ("email", ANN["email"])],
        traits={},
        choices=says(True),
    )
    take(agreed, yes)
    agreed.say(State.GIVEN, ANN["email"], evidence="form", notice="newsletter")
    before = reached(agreed, tmp_path)
    take(agreed, row())

    assert (before, reached(agreed, tmp_path)) == (2, 1)
