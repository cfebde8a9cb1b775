"""Keyed hashes: alike for alike, apart for everything else, and useless without the root."""

import hmac
import os
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from cdp.kernel.ids import new_id
from governance.keys.blind import Blinder
from governance.keys.keyring import KeyState, KeyVersion, Use

WORKSPACE = new_id()
texts = st.text(st.characters(codec="utf-8"))


def root(version=1, secret=bytes(range(32))):
    return KeyVersion(version=version, state=KeyState.ACTIVE, created_at=datetime.now(UTC), secret=secret)


def blinder(use=Use.BLIND, workspace=WORKSPACE, **changed):
    return Blinder(root(**changed), use=use, workspace=workspace)


@given(st.lists(texts))
def test_a_batch_equals_its_values_one_by_one(values):
    """The kept pad states never leak one value into the next one's hash."""
    one = blinder()

    assert one.many("email", values) == [blinder().one("email", value) for value in values]


@given(st.tuples(texts, texts), st.tuples(texts, texts))
def test_different_values_or_namespaces_never_share_a_hash(a, b):
    """Length prefixes keep (`ab`, `c`) and (`a`, `bc`) apart."""
    assert (blinder().one(*a) == blinder().one(*b)) == (a == b)


def test_use_workspace_version_and_root_each_change_the_hash():
    """A hash from one use, tenant or key version finds nothing in another."""
    hashes = [
        *(blinder(use=use).one("email", "anna@example.com") for use in Use),
        blinder(workspace=new_id()).one("email", "anna@example.com"),
        blinder(version=2).one("email", "anna@example.com"),
        blinder(secret=os.urandom(32)).one("email", "anna@example.com"),
    ]

    assert len(set(hashes)) == len(Use) + 3


def test_ten_thousand_known_values_cannot_be_matched_without_the_root():
    """K6: given hashes without keys, then 10,000 known e-mails match none of them."""
    known = [f"person{n}@example.com" for n in range(10_000)]
    stored = set(blinder(secret=os.urandom(32)).many("email", known))
    guessed = {hmac.digest(WORKSPACE.bytes, value.encode(), "sha256") for value in known}
    guessed |= set(blinder(secret=bytes(32)).many("email", known))

    assert len(stored) == 10_000
    assert not stored & guessed


def test_printing_a_blinder_shows_no_key():
    """A blinder in a log is its use and version."""
    assert repr(blinder()) == "Blinder(use='blind', version=1)"
