"""How long a search node is waited for: whether it answers, lives, and has ended, and what is told of it."""

import http.client
import os
from collections.abc import Callable
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from time import monotonic, sleep
from typing import TypedDict

import psutil

from cdp.kernel.errors import Unavailable

# Seconds until it must answer, at each attempt: a busy machine gets more time, and a port that
# another process took first costs none.
PATIENCE = (120.0, 240.0, 480.0)
ENDING = 30.0
LOOK = 0.1

Tell = Callable[[str], None]


class Noted(TypedDict):
    """What is written down of a node that was launched; `created` is when its process began."""

    url: str
    port: int
    pid: int
    created: float


class NodeFailed(Unavailable, http=False):
    """The search node did not start. Look at its log, free memory, set CDP_SEARCH_URL, or use --no-search."""


def tried(
    launch: Callable[[], Noted],
    answers: Callable[[Noted, float], bool],
    *,
    log: Path,
    tell: Tell,
) -> Noted:
    """What was launched and answered in time; each attempt gets more of it. Raises `NodeFailed`.

    What did not answer is told with the node's own last line, and what comes next.
    """
    for patience, more in zip_longest(PATIENCE, PATIENCE[1:]):
        noted = launch()
        if answers(noted, patience):
            return noted
        if more is not None:
            tell(
                f"The search node ended, or did not answer within {patience:.0f} s ({_last_line(log)})."
                f" It is started again and gets {more:.0f} s."
            )
    raise NodeFailed(
        attempts=len(PATIENCE),
        seconds=round(sum(PATIENCE)),
        free_memory_mib=psutil.virtual_memory().available >> 20,
        log=_last_line(log),
    )


def _last_line(log: Path) -> str:
    """The last thing that the node said, and where it stands."""
    try:
        said = log.read_text("utf-8", "replace").rstrip().split("\n")
    except OSError:
        said = [""]
    if not said[-1]:
        return f"{log}: nothing, it was ended before it said anything"
    return f"line {len(said)} of {log}: {said[-1][:160]}"


def wait(
    process: psutil.Process,
    port: int,
    patience: float,
    *,
    clock: Callable[[], float] = monotonic,
    pause: Callable[[float], None] = sleep,
) -> bool:
    """Whether the node answered in time; what did not is ended."""
    until = clock() + patience
    while lives(process) and clock() < until:
        if _answers(port):
            return True
        pause(LOOK)
    end(process)
    return False


def lives(process: psutil.Process) -> bool:
    """Whether it runs; a child that ended and that nobody has waited for does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def end(process: psutil.Process) -> None:
    """End a process, by force if it takes its time."""
    with suppress(psutil.NoSuchProcess):
        process.terminate()
        if not _ended(process):
            process.kill()
            _ended(process)


def _ended(process: psutil.Process) -> bool:
    """Whether it ends in time. Its parent may be another process, and need not have waited for it."""
    until = monotonic() + ENDING
    while lives(process):
        if monotonic() > until:
            return False
        sleep(LOOK)
    with suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    return True
