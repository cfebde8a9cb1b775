"""What somebody with the search engine's password can do to a document of the log, at random."""

import json
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

from audit.search import feeds
from audit.search.documents import document
from audit.search.feeding import Feeder

Source = dict[str, Any]


def _emptied(word: str) -> Callable[[Source, Random], Any]:
    return lambda source, _: source["unmapped"].pop(word, None)


def _said(word: str, value: str) -> Callable[[Source, Random], Any]:
    return lambda source, _: source["unmapped"].update({word: value})


EDITS: dict[str, Callable[[Source, Random], Any]] = {
    "a document without its references": _emptied("references"),
    "a document without its purpose": _emptied("purpose"),
    "a document without its action": _emptied("action"),
    "a document without its time": _emptied("micros"),
    "another actor in a document": _said("actor", "system:nobody"),
    "another outcome in a document": _said("outcome", "nothing"),
    "another recipient in a document": _said("recipient", str(UUID(int=9))),
    "another hash in a document": _said("leaf", "0" * 64),
    "another time in a document": lambda source, rng: source["unmapped"].update(
        micros=rng.randrange(1 << 40)
    ),
    "another place in a document": lambda source, rng: source["metadata"].update(sequence=rng.randrange(9)),
    "somebody else in a document": lambda source, rng: source["unmapped"].update(
        references=[rng.randbytes(32).hex()]
    ),
}
WAYS = (*EDITS, "a document deleted", "a document added", "a document put elsewhere")


def spoil(feeder: Feeder, workspace: UUID, rng: Random) -> str:
    """Edit, delete or add a document of `workspace`'s log; by which way. It can be found at once."""
    with feeder.begin(workspace) as work:
        feed = feeds.live(work=work)
        assert feed is not None, "it was fed"
        ((kept, _),) = feeds.named([(feed.epoch, rng.randrange(feed.seq))], work=work)
    log, client = feeder.log(workspace), feeder.engine.client
    right = document(log, kept)
    index, source = feed.index(log, right.month), json.loads(right.source)
    way = rng.choice(WAYS)
    put = {"index": index, "id": right.id}
    if way == "a document deleted":
        client.delete(**put)
    elif way == "a document put elsewhere":
        client.index(index=feed.index(log, "2001-01"), id=right.id, body=source)
    elif way == "a document added":
        client.index(index=index, id=f"{log}:0:{rng.randrange(1000, 9000)}", body=source)
    else:
        before = json.dumps(source, sort_keys=True)
        EDITS[way](source, rng)
        if json.dumps(source, sort_keys=True) == before:
            return spoil(feeder, workspace, rng)
        client.index(**put, body=source)
    feeder.engine.refresh(feed.indices(log))
    return way
