"""Access tokens: JWS signed EdDSA, for OAuth 2.0 client credentials (RFC 6749 4.4, RFC 9068).

A token names the client, its workspace and its scopes, never a role: roles are read from the
client's row at each request, so a revoked one ends at once. Only tokens exactly as `issue`
writes them are read, and every failure is one `NotAuthenticated`, which says no more.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import msgspec
from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import OKPKey
from joserfc.util import json_b64encode

from cdp.kernel.errors import NotAuthenticated
from cdp.kernel.ids import new_id
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
class SigningKey:
    """The private key with which tokens are issued. Safe to print."""

    kid: str
    realm: Realm
    key: OKPKey = field(repr=False)


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


def signing_key(jwk: Mapping[str, str], *, realm: Realm) -> SigningKey:
    """The private key of an Ed25519 JWK with a `kid` and `d`. Raises `ValueError` for any other."""
    if "d" not in jwk:
        raise ValueError("a private JWK has a member d")
    return SigningKey(kid=jwk["kid"], realm=realm, key=_okp(jwk))


def verifying_keys(jwks: Iterable[Mapping[str, str]], *, realm: Realm) -> VerifyingKeys:
    """Our public Ed25519 JWKs, each with its `kid`; a private one serves by its public half."""
    public = ({name: value for name, value in jwk.items() if name != "d"} for jwk in jwks)
    return VerifyingKeys(realm=realm, by_header={_header_text(jwk["kid"]): _okp(jwk) for jwk in public})


def issue(
    key: SigningKey,
    *,
    client: str,
    workspace: UUID,
    scopes: Collection[str],
    now: datetime,
    ttl: timedelta,
) -> str:
    """A token for `client`, good from `now` for `ttl`, which is at most `MAX_TTL`.

    `client` is the client's opaque reference. Raises `ValueError` for a `ttl` or scope that
    `verify` would refuse.
    """
    if not timedelta(seconds=1) <= ttl <= MAX_TTL:
        raise ValueError("a token lives from one second to an hour")
    if any(not scope or scope.split() != [scope] for scope in scopes):
        raise ValueError("a scope is one word")
    start = int(now.timestamp())
    claims = _Claims(
        iss=key.realm.issuer,
        aud=key.realm.audience,
        sub=client,
        client_id=client,
        jti=new_id(),
        iat=start,
        nbf=start,
        exp=start + int(ttl.total_seconds()),
        scope=" ".join(sorted(scopes)),
        workspace=workspace,
    )
    return jws.serialize_compact(_header(key.kid), msgspec.json.encode(claims), key.key, registry=_REGISTRY)


def verify(token: str, keys: VerifyingKeys, *, now: datetime) -> Caller:
    """Who presents `token`. Raises `NotAuthenticated` whatever is wrong with it.

    1. The header is, byte for byte, one that we sign under: this settles algorithm, type and
       key, before anything of the token is parsed.
    2. The signature is that key's.
    3. The claims are all there, of their types, and no others.
    4. Issuer and audience are ours.
    5. It has begun, has not ended, and never lived longer than `MAX_TTL`.
    """
    key = keys.by_header.get(token.partition(".")[0])  # 1
    if key is None:
        raise NotAuthenticated
    try:
        signed = jws.deserialize_compact(token, key, registry=_REGISTRY)  # 2
        claims = msgspec.json.decode(signed.payload, type=_Claims)  # 3
    except (JoseError, ValueError):
        raise NotAuthenticated from None
    _check(claims, keys.realm, now=now)
    return Caller(
        client=claims.client_id,
        workspace=WorkspaceId(claims.workspace),
        scopes=frozenset(claims.scope.split()),
        token_id=claims.jti,
        expires=datetime.fromtimestamp(claims.exp, UTC),
    )


def _check(claims: _Claims, realm: Realm, *, now: datetime) -> None:
    ours = claims.iss == realm.issuer and claims.aud == realm.audience  # 4
    named = claims.client_id != "" and claims.client_id == claims.sub
    begun = max(claims.iat, claims.nbf) <= (now + SKEW).timestamp()  # 5
    live = now.timestamp() < claims.exp <= claims.iat + MAX_TTL.total_seconds()
    if not (ours and named and begun and live):
        raise NotAuthenticated


def _okp(jwk: Mapping[str, str]) -> OKPKey:
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
        raise ValueError("a key for tokens is an OKP key on Ed25519")
    if not 1 <= len(jwk["kid"]) <= 128:
        raise ValueError("a key for tokens has a kid")
    members = {name: jwk[name] for name in ("kty", "crv", "x", "d") if name in jwk}
    return OKPKey.import_key(cast("dict[str, str | list[str]]", members))


def _header(kid: str) -> dict[str, Any]:
    return {"alg": ALGORITHMS[0], "typ": TYPE, "kid": kid}


def _header_text(kid: str) -> str:
    return json_b64encode(_header(kid)).decode("ascii")
