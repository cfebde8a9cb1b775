"""How well declared fields tell their own values: the bars of `benchmarks/declared.py`, on both halves."""

import pytest

from benchmarks import declared, leaking
from benchmarks.labelled import foreign, unseen
from benchmarks.labelled.declared import HALVES, ordinary, said
from governance.fields import structured


def test_the_halves_have_no_value_in_common_and_enough_of_all():
    """What words were added for is not what is measured on."""
    for read in (ordinary, said):
        tuned, held_out = ({one.text.casefold() for one in read(half)} for half in HALVES)

        assert not tuned & held_out
    assert min(len(ordinary(half)) for half in HALVES) >= 4_000
    assert min(len(said(half)) for half in HALVES) >= 700
    assert {one.language for one in said("held_out")} == {"de", "en", "es", "fr", "zh"}


@pytest.mark.parametrize("half", HALVES)
def test_ordinary_values_are_what_they_are_declared_as(half):
    """One of a hundred may be withheld, over all fields and in each but titles, whose set is small."""
    values = ordinary(half)
    losses = declared.lost(values)
    counts = {field: sum(one.field == field for one in values) for field in losses}

    assert sum(map(len, losses.values())) <= declared.MOST_LOST * len(values)
    assert {
        field for field in losses if len(losses[field]) > max(declared.MOST_LOST * counts[field], 2)
    } == set()


@pytest.mark.parametrize("half", HALVES)
def test_words_about_what_nobody_may_sell_leave_in_no_declared_field(half):
    """Four of five bare ones, in the field that is worst at it."""
    shares = declared.shares(said(half))

    assert set(shares) == set(declared.OPEN)
    assert {field: share for field, share in shares.items() if share < declared.LEAST_WITHHELD} == {}


@pytest.mark.parametrize("records", [foreign, unseen], ids=["foreign", "unseen"])
def test_a_value_of_a_structured_kind_leaves_in_no_declared_field(records):
    """As a text spells it and plain; the bar sends some of them through the whole platform."""
    told = {
        (label.kind, form)
        for record in records.generate()[::3]
        for label in record.labels
        if foreign.KINDS[label.kind].structured
        for form in leaking.alone(record, label)
    }

    assert len({kind for kind, _ in told}) >= 35
    assert [
        (kind, form, field)
        for kind, form in told
        for field in leaking.HELD
        if not declared.withheld(field, form)
    ] == []


def test_the_pass_before_rules_out_nothing_that_is_found():
    """What its patterns do not see is found by no finder, however long one looks."""
    texts = [one.text[:200] for one in (*foreign.generate()[::7], *unseen.generate()[::7])]
    found = [text for text in texts if structured.finds(text)]

    assert len(found) > 300
    assert [text for text in found if not structured.carries(text)] == []
    assert len(found) < len(texts)
