"""The unseen set: labelled texts by rules that know neither the detector nor the texts of the foreign set.

It has the foreign set's kinds, labels and records, so that both are scored alike; templates, values,
shapes, noise and the texts by hand are its own. Nothing is tuned on its
texts, but the kinds that were missed have been told (docs/benchmarks.md).
"""

from benchmarks.labelled.unseen.generating import generate
from benchmarks.labelled.unseen.reading import by_hand

__all__ = ["by_hand", "generate"]
