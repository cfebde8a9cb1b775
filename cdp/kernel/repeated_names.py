"""JSON objects that have a name more than once, for which I-JSON (RFC 7493) has no meaning.

Strict readers keep the last value without a word, and a no may stand in another.
"""

import json


class Repeated(list[object]):
    """The values of a name that an object has more than once, in order."""


class RepeatedName(ValueError):
    """An object has a name more than once."""


def all_of(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of which no value is lost; for `json.loads(object_pairs_hook=…)`."""
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    said: dict[str, Repeated] = {}
    for name, value in pairs:
        said.setdefault(name, Repeated()).append(value)
    return {name: each if len(each) > 1 else each[0] for name, each in said.items()}


def each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object that has each name once; for `json.loads(object_pairs_hook=…)`. Raises `RepeatedName`."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise RepeatedName
    return values


def repeats(text: str) -> bool:
    """Whether an object in a text of JSON, at any depth, has a name more than once."""
    try:
        _names.decode(text)
    except RepeatedName:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def repeats_in(body: bytes) -> bool:
    """As `repeats`, of a body in whichever of JSON's encodings."""
    try:
        return repeats(body.decode(json.detect_encoding(body), "surrogatepass"))
    except UnicodeDecodeError:
        return False


def _once(pairs: list[tuple[str, object]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise RepeatedName


# Made once, for it looks at every row and at every message with a consent; numbers are no concern of it.
_names = json.JSONDecoder(object_pairs_hook=_once, parse_int=len, parse_float=len)
