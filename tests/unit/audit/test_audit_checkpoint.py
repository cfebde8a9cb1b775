"""Checkpoints: the notes of the C2SP specifications, strictly read, in two implementations that agree."""

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit.log import verifier
from audit.log.checkpoint import (
    BadNote,
    BadVerifierKey,
    Checkpoint,
    NotSigned,
    VerifierKey,
    key_of,
    open_note,
    parse_key,
    sign,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "audit_checkpoint.json").read_text())[
    "checkpoints"
]
OURS = VECTORS[-1]


@dataclass
class Signer:
    """A private key in memory."""

    name: str
    seed: bytes = field(repr=False)

    @property
    def public_key(self) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)


LOG = Signer("cdp.example/audit", bytes.fromhex(OURS["seed"]))
WITNESS = Signer("witness.example", bytes(32))
KEY = key_of(LOG)
POINT = Checkpoint(origin=OURS["origin"], size=OURS["size"], root=base64.b64decode(OURS["root"]))
NOTE = sign(POINT, LOG)


def _theirs(note: str, key: VerifierKey = KEY) -> tuple[str, int, bytes] | None:
    """What the independent reader makes of a note: None when it is malformed or not signed."""
    try:
        read = verifier.read_note(note, verifier.read_key(key.encode()))
    except ValueError:
        return None
    return (read.origin, read.size, read.root) if read.signed else None


def _mine(note: str, key: VerifierKey = KEY) -> tuple[str, int, bytes] | None:
    try:
        read = open_note(note, key)
    except (BadNote, NotSigned):
        return None
    return read.origin, read.size, read.root


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_published_checkpoints_verify(vector: dict[str, Any]) -> None:
    """Known answers: checkpoints of a public log, a cosigned one, and ours."""
    key = parse_key(vector["key"])
    expected = vector["origin"], vector["size"], base64.b64decode(vector["root"])

    assert key.encode() == vector["key"]
    assert _mine(vector["note"], key) == _theirs(vector["note"], key) == expected


def test_our_note_never_changes() -> None:
    """Ed25519 is deterministic, so the same key and size make the same note for ever."""
    assert sign(POINT, LOG) == OURS["note"]
    assert KEY.encode() == OURS["key"]


def test_lines_of_unknown_keys_are_ignored() -> None:
    """A witness adds its line without harm, before or behind; alone it is not enough."""
    assert _mine(sign(POINT, LOG, WITNESS)) == _mine(sign(POINT, WITNESS, LOG)) == _mine(NOTE)
    assert _theirs(sign(POINT, WITNESS, LOG)) == _mine(NOTE)
    with pytest.raises(NotSigned):
        open_note(sign(POINT, WITNESS), KEY)


def test_a_namesake_is_no_signer() -> None:
    """Neither the same name with another key nor the same key under another name is the pinned key."""
    for other in (Signer(LOG.name, bytes(32)), Signer("cdp.example/other", LOG.seed)):
        with pytest.raises(NotSigned):
            open_note(sign(POINT, other), KEY)

        assert _theirs(sign(POINT, other)) is None


def test_one_false_line_of_the_pinned_key_spoils_the_note() -> None:
    """c2sp.org/signed-note: if a known key's signature fails, the whole note is refused."""
    forged = base64.b64encode(KEY.key_id + bytes(64)).decode()

    for note in (f"{NOTE}— {KEY.name} {forged}\n", NOTE.replace("\n\n", f"\n\n— {KEY.name} {forged}\n")):
        assert _mine(note) is None
        assert _theirs(note) is None


def _with_size(size: str) -> str:
    """A note whose size is written as told, and really signed."""
    text = f"{POINT.origin}\n{size}\n{OURS['root']}\n"
    return f"{text}\n— {KEY.name} {base64.b64encode(KEY.key_id + LOG.sign(text.encode())).decode()}\n"


@pytest.mark.parametrize(
    "size", ["", "-1", "+1", "01", "1.0", "1e3", " 1", "1 ", "٣", "9223372036854775808", "1_0"]
)
def test_a_size_has_one_way_to_be_written(size: str) -> None:
    """A signed note with another number is malformed, not lenient."""
    with pytest.raises(BadNote):
        open_note(_with_size(size), KEY)

    assert _theirs(_with_size(size)) is None


@pytest.mark.parametrize(
    ("what", "bend"),
    [
        ("an extension line", lambda n: n.replace("\n\n", "\nextension\n\n")),
        ("no blank line", lambda n: n.replace("\n\n", "\n")),
        ("two blank lines", lambda n: n.replace("\n\n", "\n\n\n")),
        ("no last newline", lambda n: n[:-1]),
        ("a line behind", lambda n: n + "\n"),
        ("carriage returns", lambda n: n.replace("\n", "\r\n")),
        ("a tab", lambda n: n.replace("/1\n", "/1\t\n")),
        ("a hyphen for a dash", lambda n: n.replace("—", "-")),
        ("two spaces", lambda n: n.replace("— ", "—  ")),
        ("a lone surrogate", lambda n: n.replace("/1\n", "/1\udc80\n")),
        ("no origin", lambda n: n[n.index("\n") :]),
        ("a short root", lambda n: n.replace(OURS["root"], OURS["root"][:-4])),
        ("unpadded base64", lambda n: n.replace(OURS["root"], OURS["root"].rstrip("="))),
        ("loose last bits", lambda n: n.replace(OURS["root"], OURS["root"][:-2] + "9=")),
        ("base64 for URLs", lambda n: n.replace("+", "-").replace("/", "_")),
        ("no signature", lambda n: n[: n.index("—")]),
        ("only a key id", lambda n: n[: n.index("—")] + "— name AAAAAA==\n"),
        ("too many signatures", lambda n: n + "— name AAAAAAA=\n" * 100),
        ("too long", lambda n: "x" * (1 << 18) + n),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_a_malformed_note_is_refused(what: str, bend: Any) -> None:
    """Both readers refuse what the specification does not allow, before they look at signatures."""
    bent = bend(NOTE)

    assert bent != NOTE, what
    with pytest.raises(BadNote):
        open_note(bent, KEY)
    with pytest.raises(ValueError):
        verifier.read_note(bent, None)


@given(
    st.integers(0, len(NOTE) - 1),
    st.sampled_from(["", "\n", " ", "A", "0", "+", "—", "\x00", "\u2028", "\x85"]),
)
def test_any_change_to_a_note_is_seen_by_both_readers(at: int, put: str) -> None:
    """The two implementations agree on every single edit, and accept none that alters the text."""
    cut, added = NOTE[:at] + put + NOTE[at + 1 :], NOTE[:at] + put + NOTE[at:]

    for bent in (cut, added):
        assert _mine(bent) == _theirs(bent)
        assert (_mine(bent) is not None) == (bent == NOTE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        KEY.encode().replace("+", " "),
        KEY.encode() + "\n",
        KEY.encode()[:-1],
        KEY.encode().replace(KEY.key_id.hex(), "00000000"),
        KEY.encode().replace(KEY.key_id.hex(), KEY.key_id.hex().upper() + " "),
        KEY.encode().replace("cdp.example", "cdp.other"),
        KEY.encode().replace("+A", "+B"),
        "cdp example+" + KEY.encode().partition("+")[2],
    ],
)
def test_a_malformed_verifier_key_is_refused(text: str) -> None:
    """A key string carries its own check, so that a typing error is not a missing signature."""
    with pytest.raises(BadVerifierKey):
        parse_key(text)


def test_a_signer_that_does_not_sign_publishes_nothing() -> None:
    """The note is verified before anybody sees it."""

    class Broken(Signer):
        def sign(self, message: bytes) -> bytes:
            return super().sign(message + b"!")

    for signers in ((Broken("cdp.example/audit", bytes(32)),), ()):
        with pytest.raises(NotSigned):
            sign(POINT, *signers)


@pytest.mark.parametrize(
    "point",
    [
        Checkpoint(origin="", size=1, root=bytes(32)),
        Checkpoint(origin="a\nb", size=1, root=bytes(32)),
        Checkpoint(origin="a", size=-1, root=bytes(32)),
        Checkpoint(origin="a", size=2**63, root=bytes(32)),
        Checkpoint(origin="a", size=1, root=bytes(31)),
    ],
)
def test_what_no_reader_would_accept_is_not_signed(point: Checkpoint) -> None:
    """Signing holds to the rules of reading."""
    with pytest.raises(BadNote):
        sign(point, LOG)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b"])
def test_a_name_that_a_line_cannot_carry_is_refused(name: str) -> None:
    """Key names hold no space and no plus."""
    with pytest.raises(BadVerifierKey):
        sign(POINT, Signer(name, bytes(32)))
