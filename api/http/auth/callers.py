"""Whose a request is, before anything is looked up for it: what its token or its link says, if it is good."""

from collections.abc import Callable, Mapping

from api.http.auth import header
from cdp.kernel.clock import Clock
from cdp.kernel.errors import NotAuthenticated
from cdp.permission import unsubscribe
from cdp.permission.unsubscribe import BadLink
from cdp.ports import Signer
from policies import tokens
from policies.tokens import VerifyingKeys

NOBODY = ""  # all together who show no good token
CLICKED = "/u/"  # where unsubscribe links begin


def caller_by(keys: VerifyingKeys, clock: Clock) -> Callable[[Mapping[str, str]], str]:
    """What names the caller by a request's headers: the client of its token, or `NOBODY`."""

    def caller(headers: Mapping[str, str]) -> str:
        try:
            return tokens.verify(header.bearer(headers.get("authorization")), keys, now=clock()).client
        except NotAuthenticated:
            return NOBODY

    return caller


def link_by(links: Signer) -> Callable[[str], str]:
    """What names whose unsubscribe link a path is: its contact, whichever link and however it is spelled.

    All that is no link is one, for anybody can make any number of those.
    """

    def link(path: str) -> str:
        try:
            found = unsubscribe.read(path.removeprefix(CLICKED), links)
        except BadLink:
            return NOBODY
        return f"{found.workspace}/{found.contact}"

    return link
