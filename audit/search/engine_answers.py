"""What the search engine answers, as far as it is read; its client gives JSON."""

from typing import NotRequired, TypedDict

from cdp.kernel.json_values import JsonObject


class Shards(TypedDict):
    """How many shards did not answer."""

    failed: int


class Answer(TypedDict):
    """What a search says of itself."""

    timed_out: bool
    _shards: Shards


class Fault(TypedDict):
    """Why something was not done."""

    type: NotRequired[str]


class Outcome(TypedDict):
    """What became of one action of a bulk."""

    status: int
    error: NotRequired[Fault]


class Hit(TypedDict):
    """A document that was found."""

    _index: str
    _id: str
    _version: NotRequired[int]
    _source: NotRequired[JsonObject]
