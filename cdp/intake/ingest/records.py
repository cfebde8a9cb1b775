"""What rows of imports refuse, whichever version put them into the inbox."""

from collections.abc import Iterator, Sequence

import msgspec

from cdp.intake.ingest.message_reading import ImportChoice, ImportRecord
from cdp.kernel.json_values import JsonObject
from cdp.vocabulary import Channel

# What a no is about of which nobody can read what it names, as in a list of suppressions.
EVERYTHING = "direct_marketing"


def refusals(body: bytes) -> Sequence[ImportRecord]:
    """What the rows of a body refuse, whichever version wrote it: whom they name, and each no.

    A yes is none here, whatever is no clear yes is a no, and a no that names no purpose is one to all
    direct marketing. Raises `ValueError` for what is no JSON.
    """
    value = msgspec.json.decode(body)
    rows = value.get("records") if isinstance(value, dict) else None
    return [_refusal(number, row) for number, row in enumerate(rows or ()) if isinstance(row, dict)]


def _refusal(number: int, row: JsonObject) -> ImportRecord:
    region = row.get("region")
    return ImportRecord(
        key=f"no/{number}",
        identifiers=list(_pairs(row.get("identifiers"))),
        traits={},
        choices=list(_noes(row)),
        region=region if isinstance(region, str) else None,
        only_no=True,
        mentions=list(_pairs(row.get("mentions"))),
    )


def _pairs(value: object) -> Iterator[tuple[str, str]]:
    for pair in value if isinstance(value, list) else ():
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair):
            yield pair[0], pair[1]


def _noes(row: JsonObject) -> Iterator[ImportChoice]:
    choices = row.get("choices")
    for said in choices if isinstance(choices, list) else ([] if choices is None else [choices]):
        if not isinstance(said, dict):
            yield _no(None, None)
        elif said.get("given") is not True:
            yield _no(said.get("purpose"), said.get("channel"))
    # The rows of the first versions had one opt-in, beside what it is about.
    if row.get("opt_in") not in (None, True):
        about = row.get("consent")
        named = about if isinstance(about, list) and len(about) > 1 else (None, None)
        yield _no(named[0], named[1])


def _no(purpose: object, channel: object) -> ImportChoice:
    return ImportChoice(
        purpose=purpose if isinstance(purpose, str) else EVERYTHING,
        channel=channel if isinstance(channel, str) and channel in frozenset(Channel) else None,
        given=False,
    )
