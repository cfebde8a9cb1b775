"""When an answer leaves: at once, or at a whole step of time after its ask.

A route says so, and the edge waits, once the request's thread, connection and place are given back.
"""

from math import ceil
from time import monotonic

import anyio
from starlette.types import Scope

_LEAVES = "cdp.leaves"  # where a request's scope says since when and in which steps


def left(started: float, step: float) -> float:
    """The seconds until a whole number of steps has passed since `started`, as `monotonic` told it."""
    passed = monotonic() - started
    return max(0.0, ceil(passed / step) * step - passed)


def in_steps(scope: Scope, started: float, step: float) -> None:
    """Let the answer to a request leave a whole number of steps after `started`."""
    scope[_LEAVES] = started, step


async def wait(scope: Scope) -> None:
    """Wait until the answer may leave."""
    if _LEAVES in scope:
        started, step = scope[_LEAVES]
        await anyio.sleep(left(started, step))
