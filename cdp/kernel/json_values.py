"""What JSON can say, as types: for documents that this house writes, and for what it has read and holds.

Of what comes from outside nothing is known before it was looked at: there the type is `object`.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

# Looked at and never changed by whoever is handed it, so that a list of texts is one of values too.
Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]
