"""Waiting for what runs beside the story: as long as something moves, on a machine however slow."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

from sqlalchemy import func, select

from api.demo.narrating import Teller
from api.demo.platform import PATIENCE, Platform
from cdp import tables
from cdp.kernel.errors import Unavailable
from cdp.kernel.logs import log

ATTEMPTS = 5

Answer = TypeVar("Answer")


class StillScanning(Unavailable, http=False):
    """The worker has scanned nothing for minutes; its log lies in the data directory."""


def wait(left: Callable[[], int], teller: Teller, words: str, late: type[Unavailable]) -> None:
    """Wait until nothing is left. Raises `late` when nothing has moved for long."""
    most = max(left(), 1)
    least, end = most, monotonic() + PATIENCE
    with teller.progress(words, most) as advance:
        while rest := left():
            if rest < least:
                advance(least - rest)
                least, end = rest, monotonic() + PATIENCE
            if monotonic() > end:
                raise late
            sleep(0.1)


def wait_for_scans(platform: Platform, teller: Teller) -> None:
    """Wait until every text was scanned that came in freely."""

    def left() -> int:
        with platform.operator("service")() as work:
            return work.session.scalar(select(func.count()).select_from(tables.unscanned)) or 0

    wait(left, teller, "scanning what was written freely", StillScanning)


def again(ask: Callable[[], Answer], *, until: Callable[[Answer], bool] = lambda _: True) -> Answer:
    """Ask a few times, for a part may be too slow once; the last answer, or what the last attempt raises."""
    for attempt in range(1, ATTEMPTS):
        try:
            answer = ask()
        except Unavailable:
            log().warning("asked_again", attempt=attempt, exc_info=True)
        else:
            if until(answer):
                return answer
        sleep(attempt)
    return ask()
