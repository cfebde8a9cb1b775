"""Each word of the list can be found, and what is done with names holds for all of them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.fields import lookalikes, special

PERSONS = ("given_name", "surname", "name")
OPEN = (*PERSONS, "title", "company", "username", "plan", "street", "address_line_2", "city", "region")


def _sections() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in special.WORDS.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            words = found.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            words.extend(line.split())
    return found


SECTIONS = _sections()
APART = ("han", "signs", "names", "places")
TELLING = SECTIONS["telling"]
WORDS = [word for name, words in SECTIONS.items() if name not in APART for word in words]
BORNE = {*SECTIONS["names"], *SECTIONS["places"]}


MADE = {"company", "street", "address_line_2", "title"}
OF_ITSELF = {word for word in WORDS if word not in TELLING}


def _spelled(word: str) -> str:
    """A value with that word; before an end of words, the rest of a long one."""
    return ("unbekann" if word.startswith("*") else "") + word.strip("*").replace("_", " ")


def test_every_word_is_folded_and_stands_once():
    """One that is not is never found, or hides that another section has it."""
    assert [word for word in WORDS if not re.fullmatch(r"\*?[a-z_]+\*?", word)] == []
    assert [word for word in WORDS if special.fold(word) != word] == []
    assert len(set(WORDS)) == len(WORDS)


@pytest.mark.parametrize("field", OPEN)
def test_every_word_is_found_where_it_stands_alone(field):
    """But what people or places are called so, and what a field is full of by itself (`klinik`, a firm)."""
    missed = {word for word in WORDS if not special.tells(field, _spelled(word))}
    surnames = {"*itis"} if field in PERSONS else set()

    assert {word.strip("*") for word in missed - surnames - (OF_ITSELF if field in MADE else set())} <= BORNE


def test_names_and_places_are_words_of_the_list():
    """One that is none of it is idle."""
    others = [word for word in {*SECTIONS["names"], *SECTIONS["places"]} if not special.tells("plan", word)]

    assert others == []


@given(st.sampled_from(sorted(SECTIONS["names"])), st.sampled_from(PERSONS))
def test_a_word_that_people_are_called_by_is_a_name_with_a_capital_and_alone(word, field):
    """And none where it stands among other words in small letters."""
    assert not special.tells(field, word.title())
    assert not special.tells(field, f"Anna {word.title()}")
    assert special.tells(field, f"very {word}")


@given(
    st.sampled_from([word for word in TELLING if "*" not in word and "_" not in word]), st.sampled_from(OPEN)
)
def test_nothing_beside_a_telling_word_makes_it_harmless(word, field):
    """Neither a firm's form nor a street's, in capitals, with accents or in full width."""
    if word in BORNE:
        return
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in word)
    for text in (
        f"{word} GmbH",
        f"{word.upper()} Street",
        f"nurse {word}",
        f"Anna-{word}",
        wide,
        f"{word[0]}\u0301{word[1:]}",
    ):
        assert special.tells(field, text)


@given(st.text(max_size=80), st.sampled_from(OPEN))
def test_any_text_is_answered(text, field):
    """Whatever stands in a field, nothing is raised; in a field for firms, capitals make no difference.

    Unless one of them looks like a Latin letter and its small one does not (a Greek `Μ` and `μ`).
    """
    special.tells(field, text)
    capitals, small = text.upper(), text.upper().lower()

    if lookalikes.latin(capitals) is None and lookalikes.latin(small) is None:
        assert special.tells("company", small) == special.tells("company", capitals)
