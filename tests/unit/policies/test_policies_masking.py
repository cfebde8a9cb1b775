"""A mask shows what its table says and nothing else of the value."""

import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.vocabulary import FieldClass
from policies.masking import MASK, mask

SHAPES = re.compile(
    r"\*\*\*"
    r"|[A-Za-z0-9]?\*\*\*@[A-Za-z0-9]?\*\*\*\.[A-Za-z]{2,6}"
    r"|\*\*\*[0-9]{2}"
    r"|[0-9]{4}"
    r"|[^\W\d_]\.( [^\W\d_]\.){0,3}"
)

words = st.text(st.sampled_from("abcdefgh0123456789-_+%"), min_size=1, max_size=12)
names = st.text(st.characters(categories=["Lu", "Ll"], max_codepoint=0x24F), min_size=1, max_size=12)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("field_class", "value", "shown"),
    [
        (FieldClass.CONTACT_EMAIL, "john.smith@example.org", "j***@e***.org"),
        (FieldClass.CONTACT_EMAIL, "john@mail.example.co.uk", "j***@m***.uk"),
        (FieldClass.CONTACT_EMAIL, "j@example.org", MASK),
        (FieldClass.CONTACT_EMAIL, "j" * 400 + "@example.org", MASK),
        (FieldClass.CONTACT_EMAIL, "john@e.org", MASK),
        (FieldClass.CONTACT_EMAIL, "john@localhost", MASK),
        (FieldClass.CONTACT_EMAIL, "john@example.xn--p1ai", MASK),
        (FieldClass.CONTACT_EMAIL, "john@example.org\n", MASK),
        (FieldClass.CONTACT_EMAIL, "=cmd@example.org", "***@e***.org"),
        (FieldClass.CONTACT_EMAIL, "éric@example.org", "***@e***.org"),
        (FieldClass.CONTACT_PHONE, "+44 20 7946 0142", "***42"),
        (FieldClass.CONTACT_PHONE, "+442079460142", "***42"),
        (FieldClass.CONTACT_PHONE, "123456", MASK),
        (FieldClass.CONTACT_PHONE, "+442079460142 ext 7", MASK),
        (FieldClass.CONTACT_EMAIL, "１２３４５６７８９", MASK),
        (FieldClass.CONTACT_PHONE, 442079460142, MASK),
        (FieldClass.CONTACT_PHONE, "1980-02-29", "***29"),
        (FieldClass.IDENTITY, "John", "J."),
        (FieldClass.IDENTITY, "John Smith", "J. S."),
        (FieldClass.IDENTITY, "mary-ann o'neil", "m. a. o."),
        (FieldClass.IDENTITY, "Ægir Þórsson", "Æ. Þ."),
        (FieldClass.IDENTITY, "J Smith", MASK),
        (FieldClass.IDENTITY, "王小明", MASK),
        (FieldClass.IDENTITY, "A12345", MASK),
        (FieldClass.IDENTITY, "the whole of a sentence about somebody", MASK),
        (FieldClass.IDENTITY, "1980-02-29", "1980"),
        (FieldClass.IDENTITY, date(1980, 2, 29), "1980"),
        (FieldClass.PURCHASE, datetime(2024, 5, 1, 12, tzinfo=UTC), "2024"),
        (FieldClass.PURCHASE, "2024-05-01T12:00:00.000Z", "2024"),
        (FieldClass.PURCHASE, "19800229", MASK),
        (FieldClass.PURCHASE, 49.9, MASK),
        (FieldClass.ADDRESS, "1 Main Street", MASK),
        (FieldClass.ADDRESS, "1980-02-29", MASK),
        (FieldClass.TECHNICAL, "192.0.2.1", MASK),
        (FieldClass.NATIONAL_ID, "4912345", MASK),
        (FieldClass.SENSITIVE, "John", MASK),
        (FieldClass.THIRD_PARTY, "john@example.org", MASK),
        (FieldClass.UNCLASSIFIED, "John", MASK),
    ],
)
def test_each_class_has_its_mask(field_class, value, shown):
    """The table in the module, and the values beside it that show nothing."""
    assert mask(field_class, "a_field", value) == shown


@given(st.sampled_from(list(FieldClass)) | st.integers(), anything | names | words)
def test_every_value_of_every_class_has_a_mask(field_class, value):
    """An unknown class, an unknown type and an odd value show nothing, and nothing raises."""
    assert SHAPES.fullmatch(mask(field_class, "a_field", value))


@given(st.sampled_from(list(FieldClass)), st.text(max_size=60) | names | words)
def test_a_mask_is_made_of_allowed_characters_of_the_value(field_class, value):
    """At most four letters or digits, or the five characters and top-level domain of an e-mail."""
    shown = [one for one in mask(field_class, "a_field", value) if one not in "*.@ "]

    assert not shown or set(shown) <= set(value)
    assert len(shown) <= (8 if "@" in value else 4)
    assert mask(field_class, "a_field", value) != value or value == MASK


@given(
    st.sampled_from("abz09"),
    words,
    words,
    st.sampled_from("abz09"),
    words,
    words,
    st.sampled_from(["org", "museum"]),
)
def test_an_email_mask_does_not_tell_apart_what_it_hides(first, rest, other, host, domain, other_domain, top):
    """Two addresses with the same first letters and top-level domain look the same."""
    one = mask(FieldClass.CONTACT_EMAIL, "a_field", f"{first}{rest}@{host}{domain}.{top}")

    assert one == mask(FieldClass.CONTACT_EMAIL, "a_field", f"{first}{other}@{host}{other_domain}.{top}")
    assert one == f"{first}***@{host}***.{top}"


@given(st.text("0123456789", min_size=5, max_size=13), st.text("0123456789", min_size=5, max_size=13))
def test_a_phone_mask_does_not_tell_apart_what_it_hides(one, other):
    """Two numbers that end alike look the same, however long they are."""
    shown = {mask(FieldClass.CONTACT_PHONE, "phone", f"+{digits}42") for digits in (one, other)}

    assert shown == {"***42"}


@pytest.mark.parametrize(
    ("field_class", "name", "shown"),
    [
        (FieldClass.IDENTITY, "birth_date", "1980"),
        (FieldClass.IDENTITY, "username", MASK),
        (FieldClass.CONTACT_PHONE, "birth_date", "***29"),
        (FieldClass.NATIONAL_ID, "birth_date", MASK),
    ],
)
def test_eight_digits_are_a_date_where_the_field_says_so(field_class, name, shown):
    """Some exports write dates without strokes; elsewhere eight digits may be anything."""
    assert mask(field_class, name, "19800229") == shown


def test_a_long_text_in_a_contact_is_masked_at_once():
    """A value as long as a book costs no more than a short one."""
    assert mask(FieldClass.CONTACT_EMAIL, "a_field", "a@" * 1_000_000) == MASK
