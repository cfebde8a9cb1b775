"""Signatures: one key a use; documents are signed over their one canonical form."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from governance.keys import keyring
from governance.keys.keyring import Signing
from governance.keys.signer import BadSignature, NotCanonical, Signer, open_document, verify

KEYS = keyring.fresh(datetime.now(UTC))
SIGNER = Signer.of(KEYS, Signing.CERTIFICATE)


def test_a_signature_verifies_with_the_public_key_alone():
    """Anyone with the 32 bytes can check a signature, with any Ed25519 library."""
    signature = SIGNER.sign(b"message")
    SIGNER.verify(b"message", signature)
    Ed25519PublicKey.from_public_bytes(SIGNER.public_key).verify(signature, b"message")

    assert (len(SIGNER.public_key), len(signature)) == (32, 64)


def test_a_signature_of_one_use_passes_for_no_other():
    """A receipt can never be presented as a certificate."""
    signatures = {use: Signer.of(KEYS, use).sign(b"message") for use in Signing}

    for use in set(Signing) - {Signing.CERTIFICATE}:
        with pytest.raises(BadSignature):
            SIGNER.verify(b"message", signatures[use])


def test_every_flipped_bit_of_a_signature_is_refused():
    """Given any flipped bit, then the signature is bad."""
    signature = SIGNER.sign(b"message")
    for bit in range(len(signature) * 8):
        broken = bytearray(signature)
        broken[bit // 8] ^= 1 << bit % 8

        with pytest.raises(BadSignature):
            SIGNER.verify(b"message", bytes(broken))


@pytest.mark.parametrize("public_key", [b"", bytes(31), bytes(33)])
def test_a_key_of_the_wrong_size_is_a_bad_signature(public_key):
    """A malformed key is the same answer as a wrong one."""
    with pytest.raises(BadSignature):
        verify(b"message", signature=SIGNER.sign(b"message"), public_key=public_key)


def test_a_signed_document_opens_to_itself():
    """The signed bytes are the document's RFC 8785 form, whatever order it came in."""
    document = {"b": [1, 2.5, "é"], "a": {"z": None, "y": True}}
    signed = SIGNER.sign_document(document)

    assert signed.body == '{"a":{"y":true,"z":null},"b":[1,2.5,"é"]}'.encode()
    assert open_document(signed, public_key=SIGNER.public_key) == document


def test_an_altered_document_does_not_open():
    """Given one changed byte of the body, then the signature is bad."""
    signed = SIGNER.sign_document({"deleted": 12})
    altered = replace(signed, body=signed.body.replace(b"12", b"13"))

    with pytest.raises(BadSignature):
        open_document(altered, public_key=SIGNER.public_key)


@pytest.mark.parametrize("body", [b'{"b":1,"a":2}', b'{"a": 1}', b"[]", b"{"])
def test_signed_bytes_that_are_no_canonical_document_do_not_open(body):
    """Two readers can never take one signed text for two documents."""
    signed = replace(SIGNER.sign_document({}), body=body, signature=SIGNER.sign(body))

    with pytest.raises(BadSignature):
        open_document(signed, public_key=SIGNER.public_key)


@pytest.mark.parametrize(
    "value", [2**60, float("nan"), b"bytes", "\ud800"], ids=["int", "nan", "bytes", "text"]
)
def test_what_has_no_canonical_form_is_not_signed(value):
    """A document that readers could understand differently is refused."""
    with pytest.raises(NotCanonical):
        SIGNER.sign_document({"value": value})


def test_printing_a_signer_shows_no_private_key():
    """A signer in a log is its use and public key."""
    assert repr(KEYS.seeds[Signing.CERTIFICATE])[2:-1] not in repr(SIGNER)
    assert "rivate" not in repr(SIGNER)
