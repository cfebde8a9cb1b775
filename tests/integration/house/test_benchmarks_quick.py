"""The benchmarks run, each in its smallest size: whether they are fast is not asked here."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks import leaking

BARS = {
    "ingest": [
        "durable_accept",
        "full_pipeline",
        *("memory_api", "memory_growth_api", "memory_worker", "memory_growth_worker"),
    ],
}
ROOT = Path(__file__).parents[3]


def _quick(name: str) -> list[dict]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--json", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict] = json.loads(done.stdout)
    return found


def test_ingest_measures_every_bar_that_it_names():
    """A part that cannot run is found here, not by whoever wants to know how fast it is."""
    bars = _quick("ingest")
    by_name = {bar["bar"]: bar for bar in bars}
    pipeline = by_name["full_pipeline"]["notes"]

    assert [bar["bar"] for bar in bars] == BARS["ingest"]
    assert all(bar["quick"] and bar["holds"] is None and bar["value"] > 0 for bar in bars)
    assert by_name["durable_accept"]["notes"]["load_generator_cpu_share"] > 0
    assert {"parse", "classify", "resolve", "consent", "facts", "derive"} <= set(
        pipeline["stages_us_per_event"]
    )
    # An event leaves itself, its message id, and more than half a row of each of several kinds.
    assert pipeline["rows_of_all_tables_per_event"] > 5


def test_nothing_of_a_structured_kind_reaches_a_recipient():
    """A few texts of each kind, through collection, scan and release; clean ones arrive."""
    bar = leaking.measure(quick=True, tell=lambda _: None)

    assert bar.notes["of"] > 100
    assert (bar.value, bar.notes["kinds"]) == (0, {})
