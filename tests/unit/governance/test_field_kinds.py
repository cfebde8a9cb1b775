"""A declared field takes only values of its kind; whatever else stands there is free text (S10)."""

import pytest

from cdp.vocabulary import FieldClass
from governance.fields.catalogue import BuiltInCatalogue


def classes(kind, name, value):
    """The classes that a field comes out under."""
    return list(BuiltInCatalogue().classify(kind, None, {name: value}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("country", "Anna Smith HIV positive"),
            ("country", "HIV"),
            ("gender", "diagnosed with diabetes in May"),
        ),
        *(
            ("language", "speaks about her depression"),
            ("region", "HIV positive"),
            ("city", "is HIV positive"),
        ),
        *(
            ("postcode", "no idea"),
            ("phone", "ask my doctor"),
            ("phone", "4111 1111 1111 1111"),
            ("phone", 4111111111111111),
            ("email", "https://ann:hunter2@example.org"),
            ("email", "has cancer"),
            ("national_id", "lost"),
        ),
        *(("birth_date", "the day she was baptised"), ("plan", "gold until the operation next week")),
        *(
            ("street", "behind the mosque where we all go to pray on a Friday"),
            ("username", "anna has asthma"),
        ),
        *(("given_name", "Anna (blind)"), ("surname", "Smith, who is in a union and was on strike")),
    ],
)
def test_s10_text_in_a_declared_trait_is_free_text(name, value):
    """S10: given text in a declared field that is not of its kind, then it is sealed, scanned, unreleased."""
    assert classes("traits", name, value) == [FieldClass.UNCLASSIFIED]


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        *(("properties", "currency", "my wife left"), ("properties", "order_id", "she is pregnant")),
        *(
            ("properties", "price", "too much for a widow"),
            ("properties", "path", "/a note about an illness"),
        ),
        *(("context", "locale", "Anna Smith HIV"), ("context", "timezone", "after chemotherapy")),
        ("properties", "products", [{"sku": "A1", "price": "free, she is ill"}]),
        ("properties", "products", [{"a remark about her health and more": 1}]),
    ],
)
def test_s10_text_in_an_events_declared_field_is_free_text(kind, name, value):
    """The same for properties and context, however deep."""
    assert classes(kind, name, value) == [FieldClass.UNCLASSIFIED]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("country", "SE"), ("country", "swe"), ("country", "Sweden"), ("country", "Deutschland")),
        *(("country", "Great Britain"), ("country", "中国"), ("gender", "Female"), ("gender", "non_binary")),
        *(("language", "de-DE"), ("language", "zh-Hans-CN"), ("language", "Swedish"), ("region", "US-NY")),
        *(("region", "CA"), ("region", "North Rhine-Westphalia"), ("city", "Stratford-upon-Avon")),
        *(("city", "København"), ("city", "Rio de Janeiro"), ("city", "上海"), ("city", "berlin")),
        *(
            ("postcode", "SW1A 1AA"),
            ("postcode", "123 45"),
            ("phone", "+46 (0)70-123 45 67"),
            ("phone", 46701234567),
            ("phone", "0049 (0)1511 2345 678 90 ext. 1234"),
        ),
        *(("email", "ann@example.org"), ("birth_date", "1981-03-04"), ("birth_date", "4 March 1981")),
        *(("birth_date", "1981-03-04T00:00:00Z"), ("given_name", "Mary-Jane"), ("surname", "O'Brien")),
        *(("surname", "van der Berg"), ("name", "Dr. Anna K. Smith"), ("street", "Unter den Linden")),
        *(("street_number", "12 B"), ("title", "Dr."), ("company", "Sönke & Sons Ltd."), ("plan", "gold")),
        *(("national_id", "811228-9874"), ("username", "ann_87"), ("age", 3), ("plan", "")),
    ],
)
def test_a_value_of_its_kind_keeps_its_class(name, value):
    """As people and programs write it."""
    declared = BuiltInCatalogue().trait(name)

    assert classes("traits", name, value) == [declared.envelope if declared else FieldClass.UNCLASSIFIED]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("currency", "EUR"),
            ("price", "1,299.00"),
            ("order_id", "2026-000123"),
            ("path", "/c/shoes?page=2"),
        ),
        (
            "products",
            [{"sku": "A1", "name": "Red shoe, size 42", "price": 59.9, "url": "https://shop.example/a"}],
        ),
        ("filters", [{"type": "brand", "value": "acme"}]),
    ],
)
def test_an_events_value_of_its_kind_keeps_its_class(name, value):
    """Nothing of a shop's own data becomes free text."""
    assert classes("properties", name, value) != [FieldClass.UNCLASSIFIED]
