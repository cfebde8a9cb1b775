"""`Idempotency-Key`: a write that is sent again within a day is answered as before, and not done again.

A route of class `Once` takes the header; a yes is answered as it stands now (`OnceSaid`). Its key belongs
to the client that sends it. What was refused before an act of it was done frees its key; what was refused or
failed after that is answered 409 until the day is over. A yes that is answered as about nobody keeps its key
and its answer, done or not (ADR-0044). A no is heard each time, whatever key it has.
"""

import hashlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Depends, Header, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from api.http import problems
from api.http.bodies import BODY
from api.http.bulkheads import KIND, Kind
from api.http.dependencies import DONE, GUARDS, Client, Repeated, client_of
from api.http.discreet import AS_OF_NOBODY
from api.http.shapes import failures
from cdp import answers
from cdp.answers import Answer, Asked
from cdp.kernel.errors import BadInput, Conflict, Unavailable
from cdp.kernel.json_values import JsonObject

HEADER = "Idempotency-Key"
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PURPOSE = "idempotency"
# Of a route whose answer holds a secret: it is not kept, so the repeated request is answered 409.
SHOWN_ONCE: JsonObject = {"x-shown-once": True}

Handler = Callable[[Request], Coroutine[object, object, Response]]
Key = Annotated[
    str | None,
    Header(
        alias=HEADER,
        min_length=1,
        max_length=255,
        description="A word of your own for this request. Sent again with it within 24 hours, the request is"
        " answered as before and not done again; with another body it is refused.",
        examples=["order-1042"],
    ),
]


class Once(APIRoute):
    """A route whose writes take an `Idempotency-Key`."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        given = options.get("dependencies") or []
        writes = bool(_WRITES & set(options.get("methods") or ()))
        # The application makes each route of a router anew.
        if writes and _BEGIN not in given:
            options["dependencies"] = [_BEGIN, *given]
            options["responses"] = {**failures(409), **(options.get("responses") or {})}
        self.secret = SHOWN_ONCE.items() <= (options.get("openapi_extra") or {}).items()
        super().__init__(path, endpoint, **options)
        if writes and GUARDS.isdisjoint(_calls(self.dependant)):
            raise TypeError("who may do it has to be asked before it is said that it was done")

    def again(self, known: Repeated) -> Answer:
        """What a request that was answered before is answered: the same, to the byte."""
        return known.answer

    def get_route_handler(self) -> Handler:
        """What serves a request, and keeps its answer."""
        serve = super().get_route_handler()

        async def once(request: Request) -> Response:
            try:
                response = await serve(request)
            except Repeated as known:
                answer = await to_thread.run_sync(self.again, known)
                return Response(answer.body, answer.status, media_type="application/json")
            except Exception as error:
                if request.scope.get(AS_OF_NOBODY):
                    await to_thread.run_sync(_keep, request, Answer(status=404, body=b""), False)
                elif not request.scope.get(DONE) and _undone(error):
                    await to_thread.run_sync(_forget, request)
                raise
            answer = Answer(status=response.status_code, body=bytes(response.body))
            await to_thread.run_sync(_keep, request, answer, self.secret)
            return response

        return once


def _undone(error: Exception) -> bool:
    """Whether what it ended was not done, for sure: what only the database says may have been committed."""
    refused = isinstance(error, RequestValidationError) or problems.of(error).status < 500
    return refused or isinstance(error, Unavailable)


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any] | None]:
    """Every function that what depends on others asks, they included."""
    yield dependant.call
    for one in dependant.dependencies:
        yield from _calls(one)


def _begin(
    request: Request,
    client: Annotated[Client, Depends(client_of)],
    # Named so that no parameter of a path is.
    idempotency_key: Key = None,
) -> None:
    if idempotency_key is None or request.scope[KIND] is Kind.HEARD:
        return
    vault = client.system.ports.vault
    address = "\0".join((request.method, request.url.path, request.url.query))
    said = hashlib.sha256(address.encode() + b"\0" + request.scope[BODY]).hexdigest()
    # With a key: a body can hold a password, and whoever has the database could try all of them.
    key, asked_for, standing = vault.message_macs(
        client.workspace, [idempotency_key, said, client.row.standing]
    )
    asked = Asked(client=client.row.id, key=key, request=asked_for, standing=standing)
    # Whether its caller may do it (still) is asked first, so what the key says is told later.
    try:
        with client.opener(_PURPOSE)() as work:
            before = answers.begin(asked, vault=vault, work=work)
    except (BadInput, Conflict) as error:
        request.state.key_refused = error
        return
    if before is not None:
        request.state.answered = before
        return
    request.state.asked = client, asked


_BEGIN = Depends(_begin)


def _forget(request: Request) -> None:
    if begun := _begun(request):
        client, asked = begun
        with client.opener(_PURPOSE)() as work:
            answers.forget(asked, work=work)


def _keep(request: Request, answer: Answer, secret: bool) -> None:
    if begun := _begun(request):
        client, asked = begun
        with client.opener(_PURPOSE)() as work:
            answers.keep(asked, answer, secret=secret, vault=client.system.ports.vault, work=work)


def _begun(request: Request) -> tuple[Client, Asked] | None:
    """Whose request is worked on by a key, and which; None: it came without one."""
    return getattr(request.state, "asked", None)
