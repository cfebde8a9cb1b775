"""The texts that were written one by one, in `hand.txt`."""

import re
from pathlib import Path

from benchmarks.labelled.foreign.marks import mark, settle
from benchmarks.labelled.foreign.records import KINDS, Record, Value

_LABEL = re.compile(r"⟦(\w+)\|([^⟦⟧|]*(?:\|[^⟦⟧]*?)?)⟧")


def by_hand() -> tuple[Record, ...]:
    """Each line of the file: the workspace's region, and a text with ⟦kind|what stands there|its value⟧."""
    lines = (Path(__file__).parent / "hand.txt").read_text().splitlines()
    return tuple(_record(line) for line in lines if line and not line.startswith("#"))


def _record(line: str) -> Record:
    region, _, written = line.partition(" ")
    values: list[Value] = []

    def marked(found: re.Match[str]) -> str:
        # What stands there is its own value unless another is told behind a bar.
        spelled, _, plain = found[2].partition("|")
        values.append(Value(kind=found[1], plain=plain or spelled, spelled=spelled, evident=True))
        return mark(len(values) - 1, spelled)

    text, labels = settle(_LABEL.sub(marked, written.replace(r"\n", "\n")), values)
    return Record(
        text=text,
        labels=labels,
        kinds_of_carrier=("hand",),
        region=region,
        findable=any(KINDS[label.kind].findable for label in labels) or not labels,
    )
