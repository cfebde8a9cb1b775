"""What a recipient is told of words about people: nothing of those of whom it may see nothing (ADR-0044).

A word is heard whoever it is about. Who may not know of a person gets the answer that it would get of
nobody, and knowing takes as many questions to the database for somebody as for nobody.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from cdp.acting import may
from cdp.acts import EXACT_REASONS, Act
from cdp.kernel.errors import BadInput, Conflict, NotFound
from cdp.permission.binding import About, NobodyThere, NotTheirContact, WhoseGrant
from cdp.permission.consents import Opener
from cdp.permission.serving import WhoWasTold
from cdp.ports import InForce, Ports
from cdp.views.deciding import sees_any
from cdp.views.profile_view import find
from cdp.vocabulary import Actor

T = TypeVar("T")
# What a no is refused with by who is there, and what a yes may be: each says that there is somebody.
TELLING_NO = (NobodyThere, WhoseGrant)
TELLING_YES = (NotFound, Conflict, WhoseGrant, NotTheirContact, WhoWasTold, BadInput)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who is told: a recipient's caller, for its purposes; of none: the controller's, who may know all."""

    act: Act  # by which the words come
    actor: Actor
    recipient: str | None
    purposes: Collection[str]
    begin: Opener
    ports: Ports
    policy: InForce

    @property
    def knows_everybody(self) -> bool:
        """Whether the caller is the controller's, or may see why exactly somebody is refused."""
        return self.recipient is None or may(EXACT_REASONS, self.actor, act=self.act, policy=self.policy)

    def may_know(self, about: About) -> bool:
        """Whether the caller may know of the one person whom all of `about` means."""
        if self.knows_everybody:
            return True
        with self.begin() as work:
            named = [one for one in (about.profile, about.person, about.identifier) if one is not None]
            means = {find(one, work=work, ports=self.ports) for one in named}
            whom = means.pop() if len(means) == 1 else None
            return sees_any(whom, self.purposes, self.recipient, work=work, ports=self.ports)

    def told(self, about: About, say: Callable[[], T], *, opens: bool, of_nobody: Callable[[], T]) -> T:
        """What `say` answers, or where the caller may not know of whom it is about, what `of_nobody` does.

        `opens`: what is said can make it that they may know. Raises what the two raise.
        """
        if self.may_know(about):
            return say()
        answer: T | Exception
        telling: tuple[type[Exception], ...] = TELLING_YES if opens else TELLING_NO
        try:
            answer = say()
        except telling as error:
            answer = error
        if not (opens and self.may_know(about)):
            return of_nobody()
        if isinstance(answer, Exception):
            raise answer
        return answer
