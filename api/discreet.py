"""Answers that do not tell whether somebody is known: alike in every byte, and in time.

Who is known and who is not take the same questions to the database (`cdp.profile_view`, `cdp.discretion`),
but not the same microseconds. So such an answer leaves at a whole step after it was asked for; a step is
some times what the work usually takes. ADR-0044.
"""

from collections.abc import Callable
from math import ceil
from time import monotonic, sleep
from typing import TypeVar

from api.deps import Client
from api.routes import shapes
from cdp.binding import About
from cdp.discretion import Listener

T = TypeVar("T")

READ = 0.1  # seconds: the steps of a look
WORD = 0.5  # of a word, which is written durably, and of which many kinds of rows may be


def settle(started: float, step: float) -> None:
    """Wait until a whole number of steps has passed since `started`, as `monotonic` told it."""
    passed = monotonic() - started
    sleep(max(0.0, ceil(passed / step) * step - passed))


def told(client: Client, about: About, act: Callable[[], T], *, opens: bool, of_nobody: Callable[[], T]) -> T:
    """What `act` answers to a client, as `Listener.told` has it, at a step where it is kept from knowing."""
    started = monotonic()
    listener = Listener(
        recipient=client.row.recipient,
        purposes=client.row.purposes,
        exact=shapes.sees_exact(client),
        begin=client.opener("consent_management"),
        ports=client.system.ports,
    )

    def quietly() -> T:
        settle(started, WORD)
        return of_nobody()

    return listener.told(about, act, opens=opens, of_nobody=quietly)
