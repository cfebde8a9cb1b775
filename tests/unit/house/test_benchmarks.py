"""What the benchmarks claim and with what they measure, without measuring anything."""

import json
from dataclasses import replace
from io import StringIO

import msgspec
import pytest
from rich.console import Console

from benchmarks import __main__ as command
from benchmarks.memory import Figures, LanguageModelLoaded, refuse_models
from benchmarks.results import Bar, as_json, median, show
from benchmarks.traffic import EVENTS, IDENTIFY, NEW, Traffic

HELD = Bar(bar="a", value=8.0, unit="events/s", reference="b", reference_value=10.0, goal=0.8, op=">=")
MISSED = replace(HELD, value=7.9)


def test_a_bar_holds_at_its_goal_and_not_below():
    """A ratio that only rounds to the goal has not reached it."""
    assert HELD.holds and not MISSED.holds
    assert not replace(HELD, op="<=", goal=0.79).holds


def test_a_program_reads_the_fields_that_the_wire_format_names():
    """The names are those of the documented format; notes come after them."""
    (told,) = json.loads(as_json([HELD], quick=False))

    assert list(told) == [
        *("bar", "value", "unit", "reference", "reference_value"),
        *("ratio", "goal", "op", "holds", "notes"),
    ]
    assert told["holds"] is True and told["ratio"] == 0.8


def test_a_quick_run_claims_nothing():
    """Small sizes try the measurement out; whoever reads them as a result is told."""
    (told,) = json.loads(as_json([HELD], quick=True))

    assert told["quick"] is True and told["holds"] is None


@pytest.mark.parametrize(
    ("bars", "quick", "code"),
    [([HELD], False, 0), ([HELD, MISSED], False, 1), ([MISSED], True, 0), ([], False, 1), ([], True, 1)],
)
def test_the_exit_code_is_that_of_the_worst_bar(bars, quick, code, monkeypatch, capsys):
    """One bar that does not hold fails the command, and so does a benchmark without bars."""
    monkeypatch.setitem(command.BENCHMARKS, "none", lambda *, quick, tell: bars)

    assert command.main(["none", "--json", *(["--quick"] if quick else [])]) == code
    assert len(json.loads(capsys.readouterr().out)) == len(bars)


def test_people_see_each_bar_and_the_notes_as_tables():
    """What a program reads, a person sees too."""
    console = Console(width=120, record=True, file=StringIO())
    show([replace(HELD, notes={"stages": {"parse": 12.5}})], quick=False, console=console)
    shown = console.export_text()

    assert "0.800" in shown and "yes" in shown and "parse" in shown and "12.5" in shown


def test_a_median_was_measured():
    """Of an even number of rounds it is the lower middle one, not a number between two."""
    assert median([4.0, 1.0, 3.0, 2.0]) == 2.0


def test_the_traffic_is_what_the_bar_names():
    """Two identifiers an event, one event in ten by somebody new, three in ten with personal properties."""
    traffic = Traffic(people=1_000)
    bodies = [msgspec.json.decode(body)["batch"] for body in traffic.bodies(50 * EVENTS)]
    events = [event for body in bodies for event in body]
    named = [
        ("userId" in one) + ("anonymousId" in one) + ("email" in one.get("traits", {})) for one in events
    ]
    first_seen = {one["userId"] for one in events if int(one["userId"].rpartition("-")[2]) >= 1_000}

    assert len(events) == 50 * EVENTS and all(len(body) == EVENTS for body in bodies)
    assert set(named) == {2}
    assert len(first_seen) == 50 * NEW
    assert sum(one["type"] == "identify" for one in events) == 50 * IDENTIFY
    assert len({one["messageId"] for one in events}) == len(events)


def test_the_traffic_is_the_same_at_each_run():
    """Two runs differ in their speed alone."""
    assert list(Traffic().bodies(300)) == list(Traffic().bodies(300))


def test_growth_is_measured_once_the_process_is_warm():
    """What a process takes while it warms up is no leak; what it takes afterwards is."""
    figures = Figures(seconds=1.0, events=[0, 100, 200, 300, 400, 500])
    figures.resident = {"api": [50.0, *[100.0] * 5], "worker": [50.0, 100.0, 110.0, 120.0, 130.0, 140.0]}
    figures.peak = {"api": 100.0, "worker": 401.0}
    bars = {bar.bar: bar for bar in figures.bars()}

    assert bars["memory_api"].holds and not bars["memory_worker"].holds
    assert bars["memory_growth_api"].ratio == pytest.approx(1.0)
    assert bars["memory_growth_worker"].ratio == pytest.approx(1.4)
    assert bars["memory_growth_api"].holds and not bars["memory_growth_worker"].holds


def test_a_language_model_in_the_api_process_ends_the_measurement():
    """It is a fault, not a figure."""
    refuse_models(set())
    with pytest.raises(LanguageModelLoaded):
        refuse_models({"spacy"})
