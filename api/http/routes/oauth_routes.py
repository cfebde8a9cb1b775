"""OAuth 2.0 client credentials (RFC 6749 4.4): an access token for a client's secret."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import ConfigDict, StringConstraints
from starlette.exceptions import HTTPException

from api.http.auth import client_rows, guesses, header
from api.http.auth.client_rows import ClientRow
from api.http.auth.guesses import ClientRefused
from api.http.bulkheads import Kind
from api.http.dependencies import System, SystemDep, open_for
from api.http.rates import Rates
from api.http.shapes import Out, Strict, failures, with_examples
from cdp.acts import HEARD, Act
from cdp.kernel.errors import BadInput, CdpError, NotAuthenticated, TooOften
from cdp.ports import InForce
from cdp.registers import admitting
from cdp.work import Work
from policies import secrets, tokens
from policies.policy_words import PERMISSIONS, scope
from policies.secrets import SecretRef

LIFE = timedelta(minutes=15)


class OAuthRefusal(BadInput):
    """A token is asked for by a form with grant_type and scope, each once, logged in by HTTP Basic."""

    error = "invalid_request"


class UnsupportedGrant(OAuthRefusal):
    """Only the grant type client_credentials is offered."""

    error = "unsupported_grant_type"


class InvalidScope(OAuthRefusal):
    """A scope is unknown, or the client's roles do not allow it."""

    error = "invalid_scope"


class _InOAuthWords(APIRoute):
    """A route that answers its refusals as RFC 6749 5.2 asks, not as problems."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
        """The handler with its refusals answered."""
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                await _once(request)
                return await handle(request)
            except OAuthRefusal as refused:
                return _refusal(refused.error, refused, 400)
            except (RequestValidationError, HTTPException):
                return _refusal("invalid_request", OAuthRefusal(), 400)
            except NotAuthenticated as refused:
                return _refusal("invalid_client", refused, 401)

        return answered


router = APIRouter(tags=["authentication"], route_class=_InOAuthWords)


class TokenIn(Strict):
    """The form of a token request; the client authenticates by HTTP Basic. Other parameters are ignored."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [{"grant_type": "client_credentials", "scope": "profile:read segment:write"}],
            "additionalProperties": True,
        },
    )

    grant_type: Annotated[str, StringConstraints(max_length=64)]
    """How the client asks: always by `client_credentials`."""
    scope: Annotated[str, StringConstraints(max_length=2_000)] = ""
    """What the token is to allow, with spaces between; empty: all that the client's roles allow."""


class TokenOut(Out):
    """An access token (RFC 6749 5.1)."""

    model_config = with_examples(
        {
            "access_token": "eyJhbGciOiJFZERTQSIs…",
            "token_type": "Bearer",
            "expires_in": 900,
            "scope": "profile:read segment:write",
        }
    )

    access_token: str
    """The token: send it as `Authorization: Bearer …`."""
    token_type: str
    """How the token is shown: always as `Bearer`."""
    expires_in: int
    """For how many seconds it is good."""
    scope: str
    """What it allows, with spaces between."""


class RefusalOut(Out):
    """A refusal (RFC 6749 5.2)."""

    error: str
    """Why there is no token, as one of the words of RFC 6749."""
    error_description: str
    """The same in a sentence."""


@router.post(
    "/oauth/token",
    summary="Get an access token for a client",
    responses={
        **{status: shape for status, shape in failures(413).items() if status != 422},
        400: {"model": RefusalOut, "description": "The request is refused"},
        401: {"model": RefusalOut, "description": "Unknown client, wrong secret, or revoked"},
    },
    openapi_extra={"security": [{"client_secret": []}]},
)
def token(
    form: Annotated[TokenIn, Form()],
    request: Request,
    system: SystemDep,
    response: Response,
    authorization: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> TokenOut:
    """A token for the client in the Basic header. Without a scope: all that its roles allow."""
    identifier, secret = header.client_credentials(authorization)
    shown = secrets.parse(secret)
    nobody = admitting.client(shown.id)
    with open_for(system, shown.workspace, nobody, Act.TOKEN_ISSUE.purpose) as work:
        # What refuses is raised behind the block, for what was counted stays.
        granted = _answer(identifier, shown, form, request, system, work)
    if isinstance(granted, CdpError):
        raise granted
    response.headers["Pragma"] = "no-cache"
    return TokenOut(
        access_token=tokens.issue(
            system.tokens.signer,
            realm=system.tokens.realm,
            client=str(shown.id),
            workspace=shown.workspace,
            scopes=granted,
            now=system.clock(),
            ttl=LIFE,
        ),
        token_type="Bearer",  # noqa: S106
        expires_in=int(LIFE.total_seconds()),
        scope=" ".join(sorted(granted)),
    )


def _answer(
    identifier: str, shown: SecretRef, form: TokenIn, request: Request, system: System, work: Work
) -> frozenset[str] | CdpError:
    """The scopes that the client gets, or why it gets no token; which is counted."""
    ports = system.ports
    row = client_rows.authenticate(shown, work=work, ports=ports)
    if row is None or identifier != str(row.id):
        known = client_rows.registered(shown.id, work=work)
        who = work.actor if known else admitting.STRANGER
        admitting.refused(Act.SECRET_SHOW, who, work=work, ports=ports)
        return NotAuthenticated()
    try:
        if form.grant_type != "client_credentials":
            raise UnsupportedGrant(field="grant_type")
        # Whoever shows a wrong secret uses up nothing of the client's.
        rates: Rates = request.app.state.rates
        rates.client(Kind.TOKEN, str(row.id))
        granted = _granted(form.scope, row, system, ports.policies.in_force(work))
    except (InvalidScope, ClientRefused) as why:
        admitting.refused(Act.TOKEN_ISSUE, work.actor, work=work, ports=ports)
        return why
    except (UnsupportedGrant, TooOften) as why:
        return why
    admitting.issued(work.actor, work=work, ports=ports)
    return granted


def _granted(asked: str, row: ClientRow, system: System, policy: InForce) -> frozenset[str]:
    """The scopes that were asked for, or all that the roles allow. Raises `InvalidScope`, `ClientRefused`.

    While its secret is being guessed, a client gets a token for what is heard even then.
    """
    allowed = frozenset(
        scope(resource, action)
        for resource, actions in PERMISSIONS.items()
        for action in actions
        if policy.allows(row.actor, resource, action)
    )
    wanted = frozenset(asked.split())
    if not wanted <= allowed:
        raise InvalidScope(field="scope")
    heard = HEARD & allowed
    try:
        guesses.check(row.refused_until, now=system.clock())
    except ClientRefused:
        if not heard or not wanted <= heard:
            raise
        return wanted or heard
    return wanted or allowed


async def _once(request: Request) -> None:
    """Refuse a parameter that comes twice, known or not (RFC 6749 3.2): two readers could read two."""
    form = await request.form()
    if len(form.multi_items()) > len(form):
        raise OAuthRefusal


def _refusal(word: str, error: CdpError, status: int) -> Response:
    headers = {"WWW-Authenticate": 'Basic realm="cdp"'} if status == 401 else {}
    return JSONResponse({"error": word, "error_description": error.message}, status, headers)
