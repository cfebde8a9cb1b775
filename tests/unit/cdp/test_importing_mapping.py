"""The mapping file is strict, and says what is wrong with it."""

import pytest

from cdp.intake.importing import BadMapping, OptIn, Record, UnknownMappedTrait, load_mapping
from cdp.vocabulary import Channel

TRAITS = {"first_name", "birthday", "email", "language"}
WHOLE = """
source: crm
identifier: {column: id, namespace: "crm:crm"}
identifiers: {mail: email}
traits: {given: first_name, dob: birthday, mail: email}
constants: {language: de}
dates: {dob: "%Y%m%d"}
phone_region: DE
opt_in: {column: agreed, purpose: email_marketing, channel: email, notice: newsletter}
"""
LEAST = 'source: crm\nidentifier: {column: id, namespace: "crm:crm"}\n'


def load(text):
    return load_mapping(text, traits=TRAITS)


def test_a_whole_mapping_is_read():
    """Every entry that the documentation names."""
    mapping = load(WHOLE)

    assert mapping.identifier == Record("id", "crm:crm")
    assert mapping.columns == ("id", "mail", "given", "dob", "agreed")
    assert mapping.consents[0] == OptIn("agreed", "email_marketing", Channel.EMAIL, "newsletter")
    assert mapping.phone_region == "DE"


def test_the_least_mapping_names_the_identifier_alone():
    """What is not mapped is not read."""
    assert load(LEAST).columns == ("id",)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("source: crm", "identifier"),
        (LEAST + "mapping: {}", "mapping"),
        (LEAST.replace("column: id,", ""), "identifier.column"),
        (LEAST.replace("crm:crm", "soc_sec_id"), "identifier.namespace"),
        (LEAST + "identifiers: {ssn: national_id}", "identifiers[...]"),
        (LEAST + "phone_region: Germany", "phone_region"),
        (LEAST + "phone_region: NO", "phone_region"),
        (LEAST + "opt_in: {column: a, purpose: p, channel: pigeon, notice: n}", "opt_in.channel"),
        (LEAST + "traits: {a: first_name, b: first_name}", "traits.first_name"),
        (LEAST + "traits: {a: language}\nconstants: {language: de}", "traits.language"),
        (LEAST + 'dates: {dob: "%Y"}', "dates.dob"),
        (LEAST + 'traits: {dob: birthday}\ndates: {dob: "%Y-%m"}', "dates.dob"),
        (LEAST + 'traits: {dob: birthday}\ndates: {dob: "%Q"}', "dates.dob"),
        (LEAST + 'constants: {language: "d\\0"}', "constants.language"),
        (LEAST + 'constants: {language: "\\ud800"}', "constants.language"),
        (LEAST + f"constants: {{language: {'d' * 4_097}}}", "constants.language"),
        ("[]", None),
        ("", None),
        ("x" * 70_000, None),
    ],
)
def test_a_wrong_mapping_names_the_entry(text, field):
    """An unknown word is never passed over: it might have been a protection."""
    with pytest.raises(BadMapping) as caught:
        load(text)

    assert caught.value.field == field


def test_yaml_that_does_not_parse_names_its_line():
    """The operator looks there."""
    with pytest.raises(BadMapping) as caught:
        load("source: crm\nidentifier: {column: [")

    assert caught.value.known["line"] == 2


def test_a_column_that_is_named_twice_is_refused_by_its_line():
    """YAML would keep the second meaning and drop the first without a word."""
    with pytest.raises(BadMapping) as raised:
        load(LEAST + "traits:\n  mail: email\n  mail: first_name\n")

    assert raised.value.known["line"] == 5


@pytest.mark.parametrize("value", ["!!bool perhaps", '!!int ""', '!!float ""', "!!timestamp soon"])
def test_a_value_that_does_not_fit_its_tag_is_a_bad_mapping(value):
    """It is a mistake in the file, and no fault of the platform's."""
    with pytest.raises(BadMapping):
        load(LEAST + f"constants: {{language: {value}}}")


def test_a_trait_must_be_in_the_catalogue():
    """What nobody has classified has no place to go."""
    with pytest.raises(UnknownMappedTrait) as caught:
        load(LEAST + "traits: {given: frist_name}")

    assert caught.value.field == "frist_name"
    assert all(name in caught.value.message for name in TRAITS)


@pytest.mark.parametrize(
    "text", ["a: !!python/object/apply:os.getcwd []", "a: *b", "a: b: c", "\0", "- &a [*a]"]
)
def test_hostile_yaml_is_refused(text):
    """A mapping is data and nothing else."""
    with pytest.raises(BadMapping):
        load(text)
