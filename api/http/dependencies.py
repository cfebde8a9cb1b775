"""What routes ask for: the system, who calls, a Work in the caller's workspace.

The only place with `Depends`. A token names client and workspace; roles and purposes are
read from the client's row at each request. `calling` and `doing` let a caller in who may do an act now,
by the token's scopes and the policy in force; the act itself asks again.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated, Protocol
from uuid import UUID

from anyio import to_thread
from fastapi import Depends, Request, params
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2
from sqlalchemy import Engine
from starlette.types import Scope

from api.http.auth import client_rows, guesses, header
from api.http.auth.token_keys import TokenKeys
from api.http.auth.write_keys import UnknownWriteKey, WriteKey, WriteKeys
from api.http.bodies import AT_ONCE, BODY
from api.http.bulkheads import KIND, Bulkheads
from api.http.rates import Rates
from cdp.acting import asked_for, check, counting_refusals
from cdp.acts import Act
from cdp.answers import Answer, StoodOtherwise
from cdp.kernel.clock import Clock
from cdp.kernel.errors import CdpError, NotAllowed, NotAuthenticated, listed
from cdp.kernel.repeated_names import repeats_in
from cdp.kernel.settings import Settings
from cdp.ports import InForce, Ports, Signer
from cdp.registers import admitting
from cdp.vocabulary import Actor, KeyKind, WorkspaceId
from cdp.work import Work, open_work
from governance.keys.statedir import StateDirectory
from policies import tokens
from policies.policy_words import PERMISSIONS, scope

Opener = Callable[[], AbstractContextManager[Work]]

DONE = "cdp.done"  # where a request's scope says that an act of it was done, whatever it is answered

_AUTHENTICATION = Act.TOKEN_SHOW.purpose
_OAUTH = OAuth2(
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(
            tokenUrl="/oauth/token",
            scopes={
                scope(resource, action): f"{action} of {resource}"
                for resource, actions in PERMISSIONS.items()
                for action in sorted(actions)
            },
        )
    ),
    scheme_name="client",
    description="OAuth 2.0 client credentials. Scopes only narrow what the client's roles allow.",
    auto_error=False,
)


class System(Protocol):
    """What `api/wiring.py` joins, as far as HTTP needs it."""

    @property
    def settings(self) -> Settings:
        """What the operator has set."""
        ...

    @property
    def app(self) -> Engine:
        """The database, as the runtime role."""
        ...

    @property
    def ports(self) -> Ports:
        """The packages, joined."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def state(self) -> StateDirectory:
        """The state directory."""
        ...

    @property
    def tokens(self) -> TokenKeys:
        """What access tokens are signed and verified with."""
        ...

    @property
    def links(self) -> Signer:
        """What unsubscribe links are signed with."""
        ...

    def on(self, engine: Engine) -> "System":
        """The same system, on other connections to its database."""
        ...


class Repeated(Exception):
    """The request of that client's was answered before; this is not an error."""

    def __init__(self, answer: Answer, client: "Client") -> None:
        super().__init__()
        self.answer, self.client = answer, client


class PurposeNotAllowed(NotAllowed):
    """This client is not registered for that purpose."""

    by_command = "cdp client change CLIENT, with the purposes that it has and this one"
    by_request = "PUT /v1/clients/CLIENT with this purpose, too, as a client with the role admin"


class RecipientNotAllowed(NotAllowed):
    """This client belongs to another recipient, and can ask for that one alone."""


class RecipientEnded(NotAllowed):
    """The contract of this client's recipient has ended; only refusals are heard from it."""

    by_command = "cdp recipient renew NAME"
    by_request = "POST /v1/recipients/RECIPIENT/renewal, as a client with the role admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who calls: a client as it stands now, within what its token says.

    `contracted`: it is the controller's own, or its recipient's contract is in force. `policy` is the one in
    force as it began to call, `scope` what the server knows of its request.
    """

    system: System
    workspace: WorkspaceId
    row: client_rows.ClientRow
    contracted: bool
    policy: InForce = field(repr=False)
    scope: Scope = field(repr=False)

    @contextmanager
    def asking(self, act: Act, verb: str = "") -> Iterator[None]:
        """What is refused in the block, before there is a Work for the act, is counted."""
        try:
            with asked_for(act, self.row.actor, verb):
                yield
        except CdpError as error:
            if not error.counted_as:
                raise
            with self.opener(act.purpose)():
                raise

    def for_purpose(self, purpose: str) -> str:
        """`purpose`, if this client was registered for it. Raises `PurposeNotAllowed`."""
        if purpose not in self.row.purposes:
            raise PurposeNotAllowed(field="purpose", registered=listed(sorted(self.row.purposes)))
        return purpose

    def for_recipient(self, recipient: str | None) -> str | None:
        """`recipient`, or the one that this client belongs to. Raises `RecipientNotAllowed`."""
        own = self.row.recipient
        if own is not None and recipient not in (None, own):
            raise RecipientNotAllowed(field="recipient", own=own)
        return own if own is not None else recipient

    def in_good_standing(self) -> None:
        """Raise `RecipientEnded` once the contract of the client's recipient has ended, and
        `ClientRefused` for a while after wrong secrets of the client were tried.
        """
        if not self.contracted:
            raise RecipientEnded
        guesses.check(self.row.refused_until, now=self.system.clock())

    def opener(self, purpose: str) -> Opener:
        """What opens a Work of this client's, for use cases that need several."""

        @contextmanager
        def begin() -> Iterator[Work]:
            with open_for(self.system, self.workspace, self.row.actor, purpose) as work:
                yield work
            if work.done:
                self.scope[DONE] = True

        return begin


def system_of(request: Request) -> System:
    """The system that this application serves, on the connections of the request's kind."""
    system: System = request.app.state.system
    bulkheads: Bulkheads = request.app.state.bulkheads
    return system.on(bulkheads.engine(request.scope[KIND]))


SystemDep = Annotated[System, Depends(system_of)]


def open_for(system: System, workspace: UUID, actor: Actor, purpose: str) -> AbstractContextManager[Work]:
    """A Work of `actor` in `workspace`, at the system's time. What is refused in it is counted."""

    def begin() -> AbstractContextManager[Work]:
        return open_work(system.app, workspace=workspace, actor=actor, purpose=purpose, clock=system.clock)

    return counting_refusals(begin, system.ports)


def client_of(
    request: Request, system: SystemDep, authorization: Annotated[str | None, Depends(_OAUTH)]
) -> Client:
    """The client behind the access token. Raises `NotAuthenticated`, revoked ones included; `TooOften`."""
    token = header.bearer(authorization)
    try:
        said = tokens.verify(token, system.tokens.verifying, now=system.clock())
    except NotAuthenticated:
        _count_past(token, system)
        raise
    try:
        identifier = UUID(said.client)
    except ValueError:
        raise NotAuthenticated from None
    rates: Rates = request.app.state.rates
    rates.client(request.scope[KIND], said.client)
    nobody = admitting.client(identifier)
    with open_for(system, said.workspace, nobody, _AUTHENTICATION) as work:
        row = client_rows.current(identifier, work=work)
        if row is None:
            admitting.refused(Act.TOKEN_SHOW, nobody, work=work, ports=system.ports)
        own = row.recipient if row else None
        contracted = own is None or system.ports.ledger.contracted(own, work=work)
        policy = system.ports.policies.in_force(work)
    if row is None:
        raise NotAuthenticated
    row = replace(row, scopes=said.scopes)
    return Client(
        system=system,
        workspace=said.workspace,
        row=row,
        contracted=contracted,
        policy=policy,
        scope=request.scope,
    )


def _count_past(token: str, system: System) -> None:
    """Count that a token of ours was shown whose time is over; of any other nobody knows whose it is."""
    past = tokens.whose_past(token, system.tokens.verifying, now=system.clock())
    if past is not None:
        nobody = admitting.client(UUID(past.client))
        with open_for(system, past.workspace, nobody, _AUTHENTICATION) as work:
            admitting.refused(Act.TOKEN_SHOW, nobody, work=work, ports=system.ports)


def _standing(client: Annotated[Client, Depends(client_of)]) -> None:
    client.in_good_standing()


ANY_CLIENT = Depends(_standing)


# The dependencies that find out whether a caller may; only then is a repeated request answered.
GUARDS: set[Callable[..., Client]] = set()


def _not_again(act: Act, request: Request, client: Client) -> None:
    """Raise `Repeated` for a request that was answered before, `StoodOtherwise` for one that was answered to
    a client of other rights, and what its key is refused for.
    """
    refused: CdpError | None = getattr(request.state, "key_refused", None)
    if refused is not None:
        with client.asking(act):
            raise refused
    answer: Answer | None = getattr(request.state, "answered", None)
    if answer is not None:
        if answer.otherwise:
            raise StoodOtherwise
        raise Repeated(answer, client)


def calling(act: Act) -> params.Depends:
    """The client that asks for an act, if it may.

    Raises `NotAuthenticated`, `ActNotAllowed`, and what `Client.in_good_standing` does.
    """

    def known(request: Request, client: Annotated[Client, Depends(client_of)]) -> Client:
        request.state.called = client
        _let_in(act, client)
        _not_again(act, request, client)
        return client

    GUARDS.add(known)
    depends: params.Depends = Depends(known)
    return depends


def _let_in(act: Act, client: Client) -> None:
    with client.asking(act):
        check(act, client.row.actor, policy=client.policy)
        # What a person says must reach the ledger, even through somebody whose contract has ended
        # or whose secret somebody else tries to guess.
        if not act.deed.heard:
            client.in_good_standing()


def calling_now(act: Act, request: Request) -> Client:
    """The client of a request that was refused, perhaps before anybody asked who calls.

    Raises as `calling` does.
    """
    client: Client | None = getattr(request.state, "called", None)
    if client is None:
        client = client_of(request, system_of(request), request.headers.get("authorization"))
    _let_in(act, client)
    return client


def doing(act: Act) -> params.Depends:
    """A Work for an act of the calling client's; it commits before the answer is sent, or there is none."""

    def work(client: Annotated[Client, calling(act)]) -> Iterator[Work]:
        with client.opener(act.purpose)() as opened, asked_for(act, opened.actor):
            yield opened

    depends: params.Depends = Depends(work, scope="function")
    return depends


def check_query(request: Request, *, documented: bool) -> None:
    """Refuse a query where none is documented, and a name that is there twice, each by its name.

    Of two values each of two readers could believe another one. Raises `RequestValidationError`.
    """
    names = Counter(name for name, _ in request.query_params.multi_items())
    faults = [{"loc": ("query", name), "type": "said_twice"} for name, times in names.items() if times > 1]
    if not documented:
        faults = [{"loc": ("query", name), "type": "extra_forbidden"} for name in names]
    if faults:
        raise RequestValidationError(faults)


async def _documented_query(request: Request) -> None:
    """Check the query of a route; where one is documented, its model refuses what is beyond it (S5)."""
    check_query(request, documented=bool(request.scope["route"].dependant.query_params))


DOCUMENTED_QUERY = Depends(_documented_query)


async def _said_once(request: Request) -> None:
    """Refuse a body in which an object has a name twice: of its values the last one alone would be read.

    Raises `RequestValidationError`.
    """
    body: bytes = request.scope.get(BODY, b"")
    if len(body) <= AT_ONCE:
        twice = repeats_in(body)
    else:
        twice = await to_thread.run_sync(repeats_in, body)
    if twice:
        raise RequestValidationError([{"loc": ("body",), "type": "said_twice"}])


SAID_ONCE = Depends(_said_once)


def ports_of(system: SystemDep) -> Ports:
    """The packages, joined."""
    return system.ports


PortsDep = Annotated[Ports, Depends(ports_of)]


def _server_key(request: Request) -> WriteKey:
    """The server write key that was shown by Basic. Raises `UnknownWriteKey`."""
    pair = header.basic(request.headers.get("authorization"))
    known: WriteKeys = request.app.state.write_keys
    key = known.check(pair[0] if pair else "")
    if key.kind is not KeyKind.SERVER:
        raise UnknownWriteKey
    return key


def _server_work(system: SystemDep, key: Annotated[WriteKey, Depends(_server_key)]) -> Iterator[Work]:
    with open_for(system, key.workspace, key.actor, Act.VERDICT_READ.purpose) as work:
        yield work


ServerKeyDep = Annotated[WriteKey, Depends(_server_key)]
ServerWorkDep = Annotated[Work, Depends(_server_work, scope="function")]
