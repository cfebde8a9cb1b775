"""Errors as RFC 9457 problem+json: the class decides the status, its docstring is the message.

Nothing of what was sent comes back: an error of ours has a docstring, a failed validation
names the field and never its value, and everything else is a 500 that says nothing.
Which status an error has is said here alone.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from cdp.kernel.database import TOO_LONG, sqlstate
from cdp.kernel.errors import (
    BadInput,
    BrokenSeal,
    CdpError,
    Conflict,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Overloaded,
    Stale,
    TookTooLong,
    TooLarge,
    TooOften,
    Unavailable,
)
from cdp.kernel.json_values import JsonObject
from cdp.kernel.logs import log
from cdp.ports import KeyMissing

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 1
_NAMED = 20  # faults of one request

# The first class that fits counts, so the narrower stand first.
_STATUS: tuple[tuple[type[CdpError], int], ...] = (
    (TooLarge, 413),
    (BadInput, 422),
    (NotAuthenticated, 401),
    (NotAllowed, 403),
    (NotFound, 404),
    (Stale, 412),
    (Conflict, 409),
    (Overloaded, 429),
    (Unavailable, 503),
)

# What a client did wrong before any code of ours ran: the framework's refusals.
PLAIN = {
    400: "The request cannot be understood.",
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    408: "The head of the request did not arrive in time.",
    413: "What was sent is larger than the limit.",
    431: "The head of the request has more bytes or headers than the limit.",
}

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}\Z")


class Failed(CdpError):
    """Something failed inside the platform; it is logged under the request's id."""


class NotStorable(BadInput):
    """A text holds characters that cannot be stored, such as NUL or half of a surrogate pair."""


class NotWellFormed(BadInput):
    """The request does not have the documented shape; the fields at fault are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One RFC 9457 problem. `code` is the error's name for programs; it is never renamed."""

    status: int
    code: str
    title: str
    detail: str
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    heard: bool = False  # the no in what was refused

    def body(self, request: str) -> bytes:
        """The JSON; `request` is the id of the request. `message` is what Segment's clients read."""
        document: JsonObject = {
            "type": f"urn:cdp:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": f"urn:uuid:{request}",
            "code": self.code,
            "message": self.detail,
        }
        more = {"errors": list(self.errors)} if self.errors else {}
        return msgspec.json.encode(document | more | ({"heard": True} if self.heard else {}))

    def response(self, request: str) -> Response:
        """The answer, with the headers that its status asks for."""
        return Response(self.body(request), self.status, dict(self.headers), MEDIA_TYPE)


def of(error: Exception, *, bad_input: int = 422, challenge: str = "Bearer") -> Problem:
    """The problem that `error` is.

    `bad_input` is the status of a `BadInput` and `challenge` the scheme that a 401 asks for:
    collection's clients know other ones than the rest of the API.
    """
    known = _ours(error)
    status = status_of(type(known))
    headers: dict[str, str] = {}
    if status == 422:
        status = bad_input
    if status == 401:
        headers["WWW-Authenticate"] = f'{challenge} realm="cdp"'
    wait = str(known.seconds if isinstance(known, TooOften) else RETRY_SECONDS)
    if status in (429, 503):
        headers["Retry-After"] = wait
    if status == 429:
        headers["X-RateLimit-Reset"] = wait
    return Problem(
        status=status,
        code=known.code(),
        title=known.text(),
        detail=known.for_request,
        errors=[{"field": known.field, "reason": "refused"}] if known.field and status < 500 else [],
        headers=headers,
    )


def status_of(kind: type[CdpError]) -> int:
    """The HTTP status of an error of that kind, everywhere but in collection."""
    return next((status for of, status in _STATUS if issubclass(kind, of)), 500)


def _ours(error: Exception) -> CdpError:
    """The error of ours that stands for `error`; `Failed` for what nobody foresaw."""
    if isinstance(error, KeyMissing):
        return BrokenSeal()
    if isinstance(error, CdpError):
        return error
    if isinstance(error, DataError | UnicodeError):
        return NotStorable()
    if isinstance(error, DBAPIError) and sqlstate(error) == TOO_LONG:
        return TookTooLong()
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if lost or isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        return Unavailable()
    return Failed()


def of_validation(problems: Iterable[Mapping[str, Any]]) -> Problem:
    """The problem of a request that does not have the documented shape."""
    found = [_fault(one) for one in islice(problems, _NAMED)]
    error = NotWellFormed(field=found[0]["field"] if found else None)
    return Problem(
        status=422,
        code=error.code(),
        title=error.text(),
        detail=error.message,
        errors=found,
    )


def unreadable() -> Problem:
    """The problem of a body that no parser takes: one that is nested too deep is the framework's 400."""
    return of_validation([{"loc": ("body",), "type": "unreadable"}])


def _fault(problem: Mapping[str, Any]) -> dict[str, str]:
    """A field at fault; where only a few words would be right, with these."""
    found = {"field": _path(problem["loc"]), "reason": str(problem["type"])}
    # They stand in the documented shape. Nothing else of what the framework knows is free of input.
    few = problem.get("ctx", {}).get("expected") if found["reason"] in ("enum", "literal_error") else None
    return found | ({"expected": str(few)} if few else {})


def of_status(status: int, headers: Mapping[str, str]) -> Problem:
    """The problem of a refusal that the framework made, before any code of ours ran."""
    title = PLAIN.get(status, PLAIN[400])
    return Problem(status=status, code=f"http-{status}", title=title, detail=title, headers=headers)


def _path(location: Sequence[str | int]) -> str:
    # A key that the client made up can hold anything, a name of a person too.
    words = [str(part) if isinstance(part, int) or _NAME.match(part) else "?" for part in location]
    return ".".join(words)


def request_id(request: Request) -> str:
    """The id that this request goes by in the log and in its answer."""
    return str(request.scope.get("cdp.request", ""))


def install(app: FastAPI, *, methods: Callable[[str], frozenset[str]]) -> None:
    """Answer every error of `app` with a problem; `methods` are those that a path takes."""

    def ours(request: Request, error: Exception) -> Response:
        problem = of(error)
        if problem.status >= 500:
            log().error("request_failed", request=request_id(request), exc_info=error)
        return problem.response(request_id(request))

    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError), "installed for that class"
        return of_validation(error.errors()).response(request_id(request))

    def plain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException), "installed for that class"
        if error.status_code == 400:
            return unreadable().response(request_id(request))
        headers = dict(error.headers or {})
        if error.status_code == 405:
            # The framework names the methods of one route, and a path can have several.
            known = methods(request.url.path) | {one for one in headers.get("Allow", "").split(", ") if one}
            headers["Allow"] = ", ".join(sorted(known))
        return of_status(error.status_code, headers).response(request_id(request))

    app.add_exception_handler(CdpError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, plain)
    for foreign in (DBAPIError, PoolTimeout, UnicodeError):
        app.add_exception_handler(foreign, ours)
