"""The foreign set: labelled texts made by rules that were written apart from the detector's.

Whoever wrote them had not read the detector, its patterns or its tests. `generate` makes the texts of a
seed; `by_hand` reads the ones that were written one by one. A detector finds a label when it reports
a fitting class on a span that overlaps the label's.
"""

from benchmarks.labelled.foreign.hand import by_hand
from benchmarks.labelled.foreign.making import COUNT, SEED, generate
from benchmarks.labelled.foreign.records import KINDS, Kind, Label, Record

__all__ = ["COUNT", "KINDS", "SEED", "Kind", "Label", "Record", "by_hand", "generate"]
