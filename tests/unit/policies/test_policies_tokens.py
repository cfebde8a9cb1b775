"""S4: only a token that we issued, whole, for this audience and now, is anybody."""

import base64
import hashlib
import hmac
import json
import string
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from cdp.kernel.errors import NotAuthenticated
from policies.tokens import MAX_TTL, SKEW, Realm, issue, verify, verifying_keys

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REALM = Realm(issuer="https://cdp.example/", audience="https://cdp.example/v1")
WORKSPACE = UUID("0196a000-0000-7000-8000-000000000001")
TTL = timedelta(minutes=10)


@dataclass(frozen=True)
class FakeSigner:
    """A key of our own making, by any name."""

    name: str
    key: OKPKey = field(default_factory=lambda: OKPKey.generate_key("Ed25519"))

    @property
    def public_key(self) -> bytes:
        return decode(self.key.as_dict(private=False)["x"])

    def sign(self, message: bytes) -> bytes:
        return self.key.private_key.sign(message)


def encode(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


OURS, OLDER, FOREIGN = FakeSigner("key-2"), FakeSigner("key-1"), FakeSigner("key-9")
KEYS = verifying_keys({one.name: one.public_key for one in (OURS, OLDER)}, realm=REALM)


def a_token(
    signer: FakeSigner = OURS, realm: Realm = REALM, now: datetime = NOW, ttl: timedelta = TTL
) -> str:
    scopes = ["profile:read"]
    return issue(signer, realm=realm, client="client-7", workspace=WORKSPACE, scopes=scopes, now=now, ttl=ttl)


def resigned(header: dict[str, object] | None = None, **changes: object) -> str:
    """A token truly signed by our key, with other claims or another header; None takes a claim away."""
    old_header, old_claims, _ = a_token().split(".")
    claims = {**json.loads(decode(old_claims)), **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    head = encode(json.dumps(header, separators=(",", ":")).encode()) if header else old_header
    body = f"{head}.{encode(json.dumps(claims).encode())}"
    return f"{body}.{encode(OURS.sign(body.encode()))}"


HEADER = a_token().split(".")[0]


def refused(token: str, now: datetime = NOW) -> None:
    with pytest.raises(NotAuthenticated) as error:
        verify(token, KEYS, now=now)

    assert str(error.value) == "The credentials are missing, unknown or expired."
    assert error.value.__cause__ is None


def test_a_token_says_who_calls():
    """Client, workspace and scopes come back as they were given, with the hour it ends."""
    caller = verify(a_token(), KEYS, now=NOW)

    assert (caller.client, caller.workspace) == ("client-7", WORKSPACE)
    assert caller.scopes == {"profile:read"}
    assert caller.expires == NOW + TTL
    assert verify(resigned(), KEYS, now=NOW).client == "client-7"


def test_a_token_of_an_older_key_of_ours_holds_until_it_ends():
    """Rotation of the signing key logs nobody out."""
    assert verify(a_token(OLDER), KEYS, now=NOW).client == "client-7"


def test_every_token_has_an_id_of_its_own():
    """The log can name one token without holding it."""
    assert verify(a_token(), KEYS, now=NOW).token_id != verify(a_token(), KEYS, now=NOW).token_id


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", "AA"])
def test_a_token_without_a_signature_is_nobody(alg, signature):
    """`alg=none` in any spelling."""
    _, claims, _ = a_token().split(".")
    header = encode(json.dumps({"alg": alg, "kid": "key-2", "typ": "at+jwt"}, separators=(",", ":")).encode())

    refused(f"{header}.{claims}.{signature}")


@pytest.mark.parametrize("digest", ["HS256", "HS384", "HS512"])
def test_a_public_key_is_no_hmac_secret(digest):
    """HS/RS confusion: whoever knows the public key, in any of its forms, can sign nothing with it."""
    _, claims, _ = a_token().split(".")
    raw, pem, der = OURS.public_key, OURS.key.as_pem(private=False), OURS.key.as_der(private=False)
    secrets = [raw, encode(raw).encode(), pem, der]
    for secret in secrets:
        for alg in (digest, "EdDSA"):
            head = {"alg": alg, "kid": "key-2", "typ": "at+jwt"}
            body = f"{encode(json.dumps(head, separators=(',', ':')).encode())}.{claims}"
            mac = hmac.digest(secret, body.encode(), getattr(hashlib, digest.replace("HS", "sha")))

            refused(f"{body}.{encode(mac)}")


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "Ed25519", "kid": "key-2", "typ": "at+jwt"},
        {"alg": "RS256", "kid": "key-2", "typ": "at+jwt"},
        {"alg": "EdDSA", "kid": "key-2", "typ": "JWT"},
        {"alg": "EdDSA", "kid": "key-2"},
        {"alg": "EdDSA", "typ": "at+jwt"},
        {"alg": "EdDSA", "kid": "key-9", "typ": "at+jwt"},
        {"alg": "EdDSA", "kid": "key-2", "typ": "at+jwt", "jku": "https://evil.example/keys"},
        {"alg": "EdDSA", "kid": "key-2", "typ": "at+jwt", "b64": False, "crit": ["b64"]},
        {
            "alg": "EdDSA",
            "typ": "at+jwt",
            "kid": "key-2",
            "jwk": {"kty": "OKP", "crv": "Ed25519", "x": encode(FOREIGN.public_key)},
        },
    ],
)
def test_a_header_that_we_do_not_write_is_refused_even_if_we_signed_it(header):
    """What signs receipts or certificates cannot be made to pass for access."""
    refused(resigned(header))


def test_a_foreign_key_signs_nothing_of_ours():
    """Neither under its own `kid` nor under ours."""
    refused(a_token(FOREIGN))
    refused(a_token(replace(FOREIGN, name="key-2")))
    refused(a_token(replace(OLDER, name="key-2")))


@pytest.mark.parametrize(
    "realm",
    [
        Realm(issuer=REALM.issuer, audience="https://other.example/v1"),
        Realm(issuer="https://other.example/", audience=REALM.audience),
        Realm(issuer=REALM.issuer.rstrip("/"), audience=REALM.audience),
        Realm(issuer=REALM.audience, audience=REALM.issuer),
    ],
)
def test_a_token_from_elsewhere_or_for_elsewhere_is_nobody(realm):
    """Wrong `iss` or `aud`, though the key be ours."""
    refused(a_token(realm=realm))


@pytest.mark.parametrize(
    "claim", ["iss", "aud", "sub", "client_id", "jti", "iat", "nbf", "exp", "scope", "workspace"]
)
def test_a_missing_claim_is_a_refusal(claim):
    """No claim has a default."""
    refused(resigned(**{claim: None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [REALM.audience]},
        {"aud": [REALM.audience, "https://other.example"]},
        {"iss": 1},
        {"exp": "1999999999"},
        {"exp": 1e300},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": True},
        {"exp": 10**30},
        {"nbf": None, "iat": None},
        {"workspace": "everything"},
        {"workspace": [str(WORKSPACE)]},
        {"scope": ["profile:read"]},
        {"jti": "one"},
        {"sub": "client-8"},
        {"client_id": "client-8"},
        {"sub": "", "client_id": ""},
        {"role": "admin"},
        {"iat": int(NOW.timestamp()) + 60},
        {"nbf": int(NOW.timestamp()) + 60},
        {"exp": int((NOW + MAX_TTL).timestamp()) + 1},
    ],
)
def test_a_claim_of_another_type_or_too_many_is_a_refusal(changes):
    """Even our own signature gives no meaning to what we never write."""
    refused(resigned(**changes))


def test_a_token_ends_at_its_second_and_begins_with_the_clocks():
    """`exp` is exact; hosts' clocks may differ by `SKEW` at the start."""
    token = a_token()

    assert verify(token, KEYS, now=NOW + TTL - timedelta(milliseconds=1)).client == "client-7"
    refused(token, now=NOW + TTL)
    refused(token, now=NOW + timedelta(days=400))
    assert verify(token, KEYS, now=NOW - SKEW).client == "client-7"
    refused(token, now=NOW - SKEW - timedelta(seconds=1))


@given(st.integers(min_value=0, max_value=len(a_token()) - 1), st.sampled_from("ABCQgwxyz0189-_.=+/ é\n"))
def test_one_changed_character_makes_it_nobodys(place, character):
    """Header, claims or signature: no part of a token is beside the point."""
    token = a_token()
    assume(token[place] != character)

    refused(token[:place] + character + token[place + 1 :])


def test_a_signature_has_one_spelling():
    """Base64 leaves four bits of the last character unused: they must be zero."""
    token = a_token()

    for character in set(string.ascii_letters + string.digits + "-_") - {token[-1]}:
        refused(token[:-1] + character)


@given(st.text(max_size=200) | st.builds(lambda a, b: f"{HEADER}.{a}.{b}", st.text(), st.text()))
def test_any_other_text_is_nobody(text):
    """Whatever is sent as a token, there is one error."""
    refused(text)


@pytest.mark.parametrize(
    "change", ["{0}.", "{0}.AAAA", ".{0}", " {0}", "{0}\n", "Bearer {0}", "{0}" + "A" * 5_000]
)
def test_what_is_put_around_a_token_spoils_it(change):
    """A token is its three parts and nothing else."""
    refused(change.format(a_token()))


def test_parts_of_two_tokens_make_none():
    """Claims hold only under the signature that was made for them."""
    one, other = a_token().split("."), a_token(ttl=MAX_TTL).split(".")

    refused(".".join([one[0], other[1], one[2]]))


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(seconds=-1), MAX_TTL + timedelta(seconds=1)])
def test_no_token_is_issued_that_would_not_hold(ttl):
    """A token lives from one second to an hour."""
    with pytest.raises(ValueError, match="an hour"):
        a_token(ttl=ttl)


@pytest.mark.parametrize("scope", ["", "profile:read audit:read", "audit:read ", "a\tb"])
def test_one_scope_cannot_bring_another(scope):
    """Scopes travel in one string, parted by blanks."""
    with pytest.raises(ValueError, match="one word"):
        issue(OURS, realm=REALM, client="c", workspace=WORKSPACE, scopes=[scope], now=NOW, ttl=TTL)


@pytest.mark.parametrize("key", [b"", b"\x01" * 31, b"\x01" * 57])
def test_only_keys_of_the_right_length_verify(key):
    """A truncated or foreign kind of key is refused where it is loaded, not at the first token."""
    with pytest.raises(ValueError, match="32 bytes"):
        verifying_keys({"key-2": key}, realm=REALM)


def test_the_header_names_algorithm_type_and_key():
    """What other verifiers need to check our tokens is in the standard's place (RFC 7515, 9068)."""
    assert json.loads(decode(HEADER)) == {"alg": "EdDSA", "kid": "key-2", "typ": "at+jwt"}
