"""Unsubscribe links: permanent, one step, no log-in, no cookie (RFC 8058).

A GET changes nothing, for link scanners fetch links; it shows one button. The POST is
answered when the withdrawal holds and no release can still send against it: at the contact that
the link was sent to, also after an erasure, and whether or not the person has come back. Whatever its
body says, it withdraws: the signed link alone decides, and a formality must not keep a
person subscribed.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from api.http.dependencies import Opener, System, SystemDep, open_for
from api.http.routes.consent_routes import patience
from api.http.shapes import failures
from api.pages.rendering import CONTENT_SECURITY_POLICY, page, style
from cdp.kernel.errors import NotFound
from cdp.kernel.ids import new_id
from cdp.permission import consents, unsubscribe
from cdp.permission.binding import About, ForgottenContact
from cdp.permission.consents import NotYetEffective, Saying
from cdp.permission.unsubscribe import BadLink, Link
from cdp.vocabulary import Actor, Channel, Role, State

# What goes wrong with a link is told on a page, to a person.
_PAGE: dict[str, Any] = {"text/html": {"schema": {"type": "string"}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    **failures(),
    404: {"description": "The link does not work: a page that says so", "content": _PAGE},
    503: {
        "description": "It holds, but one message may be on its way; or a part does not answer",
        "content": _PAGE | failures()[503]["content"],
    },
}

router = APIRouter(prefix="/u", tags=["public"], responses=_ANSWERS)

LinkToken = Annotated[
    str, Path(max_length=800, description="The signed token of the link, as it stands in the message.")
]

_HEADERS = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
_NAMES = {
    Channel.EMAIL: "e-mails",
    Channel.SMS: "text messages",
    Channel.PHONE: "calls",
    Channel.POST: "letters",
    Channel.PUSH: "notifications",
}


@router.get("/page.css", include_in_schema=False)
def get_style() -> Response:
    """The pages' style sheet."""
    return PlainTextResponse(style(), media_type="text/css", headers={"Cache-Control": "max-age=86400"})


@router.head("/{token:path}", include_in_schema=False)
@router.get("/{token:path}", summary="Show the page behind an unsubscribe link", response_class=HTMLResponse)
def get_unsubscribe(token: LinkToken, system: SystemDep) -> Response:
    """A page with one button. Nothing is changed by looking at it."""
    try:
        link = unsubscribe.read(token, system.links)
        begin = _opener(link, system)
        purpose = _purpose(link, begin, system)
        with begin() as work:
            known = consents.reaches(link.contact, work=work, ports=system.ports)
        if not known and unsubscribe.identifier(link, ports=system.ports) is None:
            raise ForgottenContact
    except NotFound as error:
        return _failed(error, 404)
    return _page("unsubscribe", 200, purpose=_spoken(purpose), channel=_NAMES[link.channel])


@router.post(
    "/{token:path}", summary="Say no by an unsubscribe link, in one step", response_class=HTMLResponse
)
def post_unsubscribe(token: LinkToken, system: SystemDep) -> Response:
    """Withdraw, at once. 200 means that nothing more is sent; 503 that it holds but one may be on its way."""
    try:
        link = unsubscribe.read(token, system.links)
        begin = _opener(link, system)
        purpose = _purpose(link, begin, system)
        done = consents.say(
            Saying(purpose=purpose, channel=link.channel, state=State.WITHDRAWN, evidence="link"),
            About(contact=link.contact, otherwise=unsubscribe.identifier(link, ports=system.ports)),
            begin=begin,
            ports=system.ports,
            patience=patience(system.settings),
        )
    except NotFound as error:
        return _failed(error, 404)
    except NotYetEffective as error:
        return _failed(error, 503)
    at = f"{done.at:%d %B %Y, %H:%M:%S} UTC"
    return _page("unsubscribed", 200, purpose=_spoken(purpose), channel=_NAMES[link.channel], at=at)


def _opener(link: Link, system: System) -> Opener:
    # Nobody has logged in, so this is nobody's account: an id of its own, for this act alone.
    somebody = Actor(ref=str(new_id()), roles=frozenset({Role.SUBJECT.value}), kind="subject")
    return lambda: open_for(system, link.workspace, somebody, "unsubscribe")


def _purpose(link: Link, begin: Opener, system: System) -> str:
    """The name of what the link stops. Raises `BadLink` if it is no purpose any more."""
    with begin() as work:
        names = system.ports.ledger.purposes(work=work)
    for name, purpose in names.items():
        if purpose == link.purpose:
            return name
    raise BadLink


def _spoken(purpose: str) -> str:
    return purpose.replace("_", " ")


def _page(name: str, status: int, **values: str) -> Response:
    return HTMLResponse(page(name, **values), status, _HEADERS)


def _failed(error: NotFound | NotYetEffective, status: int) -> Response:
    heading = "This link does not work" if status == 404 else "Almost there"
    answer = _page("unsubscribe_failed", status, heading=heading, text=error.message)
    if status == 503:
        answer.headers["Retry-After"] = "2"
    return answer
