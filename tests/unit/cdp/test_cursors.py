"""Cursors of lists: a place, of one question, for a day."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.kernel import cursors
from cdp.kernel.cursors import GOOD_FOR, LONGEST, CursorExpired, UnknownCursor

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
PLACES = st.lists(st.integers(0, 2**63 - 1) | st.uuids().map(str), max_size=2)
QUESTIONS = st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5), max_size=3)


@given(PLACES, QUESTIONS, st.timedeltas(timedelta(), GOOD_FOR - timedelta(seconds=1)))
def test_a_cursor_is_read_as_it_was_written_for_a_day(place, question, later):
    """By whoever asks the same."""
    cursor = cursors.written(place, of=question, now=NOW)

    assert len(cursor) <= LONGEST
    assert cursors.read(cursor, of=question, now=NOW + later) == place


@given(PLACES, st.timedeltas(GOOD_FOR + timedelta(seconds=1), timedelta(days=999)))
def test_a_cursor_that_is_older_says_so(place, later):
    """It begins no list anew, and none at a place of before."""
    cursor = cursors.written(place, of="list", now=NOW)

    with pytest.raises(CursorExpired):
        cursors.read(cursor, of="list", now=NOW + later)


@given(PLACES, QUESTIONS, QUESTIONS)
def test_a_cursor_of_another_question_is_none(place, one, other):
    """Its place would be one of another list."""
    if one == other:
        return
    with pytest.raises(UnknownCursor):
        cursors.read(cursors.written(place, of=one, now=NOW), of=other, now=NOW)


@given(
    st.text(max_size=300)
    | st.recursive(st.none() | st.integers() | st.text(max_size=30), st.lists, max_leaves=6).map(
        lambda said: urlsafe_b64encode(json.dumps(said).encode()).decode()
    )
)
def test_what_is_no_cursor_is_refused_by_name(text):
    """Whatever it is."""
    with pytest.raises(UnknownCursor) as refused:
        cursors.read(text, of="list", now=NOW)

    assert refused.value.field == "cursor"
