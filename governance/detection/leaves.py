"""The texts inside a nested value, each with its path; JSON inside a text is opened too.

The order of leaves is a function of the value alone: a find names its leaf by number, so
that no path, which may be personal itself, has to be kept.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cdp.kernel.json_values import Json, JsonObject

DEPTH = 32
JSON_CHARACTERS = 262_144  # a text longer than that is read as text
MOST = 20_000
FLOAT_DIGITS = 15  # that every float keeps


@dataclass(frozen=True, slots=True)
class Leaf:
    """One text and where it stands: keys and places joined by dots; `!` enters JSON in a text."""

    path: str = field(repr=False)
    text: str = field(repr=False)


class TooMany(ValueError):
    """A value has more leaves, or is deeper, than anybody will look through."""


Visit = Callable[[Leaf], str]


def leaves(fields: Mapping[str, Json]) -> list[Leaf]:
    """Every text, number and key in `fields`. Raises `TooMany`."""
    found: list[Leaf] = []

    def visit(leaf: Leaf) -> str:
        if len(found) == MOST:
            raise TooMany
        found.append(leaf)
        return leaf.text

    _walk(fields, "", 0, visit)
    return found


def rewritten(fields: Mapping[str, Json], visit: Visit) -> JsonObject:
    """`fields` with every leaf, in the order of `leaves`, replaced by what `visit` makes of it."""
    made = _walk(fields, "", 0, visit)
    assert isinstance(made, dict), "an object stays one"
    return made


def _walk(value: Json, path: str, depth: int, visit: Visit) -> Json:
    """The value with each leaf as `visit` wants it; what it leaves alone keeps its type."""
    if depth > DEPTH:
        raise TooMany
    if isinstance(value, Mapping):
        made: JsonObject = {}
        numbers: dict[str, int] = {}
        for key, inner in value.items():
            place = f"{path}.{key}".lstrip(".")
            name = _apart(visit(Leaf(f"{place}#key", str(key))), made, numbers)
            made[name] = _walk(inner, place, depth + 1, visit)
        return made
    if isinstance(value, (list, tuple)):
        return [
            _walk(inner, f"{path}.{place}".lstrip("."), depth + 1, visit) for place, inner in enumerate(value)
        ]
    if isinstance(value, str):
        opened = _opened(value)
        if opened is None:
            return visit(Leaf(path, value))
        again = _walk(opened, f"{path}!", depth + 1, visit)
        return value if again == opened else json.dumps(again, ensure_ascii=False)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # A number so long that it cannot be printed is no identifier of anybody.
        text = str(value) if abs(value) < 1e30 else ""
        seen = visit(Leaf(path, text))
        return value if seen == text else seen
    return value


def _apart(name: str, taken: Mapping[str, Json], numbers: dict[str, int]) -> str:
    """`name`, or with a number behind it: two keys that become the same word must lose no value.

    `numbers` keeps the last number of each word, so that ten thousand addresses are not counted anew each.
    """
    apart = name
    while apart in taken:
        numbers[name] = numbers.get(name, 1) + 1
        apart = f"{name} {numbers[name]}"
    return apart


def _opened(text: str) -> Json:
    """The value of a text that is JSON; None: it is none, and is read as text."""
    bare = text.strip()
    if len(bare) > JSON_CHARACTERS or not bare or (bare[0], bare[-1]) not in (("{", "}"), ("[", "]")):
        return None
    try:
        said: Json = json.loads(bare, object_pairs_hook=_whole, parse_float=_exact)
        return said
    except (ValueError, RecursionError):
        return None


def _whole(pairs: list[tuple[str, Json]]) -> JsonObject:
    """An object. Raises `ValueError` for a name that comes twice: all but its last value would go unread."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError
    return made


def _exact(digits: str) -> float:
    """A number. Raises `ValueError` for one with digits that a float forgets."""
    if sum(map(str.isdigit, digits)) > FLOAT_DIGITS:
        raise ValueError
    return float(digits)
