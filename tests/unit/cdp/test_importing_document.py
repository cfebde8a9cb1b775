"""`docs/importing.md` and the schema say what the reader does."""

import json

import jsonschema
import pytest
import yaml
from worlds.documents import ROOT, fences, rows, section
from worlds.files_as_people_have_them import CASES

from cdp.intake.importing import (
    ImportRow,
    Limits,
    Loss,
    Mapping,
    Reason,
    Rejected,
    load_mapping,
    mapping_schema,
    read,
)
from cdp.intake.importing.opening import _KINDS
from governance.fields.catalogue import ALIASES, TRAITS, BuiltInCatalogue

DOCUMENT = (ROOT / "docs" / "importing.md").read_text()
SNIPPETS = {f"{language} {info}".strip(): content for language, info, content in fences(DOCUMENT)}


def load(text):
    """A mapping by the catalogue that ships."""
    return load_mapping(text, traits=BuiltInCatalogue().traits())


def words(heading, cells=1):
    """The words in the first cells of a section's table."""
    return {
        word
        for row in rows(section(DOCUMENT, heading))
        for cell in row[:cells]
        for word in cell.split("`")[1::2]
    }


def test_the_documents_mapping_reads_the_documents_file_as_it_says(tmp_path):
    """Whoever copies both sees the same."""
    path = tmp_path / "people.csv"
    path.write_text(SNIPPETS["csv"])
    found = list(read(path, load(SNIPPETS["yaml"])))
    taken = [row for row in found if isinstance(row, ImportRow)]

    assert [row.key for row in taken] == ["12345", "12346", "12347"]
    assert [[one.given for one in row.choices] for row in taken] == [[True], [False], [False]]
    assert taken[0].identifiers[1:] == (("email", "asa@a.example"), ("phone", "070-174 06 05"))
    assert (taken[0].traits["birth_date"], taken[0].traits["country"]) == ("1984-02-11", "SE")
    assert taken[1].losses == ((Loss.UNKNOWN_WORD, "Newsletter"), (Loss.NO_DATE, "Born"))
    assert [str(row.reason) for row in found if isinstance(row, Rejected)] == ["total_row"]


def test_every_setting_and_every_loss_is_described():
    """A setting that nobody explains is one that nobody finds."""
    settings = {row[0].strip("`") for row in rows(section(DOCUMENT, "## A mapping"))}

    assert settings == set(Mapping.__struct_fields__)
    assert words("## The result") == set(Loss)
    assert words("## Rejected rows") == set(Reason)


def test_the_limits_of_files_are_told_as_they_are():
    """ASVS 5.1.1: who prepares a file knows what will be taken; who reviews knows what a bomb meets."""
    limits, text = Limits(), section(DOCUMENT, "## Files")
    told = {ending: row[2] for row in rows(text) for ending in row[1].replace("`", "").split(", ")}
    sizes = {4: f"{limits.content >> 30} GB", 64: f"{limits.in_memory >> 20} MB"}
    whole = {".csv", ".tsv", ".tab", ".txt", ".ndjson", ".jsonl"}

    assert set(told) == set(_KINDS)
    assert {told[one] for one in whole} == {sizes[4]}
    assert {told[one] for one in (".json", ".xlsx")} == {sizes[64]}
    assert told[".parquet"] == f"{sizes[4]}; in gzip {sizes[64]}"
    packed = (
        f"from {limits.ratio_from >> 20} MB on a gzip or a Parquet file may unpack to {limits.ratio} times"
    )
    assert packed in text
    assert f"{limits.line >> 10} KB, and up to {limits.heard >> 20} MB of it is read" in text.replace(
        "\n", " "
    )


def test_every_trait_of_the_catalogue_is_listed():
    """Whoever writes a mapping finds there what a column may be called."""
    assert words("## Traits", cells=2) == {trait.name for trait in TRAITS} | set(ALIASES)


def test_the_documents_word_of_everybody_is_one(tmp_path):
    """A file that holds subscribers alone has no column that says so."""
    path = tmp_path / "subscribed.csv"
    path.write_text("LEID,Email Address,OPTIN_TIME\n301,a@a.example,2025-02-01 10:11:12\n")
    (row,) = read(
        path,
        load(
            "source: mc\nidentifier: {column: LEID, namespace: 'crm:mc'}\n"
            f"identifiers: {{Email Address: email}}\n{SNIPPETS['yaml everybody']}"
        ),
    )

    assert [(one.given, str(one.agreed_at)) for one in row.choices] == [(True, "2025-02-01 10:11:12+00:00")]


def test_the_schema_is_what_the_reader_accepts():
    """The file for editors is the reader's own schema, and every mapping of the tests fits it."""
    shipped = json.loads((ROOT / "docs" / "mapping.schema.json").read_text())
    check = jsonschema.Draft202012Validator(shipped)

    assert shipped == json.loads(json.dumps(mapping_schema()))
    for document in (yaml.safe_load(SNIPPETS["yaml"]), *(case.mapping for case in CASES)):
        check.validate(json.loads(json.dumps(document)))


@pytest.mark.parametrize(
    "change",
    [
        {"sorce": "x"},
        {"delimiter": "-"},
        {"phone_region": "Sweden"},
        {"opt_in": {"column": "a"}},
        {"custom": "x"},
    ],
)
def test_what_the_schema_refuses_the_reader_refuses(change):
    """And the other way round."""
    document = {"source": "crm", "identifier": {"column": "id", "namespace": "crm:crm"}, **change}
    check = jsonschema.Draft202012Validator(mapping_schema())

    assert not check.is_valid(document)
    with pytest.raises(Exception, match="mapping file is not"):
        load(yaml.safe_dump(document))
