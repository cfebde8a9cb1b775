"""Decision receipts: what was shown to whom and why, signed (JWS compact, EdDSA; RFC 7515, 8037)."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping

import msgspec

from cdp.kernel.json_values import Json
from cdp.ports import Signer


def sign(claims: Mapping[str, Json], signer: Signer) -> str:
    """A compact JWS of `claims`; its `kid` is the signer's name."""
    header = _part({"alg": "EdDSA", "kid": signer.name, "typ": "cdp-receipt+jwt"})
    body = _part(claims)
    signature = signer.sign(f"{header}.{body}".encode())
    return f"{header}.{body}.{_text(signature)}"


def _part(value: Mapping[str, Json]) -> str:
    return _text(msgspec.json.encode(value, order="sorted"))


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
