"""Forged access tokens, and an independent check of good ones."""

import base64
import hashlib
import hmac
import json
import os
import warnings
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import KeySet

from cdp.registers import workspaces
from policies import tokens

FORGERIES = (
    "alg_none",
    "hmac_under_the_public_key",
    "foreign_key",
    "foreign_kid",
    "other_audience",
    "other_issuer",
    "expired",
    "not_begun",
    "claims_changed",
    "signature_cut",
    "no_token",
)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _swapped(token: str, **header) -> str:
    head, claims, signature = token.split(".")
    changed = json.dumps({**json.loads(_bytes(head)), **header}, separators=(",", ":"), sort_keys=True)
    return f"{_text(changed.encode())}.{claims}.{signature}"


def _issued(token: str, system, workspace, **changed) -> str:
    """A token of the real key that says something else."""
    claims = json.loads(_bytes(token.split(".")[1]))
    keys = system.tokens
    realm = changed.pop("realm", keys.realm)
    given = {
        "client": claims["client_id"],
        "workspace": workspace,
        "scopes": claims["scope"].split(),
        "now": system.clock(),
        "ttl": timedelta(minutes=15),
    }
    return tokens.issue(keys.signer, realm=realm, **(given | changed))


def forge(kind: str, token: str, system, workspace) -> str:
    """A token that is wrong in the way that `kind` names."""
    head, claims, signature = token.split(".")
    realm = system.tokens.realm
    if kind == "alg_none":
        return _swapped(token, alg="none").rpartition(".")[0] + "."
    if kind == "hmac_under_the_public_key":
        signed = _swapped(token, alg="HS256").rpartition(".")[0]
        mac = hmac.digest(system.tokens.signer.public_key, signed.encode(), hashlib.sha256)
        return f"{signed}.{_text(mac)}"
    if kind == "foreign_key":
        return f"{head}.{claims}.{_text(Ed25519PrivateKey.generate().sign(f'{head}.{claims}'.encode()))}"
    if kind == "foreign_kid":
        return _swapped(token, kid="somebody")
    if kind == "other_audience":
        return _issued(token, system, workspace, realm=tokens.Realm(issuer=realm.issuer, audience="x"))
    if kind == "other_issuer":
        return _issued(token, system, workspace, realm=tokens.Realm(issuer="x", audience=realm.audience))
    if kind == "expired":
        return _issued(token, system, workspace, now=system.clock() - timedelta(hours=1))
    if kind == "not_begun":
        return _issued(token, system, workspace, now=system.clock() + timedelta(minutes=5))
    if kind == "claims_changed":
        wider = json.loads(_bytes(claims)) | {"scope": "subject:erase"}
        return f"{head}.{_text(json.dumps(wider).encode())}.{signature}"
    return token[:-8] if kind == "signature_cut" else "nothing"


def verified(token: str, published: dict) -> dict:
    """The claims of `token`, checked against a published key set by a library of others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # RFC 9864 renames EdDSA.
        return jwt.decode(token, KeySet.import_key_set(published), algorithms=["EdDSA"]).claims


def another_workspace(database):
    """A second tenant."""
    return workspaces.create(database.owner, name=f"test {os.urandom(6).hex()}", region="FR")
