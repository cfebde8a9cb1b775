"""Reading undoes disguises, and knows where in the text as given everything stood."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.detection.leaves import TooMany, leaves, rewritten
from governance.detection.text_reading import read

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60)
ESCAPES = st.lists(
    st.sampled_from(
        ["%40", "%2540", "%e4%bd", "\\u0040", "\\\\n", "&#64;", "&commat;", " (at) ", "[dot]", "a"]
    ),
    max_size=12,
).map("".join)


@given(st.one_of(ANYTHING, ESCAPES))
def test_every_character_of_a_reading_stands_somewhere_in_the_text(text):
    """Whatever the text: places lie in it, in order, and none is empty."""
    reading = read(text)

    assert len(reading.text) == len(reading.starts) == len(reading.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(reading.starts, reading.ends, strict=True))
    assert list(reading.starts) == sorted(reading.starts)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="%\\&([")))
def test_a_plain_text_is_read_as_it_is(text):
    """Place for place."""
    reading = read(text)

    assert reading.text == text
    assert list(reading.starts) == list(range(len(text)))


@pytest.mark.parametrize(
    ("given_", "meant"),
    [
        ("ｊａｎｅ＠ｓｈｏｐ．ｃｏｍ", "jane@shop.com"),
        ("ja\u200bne\u00ad@shop.com", "jane@shop.com"),
        ("jane%40shop.com", "jane@shop.com"),
        ("jane%2540shop.com", "jane@shop.com"),
        ("jane%EF%BC%A0shop.com", "jane@shop.com"),
        ('"jane\\u0040shop.com"', '"jane@shop.com"'),
        ('"jane\\\\u0040shop.com"', '"jane@shop.com"'),
        ("jane&#64;shop&period;com", "jane@shop.com"),
        ("jane (at) shop [dot] com", "jane@shop.com"),
        ("٤١١١", "4111"),
        ("4111–1111", "4111-1111"),
        ("\ud800x", "\ufffdx"),
        ("%e4%zz", "%e4%zz"),
        ("ren%E9%40shop.com", "ren%E9@shop.com"),
        ("%FF%EF%BC%A0%e4%bd%41", "%FF@%e4%bdA"),
    ],
)
def test_disguises_are_undone(given_, meant):
    """What a person reads, whatever it is written in."""
    assert read(given_).text == meant


@given(ANYTHING, st.sampled_from(["jane@shop.com", "ｊａｎｅ＠ｓｈｏｐ．ｃｏｍ", "jane%40shop.com"]))
def test_a_find_leads_back_to_what_was_written(before, written):
    """The span of the reading is the span of the disguise."""
    text = f"{before}\n{written}\n"
    reading = read(text)
    start = reading.text.rindex("jane@shop.com")

    first, last = reading.span(start, start + len("jane@shop.com"))
    assert text[first:last] == written


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4))
def test_rewriting_nothing_changes_nothing_and_visits_the_leaves_in_their_order(fields):
    """A find names its leaf by number, so both walks must count alike."""
    seen = []
    again = rewritten(fields, lambda leaf: seen.append(leaf) or leaf.text)

    assert again == fields
    assert seen == leaves(fields)


def test_json_in_a_text_is_opened_with_a_path():
    """What a tool pasted is looked through, not only at."""
    found = {leaf.path: leaf.text for leaf in leaves({"note": '{"a": [{"b": "{\\"c\\": 4111}"}]}'})}

    assert found["note!.a.0.b!.c"] == "4111"


@pytest.mark.parametrize("text", ["{", "{]", "[1, 2", '{"a": 1} and more', "[" * 5000 + "]" * 5000])
def test_what_only_looks_like_json_is_read_as_text(text):
    """It is looked at all the same."""
    assert [leaf.text for leaf in leaves({"note": text})][-1] == text


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "4111 1111 1111 1111", "a": "fine"}',
        '[{"b": {"id": "11010519491231002X", "id": 1}}]',
        '{"card": 6212345678901234567.0}',
    ],
)
def test_json_that_a_parser_would_take_something_from_is_read_as_text(text):
    """F7: of a name that comes twice the last value stays, of a float the first digits; all is scanned."""
    assert [leaf.text for leaf in leaves({"note": text})][-1] == text


def test_too_much_to_look_through_is_said_and_not_cut():
    """Depth and number have limits, and nobody gets half of a value."""
    deep = {"a": None}
    for _ in range(40):
        deep = {"a": deep}
    for value in (deep, {"a": list(range(20_001))}):
        with pytest.raises(TooMany):
            leaves(value)


def test_keys_that_become_the_same_word_lose_no_value():
    """Two addresses as keys are both redacted, and what stood under either is still there."""
    fields = {"note": {"a@example.org": 1, "b@example.org": 2, "[X]": 3}}

    again = rewritten(fields, lambda leaf: "[X]" if "@" in leaf.text else leaf.text)

    assert again == {"note": {"[X]": 1, "[X] 2": 2, "[X] 3": 3}}
    taken = {"note": {"[X] 2": 1, "a@example.org": 2, "b@example.org": 3, "c@example.org": 4}}
    assert list(rewritten(taken, lambda leaf: "[X]" if "@" in leaf.text else leaf.text)["note"].items()) == [
        ("[X] 2", 1),
        ("[X]", 2),
        ("[X] 3", 3),
        ("[X] 4", 4),
    ]


@pytest.mark.parametrize("character", ["\ufdfa", "\u33af", "%40"])
def test_a_text_whose_characters_stand_for_many_takes_little_memory(character):
    """U+FDFA folds to 18 characters: a million of them once took two gigabytes of the worker."""
    text = character * 20_000
    tracemalloc.start()
    read(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 200 * len(text)


def test_a_character_that_stands_for_a_word_of_another_script_is_read_as_it_is():
    """No identifier has one; what it touches is found where it stands."""
    reading = read("\ufdfa \uff11\ufdfa")

    assert reading.text == "\ufdfa 1\ufdfa"
    assert reading.span(2, 3) == (2, 3)
