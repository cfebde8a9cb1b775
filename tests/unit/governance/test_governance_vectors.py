"""Known-answer vectors: every format of design §4, computed here a second time and by hand.

Only HMAC, SHA-256 and the AES primitives come from libraries; framing, derivation and key
wrap are written out. Run as a program, this file writes vectors that are missing; one that
is there is never rewritten, because stored data has its form.
"""

import hmac
import json
import struct
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cdp.vocabulary import FieldClass
from governance.keys import row_bundle
from governance.keys.blind import Blinder, audit_reference
from governance.keys.envelope import Context, DataKey, key_id_of, open_row, unseal
from governance.keys.keyring import KeyState, KeyVersion, Use
from governance.keys.packing import unpack
from governance.keys.wrapping import unwrap, wrap

VECTORS = Path(__file__).parents[2] / "vectors"

WORKSPACE = UUID("01900000-0000-7000-8000-000000000001")
FRAGMENT = UUID("01900000-0000-7000-8000-000000000002")
KEY_ID = UUID("01900000-0000-7000-8000-000000000003")
ROW = UUID("01900000-0000-7000-8000-000000000004")
KEK = bytes(range(0x00, 0x20))
DEK = bytes(range(0x20, 0x40))
SALT = bytes(range(0x40, 0x60))
ROOT = bytes(range(0x60, 0x80))
NONCES = (bytes(range(0x80, 0x8C)), bytes(range(0x90, 0x9C)))
HASHED = {
    "blind_index": (
        Use.BLIND,
        2,
        [("email", "anna.schmidt+news@xn--mnchen-3ya.de"), ("phone", "+4930901820")],
    ),
    "suppression": (Use.SUPPRESSION, 1, [("email", "anna@example.com")]),
    "journal": (Use.JOURNAL, 1, [("crm:shop", "Straße-7")]),
    "proof": (Use.PROOF, 1, [("email", "anna@example.com")]),
    "message_id": (Use.MESSAGE, 1, [("message", "ajs-next-1700000000000-ab12")]),
}


def lp(part: bytes) -> bytes:
    return struct.pack(">I", len(part)) + part


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand, RFC 5869 §2.3."""
    out, block = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        out += block
    return out[:length]


def hkdf(key: bytes, info: bytes) -> bytes:
    """HKDF with no salt, 32 bytes, RFC 5869 §2.2."""
    return expand(hmac.digest(bytes(32), key, "sha256"), info, 32)


def aes_kw(key: bytes, plain: bytes) -> bytes:
    """AES key wrap, RFC 3394 §2.2.1."""
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
    a, r = b"\xa6" * 8, [plain[at : at + 8] for at in range(0, len(plain), 8)]
    for j in range(6):
        for i, part in enumerate(r):
            b = encryptor.update(a + part)
            a = (int.from_bytes(b[:8], "big") ^ (len(r) * j + i + 1)).to_bytes(8, "big")
            r[i] = b[8:]
    return a + b"".join(r)


def envelope(blob: bytes, nonce: bytes, context: str, cls: int, row_of: bytes = b"") -> bytes:
    """One envelope; `row_of`: the classes of its row, where it is bound to them."""
    kenc = expand(DEK, b"cdp/1/field" + KEY_ID.bytes, 64)[:32]
    parts = [
        b"cdp/1",
        WORKSPACE.bytes,
        context.encode(),
        ROW.bytes,
        FRAGMENT.bytes,
        bytes([cls]),
        KEY_ID.bytes,
        b"\x01",
        *([row_of] if row_of else []),
    ]
    aad = struct.pack(">I", len(parts)) + b"".join(map(lp, parts))
    version = b"\x02" if row_of else b"\x01"
    return version + b"\x01" + KEY_ID.bytes + nonce + AESGCM(kenc).encrypt(nonce, blob, aad)


def hashed(use: str, version: int, namespace: str, value: str) -> bytes:
    prefix = lp(WORKSPACE.bytes) + lp(namespace.encode())
    key = hkdf(ROOT, b"cdp/1/" + use.encode() + prefix + struct.pack(">I", version))
    return hmac.new(key, prefix + lp(value.encode()), sha256).digest()


def wrap_vector():
    info = b"cdp/1/wrap" + WORKSPACE.bytes + FRAGMENT.bytes + KEY_ID.bytes
    return {
        "kek": KEK.hex(),
        "workspace": str(WORKSPACE),
        "fragment": str(FRAGMENT),
        "key_id": str(KEY_ID),
        "dek": DEK.hex(),
        "salt": SALT.hex(),
        "wrapped": aes_kw(hkdf(KEK, info), DEK + SALT).hex(),
    }


def commitment_vector():
    derived = expand(DEK, b"cdp/1/field" + KEY_ID.bytes, 64)
    return {"dek": DEK.hex(), "key_id": str(KEY_ID), "commitment": derived[32:].hex()}


def envelope_vector():
    blob = b'{"email":"anna@example.com","phone":"+4930901820"}'
    return {
        "dek": DEK.hex(),
        "workspace": str(WORKSPACE),
        "context": "identity.statement",
        "row": str(ROW),
        "fragment": str(FRAGMENT),
        "class": 1,
        "key_id": str(KEY_ID),
        "blob": blob.decode(),
        "token": envelope(blob, NONCES[0], "identity.statement", 1).hex(),
    }


def bundle_vector():
    tokens = {
        1: envelope(b'{"email":"anna@example.com"}', NONCES[0], "cdp.event", 1),
        6: envelope(b'{"revenue":12.5,"sku":"a"}', NONCES[1], "cdp.event", 6),
    }
    framed = b"".join(bytes([cls]) + lp(token) for cls, token in tokens.items())
    return {
        "context": "cdp.event",
        "fields": {"1": {"email": "anna@example.com"}, "6": {"revenue": 12.5, "sku": "a"}},
        "bundle": framed.hex(),
    }


def row_vector():
    classes = bytes([1, 6])
    tokens = {
        1: envelope(b'{"email":"anna@example.com"}', NONCES[0], "cdp.event", 1, classes),
        6: envelope(b'{"revenue":12.5,"sku":"a"}', NONCES[1], "cdp.event", 6, classes),
    }
    framed = b"".join(bytes([cls]) + lp(token) for cls, token in tokens.items())
    return bundle_vector() | {"bundle": framed.hex()}


def audit_reference_vector():
    reference = hmac.digest(SALT, b"cdp/1/audit" + WORKSPACE.bytes + FRAGMENT.bytes, "sha256")
    return {
        "salt": SALT.hex(),
        "workspace": str(WORKSPACE),
        "fragment": str(FRAGMENT),
        "reference": reference.hex(),
    }


def hashed_vector(name):
    use, version, cases = HASHED[name]
    return {
        "root": ROOT.hex(),
        "use": use.value,
        "version": version,
        "workspace": str(WORKSPACE),
        "cases": [
            {
                "namespace": namespace,
                "value": value,
                "hash": hashed(use.value, version, namespace, value).hex(),
            }
            for namespace, value in cases
        ],
    }


def packing_vector():
    """A body that says one thing four times: an LZ4 block of two sequences, as its specification has it."""
    unit = b"anna@example.com;"
    copied = 3 * len(unit) - 5  # the last five bytes of a block are never copied
    first = bytes([0xFF, len(unit) - 15]) + unit + struct.pack("<H", len(unit)) + bytes([copied - 4 - 15])
    block = first + bytes([5 << 4]) + unit[-5:]
    return {
        "body": (4 * unit).decode(),
        "plain": (b"\x00" + 4 * unit).hex(),
        "lz4": (b"\x01" + struct.pack(">I", 4 * len(unit)) + block).hex(),
    }


BY_HAND = {
    "wrap": wrap_vector,
    "commitment": commitment_vector,
    "envelope": envelope_vector,
    "bundle": bundle_vector,
    "row": row_vector,
    "packing": packing_vector,
    "audit_reference": audit_reference_vector,
    **{name: lambda name=name: hashed_vector(name) for name in HASHED},
}


def frozen(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


def data_key():
    return DataKey(workspace=WORKSPACE, fragment=FRAGMENT, key_id=KEY_ID, dek=DEK, salt=SALT)


@pytest.mark.parametrize("name", BY_HAND)
def test_a_frozen_vector_equals_the_computation_by_hand(name):
    """A vector is what the design says, not what the code happened to do."""
    assert frozen(name) == BY_HAND[name]()


def test_wrapping_gives_the_frozen_bytes_and_opens_them():
    """A key wrapped by any release opens in every later one."""
    wrapped = bytes.fromhex(frozen("wrap")["wrapped"])
    opened = unwrap(
        wrapped,
        kek=KEK,
        workspace=WORKSPACE,
        fragment=FRAGMENT,
        key_id=KEY_ID,
        commitment=bytes.fromhex(frozen("commitment")["commitment"]),
    )

    assert wrap(data_key(), kek=KEK) == wrapped
    assert (opened.dek, opened.salt) == (DEK, SALT)


def test_the_commitment_is_the_frozen_one():
    """Keys that are stored already keep their commitments."""
    assert data_key().commitment.hex() == frozen("commitment")["commitment"]


def test_the_frozen_envelope_opens():
    """What any release sealed opens in every later one, and names its key."""
    vector = frozen("envelope")
    token = bytes.fromhex(vector["token"])
    opened = unseal(token, key=data_key(), context=Context.STATEMENT, row=ROW, cls=FieldClass.CONTACT)

    assert opened.decode() == vector["blob"]
    assert key_id_of(token) == KEY_ID


@pytest.mark.parametrize("name", ["bundle", "row"])
def test_the_frozen_bundles_open_and_are_framed_anew_alike(name):
    """A row's bundle of either version opens to its fields, and packing it again changes nothing."""
    vector = frozen(name)
    bundled = bytes.fromhex(vector["bundle"])
    opened = open_row(bundled, key=data_key(), context=Context.EVENT, row=ROW)

    assert {str(cls.value): fields for cls, fields in opened.items()} == vector["fields"]
    assert row_bundle.pack(row_bundle.unpack(bundled)) == bundled


@pytest.mark.parametrize("form", ["plain", "lz4"])
def test_the_frozen_packings_unpack(form):
    """A body that any release accepted is read by every later one."""
    vector = frozen("packing")

    assert unpack(bytes.fromhex(vector[form])).decode() == vector["body"]


def test_the_audit_reference_is_the_frozen_one():
    """Entries of the past stay findable while the salt lives."""
    assert audit_reference(data_key()).hex() == frozen("audit_reference")["reference"]


@pytest.mark.parametrize("name", HASHED)
def test_keyed_hashes_are_the_frozen_ones(name):
    """What was indexed, suppressed or journalled by any release is found by every later one."""
    vector = frozen(name)
    root = KeyVersion(
        version=vector["version"], state=KeyState.ACTIVE, created_at=datetime.now(UTC), secret=ROOT
    )
    blinder = Blinder(root, use=Use(vector["use"]), workspace=WORKSPACE)

    assert vector["cases"]
    for case in vector["cases"]:
        assert blinder.one(case["namespace"], case["value"]).hex() == case["hash"]


def labels():
    return {
        "classes": {cls.name: cls.value for cls in FieldClass},
        "contexts": {context.name: context.value for context in Context},
        "uses": {use.name: use.value for use in Use},
    }


@pytest.mark.parametrize("kind", ["classes", "contexts", "uses"])
def test_the_numbers_and_labels_that_envelopes_bind_are_only_added_to(kind):
    """Renumbering a class or renaming a context would close everything sealed under it."""
    assert frozen("labels")[kind].items() <= labels()[kind].items()


if __name__ == "__main__":
    for vector_name, make in {**BY_HAND, "labels": labels}.items():
        file = VECTORS / f"{vector_name}.json"
        if not file.exists():
            file.write_bytes(msgspec.json.format(msgspec.json.encode(make()), indent=2) + b"\n")
