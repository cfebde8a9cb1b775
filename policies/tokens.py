"""Access tokens: JWS signed EdDSA, for OAuth 2.0 client credentials (RFC 6749 4.4, RFC 9068).

A token names the client, its workspace and its scopes, never a role: roles are read from the
client's row at each request, so a revoked one ends at once. Only tokens exactly as `issue`
writes them are read, and every failure is one `NotAuthenticated`, which says no more.
"""

from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import OKPKey

from cdp.kernel.errors import NotAuthenticated
from cdp.kernel.ids import new_id
from cdp.ports import Signer
from cdp.vocabulary import WorkspaceId

ALGORITHMS = ["EdDSA"]
TYPE = "at+jwt"  # RFC 9068, 2.1: no other signed thing of ours can pass for an access token.

MAX_TTL = timedelta(hours=1)
SKEW = timedelta(seconds=5)  # Hosts' clocks differ: how far ahead of ours a token may begin.
MAX_BYTES = 4_096  # of claims; a longer token is refused before it is read


class _EdDSA(jws.JWSRegistry):
    """The one algorithm, Ed25519 under its older name.

    joserfc warns at each use of `EdDSA`, since RFC 9864 renames it; wire.md says EdDSA.
    """

    max_payload_length = MAX_BYTES

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


_REGISTRY = _EdDSA(algorithms=ALGORITHMS)


class _Claims(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The claims of RFC 9068, 2.2, all required, and our workspace. Times are whole seconds."""

    iss: str
    aud: str
    sub: str
    client_id: str
    jti: UUID
    iat: int
    nbf: int
    exp: int
    scope: str
    workspace: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Realm:
    """Who issues tokens and for whom: two URLs of ours, compared letter by letter."""

    issuer: str
    audience: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyingKeys:
    """Our public keys, by the one header that each of them signs under."""

    realm: Realm
    by_header: Mapping[str, OKPKey] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who a valid token speaks for. `scopes` are `resource:action`; they only narrow its roles."""

    client: str
    workspace: WorkspaceId
    scopes: frozenset[str]
    token_id: UUID
    expires: datetime


def verifying_keys(public_keys: Mapping[str, bytes], *, realm: Realm) -> VerifyingKeys:
    """Our public keys: 32 raw Ed25519 bytes by the name of their signer, retired ones included.

    Raises `ValueError` for bytes that are no such key.
    """
    return VerifyingKeys(
        realm=realm, by_header={_header(kid): _public(key) for kid, key in public_keys.items()}
    )


def issue(
    signer: Signer,
    *,
    realm: Realm,
    client: str,
    workspace: UUID,
    scopes: Collection[str],
    now: datetime,
    ttl: timedelta,
) -> str:
    """A token for `client`, good from `now` for `ttl`, which is at most `MAX_TTL`.

    `signer` holds the key of this use alone; its name becomes the token's `kid`. `client` is
    the client's opaque reference. Raises `ValueError` for a `ttl` or scope that
    `verify` would refuse.
    """
    if not timedelta(seconds=1) <= ttl <= MAX_TTL:
        raise ValueError("a token lives from one second to an hour")
    if any(not scope or scope.split() != [scope] for scope in scopes):
        raise ValueError("a scope is one word")
    start = int(now.timestamp())
    claims = _Claims(
        iss=realm.issuer,
        aud=realm.audience,
        sub=client,
        client_id=client,
        jti=new_id(),
        iat=start,
        nbf=start,
        exp=start + int(ttl.total_seconds()),
        scope=" ".join(sorted(scopes)),
        workspace=workspace,
    )
    signed = f"{_header(signer.name)}.{_text(msgspec.json.encode(claims))}"
    return f"{signed}.{_text(signer.sign(signed.encode('ascii')))}"


def verify(token: str, keys: VerifyingKeys, *, now: datetime) -> Caller:
    """Who presents `token`. Raises `NotAuthenticated` whatever is wrong with it.

    1. The header is, byte for byte, one that we sign under: this settles algorithm, type and
       key, before anything of the token is parsed.
    2. The signature is that key's.
    3. The claims are all there, of their types, and no others.
    4. Issuer and audience are ours.
    5. It has begun, has not ended, and never lived longer than `MAX_TTL`.
    """
    claims = _read(token, keys)
    if not _timely(claims, now=now):
        raise NotAuthenticated
    return _caller(claims)


def whose_past(token: str, keys: VerifyingKeys, *, now: datetime) -> Caller | None:
    """Whom a token spoke for that is refused for its time alone; None: it is good, or was never ours."""
    try:
        claims = _read(token, keys)
    except NotAuthenticated:
        return None
    return None if _timely(claims, now=now) else _caller(claims)


def _read(token: str, keys: VerifyingKeys) -> _Claims:
    """The claims of a token of ours, whenever it was good. Raises `NotAuthenticated`."""
    key = keys.by_header.get(token.partition(".")[0])  # 1
    if key is None:
        raise NotAuthenticated
    try:
        signed = jws.deserialize_compact(token, key, registry=_REGISTRY)  # 2
        claims = msgspec.json.decode(signed.payload, type=_Claims)  # 3
    except (JoseError, ValueError):
        raise NotAuthenticated from None
    ours = claims.iss == keys.realm.issuer and claims.aud == keys.realm.audience  # 4
    if not ours or not claims.client_id or claims.client_id != claims.sub:
        raise NotAuthenticated
    return claims


def _timely(claims: _Claims, *, now: datetime) -> bool:
    begun = max(claims.iat, claims.nbf) <= (now + SKEW).timestamp()  # 5
    return begun and now.timestamp() < claims.exp <= claims.iat + MAX_TTL.total_seconds()


def _caller(claims: _Claims) -> Caller:
    return Caller(
        client=claims.client_id,
        workspace=WorkspaceId(claims.workspace),
        scopes=frozenset(claims.scope.split()),
        token_id=claims.jti,
        expires=datetime.fromtimestamp(claims.exp, UTC),
    )


def _public(key: bytes) -> OKPKey:
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": _text(key)})


def _header(kid: str) -> str:
    """The first part of every token under the key `kid`."""
    return _text(msgspec.json.encode({"alg": ALGORITHMS[0], "kid": kid, "typ": TYPE}))


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")
