"""Collection: the Segment tracking API's messages, as pure functions of bytes.

`body.py` is what the HTTP path can afford before it says 200: is it JSON, is it small enough. `parse.py` is
the worker's: it returns a verdict for every item and never raises. It makes messages (`message.py`) of what
`checks.py` lets pass, with their times (`event_times.py`) and what they say of consent (`consent_part.py`);
of a refused item it tells what can be heard (`overheard.py`), at the contacts that are plainly meant
(`meant_contacts.py`). The format is in `docs/wire.md`, "Collection"; nothing here reads or writes anything.
"""

from cdp.intake.collection.body import (
    BATCH_BYTES,
    EVENT_BYTES,
    PATHS,
    Batch,
    BatchTooLarge,
    BrokenGzip,
    GzipTooLarge,
    NotABatch,
    NotJson,
    SharedTooLarge,
    TooManyEvents,
    decode,
    gunzip,
)
from cdp.intake.collection.consent_part import complete
from cdp.intake.collection.message import ExternalId, Invalid, Message, Note, Reason
from cdp.intake.collection.overheard import objects
from cdp.intake.collection.parse import parse

__all__ = [
    "BATCH_BYTES",
    "EVENT_BYTES",
    "PATHS",
    "Batch",
    "BatchTooLarge",
    "BrokenGzip",
    "ExternalId",
    "GzipTooLarge",
    "Invalid",
    "Message",
    "NotABatch",
    "NotJson",
    "Note",
    "Reason",
    "SharedTooLarge",
    "TooManyEvents",
    "complete",
    "decode",
    "gunzip",
    "objects",
    "parse",
]
