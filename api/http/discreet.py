"""Answers that do not tell whether somebody is known: alike in every byte, and in time.

Who is known and who is not take the same questions to the database (`cdp.views.profile_view`,
`cdp.views.discretion`), but not the same microseconds. So such an answer leaves at a whole step after it
was asked for; a step is some times what the work usually takes. ADR-0044.
"""

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

from api.http import answer_times
from api.http.dependencies import Client
from cdp.acts import Act
from cdp.permission.binding import About, NobodyThere
from cdp.views.discretion import Listener

T = TypeVar("T")

READ = 0.1  # seconds: the steps of a look
AS_OF_NOBODY = "cdp.as_of_nobody"  # where a request's scope says that its 404 tells nothing of what was done

WORD = 0.5  # of a word, which is written durably, and of which many kinds of rows may be


def settle(started: float, step: float) -> None:
    """Wait until a whole number of steps has passed since `started`, in the request's place."""
    sleep(answer_times.left(started, step))


def listener(client: Client, act: Act) -> Listener:
    """The client, as one who brings words by an act and is told what became of them."""
    return Listener(
        act=act,
        actor=client.row.actor,
        recipient=client.row.recipient,
        purposes=client.row.purposes,
        begin=client.opener(act.purpose),
        ports=client.system.ports,
        policy=client.policy,
    )


def told(
    client: Client,
    act: Act,
    about: About,
    say: Callable[[], T],
    *,
    opens: bool,
    of_nobody: Callable[[], T],
) -> T:
    """What `say` answers to a client, as `Listener.told` has it, at a step where it is kept from knowing."""
    started = monotonic()

    def quietly() -> T:
        answer_times.in_steps(client.scope, started, WORD)
        try:
            return of_nobody()
        except NobodyThere:
            client.scope[AS_OF_NOBODY] = True
            raise

    return listener(client, act).told(about, say, opens=opens, of_nobody=quietly)
