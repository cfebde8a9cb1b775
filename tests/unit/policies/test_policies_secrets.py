"""Secrets name their workspace and row, and only digests are kept."""

import base64
from hashlib import sha256
from uuid import UUID, uuid4

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cdp.kernel.errors import NotAuthenticated
from policies.secrets import (
    MAX_PASSWORD,
    SecretKind,
    UnfitPassword,
    hash_password,
    matches,
    new_secret,
    parse,
    verify_password,
)

kinds = st.sampled_from(list(SecretKind))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \n\x00é"


@given(kinds, st.uuids(), st.uuids())
def test_a_secret_names_its_workspace_and_row(kind, workspace, row):
    """The look-up needs the workspace first, or row-level security would show nothing."""
    text, digest = new_secret(kind, workspace=workspace, id=row)
    ref = parse(text)

    assert (ref.kind, ref.workspace, ref.id, ref.digest) == (kind, workspace, row, digest)
    assert digest == sha256(text.encode()).digest()
    assert matches(ref, digest)


@given(kinds, st.uuids(), st.uuids())
def test_two_secrets_of_a_row_are_two(kind, workspace, row):
    """A rotated secret does not open what the old one's digest guards."""
    (one, first), (other, second) = (new_secret(kind, workspace=workspace, id=row) for _ in range(2))

    assert one != other
    assert not matches(parse(other), first)
    assert not matches(parse(one), second)


def test_a_secret_of_no_row_matches_nothing():
    """The comparison runs, and the answer is no."""
    text, _ = new_secret(SecretKind.CLIENT, workspace=uuid4(), id=uuid4())

    assert not matches(parse(text), None)
    assert not matches(parse(text), b"")


@given(st.integers(min_value=0, max_value=81), st.sampled_from(ALPHABET), kinds)
def test_one_changed_character_is_another_secret_or_none(place, character, kind):
    """No second spelling of a secret opens its row."""
    text, digest = new_secret(kind, workspace=UUID(int=7), id=UUID(int=9))
    changed = text[:place] + character + text[place + 1 :]
    assume(changed != text)

    try:
        ref = parse(changed)
    except NotAuthenticated:
        return
    assert not matches(ref, digest)


@given(st.text(max_size=120) | st.builds(lambda kind, rest: f"{kind}_{rest}", kinds, st.text(max_size=90)))
def test_any_other_text_is_not_authenticated(text):
    """Malformed, empty, of an unknown kind: one error, whatever it was."""
    with pytest.raises(NotAuthenticated):
        parse(text)


@pytest.mark.parametrize("change", ["{0}=", "{0}A", " {0}", "{0}\n", "x{0}", "{0}{0}"])
def test_what_is_put_around_a_secret_spoils_it(change):
    """Only the very text is the secret."""
    text, _ = new_secret(SecretKind.SERVER, workspace=uuid4(), id=uuid4())

    with pytest.raises(NotAuthenticated):
        parse(change.format(text))


def test_a_parsed_secret_is_safe_to_print():
    """Neither the text nor its digest stands in a log line."""
    text, digest = new_secret(SecretKind.CLIENT, workspace=uuid4(), id=uuid4())
    printed = repr(parse(text))

    assert text not in printed
    assert repr(digest) not in printed


def test_a_password_is_known_by_its_argon2id_hash():
    """The right one opens, in whichever form its letters were composed; another does not."""
    kept = hash_password("pass wörd, long enough")

    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p="), "RFC 9106, 4: 64 MiB, three passes"
    assert verify_password("pass wo\u0308rd, long enough", kept)
    assert not verify_password("pass word, long enough", kept)


def test_an_account_that_is_not_there_has_no_password():
    """It is hashed all the same, so that the answer takes as long; an unreadable hash is a no."""
    assert not verify_password("whatever it may be", None)
    assert not verify_password("whatever it may be", "")
    assert not verify_password("whatever it may be", "$argon2id$broken")


@pytest.mark.parametrize("password", ["", "x" * 11, "x" * (MAX_PASSWORD + 1)])
def test_a_password_is_neither_short_nor_endless(password):
    """Short ones are guessed; hashing is slow on purpose, so its input has a limit."""
    with pytest.raises(UnfitPassword):
        hash_password(password)
    assert not verify_password(password, None)


@pytest.mark.parametrize(
    "password",
    [
        "a" * 64,
        "            ",
        "only small letters",
        "犬も歩けば棒に当たると思います",
        "🔑" * 12,
        "x" * MAX_PASSWORD,
    ],
)
def test_any_characters_and_great_lengths_make_a_password(password):
    """Nothing is asked of its letters; to its last one it is the password, and none is cut off."""
    kept = hash_password(password)

    assert verify_password(password, kept)
    assert not verify_password(password[:-1], kept)
    assert not verify_password(password[:-1] + "y", kept)


def test_a_secret_has_192_bits_that_are_drawn():
    """Each bit behind the ids that it names is now one thing, now another (ASVS 11.5.1 asks for 128)."""
    row = uuid4()
    texts = [new_secret(SecretKind.CLIENT, workspace=row, id=row)[0] for _ in range(64)]
    drawn = [base64.urlsafe_b64decode(text.partition("_")[2] + "==")[32:] for text in texts]
    ones = [sum(int.from_bytes(one, "big") >> bit & 1 for one in drawn) for bit in range(192)]

    assert {len(one) for one in drawn} == {24}
    assert all(0 < count < len(drawn) for count in ones)
