"""S4: only a token that we issued, whole, for this audience and now, is anybody."""

import base64
import hashlib
import hmac
import json
import string
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from cdp.kernel.errors import NotAuthenticated
from policies.tokens import MAX_TTL, SKEW, Realm, issue, signing_key, verify, verifying_keys

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REALM = Realm(issuer="https://cdp.example/", audience="https://cdp.example/v1")
WORKSPACE = UUID("0196a000-0000-7000-8000-000000000001")
TTL = timedelta(minutes=10)


def new_jwk(kid: str, curve: str = "Ed25519") -> dict[str, str]:
    return {**OKPKey.generate_key(curve).as_dict(private=True), "kid": kid}


OURS, OLDER, FOREIGN = new_jwk("key-2"), new_jwk("key-1"), new_jwk("key-9")
KEYS = verifying_keys([OURS, OLDER], realm=REALM)
SIGNER = OKPKey.import_key(OURS)


def encode(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def a_token(
    jwk: dict[str, str] = OURS, realm: Realm = REALM, now: datetime = NOW, ttl: timedelta = TTL
) -> str:
    key = signing_key(jwk, realm=realm)
    return issue(key, client="client-7", workspace=WORKSPACE, scopes=["profile:read"], now=now, ttl=ttl)


def resigned(header: dict[str, object] | None = None, **changes: object) -> str:
    """A token truly signed by our key, with other claims or another header; None takes a claim away."""
    old_header, old_claims, _ = a_token().split(".")
    claims = {**json.loads(decode(old_claims)), **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    head = encode(json.dumps(header, separators=(",", ":")).encode()) if header else old_header
    body = f"{head}.{encode(json.dumps(claims).encode())}"
    return f"{body}.{encode(SIGNER.private_key.sign(body.encode()))}"


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
    header = encode(json.dumps({"alg": alg, "typ": "at+jwt", "kid": "key-2"}, separators=(",", ":")).encode())

    refused(f"{header}.{claims}.{signature}")


@pytest.mark.parametrize("digest", ["HS256", "HS384", "HS512"])
def test_a_public_key_is_no_hmac_secret(digest):
    """HS/RS confusion: whoever knows the public key, in any of its forms, can sign nothing with it."""
    _, claims, _ = a_token().split(".")
    public = OKPKey.import_key({name: OURS[name] for name in ("kty", "crv", "x")})
    secrets = [decode(OURS["x"]), OURS["x"].encode(), public.as_pem(), public.as_der()]
    for secret in secrets:
        for alg in (digest, "EdDSA"):
            head = {"alg": alg, "typ": "at+jwt", "kid": "key-2"}
            body = f"{encode(json.dumps(head, separators=(',', ':')).encode())}.{claims}"
            mac = hmac.digest(secret, body.encode(), getattr(hashlib, digest.replace("HS", "sha")))

            refused(f"{body}.{encode(mac)}")


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "Ed25519", "typ": "at+jwt", "kid": "key-2"},
        {"alg": "RS256", "typ": "at+jwt", "kid": "key-2"},
        {"alg": "EdDSA", "typ": "JWT", "kid": "key-2"},
        {"alg": "EdDSA", "kid": "key-2"},
        {"alg": "EdDSA", "typ": "at+jwt"},
        {"alg": "EdDSA", "typ": "at+jwt", "kid": "key-9"},
        {"alg": "EdDSA", "typ": "at+jwt", "kid": "key-2", "jku": "https://evil.example/keys"},
        {"alg": "EdDSA", "typ": "at+jwt", "kid": "key-2", "b64": False, "crit": ["b64"]},
        {
            "alg": "EdDSA",
            "typ": "at+jwt",
            "kid": "key-2",
            "jwk": {"kty": "OKP", "crv": "Ed25519", "x": FOREIGN["x"]},
        },
    ],
)
def test_a_header_that_we_do_not_write_is_refused_even_if_we_signed_it(header):
    """What signs receipts or certificates cannot be made to pass for access."""
    refused(resigned(header))


def test_a_foreign_key_signs_nothing_of_ours():
    """Neither under its own `kid` nor under ours."""
    refused(a_token(FOREIGN))
    refused(a_token({**FOREIGN, "kid": "key-2"}))
    refused(a_token({**OLDER, "kid": "key-2"}))


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
        issue(
            signing_key(OURS, realm=REALM), client="c", workspace=WORKSPACE, scopes=[scope], now=NOW, ttl=TTL
        )


def test_only_named_private_keys_on_the_right_curve_sign():
    """Ed448, X25519, secrets and nameless keys are refused where they are loaded, not at the first token."""
    public = {name: value for name, value in OURS.items() if name != "d"}
    unfit = [public, new_jwk("k", "Ed448"), new_jwk("k", "X25519"), {**OURS, "kid": ""}]
    unfit += [{"kty": "oct", "k": "AAAA", "d": "AAAA", "kid": "k"}]

    for jwk in unfit:
        with pytest.raises(ValueError, match=r"JWK|key"):
            signing_key(jwk, realm=REALM)


def test_keys_are_safe_to_print():
    """No part of a private key stands in what is printed of it."""
    printed = repr(signing_key(OURS, realm=REALM)) + repr(KEYS)

    assert OURS["d"] not in printed
    assert OURS["x"] not in printed
