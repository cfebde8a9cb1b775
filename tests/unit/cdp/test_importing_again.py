"""Files that change while they are read, columns that few rows have, cells that were lost in silence."""

import gzip
import io
import json
import os
from datetime import time, timedelta

import pytest

from cdp.intake.importing import (
    BadMapping,
    ChangedFile,
    ImportRow,
    Loss,
    MissingColumn,
    NoConsentColumn,
    Reason,
    Rejected,
    load_mapping,
    read,
)
from cdp.intake.importing.converting import convert
from cdp.intake.importing.rows import RawRow

TRAITS = {"email", "country", "given_name", "birth_date", "phone"}
YAML = """\
source: crm
identifier: {column: id, namespace: "crm:crm"}
identifiers: {mail: email}
traits: {first: given_name, born: birth_date}
"""
HEADER = "id,mail,first,born\n"


def mapping(more="", text=YAML):
    """The mapping, and what a test adds."""
    return load_mapping(text + more, traits=TRAITS)


def taken(values, **more):
    """What becomes of a row with these values."""
    row = {"id": "7", "mail": "ann@example.org", "first": "Ann", "born": None}
    return convert(RawRow(2, {**row, **values}), mapping(**more))


# --- a file that somebody writes to meanwhile ----------------------------------------------------


def lines(count):
    """A file of people."""
    return HEADER + "".join(f"{n},p{n}@example.org,Ann,1980-01-15\n" for n in range(count))


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
@pytest.mark.parametrize("change", ["cut", "emptied", "grown", "another"])
def test_a_file_that_changes_while_it_is_read_is_an_error_and_not_fewer_people(tmp_path, kind, change):
    """Cut off, it just ends: its last rows would be missing with exit 0."""
    path = tmp_path / f"crm.{kind}"
    content = lines(5_000)
    if kind == "ndjson":
        names = HEADER.strip().split(",")
        content = "".join(
            json.dumps(dict(zip(names, line.split(","), strict=True))) + "\n"
            for line in content.splitlines()[1:]
        )
    path.write_text(content)
    rows = read(path, mapping())
    first = next(rows)
    if change == "another":
        (tmp_path / "other").write_text(content)
        (tmp_path / "other").rename(path)
    else:
        os.truncate(path, {"cut": len(content) // 2, "emptied": 0, "grown": len(content) + 1}[change])

    assert isinstance(first, ImportRow)
    with pytest.raises(ChangedFile) as told:
        list(rows)
    assert "crm." in told.value.message and "import it once it is whole" in told.value.message


def test_a_gzip_that_is_being_written_is_no_damaged_file(tmp_path):
    """What goes wrong with it goes wrong because of that, and the way out is to wait."""
    path = tmp_path / "crm.csv.gz"
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="w", mtime=0) as file:
        file.write(lines(60_000).encode())
    path.write_bytes(packed.getvalue())
    rows = read(path, mapping())
    next(rows)
    os.truncate(path, len(packed.getvalue()) // 2)

    with pytest.raises(ChangedFile):
        list(rows)


def test_a_file_that_nobody_touches_is_read_to_its_end(tmp_path):
    """The rule before would hold of a reader that refuses everything."""
    path = tmp_path / "crm.csv"
    path.write_text(lines(3_000))

    assert len(list(read(path, mapping()))) == 3_000


# --- columns ---------------------------------------------------------------------------------------


def test_a_column_that_few_rows_have_is_found_wherever_the_first_of_them_stands(tmp_path):
    """JSON leaves out what somebody does not have: the first with a phone may be the ten thousandth."""
    path = tmp_path / "crm.ndjson"
    rows = [{"id": n, "mail": f"p{n}@example.org"} for n in range(2_500)]
    rows[1_800]["first"] = "Ann"
    rows[2_400] |= {"Born": "1980-01-15"}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = list(read(path, mapping()))

    assert len(found) == 2_500
    assert found[1_800].traits == {"given_name": "Ann"}
    assert found[2_400].traits == {"birth_date": "1980-01-15"}


def test_every_column_that_is_not_there_is_named_at_once(tmp_path):
    """Who has to guess one by one tries an import five times."""
    path = tmp_path / "crm.csv"
    path.write_text("id,e-mail,forename,born\n1,a@example.org,Ann,1980-01-15\n")
    with pytest.raises(MissingColumn) as told:
        read(path, mapping())

    assert told.value.field == "mail, first"
    assert "id, e-mail, forename, born" in told.value.message


@pytest.mark.parametrize("column", ["acceptsMarketingUpdatedAt", "optInTime", "consent.signupDate"])
def test_a_time_is_no_consent_however_its_name_is_written(column):
    """Each value of such a column would be a word that nobody knows, and everybody a no."""
    opt_in = f"opt_in: {{column: {column}, purpose: news, channel: email, notice: monthly}}\n"
    with pytest.raises(NoConsentColumn):
        mapping(opt_in)


# --- cells -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["12e5", "1E10", "7e1", "003e9"])
def test_a_sources_number_with_an_e_in_it_is_no_spreadsheets_damage(number):
    """Every twentieth hexadecimal number of four digits looks like that, and its row was lost."""
    assert taken({"id": number}).key == number


@pytest.mark.parametrize("number", ["4.67E+10", "4,67E+10", "1E+05", "4.67E10", "-1e+21"])
def test_what_a_spreadsheet_left_of_a_long_number_is_damage(number):
    """With a sign or a fraction, as they write it."""
    assert taken({"id": number}).reason is Reason.SPREADSHEET_DAMAGE


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!"])
def test_a_spreadsheets_error_is_nobodys_name_number_or_address(error):
    """A formula that found nothing: it costs its cell and is counted, and as an id it joins nobody."""
    row = taken({"first": error, "mail": error})

    assert taken({"id": error}).reason is Reason.SPREADSHEET_DAMAGE
    assert row.traits == {} and row.identifiers == (("crm:crm", "7"),)
    assert sorted(row.losses) == [(Loss.DAMAGED, "first"), (Loss.DAMAGED, "mail")]


def test_a_time_of_day_in_a_workbook_costs_nobody_their_row():
    """The reader of workbooks gives times and durations types of their own."""
    assert taken({"first": time(9, 30)}).traits == {"given_name": "09:30:00"}
    assert taken({"first": timedelta(hours=30)}).traits == {"given_name": "1 day, 6:00:00"}


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("1984-2-11", "1984-02-11"),
        ("1984/2/1", "1984-02-01"),
        ("1984.12.1 9:05", "1984-12-01"),
        ("19840211", "1984-02-11"),
        ("1984-02-11T00:00:00Z", "1984-02-11"),
    ],
)
def test_a_day_with_the_year_first_is_a_day_with_one_digit_or_two(written, day):
    """Nobody can mistake the month."""
    assert taken({"born": written}).traits["birth_date"] == day


@pytest.mark.parametrize("written", ["1984-13-1", "1984-2", "198421", "1984-2.11"])
def test_what_is_no_day_is_counted(written):
    """It is left out, and the row is taken."""
    row = taken({"born": written})

    assert "birth_date" not in row.traits and (Loss.NO_DATE, "born") in row.losses


def test_a_record_is_no_total_because_of_its_name():
    """A row of totals has nobody's address."""
    assert isinstance(taken({"id": "Total 12"}), ImportRow)
    assert taken({"id": "Total 12", "mail": None}) == Rejected(2, "id", Reason.TOTAL_ROW)


@pytest.mark.parametrize(("written", "code"), [("Sweden", "SE"), ("swe", "SE"), ("se", "SE"), ("中国", "CN")])
def test_a_constant_country_is_read_as_a_cell_is(written, code):
    """By its name it was nobody's residence, and all laws protected everybody in the file."""
    assert taken({}, more=f"constants: {{country: {written}}}\n").traits["country"] == code


def test_a_constant_that_is_no_country_is_an_error():
    """Better now than as many people as the file has whom nobody can reach."""
    with pytest.raises(BadMapping) as told:
        mapping("constants: {country: Swedn}\n")

    assert told.value.field == "constants.country"
