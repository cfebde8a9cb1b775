"""What the model calls a person is made sure of, and names in capitals and fields are shown to it."""

import pytest

from governance.detection import config
from governance.detection.analysis import Analyser


@pytest.fixture(scope="module")
def analyser():
    """One that has loaded its model."""
    return Analyser(config.load())


def named(analyser, text):
    """The names that are found."""
    (finds,) = analyser.analyse([text], "en")
    return [text[one.start : one.end] for one in finds if one.entity == "PERSON"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Client ERIK JOHANSSON rang about the parcel.", "ERIK JOHANSSON"),
        ("customer_name=Laura Bennett;role=admin", "Laura Bennett"),
        ("<customer-name>Laura Bennett</customer-name>", "Laura Bennett"),
        ("sku,customer_name\nTB-1,Laura Bennett", "Laura Bennett"),
        ("Mit freundlichen Grüßen, Katrin Baumgarten", "Katrin Baumgarten"),
        ("Il pacco lo ha ritirato Giulia Marchetti.", "Giulia Marchetti"),
        ("escalated=Teresa Milford;due=today", "Teresa Milford"),
        ("TERESA MILFORD rang twice", "TERESA MILFORD"),
        ("We spoke to Mrs Whitcombe about it.", "Whitcombe"),
    ],
)
def test_a_name_in_capitals_or_in_a_field_is_found(analyser, text, name):
    """Signs of programs are cut off, and take no name with them."""
    assert any(name in found or found in name for found in named(analyser, text))


@pytest.mark.parametrize(
    "text",
    [
        "ssn=480-97-6536 request=dddd5bc773f9",
        "Mar 25 11:37:34 web-2 shop[406]: done",
        "Il pacco non è arrivato.",
        "Guten Abend, where is my parcel?",
        "Buenas tardes, the box came open.",
        "Dzień Dobry, the invoice is wrong.",
        "Kotlin and Scala compile to the same thing.",
        "Captain Morgan and Earl Grey are sold out.",
        "Paddington Station is shut on Sunday.",
        "Recieved nothing yet.",
    ],
)
def test_words_of_technology_and_other_languages_are_no_names(analyser, text):
    """The model reads English sentences, and takes other words for names."""
    assert named(analyser, text) == []
