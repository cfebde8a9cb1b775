"""A no in a body that is refused is heard all the same, and the refusal says so (ADR-0055).

Whatever is wrong with the rest of a request, whom it names and that it is a no may be plain to read.
Who may say it is asked as for a body that is well formed, and a recipient is told no more (ADR-0044).
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from http import HTTPStatus
from time import monotonic
from typing import ClassVar

from anyio import to_thread
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api.http import answer_times, discreet, problems
from api.http.bodies import BODY
from api.http.dependencies import Client, calling_now
from api.http.problems import Problem
from cdp.acts import Act
from cdp.intake.collection.body import gunzip, leniently
from cdp.kernel.errors import BadInput
from cdp.permission.binding import UnusableContact

UNPACKED = 256 * 1024  # bytes of a body that came packed, which no route takes
HEARD = "The no in it was heard all the same."
Hearing = Callable[[object, Client], bool]
# The framework's own is of a body that it can't parse.
_REFUSALS = (RequestValidationError, BadInput, UnusableContact, HTTPException)


class Hears(APIRoute):
    """A route of which some paths hear a no in what they refuse."""

    # By path: the act that it is, and what hears it and tells whether something was.
    hears: ClassVar[Mapping[str, tuple[Act, Hearing]]] = {}

    def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
        """What serves a request, and looks into one that it refuses."""
        serve = super().get_route_handler()
        if self.path not in self.hears:
            return serve
        act, hear = self.hears[self.path]

        async def hearing(request: Request) -> Response:
            started = monotonic()
            try:
                return await serve(request)
            except _REFUSALS as error:
                if isinstance(error, HTTPException) and error.status_code != HTTPStatus.BAD_REQUEST:
                    raise
                if not await to_thread.run_sync(_heard, request, act, hear, started):
                    raise
                problem = _problem(error)
                detail = f"{problem.detail} {HEARD}"
                return replace(problem, detail=detail, heard=True).response(problems.request_id(request))

        return hearing


def _problem(error: Exception) -> Problem:
    if isinstance(error, RequestValidationError):
        return problems.of_validation(error.errors())
    if isinstance(error, HTTPException):
        return problems.unreadable()
    return problems.of(error)


def _heard(request: Request, act: Act, hear: Hearing, started: float) -> bool:
    """Whether a no was heard. Raises what `calling` does."""
    # Who calls is asked first: a stranger's body is worth no look, nor is that of who asks too often.
    client = calling_now(act, request)
    body: bytes = request.scope[BODY]
    try:
        if request.headers.get("content-encoding", "").strip().lower() == "gzip":
            body = gunzip(body, UNPACKED)
        said = leniently(body)
    except (ValueError, BadInput):
        return False
    try:
        return hear(said, client)
    finally:
        if not discreet.listener(client, act).knows_everybody:
            answer_times.in_steps(client.scope, started, discreet.WORD)
