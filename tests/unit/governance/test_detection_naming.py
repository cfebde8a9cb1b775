"""What the model calls a person is made sure of, and names in capitals and fields are shown to it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.detection import config, naming, tables
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
        ("Liebe Grüße, Torsten Hagedorn Danke im Voraus", "Torsten Hagedorn"),
        ("Guten Tag Annika Hagedorn, wir haben das Paket", "Annika Hagedorn"),
        ("holder: LINDA K. WEAVER\nrefund=2", "LINDA K. WEAVER"),
        ("Dear Martin T. Weaver, the kettle is here", "Martin T. Weaver"),
        ("ATTN PETER OAKLEY third desk", "PETER OAKLEY"),
        ("reviewer=SANDBERG, Elise;score=4", "SANDBERG, Elise"),
        ("owner: linnea sandberg, score=4", "linnea sandberg"),
        ("we told Elise.Sandberg so", "Elise.Sandberg"),
        ("room=Elise_Sandberg floor=2", "Elise_Sandberg"),
        ("fetch /people/Winter Sandberg/badge", "Winter Sandberg"),
        ("Hello Mark, where is the kettle?", "Mark"),
        ("收件人：赵晓梅", "赵晓梅"),
        ("联系人欧阳晓梅女士，请回电", "欧阳晓梅"),
        ("赵晓梅女士今天来过", "赵晓梅"),
        ("你好，我叫赵晓梅。", "赵晓梅"),
        ("sku,full_name\n7,赵晓梅", "赵晓梅"),
        ('{"customer_name": "赵晓梅"}', "赵晓梅"),
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
        "Jack Daniel's is sold out.",
        "Danke Schön, bis morgen.",
        "SORRY, Wrong parcel.",
        "收件人：今天不在",
        "颜色,白金色\n尺寸,高大上",
        "联系人已经打过电话",
        "客户高兴。用户任何时候都可以退货",
    ],
)
def test_words_of_technology_and_other_languages_are_no_names(analyser, text):
    """The model reads English sentences, and takes other words for names."""
    assert named(analyser, text) == []


@given(st.text("aAbEé .,:'-=mMrR\n", max_size=40), st.data())
def test_a_text_that_is_not_shown_to_the_model_would_have_left_no_name(text, data):
    """Whatever the model had said of it."""
    first = data.draw(st.integers(0, len(text)))
    last = data.draw(st.integers(first, len(text)))

    assert naming.possible(text) or list(naming.names(text, first, last)) == []


@pytest.mark.parametrize("unit", ["a,b\n", "insert into ", "insert into a (b) values (1,", "x=1;\n"])
def test_what_can_hold_no_name_is_not_shown_to_the_model(unit):
    """It reads ten thousand words a second, so a text of nothing else would take a minute."""
    assert not naming.possible(unit * 1_000)


@pytest.mark.parametrize(
    "unit",
    [
        "a,b\n",
        "insert into ",
        "insert into a (b) values (1,",
        "A,B\n",
        "Mia;Leo\n",
        "copy a (b) from stdin\n",
        "0171 2345678 ",
    ],
)
def test_no_text_that_repeats_itself_costs_more_than_one_that_people_write(analyser, unit):
    """Of the same length, in the same run: what is asked twice is answered once."""
    written = " ".join(f"On day {day} Mary Whitcombe asked where parcel {day} was." for day in range(1_500))

    def seconds(text):
        started = time.process_time()
        analyser.analyse([text], "en")
        return time.process_time() - started

    size = 65_536
    hostile = (unit * (size // len(unit) + 1))[:size]
    assert seconds(hostile) < seconds(written[:size])


@pytest.mark.parametrize("unit", ["copy a (b) from stdin\n", "insert into a (b) values ('x'),(", "a,b\n"])
def test_a_row_of_a_table_is_read_once(unit):
    """However many tables seem to begin in it."""
    once, twice = (len(tables.cells(unit * number)) for number in (500, 1_000))

    assert twice <= 2 * once + 2
