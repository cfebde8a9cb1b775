"""Files that were made to harm whoever imports them: bombs, entities, other formats, objects, formulas."""

import gzip
import io
import json
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from worlds.files_as_people_have_them import workbook

from cdp.intake.importing import (
    DamagedFile,
    FileTooLarge,
    ImportRow,
    Rejected,
    RejectFile,
    load_mapping,
    read,
)
from cdp.intake.importing.encoding import Recoded
from cdp.intake.importing.mapping import BadMapping
from cdp.kernel.errors import CdpError
from governance.fields.catalogue import BuiltInCatalogue

TRAITS = BuiltInCatalogue().traits()
MAPPING = load_mapping(
    'source: crm\nidentifier: {column: id, namespace: "crm:crm"}\nidentifiers: {mail: email}\n'
    "traits: {name: name}\n",
    traits=TRAITS,
)
CANARY = "canary-of-this-machine-5b1c"
MEGABYTE = 1 << 20
UNPACKED = 200 * MEGABYTE


def rewritten(content, **parts):
    """A workbook with some of its parts changed by functions of their text."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            text = old.read(name).decode()
            change = parts.get(name.rpartition("/")[2].partition(".")[0])
            new.writestr(name, change(text) if change else text)
    return out.getvalue()


def sheet(name="Ann"):
    """A workbook of one person."""
    return workbook(["id", "mail", "name"], ["1", "a@example.org", name])


def test_a_workbook_that_names_a_file_of_this_machine_reads_nothing_of_it(tmp_path):
    """XXE: an entity from outside is no value; the file is damaged, or its row lacks it."""
    secret = tmp_path / "secret.txt"
    secret.write_text(CANARY)
    entity = f'<!DOCTYPE x [<!ENTITY it SYSTEM "{secret.as_uri()}">]>'
    content = rewritten(sheet("PLACE"), sheet1=lambda text: entity + text.replace("PLACE", "&it;"))
    path = tmp_path / "people.xlsx"
    path.write_bytes(content)
    try:
        found = list(read(path, MAPPING))
    except CdpError as error:
        found = [str(error)]

    assert b"&it;" in zipfile.ZipFile(path).read("xl/sheet1.xml")
    assert CANARY not in repr(found)
    assert not any(isinstance(one, ImportRow) and CANARY in str(one.traits) for one in found)


def test_a_workbook_whose_entities_multiply_stays_small(tmp_path):
    """A billion laughs: nine entities of ten of the one before would be a gigabyte."""
    names = [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)]
    bomb = f'<!DOCTYPE x [<!ENTITY a0 "laugh">{"".join(names)}]>'
    path = tmp_path / "people.xlsx"
    path.write_bytes(rewritten(sheet("PLACE"), sheet1=lambda text: bomb + text.replace("PLACE", "&a9;")))
    before = _resident()
    try:
        found = list(read(path, MAPPING))
    except CdpError:
        found = []

    assert _resident() - before < 64 * MEGABYTE
    assert len(repr(found)) < 10_000


def _resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096


def test_a_workbook_that_unpacks_to_far_more_is_refused(tmp_path):
    """By what comes out of it, and not by what it says of itself; nothing of it is kept in memory."""
    path = tmp_path / "people.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        with zipfile.ZipFile(io.BytesIO(sheet())) as old:
            for name in old.namelist():
                made.writestr(name, old.read(name))
        with made.open("xl/sharedStrings.xml", "w", force_zip64=True) as part:
            for _ in range(UNPACKED // MEGABYTE):
                part.write(bytes(MEGABYTE))
    lying = bytearray(path.read_bytes())
    # Both headers say that the part is a kilobyte.
    size = UNPACKED.to_bytes(4, "little")
    while (at := lying.find(size)) >= 0:
        lying[at : at + 4] = (1_024).to_bytes(4, "little")
    liar = tmp_path / "liar.xlsx"
    liar.write_bytes(lying)
    tracemalloc.start()
    with pytest.raises(FileTooLarge):
        read(path, MAPPING)
    with pytest.raises((FileTooLarge, DamagedFile)):
        read(liar, MAPPING)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert path.stat().st_size < 4 * MEGABYTE
    assert peak < 72 * MEGABYTE, "the file's bytes and one piece of what comes out of them"


def repeated(kind, rows=2_000, size=MEGABYTE // 4):
    """Rows that all say one long text, as Parquet that has it once or packs it well."""
    text = "x" * size
    if kind == "lists":
        name = pyarrow.array([[text, text]] * rows)
    else:
        name = pyarrow.DictionaryArray.from_arrays([0] * rows, [text])
    ids = [str(number) for number in range(rows)]
    table = pyarrow.table({"id": ids, "mail": ["a@example.org"] * rows, "name": name})
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, use_dictionary=kind != "plain", compression="zstd")
    return out.getvalue()


@pytest.mark.parametrize("kind", ["dictionary", "lists", "plain"])
def test_a_parquet_that_says_one_thing_thousands_of_times_stays_small(tmp_path, kind):
    """A text that stands there once, or packs well, was written out for each row: a gigabyte of memory."""
    path = tmp_path / "people.parquet"
    path.write_bytes(repeated(kind))
    pyarrow.default_memory_pool().release_unused()
    Path("/proc/self/clear_refs").write_text("5")
    before = _resident()
    try:
        rows = sum(1 for _ in read(path, MAPPING))
    except FileTooLarge:
        rows = 0
    peak = next(
        int(line.split()[1]) * 1024
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    sys.stdout.write(
        f"{kind}: {path.stat().st_size} bytes grew memory by {(peak - before) / MEGABYTE:.0f} MB\n"
    )

    assert path.stat().st_size < MEGABYTE
    assert rows == (0 if kind == "plain" else 2_000)
    assert peak - before < 128 * MEGABYTE


@pytest.mark.parametrize("form", ["xlsx", "parquet", "csv.gz", "json", "ndjson"])
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path, form):
    """Its content is read as its name says, and a file of another kind is no such file."""
    table = pyarrow.Table.from_pylist([{"id": "1", "mail": "a@example.org", "name": "Ann"}])
    parquet = io.BytesIO()
    pyarrow.parquet.write_table(table, parquet)
    kinds = {
        "xlsx": sheet(),
        "parquet": parquet.getvalue(),
        "csv": b"id,mail,name\n1,a@example.org,Ann\n",
        "program": b"\x7fELF\x02\x01\x01" + bytes(200),
        "page": b"<html><script>alert(1)</script></html>",
    }
    for kind, content in kinds.items():
        if form.startswith(kind):
            continue
        path = tmp_path / f"people.{form}"
        path.write_bytes(content)
        try:
            found = list(read(path, MAPPING))
        except CdpError:
            found = []

        assert [one for one in found if isinstance(one, ImportRow)] == [], kind


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['touch {place}']",
        "!!python/object/new:pathlib.Path ['{place}']",
        "!!python/name:os.system",
        "!!python/module:os",
    ],
)
def test_a_mapping_that_names_objects_makes_none(tmp_path, value):
    """YAML can name classes and calls; here it is plain data or an error."""
    place = tmp_path / "made"
    text = f'source: crm\nidentifier: {{column: id, namespace: "crm:crm"}}\nconstants: {value}\n'
    with pytest.raises(BadMapping):
        load_mapping(text.replace("{place}", str(place)), traits=TRAITS)

    assert not place.exists()


def test_a_mapping_whose_aliases_multiply_is_refused_while_it_is_small():
    """YAML's billion laughs: what would be a gigabyte of names is no mapping."""
    levels = [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    text = "\n".join(["source: crm", "constants:", '  a0: &a0 "laugh"', *levels])
    tracemalloc.start()
    with pytest.raises(CdpError) as error:
        load_mapping(text, traits=TRAITS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 16 * MEGABYTE
    assert "laugh" not in str(error.value)


def test_a_column_that_is_a_pattern_is_a_name(tmp_path):
    """A name that would match everything, or would take for ever, is looked for letter by letter."""
    column = "(a+)+$|.*"
    mapping = load_mapping(
        'source: crm\nidentifier: {column: id, namespace: "crm:crm"}\nidentifiers: {mail: email}\n'
        f'traits: {{"{column}": name}}\n',
        traits=TRAITS,
    )
    whole = json.dumps({"id": "1", "mail": "a@example.org", column: "Ann"})
    broken = json.dumps({"id": "2", "mail": "b@example.org", column: "a" * 5_000 + "!"})[:-1]
    path = tmp_path / "people.ndjson"
    path.write_text(f"{whole}\n{broken}\n")
    first, second = read(path, mapping)

    assert isinstance(first, ImportRow) and first.traits["name"] == "Ann"
    assert isinstance(second, Rejected)


@pytest.mark.parametrize("cell", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "＝1+1", "\0=1"])
def test_a_cell_that_is_a_formula_is_in_no_file_that_a_spreadsheet_opens(tmp_path, cell):
    """S2: what is written of a row is JSON, a line an object; of a rejected one no value at all."""
    path = tmp_path / "people.ndjson"
    path.write_text(json.dumps({"id": "", "mail": cell, "name": cell}) + "\n")
    rejects = tmp_path / "rejects.ndjson"
    with RejectFile(rejects) as file:
        for one in read(path, MAPPING):
            assert isinstance(one, Rejected)
            file.write(one)
    (line,) = rejects.read_text().splitlines()

    assert line.startswith("{")
    assert cell.strip("\t\0") not in line


@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_a_file_that_ends_within_a_character_ends(tmp_path, form):
    """Half a character of UTF-16 at the end was read again and again: the import never came back."""
    stream = Recoded(io.BytesIO("ab".encode("utf-16-le") + b"c"), utf_16="utf-16-le", returns=False)
    pieces = [stream.read(100) for _ in range(3)]
    texts = {
        "csv": "id,mail,name\n1,a@example.org,Ann\n2",
        "json": '[{"id": "1", "mail": "a@example.org", "name": "Ann"}]\n ',
        "ndjson": '{"id": "1", "mail": "a@example.org", "name": "Ann"}\n{',
    }

    assert pieces == [b"ab", b"\xff", b""]
    path = tmp_path / f"people.{form}"
    path.write_bytes(texts[form].encode("utf-16") + b"c")
    try:
        found = list(read(path, MAPPING))
    except CdpError as error:
        found = [error]

    assert form == "json" or isinstance(found[0], ImportRow)
    assert not isinstance(found[-1], ImportRow), "its end is rejected, or all of it"


def test_a_gzip_in_a_gzip_is_opened_once(tmp_path):
    """Each layer would multiply what a limit bounds."""
    path = tmp_path / "people.csv.gz"
    path.write_bytes(gzip.compress(gzip.compress(b"id,mail,name\n1,a@example.org,Ann\n")))
    try:
        found = list(read(path, MAPPING))
    except CdpError:
        found = []

    assert [one for one in found if isinstance(one, ImportRow)] == []
    sys.stdout.write(f"{len(found)} rows rejected\n")
