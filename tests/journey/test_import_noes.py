"""An import on a real database: the no of a row binds, however the row is broken; and its counts add up."""

import random

import pytest
from worlds.journeys import ANN, BOB, identify

from cdp.intake import imports
from cdp.intake.importing import Loss, load_mapping
from cdp.intake.imports import UnstatedVersion
from cdp.vocabulary import State
from consent.register import register

MAPPING = """
source: web
identifier: {column: id, namespace: "crm:web"}
identifiers: {mail: email, phone: phone}
traits: {name: given_name, born: birth_date, country: country}
dates: {born: "%Y-%m-%d"}
phone_region: SE
opt_in: {column: ok, purpose: email_marketing, channel: email, notice: newsletter}
"""
UNDATED = MAPPING.replace('dates: {born: "%Y-%m-%d"}\n', "")
VERSIONED = MAPPING.replace("newsletter}", "newsletter@1}")
HEADER = "id,name,mail,phone,born,country,ok\n"


@pytest.fixture
def load(journey, tmp_path):
    """Import lines below the header; what became of them."""

    def run(*lines, mapping=MAPPING):
        path = tmp_path / "people.csv"
        path.write_text(HEADER + "".join(f"{line}\n" for line in lines))
        catalogue = journey.ports.catalogue
        known = load_mapping(mapping, traits=catalogue.traits())
        with journey.begin()() as work:
            result = imports.load(
                path,
                source_name="web",
                mapping=known,
                rejects=tmp_path / "rejects.ndjson",
                work=work,
                ports=journey.ports,
            )
        journey.work()
        return result

    return run


def reached(journey, tmp_path):
    """How many a release reaches now."""
    return journey.release(tmp_path / f"{len(list(tmp_path.iterdir()))}.ndjson").released


@pytest.mark.parametrize(
    "line",
    [
        "1,Ann,ann@example.org,,11.02.1984,SE,no",
        "1,Ann,ann@example.org,,,SE,unsubscribed",
        "1,Ann,ann@example.org,,,SE,off",
        "1,Ann,ann@example.org,,,SE,否",
        "1,Ann,ann@example.org,,,SE,nobody knows this word",
        "1,A\0nn,ann@example.org,,,SE,nej",
        ",Ann,ann@example.org,,,SE,opt-out",
        f"1,{'A' * 70_000},ann@example.org,,,SE,no",
        '1,"Ann,ann@example.org,,,SE,no',
        "1,Archer, Ann,ann@example.org,,,SE,no",
        "4.67E+10,Ann,Ann <ann@example.org>,,,SE,bounced",
    ],
)
def test_the_no_of_a_row_is_in_force_though_the_row_is_flawed(journey, load, tmp_path, line):
    """Ann may be written to until the file says no; Bob, whom it does not name, still may."""
    journey.send("web", identify("ann", ANN), identify("bob", BOB))
    journey.work()
    for person in (ANN, BOB):
        journey.say(State.GIVEN, person["email"], evidence="form", notice="newsletter")
    before = reached(journey, tmp_path)
    load(line)

    assert (before, reached(journey, tmp_path)) == (2, 1)


def test_of_hundreds_of_flawed_rows_not_one_loses_its_no(journey, load, tmp_path):
    """All agreed; each row says no and is broken somewhere else; nobody is left to be written to."""
    chance = random.Random(4)
    people = [f"p{number}@example.org" for number in range(300)]
    load(*(f"{number},P,{mail},,1984-02-11,SE,yes" for number, mail in enumerate(people, start=1)))
    before = reached(journey, tmp_path)
    broken = []
    for number, mail in enumerate(people, start=1):
        cells = [str(number), "P", mail, "", "1984-02-11", "SE", chance.choice(["no", "off", "cleaned", "?"])]
        place = chance.choice([0, 1, 3, 4, 5])
        if chance.random() < 0.3:
            cells.insert(place, "x")
        else:
            cells[place] = chance.choice(["\0", "x" * 5_000, "4.67E+10", "soon", ""])
        broken.append(",".join(cells))
    result = load(*broken)

    assert (before, reached(journey, tmp_path)) == (300, 0)
    assert result.noes_heard == result.rejected > 50
    assert result.rows == 300


def test_what_could_not_be_used_is_counted_by_column(load):
    """An import that loses contacts without a word is wrong."""
    result = load(
        "1,A,ann at example,+46701741XXX,soon,Atlantis,maybe",
        "2,B,b@example.org; c@example.org,070-174 06 05 (mobil),1984-02-11,Sverige,ja",
    )

    assert {loss: dict(columns) for loss, columns in result.losses.items()} == {
        Loss.UNKNOWN_WORD: {"ok": 1},
        Loss.NO_DATE: {"born": 1},
        Loss.NO_COUNTRY: {"country": 1},
        Loss.NO_CONTACT: {"mail": 1, "phone": 1},
    }
    assert (result.accepted, result.rejected) == (2, 0)


def test_the_file_of_rejects_is_its_owners_alone_and_goes_with_a_failed_import(journey, load, tmp_path):
    """Also if it was there before, and open to others."""
    rejects = tmp_path / "rejects.ndjson"
    rejects.write_text("old")
    rejects.chmod(0o644)
    load(",A,a@example.org,,,SE,no")
    mode = rejects.stat().st_mode & 0o777
    with pytest.raises(Exception, match="read in two ways"):
        load("1,A,a@example.org,,03/04/1984,SE,no", mapping=UNDATED)

    assert mode == 0o600
    assert not rejects.exists()


def test_a_yes_saw_the_version_that_is_named_or_that_was_shown_when_they_agreed(journey, load):
    """When a file came says nothing of it, so with two versions one must be said."""
    with journey.begin("compliance")() as work:
        register.add_notice(
            "newsletter", text="Now with more.", purposes=["email_marketing"], recipients=["mailer"],
            controller=journey.workspace, language="en", work=work,
        )  # fmt: skip
    with pytest.raises(UnstatedVersion):
        load("1,A,a@example.org,,,SE,yes")

    assert load("1,A,a@example.org,,,SE,yes", mapping=VERSIONED).accepted == 1
