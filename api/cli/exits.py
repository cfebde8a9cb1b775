"""Exit codes of `cdp`, and which error ends with which: said here alone."""

from collections.abc import Mapping
from enum import IntEnum

from cdp.kernel.errors import (
    BadInput,
    BrokenSeal,
    CdpError,
    Conflict,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Refused,
    Unavailable,
)


class Exit(IntEnum):
    """How a command ended, for programs; never renumbered."""

    OK = 0
    FAILED = 1
    USAGE = 2
    INTERNAL_ONLY = 3
    NOT_ALLOWED = 4
    NOT_FOUND = 5
    BAD_INPUT = 6
    UNAVAILABLE = 7
    REFUSED = 8
    FAULT = 70
    INTERRUPTED = 130


MEANING: Mapping[Exit, str] = {
    Exit.OK: "done",
    Exit.FAILED: "a check failed, or a part was not done",
    Exit.USAGE: "the command was not understood; `--help` shows how it is called",
    Exit.INTERNAL_ONLY: "`cdp audit verify`: internally consistent only, nothing outside vouches for it",
    Exit.NOT_ALLOWED: "policy does not allow it",
    Exit.NOT_FOUND: "there is no such thing",
    Exit.BAD_INPUT: "a file, a value or a name cannot be used as it is; the field is named",
    Exit.UNAVAILABLE: "a part does not answer; nothing was done, or it says what was",
    Exit.REFUSED: "refused to start or to go on, because that could do harm",
    Exit.FAULT: "a fault of the platform's own",
    Exit.INTERRUPTED: "interrupted (Ctrl-C); ended by another signal n: 128 + n",
}


def words(code: Exit) -> str:
    """The code's name, as people read it."""
    return code.name.lower().replace("_", " ")


# The first class that fits counts, so the narrower stand first.
_CODES: tuple[tuple[type[CdpError], Exit], ...] = (
    (Refused, Exit.REFUSED),
    (Unavailable, Exit.UNAVAILABLE),
    (NotAuthenticated, Exit.NOT_ALLOWED),
    (NotAllowed, Exit.NOT_ALLOWED),
    (NotFound, Exit.NOT_FOUND),
    (BadInput, Exit.BAD_INPUT),
    (Conflict, Exit.BAD_INPUT),
    (BrokenSeal, Exit.FAILED),
)


def code_of(error: CdpError) -> Exit:
    """How a command ends that raises `error`; a check that failed, where nothing narrower fits."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.FAILED)
