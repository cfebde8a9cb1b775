"""The keys of access tokens, and the public keys that the platform publishes (RFC 7517, 8037)."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

from cdp.ports import Signer
from policies.tokens import Realm, VerifyingKeys, verifying_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKeys:
    """What tokens are signed and verified with."""

    signer: Signer = field(repr=False)
    realm: Realm
    verifying: VerifyingKeys = field(repr=False)


def token_keys(signer: Signer, *, issuer: str) -> TokenKeys:
    """The keys of `signer`. `issuer` is the API's public URL: tokens are for the API, by the API."""
    realm = Realm(issuer=issuer, audience=issuer)
    verifying = verifying_keys({signer.name: signer.public_key}, realm=realm)
    return TokenKeys(signer=signer, realm=realm, verifying=verifying)


def jwk(signer: Signer) -> dict[str, str]:
    """A signer's public key as a JWK; its `kid` is the signer's name, which stands in what it signs."""
    x = urlsafe_b64encode(signer.public_key).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": signer.name, "x": x}
