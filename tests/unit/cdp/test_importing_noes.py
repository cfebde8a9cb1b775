"""A row that says no is heard, whatever else of it or of its file is broken."""

import csv
import io
import json
import random
from collections import Counter

import pytest

from cdp.intake.importing import ImportRow, Loss, Rejected, load_mapping, read
from governance.fields.catalogue import BuiltInCatalogue

ROWS = 20_000
MAPPING = load_mapping(
    """
source: crm
identifier: {column: id, namespace: "crm:crm"}
identifiers: {mail: email, phone: phone}
traits: {name: name, born: birth_date, country: country, town: city}
dates: {born: "%Y-%m-%d"}
phone_region: SE
opt_in: {column: ok, purpose: newsletter, channel: email, notice: monthly}
""",
    traits=BuiltInCatalogue().traits(),
)
COLUMNS = ["id", "name", "mail", "phone", "born", "country", "town", "ok", "note"]
NOES = "no 0 false off unsubscribed opt-out opted_out cleaned bounced complained spam nej nein 否 whatever"
# A cell that is broken so may well be one that names somebody; the other one still does.
BREAKABLE = [column for column in COLUMNS if column != "ok"]
NAMES = ("id", "mail")


def a_row(number, random):
    """A sound row that says no."""
    return {
        "id": f"c{number}",
        "name": random.choice(["Åsa Öberg", "Bo Ek", "Ek, Bo", 'Bo "B" Ek', "王伟", ""]),
        "mail": f"p{number}@a.example",
        "phone": random.choice(["", "070-174 06 05", "+46701740605"]),
        "born": random.choice(["", "1984-02-11"]),
        "country": random.choice(["SE", "Sverige", ""]),
        "town": random.choice(["Umeå", ""]),
        "ok": random.choice(NOES.split()),
        "note": "",
    }


def break_a_cell(row, random):
    """One value that is none of its kind; which column's."""
    bad = [
        "\0",
        "x" * 5_000,
        "x" * 70_000,
        "1984-02-31",
        "4.67E+10",
        "Atlantis",
        "?",
        "null",
        "\x85",
        " ",
        "n/a",
    ]
    column = random.choice(BREAKABLE)
    row[column] = random.choice(bad)
    return column


def as_csv(row, random):
    """The row's line, perhaps broken in its form."""
    out = io.StringIO(newline="")
    csv.writer(out).writerow(row[column] for column in COLUMNS)
    line = out.getvalue().rstrip("\r\n")
    match random.randrange(6):
        case 0:  # a cell too many, somewhere
            cells = [row[column] for column in COLUMNS]
            cells.insert(random.randrange(len(cells) + 1), random.choice(["", "x", "Ek"]))
            line = ",".join(f'"{cell.replace(chr(34), "")}"' for cell in cells)
        case 1:  # a cell too few, but not the consent
            cells = [row[column] for column in COLUMNS]
            del cells[random.choice([0, 1, 3, 4, 5, 6, 8])]
            line = ",".join(f'"{cell.replace(chr(34), "")}"' for cell in cells)
        case 2:  # a quote that is never closed
            line = line.replace(row["id"], f'{row["id"]}"x', 1)
        case 3:
            # Of one that names somebody alone: with its form broken too, nobody might be left to be bound.
            if break_a_cell(row, random) not in NAMES:
                return as_csv(row, random)
            out = io.StringIO(newline="")
            csv.writer(out).writerow(row[column] for column in COLUMNS)
            return out.getvalue().rstrip("\r\n")
        case 4:  # a delimiter that was not quoted
            line = line.replace(row["mail"], f"{row['mail']},", 1)
    return line


def as_json(row, random):
    """The row's line, perhaps broken in its form."""
    if random.random() < 0.5:
        break_a_cell(row, random)
    line = json.dumps({key: value or None for key, value in row.items()}, ensure_ascii=False)
    match random.randrange(5):
        case 0:
            line = line[:-1]
        case 1:
            line = line.replace('"name": ', '"name": NaN, "n": ', 1)
        case 2:
            line = line.replace("{", "{,", 1)
        case 3:
            line = f"[{line}]"
    return line


def refuses(row, number):
    """Whether what was read of a row binds its person or its address with a no."""
    said = row.no if isinstance(row, Rejected) else row
    if said is None or not said.choices or any(one.given for one in said.choices):
        return False
    return bool(named(row, number))


def named(row, number):
    """By which of its two names what was read of a row names its person."""
    said = row.no if isinstance(row, Rejected) else row
    values, own = {value for _, value in said.identifiers}, (f"c{number}", f"p{number}@a.example")
    return frozenset(name for name, value in zip(NAMES, own, strict=True) if value in values)


@pytest.mark.parametrize(("form", "write"), [("csv", as_csv), ("ndjson", as_json)])
def test_of_thousands_of_rows_that_are_broken_in_one_place_not_one_loses_its_no(tmp_path, form, write):
    """The kind, not the examples: whatever is broken but the consent itself, the no is heard."""
    chance = random.Random(9)
    path = tmp_path / f"people.{form}"
    lines = [",".join(COLUMNS)] if form == "csv" else [json.dumps(dict.fromkeys(COLUMNS))]
    numbers = {}
    for number in range(ROWS // 2):
        numbers[len(lines) + 1] = number
        lines.append(write(a_row(number, chance), chance).replace("\n", " "))
    path.write_bytes("\n".join(lines).encode())
    heard = {
        numbers[row.line]: row
        for row in read(path, MAPPING)
        if row.line in numbers and refuses(row, numbers[row.line])
    }

    lost = [lines[line - 1][:200] for line, number in numbers.items() if number not in heard]
    assert lost == []
    assert sum(isinstance(row, ImportRow) for row in heard.values()) > 500
    assert sum(isinstance(row, Rejected) for row in heard.values()) > 500
    left = Counter(named(row, number) for number, row in heard.items())
    assert min(left[frozenset({name})] for name in NAMES) > 50, "each name is broken while the other is left"


@pytest.mark.parametrize("form", ["csv", "ndjson"])
@pytest.mark.parametrize(
    ("cells", "beside"),
    [
        ({"mail": "", "phone": "a@a.example"}, ("email", "a@a.example")),
        ({"id": "a@a.example"}, ("email", "a@a.example")),
        ({"id": "", "phone": "Ann <a@a.example>"}, ("email", "a@a.example")),
        ({"mail": "+46701740605"}, ("phone", "+46701740605")),
        ({"mail": "070-174 06 05"}, ("phone", "070-174 06 05")),
        ({"mail": "a%40a.example"}, ("email", "a@a.example")),
        ({"id": "+46701740605"}, ("phone", "+46701740605")),
    ],
)
@pytest.mark.parametrize("rejected", [True, False])
def test_a_contact_in_the_wrong_column_is_named_by_a_no_and_by_no_yes(
    tmp_path, form, cells, beside, rejected
):
    """What is plainly an address or a number is bound wherever it stands, and is no key."""
    rows = [
        {"id": "c1", "mail": "x@a.example", "phone": "", "name": "Bo\0" if rejected else "Bo"}
        | cells
        | {"ok": word}
        for word in ("no", "yes")
    ]
    path = tmp_path / f"rows.{form}"
    columns = [{column: row.get(column, "") for column in COLUMNS} for row in rows]
    if form == "csv":
        lines = [",".join(f'"{cell}"' for cell in row.values()) for row in columns]
        path.write_text("\n".join([",".join(COLUMNS), *lines]))
    else:
        path.write_text("\n".join(map(json.dumps, columns)))
    no, yes = read(path, MAPPING)
    said = no.no if isinstance(no, Rejected) else no

    assert beside in said.beside and beside not in said.identifiers
    assert (yes.no is None) if isinstance(yes, Rejected) else (yes.beside == ())


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("csv", "c1,Bo,a@a.example\0,,,,,no,"),
        ("ndjson", '{"id": "c1", "mail": {"address": "a@a.example"}, "ok": false}'),
        ("ndjson", '{"id": "c1", "mail": [{"value": "a@a.example"}], "ok": false}'),
        ("ndjson", '{"id": "c1", "mail": [["a@a.example"]], "ok": "no"}'),
        ("ndjson", '{"id": {"$oid": "c1"}, "mail": "a@a.example", "ok": false}'),
        ("ndjson", "{'id': 'c1', 'mail': 'a@a.example', 'ok': False}"),
        ("ndjson", '{"id": "c1", "mail": "a\\u0040a.example", "ok": false,'),
        ("json", '[{"id": "c1", "mail": "a@a.example", "ok": false}]'),
        ("json", json.dumps('{"id": "c1", "mail": "a@a.example", "ok": false}')),
    ],
)
def test_the_no_of_a_row_that_holds_its_contact_wrongly_is_heard(tmp_path, form, line):
    """In an object, a list or another notation: it is no key, and what it plainly names is bound."""
    sound = json.dumps(dict.fromkeys(COLUMNS))
    path = tmp_path / f"rows.{form}"
    text = {"csv": f"{','.join(COLUMNS)}\n{line}", "json": f"[{sound}, {line}]"}.get(form, f"{sound}\n{line}")
    path.write_text(text)
    *_, row = read(path, MAPPING)

    assert ("email", "a@a.example") in (*row.no.identifiers, *row.no.beside)
    assert [choice.given for choice in row.no.choices] == [False]


@pytest.mark.parametrize("value", [["gold", "vip"], {"tier": "gold"}, []])
def test_a_list_or_an_object_costs_its_cell_alone(tmp_path, value):
    """The row is taken, and the cell counted; in the column that says whose it is, it costs the row."""
    path = tmp_path / "rows.ndjson"
    sound = dict.fromkeys(COLUMNS, "") | {"id": "c1", "mail": "a@a.example", "ok": "no"}
    rows = [sound | {"name": value}, sound | {"born": value}, sound | {"id": value}]
    path.write_text("\n".join(map(json.dumps, rows)))
    name, born, own = read(path, MAPPING)

    assert name.losses == ((Loss.NO_VALUE, "name"),)
    assert born.losses == ((Loss.NO_VALUE, "born"),)
    assert all(row.identifiers == (("crm:crm", "c1"), ("email", "a@a.example")) for row in (name, born))
    assert isinstance(own, Rejected) and own.no.identifiers == (("email", "a@a.example"),)


PLAIN = """
source: crm
identifier: {column: id, namespace: "crm:crm"}
identifiers: {mail: email}
opt_in: {column: ok, purpose: newsletter, channel: email, notice: monthly}
"""
NESTED = PLAIN.replace("column: ok", "column: consent.mail")


@pytest.mark.parametrize("form", ["ndjson", "json"])
@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("plain", '"ok": "no", "ok": "yes"'),
        ("plain", '"ok": false, "ok": null'),
        ("nested", '"consent": {"mail": false}, "consent": {"mail": true}'),
        ("nested", '"consent": {"mail": false, "mail": true}'),
        ("nested", '"consent": {"mail": false}, "consent": {}'),
        ("nested", '"consent": false'),
        ("nested", '"consent": "declined"'),
        ("nested", '"consent": [{"mail": false}]'),
        ("nested", '"consent": true'),
    ],
)
def test_a_no_that_a_json_reader_passes_over_is_heard(tmp_path, form, mapping, said):
    """A name that is there twice, and a value where other rows have an object, are no clear yes."""
    other = '{"id": "c1", "mail": "a@a.example", "ok": "yes", "consent": {"mail": true}}'
    row = f'{{"id": "c2", "mail": "b@a.example", {said}}}'
    text = f"[{other}, {row}]" if form == "json" else f"{other}\n{row}\n"
    path = tmp_path / f"rows.{form}"
    path.write_text(text)
    chosen = load_mapping(NESTED if mapping == "nested" else PLAIN, traits=BuiltInCatalogue().traits())
    yes, no = read(path, chosen)

    assert [choice.given for choice in yes.choices] == [True]
    assert [choice.given for choice in no.choices] == [False]
