"""Whose a request is, before anything is looked up for it: what its token says, if the token is good."""

from collections.abc import Callable, Mapping

from api.auth import header
from cdp.kernel.clock import Clock
from cdp.kernel.errors import NotAuthenticated
from policies import tokens
from policies.tokens import VerifyingKeys

NOBODY = ""  # all together who show no good token


def caller_by(keys: VerifyingKeys, clock: Clock) -> Callable[[Mapping[str, str]], str]:
    """What names the caller by a request's headers: the client of its token, or `NOBODY`."""

    def caller(headers: Mapping[str, str]) -> str:
        try:
            return tokens.verify(header.bearer(headers.get("authorization")), keys, now=clock()).client
        except NotAuthenticated:
            return NOBODY

    return caller
