"""Files of records: what is wrong with a file stops it, what is wrong with a row rejects the row."""

import csv
import gzip
import io
import json
import random
import string
import tracemalloc
from datetime import date
from decimal import Decimal

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdp.intake.collection.meant_contacts import unquoted, whole
from cdp.intake.importing import (
    AmbiguousColumn,
    DamagedFile,
    FileTooLarge,
    ImportRow,
    Limits,
    Loss,
    MissingColumn,
    Reason,
    Rejected,
    RejectFile,
    UnknownFormat,
    load_mapping,
    read,
)
from cdp.intake.importing.parquet import parquet_rows
from cdp.kernel.errors import CdpError, UnreadableFile
from governance.fields.catalogue import BuiltInCatalogue

MAPPING = load_mapping(
    """
source: crm
identifier: {column: id, namespace: "crm:crm"}
identifiers: {mail: email}
traits: {name: first_name, dob: birthday, mail: email}
constants: {language: de}
dates: {dob: "%Y%m%d"}
opt_in: {column: ok, purpose: email_marketing, channel: email, notice: newsletter}
""",
    traits=BuiltInCatalogue().traits(),
)
HEADER = ["id", "mail", "name", "dob", "ok", "extra"]
ROWS = [
    {"id": "1", "mail": " a@example.org ", "name": "Zoë", "dob": "19870625", "ok": "Yes", "extra": "x"},
    {"id": "2", "mail": "", "name": 'O"Hara, "Jo"\nSmith', "dob": "", "ok": "", "extra": ""},
    {"id": "3", "mail": "c@example.org", "name": "Mei", "dob": "20120101", "ok": "0", "extra": "y"},
]


def as_csv(rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def as_ndjson(rows):
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def as_parquet(rows):
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), out)
    return out.getvalue()


WRITERS = {"csv": as_csv, "ndjson": as_ndjson, "parquet": as_parquet}
FORMATS = [*WRITERS, *(f"{kind}.gz" for kind in WRITERS)]


def file(folder, content, form="csv"):
    path = folder / f"people.{form}"
    path.write_bytes(
        gzip.compress(content) if form.endswith(".gz") and content[:2] != b"\x1f\x8b" else content
    )
    return path


def rows_of(folder, body, form="csv", **limits):
    return list(read(file(folder, body, form), MAPPING, limits=Limits(**limits)))


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_rows(tmp_path, form):
    """A row means the same in CSV, NDJSON and Parquet, packed or not."""
    content = WRITERS[form.removesuffix(".gz")](ROWS)

    first, second, third = rows_of(tmp_path, content, form)

    assert first.key == "1"
    assert first.identifiers == (("crm:crm", "1"), ("email", "a@example.org"))
    assert first.traits == {
        "language": "de",
        "first_name": "Zoë",
        "birthday": "1987-06-25",
        "email": "a@example.org",
    }
    assert [[one.given for one in row.choices] for row in (first, second, third)] == [[True], [], [False]]
    assert second.identifiers == (("crm:crm", "2"),)
    assert second.traits == {"language": "de", "first_name": 'O"Hara, "Jo"\nSmith'}


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_content_says_the_same_and_other_content_something_else(tmp_path, form):
    """An import run again is recognised, whatever the format and the order of columns."""
    once = rows_of(tmp_path, as_csv(ROWS))
    again = rows_of(
        tmp_path, WRITERS[form.removesuffix(".gz")]([dict(reversed(row.items())) for row in ROWS]), form
    )
    changed = rows_of(tmp_path, as_csv([{**row, "ok": "true"} for row in ROWS[1:]]))

    assert list(map(said, once)) == list(map(said, again))
    assert len({str(said(row)) for row in once}) == 3
    assert not {str(said(row)) for row in once} & {str(said(row)) for row in changed}


def said(row):
    """All that a row says; its place in the file is none of it."""
    return row.identifiers, sorted(row.traits.items()), row.choices, row.served, row.beside


@pytest.mark.parametrize("form", FORMATS)
def test_a_missing_column_is_named_before_any_row(tmp_path, form):
    """The mapping is checked against the file first."""
    rows = [{key: value for key, value in row.items() if key != "dob"} for row in ROWS]
    content = WRITERS[form.removesuffix(".gz")](rows)
    if form.startswith("csv"):
        content = content.replace(b"dob", b"born")

    with pytest.raises(MissingColumn) as caught:
        read(file(tmp_path, content, form), MAPPING)

    assert caught.value.field == "dob"
    assert "people." in str(caught.value)


def test_a_column_that_is_there_twice_is_refused(tmp_path):
    """Nobody can say which one was meant."""
    with pytest.raises(AmbiguousColumn):
        read(file(tmp_path, b"id,mail,name,dob,ok,mail\n"), MAPPING)


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_an_empty_file_lacks_its_columns(tmp_path, form):
    """Nothing to import is told, not passed over."""
    with pytest.raises(MissingColumn):
        read(file(tmp_path, b"", form), MAPPING)


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_the_file_may_start_with_a_byte_order_mark(tmp_path, form):
    """Spreadsheets write one, and it belongs to no name and no value."""
    content = as_csv(ROWS) if form == "csv" else as_ndjson(ROWS)
    rows = rows_of(tmp_path, b"\xef\xbb\xbf" + content, form)
    assert [type(row) for row in rows] == [ImportRow] * 3


def test_a_quoted_header_may_start_with_a_byte_order_mark(tmp_path):
    """Exports that quote every cell write `BOM "id"`: the column is id, not `"id"`."""
    header, rest = as_csv(ROWS).split(b"\n", 1)
    quoted = b",".join(b'"' + name + b'"' for name in header.strip().split(b","))
    assert len(rows_of(tmp_path, b"\xef\xbb\xbf" + quoted + b"\n" + rest)) == 3


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        (b"4,a@example.org,n,19870625,1,x,y", None, Reason.WRONG_NUMBER_OF_FIELDS),
        (b",a@example.org,n,19870625,1,x", "id", Reason.MISSING),
        (b"4,a\xff@example.org,n,19870625,1,x", "mail", Reason.INVALID_UTF8),
        (b"4,a@example.org,n\0,19870625,1,x", "name", Reason.NUL_BYTE),
        (b"4.67E+10,a@example.org,n,19870625,1,x", "id", Reason.SPREADSHEET_DAMAGE),
        (b"Total: 3,,,,,", "id", Reason.TOTAL_ROW),
        (b"4," + b"a" * 4_097 + b",n,19870625,1,x", "mail", Reason.TOO_LONG),
        (b"4," + b"a" * 70_000 + b",n,19870625,1,x", None, Reason.LINE_TOO_LONG),
        (b'4,"a"b,n,19870625,1,x', None, Reason.MALFORMED),
        (b'4,"never closed,n,19870625,1,x', None, Reason.MALFORMED),
    ],
)
def test_a_broken_csv_line_is_rejected_alone(tmp_path, line, field, reason):
    """Line number, column and reason; the lines before and after are taken."""
    whole = as_csv(ROWS[:1]) + line + b"\n" + as_csv(ROWS[2:]).split(b"\n", 1)[1]

    before, rejected, after = rows_of(tmp_path, whole)

    assert (before.key, after.key) == ("1", "3")
    assert (rejected.line, rejected.field, rejected.reason) == (3, field, reason)
    assert after.line == 4


def test_an_unclosed_quote_costs_its_own_line_only(tmp_path):
    """Hundreds of good rows behind it are taken, with their own line numbers."""
    good = b"".join(b"%d,,n,,,\n" % number for number in range(10, 410))

    rejected, *taken = rows_of(tmp_path, b'id,mail,name,dob,ok,extra\n1,"open,n,,,\n' + good)

    assert (rejected.line, rejected.field, rejected.reason) == (2, None, Reason.MALFORMED)
    assert [(row.key, row.line) for row in taken] == [(str(n), n - 7) for n in range(10, 410)]


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        (b"{", None, Reason.NOT_JSON),
        (b"[1]", None, Reason.NOT_AN_OBJECT),
        (b"[" * 100_000, None, Reason.LINE_TOO_LONG),
        (b"[" * 20_000, None, Reason.NOT_JSON),
        (b'{"id":"4","mail":{"a":1}}', "mail", Reason.WRONG_TYPE),
        (b'{"id":"4","mail":"\xff"}', None, Reason.INVALID_UTF8),
        (b'{"id":"4","mail":"a\\u0000"}', "mail", Reason.NUL_BYTE),
        (b'{"id":"4","mail":NaN}', None, Reason.NOT_JSON),
        (b'{"id":null}', "id", Reason.MISSING),
        (b"{}", "id", Reason.MISSING),
    ],
)
def test_a_broken_ndjson_line_is_rejected_alone(tmp_path, line, field, reason):
    """The same for NDJSON; an empty line is no row."""
    before, rejected, after = rows_of(
        tmp_path, as_ndjson(ROWS[:1]) + line + b"\n\n" + as_ndjson(ROWS[2:]), "ndjson"
    )

    assert (rejected.line, rejected.field, rejected.reason) == (2, field, reason)
    assert (before.key, after.key, after.line) == ("1", "3", 4)


def test_values_of_other_types_become_text(tmp_path):
    """Numbers and truth values are written as JSON writes them."""
    [row] = rows_of(tmp_path, b'{"id":17,"mail":null,"name":1.5,"dob":"","ok":true}\n', "ndjson")

    assert (row.key, row.traits["first_name"], row.choices[0].given) == ("17", "1.5", True)


def test_parquet_types_are_kept_or_rejected_by_column(tmp_path):
    """A date is a date already; bytes that are no text are named."""
    table = pyarrow.table(
        {
            "id": pyarrow.array([1, 2, 3]),
            "mail": pyarrow.StringArray.from_buffers(
                3,
                pyarrow.py_buffer(b"\0\0\0\0\x01\0\0\0\x02\0\0\0\x03\0\0\0"),
                pyarrow.py_buffer(b"a\xffc"),
            ),
            "name": pyarrow.array([Decimal("1.50"), None, None]),
            "dob": pyarrow.array([date(1987, 6, 25), None, date(2012, 1, 1)]),
            "ok": pyarrow.array([[True], None, None]),
        }
    )
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out)

    first, second, third = rows_of(tmp_path, out.getvalue(), "parquet")

    assert first.losses == ((Loss.UNKNOWN_WORD, "ok"),)
    assert [one.given for one in first.choices] == [False]
    assert second == Rejected(2, "mail", Reason.INVALID_UTF8)
    assert third.traits == {"language": "de", "email": "c", "birthday": "2012-01-01"}


@pytest.mark.parametrize("form", ["csv.gz", "ndjson.gz", "parquet.gz"])
def test_a_truncated_gzip_gives_no_row_at_all(tmp_path, form):
    """Only its end proves a gzip whole, so it is read to the end before the first row."""
    packed = gzip.compress(WRITERS[form.removesuffix(".gz")](ROWS * 200))
    for cut in (0, 1, 9, 20, len(packed) // 2, len(packed) - 9, len(packed) - 1):
        path = tmp_path / f"people.{form}"
        path.write_bytes(packed[:cut])

        with pytest.raises(DamagedFile) as caught:
            read(path, MAPPING)

        assert path.name in str(caught.value)


def test_a_gzip_with_a_flipped_bit_is_refused(tmp_path):
    """The checksum is verified before the first row."""
    packed = bytearray(gzip.compress(as_csv(ROWS * 200)))
    packed[-6] ^= 1

    with pytest.raises(DamagedFile):
        read(file(tmp_path, bytes(packed), "csv.gz"), MAPPING)


cells = st.one_of(st.none(), st.sampled_from(["", "a", "a", "Zoë", "x" * 300]))
nested = st.fixed_dictionaries(
    {
        "text": cells,
        "number": st.one_of(st.none(), st.integers(-5, 5)),
        "many": st.one_of(st.none(), st.lists(cells, max_size=3)),
        "inner": st.one_of(st.none(), st.fixed_dictionaries({"a": cells, "b": st.lists(cells, max_size=2)})),
        "pairs": st.one_of(st.none(), st.lists(st.tuples(st.sampled_from("kl"), cells), max_size=2)),
    }
)
SCHEMA = pyarrow.schema(
    {
        "text": pyarrow.string(),
        "number": pyarrow.int64(),
        "many": pyarrow.list_(pyarrow.string()),
        "inner": pyarrow.struct({"a": pyarrow.string(), "b": pyarrow.list_(pyarrow.string())}),
        "pairs": pyarrow.map_(pyarrow.string(), pyarrow.string()),
    }
)


@given(st.lists(nested, max_size=12))
def test_parquets_values_are_those_of_its_library_though_shared(tmp_path, rows):
    """Texts, lists, objects and pairs, with nothing in any of their places."""
    path = tmp_path / "people.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=SCHEMA), path, row_group_size=5)
    found = parquet_rows(path, {name: name for name in SCHEMA.names}, Limits())

    assert [row.values for row in found] == pyarrow.parquet.read_table(path).to_pylist()


@pytest.mark.parametrize("cut", [0, 3, 100, -1])
def test_a_truncated_parquet_is_refused(tmp_path, cut):
    """Its end is its table of contents."""
    with pytest.raises(DamagedFile):
        read(file(tmp_path, as_parquet(ROWS)[:cut], "parquet"), MAPPING)


@pytest.mark.parametrize("form", ["csv.gz", "ndjson.gz", "parquet.gz"])
def test_a_gzip_bomb_is_refused_by_its_ratio_without_growing(tmp_path, form):
    """S3's rule for files: named and refused, with memory flat."""
    path = tmp_path / f"bomb.{form}"
    with gzip.open(path, "wb") as bomb:
        for _ in range(64):
            bomb.write(bytes(1 << 20))
    tracemalloc.start()

    with pytest.raises(FileTooLarge) as caught:
        read(path, MAPPING)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.name in str(caught.value)
    assert peak < 8 << 20


def test_a_file_larger_than_the_cap_is_refused(tmp_path):
    """Packed or plain, by its decompressed size."""
    noise = "".join(random.Random(1).choices(string.ascii_letters, k=50_000))
    content = as_csv([{**ROWS[0], "extra": noise[n : n + 500]} for n in range(0, 50_000, 500)])
    for form in ("csv", "csv.gz"):
        with pytest.raises(FileTooLarge):
            rows_of(tmp_path, content, form, content=40_000)

    assert len(rows_of(tmp_path, content, "csv.gz", content=len(content))) == 100


def test_a_packed_parquet_must_fit_in_memory(tmp_path):
    """It can't be read as a stream, so its limit is a smaller one."""
    with pytest.raises(FileTooLarge):
        rows_of(tmp_path, as_parquet(ROWS), "parquet.gz", in_memory=1_000)


@pytest.mark.parametrize("name", ["people.ods", "people", "people.gz", "people.csv.zip"])
def test_a_format_is_known_by_the_files_name(tmp_path, name):
    """Guessing a format from content would read some files wrongly."""
    with pytest.raises(UnknownFormat):
        read(tmp_path / name, MAPPING)


def test_a_file_that_is_not_there_is_a_clear_error(tmp_path):
    """The name, and no trace of the operating system's."""
    with pytest.raises(UnreadableFile):
        read(tmp_path / "none.csv", MAPPING)


def test_rejects_name_line_column_and_reason_and_never_a_value(tmp_path):
    """The file of rejects may lie about; what people typed may not."""
    content = as_csv([{**ROWS[0], "name": "canary\0"}, {**ROWS[0], "id": "", "ok": "canary"}])
    path = tmp_path / "rejects.ndjson"
    with RejectFile(path) as rejects:
        for row in rows_of(tmp_path, content):
            rejects.write(row)

    assert path.read_text().splitlines() == [
        '{"line":2,"field":"name","reason":"nul_byte"}',
        '{"line":3,"field":"id","reason":"missing","no_heard":true}',
    ]
    assert rejects.reasons == {"nul_byte": 1, "missing": 1}


def test_without_a_rejected_row_there_is_no_file_of_rejects(tmp_path):
    """Nor one of an import before; what lies about would be taken for a fault."""
    path = tmp_path / "rejects.ndjson"
    path.write_text("of the import before")
    with RejectFile(path) as rejects:
        pass

    assert not rejects.reasons
    assert not path.exists()


def test_a_row_prints_nothing_personal(tmp_path):
    """A value can't reach a log by way of a repr."""
    text = repr(rows_of(tmp_path, as_csv(ROWS)))

    assert "example" not in text
    assert "Zoë" not in text


def test_memory_stays_flat_over_a_long_file(tmp_path):
    """A file is a stream, in each format."""
    many = [{**ROWS[0], "dob": "", "id": str(number)} for number in range(6_000)]
    for kind, write in WRITERS.items():
        path = file(tmp_path, write(many), f"{kind}.gz" if kind != "parquet" else kind)
        rows = read(path, MAPPING)
        next(rows)
        tracemalloc.start()

        count = sum(isinstance(row, ImportRow) for row in rows)

        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == 5_999
        assert peak < 3 << 20


cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
sound = {"dob": st.just(""), "ok": st.just("")}
rows_around = dict.fromkeys(HEADER, cells) | sound


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.fixed_dictionaries(rows_around), min_size=1, max_size=6))
def test_every_row_is_taken_or_rejected_whatever_stands_in_it(tmp_path, rows):
    """No row is lost and none is doubled, and text goes through unchanged."""
    for kind in ("csv", "ndjson"):
        results = rows_of(tmp_path, WRITERS[kind](rows), kind)
        # A row without a single value is no row of a table, but a line that a spreadsheet left.
        there = [row for row in rows if kind != "csv" or any(row.values())]

        assert len(results) == len(there)
        for row, result in zip(there, results, strict=True):
            if isinstance(result, ImportRow):
                assert (result.key, result.traits.get("first_name", "")) == (
                    whole(unquoted(row["id"].strip())),
                    row["name"].strip(),
                )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400), st.sampled_from(FORMATS))
def test_any_bytes_give_rows_rejects_or_our_errors(tmp_path, content, form):
    """Whatever a file holds, the answer is one that we chose."""
    head = as_csv(ROWS[:1]) if form.startswith("csv") else as_ndjson(ROWS[:1])
    for body in (content, head + content):
        path = tmp_path / f"any.{form}"
        path.write_bytes(gzip.compress(body) if form.endswith(".gz") else body)
        try:
            results = list(read(path, MAPPING))
        except CdpError:
            continue

        assert all(isinstance(row, ImportRow | Rejected) for row in results)
