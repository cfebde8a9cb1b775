"""`ETag` and `If-Match`: whoever changes something says which version they have seen (RFC 9110, 13.1.1)."""

import re
from typing import Annotated

from fastapi import Depends, Header, Response

from cdp.kernel.json_values import JsonObject
from cdp.registers.versions import Seen, version

EXAMPLE = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
_TAG = r'(?:W/)?"[\x21\x23-\x7e]*"'
_EACH = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')

Tags = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=1000,
        pattern=rf"^(\*|{_TAG}(\s*,\s*{_TAG})*)$",
        description="The `ETag` with which you read what you change. If it is another by now, nothing is"
        " changed and the answer is 412; without this, or with `*`, it is changed whatever it is.",
        examples=["*"],
    ),
]


def _seen(if_match: Tags = None) -> Seen:
    """The versions that the caller has seen. A weak tag is none: it says that something is much the same."""
    if if_match in (None, "*"):
        return None
    return frozenset(tag for weak, tag in _EACH.findall(if_match) if not weak)


# What a change insists on.
SeenDep = Annotated[Seen, Depends(_seen)]
# What an answer that can be changed is documented to have.
TAGGED: dict[int | str, JsonObject] = {
    200: {
        "headers": {
            "ETag": {
                "description": "The version of this: what `If-Match` of a change takes.",
                "schema": {"type": "string", "examples": [f'"{EXAMPLE}"']},
            }
        }
    }
}


def tag(response: Response, row: object) -> None:
    """Say in the answer which version of a row it shows; a version itself is taken as it is."""
    response.headers["ETag"] = f'"{row if isinstance(row, str) else version(row)}"'
