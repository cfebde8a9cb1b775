"""Reading that an erasure or a merge may come into: it is repeated, and not called a broken seal.

Each statement sees what is committed when it begins, so a person can be there for one and gone for the
next. Whoever begins again sees all of what came in between: an erasure deletes values and keys at once.
"""

from collections.abc import Callable
from typing import TypeVar

from cdp.kernel.errors import BrokenSeal
from cdp.ports import KeyMissing

ATTEMPTS = 3  # one for what came in between, and one more for another

T = TypeVar("T")


class Moved(Exception):
    """Who is read about was erased or joined with somebody meanwhile, so what was read fits no moment."""


def until_still(read: Callable[[], T]) -> T:
    """What `read` returns, begun anew if something came in between; it writes nothing before its end.

    Raises `BrokenSeal` where a key is missing each time, and what `read` raises.
    """
    for _ in range(ATTEMPTS):
        try:
            return read()
        except (KeyMissing, Moved):
            pass
    raise BrokenSeal
