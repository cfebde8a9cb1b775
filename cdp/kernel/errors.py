"""Errors whose docstring is their message, so that data cannot leak into one.

A subclass says in its docstring what happened and what to do. Callers may add a
`field` (a name of ours, never a value) and `known` facts that are ours to print:
numbers, ids and words from the vocabulary. HTTP status lives in `api/http/problems.py`.
Where one call mends it, a subclass names that call, for each kind of caller its own.

docs/errors.md lists them all by their codes. Texts of another language go by the code, too: a
mapping from code to text, advice for commands and advice for requests, with the same facts in braces.
"""

import re
from collections.abc import Iterable, Mapping
from inspect import cleandoc
from typing import ClassVar

TOLD = 40  # names that an error lists
REFUSED, NOT_FOUND = "refused", "not_found"  # outcomes of an act, as the audit log names them


def listed(names: Iterable[str]) -> str:
    """The names that there are, in order, for the error of one that is not; of very many the first."""
    there = list(names)
    rest = f" and {len(there) - TOLD} more" if len(there) > TOLD else ""
    return (", ".join(there[:TOLD]) or "none") + rest


class CdpError(Exception):
    """Something went wrong inside the platform."""

    # What mends it, with `known` facts in braces: on the command line, and by HTTP.
    by_command: ClassVar[str] = ""
    by_request: ClassVar[str] = ""
    # Whether a request can meet it; if not, its text may name commands.
    http: ClassVar[bool] = True
    # The outcome under which the log counts, by the minute, that an act ended so; "": it is not counted.
    counted_as: ClassVar[str] = ""

    def __init_subclass__(cls, *, http: bool = True) -> None:
        super().__init_subclass__()
        cls.http = http

    def __init__(self, *, field: str | None = None, **known: int | str | float | bool) -> None:
        self.field = field
        self.act: str | None = None  # in which act it was raised, as the audit log names it
        self.known: Mapping[str, int | str | float | bool] = known
        super().__init__(self.message)

    @classmethod
    def code(cls) -> str:
        """The name of this kind of error for programs, which is its class's: never renamed."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def text(cls) -> str:
        """What is said of every error of this kind: the first paragraph of the docstring."""
        return cleandoc(cls.__doc__ or "").split("\n\n")[0].replace("\n", " ")

    @property
    def message(self) -> str:
        """The text, with the field and the known facts behind it."""
        text = self.text()
        facts = ([f"field {self.field}"] if self.field else []) + [f"{k} {v}" for k, v in self.known.items()]
        return f"{text} ({', '.join(facts)})" if facts else text

    @property
    def for_command(self) -> str:
        """The message, with the command that mends it."""
        return self._with(self.by_command)

    @property
    def for_request(self) -> str:
        """The message, with the request that mends it."""
        return self._with(self.by_request)

    def _with(self, cure: str) -> str:
        return f"{self.message} With: {cure.format(**self.known)}" if cure else self.message


class BadInput(CdpError):
    """What was sent cannot be understood."""


class TooLarge(BadInput):
    """What was sent is larger than the limit."""


class UnreadableFile(BadInput, http=False):
    """The file cannot be opened or read."""


class NotAllowed(CdpError):
    """This is not allowed."""

    counted_as = REFUSED


class NotAuthenticated(CdpError):
    """The credentials are missing, unknown or expired."""


class NotFound(CdpError):
    """There is no such thing, or you may not know of it."""

    counted_as = NOT_FOUND


class Conflict(CdpError):
    """This contradicts what is already there."""


class Stale(Conflict):
    """This was decided on what is no longer so; nothing was changed."""

    counted_as = REFUSED


class Unavailable(CdpError):
    """A part that this needs does not answer; nothing was done. Try again later."""


class TookTooLong(Unavailable):
    """This took longer than a request of its kind may, and nothing was done; ask for less at once."""


class Overloaded(Unavailable):
    """More is arriving than can be stored; nothing of this was stored. Send it again later."""


class TooOften(Overloaded):
    """More was asked in a short time than is allowed, and nothing was done; wait and ask again."""

    def __init__(self, *, seconds: int = 1) -> None:
        self.seconds = seconds
        super().__init__()


class BrokenSeal(CdpError):
    """A sealed value does not open."""


class Refused(CdpError):
    """The platform refuses to start or to go on, because doing so could harm somebody."""
