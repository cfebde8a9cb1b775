"""The log in a real search engine: fed, found, compared, rebuilt; and the engine full, gone, wrong."""

import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from search_world import Trailing

from audit import feeds
from audit.documents import document


class LogSigner:
    """An Ed25519 signer for tests."""

    name = "test-log"

    def __init__(self):
        self._key = Ed25519PrivateKey.generate()
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, message):
        return self._key.sign(message)


@pytest.fixture
def trail(database, workspace, begin, search_engine):
    """A log, its feeder and a search."""
    return Trailing(database, workspace, begin, search_engine, LogSigner())


def test_what_was_fed_is_found_by_the_engine_and_told_by_the_database(trail):
    """The same question to both engines has the same answer."""
    trail.write(60)

    assert trail.feed() == 60
    found = trail.find(action="client:profile:read", outcome="refused", facets=("purpose", "actor"))
    fallen = trail.find(
        engine=None, action="client:profile:read", outcome="refused", facets=("purpose", "actor")
    )
    assert (found.engine, fallen.engine) == ("opensearch", "postgresql")
    assert found.total == fallen.total == 10
    assert found.entries == fallen.entries
    assert found.facets == fallen.facets == {"purpose": {"profiling": 10}, "actor": {"system:test": 10}}


def test_every_document_three_times_and_shuffled_leaves_the_same_state(trail):
    """F5: an outbox that delivers too often and in any order changes nothing."""
    trail.write(300)
    trail.feed()
    once, feed = trail.state(), trail.live()
    with trail.as_keeper() as work:
        rows = feeds.named([(0, seq) for seq in range(300)], work=work)
    actions = [trail.feeder.action(trail.log, feed, document(trail.log, kept)) for kept, _ in rows] * 3
    random.Random(5).shuffle(actions)
    for start in range(0, len(actions), 70):
        trail.feeder.deliver(actions[start : start + 70])

    assert len(once) == 300
    assert trail.state() == once
