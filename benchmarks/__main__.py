"""`python -m benchmarks NAME [--json] [--quick]`; exit 0 if every bar holds, else 1.

A benchmark is a module of this package with `measure(*, quick, tell)`, which returns its
bars or raises; it is named below and nowhere else. Progress goes to the standard error output.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence

from rich.console import Console

from benchmarks import governance, ingest, search, tampering
from benchmarks.results import Bar, as_json, show

BENCHMARKS: Mapping[str, Callable[..., list[Bar]]] = {
    "governance": governance.measure,
    "ingest": ingest.measure,
    "search": search.measure,
    "tampering": tampering.measure,
}
NOT_MET = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, say what came out, and return the exit code. A quick run claims no bar."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=sorted(BENCHMARKS), help="what to measure")
    parser.add_argument("--json", action="store_true", help="one JSON array, one object a bar")
    parser.add_argument("--quick", action="store_true", help="small sizes, to try the measurement out")
    asked = parser.parse_args(arguments)
    bars = BENCHMARKS[asked.name](quick=asked.quick, tell=_tell)
    if asked.json:
        sys.stdout.write(as_json(bars, quick=asked.quick) + "\n")
    else:
        show(bars, quick=asked.quick, console=Console())
    # A benchmark that measured nothing has met nothing.
    met = bool(bars) and (asked.quick or all(bar.holds for bar in bars))
    return 0 if met else NOT_MET


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
