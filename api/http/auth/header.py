"""The `Authorization` header (RFC 7617, RFC 6750), read strictly."""

from base64 import b64decode
from binascii import Error
from urllib.parse import unquote_plus

from cdp.kernel.errors import NotAuthenticated

# A write key or secret has 80 characters; a token of 4 KB of claims is the longest there is.
LONGEST = 8_192


def basic(header: str | None) -> tuple[str, str] | None:
    """User and password of a Basic header; None for no header or another scheme.

    Raises `NotAuthenticated` for a Basic header that cannot be read.
    """
    encoded = _credentials(header, "basic")
    if encoded is None:
        return None
    try:
        user, colon, password = b64decode(encoded, validate=True).decode().partition(":")
    except (Error, ValueError):
        raise NotAuthenticated from None
    if not colon:
        raise NotAuthenticated
    return user, password


def client_credentials(header: str | None) -> tuple[str, str]:
    """Client id and secret of a Basic header, form-decoded as RFC 6749 2.3.1 asks.

    Raises `NotAuthenticated`, for a missing header too.
    """
    pair = basic(header)
    if pair is None:
        raise NotAuthenticated
    return unquote_plus(pair[0]), unquote_plus(pair[1])


def bearer(header: str | None) -> str:
    """The token of a Bearer header. Raises `NotAuthenticated`."""
    token = _credentials(header, "bearer")
    if not token:
        raise NotAuthenticated
    return token


def _credentials(header: str | None, scheme: str) -> str | None:
    if header is None:
        return None
    if len(header) > LONGEST:
        raise NotAuthenticated
    word, _, rest = header.partition(" ")
    return rest.strip() if word.lower() == scheme else None
